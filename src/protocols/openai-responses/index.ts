/**
 * OpenAI's Responses API, at the wire. Streams are named events that end with the whole response, usage in it; errors come as an event
 * and in the response that failed. https://platform.openai.com/docs/api-reference/responses
 */
import { addMember, type Edit, replaceValue } from '../../wire/json-edit.ts'
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import { kindOf } from '../openai-chat/errors.ts'
import type { AnswerFacts, Counting, EndpointSpec, EventFacts, Protocol, RequestFacts, SaidError, UpstreamFault, Wrong } from '../protocol.ts'
import type { JsonObject } from '../canonical.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { classify, faultIn, faultOfBody } from './errors.ts'
import { format, isObject, listOr, objectOr, textOr } from './json.ts'
import { decodeRequest } from './read-request.ts'
import { shapeOf } from './shape.ts'
import { ResponsesStreamDecoder } from './stream-decoder.ts'
import { ResponsesStreamEncoder } from './stream-encoder.ts'
import { usageFacts } from './usage.ts'
import { encodeRequest } from './write-request.ts'

/** https://platform.openai.com/docs/api-reference/responses/input-tokens */
const counting: Counting = {
  path: '/responses/input_tokens',
  asked: (body) => body,
  question: (body, model) => {
    const { stream: _stream, max_output_tokens: _limit, store: _store, include: _include, metadata: _metadata, ...counted } = body
    return { ...counted, model }
  },
  tokens: ({ input_tokens: tokens }) => (typeof tokens === 'number' ? tokens : null),
  answer: (tokens) => ({ object: 'response.input_tokens', input_tokens: tokens }),
}

const endpoints: readonly EndpointSpec[] = [{
  name: 'responses.input_tokens', capability: 'chat', path: '/responses/input_tokens', streams: false, counts: true, required: [{ key: 'model', types: ['string'] }], optional: [{ key: 'megarouter', types: ['object', 'null'] }],
}, {
  name: 'responses', capability: 'chat', path: '/responses', streams: true,
  required: [{ key: 'model', types: ['string'] }],
  // Without input there must be a prompt or an earlier response, which is the vendor's to judge.
  optional: [
    { key: 'input', types: ['string', 'array', 'null'] }, { key: 'instructions', types: ['string', 'null'] }, { key: 'stream', types: ['boolean', 'null'] },
    { key: 'max_output_tokens', types: ['number', 'null'] }, { key: 'reasoning', types: ['object', 'null'] }, { key: 'megarouter', types: ['object', 'null'] },
  ],
}]

function valueOf(body: Buffer, scan: JsonScanner, key: string): unknown {
  const member = scan.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : undefined
}

function readRequest(_endpoint: EndpointSpec, body: Buffer, scan: JsonScanner): RequestFacts | Wrong {
  const most = valueOf(body, scan, 'max_output_tokens')
  if (typeof most === 'number' && (!Number.isInteger(most) || most < 0)) return { message: 'The field "max_output_tokens" must be a whole number, 16 or more.', param: 'max_output_tokens' }
  return {
    model: textOr(valueOf(body, scan, 'model')) ?? null, stream: valueOf(body, scan, 'stream') === true, usageInStream: true,
    maxOutputTokens: typeof most === 'number' ? most : null, choices: 1, reasoningOff: objectOr(valueOf(body, scan, 'reasoning'))['effort'] === 'none',
  }
}

function limitEdits(body: Buffer, scan: JsonScanner, maxTokens: number): Edit[] {
  const member = scan.find('max_output_tokens')
  if (!member) return [addMember(scan.members, body.indexOf(0x7b), 'max_output_tokens', String(maxTokens))]
  const own: unknown = JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd))
  return typeof own === 'number' && own <= maxTokens ? [] : [replaceValue(member, String(maxTokens))]
}

const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

/** Of an event that is a piece of text. Quotes within texts are escaped, so that neither can stand inside of one. */
const textEvent = '"type":"response.output_text.delta"'
const deltaOpening = '"delta":"'
/** They repeat the request and say nothing of the answer. */
const beginnings = new Set(['response.created', 'response.in_progress', 'response.queued'])
const ends = new Set(['response.completed', 'response.incomplete', 'response.cancelled'])
/** Announcements of what is to come. */
const announcements = new Set(['response.content_part.added', 'response.reasoning_summary_part.added', 'keepalive', 'ping'])

function readEvent(event: SseEvent): EventFacts {
  // A giant event is an image in base64 or a whole response: output, whatever it says.
  const { data, name } = event
  if (event.oversize) {
    const isEnd = ends.has(name)
    return { ...nothing, meaningful: true, outputChars: isEnd ? 0 : event.end - event.start, finished: isEnd, done: isEnd, error: name === 'response.failed' ? unsaid : null }
  }
  if (data === null || beginnings.has(name)) return nothing
  if (data.includes(textEvent)) {
    const chars = deltaLength(data)
    if (chars >= 0) return { meaningful: chars > 0, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: chars }
  }
  if (data === '[DONE]') return { ...nothing, meaningful: true, done: true }
  let said: unknown
  try {
    said = JSON.parse(data)
  } catch {
    // Not JSON: forwarded as it is, it just tells us nothing.
    return name === 'error' ? { ...nothing, error: { code: null, type: null, message: data.slice(0, 500), status: null } } : nothing
  }
  return isObject(said) ? factsOf(textOr(said['type']) ?? name, said) : nothing
}

/** Characters of the text, without building it; −1: an escape leaves that to the parser. */
function deltaLength(data: string): number {
  const from = data.indexOf(deltaOpening) + deltaOpening.length
  const to = data.indexOf('"', from)
  if (from < deltaOpening.length || to < 0) return -1
  const escape = data.indexOf('\\', from)
  return escape >= 0 && escape < to ? -1 : to - from
}

function factsOf(type: string, said: JsonObject): EventFacts {
  if (beginnings.has(type) || announcements.has(type)) return nothing
  if (type === 'error') return { ...nothing, error: faultIn(said) ?? unsaid }
  const response = objectOr(said['response'])
  if (type === 'response.failed') return { ...nothing, usage: usageFacts(response), error: faultIn(response) ?? unsaid }
  if (ends.has(type)) {
    return { meaningful: true, finished: true, done: true, usage: usageFacts(response), serviceTier: textOr(response['service_tier']) ?? null, usageOnly: false, error: null, outputChars: 0 }
  }
  const delta = said['delta']
  const outputChars = typeof delta === 'string' ? delta.length : type === 'response.output_item.added' ? announcedChars(objectOr(said['item'])) : 0
  // An empty message or an empty thought says no more than that something comes.
  const isEmpty = outputChars === 0 && (type === 'response.output_item.added' || typeof delta === 'string')
  return isEmpty || !type.startsWith('response.') ? nothing : { ...nothing, meaningful: true, outputChars }
}

/** A call is announced with its name; other announcements are empty. */
const announcedChars = (item: JsonObject): number => (item['type'] === 'message' || item['type'] === 'reasoning' ? 0 : (textOr(item['name']) ?? textOr(item['type']) ?? '').length)

const unsaid: UpstreamFault = { code: null, type: null, message: 'The vendor reported an error without saying which.', status: null }

function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const read = (key: string): unknown => valueOf(body, scan, key) ?? null
  const failed = read('status') === 'failed'
  const hasOutput = scan.find('output') !== undefined && !failed
  const output = scan.find('output') ? read('output') : null
  const response = { usage: read('usage'), tool_usage: read('tool_usage'), output } as JsonObject
  const usage = usageFacts(response)
  const error = scan.find('error') ? faultIn({ error: read('error') } as JsonObject) : null
  return {
    usage, serviceTier: textOr(read('service_tier')) ?? null, usageMember: scan.find('usage'), error: hasOutput ? null : error ?? (failed ? unsaid : null),
    outputChars: Number(usage?.['completion_tokens'] ?? 0) > 0 ? 0 : listOr(output).reduce<number>((sum, item) => sum + charsIn(item, 0), 0),
  }
}

/** Characters of the texts, thoughts and arguments of an item. */
function charsIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null || depth > 6) return 0
  let chars = 0
  for (const [key, member] of Object.entries(value)) {
    if (typeof member !== 'string') chars += charsIn(member, depth + 1)
    else if (key === 'text' || key === 'arguments' || key === 'input' || key === 'refusal' || key === 'name' || key === 'code') chars += member.length
  }
  return chars
}

const errorOf = (error: SaidError): object => ({ message: error.message, ...kindOf(error), param: error.param, request_id: error.requestId })

/** As OpenAI ends a broken stream: with the error, and with a response that failed, which is all that Codex looks at. */
function errorEvent(error: SaidError): string {
  const { message, param, requestId } = error
  const { code } = kindOf(error)
  const said = { type: 'error', sequence_number: 0, code, message, param, error: errorOf(error) }
  const response = { id: `resp_${requestId.replace(/^req_/, '')}`, object: 'response', status: 'failed', error: { code, message }, incomplete_details: null, output: [] }
  return `event: error\ndata: ${JSON.stringify(said)}\n\nevent: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', sequence_number: 1, response })}\n\n`
}

export const openaiResponses: Protocol = {
  id: format,
  endpoints,
  framing: 'sse',
  // The last event repeats request and answer.
  eventBytes: 8 * 1024 * 1024,
  mediaWords: ['_image"', '_file"', '_audio"', '_url"'],
  answerIn: ['output'],
  mayBeEmpty: true,
  usageIn: { answer: ['usage'], event: ['response', 'usage'] },
  counting,
  usage: { promptIncludesCached: true, completionIncludesReasoning: true },
  codec: {
    format, decodeRequest, encodeRequest, decodeAnswer, encodeAnswer,
    decodeStream: (source) => new ResponsesStreamDecoder(source),
    encodeStream: (client) => new ResponsesStreamEncoder(client),
  },
  readRequest,
  limitEdits,
  shapeOf,
  readEvent,
  readAnswer,
  readError(body) {
    try {
      return faultOfBody(JSON.parse(body.toString()))
    } catch {
      return null
    }
  },
  classify,
  errorBody: (error) => JSON.stringify({ error: errorOf(error) }),
  errorEvent,
  keepAlive: ': keep-alive\n\n',
}
