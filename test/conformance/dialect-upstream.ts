/**
 * One server that answers as any vendor does, by its dialect: `/<vendor><documented path>`. It refuses what the vendor refuses, reads the
 * limits that it reads, and streams, counts and errs in its form. What the last message says decides what happens: `fail <status>`, `slow`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorForms, usageObject, type Dialect, type Made } from './dialects.ts'

export interface Arrival {
  vendor: string
  body: Record<string, unknown>
  made: Made | null
  /** The gateway closed the connection before the answer was complete. */
  cut: boolean
}

export interface DialectUpstream {
  url: string
  arrivals: Arrival[]
  close(): Promise<void>
}

export const keyOf = (vendor: string): string => `sk-of-${vendor}`
export const unlimitedTokens = 40
/** A slow answer's chunk, and how many of them there are. */
const slowMs = 5

interface Message { role?: string; content?: unknown }

/** Why the vendor refuses a request, in its words; null: it does not. */
function refusal(dialect: Dialect, path: string, request: IncomingMessage, body: Record<string, unknown>): { status: number; why: string } | null {
  const [header, prefix] = dialect.key ?? [null, '']
  const documented = new URL(dialect.url).pathname
  const vendor = path.split('/')[1]!
  const rest = path.slice(vendor.length + 1)
  if (rest !== documented && rest !== documented.replace(/chat\/completions$/, 'embeddings')) return { status: 404, why: `no such path: ${rest}` }
  const sent = Object.entries(request.headers).filter(([name]) => /authorization|api-key/.test(name)).map(([name, value]) => `${name}: ${String(value)}`)
  const expected = header === null ? [] : [`${header}: ${prefix}${keyOf(vendor)}`]
  if (sent.join() !== expected.join()) return { status: 401, why: `wrong credentials: ${sent.join()}` }
  if (body['model'] !== 'model-1') return { status: 404, why: `no such model: ${String(body['model'])}` }
  const unknown = dialect.refuses.find((member) => member in body)
  if (unknown !== undefined) return { status: 400, why: `unknown member: ${unknown}` }
  for (const { role, content } of (body['messages'] ?? []) as Message[]) {
    if (role === 'developer' && !dialect.developer) return { status: 400, why: 'unknown role: developer' }
    if (Array.isArray(content) && !dialect.lists) return { status: 400, why: 'content is no text' }
  }
  return null
}

/** Cached 4 of the input, and reasoning 1 of the output, where there is room for it. */
function madeFor(dialect: Dialect, body: Record<string, unknown>): Made {
  const limits = dialect.limits.map((field) => body[field]).filter((limit): limit is number => typeof limit === 'number')
  const tokens = Math.min(unlimitedTokens, Math.max(dialect.least, Math.min(Infinity, ...limits)))
  const reasoning = tokens > 1 ? 1 : 0
  return { input: 6, cached: 4, output: tokens - reasoning, reasoning }
}

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index} `)
const toolCalls = [{ index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }]

function thought({ reasoning }: Dialect): Record<string, string> {
  if (reasoning === 'hidden') return {}
  if (reasoning === 'think') return { content: '<think>well</think>' }
  return { ...(reasoning !== 'reasoning' && { reasoning_content: 'well ' }), ...(reasoning !== 'reasoning_content' && { reasoning: 'well ' }) }
}

const whole = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'model-1' }

function plain(dialect: Dialect, made: Made, calls: boolean): string {
  const message = { role: 'assistant', ...thought(dialect), ...(calls ? { content: null, tool_calls: toolCalls } : { content: words(made.output).join('') }) }
  return JSON.stringify({ ...whole, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: calls ? 'tool_calls' : 'stop' }], usage: usageObject(made, dialect.counts) })
}

function events(dialect: Dialect, made: Made, calls: boolean, asked: boolean): string[] {
  const usage = usageObject(made, dialect.counts)
  let output = 0
  const event = (delta: object, finish: string | null = null, more: object = {}): string => {
    const running = dialect.usage === 'running' && finish === null ? { usage: usageObject({ ...made, output, reasoning: 0 }, dialect.counts) } : {}
    return `data: ${JSON.stringify({ ...whole, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }], ...running, ...more })}\n\n`
  }
  const said = calls ? [event({ tool_calls: toolCalls })] : words(made.output).map((content) => {
    output++
    return event({ content })
  })
  return [
    event({ role: 'assistant', content: '' }), ...(Object.keys(thought(dialect)).length > 0 ? [event(thought(dialect))] : []), ...said,
    event({}, calls ? 'tool_calls' : 'stop', dialect.usage === 'asked' ? {} : { usage }),
    ...(dialect.usage === 'asked' && asked ? [`data: ${JSON.stringify({ ...whole, object: 'chat.completion.chunk', choices: [], usage })}\n\n`] : []),
    'data: [DONE]\n\n',
  ]
}

async function answer(dialect: Dialect, request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>, arrival: Arrival): Promise<void> {
  const messages = (body['messages'] ?? []) as Message[]
  const last = messages.at(-1)
  const wish = typeof last?.content === 'string' ? last.content : ''
  const refused = refusal(dialect, request.url!, request, body) ?? (wish.startsWith('fail ') ? { status: Number(wish.slice(5)), why: 'it failed' } : null)
  if (refused !== null) {
    response.writeHead(refused.status, { 'content-type': 'application/json' })
    return void response.end(JSON.stringify(errorForms[dialect.error](refused.why, 'refused')))
  }
  if (request.url!.endsWith('/embeddings')) {
    response.writeHead(200, { 'content-type': 'application/json' })
    arrival.made = { input: 10, cached: 0, output: 0, reasoning: 0 }
    return void response.end(JSON.stringify({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5] }], model: 'model-1', usage: { prompt_tokens: 10, total_tokens: 10 } }))
  }
  const made = (arrival.made = madeFor(dialect, body))
  const calls = Array.isArray(body['tools']) && last?.role !== 'tool'
  if (body['stream'] !== true) {
    response.writeHead(200, { 'content-type': 'application/json' })
    return void response.end(plain(dialect, made, calls))
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const asked = (body['stream_options'] as { include_usage?: unknown } | undefined)?.include_usage === true
  for (const event of events(dialect, made, calls, asked)) {
    if (arrival.cut) return
    response.write(event)
    if (wish === 'slow') await new Promise((resolve) => setTimeout(resolve, slowMs))
  }
  response.end()
}

/** `dialectFor`: by the first segment of the path. */
export async function startDialectUpstream(dialectFor: (vendor: string) => Dialect): Promise<DialectUpstream> {
  const arrivals: Arrival[] = []
  const server = createServer((request, response) => {
    const vendor = request.url!.split('/')[1]!
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const arrival: Arrival = { vendor, body: JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>, made: null, cut: false }
      arrivals.push(arrival)
      response.on('close', () => { arrival.cut = !response.writableFinished })
      void answer(dialectFor(vendor), request, response, arrival.body, arrival)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrivals,
    close: () => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
}
