/**
 * A budget as this process sees it: what is settled, what is held, and how much of the limit this process may use. One of a period that
 * begins and ends is here, one over the last hours in rolling-account.ts. Amounts never go below zero and a hold leaves no trace when it
 * ends.
 */
import type { Budget } from '../gateway/snapshot.ts'
import type { PeriodRule } from '../governance/periods.ts'

/** A budget with any rule of periods; `limitNano` is what is in force now. */
export interface BudgetRule { limitNano: number; period: PeriodRule; mode: Budget['mode'] }

/** One budget above a request. An entity may have several; all are treated alike. */
export interface Ancestor {
  /** Identity of the budget: `bud_…`, or `own:<entity>` for the one that a key or an organisation has as a field. */
  readonly rule: string
  /** What balances are kept under (entities.ts); one of the entities that an attempt is charged to. */
  readonly entity: string
  /** As a person knows it: `Key ci-bot`. */
  readonly name: string
  readonly budget: BudgetRule | null
  /** Of the budget. The newest that was seen holds, also for requests that were admitted by an older one and try again. */
  readonly version: number
  /** IANA zone in which the budget's periods are counted. */
  readonly timeZone: string
  /** Of the zone, likewise. */
  readonly zoneVersion: number
  /** Amounts of spending, ascending, of which `onTaken` is to be told. */
  readonly levels?: readonly number[]
  /** Who can raise it, within a sentence: `a lead of team Research or an admin of ACME`. */
  readonly whom?: string
}

const noLevels: readonly number[] = []

export abstract class Account {
  readonly entity: string
  readonly rule: string
  readonly period: PeriodRule
  /** Of the periods; empty where they need none. */
  abstract readonly timeZone: string
  /** `[startMs, endMs)`: instants that a charge may have. Infinity: it has no end. */
  abstract readonly startMs: number
  abstract readonly endMs: number
  name = ''
  whom = ''
  limitNano = 0
  /** `soft` also once another rule, or none, has taken the place of this one: it then only counts. */
  mode: Budget['mode'] = 'standard'
  /** False until the authority said what is settled. Nothing is admitted before. */
  isOpen = false
  /** Whoever is told of `levels` is told next when so much is settled. */
  noticeNano = Infinity
  #levels = noLevels

  constructor(entity: string, rule: string, period: PeriodRule) {
    this.entity = entity
    this.rule = rule
    this.period = period
  }

  /** Now; of a rolling budget in the window that ends now. */
  abstract readonly settledNano: number
  abstract readonly heldNano: number
  abstract readonly takenNano: number
  /** From where on the ledger is asked when it is opened. */
  abstract readonly readFromMs: number
  /** Whether it admits a charge at this instant. */
  abstract covers(atMs: number): boolean
  /** Whether it has to be told of one. */
  abstract counts(atMs: number): boolean
  /** What stands against a charge at this instant: the most that is settled and held in any window that counts it. */
  abstract takenNanoAt(atMs: number): number
  /** The most that is settled in any span of the budget that counts a charge at this instant. */
  abstract settledNanoAt(atMs: number): number
  /** Reserves, or reserves more for a hold of that instant. */
  abstract hold(nano: number, heldAtMs: number): void
  /** Ends a hold of that instant. */
  abstract settle(heldNano: number, settledNano: number, heldAtMs: number): void
  /** When an amount fits, if nothing else is taken or given back; Infinity: never. */
  abstract fitsAtMs(nano: number, nowMs: number): number

  /** As the budget stands now. */
  become({ name, whom = '', levels = noLevels }: Ancestor, { limitNano, mode }: BudgetRule): void {
    this.name = name
    // What only looks at a budget may not know.
    if (whom !== '') this.whom = whom
    this.limitNano = limitNano
    this.mode = mode
    if (levels.length === 0 && this.#levels.length === 0) return
    const known = this.#levels
    const isNew = levels !== known && (levels.length !== known.length || levels.some((level, index) => level !== known[index]))
    this.#levels = levels
    // A limit that was changed may have put what is settled above a level.
    if (isNew) this.noticeNano = levels[0] ?? Infinity
    // What has left a rolling window may come again.
    else this.noticeNano = Math.min(this.noticeNano, this.#levelAbove())
  }

  /** Whether a level was reached that was not told; it is then taken as told. */
  takeNotice(): boolean {
    if (this.settledNano < this.noticeNano) return false
    this.noticeNano = this.#levelAbove()
    return true
  }

  #levelAbove(): number {
    const { settledNano } = this
    for (const level of this.#levels) if (level > settledNano) return level
    return Infinity
  }
}

/** In one of its periods. */
export class PeriodAccount extends Account {
  readonly timeZone: string
  readonly startMs: number
  readonly endMs: number
  settledNano = 0
  heldNano = 0

  constructor(entity: string, rule: string, period: PeriodRule, timeZone: string, startMs: number, endMs: number) {
    super(entity, rule, period)
    this.timeZone = timeZone
    this.startMs = startMs
    this.endMs = endMs
  }

  get readFromMs(): number {
    return this.startMs
  }

  get takenNano(): number {
    return this.settledNano + this.heldNano
  }

  covers(atMs: number): boolean {
    return atMs >= this.startMs && atMs < this.endMs
  }

  counts(atMs: number): boolean {
    return this.covers(atMs)
  }

  settledNanoAt(): number {
    return this.settledNano
  }

  takenNanoAt(): number {
    return this.settledNano + this.heldNano
  }

  hold(nano: number): void {
    this.heldNano += nano
  }

  settle(heldNano: number, settledNano: number): void {
    this.heldNano -= heldNano
    this.settledNano += settledNano
  }

  fitsAtMs(nano: number, nowMs: number): number {
    return nano > this.limitNano ? Infinity : this.takenNano + nano <= this.limitNano ? nowMs : this.endMs
  }
}
