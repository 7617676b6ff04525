/** Streams of Ollama's chat, both ways: a line each, with more of the text or thought, or with whole calls; the last says `done`. https://docs.ollama.com/api/streaming */
import type { ChatEvent, Json, JsonObject, Part } from '../canonical.ts'
import type { Client, StreamDecoder, StreamEncoder } from '../codec.ts'
import { defined, isList, isNumber, isObject, isText, isTexts, parsedObject } from '../members.ts'
import { callReader, logprobsFrom, logprobsTo, reasonOf, secondsOf, stopFrom, timeOf, usageFrom, usageTo } from './answer.ts'
import { argumentsOf } from './calls.ts'
import { imageFrom } from './images.ts'

export class OllamaDecoder implements StreamDecoder {
  #isStarted = false
  #isOver = false
  #open: 'text' | 'reasoning' | null = null
  #calls = 0

  event(_name: string, data: string, out: ChatEvent[]): void {
    if (this.#isOver) return
    const line = parsedObject(data)
    if (!line) return
    if (line['error'] !== undefined) return this.#error(line, out)
    const message = line['message']
    if (isObject(message)) this.#message(message, line, out)
    const tokens = logprobsFrom(line['logprobs'])
    if (tokens) out.push({ type: 'logprobs', choice: 0, tokens })
    if (line['done'] === true) this.#finish(line, out)
  }

  end(out: ChatEvent[]): void {
    if (!this.#isOver) this.#close(out)
  }

  #message(message: JsonObject, line: JsonObject, out: ChatEvent[]): void {
    if (!this.#isStarted) this.#start(line, out)
    this.#piece('reasoning', message['thinking'], out)
    if (isTexts(message['images'])) for (const each of message['images']) this.#whole(imageFrom(each), out)
    this.#piece('text', message['content'], out)
    const calls = message['tool_calls']
    if (!isList(calls)) return
    const read = callReader(line['created_at'], this.#calls)
    for (const [index, call] of calls.entries()) this.#call(read(call, index), out)
    this.#calls += calls.length
  }

  #start(line: JsonObject, out: ChatEvent[]): void {
    this.#isStarted = true
    const createdAt = secondsOf(line['created_at'])
    const model = isText(line['model']) ? line['model'] : ''
    out.push(createdAt === undefined ? { type: 'start', id: '', model } : { type: 'start', id: '', model, createdAt })
  }

  #piece(kind: 'text' | 'reasoning', text: Json | undefined, out: ChatEvent[]): void {
    if (!isText(text) || text === '') return
    if (this.#open !== kind) {
      this.#close(out)
      this.#open = kind
      out.push({ type: 'part', choice: 0, part: kind === 'text' ? { type: 'text', text: '' } : { type: 'reasoning' } })
    }
    out.push({ type: 'delta', choice: 0, text })
  }

  #call(part: Part, out: ChatEvent[]): void {
    if (part.type !== 'toolCall') return this.#whole(part, out)
    this.#close(out)
    out.push({ type: 'part', choice: 0, part: { ...part, arguments: '' } }, { type: 'delta', choice: 0, text: part.arguments }, { type: 'partEnd', choice: 0 })
  }

  #whole(part: Part, out: ChatEvent[]): void {
    this.#close(out)
    out.push({ type: 'part', choice: 0, part }, { type: 'partEnd', choice: 0 })
  }

  #close(out: ChatEvent[]): void {
    if (this.#open === null) return
    this.#open = null
    out.push({ type: 'partEnd', choice: 0 })
  }

  #finish(line: JsonObject, out: ChatEvent[]): void {
    this.#close(out)
    const stop = stopFrom(line['done_reason'], this.#calls > 0)
    if (stop) out.push({ type: 'stop', choice: 0, ...stop })
    const usage = usageFrom(line)
    if (usage) out.push({ type: 'usage', usage })
    this.#isOver = true
    out.push({ type: 'end' })
  }

  #error({ error, status }: JsonObject, out: ChatEvent[]): void {
    this.#close(out)
    this.#isOver = true
    out.push({ type: 'error', error: { status: isNumber(status) ? status : 500, code: null, kind: null, message: isText(error) ? error : JSON.stringify(error) } })
  }
}

export class OllamaEncoder implements StreamEncoder {
  readonly #client: Client
  /** Of every line, up to its message. */
  #head = ''
  /** What stands before and behind a delta of the open part; '' where it has none. */
  #before = ''
  #after = ''
  #isThought = false
  /** The call that is written once it is whole. */
  #call: Extract<Part, { type: 'toolCall' }> | null = null
  /** The image likewise. */
  #image: string | null = null
  #calls = 0
  #reason: string | undefined
  #usage: ReturnType<typeof usageTo> | undefined
  #hasFailed = false

  constructor(client: Client) {
    this.#client = client
    this.#begin(client.request.model, client.nowS)
  }

  write(event: ChatEvent): string {
    if (this.#hasFailed || ('choice' in event && event.choice !== 0)) return ''
    switch (event.type) {
      case 'delta': return this.#delta(event.text)
      case 'part': return this.#part(event.part)
      case 'partEnd': return this.#partEnd()
      case 'start':
        this.#begin(event.model || this.#client.request.model, event.createdAt ?? this.#client.nowS)
        return ''
      case 'summary': return this.#isThought ? this.#delta(event.text) : ''
      case 'media':
        if (this.#image !== null) this.#image += event.base64 ?? ''
        return event.transcript === undefined ? '' : this.#line({ content: event.transcript })
      case 'logprobs': return this.#line({ content: '' }, { logprobs: logprobsTo(event.tokens) })
      case 'stop':
        this.#reason = reasonOf(event.stop, event.nativeStop)
        return ''
      case 'usage':
        this.#usage = usageTo(event.usage)
        return ''
      case 'error':
        this.#hasFailed = true
        return `${JSON.stringify({ error: event.error.message })}\n`
      case 'end': return this.#line({ content: '' }, { done: true, done_reason: this.#reason, ...this.#usage })
      case 'proof': case 'citation': return ''
    }
  }

  #begin(model: string, seconds: number): void {
    this.#head = `{"model":${JSON.stringify(model)},"created_at":"${timeOf(seconds)}","message":{"role":"assistant",`
  }

  /** Nearly all events of a stream. */
  #delta(text: string): string {
    if (this.#call) this.#call.arguments += text
    if (this.#before === '' || text === '') return ''
    return this.#before + JSON.stringify(text) + this.#after
  }

  #line(message: JsonObject, rest: Record<string, unknown> = {}): string {
    return `${this.#head}${JSON.stringify(message).slice(1)},${JSON.stringify(defined({ done: false, ...rest })).slice(1)}\n`
  }

  #part(part: Part): string {
    this.#isThought = part.type === 'reasoning'
    switch (part.type) {
      case 'text': case 'refusal': return this.#open('"content":') + this.#delta(part.text)
      case 'reasoning': return this.#open('"content":"","thinking":') + this.#delta(part.text ?? '')
      case 'toolCall':
        this.#call = { ...part }
        return ''
      case 'media':
        if (part.kind === 'image' && part.source.by === 'data') this.#image = part.source.base64
        return part.transcript === undefined ? '' : this.#line({ content: part.transcript })
      case 'native': return part.format === 'ollama-chat' ? this.#line({ content: '', tool_calls: [part.value] }) : ''
      case 'toolResult': return ''
    }
  }

  #open(member: string): '' {
    this.#before = this.#head + member
    this.#after = '},"done":false}\n'
    return ''
  }

  #partEnd(): string {
    const call = this.#call
    const image = this.#image
    this.#before = ''
    this.#call = this.#image = null
    if (image !== null) return this.#line({ content: '', images: [image] })
    return call ? this.#line({ content: '', tool_calls: [{ id: call.id, function: { index: this.#calls++, name: call.name, arguments: argumentsOf(call) } }] }) : ''
  }
}
