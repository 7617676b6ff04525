/**
 * A stream for a Gemini client: every event is a whole answer with one new piece, the last one says why it ended and what was used. Text
 * passes as it comes; calls, and what is told at the end of a part or of the answer, are held until they are whole.
 */
import type { ChatEvent, ChatUsage, Citation, JsonObject, Part, Proof, TextPart, TokenLogprob } from '../canonical.ts'
import type { Client, StreamEncoder } from '../codec.ts'
import { encodeForClient, logprobsOf, timeOf } from './answer.ts'
import { errorBody } from './errors.ts'
import { blockIn, reasonOf } from './finish.ts'
import { metadataOf } from './grounding.ts'
import { Thoughts } from './signature.ts'
import { usageMetadataOf } from './usage.ts'

/** What is held of one choice. */
interface Held {
  choice: number
  part: Part | null
  /** Before and after the text of a piece of the open part. */
  head: string
  tail: string
  /** Of the open part: arguments, a thought, a text, since citations count from its beginning in bytes. */
  text: string
  summaries: string[]
  citations: Citation[]
  /** Texts that have citations. */
  cited: { index: number; part: TextPart }[]
  thoughts: Thoughts
  logprobs: TokenLogprob[]
  stop: Extract<ChatEvent, { type: 'stop' }> | null
}

export class Encoder implements StreamEncoder {
  readonly #client: Client
  readonly #asArray: boolean
  readonly #held: Held[] = []
  #isFirst = true
  /** After an error too. */
  #isOver = false
  /** More than the start has told of usage. */
  #isUsed = false
  /** The last event is written. */
  #isTold = false
  /** What every event ends with. */
  #about = ''
  #usage: ChatUsage | null = null
  #serviceTier: string | undefined

  /** `asArray`: without `alt=sse` a stream is one JSON array. */
  constructor(client: Client, asArray = false) {
    this.#client = client
    this.#asArray = asArray
    this.#head({ id: '', model: client.request.model })
  }

  write(event: ChatEvent): string {
    if (this.#isOver) return ''
    switch (event.type) {
      case 'delta': return this.#delta(this.#of(event.choice), event.text)
      case 'start': return this.#start(event)
      case 'part': return this.#part(this.#of(event.choice), event.part)
      case 'summary': return this.#summary(this.#of(event.choice), event.index, event.text)
      case 'proof': return this.#proof(this.#of(event.choice), event.proof)
      case 'citation': return this.#keep(this.#of(event.choice).citations, event.citation)
      case 'logprobs': return this.#keep(this.#of(event.choice).logprobs, ...event.tokens)
      case 'media': return this.#media(this.#of(event.choice), event.base64, event.transcript)
      case 'partEnd': return this.#partEnd(this.#of(event.choice))
      case 'stop':
        this.#of(event.choice).stop = event
        return this.#last()
      case 'usage': return this.#used(event)
      case 'error': return this.#error(event)
      case 'end': return this.#end()
    }
  }

  #of(choice: number): Held {
    for (const each of this.#held) if (each.choice === choice) return each
    const held: Held = { choice, part: null, head: '', tail: '', text: '', summaries: [], citations: [], cited: [], thoughts: new Thoughts(), logprobs: [], stop: null }
    this.#held.push(held)
    return held
  }

  #keep<T>(list: T[], ...items: T[]): string {
    list.push(...items)
    return ''
  }

  #start({ id, model, createdAt, serviceTier, usage }: Extract<ChatEvent, { type: 'start' }>): string {
    this.#usage = usage ?? null
    this.#serviceTier = serviceTier
    this.#head({ id, model, ...(createdAt === undefined ? {} : { createdAt }) })
    return ''
  }

  #head({ id, model, createdAt }: { id: string; model: string; createdAt?: number }): void {
    const about = { modelVersion: model, ...(createdAt === undefined ? {} : { createTime: timeOf(createdAt) }), responseId: id || this.#client.id }
    this.#about = `,${JSON.stringify(about).slice(1)}`
  }

  /** One answer, framed. */
  #framed(json: string): string {
    if (!this.#asArray) return `data: ${json}\n\n`
    const before = this.#isFirst ? '[' : ',\r\n'
    this.#isFirst = false
    return before + json
  }

  /** `candidates`: their members without the braces around. */
  #answer(members: string): string {
    return this.#framed(`{${members}${this.#about}`)
  }

  #parts({ choice }: Held, parts: readonly JsonObject[]): string {
    return parts.length === 0 ? '' : this.#answer(`"candidates":[{"content":{"parts":${JSON.stringify(parts)},"role":"model"},"index":${choice}}]`)
  }

  #part(held: Held, part: Part): string {
    held.part = part
    held.text = ''
    held.summaries = []
    switch (part.type) {
      case 'text': case 'refusal': case 'reasoning':
        held.head = '"candidates":[{"content":{"parts":[{"text":'
        held.tail = `${part.type === 'reasoning' ? ',"thought":true' : ''}}],"role":"model"},"index":${held.choice}}]`
        return part.text ? this.#delta(held, part.text) : ''
      case 'toolCall':
        held.text = part.arguments
        return ''
      case 'media':
        // Its bytes follow.
        if (part.source.by === 'data' && part.source.base64 === '') return ''
    }
    return this.#parts(held, encodeForClient(part, held.thoughts))
  }

  #delta(held: Held, text: string): string {
    const { part } = held
    if (part === null || text === '') return ''
    held.text += text
    return part.type === 'toolCall' ? '' : this.#answer(held.head + JSON.stringify(text) + held.tail)
  }

  /** Summaries are paragraphs of one thought. */
  #summary({ summaries, head, tail }: Held, index: number, text: string): string {
    const isNext = summaries[index] === undefined && index > 0
    summaries[index] = (summaries[index] ?? '') + text
    return this.#answer(head + JSON.stringify(isNext ? `\n\n${text}` : text) + tail)
  }

  #proof(held: Held, proof: Proof): string {
    const { part } = held
    if (part?.type === 'text' || part?.type === 'reasoning' || part?.type === 'toolCall' || part?.type === 'media') held.part = { ...part, proof }
    return ''
  }

  #media(held: Held, base64: string | undefined, transcript: string | undefined): string {
    const { part } = held
    if (part?.type !== 'media') return ''
    const parts = base64 ? encodeForClient({ ...part, source: { by: 'data', base64 } }, held.thoughts) : []
    if (transcript) parts.push({ text: transcript })
    return this.#parts(held, parts)
  }

  /** A signature ends its part: in a piece without a text. */
  #partEnd(held: Held): string {
    const { part, text, summaries, citations } = held
    held.part = null
    if (part?.type === 'toolCall') return this.#parts(held, encodeForClient({ ...part, arguments: text }, held.thoughts))
    if (part?.type === 'reasoning') {
      const whole = { ...part, ...(text === '' ? {} : { text }), ...(summaries.length > 0 ? { summary: summaries } : {}) }
      const [written] = encodeForClient(whole, held.thoughts)
      return part.proof && written ? this.#parts(held, [{ ...written, text: '' }]) : ''
    }
    if (part?.type !== 'text') return ''
    if (citations.length > 0) held.cited.push({ index: 0, part: { type: 'text', text, citations } })
    held.citations = []
    const [written] = encodeForClient({ ...part, text: '' }, held.thoughts)
    return part.proof ? this.#parts(held, [written!]) : ''
  }

  #used({ usage, serviceTier }: Extract<ChatEvent, { type: 'usage' }>): string {
    this.#usage = usage
    this.#isUsed = true
    this.#serviceTier = serviceTier ?? this.#serviceTier
    return this.#last()
  }

  /** Why all choices ended and what was used belong into one event: clients read no further than a reason. */
  #last(isOver = false): string {
    if (!isOver && (!this.#isUsed || this.#held.length === 0 || this.#held.some(({ stop }) => !stop))) return ''
    const candidates: JsonObject[] = []
    let block: string | null = null
    for (const { choice, stop, cited, logprobs } of this.#held) {
      block ??= blockIn(stop?.nativeStop)
      candidates.push({
        content: { parts: [{ text: '' }], role: 'model' }, ...(stop ? { finishReason: reasonOf(stop.stop, stop.nativeStop) } : {}), index: choice,
        ...metadataOf(cited), ...(logprobs.length > 0 ? { logprobsResult: logprobsOf(logprobs) } : {}),
      })
    }
    const said = block !== null ? { promptFeedback: { blockReason: block } } : candidates.length > 0 ? { candidates } : {}
    const json = JSON.stringify({ ...said, ...(this.#usage ? { usageMetadata: usageMetadataOf(this.#usage, this.#serviceTier) } : {}) })
    this.#isTold = true
    return json === '{}' ? '' : this.#answer(json.slice(1, -1))
  }

  #error({ error: { status, code, kind, message, param = null } }: Extract<ChatEvent, { type: 'error' }>): string {
    const json = errorBody({ message, status, type: kind ?? 'upstream_error', code: code ?? 'upstream_error', param, requestId: this.#client.id, fault: null })
    this.#isOver = true
    if (!this.#asArray) return `${json}\n`
    return `${this.#framed(json)}\n]`
  }

  #end(): string {
    const last = this.#isTold ? '' : this.#last(true)
    this.#isOver = true
    return this.#asArray ? `${last}${this.#isFirst ? '[' : ''}\n]` : last
  }
}
