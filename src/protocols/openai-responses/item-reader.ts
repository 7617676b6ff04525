/** One item of a stream: its parts as they come, and what its end tells beyond the deltas. */
import type { ChatEvent, JsonObject, Part, TokenLogprob } from '../canonical.ts'
import { citationOf, readItem, tokenOf } from './items.ts'
import { isObject, listOr, numberOr, objectOr, only, textOr } from './json.ts'
import { bound, opened } from './seals.ts'

type Open = 'text' | 'refusal' | 'reasoning' | 'call'

export class ItemReader {
  readonly #proofs: string
  /** Of the item; null until it is known. */
  type: string | null = null
  isDone = false
  isCall = false
  hasRefusal = false
  hasTokens = false
  #head: JsonObject = {}
  #open: Open | null = null
  /** Index of the content that is open or comes next. */
  #content = 0
  /** What was told of the open part: characters, citations, log probabilities. */
  #chars = 0
  #citations = 0
  #tokens = 0
  /** Characters told of each summary. */
  readonly #summaries: number[] = []
  /** Deltas of an item that was never announced, whose name is not known yet. */
  #pending = ''

  constructor(proofs: string) {
    this.#proofs = proofs
  }

  event(type: string, event: JsonObject, out: ChatEvent[]): void {
    switch (type) {
      case 'response.output_item.added': return this.#added(objectOr(event['item']), out)
      case 'response.output_item.done': return this.#done(objectOr(event['item']), out)
      case 'response.output_text.delta': return this.#text('text', event, out)
      case 'response.refusal.delta': return this.#text('refusal', event, out)
      case 'response.reasoning_text.delta': return this.#thought(event, out)
      case 'response.reasoning_summary_text.delta': return this.#summary(numberOr(event['summary_index']) ?? 0, textOr(event['delta']) ?? '', out)
      case 'response.function_call_arguments.delta': case 'response.custom_tool_call_input.delta': return this.#arguments(textOr(event['delta']) ?? '', out)
      case 'response.output_text.annotation.added': return this.#cite([event['annotation'] ?? null], out)
      case 'response.content_part.added': return this.#contentAdded(event, out)
      case 'response.content_part.done': return this.#contentDone(event, out)
      case 'response.output_text.done': return this.#rest(event, 'text', 'text', out)
      case 'response.refusal.done': return this.#rest(event, 'refusal', 'refusal', out)
    }
  }

  /** Nothing more comes of it. */
  close(out: ChatEvent[]): void {
    this.#end(out)
    this.isDone = true
  }

  #added(item: JsonObject, out: ChatEvent[]): void {
    const type = textOr(item['type'])
    if (this.type !== null || type === undefined) return
    this.type = type
    this.#head = item
    if (this.type === 'reasoning') this.#begin('reasoning', out)
    else if (this.#partOf({ ...item, arguments: '', input: '' })?.type === 'toolCall') this.#begin('call', out)
  }

  /** The part that an item amounts to, where it is one. */
  #partOf(item: JsonObject): Part | undefined {
    const parts: Part[] = []
    readItem(item, parts, { proofs: this.#proofs, answer: { logprobs: [] } })
    return parts[0]
  }

  #begin(kind: Open, out: ChatEvent[]): void {
    this.#end(out)
    this.#open = kind
    this.#chars = this.#citations = this.#tokens = 0
    const id = textOr(this.#head['id'])
    if (kind === 'call') {
      this.isCall = true
      out.push({ type: 'part', choice: 0, part: this.#partOf({ ...this.#head, arguments: '', input: '' })! })
    } else if (kind === 'reasoning') {
      const part = this.#partOf({ ...this.#head, type: 'reasoning', summary: [], content: [], encrypted_content: null })!
      out.push({ type: 'part', choice: 0, part })
    } else {
      this.hasRefusal ||= kind === 'refusal'
      out.push({ type: 'part', choice: 0, part: only<Part>(kind === 'text' ? { type: 'text', text: '', id, phase: textOr(this.#head['phase']) } : { type: 'refusal', text: '', id }) })
    }
  }

  #end(out: ChatEvent[]): void {
    if (this.#open === null) return
    this.#open = null
    out.push({ type: 'partEnd', choice: 0 })
  }

  #delta(text: string, out: ChatEvent[]): void {
    if (text === '') return
    this.#chars += text.length
    out.push({ type: 'delta', choice: 0, text })
  }

  /** Opens the content at this index, where it is not the one that is open; false: it is over. */
  #at(kind: Open, event: JsonObject, out: ChatEvent[]): boolean {
    const index = numberOr(event['content_index']) ?? 0
    if (index < this.#content) return false
    if (this.type === null) {
      this.type = kind === 'reasoning' ? 'reasoning' : 'message'
      this.#head = only<JsonObject>({ type: this.type, id: event['item_id'] })
    }
    if (index > this.#content) this.#end(out)
    this.#content = index
    if (this.#open !== kind) this.#begin(kind, out)
    return true
  }

  #text(kind: 'text' | 'refusal', event: JsonObject, out: ChatEvent[]): void {
    if (!this.#at(kind, event, out)) return
    this.#delta(textOr(event['delta']) ?? '', out)
    this.#logprobs(event['logprobs'], out)
  }

  #logprobs(list: unknown, out: ChatEvent[]): void {
    if (!Array.isArray(list) || list.length === 0) return
    this.#tokens += list.length
    this.hasTokens = true
    const tokens: TokenLogprob[] = list.map((each) => tokenOf(objectOr(each)))
    out.push({ type: 'logprobs', choice: 0, tokens })
  }

  #thought(event: JsonObject, out: ChatEvent[]): void {
    // Summaries go before the thought in the same part.
    if (this.#at('reasoning', event, out)) this.#delta(textOr(event['delta']) ?? '', out)
  }

  #summary(index: number, text: string, out: ChatEvent[]): void {
    if (this.type === null) this.#added({ type: 'reasoning' }, out)
    if (this.#open !== 'reasoning' || text === '' || index < 0 || index > this.#summaries.length) return
    this.#summaries[index] = (this.#summaries[index] ?? 0) + text.length
    out.push({ type: 'summary', choice: 0, index, text })
  }

  #arguments(text: string, out: ChatEvent[]): void {
    if (this.#open === 'call') this.#delta(text, out)
    else if (this.type === null) this.#pending += text
  }

  #cite(list: readonly unknown[], out: ChatEvent[]): void {
    if (this.#open !== 'text') return
    for (const each of list) {
      if (!isObject(each)) continue
      this.#citations++
      out.push({ type: 'citation', choice: 0, citation: citationOf(each) })
    }
  }

  #contentAdded(event: JsonObject, out: ChatEvent[]): void {
    const part = objectOr(event['part'])
    const kind = part['type'] === 'output_text' ? 'text' : part['type'] === 'refusal' ? 'refusal' : null
    if (kind && this.#at(kind, event, out)) this.#delta(textOr(part[kind]) ?? '', out)
  }

  /** The text of the open part, whole: what no delta told of it. */
  #rest(event: JsonObject, key: 'text' | 'refusal', kind: Open, out: ChatEvent[]): void {
    const whole = textOr(event[key])
    if (whole !== undefined && this.#at(kind, event, out)) this.#delta(whole.slice(this.#chars), out)
  }

  #contentDone(event: JsonObject, out: ChatEvent[]): void {
    const part = objectOr(event['part'])
    const index = numberOr(event['content_index']) ?? 0
    if (part['type'] === 'output_text') this.#rest({ ...event, text: part['text'] ?? null }, 'text', 'text', out)
    else if (part['type'] === 'refusal') this.#rest({ ...event, refusal: part['refusal'] ?? null }, 'refusal', 'refusal', out)
    else return
    if (index !== this.#content) return
    if (this.#open === 'text') {
      this.#logprobs(listOr(part['logprobs']).slice(this.#tokens), out)
      this.#cite(listOr(part['annotations']).slice(this.#citations), out)
    }
    this.#end(out)
    this.#content = index + 1
  }

  #done(item: JsonObject, out: ChatEvent[]): void {
    if (this.type === null) this.#added(item, out)
    if (this.#open === 'call') {
      this.#delta(this.#pending, out)
      const whole = this.#partOf(item)
      if (whole?.type === 'toolCall') this.#delta(whole.arguments.slice(this.#chars), out)
    } else if (this.type === 'reasoning') this.#reasoned(item, out)
    else if (this.type === 'message') {
      for (const [index, part] of listOr(item['content']).entries()) this.#contentDone({ content_index: index, part }, out)
    } else this.#whole(item, out)
    this.close(out)
  }

  /** An item of a kind that has no deltas here. */
  #whole(item: JsonObject, out: ChatEvent[]): void {
    this.#end(out)
    const part = item['type'] === this.type ? this.#partOf(item) : undefined
    if (part) out.push({ type: 'part', choice: 0, part }, { type: 'partEnd', choice: 0 })
  }

  #reasoned(item: JsonObject, out: ChatEvent[]): void {
    const textsOf = (list: unknown): string[] => (Array.isArray(list) ? list.map((each) => textOr(objectOr(each)['text']) ?? '') : [])
    for (const [index, whole] of textsOf(item['summary']).entries()) this.#summary(index, whole.slice(this.#summaries[index] ?? 0), out)
    for (const [index, whole] of textsOf(item['content']).entries()) {
      if (index === this.#content || index === this.#content + 1) this.#thought({ content_index: index, delta: index === this.#content ? whole.slice(this.#chars) : whole }, out)
    }
    const encrypted = textOr(item['encrypted_content'])
    const { proof } = encrypted === undefined ? {} : opened(encrypted, this.#proofs)
    if (!proof) return
    if (this.#open === null) this.#begin('reasoning', out)
    out.push({ type: 'proof', choice: 0, proof: proof.by === this.#proofs ? { by: proof.by, value: bound(textOr(item['id']), proof.value) } : proof } satisfies ChatEvent)
  }
}

