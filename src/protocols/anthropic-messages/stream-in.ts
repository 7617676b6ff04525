/**
 * Reads a stream of this format. Blocks come one after the other and are numbered; should a vendor interleave them, the later one is
 * held back until the earlier one is closed. Calls of the vendor's own tools are one part each, given when they are whole.
 */
import type { ChatEvent, Json, JsonObject, Part, ToolCallPart } from '../canonical.ts'
import type { Source, StreamDecoder } from '../codec.ts'
import { openProof } from '../proof.ts'
import { isObject } from './fields.ts'
import { readCitation, readOutput } from './parts-in.ts'
import { objectOf } from './parts-out.ts'
import { readChatError, readStop } from './stops.ts'
import { mergedUsage, readUsage } from './usage.ts'

/** A block on its way. `held`: its events, while another is open. */
interface Open {
  index: number
  /** Native parts are given when they are whole: with their input, or with what a compaction says. */
  whole: JsonObject | null
  /** Of calls: what they have if no text of it comes. */
  input: JsonObject | null
  json: string
  held: ChatEvent[] | null
  isClosed: boolean
  /** Before the text of its deltas, in the spelling of the API itself; '' where they have none. */
  lead: string
}

const blank = 0x20, quote = 0x22, brace = 0x7d

function leadOf(index: number, type: Part['type']): string {
  const said = type === 'text' ? '"text_delta","text"' : type === 'reasoning' ? '"thinking_delta","thinking"' : ''
  return said === '' ? '' : `{"type":"content_block_delta","index":${index},"delta":{"type":${said}:"`
}

export class MessagesDecoder implements StreamDecoder {
  readonly #proofs: string
  /** The first one is open, the others wait. */
  #blocks: Open[] = []
  #usage: JsonObject | null = null
  /** Of the block that is open. */
  #lead = ''
  #begun = false
  #hasContent = false
  #over = false

  constructor(source: Source) {
    this.#proofs = source.proofs
  }

  event(_name: string, data: string, out: ChatEvent[]): void {
    if (this.#over) return
    const text = this.#plainText(data)
    if (text !== '') return void out.push({ type: 'delta', choice: 0, text })
    let event: Json
    try {
      event = JSON.parse(data) as Json
    } catch {
      return
    }
    if (!isObject(event)) return
    switch (event['type']) {
      case 'content_block_delta': return this.#delta(event, out)
      case 'content_block_start': return this.#open(event, out)
      case 'content_block_stop': return this.#close(event['index'], out)
      case 'message_start': return this.#begin(event['message'], out)
      case 'message_delta': return this.#stop(event, out)
      case 'message_stop':
        this.end(out)
        return this.#end(out)
      case 'error': return void out.push({ type: 'error', error: readChatError(event['error']) })
    }
  }

  /** Nearly all events are a piece of text without escapes: it is cut out. '' where the event has to be parsed. */
  #plainText(data: string): string {
    const lead = this.#lead
    if (lead === '' || !data.startsWith(lead)) return ''
    // The API pads its events with blanks before the last brace.
    let at = data.length - 2
    while (data.charCodeAt(at) === blank) at--
    if (data.charCodeAt(at) !== brace || data.charCodeAt(at - 1) !== quote || data.charCodeAt(data.length - 1) !== brace) return ''
    const text = data.slice(lead.length, at - 1)
    return text.includes('"') || text.includes('\\') ? '' : text
  }

  end(out: ChatEvent[]): void {
    for (let block = this.#blocks[0]; block; block = this.#blocks[0]) this.#close(block.index, out)
  }

  #end(out: ChatEvent[]): void {
    this.#over = true
    out.push({ type: 'end' })
  }

  /** Some vendors repeat the beginning. Behind content it is the beginning of another answer: what came so far is nothing whole. */
  #begin(message: Json | undefined, out: ChatEvent[]): void {
    if (!isObject(message)) return
    if (this.#begun) {
      if (!this.#hasContent) return
      this.end(out)
      out.push({ type: 'error', error: { status: 502, code: null, kind: 'api_error', message: 'The upstream began a second answer inside of the first one.' } })
      return this.#end(out)
    }
    this.#begun = true
    const { id, model, usage, content } = message
    if (isObject(usage)) this.#usage = usage
    const counted = this.#usage && readUsage(this.#usage)
    const tier = this.#usage?.['service_tier']
    out.push({ type: 'start', id: typeof id === 'string' ? id : '', model: typeof model === 'string' ? model : '', ...(typeof tier === 'string' && { serviceTier: tier }), ...(counted && { usage: counted }) })
    // An answer that was made earlier (a call within a program that goes on) stands in the beginning.
    if (Array.isArray(content)) for (const block of content) if (isObject(block)) out.push({ type: 'part', choice: 0, part: readOutput(block, this.#proofs) }, { type: 'partEnd', choice: 0 })
    this.#tellStop(message, out)
  }

  #stop(event: JsonObject, out: ChatEvent[]): void {
    const { delta, usage } = event
    if (isObject(delta)) this.#tellStop(delta, out)
    if (!isObject(usage)) return
    this.#usage = mergedUsage(this.#usage, usage)
    const counted = readUsage(this.#usage)
    const tier = usage['service_tier']
    if (counted) out.push({ type: 'usage', usage: counted, ...(typeof tier === 'string' && { serviceTier: tier }) })
  }

  #tellStop({ stop_reason: reason, stop_sequence: sequence }: JsonObject, out: ChatEvent[]): void {
    const stop = readStop(reason)
    if (stop) out.push({ type: 'stop', choice: 0, ...stop, ...(typeof sequence === 'string' && { stopSequence: sequence }) })
  }

  #open({ index, content_block: block }: JsonObject, out: ChatEvent[]): void {
    if (typeof index !== 'number' || !isObject(block) || this.#blocks.some((each) => each.index === index)) return
    this.#hasContent = true
    const part = readOutput(block, this.#proofs)
    const isWhole = part.type === 'native'
    const open: Open = { index, whole: isWhole ? part.value : null, input: null, json: '', held: this.#blocks.length > 0 ? [] : null, isClosed: false, lead: leadOf(index, part.type) }
    this.#blocks.push(open)
    this.#lead = this.#blocks[0]!.lead
    if (!isWhole) this.#tellOpen(part, open, open.held ?? out)
  }

  /** Text that stands in the first event is a delta like any other. */
  #tellOpen(part: Exclude<Part, { type: 'native' }>, open: Open, out: ChatEvent[]): void {
    switch (part.type) {
      case 'toolCall': {
        open.input = objectOf(part.arguments)
        const begun: ToolCallPart = { ...part, arguments: '' }
        out.push({ type: 'part', choice: 0, part: begun })
        return
      }
      case 'text': case 'reasoning': {
        const { text, ...rest } = part
        out.push({ type: 'part', choice: 0, part: part.type === 'text' ? { ...part, text: '' } : (rest as Part) })
        if (text !== undefined && text !== '') out.push({ type: 'delta', choice: 0, text })
        return
      }
      default: out.push({ type: 'part', choice: 0, part })
    }
  }

  #delta({ index, delta }: JsonObject, out: ChatEvent[]): void {
    let open = this.#blocks[0]
    if (open?.index !== index) open = this.#blocks.find((each) => each.index === index)
    if (!open || !isObject(delta)) return
    const to = open.held ?? out
    if (open.whole) return this.#grow(open, delta)
    const { type, text, thinking, partial_json: json } = delta
    switch (type) {
      case 'text_delta':
        if (typeof text === 'string' && text !== '') to.push({ type: 'delta', choice: 0, text })
        return
      case 'input_json_delta':
        if (typeof json !== 'string' || json === '') return
        open.input = null
        to.push({ type: 'delta', choice: 0, text: json })
        return
      case 'thinking_delta':
        if (typeof thinking === 'string' && thinking !== '') to.push({ type: 'delta', choice: 0, text: thinking })
        return
      case 'signature_delta':
        if (typeof delta['signature'] === 'string' && delta['signature'] !== '') to.push({ type: 'proof', choice: 0, proof: openProof(delta['signature'], this.#proofs) })
        return
      case 'citations_delta':
        if (delta['citation'] !== undefined) to.push({ type: 'citation', choice: 0, citation: readCitation(delta['citation']) })
    }
  }

  #grow(open: Open, { type, partial_json: json, ...said }: JsonObject): void {
    if (type === 'input_json_delta' && typeof json === 'string') open.json += json
    else if (type === 'compaction_delta') open.whole = { ...open.whole!, ...said }
  }

  #close(index: Json | undefined, out: ChatEvent[]): void {
    const open = this.#blocks.find((each) => each.index === index)
    if (!open || open.isClosed) return
    open.isClosed = true
    this.#tellClose(open, open.held ?? out)
    if (open !== this.#blocks[0]) return
    this.#blocks.shift()
    this.#release(out)
    this.#lead = this.#blocks[0]?.lead ?? ''
  }

  /** Those that waited, up to the one that is still on its way. */
  #release(out: ChatEvent[]): void {
    for (let next = this.#blocks[0]; next; next = this.#blocks[0]) {
      out.push(...next.held!)
      next.held = null
      if (!next.isClosed) return
      this.#blocks.shift()
    }
  }

  #tellClose(open: Open, out: ChatEvent[]): void {
    const { whole, input, json } = open
    if (whole) out.push({ type: 'part', choice: 0, part: readOutput(json === '' ? whole : { ...whole, input: objectOf(json) ?? { raw_arguments: json } }, this.#proofs) })
    else if (input) out.push({ type: 'delta', choice: 0, text: JSON.stringify(input) })
    out.push({ type: 'partEnd', choice: 0 })
  }
}
