/**
 * The queue between the data plane and the database: bounded, saved in batches a few times a second, kept while the database is
 * gone. A record is lost only when the queue is full or the record itself can't be stored, and each loss is counted.
 */
import type { After } from '../clock.ts'
import { Pause } from '../pause.ts'
import type { RequestRecord } from './records.ts'

export interface WriterSettings {
  /** Must be repeatable: a batch is saved again when its commit was not confirmed. */
  save(records: readonly RequestRecord[]): Promise<void>
  /** True: wait and try again; false: the records themselves are at fault. */
  isTransient(error: unknown): boolean
  /** Told of each failure, for the log. */
  failed(error: unknown, lost: RequestRecord | null): void
  nowMs(): number
  after: After
  queueLimit: number
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

interface Queued {
  record: RequestRecord
  sinceMs: number
}

export class RecordWriter {
  #settings: WriterSettings
  #queue: Queued[] = []
  #head = 0
  #dropped = 0
  #databaseUp = true
  #running: Promise<void> | null = null
  #draining = false
  readonly #pause: Pause

  constructor(settings: WriterSettings) {
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

  push(records: readonly RequestRecord[]): void {
    const sinceMs = this.#settings.nowMs()
    for (const record of records) this.#queue.push({ record, sinceMs })
    const excess = this.#size - this.#settings.queueLimit
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
  async #saveBatch(batch: readonly Queued[]): Promise<boolean> {
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
  #forget(batch: readonly Queued[]): void {
    const last = batch[batch.length - 1]
    const position = last === undefined ? -1 : this.#queue.indexOf(last, this.#head)
    if (position >= 0) this.#remove(position + 1 - this.#head)
  }

  #remove(count: number): void {
    this.#head += count
    if (this.#head > batchSize && this.#head > this.#queue.length / 2) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }
}
