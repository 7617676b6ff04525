/**
 * Where whole answers are kept for the same request: an interface, and the memory of this process behind it. Organisations have parts of
 * their own, and a time after which an answer is gone. What can fail: nothing in memory; another store fails by rejecting, which is a miss.
 */
import type { Clock } from '../clock.ts'
import type { Headers } from './recording.ts'

/** Plain data, so that it can be kept outside of the process. */
export interface KeptAnswer {
  /** Of the request that it was made for, and when, epoch ms. */
  requestId: string
  at: number
  /** Those that describe the answer. */
  headers: Headers
  /** As the client was sent it. */
  body: Buffer
  /** Identity of the deployment that made it, its model's name, and the node whose credentials it was made with. */
  deployment: string
  model: string
  owner: string
  warnings: readonly string[]
  /** What its tenant paid, nano-dollars. */
  costNano: number
}

export interface Emptied { answers: number; bytes: number }

/** `find` must answer within a few milliseconds, since a request waits for it. */
export interface AnswerCache {
  find(org: string, key: string): KeptAnswer | null | Promise<KeptAnswer | null>
  keep(org: string, key: string, answer: KeptAnswer, ttlMs: number): void | Promise<void>
  /** Forgets all of an organisation. */
  empty(org: string): Emptied | Promise<Emptied>
  /** Forgets what is over. Called once a minute. */
  sweep(): void
  /** In the memory of this process. */
  held(): Emptied & { evicted: number }
}

interface Entry { answer: KeptAnswer; bytes: number; untilMs: number }
/** The one that was used longest ago comes first. */
interface Share { entries: Map<string, Entry>; bytes: number }

/** Beside body and headers: key, places in maps, small texts. */
const entryBytes = 1024

export class MemoryAnswers implements AnswerCache {
  #bytes = 0
  #count = 0
  #evicted = 0
  readonly #clock: Clock
  readonly #maxBytes: number
  readonly #shares = new Map<string, Share>()

  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock
    this.#maxBytes = maxBytes
  }

  find(org: string, key: string): KeptAnswer | null {
    const share = this.#shares.get(org)
    const entry = share?.entries.get(key)
    if (share === undefined || entry === undefined) return null
    this.#forget(org, share, key, entry)
    if (entry.untilMs <= this.#nowMs()) return null
    this.#add(org, key, entry)
    return entry.answer
  }

  keep(org: string, key: string, answer: KeptAnswer, ttlMs: number): void {
    let bytes = entryBytes + answer.body.length
    for (const [name, value] of Object.entries(answer.headers)) bytes += name.length + value.length
    for (const warning of answer.warnings) bytes += warning.length
    const share = this.#shares.get(org)
    const before = share?.entries.get(key)
    if (share !== undefined && before !== undefined) this.#forget(org, share, key, before)
    if (bytes > this.#maxBytes) return
    this.#add(org, key, { answer, bytes, untilMs: this.#nowMs() + ttlMs })
    while (this.#bytes > this.#maxBytes) this.#evict()
  }

  empty(org: string): Emptied {
    const share = this.#shares.get(org)
    if (share === undefined) return { answers: 0, bytes: 0 }
    this.#shares.delete(org)
    this.#bytes -= share.bytes
    this.#count -= share.entries.size
    return { answers: share.entries.size, bytes: share.bytes }
  }

  held(): Emptied & { evicted: number } {
    return { answers: this.#count, bytes: this.#bytes, evicted: this.#evicted }
  }

  sweep(): void {
    const now = this.#nowMs()
    for (const [org, share] of this.#shares) for (const [key, entry] of share.entries) if (entry.untilMs <= now) this.#forget(org, share, key, entry)
  }

  /** Whoever holds most makes room, so that no organisation drives out another's. */
  #evict(): void {
    let most: [string, Share] | null = null
    for (const each of this.#shares) if (most === null || each[1].bytes > most[1].bytes) most = each
    const [org, share] = most!
    const [key, entry] = share.entries.entries().next().value!
    this.#forget(org, share, key, entry)
    this.#evicted++
  }

  #add(org: string, key: string, entry: Entry): void {
    let share = this.#shares.get(org)
    if (share === undefined) this.#shares.set(org, (share = { entries: new Map(), bytes: 0 }))
    share.entries.set(key, entry)
    share.bytes += entry.bytes
    this.#bytes += entry.bytes
    this.#count++
  }

  #forget(org: string, share: Share, key: string, { bytes }: Entry): void {
    share.entries.delete(key)
    share.bytes -= bytes
    this.#bytes -= bytes
    this.#count--
    if (share.entries.size === 0) this.#shares.delete(org)
  }

  #nowMs(): number {
    return this.#clock.monotonicUs() / 1000
  }
}
