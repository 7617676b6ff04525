/**
 * Google's generateContent, of AI Studio and of Vertex. Model and streaming stand in the path; every event of a stream is a whole answer with what
 * is new, usage in each of them, and nothing marks the end but a finish reason. https://ai.google.dev/api/generate-content
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import { addMember, replaceValue, type Edit } from '../../wire/json-edit.ts'
import type { EventShape } from '../../wire/event-shape.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { JsonObject } from '../canonical.ts'
import type { ChatCodec, RequestPlace } from '../codec.ts'
import type { AnswerFacts, Counting, EndpointSpec, EventFacts, Protocol, RequestFacts, Wrong } from '../protocol.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { classify, errorBody, faultOf, readError } from './errors.ts'
import { camelCase, isObject } from './fields.ts'
import { reasonIn } from './finish.ts'
import { format } from './parts.ts'
import { decodeRequest } from './read-request.ts'
import { Decoder } from './read-stream.ts'
import { numberAt, shapeOf } from './shape.ts'
import { meteredUsage, searchesIn, tierIn } from './usage.ts'
import { encodeRequest } from './write-request.ts'
import { Encoder } from './write-stream.ts'

const config = ['object', 'null'] as const
const counting: Counting = {
  path: '/models/{model}:countTokens',
  asked: (body) => (isObject(body['generateContentRequest']) ? body['generateContentRequest'] as JsonObject : body),
  question: (body, model) => ({ generateContentRequest: { ...body, model: `models/${model}` } }),
  tokens: ({ totalTokens }) => (typeof totalTokens === 'number' ? totalTokens : null),
  answer: (tokens) => ({ totalTokens: tokens }),
}

const endpoints: readonly EndpointSpec[] = [{
  name: 'generateContent', capability: 'chat', path: '/models/{model}:generateContent', streamPath: '/models/{model}:streamGenerateContent?alt=sse', streams: true,
  required: [{ key: 'contents', types: ['array', 'object'] }],
  optional: [{ key: 'generationConfig', types: config }, { key: 'generation_config', types: config }, { key: 'megarouter', types: config }],
}, {
  name: 'countTokens', capability: 'chat', path: '/models/{model}:countTokens', streams: false, counts: true, required: [], optional: [{ key: 'contents', types: ['array', 'object'] }, { key: 'generateContentRequest', types: config }, { key: 'megarouter', types: config }],
}]

const openBrace = 0x7b

/** Both spellings: Google refuses a request that has both. */
const configsOf = ({ members }: JsonScanner, body: Buffer): Member[] => members.filter(({ key, valueStart }) => camelCase(key) === 'generationConfig' && body[valueStart] === openBrace)

/** Members of an object that stands in the body. */
function membersAt(body: Buffer, { valueStart }: Member): Member[] {
  const found: Member[] = []
  const cursor = new JsonCursor(body, valueStart)
  for (cursor.enter(); cursor.more();) {
    cursor.peek()
    const keyStart = cursor.at
    const key = camelCase(cursor.key())
    cursor.peek()
    const start = cursor.at
    cursor.skip()
    found.push({ key, keyStart, valueStart: start, valueEnd: cursor.at })
  }
  return found
}

function readRequest(_endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, place: RequestPlace): RequestFacts | Wrong {
  const facts: RequestFacts = { model: place.model ?? null, stream: place.stream === true, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: false }
  for (const each of configsOf(scan, body)) {
    for (const member of membersAt(body, each)) {
      if (body[member.valueStart] === 0x6e) continue
      if (member.key === 'maxOutputTokens') {
        const limit = numberAt(body, new JsonCursor(body, member.valueStart))
        if (!Number.isInteger(limit)) return { message: 'The token limit must be a whole number.', param: 'generationConfig.maxOutputTokens' }
        if (limit >= 0) facts.maxOutputTokens = Math.max(facts.maxOutputTokens ?? 0, limit)
      } else if (member.key === 'candidateCount') {
        const choices = numberAt(body, new JsonCursor(body, member.valueStart))
        if (!Number.isInteger(choices) || choices < 1 || choices > 128) return { message: 'The field "candidateCount" must be a whole number from 1 to 128.', param: 'generationConfig.candidateCount' }
        facts.choices = Math.max(facts.choices, choices)
      } else if (member.key === 'thinkingConfig' && body[member.valueStart] === openBrace) {
        facts.reasoningOff = membersAt(body, member).some(({ key, valueStart }) => key === 'thinkingBudget' && numberAt(body, new JsonCursor(body, valueStart)) === 0)
      }
    }
  }
  return facts
}

function limitEdits(body: Buffer, scan: JsonScanner, maxTokens: number): Edit[] {
  const limit = String(maxTokens)
  const configs = configsOf(scan, body)
  if (configs.length === 0) {
    const empty = scan.members.find(({ key }) => camelCase(key) === 'generationConfig')
    const json = `{"maxOutputTokens":${limit}}`
    return [empty ? replaceValue(empty, json) : addMember(scan.members, body.indexOf(openBrace), 'generationConfig', json)]
  }
  const edits: Edit[] = []
  for (const each of configs) {
    const members = membersAt(body, each)
    const limits = members.filter(({ key }) => key === 'maxOutputTokens')
    if (limits.length === 0) edits.push(addMember(members, each.valueStart, 'maxOutputTokens', limit))
    for (const own of limits) {
      const wished = numberAt(body, new JsonCursor(body, own.valueStart))
      if (!(wished >= 1 && wished <= maxTokens)) edits.push(replaceValue(own, limit))
    }
  }
  return edits
}

const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

/** Before the text of a piece of output. Quotes within texts are escaped, so that it can't stand inside of one. */
const textOpening = /"parts": ?\[\{"text": ?"/

function readEvent(event: SseEvent, shape: EventShape): EventFacts {
  // A giant event is an image or audio in base64: output, whatever it says.
  if (event.oversize) return { ...nothing, meaningful: true, outputChars: event.end - event.start }
  const data = event.data
  if (data === null) return nothing
  const known = shape.textLength(data)
  if (known > 0) return { ...nothing, meaningful: true, outputChars: known }
  let chunk: unknown
  try {
    chunk = JSON.parse(data)
  } catch {
    // Not JSON: forwarded as it is, it just tells us nothing.
    return nothing
  }
  if (Array.isArray(chunk)) chunk = chunk[0]
  if (!isObject(chunk)) return nothing
  const { candidates, usageMetadata, promptFeedback, error, modelVersion } = chunk
  if (error !== undefined && error !== null) return { ...nothing, error: faultOf(error) }
  const facts: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: tierIn(usageMetadata), usageOnly: false, error: null, outputChars: 0 }
  let searches = 0
  if (Array.isArray(candidates)) {
    for (let i = 0; i < candidates.length; i++) {
      const candidate: unknown = candidates[i]
      if (!isObject(candidate)) continue
      readCandidate(candidate, facts)
      if (candidate['groundingMetadata']) searches += searchesIn(modelVersion, candidate['groundingMetadata'])
    }
  }
  // The prompt was blocked: that is all of the answer.
  if (isObject(promptFeedback) && reasonIn(promptFeedback['blockReason']) !== null) facts.finished = true
  if (facts.outputChars > 0 || facts.finished) facts.meaningful = true
  facts.usage = meteredUsage(usageMetadata, searches)
  if (facts.outputChars > 0 && !facts.finished && facts.usage === null && facts.serviceTier === null && Array.isArray(candidates) && candidates.length === 1) shape.learn(data, textOpening, facts.outputChars)
  return facts
}

function readCandidate({ content, finishReason }: Record<string, unknown>, facts: EventFacts): void {
  if (finishReason !== undefined && reasonIn(finishReason) !== null) facts.finished = true
  const parts = isObject(content) ? content['parts'] : undefined
  if (!Array.isArray(parts)) return
  for (let i = 0; i < parts.length; i++) {
    const part: unknown = parts[i]
    if (!isObject(part)) continue
    const { text } = part
    facts.outputChars += typeof text === 'string' ? text.length : outputLength(part, 0)
  }
}

/** Characters of all strings of a part that is no text: names and arguments of calls, code, media. A signature is no output. */
function outputLength(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null || depth > 6) return 0
  let length = 0
  for (const key of Object.keys(value)) if (key !== 'thoughtSignature') length += outputLength((value as Record<string, unknown>)[key], depth + 1)
  return length
}

function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const read = (key: string): unknown => {
    const member = scan.find(key)
    return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : undefined
  }
  const hasOutput = scan.find('candidates') !== undefined || scan.find('promptFeedback') !== undefined
  const said = hasOutput ? undefined : read('error')
  const error = said === undefined || said === null ? null : faultOf(said)
  const meta = read('usageMetadata')
  const facts = { ...nothing }
  let searches = 0
  // Reading the output costs time and is needed only where searches are billed, or the vendor counted nothing.
  if (hasOutput && (!isObject(meta) || !meta['candidatesTokenCount'] || body.includes('"webSearchQueries"'))) {
    const candidates = read('candidates')
    for (const candidate of Array.isArray(candidates) ? candidates : []) {
      if (!isObject(candidate)) continue
      readCandidate(candidate, facts)
      searches += searchesIn(read('modelVersion'), candidate['groundingMetadata'])
    }
  }
  return { usage: meteredUsage(meta, searches), serviceTier: tierIn(meta), usageMember: scan.find('usageMetadata'), error, outputChars: facts.outputChars }
}

const codec: ChatCodec = {
  format, decodeRequest, encodeRequest, decodeAnswer, encodeAnswer,
  decodeStream: (source) => new Decoder(source),
  encodeStream: (client) => new Encoder(client),
}

export const geminiGenerate: Protocol = {
  id: format,
  endpoints,
  framing: 'sse',
  mediaWords: ['Data"', '_data"'],
  usage: { promptIncludesCached: true, completionIncludesReasoning: false },
  counting,
  answerIn: ['candidates', 'promptFeedback'],
  usageIn: { answer: ['usageMetadata'], event: ['usageMetadata'] },
  codec,
  readRequest,
  limitEdits,
  shapeOf,
  readEvent,
  readAnswer,
  readError,
  classify,
  errorBody,
  // Google's libraries take an error of a stream from plain JSON alone.
  errorEvent: (error) => `${errorBody(error)}\n`,
  // They take a comment for a broken event, and an answer without a candidate for a broken answer.
  keepAlive: 'data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"index":0}]}\n\n',
}
