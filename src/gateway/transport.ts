/**
 * The only file that speaks HTTP to upstreams: undici `dispatch` with five callbacks, one pool per provider, credential and
 * organisation. A byte that nobody asked for on an idle socket destroys it; one that comes while the next request is on its way
 * can't be told from its answer in HTTP/1.1, so organisations never share a socket. Redirects are not followed; coded answers are
 * decoded within a bound.
 */
import { isIP, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, type Gunzip } from 'node:zlib'
import { Pool, type Dispatcher } from 'undici'
import { limits } from '../limits.ts'
import { EgressError, guardedLookup, isSpecialAddress } from './egress.ts'
import type { Provider } from './snapshot.ts'

export interface UpstreamRequest {
  provider: Provider
  credentialId: string
  /** Organisation of the key: sockets are not shared between organisations. */
  tenant: string
  path: string
  method: 'GET' | 'POST' | 'DELETE'
  headers: Record<string, string>
  body: Buffer | Readable | null
  connectTimeoutMs: number
}

export interface UpstreamHandler {
  /** The request is about to be written to a connected socket: from here on the vendor may bill. False: it must not be. */
  onSent(): boolean
  onHead(status: number, headers: Record<string, string | string[] | undefined>): void
  onData(chunk: Buffer): void
  onEnd(): void
  onError(error: Error): void
}

export interface UpstreamCall {
  pause(): void
  resume(): void
  /** Closes the connection at once. No callback follows. */
  abort(): void
}

interface PoolSlot {
  pool: Pool
  usedAtMs: number
}

/** Pools unused for this long are closed gracefully: calls that run on them finish. */
const poolIdleMs = 600_000

export class Transport {
  readonly #pools = new Map<string, PoolSlot>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const call = new Call(handler)
    try {
      const pool = this.#pool(request)
      pool.dispatch({ path: request.path, method: request.method, headers: request.headers, body: request.body, headersTimeout: 0, bodyTimeout: 0 }, call)
    } catch (error) {
      queueMicrotask(() => call.fail(error as Error))
    }
    return call
  }

  /** Closes pools that nothing used for a while. */
  sweep(): void {
    const oldest = this.#nowMs() - poolIdleMs
    for (const [id, slot] of this.#pools) {
      if (slot.usedAtMs > oldest) continue
      this.#pools.delete(id)
      void slot.pool.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.destroy()))
    this.#pools.clear()
  }

  #pool({ provider, credentialId, tenant, connectTimeoutMs }: UpstreamRequest): Pool {
    const id = `${tenant}\n${provider.id}\n${credentialId}\n${provider.origin}\n${provider.socketPath ?? ''}`
    let slot = this.#pools.get(id)
    if (!slot) {
      slot = { pool: createPool(provider, connectTimeoutMs), usedAtMs: 0 }
      this.#pools.set(id, slot)
    }
    slot.usedAtMs = this.#nowMs()
    return slot.pool
  }
}

/** Where all sockets read to, one after the other. By itself Node allocates 64 KB for each read and keeps an array buffer of each: with chunks of a few hundred bytes that costs more than parsing them. */
const landing = Buffer.allocUnsafeSlow(64 * 1024)

/** Hands on what a socket has read. False: the socket reads no further until it is asked. */
function received(this: Socket, length: number): boolean {
  // What waits for a slow client has memory of its own: a part of the pool would keep all of it alive.
  const chunk = this.readableLength === 0 ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length)
  landing.copy(chunk, 0, 0, length)
  return this.push(chunk)
}

function createPool(provider: Provider, connectTimeoutMs: number): Pool {
  if (provider.guarded) {
    const host = new URL(provider.origin).hostname.replace(/^\[|\]$/g, '')
    // A literal address never reaches the resolver, so it is checked here.
    if (isIP(host) !== 0 && isSpecialAddress(host)) throw new EgressError(host)
  }
  // undici hands these on to net.connect, the high-water mark and `onread` too, although its types don't name them.
  const connect = {
    timeout: connectTimeoutMs,
    noDelay: true,
    highWaterMark: limits.socketBufferBytes,
    onread: { buffer: landing, callback: received },
    ...(provider.socketPath === null ? {} : { socketPath: provider.socketPath }),
    ...(provider.guarded ? { lookup: guardedLookup } : {}),
  }
  // undici would speak HTTP/2 where a vendor offers it: one socket for many requests then, so that an answer that nobody asked for, a full buffer or a broken socket concerned them all. What is said above holds for one request per socket.
  return new Pool(provider.origin, { connections: limits.upstreamConnections, pipelining: 1, keepAliveTimeout: 30_000, maxHeaderSize: 64 * 1024, allowH2: false, connect })
}

type Headers = Record<string, string | string[] | undefined>

/** One for all: nobody sees it, and a stack of each would cost more than the abort. */
const aborted = new Error('aborted by the gateway')

class Call implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #handler: UpstreamHandler
  #controller: Dispatcher.DispatchController | null = null
  #decoder: Gunzip | null = null
  /** Nothing more is told to the handler: aborted, failed, or complete. */
  #over = false

  constructor(handler: UpstreamHandler) {
    this.#handler = handler
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#over || !this.#handler.onSent()) {
      this.#over = true
      controller.abort(new Error('aborted before it was sent'))
    }
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (this.#over || status < 200) return
    const coding = headers['content-encoding']
    if (coding !== undefined && coding !== 'identity' && coding !== '') {
      this.#decoder = decoderOf(String(coding))
      if (!this.#decoder) {
        this.#controller?.abort(new Error('unknown content-encoding'))
        return this.fail(new Error('unknown content-encoding'))
      }
      this.#decoder.on('data', (chunk: Buffer) => this.#over || this.#handler.onData(chunk))
      this.#decoder.on('end', () => this.#complete())
      this.#decoder.on('error', (error: Error) => this.fail(error))
    }
    this.#handler.onHead(status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    if (!this.#decoder) this.#handler.onData(chunk)
    else if (!this.#decoder.write(chunk)) {
      this.#controller?.pause()
      this.#decoder.once('drain', () => this.#controller?.resume())
    }
  }

  onResponseEnd(): void {
    if (this.#over) return
    if (this.#decoder) this.#decoder.end()
    else this.#complete()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  #complete(): void {
    if (this.#over) return
    // Set first: an abort from within the callback must not destroy a socket that can be used again.
    this.#over = true
    this.#handler.onEnd()
  }

  fail(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#decoder?.destroy()
    this.#handler.onError(error)
  }

  pause(): void {
    if (this.#decoder) this.#decoder.pause()
    else this.#controller?.pause()
  }

  resume(): void {
    if (this.#over) return
    if (this.#decoder) this.#decoder.resume()
    else this.#controller?.resume()
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#decoder?.destroy()
    this.#controller?.abort(aborted)
  }
}

/** One coding only: a chain of them is an attack (CVE-2026-22036). */
function decoderOf(coding: string): Gunzip | null {
  switch (coding.trim().toLowerCase()) {
    case 'gzip': case 'x-gzip': return createGunzip()
    case 'deflate': return createInflate()
    case 'br': return createBrotliDecompress() as Gunzip
    default: return null
  }
}
