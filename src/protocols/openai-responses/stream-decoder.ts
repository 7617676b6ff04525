/**
 * Events of a stream, as canonical events. Items are told in the order in which they were announced: what a vendor tells of a later one
 * meanwhile is held back. They are known by their index, since GitHub gives each event of an item another id; what came without
 * deltas, or without an announcement, is taken from the item itself. https://platform.openai.com/docs/api-reference/responses-streaming
 */
import type { ChatEvent, JsonObject, TokenLogprob } from '../canonical.ts'
import type { Source, StreamDecoder } from '../codec.ts'
import { stopOf } from './answer.ts'
import { errorOf } from './errors.ts'
import { isObject, listOr, numberOr, objectOr, only, textOr } from './json.ts'
import { ItemReader } from './item-reader.ts'
import { tokenOf } from './items.ts'
import { readUsage } from './usage.ts'

interface Held { index: number; reader: ItemReader | null; events: JsonObject[] }

const ends = new Set(['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled'])
const beginnings = new Set(['response.created', 'response.in_progress', 'response.queued'])

function tokensIn(response: JsonObject): TokenLogprob[] {
  const contents = listOr(response['output']).flatMap((item) => listOr(objectOr(item)['content']))
  return contents.flatMap((content) => listOr(objectOr(content)['logprobs'])).map((each) => tokenOf(objectOr(each)))
}

export class ResponsesStreamDecoder implements StreamDecoder {
  readonly #source: Source
  readonly #told = new Set<number>()
  /** The first is being told. */
  #items: Held[] = []
  #hasStarted = false
  #isOver = false
  #hasFailed = false
  #hasCall = false
  #hasRefusal = false
  #hasTokens = false

  constructor(source: Source) {
    this.#source = source
  }

  event(name: string, data: string, out: ChatEvent[]): void {
    if (this.#isOver) return
    if (data === '[DONE]') return this.#finish(out)
    let event: unknown
    try {
      event = JSON.parse(data)
    } catch {
      return
    }
    if (!isObject(event)) return
    const type = textOr(event['type']) ?? name
    if (type === 'error') return this.#fail(event, out)
    if (ends.has(type)) return this.#ended(type, objectOr(event['response']), out)
    if (beginnings.has(type)) return this.#start(objectOr(event['response']), out)
    const index = event['output_index']
    if (typeof index === 'number') this.#item(type, index, event, out)
  }

  end(out: ChatEvent[]): void {
    if (!this.#isOver) this.#close({}, out)
    this.#isOver = true
  }

  #start(response: JsonObject, out: ChatEvent[]): void {
    if (this.#hasStarted) return
    this.#hasStarted = true
    out.push(only<Extract<ChatEvent, { type: 'start' }>>({ type: 'start', id: textOr(response['id']) ?? '', model: textOr(response['model']) ?? '', createdAt: numberOr(response['created_at']) }))
  }

  #item(type: string, index: number, event: JsonObject, out: ChatEvent[]): void {
    if (this.#told.has(index)) return
    this.#start({}, out)
    let at = this.#items.findIndex((each) => each.index === index)
    if (at < 0) at = this.#items.push({ index, reader: null, events: [] }) - 1
    if (at > 0) return void this.#items[at]!.events.push({ ...event, type })
    this.#tell(type, event, out)
    while (this.#items[0]?.reader?.isDone) this.#next(out)
  }

  #tell(type: string, event: JsonObject, out: ChatEvent[]): void {
    const first = this.#items[0]!
    first.reader ??= new ItemReader(this.#source.proofs)
    first.reader.event(type, event, out)
  }

  /** The first one is told: what was held back of the one behind it. */
  #next(out: ChatEvent[]): void {
    const { index, reader } = this.#items.shift()!
    this.#told.add(index)
    this.#hasCall ||= reader!.isCall
    this.#hasRefusal ||= reader!.hasRefusal
    this.#hasTokens ||= reader!.hasTokens
    const events = this.#items[0]?.events.splice(0) ?? []
    for (const event of events) {
      if (this.#items[0]!.reader?.isDone) return
      this.#tell(textOr(event['type'])!, event, out)
    }
  }

  /** Items that never ended are as the whole response has them, or as far as they came. */
  #close(response: JsonObject, out: ChatEvent[]): void {
    const output = listOr(response['output'])
    while (this.#items.length > 0) {
      const { index, reader } = this.#items[0]!
      const whole = output[index]
      if (reader?.isDone) {
        this.#next(out)
        continue
      }
      if (isObject(whole) && (!reader?.type || reader.type === whole['type'])) this.#tell('response.output_item.done', { item: whole }, out)
      else (this.#items[0]!.reader ??= new ItemReader(this.#source.proofs)).close(out)
      this.#next(out)
    }
  }

  #ended(type: string, response: JsonObject, out: ChatEvent[]): void {
    this.#start(response, out)
    const isEmpty = this.#told.size === 0 && this.#items.length === 0
    this.#close(response, out)
    // Some proxies tell nothing before the end.
    if (isEmpty) for (const [index, item] of listOr(response['output']).entries()) this.#item('response.output_item.done', index, { item }, out)
    const tokens = this.#hasTokens ? [] : tokensIn(response)
    if (tokens.length > 0) out.push({ type: 'logprobs', choice: 0, tokens })
    if (type === 'response.failed') this.#fail(response, out)
    const stop = stopOf({ ...response, status: response['status'] === 'cancelled' ? 'cancelled' : type.slice(9) }, this.#hasCall, this.#hasRefusal)
    if (stop) out.push({ type: 'stop', choice: 0, ...stop })
    const usage = readUsage(response)
    const serviceTier = textOr(response['service_tier'])
    if (usage) out.push({ type: 'usage', usage, ...(serviceTier !== undefined && { serviceTier }) })
    this.#finish(out)
  }

  /** OpenAI tells an error twice: by itself, and with the response that failed. */
  #fail(event: JsonObject, out: ChatEvent[]): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    out.push({ type: 'error', error: errorOf(event) })
  }

  #finish(out: ChatEvent[]): void {
    this.#close({}, out)
    this.#isOver = true
    out.push({ type: 'end' })
  }
}
