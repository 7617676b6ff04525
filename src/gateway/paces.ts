/**
 * What a dollar of a budget is worth to routing now: spending that runs ahead of its period makes routing look more at cost. Looks at
 * what is settled whenever a decision is made; it bounds nothing, budgets do.
 */
import type { Account } from '../ledger/account.ts'
import { BudgetPace } from '../routing/pacing.ts'

interface Known { pace: BudgetPace; endMs: number; limitNano: number; settledNano: number }

/** Budgets that are followed; beyond that the one that was looked at least recently begins anew. */
const mostFollowed = 10_000

export class Paces {
  readonly #known = new Map<string, Known>()

  /** Quality per nano-dollar, of all budgets that refuse and whose period ends. */
  price(accounts: readonly Account[], nowMs: number): number {
    let sum = 0
    for (const account of accounts) if (account.mode !== 'soft' && account.endMs !== Infinity) sum += this.#look(account, nowMs)
    return sum
  }

  /** The same without following: for a request that is only thought of. */
  peek(accounts: readonly Account[]): number {
    let sum = 0
    for (const { rule, entity, mode, endMs, limitNano } of accounts) {
      const known = this.#known.get(`${rule}\n${entity}`)
      if (mode !== 'soft' && known?.endMs === endMs && known.limitNano === limitNano) sum += known.pace.price
    }
    return sum
  }

  #look({ rule, entity, endMs, limitNano, settledNano }: Account, nowMs: number): number {
    const id = `${rule}\n${entity}`
    const known = this.#known.get(id)
    if (known === undefined || known.endMs !== endMs || known.limitNano !== limitNano) {
      if (known === undefined && this.#known.size >= mostFollowed) for (const first of this.#known.keys()) { this.#known.delete(first); break }
      this.#known.set(id, { pace: new BudgetPace(Math.max(1, limitNano - settledNano), nowMs, endMs), endMs, limitNano, settledNano })
      return 0
    }
    known.pace.charge(Math.max(0, settledNano - known.settledNano), nowMs)
    known.settledNano = settledNano
    return known.pace.price
  }
}
