/**
 * Anthropic's Messages. Streams are named events from `message_start` to `message_stop`; errors inside of them are events too. Bedrock
 * and Vertex serve the same bodies under addresses that name the model. https://platform.claude.com/docs/en/api/messages
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import { addMember, replaceValue, type Edit } from '../../wire/json-edit.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { JsonObject } from '../canonical.ts'
import type { RequestPlace } from '../codec.ts'
import type { Counting, EndpointSpec, Protocol, RequestFacts, Wrong } from '../protocol.ts'
import { messagesCodec } from './codec.ts'
import { classify, readError, said } from './errors.ts'
import { readAnswer, readEvent } from './events.ts'
import { shapeOf } from './shape.ts'

/** Only what the gateway reads itself is checked: the rest is the vendor's to judge. */
const optional = [
  { key: 'stream', types: ['boolean', 'null'] },
  { key: 'max_tokens', types: ['number', 'null'] },
  { key: 'thinking', types: ['object', 'null'] },
  { key: 'megarouter', types: ['object', 'null'] },
] as const

const endpoints: readonly EndpointSpec[] = [
  { name: 'messages.count_tokens', capability: 'chat', path: '/messages/count_tokens', streams: false, counts: true, required: [{ key: 'model', types: ['string'] }, { key: 'messages', types: ['array'] }], optional },
  { name: 'messages', capability: 'chat', path: '/messages', streams: true, required: [{ key: 'model', types: ['string'] }, { key: 'messages', types: ['array'] }], optional },
]

/** What of a request is counted; the rest concerns the answer, and is refused. https://platform.claude.com/docs/en/api/messages-count-tokens */
const countedMembers = ['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config', 'output_format', 'mcp_servers', 'context_management', 'cache_control', 'speed']
const only = (body: JsonObject, keys: readonly string[]): JsonObject => Object.fromEntries(Object.entries(body).filter(([key]) => keys.includes(key)))

const counting: Counting = {
  path: '/messages/count_tokens',
  asked: (body) => body,
  question: (body, model) => ({ ...only(body, countedMembers), model }),
  tokens: ({ input_tokens: tokens }) => (typeof tokens === 'number' ? tokens : null),
  answer: (tokens) => ({ input_tokens: tokens }),
}

function readRequest(_endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, place: RequestPlace): RequestFacts | Wrong {
  const limit = valueOf(body, scan.find('max_tokens')) as number | null | undefined
  if (typeof limit === 'number' && !(Number.isInteger(limit) && limit >= 0)) return { message: 'The field "max_tokens" must be a whole number.', param: 'max_tokens' }
  const thinking = valueOf(body, scan.find('thinking')) as { type?: unknown } | null | undefined
  return {
    model: (valueOf(body, scan.find('model')) as string | undefined) ?? place.model ?? null,
    stream: valueOf(body, scan.find('stream')) === true || place.stream === true,
    usageInStream: true,
    maxOutputTokens: limit ?? null,
    choices: 1,
    reasoningOff: thinking?.type === 'disabled',
  }
}

/** Undefined: there is no such member. */
const valueOf = (body: Buffer, member: Member | undefined): unknown => (member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : undefined)

const leastBudget = 1024

/** Thinking has to stay below the output limit, or the request is refused. */
function limitEdits(body: Buffer, scan: JsonScanner, maxTokens: number): Edit[] {
  const member = scan.find('max_tokens')
  const own = valueOf(body, member)
  if (typeof own === 'number' && own <= maxTokens) return []
  const edits = [member ? replaceValue(member, String(maxTokens)) : addMember(scan.members, body.indexOf(0x7b), 'max_tokens', String(maxTokens))]
  const thinking = scan.find('thinking')
  const budget = thinking && budgetOf(body, thinking)
  if (!budget || budget.tokens < maxTokens) return edits
  if (maxTokens > leastBudget) return [...edits, { start: budget.start, end: budget.end, text: String(maxTokens - 1) }]
  return [...edits, replaceValue(thinking, '{"type":"disabled"}')]
}

function budgetOf(body: Buffer, thinking: Member): { start: number; end: number; tokens: number } | null {
  const cursor = new JsonCursor(body, thinking.valueStart)
  if (cursor.peek() !== 0x7b) return null
  for (cursor.enter(); cursor.more();) {
    const isBudget = cursor.key() === 'budget_tokens'
    cursor.peek()
    const start = cursor.at
    cursor.skip()
    const tokens = isBudget ? Number(body.toString('latin1', start, cursor.at)) : NaN
    if (tokens >= 0) return { start, end: cursor.at, tokens }
  }
  return null
}

/** The version that a client was written for, and the features that it asks for. */
function requestHeaders(client: Readonly<Record<string, string | string[] | undefined>>, headers: Record<string, string>): void {
  const { 'anthropic-version': version, 'anthropic-beta': beta } = client
  if (typeof version === 'string') headers['anthropic-version'] = version
  if (beta !== undefined) headers['anthropic-beta'] = String(beta)
}

export const anthropicMessages: Protocol = {
  id: 'anthropic-messages',
  endpoints,
  framing: 'sse',
  mediaWords: ['"image"', '"document"', '"container_upload"'],
  counting,
  answerIn: ['content'],
  mayBeEmpty: true,
  usageIn: { answer: ['usage'], event: ['usage'] },
  usage: { promptIncludesCached: false, completionIncludesReasoning: true },
  codec: messagesCodec,
  requestHeaders,
  readRequest,
  limitEdits,
  shapeOf,
  readEvent,
  readAnswer,
  readError,
  classify,
  errorBody: said,
  errorEvent: (error) => `event: error\ndata: ${said(error)}\n\n`,
  keepAlive: 'event: ping\ndata: {"type": "ping"}\n\n',
}
