/** One item of a stream that is being written: its events as they come, and in the end the whole of it. Deltas are put together from prepared texts, since nearly all events are one. */
import type { Citation, JsonObject, Part, Proof, ReasoningPart, RefusalPart, TextPart, TokenLogprob, ToolCallPart } from '../canonical.ts'
import { objectOr } from './json.ts'
import { annotation, callItem, isItem, messageItem, own, reasoningItem, textContent, token } from './output-items.ts'
import { continues } from './output.ts'

/** Where events go, numbered in their order. */
export interface Frames {
  nextNumber(): number
  frame(type: string, members: object): void
  put(frame: string): void
}

export abstract class ItemWriter {
  readonly id: string
  readonly index: number
  proof: Proof | undefined
  #before = ''
  #between = ''
  #after = ''

  constructor(id: string, index: number) {
    this.id = id
    this.index = index
  }

  /** `place`: the index of the content, where there is one. */
  protected prepare(type: string, place: string, after: string): void {
    this.#before = `event: ${type}\ndata: {"type":"${type}","sequence_number":`
    this.#between = `,"item_id":${JSON.stringify(this.id)},"output_index":${this.index}${place},"delta":`
    this.#after = `${after}}\n\n`
  }

  protected tell(text: string, frames: Frames): void {
    frames.put(this.#before + frames.nextNumber() + this.#between + JSON.stringify(text) + this.#after)
  }

  protected place(): { item_id: string; output_index: number } {
    return { item_id: this.id, output_index: this.index }
  }

  abstract delta(text: string, frames: Frames): void
  /** Ends it, and gives the item. */
  abstract close(status: string, frames: Frames): JsonObject

  prove(proof: Proof): void {
    this.proof = proof
  }

  /** Whether a part belongs to this item: then it is begun. */
  takes(_part: Part, _frames: Frames): boolean {
    return false
  }

  summary(_index: number, _text: string, _frames: Frames): void {}
  cite(_citation: Citation, _frames: Frames): void {}

  /** False: no text is open that they could belong to. */
  tokens(_tokens: readonly TokenLogprob[], _frames: Frames): boolean {
    return false
  }
}

type SaidPart = TextPart | RefusalPart

export class MessageWriter extends ItemWriter {
  readonly #first: SaidPart
  readonly #content: JsonObject[] = []
  #last: SaidPart
  #phase: string | undefined
  #beside: JsonObject = {}
  #text = ''
  #citations: Citation[] = []
  #logprobs: TokenLogprob[] = []

  constructor(part: SaidPart, id: string, index: number, frames: Frames) {
    super(id, index)
    this.#first = this.#last = part
    this.#phase = part.type === 'text' ? part.phase : undefined
    frames.frame('response.output_item.added', { output_index: index, item: messageItem(id, 'in_progress', [], this.#phase) })
    this.#begin(part, frames)
  }

  override takes(part: Part, frames: Frames): boolean {
    const last = this.proof && this.#last.type === 'text' ? { ...this.#last, proof: this.proof } : this.#last
    if (!continues(this.#first, part, last)) return false
    this.#end(frames)
    this.#begin(part as SaidPart, frames)
    return true
  }

  delta(text: string, frames: Frames): void {
    this.#text += text
    this.tell(text, frames)
  }

  override cite(citation: Citation, frames: Frames): void {
    const written = annotation(citation, this.#text)
    if (!written) return
    frames.frame('response.output_text.annotation.added', { ...this.#place(), annotation_index: this.#citations.push(citation) - 1, annotation: written })
  }

  override tokens(tokens: readonly TokenLogprob[], frames: Frames): boolean {
    if (this.#last.type !== 'text') return false
    this.#logprobs.push(...tokens)
    frames.frame('response.output_text.delta', { ...this.#place(), delta: '', logprobs: tokens.map(token) })
    return true
  }

  close(status: string, frames: Frames): JsonObject {
    this.#end(frames)
    const item = messageItem(this.id, status, this.#content, this.#phase, this.#beside)
    frames.frame('response.output_item.done', { output_index: this.index, item })
    return item
  }

  #place(): { item_id: string; output_index: number; content_index: number } {
    return { ...this.place(), content_index: this.#content.length }
  }

  #begin(part: SaidPart, frames: Frames): void {
    this.#last = part
    this.#text = ''
    this.#citations = []
    this.#logprobs = []
    const isText = part.type === 'text'
    if (isText) this.#phase ??= part.phase
    this.prepare(isText ? 'response.output_text.delta' : 'response.refusal.delta', `,"content_index":${this.#content.length}`, isText ? ',"logprobs":[]' : '')
    frames.frame('response.content_part.added', { ...this.#place(), part: isText ? textContent('', [], []) : { type: 'refusal', refusal: '' } })
    if (part.text !== '') this.delta(part.text, frames)
  }

  #end(frames: Frames): void {
    const part = this.#last
    if (part.type === 'refusal') frames.frame('response.refusal.done', { ...this.#place(), refusal: this.#text })
    else frames.frame('response.output_text.done', { ...this.#place(), text: this.#text, logprobs: this.#logprobs.map(token) })
    const content = part.type === 'refusal' ? { type: 'refusal', refusal: this.#text } : this.#written(part)
    frames.frame('response.content_part.done', { ...this.#place(), part: content })
    this.#content.push(content)
  }

  #written(part: TextPart): JsonObject {
    const { item, ...extras } = own(part.extras)
    this.#beside = { ...this.#beside, ...objectOr(item) }
    return { ...textContent(this.#text, [...part.citations ?? [], ...this.#citations], this.#logprobs), ...extras }
  }
}

/** The index of an open summary where none is. */
const none = -1

export class ReasoningWriter extends ItemWriter {
  readonly #part: ReasoningPart
  readonly #summaries: string[] = []
  readonly #contents: string[] = []
  /** Of another vendor: the thought itself is told as a summary, unless it has one. */
  #isMoved: boolean
  #summary = none
  #isOpen = false
  #text = ''

  constructor(part: ReasoningPart, id: string, index: number, frames: Frames) {
    super(id, index)
    this.#part = part
    this.#isMoved = !isItem(part)
    frames.frame('response.output_item.added', { output_index: index, item: { type: 'reasoning', id, summary: [], ...own(part.extras) } })
    this.#begin(part, frames)
  }

  /** Whether stretches of the same item may follow. */
  get mayGoOn(): boolean {
    return isItem(this.#part)
  }

  override takes(part: Part, frames: Frames): boolean {
    if (part.type !== 'reasoning' || !isItem(part) || part.id !== this.#part.id) return false
    this.#end(frames)
    this.#begin(part, frames)
    return true
  }

  override summary(index: number, text: string, frames: Frames): void {
    if (this.#isMoved && this.#isOpen) return this.delta(text, frames)
    this.#isMoved = false
    if (index !== this.#summary) this.#endSummary(frames)
    this.#summary = index
    while (this.#summaries.length <= index) {
      this.#summaries.push('')
      frames.frame('response.reasoning_summary_part.added', { ...this.place(), summary_index: this.#summaries.length - 1, part: { type: 'summary_text', text: '' } })
    }
    this.#summaries[index] += text
    frames.frame('response.reasoning_summary_text.delta', { ...this.place(), summary_index: index, delta: text })
  }

  delta(text: string, frames: Frames): void {
    if (!this.#isOpen) this.#open(frames)
    this.#text += text
    this.tell(text, frames)
  }

  close(_status: string, frames: Frames): JsonObject {
    this.#end(frames)
    const item = reasoningItem({ id: this.id, part: this.#part, summary: this.#summaries, content: this.#contents, proof: this.proof })
    frames.frame('response.output_item.done', { output_index: this.index, item })
    return item
  }

  #begin({ summary, text, proof }: ReasoningPart, frames: Frames): void {
    this.proof = proof ?? this.proof
    for (const [each, shown] of (summary ?? []).entries()) this.summary(each, shown, frames)
    if (text !== undefined && text !== '') this.delta(text, frames)
  }

  #open(frames: Frames): void {
    this.#endSummary(frames)
    this.#isOpen = true
    this.prepare(this.#isMoved ? 'response.reasoning_summary_text.delta' : 'response.reasoning_text.delta', this.#isMoved ? ',"summary_index":0' : `,"content_index":${this.#contents.length}`, '')
    if (this.#isMoved) frames.frame('response.reasoning_summary_part.added', { ...this.place(), summary_index: 0, part: { type: 'summary_text', text: '' } })
    else frames.frame('response.content_part.added', { ...this.place(), content_index: this.#contents.length, part: { type: 'reasoning_text', text: '' } })
  }

  #end(frames: Frames): void {
    this.#endSummary(frames)
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#isMoved) this.#tellSummary(0, this.#text, frames)
    else {
      const place = { ...this.place(), content_index: this.#contents.length }
      frames.frame('response.reasoning_text.done', { ...place, text: this.#text })
      frames.frame('response.content_part.done', { ...place, part: { type: 'reasoning_text', text: this.#text } })
    }
    this.#contents.push(this.#text)
    this.#text = ''
  }

  #endSummary(frames: Frames): void {
    if (this.#summary !== none) this.#tellSummary(this.#summary, this.#summaries[this.#summary]!, frames)
    this.#summary = none
  }

  #tellSummary(index: number, text: string, frames: Frames): void {
    const place = { ...this.place(), summary_index: index }
    frames.frame('response.reasoning_summary_text.done', { ...place, text })
    frames.frame('response.reasoning_summary_part.done', { ...place, part: { type: 'summary_text', text } })
  }
}

export class CallWriter extends ItemWriter {
  readonly #part: ToolCallPart
  #text = ''

  constructor(part: ToolCallPart, id: string, index: number, frames: Frames) {
    super(id, index)
    this.#part = part
    this.prepare(part.custom ? 'response.custom_tool_call_input.delta' : 'response.function_call_arguments.delta', '', '')
    frames.frame('response.output_item.added', { output_index: index, item: callItem(part, id, 'in_progress', '') })
    if (part.arguments !== '') this.delta(part.arguments, frames)
  }

  delta(text: string, frames: Frames): void {
    this.#text += text
    this.tell(text, frames)
  }

  close(status: string, frames: Frames): JsonObject {
    const item = callItem(this.#part, this.id, status, this.#text)
    if (this.#part.custom) frames.frame('response.custom_tool_call_input.done', { ...this.place(), input: this.#text })
    else frames.frame('response.function_call_arguments.done', { ...this.place(), name: this.#part.name, arguments: this.#text })
    frames.frame('response.output_item.done', { output_index: this.index, item })
    return item
  }
}
