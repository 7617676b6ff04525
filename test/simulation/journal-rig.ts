/** A journal on a faulty disk in virtual time, through any number of crashes. */
import { SegmentReader } from '../../src/ledger/segment-reader.ts'
import { Journal, type JournalOptions } from '../../src/ledger/journal.ts'
import type { Logged } from '../../src/ledger/records.ts'
import type { Recovered } from '../../src/ledger/recovery.ts'
import { Dice } from './dice.ts'
import { FaultyDisk, type DiskFaults } from './faulty-disk.ts'
import { Scheduler, type Owner } from './scheduler.ts'

export class JournalRig {
  readonly dice: Dice
  readonly scheduler: Scheduler
  readonly disk: FaultyDisk
  /** What `onFatal` got, over all processes. */
  readonly fatal: Error[] = []
  readonly #options: Partial<JournalOptions>
  #process: Owner = { alive: true }
  journal!: Journal

  constructor(seed: number, faults: Partial<DiskFaults> = {}, options: Partial<JournalOptions> = {}) {
    this.dice = new Dice(seed)
    this.scheduler = new Scheduler(this.dice.fork())
    this.#options = { segmentBytes: 4_096, ...options }
    const random = this.dice.fork()
    this.disk = new FaultyDisk({ random: () => random.unit(), after: this.scheduler.afterOf(this.scheduler.world), faults })
    this.scheduler.every(1_000_000, this.scheduler.world, 'heartbeat', () => {})
  }

  /** Starts a process. */
  async open(): Promise<Recovered> {
    this.#process = { alive: true }
    const opening = Journal.open({
      disk: this.disk.boot(), clock: this.scheduler.clock, after: this.scheduler.afterOf(this.#process), onFatal: (error) => void this.fatal.push(error), ...this.#options,
    })
    const { journal, recovered } = await this.until(opening)
    this.journal = journal
    return recovered
  }

  crash(power: boolean): void {
    this.#process.alive = false
    this.disk.crash({ power })
  }

  async pass(ms: number): Promise<void> {
    await this.scheduler.run(() => false, ms * 1000)
  }

  /** Time passes with a tick every 50 ms. */
  async passTicking(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      await this.pass(50)
      this.journal.tick()
    }
  }

  async until<T>(promise: Promise<T>): Promise<T> {
    let isPending = true
    const end = (): void => { isPending = false }
    promise.then(end, end)
    await this.scheduler.run(() => !isPending, 60_000_000)
    if (isPending) throw new Error('not settled within a minute')
    return promise
  }

  close(): Promise<Error | null> {
    return this.until(new Promise((resolve) => this.journal.close(resolve)))
  }

  /** All records on the disk, as a reader finds them who takes segment after segment. */
  read(): Logged[] {
    const records: Logged[] = []
    for (const name of this.disk.names()) {
      const reader = new SegmentReader()
      reader.scan(this.disk.bytes(name), (_kind, lsn, at) => void records.push({ lsn, record: reader.record(at) }))
    }
    return records
  }

  /** LSN of the oldest frame on the disk; 0 when there is none. */
  firstLsn(): number {
    for (const name of this.disk.names()) {
      const reader = new SegmentReader()
      reader.scan(this.disk.bytes(name), () => {})
      if (reader.firstLsn > 0) return reader.firstLsn
    }
    return 0
  }
}
