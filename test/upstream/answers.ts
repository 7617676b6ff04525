/**
 * What the test upstream says when nothing is wrong: a recorded exchange as its vendor would send it, or a generated answer
 * (`echo-<n>`: n output tokens, `embed`: embeddings). An answer is a list of pieces (events of a stream, or one body), each with
 * the share of the output that has been generated when it is sent, so that a cut answer can be billed.
 */
import { createHash } from 'node:crypto'
import { recordedExchanges, type RecordedExchange } from '../fixtures/recorded.ts'
import { noUnits, unitsOf, type Units } from './bill.ts'
import { vendorRules, type VendorRules } from './vendors.ts'

export interface Piece {
  text: string
  /** 0 to 1. */
  generated: number
  /** Carries output (and not only a role, an end or usage). */
  output: boolean
}

export interface Answer {
  vendor: string
  rules: VendorRules
  status: number
  headers: [string, string][]
  stream: boolean
  pieces: Piece[]
  units: Units
  /** The answer tells the client its units. */
  reported: boolean
}

export interface ChatRequest {
  model?: unknown
  stream?: unknown
  stream_options?: { include_usage?: unknown } | null
  messages?: unknown
  prompt?: unknown
  input?: unknown
  max_tokens?: unknown
  max_completion_tokens?: unknown
}

const asksForUsage = (request: ChatRequest): boolean => request.stream_options?.include_usage === true

/** JSON of one event's data, null for anything else. */
export function dataOf(event: string): Record<string, unknown> | null {
  const data = event.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n').trim()
  if (data === '' || data === '[DONE]') return null
  try {
    const parsed = JSON.parse(data) as unknown
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null
  } catch {
    return null
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/** The chunk that OpenAI sends only after `include_usage`: usage and no choices. */
export function isUsageChunk(event: string): boolean {
  const data = dataOf(event)
  return data !== null && Array.isArray(data['choices']) && data['choices'].length === 0 && isObject(data['usage'])
}

/** Events of recorded text, each with the blank line that ends it. */
export const eventsOf = (text: string): string[] => text.split(/(?<=\n\n)/)

function hasOutput(event: string): boolean {
  const choices = dataOf(event)?.['choices']
  return Array.isArray(choices) && choices.some((choice: Record<string, unknown>) => {
    const delta = (choice['delta'] ?? choice['message'] ?? {}) as Record<string, unknown>
    return Object.entries({ text: choice['text'], ...delta }).some(([key, value]) => key !== 'role' && value !== null && value !== undefined && value !== '')
  })
}

function streamPieces(events: string[]): Piece[] {
  const outputs = events.map(hasOutput)
  const total = outputs.filter(Boolean).length
  let sent = 0
  return events.map((text, index) => {
    if (outputs[index] === true) sent += 1
    return { text, generated: total === 0 ? 1 : sent / total, output: outputs[index] === true }
  })
}

const usageIn = (events: string[]): unknown => events.map((event) => {
  const data = dataOf(event)
  return data?.['usage'] ?? (data?.['x_groq'] as { usage?: unknown } | undefined)?.usage
}).findLast(isObject)

/** What a vendor whose answer was recorded before `include_usage` existed would send today: one token per output event. */
function addUsage(exchange: RecordedExchange, events: string[]): string[] {
  const completion = events.filter(hasOutput).length
  const prompt = Math.ceil((exchange.requestBody ?? '').length / 4)
  const { id = 'chatcmpl-upstream', created = 0, model = '' } = events.map(dataOf).find((data) => data !== null) ?? {}
  const usage = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
  const chunk = `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices: [], usage })}\n\n`
  const done = events.findIndex((event) => event.trim() === 'data: [DONE]')
  return done < 0 ? [...events, chunk] : events.toSpliced(done, 0, chunk)
}

function recordedAnswer(exchange: RecordedExchange, request: ChatRequest): Answer {
  const rules = vendorRules(exchange.provider)
  const answer = { vendor: exchange.provider, rules, status: exchange.status, headers: Object.entries(exchange.headers), stream: false, units: noUnits(), reported: true }
  const text = exchange.body.toString()
  if (exchange.headers['content-type']?.startsWith('text/event-stream') !== true) {
    const usage = exchange.status < 400 ? (JSON.parse(text) as { usage?: unknown }).usage : undefined
    return { ...answer, pieces: [{ text, generated: 1, output: true }], units: unitsOf(usage, rules), reported: isObject(usage) }
  }
  let events = eventsOf(text)
  if (rules.sendsUsageWhenAsked && usageIn(events) === undefined) events = addUsage(exchange, events)
  const usage = usageIn(events)
  const shown = rules.usageOnRequest && !asksForUsage(request) ? events.filter((event) => !isUsageChunk(event)) : events
  return { ...answer, stream: true, pieces: streamPieces(shown), units: unitsOf(usage, rules), reported: usageIn(shown) !== undefined }
}

/** Text of the last message, prompt or input: generated answers repeat it, so that a mixed-up answer is noticed. */
function lastText(request: ChatRequest): string {
  const from = request.messages ?? request.prompt ?? request.input
  const last: unknown = Array.isArray(from) ? from.at(-1) : from
  const content = isObject(last) ? (last as { content?: unknown }).content : last
  return typeof content === 'string' ? content : JSON.stringify(content ?? '')
}

/** Generated text: the request's own first, then counted words, one token each. */
const words = (request: ChatRequest, count: number): string[] =>
  Array.from({ length: count }, (_, index) => (index === 0 ? `${lastText(request).slice(0, 64)} ` : `w${index} `))

function echo(asked: number, request: ChatRequest, kind: 'chat' | 'completions'): Answer {
  const limit = [request.max_completion_tokens, request.max_tokens].find((value) => typeof value === 'number') as number | undefined
  const tokens = Math.min(asked, limit ?? asked)
  const finish = tokens < asked ? 'length' : 'stop'
  const said = lastText(request)
  const prompt = Math.max(1, Math.ceil(Buffer.byteLength(said) / 4))
  const usage = { prompt_tokens: prompt, completion_tokens: tokens, total_tokens: prompt + tokens }
  const id = `chatcmpl-${createHash('sha256').update(said).digest('hex').slice(0, 24)}`
  const rules = vendorRules('echo')
  const units = { ...noUnits(), input: prompt, output: tokens }
  const base = { vendor: 'echo', rules, status: 200, units }
  const whole = { id, created: 1_700_000_000, model: `echo-${asked}` }
  if (request.stream !== true) {
    const content = words(request, tokens).join('')
    const choice = kind === 'chat' ? { index: 0, message: { role: 'assistant', content }, finish_reason: finish } : { index: 0, text: content, finish_reason: finish }
    const text = JSON.stringify({ ...whole, object: kind === 'chat' ? 'chat.completion' : 'text_completion', choices: [choice], usage })
    return { ...base, headers: [['content-type', 'application/json']], stream: false, reported: true, pieces: [{ text, generated: 1, output: true }] }
  }
  const object = kind === 'chat' ? 'chat.completion.chunk' : 'text_completion'
  const event = (choices: unknown[], more: object = {}): string => `data: ${JSON.stringify({ ...whole, object, choices, ...more })}\n\n`
  const token = (content: string): string =>
    event([kind === 'chat' ? { index: 0, delta: { content }, finish_reason: null } : { index: 0, text: content, finish_reason: null }])
  const end = event([kind === 'chat' ? { index: 0, delta: {}, finish_reason: finish } : { index: 0, text: '', finish_reason: finish }])
  const events = [
    ...(kind === 'chat' ? [event([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }])] : []),
    ...words(request, tokens).map(token), end,
    ...(asksForUsage(request) ? [event([], { usage })] : []), 'data: [DONE]\n\n',
  ]
  return { ...base, headers: [['content-type', 'text/event-stream']], stream: true, reported: asksForUsage(request), pieces: streamPieces(events) }
}

function embed(request: ChatRequest): Answer {
  const inputs = Array.isArray(request.input) ? (request.input as unknown[]) : [request.input]
  const prompt = inputs.reduce<number>((sum, input) => sum + Math.ceil(Buffer.byteLength(JSON.stringify(input ?? '')) / 4), 0)
  const data = inputs.map((input, index) => {
    const hash = createHash('sha256').update(JSON.stringify(input ?? '')).digest()
    return { object: 'embedding', index, embedding: [...hash.subarray(0, 8)].map((byte) => byte / 256) }
  })
  const text = JSON.stringify({ object: 'list', data, model: 'embed', usage: { prompt_tokens: prompt, total_tokens: prompt } })
  return {
    vendor: 'echo', rules: vendorRules('echo'), status: 200, headers: [['content-type', 'application/json']], stream: false,
    pieces: [{ text, generated: 1, output: true }], units: { ...noUnits(), input: prompt }, reported: true,
  }
}

export function errorAnswer(status: number, message: string, code: string | null = null): Answer {
  const type = status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error'
  const text = JSON.stringify({ error: { message, type, param: null, code } })
  return {
    vendor: 'echo', rules: vendorRules('echo'), status, headers: [['content-type', 'application/json']], stream: false,
    pieces: [{ text, generated: 0, output: false }], units: noUnits(), reported: false,
  }
}

export function modelsAnswer(): Answer {
  const data = ['echo-10', 'echo-100', 'embed'].map((id) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'test' }))
  const answer = errorAnswer(200, '')
  return { ...answer, pieces: [{ text: JSON.stringify({ object: 'list', data }), generated: 1, output: false }] }
}

/** The healthy answer of a model name without faults. */
export function answerOf(base: string, path: string, request: ChatRequest): Answer {
  const exchange = recordedExchanges().get(base)
  if (exchange !== undefined) return recordedAnswer(exchange, request)
  const echoed = /^echo-(\d{1,7})$/.exec(base)
  if (echoed !== null) return echo(Number(echoed[1]), request, path.endsWith('/chat/completions') ? 'chat' : 'completions')
  if (base === 'embed') return embed(request)
  return errorAnswer(404, `The model ${base} is neither a recorded exchange nor echo-<n> nor embed.`, 'model_not_found')
}
