/**
 * Ollama's own chat: https://docs.ollama.com/api/chat. A stream is a line of JSON each, the last of which says `done`, why, and how many
 * tokens there were; an answer is streamed unless the request says otherwise.
 */
import type { EventShape } from '../../wire/event-shape.ts'
import { addMember, replaceValue, type Edit } from '../../wire/json-edit.ts'
import { JsonScanner, noUniqueKeys, type Member } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { Json, JsonObject } from '../canonical.ts'
import type { ChatCodec, RequestPlace } from '../codec.ts'
import { isCount, isNumber, isObject, isText, parsedObject } from '../members.ts'
import type { AnswerFacts, EndpointSpec, EventFacts, Protocol, RequestFacts, Wrong } from '../protocol.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { classify, errorBody, errorEvent, faultOf, readError } from './errors.ts'
import { shapeOf } from './shape.ts'
import { OllamaDecoder, OllamaEncoder } from './stream.ts'

const endpoints: readonly EndpointSpec[] = [{
  name: 'ollama.chat', capability: 'chat', path: '/api/chat', streams: true,
  required: [{ key: 'model', types: ['string'] }, { key: 'messages', types: ['array'] }],
  optional: [{ key: 'stream', types: ['boolean', 'null'] }, { key: 'options', types: ['object', 'null'] }, { key: 'think', types: ['boolean', 'string', 'null'] }, { key: 'megarouter', types: ['object', 'null'] }],
}]

/** Of a top-level member; undefined: there is none. */
function valueOf(body: Buffer, scan: JsonScanner, key: string): Json | undefined {
  const member = scan.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) as Json : undefined
}

function readRequest(_endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, _place: RequestPlace): RequestFacts | Wrong {
  const options = valueOf(body, scan, 'options')
  const limit = isObject(options) ? options['num_predict'] : undefined
  if (limit != null && !Number.isInteger(limit)) return { message: 'The option "num_predict" must be a whole number.', param: 'options.num_predict' }
  return {
    model: (valueOf(body, scan, 'model') as string | undefined) ?? null,
    stream: valueOf(body, scan, 'stream') !== false,
    usageInStream: true,
    // A negative limit is none.
    maxOutputTokens: isCount(limit) ? limit : null,
    choices: 1,
    reasoningOff: valueOf(body, scan, 'think') === false,
  }
}

/** Where the options stand twice the server merges them, so that each is bounded. */
function limitEdits(body: Buffer, scan: JsonScanner, maxTokens: number): Edit[] {
  const all = scan.members.filter(({ key }) => key === 'options')
  if (all.length === 0) return [addMember(scan.members, body.indexOf(0x7b), 'options', `{"num_predict":${maxTokens}}`)]
  return all.flatMap((options) => {
    if (body[options.valueStart] !== 0x7b) return [replaceValue(options, `{"num_predict":${maxTokens}}`)]
    const inner = membersOf(body, options)
    const limits = inner.filter(({ key }) => key === 'num_predict')
    if (limits.length === 0) return [addMember(inner, options.valueStart, 'num_predict', String(maxTokens))]
    return limits.filter((limit) => !isWithin(body, limit, maxTokens)).map((limit) => replaceValue(limit, String(maxTokens)))
  })
}

function isWithin(body: Buffer, { valueStart, valueEnd }: Member, most: number): boolean {
  const limit = Number(body.toString('latin1', valueStart, valueEnd))
  return Number.isInteger(limit) && limit >= 0 && limit <= most
}

function membersOf(body: Buffer, { valueStart, valueEnd }: Member): Member[] {
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 100_000, unique: noUniqueKeys })
  scan.push(body.subarray(valueStart, valueEnd))
  return scan.members.map((member) => ({ ...member, keyStart: member.keyStart + valueStart, valueStart: member.valueStart + valueStart, valueEnd: member.valueEnd + valueStart }))
}

const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

/** Each line has a time of its own, so that none has the shape of another. */
function readEvent(event: SseEvent, _shape: EventShape): EventFacts {
  if (event.oversize) return { ...nothing, meaningful: true, outputChars: event.end - event.start }
  const line = event.data === null ? null : parsedObject(event.data)
  if (!line) return nothing
  const { message, done, done_reason: reason } = line
  const outputChars = isObject(message) ? outputOf(message) : 0
  const isDone = done === true
  return {
    meaningful: outputChars > 0 || isDone,
    finished: isDone && isText(reason) && reason !== '',
    done: isDone,
    usage: isDone ? countsOf(line) : null,
    serviceTier: null,
    usageOnly: false,
    error: faultOf(line),
    outputChars,
  }
}

/** With the names that `normaliseUsage` reads. The server leaves out what is 0. */
function countsOf({ prompt_eval_count: input, eval_count: output }: JsonObject): object | null {
  return isNumber(input) || isNumber(output) ? { prompt_tokens: input ?? 0, completion_tokens: output ?? 0 } : null
}

function outputOf({ content, thinking, tool_calls: calls }: JsonObject): number {
  const length = (isText(content) ? content.length : 0) + (isText(thinking) ? thinking.length : 0)
  return Array.isArray(calls) ? length + calls.reduce<number>((sum, call) => sum + (isObject(call) ? JSON.stringify(call['function'] ?? null).length : 0), 0) : length
}

function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const value = (key: string): Json => valueOf(body, scan, key) ?? null
  const message = scan.find('message')
  const usage = countsOf({ prompt_eval_count: value('prompt_eval_count'), eval_count: value('eval_count') })
  const answered = message && usage === null ? value('message') : null
  return { usage, serviceTier: null, usageMember: undefined, error: message ? null : faultOf({ error: value('error') }), outputChars: isObject(answered) ? outputOf(answered) : 0 }
}

const codec: ChatCodec = {
  format: 'ollama-chat',
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream: () => new OllamaDecoder(),
  encodeStream: (client) => new OllamaEncoder(client),
}

export const ollamaChat: Protocol = {
  id: 'ollama-chat',
  endpoints,
  framing: 'ndjson',
  mediaWords: ['"images"'],
  answerIn: ['message'],
  usageIn: { answer: [], event: [] },
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
  // White space before the next line.
  keepAlive: ' ',
}
