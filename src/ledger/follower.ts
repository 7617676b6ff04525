/**
 * Brings the journal's terminal records to the ledger in the database: reads segments up to where they are durable, hands over at
 * most 512 records per transaction, and reads on only when those are applied. What fails is tried again until it succeeds; nothing
 * is passed over. Segments that were released held nothing unapplied, so that a gap before the first one is none of the ledger.
 */
import type { After } from '../clock.ts'
import { Pause } from '../pause.ts'
import { frame, frameBytes } from './codec.ts'
import type { JournalTail } from './journal.ts'
import type { Logged, TerminalRecord } from './records.ts'
import { SegmentReader } from './segment-reader.ts'

/** The segments of a journal, to read while another thread writes. */
export interface SegmentFiles {
  /** Names of the segments, oldest first. */
  list(): string[]
  /** Fills `into` from byte `position` on; returns how many bytes there were. */
  readAt(name: string, into: Buffer, position: number): number
}

export interface FollowerOptions {
  files: SegmentFiles
  /** The ledger's position. */
  appliedLsn: number
  /**
   * One transaction with the terminal records after `afterLsn` and up to `uptoLsn`; resolves with the new position, which stands before
   * `uptoLsn` when only a part could be applied, and before `afterLsn` when the database lacks what was applied before.
   */
  apply(batch: readonly Logged<TerminalRecord>[], uptoLsn: number, afterLsn: number): Promise<number>
  applied(lsn: number): void
  /** The database stands at `position` and was at `hadLsn`. Up to `lostLsn` the journal can't be read any more; 0: it has everything. */
  wentBack(position: number, hadLsn: number, lostLsn: number): void
  /** Told of each failure, for the log. */
  failed(error: unknown): void
  after: After
}

/** Terminal records per transaction. */
export const batchRecords = 512
/** The first record of a batch waits this long for company, so that a slow trickle doesn't cost a synced commit each. */
export const lingerMs = 250
/** LSNs without a terminal record are noted this late, so that a running stream costs no transactions. */
const idleMs = 1_000
const firstBackoffMs = 100
const longestBackoffMs = 5_000
/** Holds the longest frame, and not many more records than a batch. */
const chunkBytes = 131_072

interface Place {
  name: string
  reader: SegmentReader
  /** What the segment's start must say was to follow, since this was read before it; null where reading began. */
  follows: number | null
}

export class Follower {
  readonly #options: FollowerOptions
  readonly #chunk = Buffer.allocUnsafeSlow(chunkBytes)
  #tail: JournalTail = { segment: '', offset: 0, lsn: 0 }
  #appliedLsn: number
  #place: Place | null = null
  /** Read and not applied. */
  #pending: Logged<TerminalRecord>[] = []
  /** Up to here everything is applied or pending. */
  #readLsn: number
  #running: Promise<void> | null = null
  /** Up to here was told as applied. */
  #toldLsn: number
  /** Ends the wait for company; null when nobody waits for it. */
  #linger: (() => void) | null = null
  /** True at first: what an earlier process left waits for nobody. */
  #isDue = true
  #draining = false
  #gaveUp = false
  readonly #pause: Pause
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#pause = new Pause(options.after)
    this.#appliedLsn = this.#readLsn = this.#toldLsn = options.appliedLsn
  }

  get appliedLsn(): number { return this.#appliedLsn }
  /** LSNs that are durable and not applied. */
  get lag(): number { return Math.max(0, this.#tail.lsn - this.#appliedLsn) }
  /** The database went back, and lacks something that was told as applied. */
  get isBehind(): boolean { return this.#appliedLsn < this.#toldLsn }

  /** How far the journal may be read from now on. */
  tail(tail: JournalTail): void {
    this.#tail = tail
    this.#pause.wake()
    this.#start()
  }

  /** Runs `work` while nothing is being applied, so that its answer and `applied` come in the order of their LSNs. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Someone else, `exclusively`, read the database's position. */
  stands(position: number): void {
    if (position >= this.#appliedLsn) return
    this.#goBack(position)
    this.#start()
  }

  /** Applies all that is durable without waiting; gives up after `deadlineMs`. Returns the LSNs that are left. */
  async drain(deadlineMs: number): Promise<number> {
    this.#draining = true
    this.#pause.wake()
    this.#start()
    const cancel = this.#options.after(deadlineMs, () => {
      this.#gaveUp = true
      this.#pause.wake()
    })
    await this.#running
    cancel()
    return this.lag
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
  }

  async #run(): Promise<void> {
    let backoffMs = firstBackoffMs
    let idleAt = 0
    while (this.lag > 0 && !this.#gaveUp) {
      try {
        const failure = this.#fill()
        if (this.#pending.length === 0 && failure !== null) throw failure
        if (this.#pending.length === 0 && !this.#draining && idleAt !== this.#tail.lsn) {
          idleAt = this.#tail.lsn
          await this.#pause.for(idleMs)
          continue
        }
        if (this.#mayWait()) {
          await this.#pause.for(lingerMs)
          continue
        }
        await this.#applyBatch()
        backoffMs = firstBackoffMs
        // Lets the thread's messages have their turn.
        await this.#pause.for(0)
      } catch (error) {
        this.#options.failed(error)
        await this.#pause.for(backoffMs)
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs)
      }
    }
  }

  /** Whether what was read may wait for more: `lingerMs` from when the first of it was seen, although others wake the thread meanwhile. */
  #mayWait(): boolean {
    if (this.#pending.length === 0 || this.#pending.length >= batchRecords || this.#draining) return false
    this.#linger ??= this.#options.after(lingerMs, () => {
      this.#isDue = true
      this.#pause.wake()
    })
    return !this.#isDue
  }

  async #applyBatch(): Promise<void> {
    await this.exclusively(async () => {
      const batch = this.#pending.slice(0, batchRecords)
      const uptoLsn = batch.length === this.#pending.length ? this.#readLsn : batch.at(-1)!.lsn
      if (uptoLsn <= this.#appliedLsn) return
      const position = await this.#options.apply(batch, uptoLsn, this.#appliedLsn)
      if (position < this.#appliedLsn) return this.#goBack(position)
      this.#linger?.()
      this.#linger = null
      this.#isDue = false
      this.#appliedLsn = position
      this.#readLsn = Math.max(this.#readLsn, position)
      this.#pending = this.#pending.filter(({ lsn }) => lsn > position)
      this.#toldLsn = Math.max(this.#toldLsn, position)
      this.#options.applied(position)
    })
  }

  /** A replica took over that had not everything yet, or a commit was not on the disk when the power went: reads from its position on. */
  #goBack(position: number): void {
    const names = this.#tail.segment === '' ? [] : this.#names(this.#tail)
    const firstLsn = names.map((name) => this.#firstLsn(name)).find((first) => first > 0) ?? Infinity
    this.#options.wentBack(position, this.#appliedLsn, firstLsn > position + 1 ? Math.min(firstLsn - 1, this.#appliedLsn) : 0)
    this.#appliedLsn = this.#readLsn = position
    this.#pending = []
    this.#place = null
    this.#options.applied(position)
  }

  /** Reads what a batch takes, if that much is durable. A failure is returned, and makes the next call find its place anew. */
  #fill(): unknown {
    try {
      while (this.#pending.length < batchRecords && !this.#readOn());
      return null
    } catch (error) {
      this.#place = null
      return error
    }
  }

  /** Reads some more; true when all that is durable was read. */
  #readOn(): boolean {
    const tail = this.#tail
    const place = tail.segment === '' ? null : this.#place ??= this.#placeOf(this.#readLsn + 1, tail)
    const end = place?.name === tail.segment ? tail.offset : Infinity
    if (place === null || place.reader.offset >= end) {
      this.#readLsn = Math.max(this.#readLsn, tail.lsn)
      return true
    }
    const { name, reader } = place
    const before = reader.offset
    const read: Logged<TerminalRecord>[] = []
    const length = this.#options.files.readAt(name, this.#chunk.subarray(0, Math.min(chunkBytes, end - before)), before)
    const stop = reader.scan(this.#chunk.subarray(0, length), (kind, lsn, at) => {
      if (kind >= frame.settle && lsn > this.#readLsn) read.push({ lsn, record: reader.terminal(at) })
    }, before)
    if (reader.offset > before) {
      if (place.follows !== null && reader.follows !== place.follows) throw new Error(`${name} follows LSN ${reader.follows - 1}, and the segment before ends at ${place.follows - 1}`)
      place.follows = null
      this.#pending.push(...read)
      this.#readLsn = Math.max(this.#readLsn, reader.nextLsn - 1)
    } else if (name === tail.segment) {
      throw new Error(`${name} cannot be read at byte ${before} (${stop}), although it is durable up to byte ${tail.offset}`)
    } else {
      this.#place = this.#placeAfter(place, tail)
    }
    return false
  }

  /** A segment ends where its frames do: in zeros, or where a crash tore it. */
  #placeAfter({ name, reader, follows }: Place, tail: JournalTail): Place {
    const next = this.#names(tail).find((other) => other > name)
    if (next === undefined) throw new Error(`no segment follows ${name}, although ${tail.segment} should`)
    return { name: next, reader: new SegmentReader(), follows: reader.firstLsn === 0 ? follows : reader.nextLsn }
  }

  #names = (tail: JournalTail): string[] => this.#options.files.list().filter((name) => name <= tail.segment)

  /** The newest segment that begins at or before the LSN; names that it uses are defined from its beginning on. */
  #placeOf(lsn: number, tail: JournalTail): Place {
    const names = this.#names(tail)
    const firsts = names.map((name) => this.#firstLsn(name))
    let index = firsts.findLastIndex((first) => first > 0 && first <= lsn)
    if (index < 0) index = firsts.findIndex((first) => first > 0)
    const name = names[index]
    if (name === undefined) throw new Error(`there is no readable segment up to ${tail.segment}`)
    return { name, reader: new SegmentReader(), follows: null }
  }

  /** 0 for a segment whose first frame is torn. */
  #firstLsn(name: string): number {
    const head = Buffer.alloc(frameBytes.start)
    const reader = new SegmentReader()
    reader.scan(head.subarray(0, this.#options.files.readAt(name, head, 0)), () => undefined)
    return reader.firstLsn
  }
}
