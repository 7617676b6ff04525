/** Whole answers. What a client asked for is repeated in them, as the vendor does it. https://platform.openai.com/docs/api-reference/responses/object */
import type { ChatAnswer, ChatRequest, Choice, Json, JsonObject, Part, StopReason, TokenLogprob } from '../canonical.ts'
import type { Client, Source } from '../codec.ts'
import { readItem, type Reading } from './items.ts'
import { extrasOf, format, isObject, Losses, numberOr, objectOr, only, textOr, words } from './json.ts'
import { Ids } from './output-items.ts'
import { outputOf } from './output.ts'
import { readUsage, writeToolUsage, writeUsage } from './usage.ts'
import { instructionsIn, settings, tierOf } from './write-request.ts'

const keysOfAnswer = words('id object model created_at output usage status incomplete_details service_tier')
const keysOfUsage = words('input_tokens output_tokens total_tokens input_tokens_details output_tokens_details')
const keysOfDetails = words('cached_tokens cache_write_tokens cache_write_tokens_details audio_tokens image_tokens reasoning_tokens')

export function decodeAnswer(body: JsonObject, source: Source): ChatAnswer {
  const response = objectOr(body)
  const { id, model, output } = response
  const head = { id: textOr(id) ?? '', model: textOr(model) ?? '' }
  if (!Array.isArray(output)) return { ...head, choices: [] }
  const parts: Part[] = []
  const logprobs: TokenLogprob[] = []
  // mistral.rs tells the thought beside the output.
  if (typeof response['reasoning'] === 'string') parts.push({ type: 'reasoning', text: response['reasoning'] })
  const reading: Reading = { proofs: source.proofs, answer: { logprobs } }
  for (const item of output) if (isObject(item)) readItem(item, parts, reading)
  const stop = stopOf(response, parts.some((part) => part.type === 'toolCall'), parts.some((part) => part.type === 'refusal'))
  const unsaid = stop === null && typeof response['status'] === 'string' ? { status: response['status'] } : {}
  return only<ChatAnswer>({
    ...head, createdAt: numberOr(response['created_at']), choices: parts.length === 0 && !stop ? [] : [only<Choice>({ index: 0, parts, ...stop, logprobs: logprobs.length > 0 ? logprobs : undefined })],
    usage: readUsage(response), serviceTier: textOr(response['service_tier']),
    ...extrasOf(typeof response['reasoning'] === 'string' ? { ...response, reasoning: null } : response, keysOfAnswer, { ...unreadUsage(objectOr(response['usage'])), ...unsaid }),
  })
}

export interface Stop { stop: StopReason; nativeStop?: string }

const reasons: Readonly<Record<string, StopReason>> = { max_output_tokens: 'length', content_filter: 'content_filter' }

/** Why a response ended; null: it has not, or it failed. */
export function stopOf(response: JsonObject, hasCall: boolean, hasRefusal: boolean): Stop | null {
  switch (response['status']) {
    case 'completed': return { stop: hasCall ? 'tool_calls' : hasRefusal ? 'refusal' : 'end' }
    case 'incomplete': {
      const reason = textOr(objectOr(response['incomplete_details'])['reason'])
      const known = reason === undefined ? undefined : reasons[reason]
      return known ? { stop: known } : { stop: 'other', ...(reason !== undefined && { nativeStop: reason }) }
    }
    case 'cancelled': return { stop: 'other', nativeStop: 'cancelled' }
    default: return null
  }
}

const ownReasons = new Set(['max_messages', 'steered'])

/** `status` and `incomplete_details`. */
export function ending(stop: StopReason | undefined, nativeStop: string | undefined, hasRefusal: boolean): { status: string; incomplete_details: JsonObject | null } {
  const cut = (reason: string): { status: string; incomplete_details: JsonObject } => ({ status: 'incomplete', incomplete_details: { reason } })
  switch (stop) {
    case undefined: return { status: 'in_progress', incomplete_details: null }
    case 'length': case 'context_window': case 'pause': return cut('max_output_tokens')
    case 'content_filter': return cut('content_filter')
    // A refusal that is no part of its own is an answer that was cut.
    case 'refusal': return hasRefusal ? { status: 'completed', incomplete_details: null } : cut('content_filter')
    case 'other':
      if (nativeStop === 'cancelled') return { status: 'cancelled', incomplete_details: null }
      return nativeStop !== undefined && ownReasons.has(nativeStop) ? cut(nativeStop) : { status: 'incomplete', incomplete_details: null }
    default: return { status: 'completed', incomplete_details: null }
  }
}

function unreadUsage(usage: JsonObject): JsonObject {
  const rest: JsonObject = {}
  for (const key in usage) if (!keysOfUsage.has(key)) rest[`usage.${key}`] = usage[key]!
  for (const name of ['input_tokens_details', 'output_tokens_details']) {
    const details = objectOr(usage[name])
    for (const key in details) if (!keysOfDetails.has(key)) rest[`usage.${name}.${key}`] = details[key]!
  }
  return rest
}

export function encodeAnswer(answer: ChatAnswer, client: Client): JsonObject {
  const choice = answer.choices[0] ?? { index: 0, parts: [] }
  const ids = new Ids(client.id)
  const end = ending(choice.stop, choice.nativeStop, choice.parts.some((part) => part.type === 'refusal'))
  const fields = answer.extras?.format === format ? answer.extras.fields : undefined
  const body: Record<string, Json | undefined> = {
    // What the vendor itself said counts, also where it repeats the request.
    ...(fields ? {} : { ...echoOf(client.request), completed_at: end.status === 'completed' ? client.nowS : null, tool_usage: answer.usage && writeToolUsage(answer.usage) }),
    ...headOf(answer, client, ids), ...end, error: null, output: outputOf(choice, ids, end.status === 'incomplete'), usage: answer.usage && writeUsage(answer.usage),
    service_tier: answer.serviceTier === undefined ? null : tierOf(answer.serviceTier),
  }
  return withFields(only<JsonObject>(body), fields)
}

export const headOf = (answer: { id: string; model: string; createdAt?: number }, client: Client, ids: Ids): { id: string; object: string; created_at: number; model: string } =>
  ({ id: answer.id === '' ? ids.response : answer.id, object: 'response', created_at: answer.createdAt ?? client.nowS, model: answer.model === '' ? client.request.model : answer.model })

/** Puts back what stands under a name of its own or, with dots, deeper. */
function withFields(body: JsonObject, fields: JsonObject | undefined): JsonObject {
  for (const key in fields) {
    const path = key.startsWith('usage.') ? key.split('.') : [key]
    let place = body
    for (const step of path.slice(0, -1)) place = (place[step] ??= {}) as JsonObject
    place[path.at(-1)!] = fields[key]!
  }
  return body
}

/** What answers repeat of their request, with the values that hold where it says nothing. */
export function echoOf(request: ChatRequest): JsonObject {
  const said = settings(request, { model: request.model, proofs: '', mostOutputTokens: 0, reasoning: null }, new Losses())
  const { include: _, stream_options: __, text, reasoning, ...rest } = said
  return {
    background: false, instructions: instructionsIn(request.messages) ?? null, max_output_tokens: null, max_tool_calls: null, metadata: {}, parallel_tool_calls: true, previous_response_id: null,
    prompt_cache_key: null, safety_identifier: null, store: true, temperature: 1, tool_choice: 'auto', tools: [], top_logprobs: 0, top_p: 1, truncation: 'disabled', ...rest,
    text: { format: { type: 'text' }, verbosity: 'medium', ...objectOr(text) }, reasoning: { effort: null, summary: null, ...objectOr(reasoning) },
  }
}

