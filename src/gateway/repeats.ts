/**
 * `Idempotency-Key`: a key dispatches once, and whoever repeats it gets the bytes of the first answer, whole or as it comes.
 * Answers are kept in memory within a bound; that a key was used outlives them in the ledger. What can fail: the answer is no
 * longer held, or the ledger can't be asked; then nothing is dispatched.
 */
import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import { failure, type Failure } from '../errors.ts'
import type { RepeatMark } from '../ledger/records.ts'
import type { Limits } from '../limits.ts'
import type { Deadlines } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { gone, Recording, type Headers, type Pool } from './recording.ts'

/** A request that the ledger knows by its key: it cost something, before this process or longer ago than memory reaches. */
export interface PastRequest {
  /** The mark's digest of endpoint and body. */
  body: Uint8Array
  requestId: string
  /** Epoch ms. */
  at: number
}

export interface RepeatOptions {
  clock: Clock
  /** By the mark's key digest. Rejects when it can't be known. */
  lookup(digest: Uint8Array): Promise<PastRequest | null>
  limits: Pick<Limits, 'replayBytes' | 'replayAnswerBytes' | 'replayMs'>
}

/** An answer that is there, or on its way. */
export interface Replay {
  /** Resolves when all is sent or the client has left; with a failure when nothing was sent and it is the caller's to say. */
  serve(exchange: Exchange, deadlines: Deadlines): Promise<Failure | null>
}

/** What is known of one key. */
interface Use {
  id: string
  body: string
  requestId: string
  at: number
  /** Null: no longer held. */
  recording: Recording | null
}

/** Bytes that a key costs besides its answer: digests, request id, places in a map and a set. */
const useBytes = 512
/** The share of the memory that may go to keys without an answer. */
const goneShare = 1 / 8
const digestBytes = 16
/** Hashing this much blocks for about 4 ms. */
const hashBytes = 4 * 1024 * 1024

export class Repeats implements Pool {
  replayed = 0
  followed = 0
  conflicts = 0
  gone = 0
  heldBytes = 0
  readonly #options: RepeatOptions
  readonly #uses = new Map<string, Use>()
  readonly #asking = new Map<string, Promise<PastRequest | null>>()
  /** Each use is in one of these, the oldest first. */
  readonly #running = new Set<Use>()
  readonly #kept = new Set<Use>()
  readonly #gone = new Set<Use>()
  /** Answers of no key any more, which somebody still reads. */
  readonly #leaving = new Set<Recording>()

  constructor(options: RepeatOptions) {
    this.#options = options
  }

  /** What to do with a request whose key and body are known. Null: it has no `Idempotency-Key`. A `Run` must be finished. */
  begin(exchange: Exchange): null | Failure | Promise<Run | Replay | Failure> {
    const text = exchange.request.headers['idempotency-key']
    if (text === undefined) return null
    if (typeof text === 'string' && /^[\x20-\x7e]{1,255}$/.test(text)) return this.#begin(exchange, text)
    return failure('invalid_request', 'The Idempotency-Key header takes 1 to 255 printable ASCII characters.', { param: 'idempotency-key' })
  }

  /** Forgets what is older than answers are kept. Called once a minute. */
  sweep(): void {
    const before = this.#options.clock.epochMs() - this.#options.limits.replayMs
    for (const use of this.#kept) if (use.at <= before && use.recording!.readers.size === 0) this.#forget(use)
    for (const use of this.#gone) if (use.at <= before) this.#forget(use)
    for (const recording of this.#leaving) if (recording.lost) this.#leaving.delete(recording)
  }

  resized(bytes: number): void {
    this.heldBytes += bytes
    if (bytes > 0) this.#evict()
  }

  /** The end of a run. */
  finish(use: Use, pinned: boolean): void {
    const recording = use.recording!
    this.#running.delete(use)
    if (!recording.complete) recording.lose(pinned ? gone(use) : failure('internal_error', `The first request with this Idempotency-Key (${use.requestId}) ended without an answer and cost nothing. Send it again.`))
    if (pinned && recording.whole) return void this.#kept.add(use)
    if (pinned) this.#drop(use)
    else this.#forget(use)
    recording.release()
    if (!recording.lost) this.#leaving.add(recording)
  }

  async #begin(exchange: Exchange, text: string): Promise<Run | Replay | Failure> {
    const mark = { key: digest(createHash('sha256').update(exchange.key!.id).update('\0').update(text)), body: await bodyDigest(exchange) }
    const id = latin1(mark.key)
    let use = this.#uses.get(id)
    if (!use) {
      let past: PastRequest | null
      try {
        past = await this.#ask(id, mark.key)
      } catch {
        return failure('ledger_unavailable', 'Whether this Idempotency-Key was used before cannot be found out at the moment, so nothing was dispatched. Send it again.', { retryAfterMs: 1000 })
      }
      // Another one that waited for the same answer may have begun.
      use = this.#uses.get(id) ?? (past ? this.#recall(id, past) : undefined)
    }
    if (use) return this.#repeat(use, mark)
    // Others may wait for the same key: only one whose client is still there begins.
    return exchange.response.destroyed ? failure('request_timeout', 'The connection closed before the request was dispatched.', { status: 499 }) : this.#run(exchange, id, mark)
  }

  #ask(id: string, key: Uint8Array): Promise<PastRequest | null> {
    let asked = this.#asking.get(id)
    if (!asked) {
      asked = this.#options.lookup(key).finally(() => this.#asking.delete(id))
      this.#asking.set(id, asked)
    }
    return asked
  }

  #repeat(use: Use, mark: RepeatMark): Replay | Failure {
    if (latin1(mark.body) !== use.body) {
      this.conflicts++
      return failure('idempotency_key_reused', `This Idempotency-Key was first used at ${new Date(use.at).toISOString()} (request ${use.requestId}) with another body or endpoint. Use a new key for a new request.`, { param: 'idempotency-key' })
    }
    const { recording } = use
    if (!recording?.whole) {
      this.gone++
      return gone(use)
    }
    if (recording.complete) this.replayed++
    else this.followed++
    return recording
  }

  #run(exchange: Exchange, id: string, mark: RepeatMark): Run {
    const at = Math.floor(exchange.at / 1000)
    const use = { id, body: latin1(mark.body), requestId: exchange.id, at, recording: new Recording(this, this.#options.limits.replayAnswerBytes, exchange.id, at) }
    this.#running.add(use)
    this.#know(use)
    return new Run(this, use, mark)
  }

  #recall(id: string, { body, requestId, at }: PastRequest): Use {
    const use = { id, body: latin1(body), requestId, at, recording: null }
    this.#know(use)
    this.#drop(use)
    return use
  }

  #know(use: Use): void {
    this.#uses.set(use.id, use)
    this.resized(useBytes)
  }

  /** The key stays known without its answer, so that the ledger need not be asked. */
  #drop(use: Use): void {
    this.#kept.delete(use)
    use.recording = null
    this.#gone.add(use)
    if (this.#gone.size * useBytes <= this.#options.limits.replayBytes * goneShare) return
    for (const oldest of this.#gone) return this.#forget(oldest)
  }

  #forget(use: Use): void {
    this.#uses.delete(use.id)
    this.resized(-useBytes)
    if (this.#kept.delete(use)) use.recording!.release()
    this.#gone.delete(use)
  }

  /** Makes room: the oldest answers that nobody reads, then the oldest that somebody reads, then those that are still being recorded. */
  #evict(): void {
    const { replayBytes } = this.#options.limits
    for (const alsoRead of [false, true]) {
      for (const use of this.#kept) {
        if (this.heldBytes <= replayBytes) return
        if (use.recording!.readers.size > 0 && !alsoRead) continue
        use.recording!.lose(gone(use))
        this.#drop(use)
      }
    }
    for (const recording of this.#leaving) {
      if (this.heldBytes <= replayBytes) return
      this.#leaving.delete(recording)
      recording.lose(gone(recording))
    }
    for (const use of this.#running) {
      if (this.heldBytes <= replayBytes) return
      use.recording!.lose(gone(use))
    }
  }
}

/** The first request of its key: it is told all that its client is sent, whether or not the client is still there. */
export class Run {
  readonly mark: RepeatMark
  readonly #repeats: Repeats
  readonly #use: Use
  readonly #recording: Recording

  constructor(repeats: Repeats, use: Use, mark: RepeatMark) {
    this.mark = mark
    this.#repeats = repeats
    this.#use = use
    this.#recording = use.recording!
  }

  /** True as long as a repeat can get the answer. */
  get wanted(): boolean {
    return this.#recording.lost === null
  }

  /** A complete answer. */
  answer(status: number, headers: Headers, body: Buffer): void {
    // A defect in the middle of a stream is answered only where the client, gone by then, was sent nothing.
    if (this.#recording.status !== 0) return
    this.#recording.answer(status, headers, body)
  }

  head(status: number, headers: Headers): void {
    this.#recording.head(status, headers)
  }

  chunk(bytes: Buffer): void {
    this.#recording.append(bytes)
  }

  /** `broken`: the stream ended in an error event. */
  end(broken: boolean): void {
    this.#recording.end(broken)
  }

  /** Call it once, whatever happened. Pinned: the request cost something or delivered output, so the key stays used; else it is free again. */
  finish(pinned: boolean): void {
    this.#repeats.finish(this.#use, pinned)
  }
}

/** Whether a request goes on without its client, so that a repeat gets the whole answer. */
export const keepsRunning = ({ repeat }: Exchange): boolean => repeat?.wanted ?? false

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
const digest = (hash: ReturnType<typeof createHash>): Uint8Array => hash.digest().subarray(0, digestBytes)

async function bodyDigest({ endpoint, inPath, body }: Exchange): Promise<Uint8Array> {
  const hash = createHash('sha256').update(endpoint.path).update('\0')
  if (inPath.model !== undefined) hash.update(`${inPath.model}\0${inPath.stream}\0`)
  for (let at = 0; at < body.length; at += hashBytes) {
    if (at > 0) await breathe()
    hash.update(body.subarray(at, at + hashBytes))
  }
  return digest(hash)
}
