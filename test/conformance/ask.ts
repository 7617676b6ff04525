/** Asks for a recorded exchange, by raw bytes or by the official SDK, of the gateway or of the upstream itself. */
import { Agent, request } from 'node:http'
import OpenAI from 'openai'
import OpenAI7 from 'openai7'
import type { RecordedExchange } from '../fixtures/recorded.ts'

export interface RawAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** Base address ending in `/v1`, and a key. */
export interface Target {
  url: string
  key: string
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 })
export const closeConnections = (): void => agent.destroy()

export const pathOf = ({ endpoint }: Pick<RecordedExchange, 'endpoint'>): string => `/${endpoint.replace('.', '/')}`

export function post({ url, key }: Target, path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>()
  const call = request(`${url}${path}`, { method: 'POST', agent, headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, 'content-length': Buffer.byteLength(body), ...headers } }, (answer) => {
    const parts: Buffer[] = []
    answer.on('data', (part: Buffer) => parts.push(part))
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }))
    answer.on('error', reject)
  })
  call.on('error', reject)
  call.end(body)
  return promise
}

/** What a program sees through the SDK: values or the error, in a form that can be compared. */
export interface Seen {
  values: unknown[]
  error: { kind: string; status: number | undefined; code: unknown; type: unknown; param: unknown; body: unknown; retryAfter: string | null } | null
}

export type SdkVersion = 6 | 7

/** Runs one request to its end. */
export async function see(version: SdkVersion, { url, key }: Target, { endpoint }: Pick<RecordedExchange, 'endpoint'>, body: string): Promise<Seen> {
  const options = { apiKey: key, baseURL: url, maxRetries: 0 }
  const client = (version === 6 ? new OpenAI(options) : new OpenAI7(options)) as OpenAI
  const seen: Seen = { values: [], error: null }
  try {
    const answer = await start(client, endpoint, JSON.parse(body) as never)
    if (Symbol.asyncIterator in answer) for await (const value of answer as AsyncIterable<unknown>) seen.values.push(value)
    else seen.values.push(answer)
  } catch (error) {
    if (!(error instanceof OpenAI.APIError) && !(error instanceof OpenAI7.APIError)) throw error
    const { status, code, type, param, error: said, headers } = error
    seen.error = { kind: error.constructor.name, status, code, type, param, body: said, retryAfter: headers?.get('retry-after') ?? null }
  }
  return seen
}

/** The recorded parameters go in as they are, also those that the SDK's types don't know. */
function start(client: OpenAI, endpoint: string, body: never): Promise<object> {
  switch (endpoint) {
    case 'chat.completions': return client.chat.completions.create(body)
    case 'completions': return client.completions.create(body)
    case 'embeddings': return client.embeddings.create(body)
    default: throw new Error(`${endpoint} is not replayed.`)
  }
}

/** Runs `work` over all items, so many at once. */
export async function overAll<T>(items: readonly T[], atOnce: number, work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0
  const runner = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) await work(items[index]!, index)
  }
  await Promise.all(Array.from({ length: atOnce }, runner))
}
