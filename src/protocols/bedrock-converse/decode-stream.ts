/**
 * Streams: blocks with numbers of their own, then why it stopped, then usage. A text begins without notice. Blocks come one after the
 * other; what is mixed into a call is held back until the call ends, and a block that nobody ends is ended by the next one.
 */
import { exceptionOf } from '../../wire/aws-event-stream.ts'
import type { ChatEvent, Json, JsonObject, Part } from '../canonical.ts'
import type { Source, StreamDecoder } from '../codec.ts'
import { decodeStop } from './answer.ts'
import { decodeCitation, readBlob } from './decode-parts.ts'
import { errorOf } from './errors.ts'
import { format, isObject, isText, parsed } from './json.ts'
import { typeOf } from './media.ts'
import { writtenToolName } from './names.ts'
import { answerTool } from './tools.ts'
import { decodeUsage } from './usage.ts'

/** A block that is open. What has no deltas elsewhere is collected and told when it ends. */
interface Block {
  index: number
  kind: 'text' | 'thought' | 'call' | 'answer' | 'serverCall' | 'serverResult' | 'image'
  /** Something was told of it. */
  said: boolean
  start: JsonObject
  signature: string
  bytes: Buffer[]
  text: string
  content: JsonObject[]
}

/** Blocks that other ones must not end. */
const heldFor: ReadonlySet<Block['kind']> = new Set(['call', 'answer', 'serverCall', 'serverResult', 'image'])

export class ConverseDecoder implements StreamDecoder {
  readonly #proofs: string
  #started = false
  #block: Block | null = null
  #held: { name: string; body: JsonObject }[] = []
  #answered = false
  #called = false
  #stopped = false
  #counted = false
  #isOver = false

  constructor({ proofs }: Source) {
    this.#proofs = proofs
  }

  event(name: string, data: string, out: ChatEvent[]): void {
    if (this.#isOver) return
    const exception = exceptionOf(name)
    if (exception !== null) return void out.push({ type: 'error', error: errorOf(exception, data) })
    const body = parsed(data)
    if (!isObject(body)) return
    switch (name) {
      case 'messageStart': return this.#start(out)
      case 'contentBlockStart': case 'contentBlockDelta': case 'contentBlockStop': return this.#onBlock(name, body, out)
      case 'messageStop': return this.#stop(body, out)
      case 'metadata': return this.#count(body, out)
    }
  }

  end(out: ChatEvent[]): void {
    this.#closeAll(out)
    // The format has no mark of its end: it is whole once it said why it stopped.
    if (this.#stopped) this.#finish(out)
  }

  #start(out: ChatEvent[]): void {
    if (this.#started) return
    this.#started = true
    out.push({ type: 'start', id: '', model: '' })
  }

  #onBlock(name: string, body: JsonObject, out: ChatEvent[]): void {
    this.#start(out)
    const index = typeof body['contentBlockIndex'] === 'number' ? body['contentBlockIndex'] : 0
    const open = this.#block
    if (open !== null && open.index !== index) {
      if (heldFor.has(open.kind)) return void this.#held.push({ name, body })
      this.#close(out)
    }
    if (name === 'contentBlockStop') {
      this.#close(out)
      this.#release(out)
    } else if (name === 'contentBlockStart') this.#open(index, isObject(body['start']) ? body['start'] : {}, out)
    else if (isObject(body['delta'])) this.#delta(index, body['delta'], out)
  }

  #release(out: ChatEvent[]): void {
    const held = this.#held
    this.#held = []
    for (const { name, body } of held) this.#onBlock(name, body, out)
  }

  #begin(index: number, kind: Block['kind'], start: JsonObject): Block {
    return (this.#block = { index, kind, said: false, start, signature: '', bytes: [], text: '', content: [] })
  }

  #open(index: number, { toolUse, toolResult, image }: JsonObject, out: ChatEvent[]): void {
    if (this.#block !== null) this.#close(out)
    if (isObject(toolUse)) return this.#openCall(index, toolUse, out)
    if (isObject(toolResult)) this.#begin(index, 'serverResult', toolResult)
    else if (isObject(image)) this.#begin(index, 'image', image)
  }

  #openCall(index: number, call: JsonObject, out: ChatEvent[]): void {
    if (call['type'] !== undefined) return void this.#begin(index, 'serverCall', call)
    const name = isText(call['name']) ? writtenToolName(call['name']) : ''
    if (name === answerTool) {
      this.#answered = true
      this.#begin(index, 'answer', call)
      return this.#part({ type: 'text', text: '' }, out)
    }
    this.#called = true
    this.#begin(index, 'call', call)
    this.#part({ type: 'toolCall', id: isText(call['toolUseId']) ? call['toolUseId'] : '', name, arguments: '' }, out)
  }

  #part(part: Part, out: ChatEvent[]): void {
    out.push({ type: 'part', choice: 0, part })
  }

  #delta(index: number, delta: JsonObject, out: ChatEvent[]): void {
    const { text, toolUse, reasoningContent: thought, citation, toolResult, image } = delta
    if (isText(text)) {
      if (text === '') return
      if (this.#block?.kind !== 'text') this.#need(index, 'text', out)
      out.push({ type: 'delta', choice: 0, text })
    } else if (isObject(toolUse)) this.#moreOfCall(toolUse['input'], out)
    else if (isObject(thought)) this.#moreOfThought(index, thought, out)
    else if (isObject(citation)) {
      this.#need(index, 'text', out)
      out.push({ type: 'citation', choice: 0, citation: decodeCitation(citation) })
    } else if (Array.isArray(toolResult) && this.#block?.kind === 'serverResult') moreOfResult(this.#block, toolResult)
    else if (isObject(image) && isObject(image['source']) && isText(image['source']['bytes'])) this.#block?.bytes.push(Buffer.from(image['source']['bytes'], 'base64'))
  }

  /** The open block, if it is of this kind; else a new one. */
  #need(index: number, kind: 'text' | 'thought', out: ChatEvent[], redacted = false): Block {
    if (this.#block?.kind === kind) return this.#block
    if (this.#block !== null) this.#close(out)
    this.#part(kind === 'text' ? { type: 'text', text: '' } : { type: 'reasoning', ...(redacted ? { redacted } : {}) }, out)
    return this.#begin(index, kind, {})
  }

  #moreOfCall(input: Json | undefined, out: ChatEvent[]): void {
    const block = this.#block
    if (block === null || !isText(input) || input === '') return
    if (block.kind === 'serverCall') block.text += input
    else if (block.kind === 'call' || block.kind === 'answer') {
      block.said = true
      out.push({ type: 'delta', choice: 0, text: input })
    }
  }

  #moreOfThought(index: number, { text, signature, redactedContent }: JsonObject, out: ChatEvent[]): void {
    if (text === '' && signature === undefined && redactedContent === undefined) return
    const block = this.#need(index, 'thought', out, isText(redactedContent))
    if (isText(text) && text !== '') out.push({ type: 'delta', choice: 0, text })
    if (isText(signature)) block.signature += signature
    if (isText(redactedContent)) block.bytes.push(Buffer.from(redactedContent, 'base64'))
  }

  #close(out: ChatEvent[]): void {
    const block = this.#block
    this.#block = null
    if (block === null) return
    const { kind, start, text, bytes, content, said } = block
    if (kind === 'call' && !said) out.push({ type: 'delta', choice: 0, text: '{}' })
    else if (kind === 'thought') {
      const value = bytes.length > 0 ? readBlob(Buffer.concat(bytes).toString('base64')) : block.signature
      if (value !== '') out.push({ type: 'proof', choice: 0, proof: { by: this.#proofs, value } })
    } else if (kind === 'serverCall') this.#part({ type: 'native', format, value: { toolUse: { ...start, input: parsed(text || '{}') ?? text } } }, out)
    else if (kind === 'serverResult') this.#part({ type: 'native', format, value: { toolResult: { ...start, content } } }, out)
    else if (kind === 'image') {
      const mediaType = isText(start['format']) ? typeOf('image', start['format']) : undefined
      this.#part({ type: 'media', kind: 'image', source: { by: 'data', base64: Buffer.concat(bytes).toString('base64') }, ...(mediaType === undefined ? {} : { mediaType }) }, out)
    }
    out.push({ type: 'partEnd', choice: 0 })
  }

  #closeAll(out: ChatEvent[]): void {
    while (this.#block !== null || this.#held.length > 0) {
      this.#close(out)
      this.#release(out)
    }
  }

  #stop({ stopReason, additionalModelResponseFields: additional }: JsonObject, out: ChatEvent[]): void {
    this.#start(out)
    this.#closeAll(out)
    const { stop, ...more } = decodeStop(stopReason, additional)
    if (stop === undefined) return
    this.#stopped = true
    out.push({ type: 'stop', choice: 0, stop: stop === 'tool_calls' && this.#answered && !this.#called ? 'end' : stop, ...more })
    if (this.#counted) this.#finish(out)
  }

  #count({ usage, serviceTier }: JsonObject, out: ChatEvent[]): void {
    this.#start(out)
    if (isObject(usage)) {
      this.#counted = true
      const tier = isObject(serviceTier) && isText(serviceTier['type']) ? { serviceTier: serviceTier['type'] } : {}
      out.push({ type: 'usage', usage: decodeUsage(usage).usage, ...tier })
    }
    if (this.#stopped) this.#finish(out)
  }

  #finish(out: ChatEvent[]): void {
    if (this.#isOver) return
    this.#isOver = true
    out.push({ type: 'end' })
  }
}

/** Texts that follow each other are one. */
function moreOfResult({ content }: Block, list: readonly Json[]): void {
  for (const each of list) {
    const last = content.at(-1)
    if (isObject(each) && isText(each['text']) && last !== undefined && isText(last['text'])) last['text'] += each['text']
    else if (isObject(each)) content.push({ ...each })
  }
}
