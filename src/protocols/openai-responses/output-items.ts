/**
 * Items of an answer, for answers and streams alike. What another vendor thought stands in the summary, since clients show and send
 * back that alone; what it proved with stands sealed in `encrypted_content`, also where it belongs to a text or a call.
 */
import type { Citation, Json, JsonObject, MediaPart, Proof, ReasoningPart, TokenLogprob, ToolCallPart } from '../canonical.ts'
import { sealProof } from '../proof.ts'
import { format, native, only } from './json.ts'
import { shortId } from './names.ts'
import { type Mark, sealed, unbound } from './seals.ts'

/** Made from the id of the exchange, for what its source names in no way. */
export class Ids {
  readonly #base: string
  #count = 0

  constructor(exchange: string) {
    this.#base = exchange.replace(/^req_/, '').replace(/[^a-zA-Z0-9]/g, '')
  }

  get response(): string {
    return `resp_${this.#base}`
  }

  next(prefix: string): string {
    return shortId(`${prefix}_${this.#base}${this.#count++}`)
  }
}

export const textContent = (text: string, citations: readonly Citation[], logprobs: readonly TokenLogprob[]): JsonObject =>
  ({ type: 'output_text', annotations: citations.map((citation) => annotation(citation, text)).filter((each) => each !== null), logprobs: logprobs.map(token), text })

/** Null: a place in a document that nothing here can name. */
export function annotation({ url, title, start, end, document, native: own }: Citation, text: string): JsonObject | null {
  if (own?.format === format) return own.value
  if (url !== undefined) return { type: 'url_citation', url, title: title ?? '', start_index: start ?? 0, end_index: end ?? text.length }
  return document === undefined ? null : { type: 'file_citation', file_id: `document_${document}`, filename: title ?? '', index: document }
}

const bytesOf = (token: string, bytes: number[] | null | undefined): number[] => bytes ?? [...Buffer.from(token)]

export const token = ({ token: text, logprob, bytes, top }: TokenLogprob): JsonObject =>
  ({ token: text, logprob, bytes: bytesOf(text, bytes), top_logprobs: (top ?? []).map((each) => ({ token: each.token, logprob: each.logprob, bytes: bytesOf(each.token, each.bytes) })) })

export const messageItem = (id: string, status: string, content: Json[], phase: string | undefined, beside: JsonObject = {}): JsonObject =>
  only<JsonObject>({ type: 'message', id, status, role: 'assistant', content, phase, ...beside })

export const callItem = (part: ToolCallPart, id: string, status: string, text: string): JsonObject => only<JsonObject>({
  type: part.custom ? 'custom_tool_call' : 'function_call', id, status, call_id: part.id === '' ? id : part.id, name: part.name, namespace: part.namespace,
  [part.custom ? 'input' : 'arguments']: text, ...own(part.extras),
})

export const own = (extras: { format: string; fields: JsonObject } | undefined): JsonObject => (extras?.format === format ? extras.fields : {})

/** An item whose only sense is the proof of its neighbour. */
export const carrier = (id: string, proof: Proof, mark: Mark): JsonObject => ({ type: 'reasoning', id, summary: [], encrypted_content: sealed(proof, mark) })

/** Whether it is an item of this format as it is. Else an item is made up, and its thought becomes a summary. */
export const isItem = (part: ReasoningPart): boolean => part.id !== undefined

export interface Thought { id: string; part: ReasoningPart; summary: readonly string[]; content: readonly string[]; proof: Proof | undefined }

export function reasoningItem({ id, part, summary, content, proof }: Thought): JsonObject {
  const isOwn = isItem(part)
  const moved = !isOwn && summary.length === 0
  const shown = moved ? content : summary
  const mark: Mark = part.redacted ? 'r' : moved && content.length > 0 ? 't' : ''
  const encrypted = !isOwn ? sealed(proof, mark) : proof && native === proof.by ? freed(id, proof.value) : proof && sealProof(proof, native)
  return only<JsonObject>({
    type: 'reasoning', id, summary: shown.map((text) => ({ type: 'summary_text', text })),
    content: moved || content.length === 0 ? undefined : content.map((text) => ({ type: 'reasoning_text', text })), encrypted_content: encrypted, ...own(part.extras),
  })
}

/** An item shows its id itself. One whose id changed on the way keeps the one that the proof is bound to. */
function freed(id: string, value: string): string {
  const { id: other, encrypted } = unbound(value)
  return other === id ? encrypted : value
}

export const imageItem = (id: string, { source, mediaType }: MediaPart): JsonObject | null => (source.by === 'data'
  ? only<JsonObject>({ type: 'image_generation_call', id, status: 'completed', result: source.base64, output_format: mediaType?.startsWith('image/') ? mediaType.slice(6) : undefined })
  : null)
