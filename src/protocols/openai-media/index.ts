/**
 * OpenAI's endpoints that carry no conversation: images, audio, moderation; and reranking in Cohere's form, which most vendors took over.
 * Streams end with an event of their own (`….done`, `….completed`). https://platform.openai.com/docs/api-reference, https://docs.cohere.com/reference/rerank
 */
import { JsonCursor } from '../../wire/json-cursor.ts'
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { EventShape } from '../../wire/event-shape.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { Json, JsonObject } from '../canonical.ts'
import { named } from '../members.ts'
import { faultOf } from '../openai-chat/errors.ts'
import { openaiChat } from '../openai-chat/index.ts'
import type { AnswerFacts, EndpointSpec, EventFacts, JsonType, Protocol, RequestFacts, Wrong } from '../protocol.ts'
import { rerankCodecs } from '../rerank.ts'
import { shapeOf } from './shape.ts'
import { usageOf } from './usage.ts'

const must = (key: string, ...types: JsonType[]): { key: string; types: readonly JsonType[] } => ({ key, types })
const may = (key: string, type: JsonType): { key: string; types: readonly JsonType[] } => must(key, type, 'null')
const model = must('model', 'string')
const common = [may('n', 'number'), may('stream', 'boolean'), may('megarouter', 'object')]
const spec = (name: string, capability: EndpointSpec['capability'], streams: boolean, required: EndpointSpec['required'], more: Partial<EndpointSpec> = {}): EndpointSpec =>
  ({ name, capability, path: `/${name.replaceAll('.', '/')}`, streams, required: [model, ...required], optional: common, ...more })

const endpoints: readonly EndpointSpec[] = [
  spec('images.generations', 'images', true, [must('prompt', 'string')]),
  spec('images.edits', 'image_edits', true, [must('prompt', 'string')], { form: 'whole' }),
  spec('images.variations', 'image_variations', false, [], { form: 'whole' }),
  spec('audio.speech', 'speech', true, [must('input', 'string')], { bytes: true }),
  spec('audio.transcriptions', 'transcriptions', true, [], { form: 'piped', bytes: true }),
  spec('audio.translations', 'translations', false, [], { form: 'piped', bytes: true }),
  spec('moderations', 'moderations', false, [must('input', 'string', 'array')]),
  spec('rerank', 'rerank', false, [must('query', 'string'), must('documents', 'array')]),
]

function valueOf(body: Buffer, scan: JsonScanner, key: string): unknown {
  const member = scan.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : undefined
}

function readRequest({ capability }: EndpointSpec, body: Buffer, scan: JsonScanner): RequestFacts | Wrong {
  const choices = (valueOf(body, scan, 'n') as number | null | undefined) ?? 1
  if (!Number.isInteger(choices) || choices < 1 || choices > 128) return { message: 'The field "n" must be a whole number from 1 to 128.', param: 'n' }
  const stream = valueOf(body, scan, 'stream') === true || (capability === 'speech' && valueOf(body, scan, 'stream_format') === 'sse')
  return { model: (valueOf(body, scan, 'model') as string | undefined) ?? null, stream, usageInStream: true, maxOutputTokens: null, choices, reasoningOff: true }
}

const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

function readEvent(event: SseEvent, shape: EventShape): EventFacts {
  const { data } = event
  if (event.oversize) return { ...nothing, meaningful: true }
  if (data === null) return nothing
  const parsed = parsedOr(data)
  // Servers of one's own stream transcriptions as chats.
  if (parsed === null || parsed['choices'] !== undefined) return openaiChat.readEvent(event, shape)
  const type = named(parsed['type']) ?? event.name
  const error = faultOf(parsed['error'] ?? (type === 'error' || event.name === 'error' ? parsed : null))
  const finished = /\.(done|completed)$/.test(type)
  const { delta } = parsed
  return {
    ...nothing, error, finished, meaningful: finished || /\.(delta|partial_image|segment)$/.test(type),
    usage: finished ? usageOf(parsed, type.startsWith('image') ? 1 : 0) : null, outputChars: typeof delta === 'string' ? delta.length : 0,
  }
}

function parsedOr(data: string): JsonObject | null {
  try {
    const value = JSON.parse(data) as Json
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

const answers = ['data', 'text', 'results', 'segments']

function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const hasAnswer = answers.some((key) => scan.find(key) !== undefined)
  const error = hasAnswer ? null : faultOf(valueOf(body, scan, 'error') ?? null)
  const told: JsonObject = {}
  for (const key of ['usage', 'meta', 'duration']) {
    const value = valueOf(body, scan, key) as Json | undefined
    if (value !== undefined) told[key] = value
  }
  return { usage: usageOf(told, imagesIn(body, scan)), serviceTier: null, usageMember: scan.find('usage'), error, outputChars: 0 }
}

/** Counted without reading them: each may have megabytes. Lists of other answers hold results or vectors. */
function imagesIn(body: Buffer, scan: JsonScanner): number {
  const data = scan.find('data')
  if (!data || body[data.valueStart] !== 0x5b) return 0
  const cursor = new JsonCursor(body, data.valueStart)
  let images = 0
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() !== 0x7b) return images
    let isImage = false
    for (cursor.enter(); cursor.more(); cursor.skip()) if (imageKeys.has(cursor.key())) isImage = true
    if (isImage) images++
  }
  return images
}

const imageKeys = new Set(['b64_json', 'url'])

export const openaiMedia: Protocol = {
  ...openaiChat,
  id: 'openai-media',
  endpoints,
  // A completed image stands in one event.
  eventBytes: 32 * 1024 * 1024,
  mediaWords: [],
  answerIn: answers,
  mayBeAny: ['text', 'results', 'segments'],
  byPieces: true,
  codec: null,
  plain: { rerank: rerankCodecs.cohere },
  readRequest,
  // Nothing of these has a limit of tokens that could be lowered.
  limitEdits: () => [],
  shapeOf,
  readEvent,
  readAnswer,
}
