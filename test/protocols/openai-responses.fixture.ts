/** What the tests of this format share: recorded bodies in their one written form, and streams taken apart. */
import { Collector } from '../../src/protocols/whole.ts'
import type { ChatEvent, ChatRequest, Json, JsonObject } from '../../src/protocols/canonical.ts'
import type { Client, Source, Target } from '../../src/protocols/codec.ts'
import { openaiResponses } from '../../src/protocols/openai-responses/index.ts'
import { JsonScanner } from '../../src/wire/json-scanner.ts'
import { SseScanner } from '../../src/wire/sse-scanner.ts'
import { type RecordedExchange, recordings } from '../fixtures/recorded.ts'

export const codec = openaiResponses.codec!
export const exchanges: readonly RecordedExchange[] = [...recordings('openai-responses').values()]
export const source: Source = { proofs: 'openai' }
export const target = (model: string): Target => ({ model, proofs: 'openai', mostOutputTokens: 0, reasoning: null })
export const hello: ChatRequest = { model: 'm', stream: true, messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }] }
export const client = (request: ChatRequest = hello): Client => ({ request, id: 'req_0198c0de0000700080000000000000aa', nowS: 1_800_000_000 })

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * All that the codec writes in one way where the format has several, or leaves out because it says nothing:
 * - `null` is what a member is that is not there; `stream: false` and `strict: false` are what holds without them.
 * - an input text is a message of the user; a content text is a list of one; `type: "message"` may be left out; so may an output text be a list of one.
 * - system text at the front is `instructions`.
 * - an item is `completed` unless it says otherwise; empty annotations, log probabilities and thoughts say nothing; an image is looked at with the detail `auto`.
 * - the assistant's message without an id is one text; one without content is nothing.
 * - a function may stand one level deeper, as in chat completions. `user` is the older name of `safety_identifier`, `generate_summary` of `summary`.
 * - `include` is a set; empty objects of settings say nothing.
 */
export function plainRequest(body: JsonObject): JsonObject {
  const { input, ...rest } = body
  const plain = drop(rest) as JsonObject
  const items = (typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : (input as JsonObject[] | undefined) ?? []).map(plainItem).filter((item) => item !== null)
  const first = items[0]
  if (plain['instructions'] === undefined && first?.['role'] === 'system' && typeof first['content'] === 'string' && Object.keys(first).length === 3) plain['instructions'] = items.shift()!['content']!
  if (plain['stream'] === false) delete plain['stream']
  if (Array.isArray(plain['include'])) plain['include'].sort()
  if (Array.isArray(plain['tools'])) plain['tools'] = plain['tools'].map(plainTool)
  if (isObject(plain['tool_choice'])) plain['tool_choice'] = plainTool(plain['tool_choice'])
  if (plain['user'] !== undefined && plain['safety_identifier'] === undefined) [plain['safety_identifier'], plain['user']] = [plain['user'], null]
  for (const key of ['text', 'reasoning']) if (isObject(plain[key]) && Object.keys(plain[key]).length === 0) delete plain[key]
  return { ...(drop(plain) as JsonObject), input: items }
}

/** Without `null`s. */
export function drop(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(drop)
  if (!isObject(value)) return value ?? null
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null && each !== undefined).map(([key, each]) => [key, drop(each)]))
}

function plainTool(tool: Json): Json {
  if (!isObject(tool)) return tool
  const inner = tool['function']
  const { function: _, ...outer } = tool
  const { strict, ...flat }: JsonObject = isObject(inner) ? { ...inner, ...outer } : tool
  const tools = flat['tools']
  return { ...flat, ...(strict === true && { strict }), ...(Array.isArray(tools) && { tools: tools.map(plainTool) }) }
}

function plainItem(item: JsonObject): JsonObject | null {
  const { status, ...rest } = drop(item) as JsonObject
  const plain: JsonObject = status === 'completed' || status === undefined ? rest : { ...rest, status }
  for (const key of ['content', 'output', 'summary']) if (plain[key] !== undefined) plain[key] = plainContent(plain[key])
  if (plain['type'] === undefined && plain['role'] !== undefined) plain['type'] = 'message'
  if (plain['type'] === 'reasoning' && Array.isArray(plain['content']) && plain['content'].length === 0) delete plain['content']
  if (plain['role'] === 'assistant' && Array.isArray(plain['content']) && plain['content'].length === 0) return null
  return plain
}

function plainContent(content: Json): Json {
  if (!Array.isArray(content)) return content
  const parts = content.map((part): Json => {
    if (!isObject(part)) return part
    const { annotations, logprobs, detail, ...rest } = part
    return { ...rest, ...(Array.isArray(annotations) && annotations.length > 0 && { annotations }), ...(Array.isArray(logprobs) && logprobs.length > 0 && { logprobs }), ...(detail !== undefined && detail !== 'auto' && { detail }) }
  })
  const only = parts[0]
  if (parts.length === 1 && isObject(only) && /^(in|out)put_text$/.test(String(only['type'])) && Object.keys(only).length === 2) return only['text']!
  return parts
}

/**
 * All that differs in an answer that went through the canonical form:
 * - `null` is what a member is that is not there; empty annotations, log probabilities and thoughts say nothing.
 * - items have the status of their answer. Usage always has its details, at 0 where nothing was counted.
 * - what mistral.rs tells of its thought beside the output is an item of reasoning.
 */
export function plainAnswer(body: JsonObject): JsonObject {
  const { output, usage, reasoning, ...rest } = drop(body) as JsonObject
  const items = ((output as JsonObject[] | undefined) ?? []).map((item) => {
    const { status: _, ...plain } = plainItem(item) ?? item
    return plain
  })
  const thought = items[0]?.['type'] === 'reasoning' && /^rs_[0-9a-f]{32}0$/.test(String(items[0]['id'])) ? items.shift()!['summary'] : undefined
  return { ...rest, output: items, ...(isObject(usage) && { usage: plainUsage(usage) }), ...(reasoning !== undefined && { reasoning }), ...(thought !== undefined && { reasoning: (thought as JsonObject[])[0]!['text']! }) }
}

const plainUsage = (usage: JsonObject): JsonObject => ({
  ...usage, input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0, ...(usage['input_tokens_details'] as JsonObject) }, output_tokens_details: { reasoning_tokens: 0, ...(usage['output_tokens_details'] as JsonObject) },
})

export interface WireEvent { name: string; data: string }

export function eventsIn(body: Buffer | string): WireEvent[] {
  const events: WireEvent[] = []
  const scanner = new SseScanner(1 << 26, ({ name, data }) => data !== null && events.push({ name, data }))
  scanner.push(Buffer.from(body))
  scanner.end()
  return events
}

export function decoded(events: readonly WireEvent[], from: Source = source): ChatEvent[] {
  const decoder = codec.decodeStream(from)
  const out: ChatEvent[] = []
  for (const { name, data } of events) decoder.event(name, data, out)
  decoder.end(out)
  return out
}

export function collected(events: Iterable<ChatEvent>): Collector {
  const collector = new Collector()
  for (const event of events) collector.take(event)
  return collector
}

export function encoded(events: Iterable<ChatEvent>, to: Client = client()): string {
  const encoder = codec.encodeStream(to)
  let bytes = ''
  for (const event of events) bytes += encoder.write(event)
  return bytes
}

export function scanned(body: unknown): { bytes: Buffer; scan: JsonScanner } {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 10_000, maxKeys: 10_000_000, unique: new Set() })
  scan.push(bytes)
  scan.end()
  return { bytes, scan }
}
