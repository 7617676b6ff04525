/**
 * A budget in one of its periods, as this process sees it: what is settled, what is held, and how much of the limit this process
 * may use. Amounts never go below zero and a hold leaves no trace when it ends.
 */
import type { Budget, BudgetPeriod } from '../gateway/snapshot.ts'

/** One node above a request: the organisation, the key, later team, project and user. All are treated alike. */
export interface Ancestor {
  /** `org:<id>`, `key:<id>`: what balances are kept under. */
  readonly entity: string
  /** As a person knows it: `Key ci-bot`. */
  readonly name: string
  readonly budget: Budget | null
  /** Of the budget. The newest that was seen holds, also for requests that were admitted by an older one and try again. */
  readonly version: number
  /** IANA zone in which the budget's periods are counted. */
  readonly timeZone: string
  /** Of the zone, likewise. */
  readonly zoneVersion: number
}

export class Account {
  readonly entity: string
  readonly period: BudgetPeriod
  readonly timeZone: string
  /** `[startMs, endMs)`; a total budget never ends. */
  readonly startMs: number
  readonly endMs: number
  name = ''
  limitNano = 0
  /** `soft` also once another rule, or none, has taken the place of this one: it then only counts. */
  mode: Budget['mode'] = 'standard'
  settledNano = 0
  heldNano = 0
  /** False until the authority said what is settled. Nothing is admitted before. */
  isOpen = false

  constructor(entity: string, period: BudgetPeriod, timeZone: string, startMs: number, endMs: number) {
    this.entity = entity
    this.period = period
    this.timeZone = timeZone
    this.startMs = startMs
    this.endMs = endMs
  }

  get takenNano(): number {
    return this.settledNano + this.heldNano
  }

  covers(atMs: number): boolean {
    return atMs >= this.startMs && atMs < this.endMs
  }
}
