/**
 * An answer on its way from a vendor's format to the client's: streams event by event, plain answers whole. It says what the vendor
 * said and nothing else; a stream that breaks is not ended here.
 */
import type { ChatAnswer, ChatEvent, ChatRequest, JsonObject } from '../protocols/canonical.ts'
import type { UsageRules } from '../providers/provider.ts'
import type { ChatCodec, Client, Source, StreamDecoder, StreamEncoder } from '../protocols/codec.ts'
import { isWhole, type PlainAnswer, type PlainCodec, type PlainRequest } from '../protocols/plain.ts'
import { Collector, spread } from '../protocols/whole.ts'
import { encodingOf, type EventScanner, type StreamEvent } from '../wire/event-scanner.ts'
import type { Gate, Verdict } from '../wire/event-gate.ts'
import { eventsOf, type Framings } from './reframe.ts'
import { withCost } from './usage-cost.ts'
import { isOwnEnd } from './own-end.ts'

export interface Translation {
  /** Nano-dollars of what was used, to be told with the usage; null: the client did not ask for it. */
  costNano: number | null
  /** The vendor told no other end than the model's own: the client's format may have no word for another. */
  endsItself: boolean
  /** Null: nothing of it streams. */
  gate(judge: (event: StreamEvent) => Verdict): Gate | null
  /** Takes a whole answer. False: it is none of the vendor's format. */
  take(body: Buffer): boolean
  /** The answer that was taken, for the client. */
  written(asStream: boolean): Buffer
  /** The whole answer as its client got it; null: there was none, or none that could be gone on from. */
  kept(): JsonObject | null
}

/** Of one attempt. */
export interface TranslationOptions {
  from: ChatCodec
  to: ChatCodec
  framings: Framings
  /** Who made the proofs in the answer. */
  proofs: string
  request: ChatRequest
  usage: UsageRules
  /** The answer is kept: under an id of its own, as its client gets it. */
  keeps: boolean
  id: string
  nowS: number
}

export class ChatTranslation implements Translation {
  readonly #options: TranslationOptions
  readonly #client: Client
  readonly #source: Source
  #answer: ChatAnswer | null = null
  #collector: Collector | null = null
  costNano: number | null = null
  endsItself = true

  constructor(options: TranslationOptions) {
    this.#options = options
    this.#source = { id: options.id, proofs: options.proofs, request: options.request, usage: options.usage }
    this.#client = { request: options.request, id: options.id, nowS: options.nowS }
  }

  gate(judge: (event: StreamEvent) => Verdict): Gate {
    const { from, to, keeps } = this.#options
    if (keeps) this.#collector = new Collector()
    return new TranslatedStream(this, this.#options, from.decodeStream(this.#source), to.encodeStream(this.#client), judge)
  }

  /** One event on its way. */
  passes(event: ChatEvent): void {
    if (this.costNano !== null && event.type === 'usage') event.usage.costNano = this.costNano
    if (event.type === 'start') {
      // Cohere names none.
      if (event.model === '') event.model = this.#options.request.model
      if (this.#collector !== null) event.id = ''
    }
    if (event.type === 'stop' && !isOwnEnd(event.stop)) this.endsItself = false
    this.#collector?.take(event)
  }

  kept(): JsonObject | null {
    const answer = this.#collector?.answer ?? this.#answer
    return answer && this.#options.to.encodeAnswer(answer, this.#client)
  }

  take(body: Buffer): boolean {
    this.#answer = this.#options.from.decodeAnswer(JSON.parse(body.toString()) as JsonObject, this.#source)
    if (this.#options.keeps) this.#answer.id = ''
    if (this.#answer.model === '') this.#answer.model = this.#options.request.model
    if (!this.#answer.choices.every(({ stop }) => isOwnEnd(stop))) this.endsItself = false
    return this.#answer.choices.length > 0
  }

  written(asStream: boolean): Buffer {
    const answer = this.#answer!
    const { to } = this.#options
    if (answer.usage && this.costNano !== null) answer.usage.costNano = this.costNano
    if (!asStream) return Buffer.from(JSON.stringify(to.encodeAnswer(answer, this.#client)))
    const encoder = to.encodeStream(this.#client)
    let text = ''
    for (const event of spread(answer)) text += encoder.write(event)
    return Buffer.from(text, encodingOf(this.#options.framings.clientFraming))
  }
}

/** Of one attempt at a request without conversation. */
export interface PlainOptions {
  from: PlainCodec
  to: PlainCodec
  request: PlainRequest
  /** Where the client's format tells usage. */
  usageIn: readonly string[]
  id: string
}

export class PlainTranslation implements Translation {
  readonly #options: PlainOptions
  #answer: PlainAnswer | null = null
  costNano: number | null = null
  readonly endsItself = true

  constructor(options: PlainOptions) {
    this.#options = options
  }

  gate(): null {
    return null
  }

  take(body: Buffer): boolean {
    const { from, request } = this.#options
    this.#answer = from.decodeAnswer(JSON.parse(body.toString()) as JsonObject)
    return isWhole(this.#answer, request)
  }

  written(): Buffer {
    const { to, request, id, usageIn } = this.#options
    const body = Buffer.from(JSON.stringify(to.encodeAnswer(this.#answer!, { request, id })))
    return this.costNano === null || usageIn.length === 0 ? body : withCost(body, usageIn, this.costNano)
  }

  kept(): null {
    return null
  }
}

class TranslatedStream implements Gate {
  /** Whole events are all that it writes. */
  readonly atBoundary = true
  readonly #translation: ChatTranslation
  readonly #scanner: EventScanner
  readonly #decoder: StreamDecoder
  readonly #encoder: StreamEncoder
  readonly #judge: (event: StreamEvent) => Verdict
  readonly #events: ChatEvent[] = []
  readonly #encoding: BufferEncoding
  readonly #id: string
  #text = ''

  constructor(translation: ChatTranslation, { framings, id }: TranslationOptions, decoder: StreamDecoder, encoder: StreamEncoder, judge: (event: StreamEvent) => Verdict) {
    this.#translation = translation
    this.#decoder = decoder
    this.#encoder = encoder
    this.#judge = judge
    this.#id = id
    this.#encoding = encodingOf(framings.clientFraming)
    this.#scanner = eventsOf(framings, (event) => this.#take(event))
  }

  push(chunk: Buffer): Buffer[] {
    this.#scanner.push(chunk)
    return this.#written()
  }

  end(complete: () => boolean): Buffer[] {
    this.#scanner.end()
    // A stream that broke is ended by an error of ours.
    if (complete()) this.#decoder.end(this.#events)
    this.#write()
    return this.#written()
  }

  #take(event: StreamEvent): void {
    if (this.#judge(event) === 'drop' || event.data === null) return
    this.#decoder.event(event.name, event.data, this.#events)
    this.#write()
  }

  #write(): void {
    const events = this.#events
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!
      this.#translation.passes(event)
      if (event.type === 'error') event.error.message += ` (request ${this.#id})`
      this.#text += this.#encoder.write(event)
    }
    events.length = 0
  }

  #written(): Buffer[] {
    if (this.#text === '') return nothing
    const bytes = Buffer.from(this.#text, this.#encoding)
    this.#text = ''
    return [bytes]
  }
}

const nothing: Buffer[] = []
