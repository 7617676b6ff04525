/** Whole answers. What canonical answers don't name is kept beside them; citations are told twice then, and written once. */
import { isDeepStrictEqual } from 'node:util'
import type { ChatAnswer, ChatRequest, Choice, JsonObject, Part, Proof, TextPart, TokenLogprob, ToolCallPart } from '../canonical.ts'
import type { Client, Source } from '../codec.ts'
import { Fields, isObject, listOf, merged } from './fields.ts'
import { blockIn, blockOf, reasonIn, reasonOf, stopOf } from './finish.ts'
import { citationsOf, metadataOf, type CitedText } from './grounding.ts'
import { ToolNames } from './names.ts'
import { decodePart, format, madeUp, type PartReader } from './parts.ts'
import { isForeign, signatureOf, signatureOfThought, Thoughts } from './signature.ts'
import { searchesIn, tierIn, usageMetadataOf, usageOf } from './usage.ts'
import { encodePart, type PartWriter } from './write-parts.ts'

/** What was asked, where it is known: tools whose names were changed get them back, and those that take free text their text. */
export interface AskedSource extends Source { request?: ChatRequest }

export function decodeAnswer(body: JsonObject, source: AskedSource): ChatAnswer {
  const fields = new Fields(body)
  const answer: ChatAnswer = { id: fields.text('responseId') ?? '', model: fields.text('modelVersion') ?? '', choices: [] }
  const createdAt = decodeTime(fields)
  if (createdAt !== undefined) answer.createdAt = createdAt
  const reader = new AnswerReader(answer.id, source)
  let searches = 0
  for (const [position, candidate] of fields.list('candidates').entries()) {
    if (!isObject(candidate)) continue
    searches += searchesIn(answer.model, candidate['groundingMetadata'])
    answer.choices.push(decodeCandidate(candidate, position, reader))
  }
  decodeFeedback(fields, answer)
  decodeUsage(fields, answer, searches)
  const rest = fields.rest()
  if (rest) answer.extras = { format, fields: rest }
  return answer
}

/** Seconds; a time that is not whole ones stays besides. */
function decodeTime(fields: Fields): number | undefined {
  const time = fields.text('createTime')
  const milliseconds = Date.parse(time ?? '')
  if (time === undefined || Number.isNaN(milliseconds)) {
    fields.put('createTime', time)
    return undefined
  }
  const createdAt = Math.floor(milliseconds / 1000)
  if (timeOf(createdAt) !== time) fields.put('createTime', time)
  return createdAt
}

export const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')

/** Proofs are the source's; calls without an id get one that is no other answer's. */
export class AnswerReader implements PartReader {
  readonly #proofs: string
  readonly #id: string
  readonly #names: ToolNames
  #calls = 0

  constructor(id: string, { id: exchange = '', proofs, request }: AskedSource) {
    this.#id = id || exchange
    this.#proofs = proofs
    this.#names = new ToolNames(request?.tools)
  }

  called(part: ToolCallPart): ToolCallPart {
    return this.#names.called(part)
  }

  read(value: string): { proof: Proof } {
    return { proof: { by: this.#proofs, value } }
  }

  /** No vendor of this format signs so. */
  carried(): void {}

  callId(): string {
    return `${madeUp}${this.#id.slice(0, 24)}${this.#id === '' ? '' : '_'}${this.#calls++}`
  }
}

function decodeCandidate(candidate: JsonObject, position: number, reader: AnswerReader): Choice {
  const fields = new Fields(candidate)
  const content = new Fields(fields.take('content'))
  const choice: Choice = { index: fields.number('index') ?? position, parts: [] }
  const texts: (CitedText & { part: TextPart })[] = []
  for (const [index, value] of content.list('parts').entries()) {
    const part = decodePart(value, reader)
    if (part) choice.parts.push(part.type === 'toolCall' ? reader.called(part) : part)
    if (part?.type === 'text') texts.push({ index, text: part.text, part })
  }
  content.text('role')
  fields.put('content', content.rest())
  const reason = reasonIn(fields.take('finishReason'))
  if (reason !== null) Object.assign(choice, stopOf(reason, choice.parts.some(({ type }) => type === 'toolCall')))
  const [grounding, recited] = [fields.object('groundingMetadata'), fields.object('citationMetadata')]
  for (const { text, citation } of citationsOf(grounding, recited, texts)) ((text as (typeof texts)[number]).part.citations ??= []).push(citation)
  const said = metadataOf(texts)
  if (!isDeepStrictEqual(said.groundingMetadata, grounding)) fields.put('groundingMetadata', grounding)
  if (!isDeepStrictEqual(said.citationMetadata, recited)) fields.put('citationMetadata', recited)
  const logprobs = fields.object('logprobsResult')
  if (logprobs) {
    choice.logprobs = tokensOf(logprobs)
    if (!isDeepStrictEqual(logprobsOf(choice.logprobs), logprobs)) fields.put('logprobsResult', logprobs)
  }
  const rest = fields.rest()
  if (rest) choice.extras = { format, fields: rest }
  return choice
}

export function tokensOf(result: JsonObject): TokenLogprob[] {
  const top = listOf(result['topCandidates'])
  return listOf(result['chosenCandidates']).map((chosen, index) => {
    const around = isObject(top[index]) ? listOf(top[index]['candidates']).map(tokenOf) : []
    return { ...tokenOf(chosen), ...(around.length > 0 ? { top: around } : {}) }
  })
}

function tokenOf(value: unknown): { token: string; logprob: number } {
  const { token, logProbability } = isObject(value) ? value : {}
  return { token: typeof token === 'string' ? token : '', logprob: typeof logProbability === 'number' ? logProbability : 0 }
}

export function logprobsOf(tokens: readonly TokenLogprob[]): JsonObject {
  const written = ({ token, logprob }: { token: string; logprob: number }): JsonObject => ({ token, logProbability: logprob })
  return {
    chosenCandidates: tokens.map(written),
    ...(tokens.some(({ top }) => top) ? { topCandidates: tokens.map(({ top }) => ({ candidates: (top ?? []).map(written) })) } : {}),
  }
}

/** A prompt that was blocked has no candidates. */
function decodeFeedback(fields: Fields, answer: ChatAnswer): void {
  const feedback = fields.object('promptFeedback')
  const reason = feedback && reasonIn(feedback['blockReason'])
  const isBlocked = typeof reason === 'string' && answer.choices.length === 0
  if (isBlocked) answer.choices.push({ index: 0, parts: [], ...blockOf(reason) })
  if (feedback && (!isBlocked || Object.keys(feedback).length > 1)) fields.put('promptFeedback', feedback)
}

function decodeUsage(fields: Fields, answer: ChatAnswer, searches: number): void {
  const meta = fields.object('usageMetadata')
  if (!meta) return
  answer.usage = usageOf(meta, searches)
  const tier = tierIn(meta)
  if (tier !== null) answer.serviceTier = tier
  if (!isDeepStrictEqual(usageMetadataOf(answer.usage, answer.serviceTier), meta)) fields.put('usageMetadata', meta)
}

/** Nothing is told as lost: answers have nobody to tell it to. */
export const answerWriter: PartWriter = {
  signatureOf: (proof, part) => (part.type === 'reasoning' && isForeign(part) ? signatureOfThought(part) : signatureOf(proof)),
  takesIds: true,
  isThird: true,
  lose() {},
  toolName: (name) => name,
  nameOfCall: (callId) => callId,
}

export function encodeAnswer(answer: ChatAnswer, client: Client): JsonObject {
  const { id, model, choices, usage, serviceTier, createdAt, extras } = answer
  const block = choices.length === 1 && choices[0]!.parts.length === 0 ? blockIn(choices[0]!.nativeStop) : null
  const body: JsonObject = block === null ? { candidates: choices.map(encodeChoice) } : { promptFeedback: { blockReason: block } }
  if (usage) body['usageMetadata'] = usageMetadataOf(usage, serviceTier)
  body['modelVersion'] = model
  if (createdAt !== undefined) body['createTime'] = timeOf(createdAt)
  body['responseId'] = id || client.id
  if (extras?.format !== format) return body
  const whole = { ...body, ...extras.fields }
  return usage?.costNano === undefined ? whole : merged(whole, { usageMetadata: { cost_usd: usage.costNano / 1e9 } })
}

function encodeChoice(choice: Choice): JsonObject {
  const parts: JsonObject[] = []
  const texts: { index: number; part: TextPart }[] = []
  const thoughts = new Thoughts()
  for (const part of choice.parts) {
    if (part.type === 'text') texts.push({ index: parts.length, part })
    parts.push(...encodeForClient(part, thoughts))
  }
  const candidate: JsonObject = {
    content: { parts, role: 'model' },
    ...(choice.stop === undefined ? {} : { finishReason: reasonOf(choice.stop, choice.nativeStop) }),
    index: choice.index,
    ...metadataOf(texts),
    ...(choice.logprobs ? { logprobsResult: logprobsOf(choice.logprobs) } : {}),
  }
  return choice.extras?.format === format ? { ...candidate, ...choice.extras.fields, content: merged(candidate['content'] as JsonObject, isObject(choice.extras.fields['content']) ? choice.extras.fields['content'] : {}) } : candidate
}

/** Citations and the like stand beside the parts; what only another vendor knows has no place. */
export function encodeForClient(part: Part, thoughts: Thoughts): JsonObject[] {
  const written = encodePart(part, answerWriter)
  const carried = part.type === 'toolCall' && !part.proof ? thoughts.carried() : null
  if (carried !== null) written[0]!['thoughtSignature'] = carried
  thoughts.pass(part)
  return written
}
