/** One attempt's claim on the budgets above it: from before its dispatch until it is settled or voided, once. */
import { noUsage, type Usage } from '../catalog/price.ts'
import type { Failure } from '../errors.ts'
import type { Account } from './account.ts'
import type { Bound } from './bound.ts'
import type { HoldMode, HoldRecord, TerminalOutcome } from './records.ts'

/** What the ledger does for a hold. */
export interface HoldKeeper {
  dispatch(hold: Hold): Promise<void> | null
  isWritten(lsn: number): boolean
  whenDurable(hold: Hold): Promise<void> | null
  deliver(hold: Hold, outputTokens: number, costNano: number, wantedNano: number): Failure | null
  end(hold: Hold, end: HoldEnd): void
  write(hold: Hold): void
  whenWritten(hold: Hold): Promise<void> | null
}

/** How an attempt ended, in money. */
export interface HoldEnd {
  kind: 'settle' | 'void'
  tenantNano: number
  overheadNano: number
  outcome: TerminalOutcome
  flags: number
  usage: Usage
}

export class Hold {
  /** Place in the ledger's roster of open holds. */
  rosterIndex = -1
  readonly lsn: number
  readonly record: HoldRecord
  readonly bound: Bound
  readonly accounts: Account[]
  readonly #keeper: HoldKeeper
  /** What is reserved now. */
  amountNano: number
  /** The most that was told to be delivered. */
  deliveredNano = 0
  dispatchLsn = 0
  /** It reached a socket: from here on the vendor may bill. */
  isSent = false
  endLsn = 0
  /** Monotonic µs: a set clock makes no hold old. */
  readonly sinceUs: number
  isOpen = true

  constructor(keeper: HoldKeeper, lsn: number, record: HoldRecord, bound: Bound, accounts: Account[], sinceUs: number) {
    this.#keeper = keeper
    this.lsn = lsn
    this.record = record
    this.bound = bound
    this.accounts = accounts
    this.amountNano = record.holdNano
    this.sinceUs = sinceUs
  }

  get mode(): HoldMode {
    return this.record.mode
  }

  /** Says that the request may reach a socket from now on. The promise is of the write that others, which are dispatched at this moment, share; null: it is written. */
  dispatch(): Promise<void> | null {
    return this.#keeper.dispatch(this)
  }

  /** Whether that survives the process. Where not, the request must not be sent. */
  get isDispatched(): boolean {
    return this.dispatchLsn > 0 && this.#keeper.isWritten(this.dispatchLsn)
  }

  /** Whether its end survives the process. */
  get isEndWritten(): boolean {
    return !this.isOpen && this.#keeper.isWritten(this.endLsn)
  }

  /** Null once the dispatch survives the machine; nothing may be said to the client before. */
  whenDurable(): Promise<void> | null {
    return this.#keeper.whenDurable(this)
  }

  /** Tells what was delivered so far and asks for `wantedNano` to be reserved in all. A refusal ends the stream. */
  deliver(outputTokens: number, costNano: number, wantedNano: number): Failure | null {
    return this.isOpen ? this.#keeper.deliver(this, outputTokens, costNano, wantedNano) : null
  }

  /** Makes the end survive the process, now: the next thing that happens is that the client sees it. */
  write(): void {
    this.#keeper.write(this)
  }

  /** The same with others that end at this moment; null: it is tried already. A full disk refuses it: `isEndWritten`. */
  whenWritten(): Promise<void> | null {
    return this.#keeper.whenWritten(this)
  }

  /** Ends a hold whose attempt was never begun. */
  void(): void {
    this.end({ kind: 'void', tenantNano: 0, overheadNano: 0, outcome: 'cancelled', flags: 0, usage: noUsage() })
  }

  /** Ends the hold; a second call changes nothing. */
  end(end: HoldEnd): void {
    if (this.isOpen) this.#keeper.end(this, end)
  }
}
