/**
 * The accounts of the budgets that are in use, found by entity and instant, and opened on their first use. A budget that was
 * added, changed or moved to another zone gets a new account, which counts what its period has already cost and what is held.
 */
import { periodEnd, periodStart } from '../governance/periods.ts'
import { Account, type Ancestor } from './account.ts'
import type { Authority, Balance } from './authority.ts'

interface Known {
  /** The one that admits now comes first. Others go on counting what is charged in their periods, so that they are right when their rule comes back. */
  accounts: Account[]
  newest: Ancestor
  newestZone: Ancestor
  /** No charge was later than this instant. */
  seenMs: number
  /** Sweeps since it was last asked for. */
  idleSweeps: number
}

/** For holds that were taken in it, and a clock that steps back. */
const keptAfterMs = 3_600_000
/** Minutes, longer than any request runs: one that was admitted by an older budget and tries again must find the newest. */
export const keptSweeps = 7 * 24 * 60

export interface AccountsOptions {
  authority: Authority
  /** What is settled here beyond an applied LSN. */
  settledAfter(account: Account, lsn: number): number
  /** Adds the holds that are open in the account's period to it. */
  attachHolds(account: Account): void
}

export class Accounts {
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<Account, Promise<void>>()
  readonly #options: AccountsOptions
  /** The latest instant of any charge: a clock may step back. */
  #latestMs = 0

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  /** Accounts that wait for the authority. */
  get opening(): number { return this.#asking.size }

  /** The account of an ancestor's budget at an instant, as the newest budget stands. It may still have to be opened. */
  at(ancestor: Ancestor, nowMs: number): Account | null {
    let known = this.#known.get(ancestor.entity)
    if (!known) {
      if (ancestor.budget === null) return null
      this.#known.set(ancestor.entity, (known = { accounts: [], newest: ancestor, newestZone: ancestor, seenMs: Math.max(this.#latestMs, nowMs), idleSweeps: 0 }))
    }
    known.idleSweeps = 0
    if (ancestor.version >= known.newest.version) known.newest = ancestor
    if (ancestor.zoneVersion >= known.newestZone.zoneVersion) known.newestZone = ancestor
    const { newest: { name, budget }, newestZone: { timeZone } } = known
    if (budget === null) {
      for (const account of known.accounts) account.mode = 'soft'
      return null
    }
    let account = known.accounts[0]
    if (!account || account.period !== budget.period || account.timeZone !== timeZone || !account.covers(nowMs)) account = this.#find(known, budget.period, nowMs)
    account.name = name
    account.limitNano = budget.limitNano
    account.mode = budget.mode
    return account
  }

  /** Resolves once the account is open. Rejects when the authority can't say what is settled; the next call asks again. */
  open(account: Account): Promise<void> | null {
    if (account.isOpen) return null
    let asking = this.#asking.get(account)
    if (!asking) this.#asking.set(account, (asking = this.#ask(account).finally(() => this.#asking.delete(account))))
    return asking
  }

  /** Adds to `accounts` all of an entity that a charge at this instant counts in. Those that are being opened find it in the ledger. */
  charged(entity: string, atMs: number, accounts: Account[]): void {
    this.charges(atMs)
    const known = this.#known.get(entity)
    if (!known) return
    known.seenMs = Math.max(known.seenMs, atMs)
    for (const account of known.accounts) if (account.isOpen && account.covers(atMs)) accounts.push(account)
  }

  /** There is a charge at this instant. */
  charges(atMs: number): void {
    this.#latestMs = Math.max(this.#latestMs, atMs)
  }

  /** All that are kept. */
  *all(): Generator<Account> {
    for (const { accounts } of this.#known.values()) yield* accounts
  }

  /** Once a minute: forgets accounts whose period is over and that hold nothing, and an entity that nobody uses with its last one. What an account that is being opened holds is not known yet. */
  sweep(nowMs: number): void {
    const isOver = (account: Account): boolean => account.heldNano === 0 && !this.#asking.has(account) && nowMs >= account.endMs + keptAfterMs
    for (const [entity, known] of this.#known) {
      known.accounts = known.accounts.filter((account, index) => index === 0 || !isOver(account))
      if (++known.idleSweeps > keptSweeps && known.accounts.every(isOver)) this.#known.delete(entity)
    }
  }

  #find(known: Known, period: Account['period'], nowMs: number): Account {
    const { entity, timeZone } = known.newestZone
    const isOfRule = (account: Account): boolean => account.period === period && account.timeZone === timeZone
    let account = known.accounts.find((each) => isOfRule(each) && each.covers(nowMs))
    const others = known.accounts.filter((each) => each !== account)
    for (const other of others) if (!isOfRule(other)) other.mode = 'soft'
    if (!account) {
      account = new Account(entity, period, timeZone, periodStart(period, nowMs, timeZone), periodEnd(period, nowMs, timeZone))
      // It begins after every charge.
      if (known.seenMs < account.startMs) this.#opened(account, { nano: 0, lsn: 0 })
    }
    known.accounts = [account, ...others]
    return account
  }

  async #ask(account: Account): Promise<void> {
    this.#opened(account, await this.#options.authority.open(account))
  }

  /** In one step, so that no settlement comes between the authority's answer and what is added to it. */
  #opened(account: Account, { nano, lsn }: Balance): void {
    account.isOpen = true
    account.settledNano = nano + this.#options.settledAfter(account, lsn)
    this.#options.attachHolds(account)
  }
}
