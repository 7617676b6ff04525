/**
 * Reads HTTP/1.1 requests from a raw socket. Written by hand because the test upstream must own every byte that it sends:
 * a server library would repair, refuse or hide exactly the faults that are to be tested. A request it can't read ends the socket.
 */
import type { Socket } from 'node:net'

export interface ArrivedRequest {
  method: string
  path: string
  /** Lower-case names; the last one wins. */
  headers: Record<string, string>
  /** Names and values as they came. */
  rawHeaders: [string, string][]
  body: Buffer
}

/** Calls `handle` for one request after the other. Bytes are always read, so that a client's FIN is noticed while an answer runs. */
export function readRequests(socket: Socket, handle: (request: ArrivedRequest) => Promise<void>): void {
  let chunks: Buffer[] = []
  let have = 0
  let needed = 1
  let busy = false

  const take = (): ArrivedRequest | null => {
    if (have < needed) return null
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    chunks = [all]
    const parsed = parse(all)
    if (typeof parsed === 'number') {
      needed = parsed
      return null
    }
    const rest = all.subarray(parsed.end)
    chunks = rest.length === 0 ? [] : [rest]
    have = rest.length
    needed = 1
    return parsed.request
  }
  const pump = async (): Promise<void> => {
    if (busy) return
    busy = true
    for (let request = take(); request !== null; request = take()) await handle(request)
    busy = false
  }
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    have += chunk.length
    pump().catch(() => socket.destroy())
  })
}

/** The request and where it ends, or how many bytes are needed before it is worth looking again. */
function parse(all: Buffer): { request: ArrivedRequest; end: number } | number {
  const headEnd = all.indexOf('\r\n\r\n')
  if (headEnd < 0) return all.length + 1
  const [requestLine = '', ...lines] = all.toString('latin1', 0, headEnd).split('\r\n')
  const [method = '', path = ''] = requestLine.split(' ')
  const rawHeaders = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const headers: Record<string, string> = Object.fromEntries(rawHeaders.map(([name, value]) => [name.toLowerCase(), value]))
  const start = headEnd + 4
  if (headers['transfer-encoding']?.toLowerCase() === 'chunked') {
    const decoded = decodeChunked(all, start)
    return decoded === null ? all.length + 1 : { request: { method, path, headers, rawHeaders, body: decoded.body }, end: decoded.end }
  }
  const end = start + Number(headers['content-length'] ?? 0)
  if (!Number.isSafeInteger(end)) throw new Error('The content-length is not a number.')
  return all.length < end ? end : { request: { method, path, headers, rawHeaders, body: Buffer.from(all.subarray(start, end)) }, end }
}

function decodeChunked(all: Buffer, start: number): { body: Buffer; end: number } | null {
  const parts: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = all.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(all.toString('latin1', at, lineEnd), 16)
    if (!Number.isSafeInteger(size)) throw new Error('A chunk size is not a number.')
    const next = lineEnd + 2 + size + 2
    if (all.length < next) return null
    if (size === 0) return { body: Buffer.concat(parts), end: next }
    parts.push(all.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}
