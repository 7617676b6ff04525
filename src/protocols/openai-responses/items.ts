/**
 * Items of a model's turn, as they stand in an answer and, sent back, in the next request: messages, reasoning, calls. Items of other
 * kinds (tools that the vendor runs, compacted history, references) stay as they came.
 */
import type { Citation, Json, JsonObject, Part, Proof, ReasoningPart, RefusalPart, TextPart, TokenLogprob, ToolCallPart } from '../canonical.ts'
import { extrasOf, format, isObject, listOr, numberOr, objectOr, only, textOr, words } from './json.ts'
import { realName } from './names.ts'
import { bound, opened } from './seals.ts'

export interface Reading {
  /** Whose encrypted reasoning is that bears no seal. */
  proofs: string
  /** Of an answer: proofs are bound to their items, the status is the answer's own, and log probabilities go here. */
  answer?: { logprobs: TokenLogprob[] }
  /** Waits for the part that it belongs to. */
  next?: Proof | undefined
}

const keysOfMessage = words('type id role content status phase')
const keysOfText = words('type text annotations logprobs')
export const keysOfReasoning = words('type id summary content encrypted_content status')
export const keysOfCall = words('type id call_id name namespace arguments input status')
const keysOfCitation = words('type url title start_index end_index')

/** xAI reports what its own tools do as calls of custom tools. */
const isRunByVendor = (item: JsonObject): boolean => textOr(item['call_id'])?.startsWith('xs_') === true

/** Adds the parts of one item to those of its turn. */
export function readItem(item: JsonObject, parts: Part[], reading: Reading): void {
  const from = parts.length
  switch (item['type']) {
    case 'reasoning': return readReasoning(item, parts, reading)
    case 'function_call': parts.push(callPart(item, 'arguments', reading)); break
    case 'custom_tool_call': parts.push(isRunByVendor(item) ? { type: 'native', format, value: item } : callPart(item, 'input', reading)); break
    case 'message': case undefined: readMessage(item, parts, reading); break
    default: parts.push({ type: 'native', format, value: item })
  }
  const first = parts[from]
  if (reading.next === undefined || first === undefined) return
  prove(first, reading.next)
  reading.next = undefined
}

function prove(part: Part | undefined, proof: Proof): void {
  if (part?.type === 'text' || part?.type === 'toolCall' || part?.type === 'media') part.proof = proof
}

/** A status other than this one is kept where it stands in a request. */
const stateOf = (item: JsonObject, reading: Reading): JsonObject | undefined => (reading.answer || item['status'] === undefined || item['status'] === null || item['status'] === 'completed' ? undefined : { status: item['status'] })

function readMessage(item: JsonObject, parts: Part[], reading: Reading): void {
  const contents: Json[] = typeof item['content'] === 'string' ? [{ type: 'output_text', text: item['content'] }] : listOr(item['content'])
  const read: Part[] = []
  for (const content of contents) {
    const part = messagePart(objectOr(content), item, reading)
    if (!part) return void parts.push({ type: 'native', format, value: item })
    read.push(part)
  }
  const { extras: beside } = extrasOf(item, keysOfMessage, stateOf(item, reading))
  const first = read[0]
  // Of the item, not of the text in it.
  if (beside && first?.type === 'text') first.extras = { format, fields: { ...first.extras?.fields, item: beside.fields } }
  parts.push(...read)
}

function messagePart(content: JsonObject, item: JsonObject, reading: Reading): TextPart | RefusalPart | null {
  const id = textOr(item['id'])
  const refusal = textOr(content['refusal'])
  if (content['type'] === 'refusal' && refusal !== undefined) return only<RefusalPart>({ type: 'refusal', text: refusal, id })
  const text = textOr(content['text'])
  if (text === undefined) return null
  const logprobs = listOr(content['logprobs'])
  if (reading.answer) for (const each of logprobs) reading.answer.logprobs.push(tokenOf(objectOr(each)))
  const citations = listOr(content['annotations']).filter(isObject).map(citationOf)
  return only<TextPart>({
    type: 'text', text, id, phase: textOr(item['phase']), citations: citations.length > 0 ? citations : undefined,
    ...extrasOf(content, keysOfText, !reading.answer && logprobs.length > 0 ? { logprobs } : undefined),
  })
}

export function citationOf(annotation: JsonObject): Citation {
  const { type, url, title, start_index: start, end_index: end, filename } = annotation
  const known = type === 'url_citation' && typeof url === 'string'
  const isWhole = known && typeof title === 'string' && typeof start === 'number' && typeof end === 'number' && Object.keys(annotation).every((key) => keysOfCitation.has(key))
  return only<Citation>({
    url: known ? url : undefined, title: textOr(title) ?? textOr(filename), start: known ? numberOr(start) : undefined, end: known ? numberOr(end) : undefined,
    native: isWhole ? undefined : { format, value: annotation },
  })
}

export function tokenOf(token: JsonObject): TokenLogprob {
  const top = listOr(token['top_logprobs']).map((each) => oneToken(objectOr(each)))
  return { ...oneToken(token), ...(Array.isArray(token['top_logprobs']) ? { top } : {}) }
}

const oneToken = (token: JsonObject): { token: string; logprob: number; bytes?: number[] } => ({
  token: textOr(token['token']) ?? '', logprob: numberOr(token['logprob']) ?? 0, ...(Array.isArray(token['bytes']) ? { bytes: token['bytes'] as number[] } : {}),
})

const textsOf = (list: Json | undefined): string[] => listOr(list).map((each) => textOr(objectOr(each)['text']) ?? '')

function readReasoning(item: JsonObject, parts: Part[], reading: Reading): void {
  const encrypted = textOr(item['encrypted_content'])
  const { proof, mark } = encrypted === undefined ? { mark: null } : opened(encrypted, reading.proofs)
  if (mark === 'n') return void (reading.next = proof)
  if (mark === 'p') return proof && prove(parts.at(-1), proof)
  // An item that was made up here has an id that no vendor knows.
  const id = mark === null ? textOr(item['id']) : undefined
  const [summary, texts] = [textsOf(item['summary']), textsOf(item['content'])]
  const thought = mark === 't' ? summary.join('\n\n') : texts[0]
  const part = only<ReasoningPart>({
    type: 'reasoning', text: thought, summary: summary.length > 0 && mark !== 't' ? summary : undefined, redacted: mark === 'r' ? true : undefined, id, ...extrasOf(item, keysOfReasoning, stateOf(item, reading)),
  })
  parts.push(part)
  // Several stretches of one item.
  for (const text of texts.slice(1)) parts.push(only<ReasoningPart>({ type: 'reasoning', text, id }))
  const last = parts.at(-1) as ReasoningPart
  if (proof) last.proof = reading.answer && mark === null && proof.by === reading.proofs ? { by: proof.by, value: bound(id, proof.value) } : proof
}

function callPart(item: JsonObject, key: 'arguments' | 'input', reading: Reading): ToolCallPart {
  const given = item[key]
  const name = textOr(item['name']) ?? ''
  return only<ToolCallPart>({
    type: 'toolCall', id: textOr(item['call_id']) ?? textOr(item['id']) ?? '', name: reading.answer ? realName(name) : name,
    // Some servers send the arguments as an object.
    arguments: typeof given === 'string' ? given : given === undefined || given === null ? '' : JSON.stringify(given),
    custom: key === 'input' ? true : undefined, namespace: textOr(item['namespace']), itemId: textOr(item['id']), ...extrasOf(item, keysOfCall, stateOf(item, reading)),
  })
}
