/**
 * Amazon Bedrock's Converse, a format of vendors: model and streaming stand in the path, streams are binary frames of AWS, errors name
 * their type in a header. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
import { addMember, type Edit, replaceValue } from '../../wire/json-edit.ts'
import { JsonScanner, noUniqueKeys } from '../../wire/json-scanner.ts'
import type { JsonObject } from '../canonical.ts'
import type { RequestPlace } from '../codec.ts'
import type { Counting, EndpointSpec, Protocol, RequestFacts, Wrong } from '../protocol.ts'
import { converseCodec } from './codec.ts'
import { classify, errorBody, errorEvent, errorHeaders, idHeader, readError } from './errors.ts'
import { readAnswer, readEvent } from './facts.ts'
import { format, isObject } from './json.ts'
import { shapeOf } from './shape.ts'

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html */
const counting: Counting = {
  path: '/model/{model}/count-tokens',
  asked: ({ input }) => (isObject(input) && isObject(input['converse']) ? input['converse'] as JsonObject : {}),
  question: ({ messages = [], system, toolConfig, additionalModelRequestFields: more }) => ({ input: { converse: { messages, ...(system !== undefined && { system }), ...(toolConfig !== undefined && { toolConfig }), ...(more !== undefined && { additionalModelRequestFields: more }) } } }),
  tokens: ({ inputTokens }) => (typeof inputTokens === 'number' ? inputTokens : null),
  answer: (tokens) => ({ inputTokens: tokens }),
}

const object = ['object'] as const
/** `messages` may be missing where the model is a stored prompt. */
const endpoints: readonly EndpointSpec[] = [{
  name: 'converse', capability: 'chat', path: '/model/{model}/converse', streamPath: '/model/{model}/converse-stream', streams: true, required: [],
  optional: [
    { key: 'messages', types: ['array'] }, { key: 'system', types: ['array'] }, { key: 'inferenceConfig', types: object }, { key: 'toolConfig', types: object },
    { key: 'additionalModelRequestFields', types: object }, { key: 'megarouter', types: ['object', 'null'] },
  ],
}]

function readRequest(_endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, place: RequestPlace): RequestFacts | Wrong {
  const limit = objectAt(body, scan, 'inferenceConfig')?.['maxTokens'] ?? null
  if (limit !== null && !Number.isInteger(limit)) return { message: 'The token limit must be a whole number.', param: 'inferenceConfig.maxTokens' }
  const more = objectAt(body, scan, 'additionalModelRequestFields')
  const isOff = (key: string): boolean => {
    const value = more?.[key]
    return isObject(value) && value['type'] === 'disabled'
  }
  return { model: place.model ?? null, stream: place.stream ?? false, usageInStream: true, maxOutputTokens: limit as number | null, choices: 1, reasoningOff: isOff('thinking') || isOff('reasoningConfig') }
}

function objectAt(body: Buffer, scan: JsonScanner, key: string): JsonObject | null {
  const member = scan.find(key)
  return member ? (JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) as JsonObject) : null
}

function limitEdits(body: Buffer, scan: JsonScanner, maxTokens: number): Edit[] {
  const config = scan.find('inferenceConfig')
  if (!config) return [addMember(scan.members, body.indexOf(0x7b), 'inferenceConfig', `{"maxTokens":${maxTokens}}`)]
  const { valueStart, valueEnd } = config
  const inner = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: noUniqueKeys })
  inner.push(body.subarray(valueStart, valueEnd))
  const members = inner.members.map((member) => ({ ...member, keyStart: member.keyStart + valueStart, valueStart: member.valueStart + valueStart, valueEnd: member.valueEnd + valueStart }))
  const limit = members.find(({ key }) => key === 'maxTokens')
  if (!limit) return [addMember(members, valueStart, 'maxTokens', String(maxTokens))]
  return Number(body.toString('latin1', limit.valueStart, limit.valueEnd)) <= maxTokens ? [] : [replaceValue(limit, String(maxTokens))]
}

export const bedrockConverse: Protocol = {
  id: format,
  endpoints,
  framing: 'aws-event-stream',
  mediaWords: ['"image"', '"document"', '"video"', '"audio"'],
  answerIn: ['output'],
  usageIn: { answer: ['usage'], event: ['usage'] },
  counting,
  usage: { promptIncludesCached: false, completionIncludesReasoning: true },
  codec: converseCodec,
  readRequest,
  limitEdits,
  shapeOf,
  readEvent,
  readAnswer,
  readError,
  classify,
  errorBody,
  errorEvent,
  errorHeaders,
  idHeader,
  // The framing has no comments: a client of it gets none.
  keepAlive: '',
}
