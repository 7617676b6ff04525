/**
 * The single writer of the journal: takes records synchronously, writes them in one call and makes them durable in groups, in
 * segments that are prepared ahead. A full disk closes admission while there is room for the end of every open hold; any other
 * failed write and any failed sync is fatal, since what the disk then holds is unknown.
 */
import type { After, Clock } from '../clock.ts'
import { frameBytes, namesBytes, SegmentWriter } from './codec.ts'
import type { Disk, JournalFile } from './disk.ts'
import type { JournalRecord } from './records.ts'
import { makeDurable, nameOfSegment, numberOfSegment, recoverJournal, type Recovered, type RetainedSegment } from './recovery.ts'
import { Retained } from './retained.ts'
import { Waiters } from './waiters.ts'

export interface JournalOptions {
  disk: Disk
  clock: Clock
  after: After
  /** Called at most once: the process must end, and recovery find out what is on the disk. */
  onFatal(error: Error): void
  segmentBytes?: number
  /** The most time between the starts of two syncs while somebody waits. */
  syncIntervalMs?: number
}

export interface JournalTail { segment: string; offset: number; lsn: number }

export interface JournalStats {
  /** On the disk, prepared ones included. */
  bytes: number
  segments: number
  /** Callers that wait for a sync. */
  waiting: number
  lastSyncUs: number
  maxSyncUs: number
  /** PROGRESS records left out on a full disk, where they would have taken the room of an end. */
  progressLeftOut: number
  /** Why no segment could be made or removed lately, else null. */
  problem: string | null
}

interface Segment extends RetainedSegment {
  /** Null while there is no space for it: its frames wait in memory. */
  file: JournalFile | null
  writer: SegmentWriter
  written: number
  isDirty: boolean
}

/** A journal that was not synced for so long is idle. */
const idleMs = 10
/** What nobody waits for is durable after this time, and a tick. */
const restMs = 75
/** What one who waits adds to the time between two syncs: with eight of them it is 2 ms. */
const waiterMs = 0.25
const createRetryUs = 1_000_000
/** Room that admission leaves for names of a new hold that are longer than all before. */
const newNamesBytes = 1_024

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
const asError = (error: unknown): Error => error instanceof Error ? error : new Error(String(error))

export class Journal {
  readonly #options: Required<JournalOptions>
  #nextLsn: number
  /** Until the first append: the next LSN without `raiseLsn`, so that the first segment can say what it follows. */
  #follows: number | null
  #writtenLsn: number
  #syncedLsn: number
  /** What frames may say is synced. */
  #knownLsn: number
  #tail: JournalTail
  #openHolds: number
  #longestNames: number
  #number: number

  readonly #retained: Retained
  /** Rotated out, with something not yet written or synced. */
  #older: Segment[] = []
  #current: Segment
  #next: { name: string; file: JournalFile } | null = null
  #creating = false
  #retryAtUs = -Infinity
  /** Why the last write was refused; what was appended waits. */
  #refusal: Error | null = null
  #failure: Error | null = null
  #problem: string | null = null
  #progressLeftOut = 0

  #syncsLeft = 0
  #syncStartUs = -Infinity
  #syncLsn = 0
  #lastWaiters = 0
  #syncTail: JournalTail
  readonly #waiters = new Waiters()
  #cancelTimer: (() => void) | null = null
  #lastSyncUs = 0
  #maxSyncUs = 0
  #closing: ((error: Error | null) => void) | null = null

  private constructor(options: Required<JournalOptions>, recovered: Recovered, number: number) {
    this.#options = options
    this.#nextLsn = this.#follows = recovered.nextLsn
    this.#writtenLsn = this.#syncedLsn = this.#knownLsn = recovered.nextLsn - 1
    this.#openHolds = recovered.open.length
    this.#longestNames = recovered.open.reduce((longest, { hold }) => Math.max(longest, namesBytes(hold)), 0)
    this.#retained = new Retained(recovered.segments)
    this.#number = number
    this.#current = this.#emptySegment('', null)
    this.#tail = this.#syncTail = { segment: recovered.segments.at(-1)?.name ?? '', offset: recovered.endOffset, lsn: this.#syncedLsn }
  }

  /** Recovers what is there and starts a fresh segment. Rejects when the journal is damaged or the disk fails; a full disk only closes admission. */
  static async open(given: JournalOptions): Promise<{ journal: Journal; recovered: Recovered }> {
    const options = { segmentBytes: 16 * 1024 * 1024, syncIntervalMs: 2, ...given }
    const { disk } = options
    const number = Math.max(0, ...disk.list().map(numberOfSegment))
    const recovered = recoverJournal(disk)
    await makeDurable(disk, recovered)
    for (const name of recovered.unused) disk.remove(name)
    const journal = new Journal(options, recovered, number)
    await new Promise<void>((resolve, reject) => journal.#create((error) => error === null || isFull(error) ? resolve() : reject(error)))
    return { journal, recovered }
  }

  get writtenLsn(): number { return this.#writtenLsn }
  get syncedLsn(): number { return this.#syncedLsn }
  /** Of the newest record, written or not. */
  get lastLsn(): number { return this.#nextLsn - 1 }
  get failed(): boolean { return this.#failure !== null }
  get problem(): string | null { return (this.#failure ?? this.#refusal)?.message ?? this.#problem }

  /** Before the first append: the next LSN is at least `nextLsn`, which the database may know better than a journal that lost its tail. */
  raiseLsn(nextLsn: number): void {
    if (this.#current.firstLsn !== 0 || this.#older.length > 0) throw new Error('the journal has records of this process: its LSN stands')
    if (nextLsn <= this.#nextLsn) return
    this.#nextLsn = nextLsn
    // `#knownLsn` stays: that there is nothing between is known once the segment that says so is durable.
    this.#writtenLsn = this.#syncedLsn = nextLsn - 1
    this.#tail = { ...this.#tail, lsn: this.#syncedLsn }
  }

  /** Whether a new hold can be taken: its records and the end of every open hold have room. */
  canAdmit(): boolean {
    if (this.#failure !== null || this.#refusal !== null || this.#closing !== null || this.#current.file === null) return false
    const endBytes = frameBytes.terminal + this.#longestNames
    // At the end of a segment less than one frame stays unused.
    const room = this.#room() + (this.#next === null ? 0 : this.#options.segmentBytes - frameBytes.start - endBytes)
    return room >= this.#reserved(1) + frameBytes.hold + newNamesBytes
  }

  /** Buffers the record and returns its LSN; `flush` writes it. A PROGRESS that would take the room of an end is left out: then it is the LSN before. */
  append(record: JournalRecord): number {
    const most = this.#current.writer.most(record)
    if (record.kind === 'hold') {
      this.#openHolds++
      if (most > frameBytes.hold) this.#longestNames = Math.max(this.#longestNames, namesBytes(record))
    } else if (record.kind === 'settle' || record.kind === 'void') {
      if (this.#openHolds > 0) this.#openHolds--
    } else if (record.kind === 'progress' && this.#next === null && this.#room() - most < this.#openHolds * (frameBytes.terminal + this.#longestNames)) {
      this.#progressLeftOut++
      return this.#nextLsn - 1
    }
    if (this.#room() < most) this.#rotate(record)
    const segment = this.#current
    if (segment.firstLsn === 0) this.#start(segment)
    const lsn = segment.writer.append(this.#nextLsn, record)
    if (record.kind === 'settle' || record.kind === 'void') segment.lastTerminalLsn = lsn
    segment.lastLsn = lsn
    this.#nextLsn = lsn + 1
    return lsn
  }

  /** Writes what was appended, so that it survives the process. False when the disk is full: it is kept and written by a later flush. */
  flush(): boolean {
    if (this.#failure !== null) return false
    for (const segment of this.#older) if (!this.#write(segment)) return false
    if (!this.#write(this.#current)) return false
    this.#refusal = null
    if (this.#next === null && !this.#creating) this.#prepare()
    return true
  }

  /** Null when the record is durable already; rejects when the journal has failed. */
  whenSynced(lsn: number): Promise<void> | null {
    if (lsn <= this.#syncedLsn) return null
    if (lsn >= this.#nextLsn) throw new RangeError(`LSN ${lsn} was not given yet`)
    if (this.#failure !== null) return Promise.reject(this.#failure)
    if (this.#syncsLeft > 0 && lsn <= this.#syncLsn) return this.#waiters.ride()
    const promise = this.#waiters.wait(lsn)
    this.#requestSync()
    return promise
  }

  /** Starts a sync where none ran lately, so that it is over before anybody waits for it; a busy journal syncs for those who wait. */
  syncSoon(): void {
    if (this.#failure === null && this.#sinceSyncMs() >= idleMs) this.#requestSync()
  }

  /** Every 50 ms: makes durable what nobody waits for, and tries again what the disk refused. */
  tick(): void {
    if (this.#failure !== null || this.#closing !== null) return
    this.flush()
    this.#prepare()
    // Not while dispatches keep the journal synced: one that comes while this sync runs would have to wait for two.
    if (this.#writtenLsn > this.#syncedLsn && this.#sinceSyncMs() >= restMs) this.#requestSync()
  }

  /** Up to where others may read: durable records only. */
  tail(): JournalTail { return this.#tail }

  /** Removes the oldest segments whose ends are applied and which are older than every open hold (`Infinity`: none is open), at the latest by a later call. */
  release(appliedLsn: number, oldestOpenHoldLsn: number): void {
    try {
      this.#retained.release(appliedLsn, oldestOpenHoldLsn, this.#nextLsn - 1, this.#syncedLsn, (name) => this.#options.disk.remove(name))
    } catch (error) {
      this.#problem = asError(error).message
    }
  }

  stats(): JournalStats {
    let bytes = this.#next === null ? 0 : this.#options.segmentBytes
    for (const segment of this.#retained.segments) bytes += segment.bytes
    for (const segment of [...this.#older, this.#current]) if (segment.file !== null) bytes += segment.bytes
    return {
      bytes, segments: this.#retained.segments.length + this.#older.length + (this.#current.file === null ? 0 : 1) + (this.#next === null ? 0 : 1),
      waiting: this.#waiters.count, lastSyncUs: this.#lastSyncUs, maxSyncUs: this.#maxSyncUs, progressLeftOut: this.#progressLeftOut, problem: this.problem,
    }
  }

  /** Makes everything durable and closes the files; `done` gets what prevented it. */
  close(done: (error: Error | null) => void): void {
    if (this.#failure !== null) return done(this.#failure)
    this.#closing = done
    this.#cancelTimer?.()
    if (this.#syncsLeft === 0) this.#closeWhenSynced()
  }

  #room(): number {
    const { written, writer, firstLsn } = this.#current
    return this.#options.segmentBytes - written - writer.length - (firstLsn === 0 ? frameBytes.start : 0)
  }

  /** Room for what is left to say about the open holds and `more` new ones, each with its names, which a new segment lacks. */
  #reserved(more: number): number {
    return (this.#openHolds + more) * (frameBytes.dispatch + frameBytes.progress + frameBytes.terminal + this.#longestNames) + frameBytes.durable
  }

  #emptySegment(name: string, file: JournalFile | null): Segment {
    return { name, bytes: this.#options.segmentBytes, firstLsn: 0, lastLsn: 0, lastTerminalLsn: 0, file, writer: new SegmentWriter(), written: 0, isDirty: false }
  }

  #rotate(record: JournalRecord): void {
    const segment = this.#emptySegment(this.#next?.name ?? '', this.#next?.file ?? null)
    if (this.#current.firstLsn === 0 || segment.writer.most(record) + frameBytes.start > this.#options.segmentBytes) throw new RangeError('a record is longer than a segment')
    this.#older.push(this.#current)
    this.#current = segment
    this.#next = null
  }

  #start(segment: Segment): void {
    segment.firstLsn = this.#nextLsn
    segment.writer.start(this.#nextLsn, this.#follows ?? this.#nextLsn, this.#knownLsn)
    this.#follows = null
    this.#retained.stated(this.#nextLsn++, this.#knownLsn)
  }

  #write(segment: Segment): boolean {
    const { file, writer } = segment
    if (writer.length === 0) return true
    if (file === null) return false
    try {
      file.write(writer.bytes, writer.length, segment.written)
    } catch (error) {
      if (isFull(error)) this.#refusal = asError(error)
      else this.#fail(asError(error))
      return false
    }
    segment.written += writer.length
    segment.isDirty = true
    writer.length = 0
    this.#writtenLsn = segment.lastLsn
    return true
  }

  /** Makes the next segment ahead of its use, at most once a second while the disk refuses. */
  #prepare(): void {
    if (this.#next !== null || this.#creating || this.#closing !== null) return
    const isWanted = this.#current.file === null || this.#room() < Math.max(this.#options.segmentBytes / 2, 2 * this.#reserved(1))
    if (isWanted && this.#options.clock.monotonicUs() >= this.#retryAtUs) this.#create(() => {})
  }

  #create(done: (error: Error | null) => void): void {
    const { disk, clock, segmentBytes } = this.#options
    const name = nameOfSegment(++this.#number)
    this.#creating = true
    disk.create(name, segmentBytes, (error, file) => {
      this.#creating = false
      this.#problem = error?.message ?? null
      if (error !== null) this.#retryAtUs = clock.monotonicUs() + createRetryUs
      else if (this.#closing !== null || this.#failure !== null) file!.close()
      else this.#adopt(name, file!)
      done(error)
    })
  }

  #adopt(name: string, file: JournalFile): void {
    const waiting = this.#older.find((segment) => segment.file === null) ?? (this.#current.file === null ? this.#current : null)
    if (waiting === null) {
      this.#next = { name, file }
    } else {
      waiting.name = name
      waiting.file = file
    }
  }

  #sinceSyncMs = (): number => (this.#options.clock.monotonicUs() - this.#syncStartUs) / 1000

  /** One sync at a time, and the more waited for the last one the later after its start, up to `syncIntervalMs`: few don't wait for company. */
  #requestSync(): void {
    if (this.#syncsLeft > 0 || this.#cancelTimer !== null || this.#closing !== null) return
    const { after, syncIntervalMs } = this.#options
    const waitMs = Math.min(syncIntervalMs, this.#lastWaiters * waiterMs) - this.#sinceSyncMs()
    if (waitMs <= 0) return this.#startSync()
    this.#cancelTimer = after(waitMs, () => {
      this.#cancelTimer = null
      this.#startSync()
    })
  }

  #startSync(): void {
    this.flush()
    if (this.#failure !== null) return
    const dirty = this.#older.filter(({ isDirty }) => isDirty)
    if (this.#current.isDirty) dirty.push(this.#current)
    const last = dirty.at(-1)
    if (last === undefined) return
    this.#syncStartUs = this.#options.clock.monotonicUs()
    this.#syncLsn = this.#writtenLsn
    this.#syncTail = { segment: last.name, offset: last.written, lsn: this.#syncLsn }
    this.#lastWaiters = this.#waiters.count
    this.#waiters.depart(this.#syncLsn)
    // Records of a segment count as durable with those of all before it.
    this.#syncsLeft = dirty.length
    for (const segment of dirty) {
      segment.isDirty = false
      segment.file!.sync((error) => this.#syncEnded(error))
    }
  }

  #syncEnded(error: Error | null): void {
    if (this.#failure !== null) return
    if (error !== null) return this.#fail(error)
    if (--this.#syncsLeft > 0) return
    this.#lastSyncUs = this.#options.clock.monotonicUs() - this.#syncStartUs
    this.#maxSyncUs = Math.max(this.#maxSyncUs, this.#lastSyncUs)
    this.#syncedLsn = this.#knownLsn = this.#syncLsn
    this.#tail = this.#syncTail
    this.#retained.synced(this.#syncedLsn)
    if (this.#older.length > 0) this.#retire()
    this.#waiters.arrive()
    if (this.#closing !== null) this.#closeWhenSynced()
    else if (this.#waiters.areNext) this.#requestSync()
  }

  #retire(): void {
    while (this.#older[0]?.isDirty === false && this.#older[0].writer.length === 0) {
      const { file, name, bytes, firstLsn, lastLsn, lastTerminalLsn } = this.#older.shift()!
      file!.close()
      this.#retained.segments.push({ name, bytes, firstLsn, lastLsn, lastTerminalLsn })
    }
    // With this on the disk, an older segment that can't be read is damaged and not just lost with what was never synced.
    if (this.#older.length > 0 || this.#current.firstLsn === 0 || this.#room() < frameBytes.durable) return
    this.#current.lastLsn = this.#nextLsn++
    this.#current.writer.durable(this.#current.lastLsn, this.#knownLsn)
    this.#retained.stated(this.#current.lastLsn, this.#knownLsn)
  }

  #closeWhenSynced(): void {
    this.flush()
    if (this.#failure !== null) return
    if (this.#writtenLsn > this.#syncedLsn) return this.#startSync()
    const isLost = this.#current.writer.length > 0 || this.#older.length > 0
    for (const segment of [...this.#older, this.#current]) {
      segment.file?.close()
      segment.file = null
    }
    this.#next?.file.close()
    this.#next = null
    this.#closing?.(isLost ? this.#refusal ?? new Error(this.#problem ?? 'the journal has no segment') : null)
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#cancelTimer?.()
    this.#waiters.fail(error)
    this.#options.onFatal(error)
    this.#closing?.(error)
  }
}
