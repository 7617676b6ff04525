/**
 * The accounts of the budgets that are in use, found by entity and instant, and opened on their first use. A budget that was
 * added, changed or moved to another zone gets a new account, which counts what its period has already cost and what is held.
 */
import { periodEnd, periodStart } from '../governance/periods.ts'
import { Account, type Ancestor } from './account.ts'
import type { Authority, Balance } from './authority.ts'

interface Known {
  /** Newest first; older ones are kept while something is held in them, or the clock may step back into them. */
  accounts: Account[]
  /** Period and zone that all its charges pass since `ruleSinceMs`; empty: no budget. */
  rule: string
  ruleSinceMs: number
}

/** Of a clock that steps back, and of accounts whose period is over. */
const keptAfterMs = 3_600_000

export interface AccountsOptions {
  authority: Authority
  /** What is settled here beyond an applied LSN. */
  settledAfter(account: Account, lsn: number): number
  /** Adds the holds that are open in the account's period to it. */
  attachHolds(account: Account): void
}

export class Accounts {
  readonly #known = new Map<string, Known>()
  readonly #options: AccountsOptions
  /** Accounts that wait for the authority. */
  opening = 0

  constructor(options: AccountsOptions) {
    this.#options = options
  }

  /** The account of an ancestor's budget at an instant, as the budget stands now. It may still have to be opened. */
  at({ entity, name, budget, timeZone }: Ancestor, nowMs: number): Account | null {
    const known = this.#known.get(entity)
    if (budget === null) {
      if (known && known.rule !== '') this.#turn(known, '', nowMs)
      return null
    }
    let account = known?.accounts[0]
    if (!account || account.period !== budget.period || account.timeZone !== timeZone || !account.covers(nowMs)) account = this.#find(entity, budget.period, timeZone, nowMs)
    account.name = name
    account.limitNano = budget.limitNano
    account.mode = budget.mode
    return account
  }

  /** Resolves once the account is open. Rejects when the authority can't say what is settled; the next call asks again. */
  async open(account: Account): Promise<void> {
    if (account.isOpen) return
    this.opening++
    try {
      this.#opened(account, await this.#options.authority.open(account))
    } finally {
      this.opening--
    }
  }

  /** All that are kept. */
  *all(): Generator<Account> {
    for (const { accounts } of this.#known.values()) yield* accounts
  }

  /** Forgets accounts whose period is over and that hold nothing. */
  sweep(nowMs: number): void {
    for (const known of this.#known.values()) {
      known.accounts = known.accounts.filter((account, index) => index === 0 || account.heldNano > 0 || nowMs < account.endMs + keptAfterMs)
    }
  }

  #find(entity: string, period: Account['period'], timeZone: string, nowMs: number): Account {
    const rule = `${period} ${timeZone}`
    let known = this.#known.get(entity)
    if (!known) this.#known.set(entity, (known = { accounts: [], rule, ruleSinceMs: nowMs }))
    if (known.rule !== rule) this.#turn(known, rule, nowMs)
    const found = known.accounts.find((account) => account.period === period && account.timeZone === timeZone && account.covers(nowMs))
    if (found) {
      known.accounts = [found, ...known.accounts.filter((account) => account !== found)]
      return found
    }
    const account = new Account(entity, period, timeZone, periodStart(period, nowMs, timeZone), periodEnd(period, nowMs, timeZone))
    known.accounts.unshift(account)
    // The whole period ran here under this rule: nothing can be settled in it that is not in memory.
    if (known.ruleSinceMs < account.startMs) this.#opened(account, { nano: 0, lsn: 0 })
    return account
  }

  /** The rule changed: what is charged from now on passes other accounts by, so those must be opened anew if they come back. */
  #turn(known: Known, rule: string, nowMs: number): void {
    known.rule = rule
    known.ruleSinceMs = nowMs
    for (const account of known.accounts) account.isOpen = false
  }

  /** In one step, so that no settlement comes between the authority's answer and what is added to it. */
  #opened(account: Account, { nano, lsn }: Balance): void {
    if (account.isOpen) return
    account.isOpen = true
    account.settledNano = nano + this.#options.settledAfter(account, lsn)
    account.heldNano = 0
    this.#options.attachHolds(account)
  }
}
