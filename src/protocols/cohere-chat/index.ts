/**
 * Cohere's chat, version 2, under https://api.cohere.com/v2: https://docs.cohere.com/reference/chat. A stream is events that name their
 * type twice, usage and finish reason stand in the last of them, and `[DONE]` follows.
 */
import type { EventShape } from '../../wire/event-shape.ts'
import { addMember, replaceValue, type Edit } from '../../wire/json-edit.ts'
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { Json, JsonObject } from '../canonical.ts'
import type { ChatCodec, RequestPlace } from '../codec.ts'
import { isObject, isText, parsedObject } from '../members.ts'
import type { AnswerFacts, EndpointSpec, EventFacts, Protocol, RequestFacts, UpstreamFault, Wrong } from '../protocol.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { decodeRequest } from './decode-request.ts'
import { CohereDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { CohereEncoder } from './encode-stream.ts'
import { classify, errorBody, errorEvent, faultOf, readError } from './errors.ts'
import { shapeOf } from './shape.ts'
import { billOf } from './usage.ts'

const endpoints: readonly EndpointSpec[] = [{
  name: 'cohere.chat', capability: 'chat', path: '/chat', streams: true,
  required: [{ key: 'model', types: ['string'] }, { key: 'messages', types: ['array'] }],
  optional: [{ key: 'stream', types: ['boolean', 'null'] }, { key: 'max_tokens', types: ['number', 'null'] }, { key: 'thinking', types: ['object', 'null'] }, { key: 'megarouter', types: ['object', 'null'] }],
}]

/** Of a top-level member; undefined: there is none. */
function valueOf(body: Buffer, scan: JsonScanner, key: string): Json | undefined {
  const member = scan.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) as Json : undefined
}

function readRequest(_endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, _place: RequestPlace): RequestFacts | Wrong {
  const limit = valueOf(body, scan, 'max_tokens') as number | null | undefined
  if (limit != null && (!Number.isInteger(limit) || limit < 0)) return { message: 'The field "max_tokens" must be a whole number of 0 or more.', param: 'max_tokens' }
  const thinking = valueOf(body, scan, 'thinking')
  return {
    model: (valueOf(body, scan, 'model') as string | undefined) ?? null,
    stream: valueOf(body, scan, 'stream') === true,
    usageInStream: true,
    maxOutputTokens: limit ?? null,
    choices: 1,
    reasoningOff: isObject(thinking) && thinking['type'] === 'disabled',
  }
}

function limitEdits(body: Buffer, scan: JsonScanner, maxTokens: number): Edit[] {
  const member = scan.find('max_tokens')
  if (!member) return [addMember(scan.members, body.indexOf(0x7b), 'max_tokens', String(maxTokens))]
  const own = valueOf(body, scan, 'max_tokens')
  return typeof own === 'number' && own <= maxTokens ? [] : [replaceValue(member, String(maxTokens))]
}

const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

/** Before the text of a piece of output. Quotes within texts are escaped, so that it can't stand inside of one. */
const textOpening = /"content": ?\{"(?:text|thinking)": ?"/

function readEvent(event: SseEvent, shape: EventShape): EventFacts {
  if (event.oversize) return { ...nothing, meaningful: true, outputChars: event.end - event.start }
  const data = event.data
  if (data === null) return nothing
  const known = shape.textLength(data)
  if (known > 0) return { ...nothing, meaningful: true, outputChars: known }
  if (data === '[DONE]') return { ...nothing, meaningful: true, done: true }
  const value = parsedObject(data)
  if (!value) return nothing
  const delta = isObject(value['delta']) ? value['delta'] : {}
  switch (value['type']) {
    case 'content-delta': {
      const outputChars = outputLength(delta, 0)
      if (outputChars > 0 && value['logprobs'] === undefined) shape.learn(data, textOpening, outputChars)
      return outputChars > 0 ? { ...nothing, meaningful: true, outputChars } : nothing
    }
    case 'tool-plan-delta': case 'tool-call-start': case 'tool-call-delta': return { ...nothing, meaningful: true, outputChars: outputLength(delta, 0) }
    case 'citation-start': return { ...nothing, meaningful: true }
    case 'message-end': {
      const error = endFault(delta)
      return { ...nothing, meaningful: true, finished: error === null && isText(delta['finish_reason']), usage: billOf(delta['usage']), error }
    }
    case undefined: return { ...nothing, error: faultOf(value) }
    default: return nothing
  }
}

/** Of the last event: the generation has failed. */
function endFault(delta: JsonObject): UpstreamFault | null {
  const { error, finish_reason: finish } = delta
  if (finish !== 'ERROR' && !isText(error)) return null
  return { code: null, type: isText(finish) ? finish : null, message: isText(error) ? error.slice(0, 500) : 'The generation failed.', status: null }
}

/** Characters of all strings below a delta, but for types and ids. */
function outputLength(value: Json | undefined, depth: number): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null || depth > 6) return 0
  let length = 0
  for (const key in value) if (key !== 'type' && key !== 'id') length += outputLength((value as JsonObject)[key], depth + 1)
  return length
}

function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const finish = valueOf(body, scan, 'finish_reason')
  const usage = billOf(valueOf(body, scan, 'usage'))
  const message = valueOf(body, scan, 'message')
  const failed: UpstreamFault | null = finish === 'ERROR' ? { code: null, type: 'ERROR', message: 'The generation failed.', status: null } : null
  return {
    usage,
    serviceTier: null,
    usageMember: scan.find('usage'),
    error: isObject(message) ? failed : faultOf({ message: message ?? null, error: valueOf(body, scan, 'error') ?? null }),
    // Reading the output costs time and is needed only where the vendor's own count is missing.
    outputChars: usage === null && isObject(message) ? outputLength([message['content'] ?? null, message['tool_plan'] ?? null, message['tool_calls'] ?? null], 0) : 0,
  }
}

const codec: ChatCodec = {
  format: 'cohere-chat',
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream: () => new CohereDecoder(),
  encodeStream: (client) => new CohereEncoder(client),
}

export const cohereChat: Protocol = {
  id: 'cohere-chat',
  endpoints,
  framing: 'sse',
  mediaWords: ['"image_url"', '"document"'],
  answerIn: ['message'],
  usageIn: { answer: ['usage'], event: ['delta', 'usage'] },
  counting: null,
  usage: { promptIncludesCached: true, completionIncludesReasoning: true },
  codec,
  readRequest,
  limitEdits,
  shapeOf,
  readEvent,
  readAnswer,
  readError,
  classify,
  errorBody,
  errorEvent,
  keepAlive: ': keep-alive\n\n',
}
