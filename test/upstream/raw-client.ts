/** A client on a bare socket: shows what is on the wire, faults included, where an HTTP library would repair or hide it. */
import { connect } from 'node:net'
import type { Upstream } from './server.ts'

export interface RawReply {
  /** Everything that came, as latin1. */
  text: string
  head: string
  /** Sizes of the HTTP chunks; empty without chunked framing. */
  chunkSizes: number[]
  body: Buffer
  /** How the connection was when reading stopped. */
  end: 'open' | 'fin' | 'reset'
}

export interface RawOptions {
  path?: string
  method?: string
  headers?: Record<string, string>
  /** Stop reading after so much silence, or when this returns true. */
  idleMs?: number
  until?: (bytes: number) => boolean
}

export function rawRequest({ port }: Pick<Upstream, 'port'>, body: unknown, { path = '/v1/chat/completions', method = 'POST', headers = {}, idleMs = 150, until }: RawOptions = {}): Promise<RawReply> {
  const { promise, resolve } = Promise.withResolvers<RawReply>()
  const payload = typeof body === 'string' ? body : JSON.stringify(body)
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const received: Buffer[] = []
  let bytes = 0
  const finish = (end: RawReply['end']): void => {
    clearTimeout(timer)
    socket.destroy()
    resolve(read(Buffer.concat(received), end))
  }
  let timer = setTimeout(() => finish('open'), idleMs)
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk)
    bytes += chunk.length
    clearTimeout(timer)
    timer = setTimeout(() => finish('open'), idleMs)
    if (until?.(bytes) === true) finish('open')
  })
  socket.on('end', () => finish('fin'))
  socket.on('error', () => finish('reset'))
  const lines = Object.entries({ host: `127.0.0.1:${port}`, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)), ...headers })
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${payload}`)
  return promise
}

function read(all: Buffer, end: RawReply['end']): RawReply {
  const headEnd = all.indexOf('\r\n\r\n')
  const text = all.toString('latin1')
  if (headEnd < 0) return { text, head: text, chunkSizes: [], body: Buffer.alloc(0), end }
  const head = all.toString('latin1', 0, headEnd)
  const rest = all.subarray(headEnd + 4)
  if (!/transfer-encoding: chunked/i.test(head)) return { text, head, chunkSizes: [], body: rest, end }
  const chunkSizes: number[] = []
  const parts: Buffer[] = []
  for (let at = 0; at < rest.length;) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) break
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16)
    chunkSizes.push(size)
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return { text, head, chunkSizes, body: Buffer.concat(parts), end }
}
