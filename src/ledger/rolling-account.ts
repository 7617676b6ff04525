/**
 * A budget over the last n hours, as this process sees it: what was taken in each quarter of an hour, read once when it is opened and
 * counted from then on. In no n hours, wherever they begin, is more settled and held than the limit: a charge has room only if each
 * window that it counts in has. It belongs to the quarter in which its hold was taken, as it does in the database.
 */
import { periodStart, quarterMs, quarterOf, rollingHours, type RollingPeriod } from '../governance/periods.ts'
import { Account } from './account.ts'

/** What the database has settled in one quarter; `startMs` is the quarter's first instant. */
export interface QuarterSum { startMs: number; nano: number }

/** Charges may be this much older than the latest instant that was asked about: longer than any attempt runs. For a clock that steps back by more the account is opened anew. */
export const keptQuarters = 24 * 4

export class RollingAccount extends Account {
  /** Quarters are the same everywhere. */
  readonly timeZone = ''
  readonly readFromMs: number
  /** A window counts its newest quarter and so many before it. */
  readonly #length: number
  /** Parallel and ascending: quarters in which anything was taken, what is settled in them, what is settled or held. Those before `#head` are forgotten. */
  #quarters: number[] = []
  #settled: number[] = []
  #taken: number[] = []
  #head = 0
  /** The first of them in the newest window. */
  #first = 0
  /** The newest quarter that was asked about. The window that ends with it is the one that is shown; what a clock that ran ahead has charged counts in it. */
  #newest: number
  #settledNano = 0
  #takenNano = 0

  /** `nowMs`: the present. */
  constructor(entity: string, rule: string, period: RollingPeriod, nowMs: number) {
    super(entity, rule, period)
    this.readFromMs = RollingAccount.readFromMs(period, nowMs)
    this.#length = rollingHours(period) * (3_600_000 / quarterMs)
    this.#newest = quarterOf(nowMs)
  }

  /** In the newest window. */
  get settledNano(): number { return this.#settledNano }
  get heldNano(): number { return this.#takenNano - this.#settledNano }
  get takenNano(): number { return this.#takenNano }

  /** From where on the ledger is asked when the account is opened at this instant. There is no end: a clock that ran ahead may have charged in what is still to come. */
  static readFromMs(period: RollingPeriod, nowMs: number): number {
    return Math.max(0, periodStart(period, nowMs, 'UTC') - keptQuarters * quarterMs)
  }

  /** First instant that charges may have. What is older can't be judged any more. */
  get startMs(): number {
    return (this.#newest - keptQuarters) * quarterMs
  }

  readonly endMs = Infinity

  covers(atMs: number): boolean {
    return atMs >= this.startMs
  }

  /** What no window holds any more it passes over by itself. */
  counts(): boolean {
    return true
  }

  /** With what the database said, of which anything beyond the present was charged by a clock that ran ahead. Holds and what was not applied are then charged like new ones. */
  open(sums: Iterable<QuarterSum>): void {
    for (const { startMs, nano } of sums) this.settle(0, nano, startMs)
  }

  /** The most that any window has taken which counts a charge at this instant; Infinity where that isn't known any more. */
  takenNanoAt(atMs: number): number {
    const quarter = quarterOf(atMs)
    this.advance(atMs)
    if (quarter === this.#newest && !(this.#quarters.at(-1)! > quarter)) return this.#takenNano
    return this.covers(atMs) ? this.#most(quarter, this.#taken, this.#takenNano) : Infinity
  }

  /** The most that any window has settled which counts a charge at this instant, also where the present has left it behind. */
  settledNanoAt(atMs: number): number {
    const quarter = quarterOf(atMs)
    if (quarter === this.#newest && !(this.#quarters.at(-1)! > quarter)) return this.#settledNano
    return this.covers(atMs) ? this.#most(quarter, this.#settled, this.#settledNano) : 0
  }

  /** Time has passed: quarters leave the window that is shown, and those that no window holds any more are forgotten. */
  advance(nowMs: number): void {
    const quarter = quarterOf(nowMs)
    if (quarter > this.#newest) this.#advance(quarter)
  }

  /** Reserves, or reserves more for a hold of that instant. */
  hold(nano: number, heldAtMs: number): void {
    this.#charge(quarterOf(heldAtMs), 0, nano)
  }

  /** Ends a hold of that instant. */
  settle(heldNano: number, settledNano: number, heldAtMs: number): void {
    this.#charge(quarterOf(heldAtMs), settledNano, settledNano - heldNano)
  }

  /** When an amount fits if nothing else is taken or given back; `nowMs` where it does now, Infinity where it never does. */
  fitsAtMs(nano: number, nowMs: number): number {
    if (nano > this.limitNano) return Infinity
    const now = quarterOf(nowMs)
    if (this.takenNanoAt(nowMs) + nano <= this.limitNano) return nowMs
    // Amounts leave the newest window in their order; a clock that stepped back has older windows, which are judged when it comes to them.
    let taken = this.#takenNano
    for (let i = this.#first; i < this.#quarters.length; i++) {
      taken -= this.#taken[i]!
      if (taken + nano <= this.limitNano) return Math.max(now + 1, this.#quarters[i]! + this.#length + 1) * quarterMs
    }
    return Infinity
  }

  #charge(quarter: number, settledNano: number, takenNano: number): void {
    const at = this.#place(quarter)
    // Its windows are all forgotten; the database has the entry.
    if (at < 0) return
    this.#settled[at]! += settledNano
    this.#taken[at]! += takenNano
    if (at < this.#first) return
    this.#settledNano += settledNano
    this.#takenNano += takenNano
  }

  /** Where a quarter stands, making room for it; -1 where it is forgotten. */
  #place(quarter: number): number {
    if (quarter < this.#oldest()) return -1
    let at = this.#quarters.length
    while (at > this.#head && this.#quarters[at - 1]! >= quarter) at--
    if (this.#quarters[at] === quarter) return at
    this.#quarters.splice(at, 0, quarter)
    this.#settled.splice(at, 0, 0)
    this.#taken.splice(at, 0, 0)
    if (quarter < this.#newest - this.#length) this.#first++
    return at
  }

  /** Windows of the oldest charge that may still be judged reach so far back. */
  #oldest(): number {
    return this.#newest - keptQuarters - this.#length
  }

  #advance(quarter: number): void {
    this.#newest = quarter
    const leaves = quarter - this.#length
    const isExact = this.#takenNano <= Number.MAX_SAFE_INTEGER
    for (; this.#first < this.#quarters.length && this.#quarters[this.#first]! < leaves; this.#first++) {
      this.#settledNano -= this.#settled[this.#first]!
      this.#takenNano -= this.#taken[this.#first]!
    }
    if (!isExact) this.#sumAgain()
    const oldest = this.#oldest()
    while (this.#head < this.#first && this.#quarters[this.#head]! < oldest) this.#head++
    // Each is moved once for every 64 that are forgotten, or less.
    if (this.#head >= 64 && this.#head * 2 >= this.#quarters.length) this.#compact()
  }

  /** A sum beyond 2^53 has lost its last digits; it must not take them with it when it shrinks. */
  #sumAgain(): void {
    this.#settledNano = 0
    this.#takenNano = 0
    for (let i = this.#first; i < this.#quarters.length; i++) {
      this.#settledNano += this.#settled[i]!
      this.#takenNano += this.#taken[i]!
    }
  }

  #compact(): void {
    this.#quarters = this.#quarters.slice(this.#head)
    this.#settled = this.#settled.slice(this.#head)
    this.#taken = this.#taken.slice(this.#head)
    this.#first -= this.#head
    this.#head = 0
  }

  /**
   * Of the windows that end with `quarter` or later and count it; `newest`: what the newest has. A window has most where it ends with a
   * quarter that was charged, so only those are looked at, from the newest back: one or two while a clock runs on.
   */
  #most(quarter: number, amounts: readonly number[], newest: number): number {
    let most = 0
    let last = this.#quarters.length - 1
    // From the window that is shown, unless a clock that ran ahead has charged beyond it.
    const isKnown = newest <= Number.MAX_SAFE_INTEGER && !(this.#quarters[last]! > this.#newest)
    let sum = isKnown ? newest : 0
    let first = isKnown ? this.#first : this.#quarters.length
    for (;;) {
      const end = last >= this.#head && this.#quarters[last]! > quarter ? this.#quarters[last]! : quarter
      while (first > this.#head && this.#quarters[first - 1]! >= end - this.#length) sum += amounts[--first]!
      if (end - this.#length <= quarter) most = Math.max(most, sum)
      if (end === quarter) return most
      sum -= amounts[last--]!
    }
  }
}
