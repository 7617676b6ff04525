/**
 * One answer as bytes: written once, read by any number of repeats from its start, each at its own pace, also while it is still
 * being written. What can fail: it grows too long or memory runs short, and it is lost; a reader that then misses bytes is cut.
 */
import { failure, type Failure } from '../errors.ts'
import type { Deadlines, Ticking } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { cutFailure } from './live.ts'

export type Headers = Record<string, string | string[]>

/** Memory that all recordings share. */
export interface Pool {
  /** A recording now holds so many bytes more (or fewer); it may be lost in this very call. */
  resized(bytes: number): void
}

/** First allocation of a stream's recording, and what a reader is given at a time. */
const firstBytes = 4 * 1024
const pieceBytes = 64 * 1024
/** Headers of one request and not of its answer. Rate limits are of the moment. */
const ofTheRequest = /^(x-ratelimit-[\w-]+|x-megarouter-(request-id|overhead-ms))$/
const nothing = Buffer.alloc(0)

export class Recording {
  readonly requestId: string
  /** Epoch ms. */
  readonly at: number
  readonly readers = new Set<Reader>()
  /** 0: there is no head yet. */
  status = 0
  headers: Headers = {}
  /** Everything was told. */
  complete = false
  /** It ended in an error event. */
  broken = false
  /** Why nothing can be read any more. */
  lost: Failure | null = null
  heldBytes = 0
  readonly #pool: Pool
  readonly #maxBytes: number
  #bytes: Buffer = nothing
  /** Bytes of `#bytes` that are written; bytes of the answer before them that are dropped. */
  #length = 0
  #dropped = 0
  #released = false

  constructor(pool: Pool, maxBytes: number, requestId: string, at: number) {
    this.#pool = pool
    this.#maxBytes = maxBytes
    this.requestId = requestId
    this.at = at
  }

  /** True as long as a reader that begins now gets all of it. */
  get whole(): boolean {
    return this.lost === null && this.#dropped === 0
  }

  /** True when what is written ends with a whole event, so that a comment may follow. */
  get atBoundary(): boolean {
    return this.#length === 0 || /(\n\n|\r\r|\r\n\r\n)$/.test(this.#bytes.toString('latin1', Math.max(0, this.#length - 4), this.#length))
  }

  head(status: number, headers: Headers): void {
    if (this.lost) return
    this.status = status
    let bytes = 0
    for (const [name, value] of Object.entries(headers)) {
      if (ofTheRequest.test(name) || value === this.requestId) continue
      this.headers[name] = value
      bytes += name.length + value.length
    }
    this.#hold(bytes)
    this.#wake()
  }

  /** A complete body. One that is too large to keep is lost: its readers wait for the head still, and are told so. */
  body(bytes: Buffer): void {
    if (this.lost) return
    if (bytes.length > this.#maxBytes) return this.lose(gone(this))
    // A slice would keep all of its pool alive.
    this.#bytes = bytes.length === bytes.buffer.byteLength ? bytes : exact(bytes, bytes.length)
    this.#length = bytes.length
    this.#hold(bytes.length)
  }

  /** All of an answer at once. */
  answer(status: number, headers: Headers, body: Buffer): void {
    this.body(body)
    this.head(status, headers)
    this.end(false)
  }

  append(chunk: Buffer): void {
    const half = this.#maxBytes >> 1
    for (let at = 0; at < chunk.length && !this.lost; at += half) this.#write(chunk.subarray(at, at + half))
  }

  end(broken: boolean): void {
    this.broken = broken
    this.complete = true
    if (this.#length < this.#bytes.length) this.#move(0, this.#length)
    this.#wake()
  }

  /** Nobody new will read it: its bytes go with the last of its readers. */
  release(): void {
    this.#released = true
    this.#freeUnread()
  }

  lose(why: Failure): void {
    if (this.lost) return
    this.lost = why
    this.#bytes = nothing
    this.#length = 0
    this.#hold(-this.heldBytes)
    this.#wake()
  }

  /** All of it, once it is complete. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Sends it to one more client, with headers of its own where they are given. Settles when all is sent or the client has left; with a failure when nothing was sent and none can be. */
  serve(exchange: Exchange, deadlines: Deadlines, own: Headers | null = null): Promise<Failure | null> {
    if (own === null) exchange.route = `replay of ${this.requestId}`
    exchange.enter('call')
    return new Promise((resolve) => {
      const reader = new Reader(this, exchange, deadlines, own, (failed) => {
        this.readers.delete(reader)
        this.#freeUnread()
        resolve(failed)
      })
      this.readers.add(reader)
      reader.pump()
    })
  }

  /** The next bytes at this place of the answer, none when it is not further yet; null: they are no longer held. */
  read(offset: number): Buffer | null {
    const from = offset - this.#dropped
    return this.lost || from < 0 ? null : this.#bytes.subarray(from, Math.min(from + pieceBytes, this.#length))
  }

  #write(part: Buffer): void {
    const needed = this.#length + part.length
    if (needed > this.#maxBytes) {
      // Too long to keep. Whoever follows gets the rest through a window of the latest bytes.
      if (this.readers.size === 0) return this.lose(gone(this))
      this.#move(Math.max(0, this.#length - (this.#maxBytes >> 1)), this.#maxBytes)
    } else if (needed > this.#bytes.length) this.#move(0, Math.min(this.#maxBytes, Math.max(firstBytes, 2 ** Math.ceil(Math.log2(needed)))))
    if (this.lost) return
    this.#length += part.copy(this.#bytes, this.#length)
    this.#wake()
  }

  /** Copies what is held from `from` on to new memory: the old may still be on its way to a socket. */
  #move(from: number, capacity: number): void {
    const before = this.#bytes.length
    const kept = this.#bytes.subarray(from, this.#length)
    this.#bytes = exact(kept, capacity)
    this.#length = kept.length
    this.#dropped += from
    this.#hold(capacity - before)
  }

  #hold(bytes: number): void {
    this.heldBytes += bytes
    this.#pool.resized(bytes)
  }

  #freeUnread(): void {
    if (this.#released && this.readers.size === 0) this.lose(gone(this))
  }

  #wake(): void {
    for (const reader of this.readers) reader.pump()
  }
}

export const gone = ({ at, requestId }: { at: number; requestId: string }): Failure =>
  failure('idempotency_answer_gone', `This Idempotency-Key ran at ${new Date(at).toISOString()} (request ${requestId}) and its answer is no longer kept, so nothing was dispatched again. Look that request up in the console under Requests, or use a new key to run it again and pay again.`)

function exact(bytes: Buffer, capacity: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(capacity)
  bytes.copy(copy)
  return copy
}

/** One client of a recording. It pulls, so that a slow one holds nobody, and is cut like the client of a stream when it takes nothing for too long. */
class Reader implements Ticking {
  rosterIndex = -1
  readonly #recording: Recording
  readonly #exchange: Exchange
  readonly #deadlines: Deadlines
  readonly #own: Headers | null
  readonly #done: (failed: Failure | null) => void
  #offset = 0
  #begun = false
  #ended = false
  #cut = false
  #blockedSinceUs: number | null = null
  #lastWriteUs = 0

  constructor(recording: Recording, exchange: Exchange, deadlines: Deadlines, own: Headers | null, done: (failed: Failure | null) => void) {
    this.#recording = recording
    this.#exchange = exchange
    this.#deadlines = deadlines
    this.#own = own
    this.#done = done
    exchange.response.on('drain', this.#onDrain).once('close', this.#onClose)
    deadlines.add(this)
  }

  /** Sends what is there and fits. */
  pump(): void {
    const { response } = this.#exchange
    if (response.destroyed) return this.#onClose()
    if (this.#ended || (!this.#begun && !this.#begin())) return
    while (this.#blockedSinceUs === null) {
      const piece = this.#recording.read(this.#offset)
      if (piece === null) return this.#fail()
      if (piece.length === 0) break
      this.#offset += piece.length
      this.#write(piece)
    }
    if (this.#blockedSinceUs !== null || !this.#recording.complete) return
    this.#ended = true
    this.#blockedSinceUs = this.#exchange.clock.monotonicUs()
    response.end()
  }

  tick(nowUs: number): void {
    const { response, protocol, snapshot, cutBy } = this.#exchange
    const { clientStallMs, keepAliveMs } = snapshot.settings.deadlines
    if (cutBy) this.#fail(cutFailure(cutBy))
    else if (this.#blockedSinceUs !== null) {
      if (nowUs - this.#blockedSinceUs > clientStallMs * 1000) response.destroy()
    } else if (this.#begun && nowUs - this.#lastWriteUs > keepAliveMs * 1000 && this.#recording.atBoundary) this.#write(Buffer.from(protocol.keepAlive))
  }

  #begin(): boolean {
    const { status, headers, lost, requestId } = this.#recording
    if (lost) this.#fail()
    if (lost || status === 0) return false
    this.#begun = true
    const exchange = this.#exchange
    exchange.enter('stream')
    exchange.status = status
    this.#lastWriteUs = exchange.clock.monotonicUs()
    exchange.response.writeHead(status, this.#own ?? {
      'x-request-id': exchange.id, ...headers, 'x-megarouter-request-id': exchange.id, 'x-megarouter-replayed': requestId,
      'x-megarouter-overhead-ms': (exchange.overheadUs() / 1000).toFixed(2),
    })
    return true
  }

  #write(bytes: Buffer): void {
    this.#exchange.responseBytes += bytes.length
    this.#lastWriteUs = this.#exchange.clock.monotonicUs()
    if (!this.#exchange.response.write(bytes)) this.#blockedSinceUs = this.#lastWriteUs
  }

  /** What is missing can't be sent: said as an error where nothing was sent yet, else shown by a broken connection. */
  #fail(why: Failure = this.#recording.lost ?? gone(this.#recording)): void {
    if (!this.#begun) return this.#finish(why)
    this.#cut = true
    this.#exchange.response.destroy()
  }

  readonly #onDrain = (): void => {
    if (this.#ended) return
    this.#blockedSinceUs = null
    this.pump()
  }

  readonly #onClose = (): void => {
    const { response } = this.#exchange
    const { broken, status } = this.#recording
    this.#exchange.status ||= 499
    this.#exchange.outcome = !response.writableFinished ? (this.#cut ? 'broken' : 'cancelled') : broken ? 'broken' : status < 400 ? 'success' : 'failed'
    this.#finish(null)
  }

  #finish(failed: Failure | null): void {
    this.#exchange.response.off('drain', this.#onDrain).off('close', this.#onClose)
    this.#deadlines.delete(this)
    this.#done(failed)
  }
}
