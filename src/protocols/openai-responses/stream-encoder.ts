/**
 * Canonical events as the complete grammar of a Responses stream: every item and every content is announced, told and ended, under one
 * id, with running numbers. What an official client gathers of it is the whole answer. https://platform.openai.com/docs/api-reference/responses-streaming
 */
import type { ChatError, ChatEvent, ChatUsage, JsonObject, Part, StopReason, TokenLogprob } from '../canonical.ts'
import type { Client, StreamEncoder } from '../codec.ts'
import { echoOf, ending, headOf } from './answer.ts'
import { codeOf } from './errors.ts'
import { format, listOr, objectOr, only } from './json.ts'
import { carrier, Ids, imageItem, token } from './output-items.ts'
import { inWords } from './output.ts'
import { CallWriter, type Frames, ItemWriter, MessageWriter, ReasoningWriter } from './item-writers.ts'
import { writeToolUsage, writeUsage } from './usage.ts'
import { tierOf } from './write-request.ts'

export class ResponsesStreamEncoder implements StreamEncoder, Frames {
  readonly #client: Client
  readonly #ids: Ids
  readonly #output: JsonObject[] = []
  #out = ''
  #sequence = 0
  #head: JsonObject | null = null
  /** What the request says, as the members of an object without its opening brace. */
  #echo = ''
  #item: ItemWriter | null = null
  /** An image on its way. */
  #media: Extract<Part, { type: 'media' }> | null = null
  #stop: { stop: StopReason; nativeStop?: string } | null = null
  #hasRefusal = false
  /** Log probabilities that came when the texts were over: they stand in the response alone. */
  readonly #late: TokenLogprob[] = []
  #usage: ChatUsage | null = null
  #serviceTier: string | null = null
  #isOver = false

  constructor(client: Client) {
    this.#client = client
    this.#ids = new Ids(client.id)
  }

  write(event: ChatEvent): string {
    if (this.#isOver) return ''
    this.#out = ''
    this.#take(event)
    return this.#out
  }

  /** Numbered in the order in which they are written. */
  nextNumber(): number {
    return this.#sequence++
  }

  put(frame: string): void {
    this.#out += frame
  }

  frame(type: string, members: object): void {
    this.#out += `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.nextNumber()},${JSON.stringify(members).slice(1)}\n\n`
  }

  #take(event: ChatEvent): void {
    // A client of this format can't ask for another.
    if ('choice' in event && event.choice !== 0) return
    switch (event.type) {
      case 'delta': return this.#item?.delta(event.text, this)
      case 'start': return this.#start(event)
      case 'part': return this.#part(event.part)
      case 'summary': return this.#item?.summary(event.index, event.text, this)
      case 'proof': return this.#item?.prove(event.proof)
      case 'citation': return this.#item?.cite(event.citation, this)
      case 'logprobs': return this.#tokens(event.tokens)
      case 'media': return this.#grow(event)
      case 'partEnd': return this.#partEnd()
      case 'stop': this.#stop = event; return
      case 'usage':
        this.#usage = event.usage
        if (event.serviceTier !== undefined) this.#serviceTier = tierOf(event.serviceTier)
        return
      case 'error': return this.#fail(event.error)
      case 'end': return this.#end()
    }
  }

  #start(start: { id: string; model: string; createdAt?: number; serviceTier?: string; usage?: ChatUsage }): void {
    if (this.#head) return
    const { request } = this.#client
    this.#serviceTier = start.serviceTier === undefined ? null : tierOf(start.serviceTier)
    this.#usage = start.usage ?? null
    this.#head = headOf(start, this.#client, this.#ids)
    this.#echo = JSON.stringify(echoOf(request)).slice(1)
    const response = this.#response({ status: 'in_progress', error: null, incomplete_details: null, output: [], service_tier: this.#serviceTier })
    this.#lifecycle('response.created', response)
    this.#lifecycle('response.in_progress', response)
  }

  #response(members: JsonObject): string {
    return `${JSON.stringify({ ...this.#head, ...members }).slice(0, -1)},${this.#echo}`
  }

  #lifecycle(type: string, response: string): void {
    this.#out += `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.nextNumber()},"response":${response}}\n\n`
  }

  #part(part: Part): void {
    this.#start({ id: '', model: '' })
    this.#hasRefusal ||= part.type === 'refusal'
    if (this.#item?.takes(part, this)) return
    this.#close('completed')
    const proof = 'proof' in part && part.type !== 'reasoning' ? part.proof : undefined
    if (proof && (part.type === 'text' || part.type === 'toolCall')) this.#whole(carrier(this.#ids.next('rs'), proof, 'n'))
    const index = this.#output.length
    switch (part.type) {
      case 'text': case 'refusal': this.#item = new MessageWriter(part, part.id ?? this.#ids.next('msg'), index, this); return
      case 'reasoning': this.#item = new ReasoningWriter(part, part.id ?? this.#ids.next('rs'), index, this); return
      case 'toolCall': this.#item = new CallWriter(part, part.itemId ?? this.#ids.next(part.custom ? 'ctc' : 'fc'), index, this); return
      case 'native': return part.format === format ? this.#whole(part.value) : undefined
      case 'media': this.#media = structuredClone(part); return
      // Results stand in requests alone.
      case 'toolResult': return
    }
  }

  #tokens(tokens: readonly TokenLogprob[]): void {
    if (!this.#item?.tokens(tokens, this)) this.#late.push(...tokens)
  }

  #grow({ base64, transcript }: Extract<ChatEvent, { type: 'media' }>): void {
    const media = this.#media
    if (media?.source.by === 'data' && base64 !== undefined) media.source.base64 += base64
    if (media && transcript !== undefined) media.transcript = (media.transcript ?? '') + transcript
  }

  #partEnd(): void {
    // What follows may belong to the same item.
    const mayGoOn = this.#item instanceof MessageWriter || (this.#item instanceof ReasoningWriter && this.#item.mayGoOn)
    if (!mayGoOn) this.#close('completed')
    const media = this.#media
    this.#media = null
    if (!media) return
    if (media.kind !== 'image') return this.#part(inWords(media))
    const image = imageItem(this.#ids.next('ig'), media)
    if (image) this.#whole(image)
  }

  /** An item without deltas. */
  #whole(item: JsonObject): void {
    const index = this.#output.push(item) - 1
    this.frame('response.output_item.added', { output_index: index, item })
    this.frame('response.output_item.done', { output_index: index, item })
  }

  #close(status: string): void {
    const item = this.#item
    if (!item) return
    this.#item = null
    this.#output.push(item.close(status, this))
    if (item.proof && !(item instanceof ReasoningWriter)) this.#whole(carrier(this.#ids.next('rs'), item.proof, 'p'))
  }

  #end(): void {
    this.#isOver = true
    // Without a stop the answer has not ended, and nobody says that it did.
    if (!this.#stop || !this.#head) return this.#close('incomplete')
    const end = ending(this.#stop.stop, this.#stop.nativeStop, this.#hasRefusal)
    this.#close(end.status === 'incomplete' ? 'incomplete' : 'completed')
    if (this.#late.length > 0) this.#tellLate()
    const members = only<JsonObject>({
      completed_at: end.status === 'completed' ? this.#client.nowS : null, ...end, error: null, output: this.#output, usage: this.#usage ? writeUsage(this.#usage) : undefined,
      tool_usage: this.#usage ? writeToolUsage(this.#usage) : undefined, service_tier: this.#serviceTier,
    })
    this.#lifecycle(end.status === 'completed' ? 'response.completed' : 'response.incomplete', this.#response(members))
  }

  #tellLate(): void {
    const texts = this.#output.flatMap((item) => (item['type'] === 'message' ? listOr(item['content']) : [])).map(objectOr)
    const first = texts.find((content) => content['type'] === 'output_text')
    if (first) first['logprobs'] = [...listOr(first['logprobs']), ...this.#late.map(token)]
  }

  /** As OpenAI does it: by itself, and with the response, which is all that Codex looks at. */
  #fail(error: ChatError): void {
    this.#start({ id: '', model: '' })
    this.#isOver = true
    const said = { code: codeOf(error), message: error.message, param: error.param ?? null }
    this.frame('error', { ...said, error: { type: error.kind ?? 'server_error', ...said } })
    const members = only<JsonObject>({
      status: 'failed', error: { code: said.code, message: said.message }, incomplete_details: null, output: this.#output, usage: this.#usage ? writeUsage(this.#usage) : undefined, service_tier: this.#serviceTier,
    })
    this.#lifecycle('response.failed', this.#response(members))
  }
}
