/** A vendor of images, audio, moderation and reranking for tests: answers by the model's name, and keeps what it was sent, read by a parser that is not ours. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Buffer
  model: string
  /** Fields and files, in their order. */
  fields: [name: string, value: string | { name: string; type: string; bytes: Buffer }][]
}

export type Answer = (asked: Asked, response: ServerResponse) => void | Promise<void>

export interface MediaVendor {
  url: string
  asked: Asked[]
  /** Bytes of the request that runs, so far. */
  received: { bytes: number; aborted: number }
  close(): Promise<void>
}

async function read(request: IncomingMessage, received: MediaVendor['received']): Promise<Asked> {
  const parts: Buffer[] = []
  received.bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    parts.push(part)
    received.bytes += part.length
  }
  const body = Buffer.concat(parts)
  const type = request.headers['content-type'] ?? ''
  const asked: Asked = { method: request.method!, path: request.url!, headers: request.headers, body, model: '', fields: [] }
  if (type.startsWith('multipart/')) {
    for (const [name, value] of await new Response(body, { headers: { 'content-type': type } }).formData()) {
      asked.fields.push([name, typeof value === 'string' ? value : { name: value.name, type: value.type, bytes: Buffer.from(await value.arrayBuffer()) }])
    }
    asked.model = String(asked.fields.find(([name]) => name === 'model')?.[1] ?? '')
  } else if (body.length > 0) asked.model = (JSON.parse(body.toString()) as { model?: string }).model ?? ''
  return asked
}

export async function startMediaVendor(answer: Answer): Promise<MediaVendor> {
  const asked: Asked[] = []
  const received = { bytes: 0, aborted: 0 }
  const server = createServer((request, response) => {
    read(request, received).then((each) => {
      asked.push(each)
      return answer(each, response)
    }).catch(() => {
      received.aborted++
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked, received,
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve()) }),
  }
}
