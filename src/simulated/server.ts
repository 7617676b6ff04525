/**
 * The simulated provider: an OpenAI-format API that invents its answers, so that everything can be tried without a vendor key.
 * It listens on a socket (or a loopback port) and is called like any other upstream. A client that leaves ends its answer.
 */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { composeChat, composeCompletion, type Answer, type Choice } from './chat.ts'
import { composeEmbeddings } from './embeddings.ts'
import { seeded } from './random.ts'
import { models, readBody, RequestError } from './request.ts'

export interface SimulatedOptions {
  /** Listens here instead of on a port; a file left by an earlier process is replaced. */
  socketPath?: string
  /** 0, the default, takes any free port of 127.0.0.1. */
  port?: number
  epochMs?: () => number
  /** Waits between tokens. Rejects when the signal is aborted. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}
export interface Simulated {
  /** A socket path or `http://127.0.0.1:<port>`. */
  address: string
  close(): Promise<void>
}

const maxBodyBytes = 32 * 1024 * 1024
/** Tokens are sent in groups, as most vendors do under load, which also keeps timers few. */
const groupMs = 30

type Context = { epochMs: () => number; sleep: (ms: number, signal: AbortSignal) => Promise<void> }

export async function startSimulated(options: SimulatedOptions = {}): Promise<Simulated> {
  const context: Context = {
    epochMs: options.epochMs ?? Date.now,
    sleep: options.sleep ?? (async (ms, signal) => { await delay(ms, undefined, { signal }) }),
  }
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, (request, response) => void answer(request, response, context))
  server.maxConnections = 4096
  if (options.socketPath !== undefined) rmSync(options.socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const listening = (): void => resolve(void server.off('error', reject))
    if (options.socketPath !== undefined) server.listen(options.socketPath, listening)
    else server.listen(options.port ?? 0, '127.0.0.1', listening)
  })
  return {
    address: options.socketPath ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const left = new AbortController()
  response.on('close', () => left.abort())
  try {
    await route(request, response, context, left.signal)
  } catch (error) {
    if (left.signal.aborted) return
    const refusal = error instanceof RequestError ? error : new RequestError(500, 'The simulated provider failed.')
    if (response.headersSent) response.destroy()
    else sendJson(response, refusal.status, refusal.body())
  }
}

async function route(request: IncomingMessage, response: ServerResponse, context: Context, left: AbortSignal): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://simulated').pathname
  const created = Math.floor(context.epochMs() / 1000)
  if (request.method === 'GET' && path === '/v1/models') {
    return sendJson(response, 200, { object: 'list', data: Object.keys(models).map((id) => ({ id, object: 'model', created, owned_by: 'simulated' })) })
  }
  if (!['/v1/chat/completions', '/v1/completions', '/v1/embeddings'].includes(path)) throw new RequestError(404, `There is no ${path}.`)
  if (request.method !== 'POST') throw new RequestError(405, 'Use POST.')
  const body = readBody(await readBytes(request))
  if (path === '/v1/embeddings') {
    const vectors = composeEmbeddings(body)
    await context.sleep(models.embedding.firstTokenMs, left)
    return sendJson(response, 200, vectors)
  }
  const chat = path === '/v1/chat/completions'
  const composed = chat ? composeChat(body) : composeCompletion(body)
  const writer = new Writer(composed, chat, created)
  response.setHeader('x-request-id', writer.id)
  response.setHeader('openai-processing-ms', '1')
  await context.sleep(firstTokenMs(composed), left)
  if (composed.stream) return stream(composed, writer, response, context, left)
  const longest = Math.max(...composed.choices.map(length))
  await context.sleep((longest / models[composed.model].tokensPerSecond) * 1000, left)
  sendJson(response, 200, writer.whole())
}

/** 0.7 to 1.6 of the model's usual delay, always the same for the same request. */
const firstTokenMs = ({ model, seed }: Answer): number => Math.round(models[model].firstTokenMs * (0.7 + 0.9 * seeded(seed)()))

const length = (choice: Choice): number => choice.reasoning.length + choice.content.length + (choice.call?.arguments.length ?? 0)

async function stream(composed: Answer, writer: Writer, response: ServerResponse, context: Context, left: AbortSignal): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  const send = async (chunk: unknown): Promise<void> => {
    if (!response.write(`data: ${JSON.stringify(chunk)}\n\n`)) await once(response, 'drain', { signal: left })
  }
  const perGroup = Math.max(1, Math.round((models[composed.model].tokensPerSecond * groupMs) / 1000))
  for (const [index, choice] of composed.choices.entries()) {
    for (const chunk of writer.opening(index, choice)) await send(chunk)
    for (const [kind, tokens] of [['reasoning_content', choice.reasoning], ['content', choice.content], ['arguments', choice.call?.arguments ?? []]] as const) {
      for (let at = 0; at < tokens.length; at += perGroup) {
        await send(writer.delta(index, kind, tokens.slice(at, at + perGroup).join('')))
        await context.sleep(groupMs, left)
      }
    }
    await send(writer.closing(index, choice))
  }
  if (composed.includeUsage) await send(writer.usage())
  response.end('data: [DONE]\n\n')
}

/** Puts an answer into the wire format of the endpoint. */
class Writer {
  readonly id: string
  readonly #answer: Answer
  readonly #chat: boolean
  readonly #created: number

  constructor(composed: Answer, chat: boolean, created: number) {
    this.id = `${chat ? 'chatcmpl' : 'cmpl'}-simulated-${composed.seed.toString(16).padStart(8, '0')}`
    this.#answer = composed
    this.#chat = chat
    this.#created = created
  }

  whole(): unknown {
    const choices = this.#answer.choices.map((choice, index) => {
      const content = choice.content.join('')
      if (!this.#chat) return { index, text: content, logprobs: null, finish_reason: choice.finish }
      const reasoning = choice.reasoning.length > 0 ? { reasoning_content: choice.reasoning.join('') } : {}
      const call = choice.call === null ? {} : { tool_calls: [toolCall(choice.call, choice.call.arguments.join(''))] }
      const message = { role: 'assistant', content: choice.call === null ? content : null, refusal: null, ...reasoning, ...call }
      return { index, message, logprobs: null, finish_reason: choice.finish }
    })
    return { ...this.#envelope(false), choices, usage: this.#answer.usage }
  }

  /** The chunks before the first token: the role, and the head of a tool call. */
  opening(index: number, choice: Choice): unknown[] {
    if (!this.#chat) return []
    const head = choice.call === null ? [] : [this.#choice(index, { tool_calls: [{ index: 0, ...toolCall(choice.call, '') }] }, null)]
    return [this.#choice(index, { role: 'assistant', content: choice.call === null ? '' : null }, null), ...head]
  }

  delta(index: number, kind: 'reasoning_content' | 'content' | 'arguments', text: string): unknown {
    if (kind === 'arguments') return this.#choice(index, { tool_calls: [{ index: 0, function: { arguments: text } }] }, null)
    return this.#choice(index, { [kind]: text }, null, text)
  }

  closing(index: number, choice: Choice): unknown {
    return this.#choice(index, {}, choice.finish)
  }

  usage(): unknown {
    return { ...this.#envelope(true), choices: [], usage: this.#answer.usage }
  }

  #choice(index: number, delta: unknown, finish: string | null, text = ''): unknown {
    const choice = this.#chat ? { index, delta, logprobs: null, finish_reason: finish } : { index, text, logprobs: null, finish_reason: finish }
    return { ...this.#envelope(true), choices: [choice], ...(this.#answer.includeUsage ? { usage: null } : {}) }
  }

  #envelope(chunk: boolean): Record<string, unknown> {
    const object = !this.#chat ? 'text_completion' : chunk ? 'chat.completion.chunk' : 'chat.completion'
    return { id: this.id, object, created: this.#created, model: this.#answer.model, system_fingerprint: 'simulated' }
  }
}

const toolCall = (call: NonNullable<Choice['call']>, args: string) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: args } })

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > maxBodyBytes) throw new RequestError(413, `The body is larger than ${maxBodyBytes} bytes.`)
    parts.push(part)
  }
  return Buffer.concat(parts, size)
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}
