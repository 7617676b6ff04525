/**
 * A request in this format, in the canonical form. `instructions` becomes a system message at the front; items that follow each other
 * in one turn of the model become one message. https://platform.openai.com/docs/api-reference/responses/create
 */
import type { ChatRequest, Json, JsonObject, Message, OutputFormat, Part, Reasoning, Sampling, ToolResultPart } from '../canonical.ts'
import { BadRequest } from '../codec.ts'
import { named } from '../members.ts'
import { contentPart, usualLifetime } from './content.ts'
import { readItem, type Reading } from './items.ts'
import { extrasOf, format, isObject, listOr, native, numberOr, objectOr, only, textOr, words } from './json.ts'
import { readChoice, readTools } from './tools.ts'

const keysOfRequest = words(`
  model stream input instructions tools tool_choice parallel_tool_calls text reasoning include top_logprobs max_output_tokens temperature top_p metadata store
  prompt_cache_key prompt_cache_retention safety_identifier user service_tier megarouter`)
const keysOfInput = words('type id role content status')
const keysOfResult = words('type id call_id output status')
const roles = ['user', 'assistant', 'system', 'developer']
const wantsEncrypted = 'reasoning.encrypted_content'
const wantsLogprobs = 'message.output_text.logprobs'

/** What a member must be, if it is there and not null. */
const kinds: Readonly<Record<string, string>> = {
  model: 'text', stream: 'boolean', parallel_tool_calls: 'boolean', store: 'boolean', text: 'object', reasoning: 'object', metadata: 'object', include: 'list', top_logprobs: 'number',
  max_output_tokens: 'number', temperature: 'number', top_p: 'number', prompt_cache_key: 'text', prompt_cache_retention: 'text', safety_identifier: 'text', user: 'text', service_tier: 'text',
}
const kindOf = (value: Json): string => (Array.isArray(value) ? 'list' : typeof value === 'string' ? 'text' : typeof value)

function check(body: JsonObject): void {
  for (const key in kinds) {
    const value = body[key]
    if (value !== undefined && value !== null && kindOf(value) !== kinds[key]) throw new BadRequest(`The field "${key}" must be of the type ${kinds[key]}.`, key)
  }
}

export function decodeRequest(body: JsonObject): ChatRequest {
  check(body)
  const text = objectOr(body['text'])
  const include = listOr(body['include'])
  const logprobs = include.includes(wantsLogprobs)
  const reasoning = readReasoning(objectOr(body['reasoning']), include.includes(wantsEncrypted))
  const sampling = only<Sampling>({ temperature: numberOr(body['temperature']), topP: numberOr(body['top_p']) })
  const identifier = textOr(body['safety_identifier'])
  return only<ChatRequest>({
    model: textOr(body['model']) ?? '', stream: body['stream'] === true, messages: readInput(body),
    tools: readTools(body['tools']), toolChoice: readChoice(body['tool_choice']), parallelToolCalls: flagOr(body['parallel_tool_calls']),
    output: readFormat(text['format']), verbosity: textOr(text['verbosity']), reasoning,
    sampling: Object.keys(sampling).length > 0 ? sampling : undefined, maxOutputTokens: numberOr(body['max_output_tokens']),
    logprobs: logprobs ? { alternatives: numberOr(body['top_logprobs']) ?? 0 } : undefined, serviceTier: textOr(body['service_tier']),
    endUser: identifier ?? textOr(body['user']), metadata: isObject(body['metadata']) ? body['metadata'] : undefined, store: flagOr(body['store']),
    cacheKey: textOr(body['prompt_cache_key']), cacheRetention: textOr(body['prompt_cache_retention']),
    ...extrasOf(body, keysOfRequest, { ...unread(body, text, include, logprobs), ...(identifier !== undefined && typeof body['user'] === 'string' && { user: body['user'] }) }),
  })
}

const flagOr = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)

/** Members of members, under both names with a dot between. */
function unread(body: JsonObject, text: JsonObject, include: Json[], logprobs: boolean): JsonObject {
  const rest: JsonObject = {}
  for (const [name, members, known] of [['text', text, words('format verbosity')], ['reasoning', objectOr(body['reasoning']), words('effort summary generate_summary')]] as const) {
    for (const key in members) if (!known.has(key) && members[key] !== null) rest[`${name}.${key}`] = members[key]!
  }
  const others = include.filter((each) => each !== wantsEncrypted && each !== wantsLogprobs)
  if (others.length > 0) rest['include'] = others
  // Alone it asks for nothing.
  if (!logprobs && typeof body['top_logprobs'] === 'number') rest['top_logprobs'] = body['top_logprobs']
  return rest
}

function readReasoning({ effort, summary, generate_summary: older }: JsonObject, wantsProof: boolean): Reasoning | undefined {
  const shown = textOr(summary) ?? textOr(older)
  const isNamed = typeof effort === 'string' || shown !== undefined
  if (!isNamed && !wantsProof) return undefined
  return only<Reasoning>({
    mode: effort === 'none' ? 'off' : isNamed ? 'on' : 'adaptive', effort: effort === 'none' ? undefined : textOr(effort), summary: shown, wantsProof: wantsProof ? true : undefined,
  })
}

function readFormat(value: Json | undefined): OutputFormat | undefined {
  if (!isObject(value)) return undefined
  const { type, schema, name, description, strict } = value
  if (type === 'text') return { type: 'text' }
  if (type === 'json_object') return { type: 'json' }
  if (type === 'json_schema' && isObject(schema)) return only<Extract<OutputFormat, { type: 'schema' }>>({ type: 'schema', schema, name: textOr(name), description: textOr(description), strict: flagOr(strict) })
  return { type: 'native', format, value }
}

function readInput(body: JsonObject): Message[] {
  const { input, instructions } = body
  const messages: Message[] = []
  if (typeof instructions === 'string') messages.push({ role: 'system', parts: [{ type: 'text', text: instructions }] })
  else if (instructions !== undefined && instructions !== null) throw new BadRequest('The field "instructions" must be a text.', 'instructions')
  if (typeof input === 'string') messages.push({ role: 'user', parts: [{ type: 'text', text: input }] })
  else if (Array.isArray(input)) readItems(input, messages, textOr(objectOr(body['prompt_cache_options'])['ttl']) ?? usualLifetime)
  else if (input !== undefined && input !== null) throw new BadRequest('The field "input" must be a text or a list of items.', 'input')
  return messages
}

function readItems(items: Json[], messages: Message[], lifetime: string): void {
  const reading: Reading = { proofs: native }
  for (const [index, item] of items.entries()) {
    if (!isObject(item)) throw new BadRequest('Each item of "input" must be an object.', `input[${index}]`)
    const type = textOr(item['type'])
    const isMessage = type === 'message' || (type === undefined && item['role'] !== undefined)
    if (isMessage && !roles.includes(named(item['role']) ?? '')) throw new BadRequest(`The role "${(named(item['role']) ?? '').slice(0, 40)}" is not known. Use "user", "assistant", "system" or "developer".`, `input[${index}].role`)
    if (isMessage && item['role'] !== 'assistant') messages.push(readMessage(item, index, lifetime))
    else if (type?.endsWith('_output') || type === 'mcp_approval_response') turn(messages, 'tool').push(readResult(item, index, lifetime))
    else {
      const parts = turn(messages, 'assistant')
      if (type === undefined && !isMessage) parts.push({ type: 'native', format, value: item })
      else readItem(item, parts, reading)
      // A message without content, and what belongs to the next item.
      if (parts.length === 0) messages.pop()
    }
  }
}

/** The parts of the turn that is going on, or of a new one. */
function turn(messages: Message[], role: 'assistant' | 'tool'): Part[] {
  const last = messages.at(-1)
  if (last?.role === role && !last.extras) return last.parts
  const parts: Part[] = []
  messages.push({ role, parts })
  return parts
}

function readMessage(item: JsonObject, index: number, lifetime: string): Message {
  const { role, content } = item
  if (typeof content !== 'string' && !Array.isArray(content)) throw new BadRequest('The content of a message must be a text or a list.', `input[${index}].content`)
  const parts: Part[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content.map((part) => contentPart(part, lifetime))
  const id = textOr(item['id'])
  let isKept = id === undefined
  for (const part of parts) {
    if (id === undefined || (part.type !== 'text' && part.type !== 'media')) continue
    part.id = id
    isKept = true
  }
  const beside: JsonObject = { ...(isKept ? {} : { id: id! }), ...(item['status'] === 'completed' || typeof item['status'] !== 'string' ? {} : { status: item['status'] }) }
  return only<Message>({ role: role as Message['role'], parts, ...extrasOf(item, keysOfInput, beside) })
}

function readResult(item: JsonObject, index: number, lifetime: string): Part {
  const { type, output } = item
  if (type !== 'function_call_output' && type !== 'custom_tool_call_output') return { type: 'native', format, value: item }
  if (typeof output !== 'string' && !Array.isArray(output)) throw new BadRequest('The output of a call must be a text or a list.', `input[${index}].output`)
  const parts: Part[] = typeof output !== 'string' ? output.map((part) => contentPart(part, lifetime)) : output === '' ? [] : [{ type: 'text', text: output }]
  return only<ToolResultPart>({
    type: 'toolResult', callId: textOr(item['call_id']) ?? '', parts, custom: type === 'custom_tool_call_output' ? true : undefined, id: textOr(item['id']),
    ...extrasOf(item, keysOfResult, item['status'] === 'completed' || typeof item['status'] !== 'string' ? undefined : { status: item['status'] }),
  })
}
