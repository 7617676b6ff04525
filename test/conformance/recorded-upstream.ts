/**
 * An upstream of any format: it answers whatever request names a recorded exchange as its model, in the body or in the address, with
 * that exchange, in chunks of a chosen size, and keeps what arrived. A request that names none gets a 404, which no recording says so.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventFrame } from '../../src/wire/aws-event-stream.ts'
import { seeded } from '../../src/simulated/random.ts'
import type { RecordedExchange } from '../fixtures/recorded.ts'

export interface Arrived {
  path: string
  headers: IncomingMessage['headers']
  /** The exact bytes. */
  body: Buffer
}

export type Chunks = 'random' | 'bytes' | 'events'

export interface RecordedUpstream {
  url: string
  chunks: Chunks
  /** Bodies that are answered in the place of the recorded ones. */
  readonly spoilt: Map<string, Buffer>
  arrivalsOf(id: string): Arrived[]
  /** From now on the answer to who names it. */
  serve(exchange: RecordedExchange): void
  /** Waited for in the middle of an answer. */
  halfway: (() => Promise<void>) | null
  close(): Promise<void>
}

/** A header that belongs to the connection of the recording. */
const ofConnection = /^(content-length|transfer-encoding|connection|keep-alive|content-encoding|date)$/

/** As an SDK or the gateway names the model: in the address of Gemini and Bedrock, else in the body. */
export function modelIn(path: string, body: Buffer): string {
  const inPath = /\/(?:models|model|deployments)\/([^/:?]+)/.exec(path)?.[1]
  if (inPath !== undefined) return decodeURIComponent(inPath)
  try {
    return String((JSON.parse(body.toString()) as { model?: unknown }).model)
  } catch {
    return ''
  }
}

/** The bytes of the recorded answer. Of some streams of Bedrock the payloads alone were kept: they are framed again. */
export function answerOf({ framing, headers, body }: RecordedExchange): Buffer {
  if (framing !== 'chunks' || !/amazon\.eventstream/.test(headers['content-type'] ?? '')) return body
  const events = (JSON.parse(body.toString()) as Record<string, unknown>[]).flatMap((each) => Object.entries(each))
  return Buffer.concat(events.map(([type, payload]) => eventFrame(type, JSON.stringify(payload))))
}

/** Pieces of a body as the network may bring them. */
function pieces(body: Buffer, chunks: Chunks, random: () => number): Buffer[] {
  const sizes: (at: number) => number = chunks === 'bytes' ? () => 1 : chunks === 'random' ? () => 1 + Math.floor(random() ** 3 * 2000) : (at) => eventEnd(body, at) - at
  const found: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const size = sizes(at)
    found.push(body.subarray(at, at + size))
    at += size
  }
  return found
}

function eventEnd(body: Buffer, from: number): number {
  const end = /\r?\n\r?\n/.exec(body.toString('latin1', from))
  return end === null ? body.length : from + end.index + end[0].length
}

const received = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

export async function startRecordedUpstream(exchanges: readonly RecordedExchange[], seed = 1): Promise<RecordedUpstream> {
  const byId = new Map(exchanges.map((each) => [each.id, each]))
  const arrivals = new Map<string, Arrived[]>()
  const random = seeded(seed)
  const server = createServer((request, response) => void answer(request, response).catch((error: unknown) => response.destroy(error as Error)))
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const upstream: RecordedUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, chunks: 'random', spoilt: new Map(), halfway: null,
    arrivalsOf: (id) => arrivals.get(id) ?? [],
    serve: (exchange) => void byId.set(exchange.id, exchange),
    close: async () => { server.closeAllConnections(); await new Promise((resolve) => server.close(resolve)) },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [body, path] = [await received(request), request.url!]
    const id = modelIn(path, body)
    const exchange = byId.get(id)
    if (exchange === undefined) return void response.writeHead(404).end(`no recorded exchange ${id}`)
    if (!arrivals.has(id)) arrivals.set(id, [])
    arrivals.get(id)!.push({ path, headers: request.headers, body })
    for (const [name, value] of Object.entries(exchange.headers)) if (!ofConnection.test(name)) response.setHeader(name, value)
    response.writeHead(exchange.status)
    const said = upstream.spoilt.get(id) ?? answerOf(exchange)
    // Byte by byte a long answer takes too long for nothing: its beginning and its end are enough.
    const chunks = upstream.chunks === 'bytes' && said.length > 20_000 ? 'random' : upstream.chunks
    let written = 0
    for (const piece of pieces(said, chunks, random)) {
      if (upstream.halfway && written < said.length / 2 && written + piece.length >= said.length / 2) await upstream.halfway()
      written += piece.length
      if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
    }
    response.end()
  }
  return upstream
}
