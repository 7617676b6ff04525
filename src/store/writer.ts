/**
 * The queue between the data plane and the database: bounded, saved in batches a few times a second, kept while the database is
 * gone. A record is lost only when the queue is full or the record itself can't be stored, and each loss is counted.
 */
import type { After } from '../clock.ts'
import { Pause } from '../pause.ts'

export interface WriterSettings<Row> {
  /** Must be repeatable: a batch is saved again when its commit was not confirmed. */
  save(records: readonly Row[]): Promise<void>
  /** True: wait and try again; false: the records themselves are at fault. */
  isTransient(error: unknown): boolean
  /** Told of each failure, for the log. */
  failed(error: unknown, lost: Row | null): void
  nowMs(): number
  after: After
  /** In the unit of `weigh`. */
  queueLimit: number
  /** What one takes of the queue; left out: 1. */
  weigh?(record: Row): number
}

export interface WriterState {
  queued: number
  dropped: number
  databaseUp: boolean
  oldestQueuedMs: number
}

/** Requests per transaction. */
export const batchSize = 512
/** Least time between commits, unless a whole batch waits: bounds what a `kill -9` loses. */
const intervalMs = 100
const firstBackoffMs = 100
const longestBackoffMs = 5_000

interface Queued<Row> {
  record: Row
  sinceMs: number
  weight: number
}

export class BatchWriter<Row> {
  #settings: WriterSettings<Row>
  #queue: Queued<Row>[] = []
  #head = 0
  #weight = 0
  /** Ever queued, and ever gone from the queue. */
  #taken = 0
  #gone = 0
  readonly #waiting = new Set<{ upTo: number; done(isWritten: boolean): void }>()
  #dropped = 0
  #databaseUp = true
  #running: Promise<void> | null = null
  #draining = false
  readonly #pause: Pause

  constructor(settings: WriterSettings<Row>) {
    this.#settings = settings
    this.#pause = new Pause(settings.after)
  }

  get #size(): number {
    return this.#queue.length - this.#head
  }

  state(): WriterState {
    const oldest = this.#queue[this.#head]
    return {
      queued: this.#size, dropped: this.#dropped, databaseUp: this.#databaseUp,
      oldestQueuedMs: oldest === undefined ? 0 : Math.max(0, this.#settings.nowMs() - oldest.sinceMs),
    }
  }

  push(records: readonly Row[]): void {
    const { nowMs, queueLimit, weigh } = this.#settings
    const sinceMs = nowMs()
    for (const record of records) {
      const weight = weigh?.(record) ?? 1
      this.#queue.push({ record, sinceMs, weight })
      this.#weight += weight
    }
    this.#taken += records.length
    let excess = 0
    for (let rest = this.#weight; rest > queueLimit; excess++) rest -= this.#queue[this.#head + excess]!.weight
    if (excess > 0) {
      this.#remove(excess)
      this.#dropped += excess
      this.#databaseUp = false
    }
    if (this.#size >= batchSize && this.#databaseUp) this.#pause.wake()
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
  }

  /** Resolves when what is queued now is in the database, or is lost; false: it is still waiting after `withinMs`. */
  written(withinMs: number): Promise<boolean> {
    if (this.#size === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const waiter = {
        upTo: this.#taken,
        done: (isWritten: boolean): void => {
          this.#waiting.delete(waiter)
          cancel()
          resolve(isWritten)
        },
      }
      const cancel = this.#settings.after(Math.max(0, withinMs), () => waiter.done(false))
      this.#waiting.add(waiter)
    })
  }

  /** Saves what is queued without waiting for intervals; gives up when the database is gone for `deadlineMs`. Returns what is left. */
  async drain(deadlineMs: number): Promise<number> {
    this.#draining = true
    this.#pause.wake()
    const cancel = this.#settings.after(deadlineMs, () => {
      this.#gaveUp = true
      this.#pause.wake()
    })
    await this.#running
    cancel()
    return this.#size
  }
  #gaveUp = false

  async #run(): Promise<void> {
    if (!this.#draining && this.#size < batchSize) await this.#pause.for(intervalMs)
    let backoffMs = firstBackoffMs
    while (this.#size > 0 && !this.#gaveUp) {
      const batch = this.#queue.slice(this.#head, this.#head + batchSize)
      if (await this.#saveBatch(batch)) {
        backoffMs = firstBackoffMs
        this.#databaseUp = true
        if (!this.#draining && this.#size < batchSize) await this.#pause.for(intervalMs)
      } else {
        this.#databaseUp = false
        await this.#pause.for(backoffMs)
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs)
      }
    }
  }

  /** False when the database is gone; then the batch stays queued. */
  async #saveBatch(batch: readonly Queued<Row>[]): Promise<boolean> {
    try {
      await this.#settings.save(batch.map(({ record }) => record))
    } catch (error) {
      if (this.#settings.isTransient(error)) {
        this.#settings.failed(error, null)
        return false
      }
      // One bad record must not hold up the others: halve until it stands alone.
      if (batch.length > 1) {
        const middle = batch.length >> 1
        return await this.#saveBatch(batch.slice(0, middle)) && await this.#saveBatch(batch.slice(middle))
      }
      this.#settings.failed(error, batch[0]!.record)
      this.#dropped += 1
    }
    this.#forget(batch)
    return true
  }

  /** A full queue may have dropped part of the batch while it was being saved. */
  #forget(batch: readonly Queued<Row>[]): void {
    const last = batch[batch.length - 1]
    const position = last === undefined ? -1 : this.#queue.indexOf(last, this.#head)
    if (position >= 0) this.#remove(position + 1 - this.#head)
  }

  #remove(count: number): void {
    for (let at = this.#head; at < this.#head + count; at++) this.#weight -= this.#queue[at]!.weight
    this.#head += count
    this.#gone += count
    for (const waiter of this.#waiting) if (waiter.upTo <= this.#gone) waiter.done(true)
    if (this.#head > batchSize && this.#head > this.#queue.length / 2) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }
}
