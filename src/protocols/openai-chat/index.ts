/**
 * OpenAI's chat completions, completions and embeddings. Streams are data-only events closed by `[DONE]`; usage comes in a
 * chunk of its own with empty `choices`, or (some vendors) in the finish chunk. https://platform.openai.com/docs/api-reference/chat
 */
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { EventShape } from '../../wire/event-shape.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { RequestPlace } from '../codec.ts'
import { openaiEmbeddings } from '../embeddings/openai.ts'
import { openaiChatCodec } from './codec.ts'
import { classify, faultOf, said } from './errors.ts'
import { shapeOf } from './shape.ts'
import type { AnswerFacts, EndpointSpec, EventFacts, Protocol, RequestFacts, Wrong } from '../protocol.ts'

/** Only what the gateway reads itself is checked: the rest is the vendor's to judge. */
const optional = [
  { key: 'stream', types: ['boolean', 'null'] },
  { key: 'stream_options', types: ['object', 'null'] },
  { key: 'max_tokens', types: ['number', 'null'] },
  { key: 'max_completion_tokens', types: ['number', 'null'] },
  { key: 'n', types: ['number', 'null'] },
  { key: 'megarouter', types: ['object', 'null'] },
] as const

const model = { key: 'model', types: ['string'] } as const
const endpoints: readonly EndpointSpec[] = [
  { name: 'chat.completions', capability: 'chat', path: '/chat/completions', streams: true, required: [model, { key: 'messages', types: ['array'] }], optional },
  { name: 'completions', capability: 'completions', path: '/completions', streams: true, required: [model, { key: 'prompt', types: ['string', 'array'] }], optional },
  { name: 'embeddings', capability: 'embeddings', path: '/embeddings', streams: false, required: [model, { key: 'input', types: ['string', 'array'] }], optional },
]

function readRequest(_endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, _place: RequestPlace): RequestFacts | Wrong {
  const read = (key: string): unknown => valueOf(body, scan, key)
  const bounds = ['max_completion_tokens', 'max_tokens'].map(read).filter((value) => value !== undefined && value !== null) as number[]
  if (!bounds.every(Number.isInteger)) return { message: 'max_tokens and max_completion_tokens must be whole numbers.', param: 'max_tokens' }
  const choices = (read('n') as number | null | undefined) ?? 1
  if (!Number.isInteger(choices) || choices < 1 || choices > 128) return { message: 'The field "n" must be a whole number from 1 to 128.', param: 'n' }
  const streamOptions = read('stream_options') as { include_usage?: unknown } | null | undefined
  return {
    model: (read('model') as string | undefined) ?? null,
    stream: read('stream') === true,
    usageInStream: streamOptions?.include_usage === true,
    // Servers such as llama.cpp take a negative limit for none.
    maxOutputTokens: bounds.length > 0 && Math.min(...bounds) >= 0 ? Math.max(...bounds) : null,
    choices,
    reasoningOff: read('reasoning_effort') === 'none',
  }
}

/** Of a top-level member; undefined: there is none. */
function valueOf(body: Buffer, scan: JsonScanner, key: string): unknown {
  const member = scan.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : undefined
}

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const nothing: EventFacts = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

interface Chunk {
  choices?: unknown
  usage?: unknown
  service_tier?: unknown
  x_groq?: { usage?: unknown; error?: unknown } | null
  error?: unknown
}

/** Before the text of a piece of output. Quotes within texts are escaped, so that it can't stand inside of one. */
const textOpening = /"delta": ?\{(?:"role": ?"assistant", ?)?"content": ?"/

function readEvent(event: SseEvent, shape: EventShape): EventFacts {
  // A giant event is an image or audio in base64: output, whatever it says.
  if (event.oversize) return { ...nothing, meaningful: true, outputChars: event.end - event.start }
  const data = event.data
  if (data === null) return nothing
  const known = event.name === '' ? shape.textLength(data) : -1
  if (known > 0) return { ...nothing, meaningful: true, outputChars: known }
  if (data === '[DONE]') return { ...nothing, meaningful: true, done: true }
  let chunk: Chunk | null
  try {
    chunk = JSON.parse(data) as Chunk | null
  } catch {
    // Not JSON: forwarded as it is, it just tells us nothing.
    return event.name === 'error' ? { ...nothing, error: { code: null, type: null, message: data.slice(0, 500), status: null } } : nothing
  }
  if (typeof chunk !== 'object' || chunk === null) return nothing
  const error = faultOf(chunk.error ?? chunk.x_groq?.error ?? (event.name === 'error' ? chunk : null))
  const usage = chunk.usage ?? chunk.x_groq?.usage ?? null
  const facts: EventFacts = { meaningful: false, finished: false, done: false, usage, serviceTier: textOr(chunk.service_tier), usageOnly: false, error, outputChars: 0 }
  if (Array.isArray(chunk.choices)) {
    facts.usageOnly = chunk.choices.length === 0 && typeof chunk.usage === 'object' && chunk.usage !== null
    for (const choice of chunk.choices) readChoice(choice, facts)
    if (isOutputAlone(facts) && chunk.choices.length === 1 && event.name === '') shape.learn(data, textOpening, facts.outputChars)
  }
  return facts
}

/** It says no more than that there is output; a service tier would be that of the event before. */
const isOutputAlone = ({ outputChars, finished, usage, error }: EventFacts): boolean => outputChars > 0 && !finished && usage === null && error === null

function readChoice(choice: unknown, facts: EventFacts): void {
  if (typeof choice !== 'object' || choice === null) return
  const { delta, message, text, finish_reason: finishReason } = choice as Record<string, unknown>
  if (finishReason !== null && finishReason !== undefined && finishReason !== '') {
    facts.finished = true
    facts.meaningful = true
  }
  if (typeof text === 'string') facts.outputChars += text.length
  for (const source of [delta, message]) {
    if (typeof source !== 'object' || source === null) continue
    let thought = 0
    for (const [key, value] of Object.entries(source)) {
      if (key === 'role') continue
      const length = outputLength(value, 0)
      // The same thought under several names (OpenRouter, Nebius, Chutes).
      if (key.startsWith('reasoning')) thought = Math.max(thought, length)
      else facts.outputChars += length
    }
    facts.outputChars += thought
  }
  if (facts.outputChars > 0) facts.meaningful = true
}

/** Characters of all strings below a delta: text, reasoning, refusals, names and arguments of tool calls, audio. */
function outputLength(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null || depth > 6) return 0
  let length = 0
  for (const item of Object.values(value)) length += outputLength(item, depth + 1)
  return length
}

function readAnswer(body: Buffer, scan: JsonScanner): AnswerFacts {
  const read = (key: string): unknown => valueOf(body, scan, key) ?? null
  const choices = scan.find('choices')
  const hasOutput = choices !== undefined || scan.find('data') !== undefined
  const groq = scan.find('x_groq') ? (read('x_groq') as Chunk['x_groq']) : null
  const usage = read('usage') ?? groq?.usage ?? null
  const error = hasOutput ? null : faultOf(read('error'))
  return {
    usage,
    serviceTier: textOr(read('service_tier')),
    usageMember: scan.find('usage'),
    error,
    // Reading the output costs time and is needed only where the vendor's own count is missing or naught.
    outputChars: choices && !reportsOutput(usage) ? outputOf(read('choices')) : 0,
  }
}

const reportsOutput = (usage: unknown): boolean => Number((usage as { completion_tokens?: unknown } | null)?.completion_tokens ?? 0) > 0

function outputOf(choices: unknown): number {
  const facts = { ...nothing }
  if (Array.isArray(choices)) for (const choice of choices) readChoice(choice, facts)
  return facts.outputChars
}

export const openaiChat: Protocol = {
  id: 'openai-chat',
  endpoints,
  framing: 'sse',
  mediaWords: ['_url"', '_audio"', '_data"', '"file"'],
  usage: null,
  counting: null,
  answerIn: ['choices', 'data'],
  usageIn: { answer: ['usage'], event: ['usage'] },
  codec: openaiChatCodec,
  plain: { embeddings: openaiEmbeddings },
  readRequest,
  shapeOf,
  readEvent,
  readAnswer,
  readError(body) {
    try {
      const parsed = JSON.parse(body.toString()) as unknown
      // Gemini's OpenAI endpoint wraps the error in an array.
      const first = Array.isArray(parsed) ? (parsed[0] as unknown) : parsed
      // SiliconFlow answers some statuses with a text alone.
      if (typeof first === 'string') return faultOf(first)
      if (typeof first !== 'object' || first === null) return null
      return faultOf((first as { error?: unknown }).error ?? first)
    } catch {
      return null
    }
  },
  classify,
  errorBody: said,
  errorEvent: (error) => `data: ${said(error)}\n\n`,
  keepAlive: ': keep-alive\n\n',
}
