/** Clouds that tests play at real sockets, and what Bedrock answers there in each of its formats. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ProviderData } from '../../src/gateway/snapshot.ts'
import type { Vendor } from '../../src/providers/provider.ts'
import { eventFrame } from '../../src/wire/aws-event-stream.ts'

export interface Arrived { method: string; path: string; headers: IncomingMessage['headers']; body: string }
export interface Said {
  status: number
  headers?: Record<string, string>
  /** Several parts are sent one after the other. */
  body: string | Buffer | readonly (string | Buffer)[]
}

/** Answers whatever comes; what came is kept. */
export async function serve(answer: (arrived: Arrived) => Said | Promise<Said>): Promise<{ url: string; arrived: Arrived[]; close: () => Promise<void> }> {
  const arrived: Arrived[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void (async () => {
      const one = { method: request.method!, path: request.url!, headers: request.headers, body: Buffer.concat(chunks).toString() }
      arrived.push(one)
      const { status, headers = { 'content-type': 'application/json' }, body } = await answer(one)
      response.writeHead(status, headers)
      if (typeof body === 'string' || Buffer.isBuffer(body)) return void response.end(body)
      for (const part of body) {
        response.write(part)
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      response.end()
    })())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> => new Promise((resolve) => {
    server.closeAllConnections()
    server.close(() => resolve())
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived, close }
}

export const claude = [
  { type: 'message_start', message: { id: 'msg_bdrk_1', type: 'message', role: 'assistant', model: 'claude', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 9, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Grüße 👋' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
]
export const wrapped = (event: object): Buffer => eventFrame('chunk', JSON.stringify({ bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcd' }))
export const binary = { 'content-type': 'application/vnd.amazon.eventstream' }
export const answered = { output: { message: { role: 'assistant', content: [{ text: 'Hello.' }] } }, stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 }, metrics: { latencyMs: 5 } }
export const converse = [['messageStart', { role: 'assistant' }], ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hel' } }], ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'lo.' } }], ['contentBlockStop', { contentBlockIndex: 0 }], ['messageStop', { stopReason: 'end_turn' }], ['metadata', { usage: answered.usage, metrics: { latencyMs: 5 } }]] as const

export const at = (id: string, vendor: Vendor, baseUrl: string, secrets: string[]): ProviderData => ({
  id, vendor, baseUrl, socketPath: null, guarded: false, credentials: secrets.map((secret, i) => ({ id: `${id}-${i}`, secret, last4: secret.slice(-4) })),
})
