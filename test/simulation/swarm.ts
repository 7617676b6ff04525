/** What one seed is about: which faults it knows and how often, who asks, under which budgets and limits. Each seed leaves most faults out, so that the others meet undisturbed. */
import type { Budget, RateLimit } from '../../src/gateway/snapshot.ts'
import { noRateLimit } from '../../src/gateway/snapshot.ts'
import type { Dice } from './dice.ts'
import { rulesOf, type RulePlan } from './entities.ts'

export const vendorFaults = [
  'connectFails', 'sendFails', 'errorStatus', 'silent', 'inBandError', 'truncated', 'reset', 'stall', 'noUsage', 'absurdUsage', 'lateUsage', 'noDone', 'staysOpen', 'exceedsLimit',
] as const
export type VendorFault = (typeof vendorFaults)[number]

export interface Faults {
  /** Chance per request. */
  vendor: Record<VendorFault, number>
  disk: { syncMs: number; syncError: number; fullWindows: number }
  process: { kills: number; stops: number; powerLoss: boolean }
  store: { outages: number; crashes: number; losesTail: boolean; commitUnheard: number }
  clients: { leave: number; slow: number; repeat: number }
  clock: { steps: number }
  admin: { changes: number; revokes: number }
}

export interface KeyPlan { id: string; org: string; budget: Budget | null; rateLimit: RateLimit; includeCost: boolean }
export interface OrgPlan { id: string; timeZone: string; budget: Budget | null; rateLimit: RateLimit }

export interface Swarm {
  faults: Faults
  orgs: OrgPlan[]
  keys: KeyPlan[]
  /** Budgets of everything else. */
  rules: RulePlan[]
  calls: number
  /** Nothing happens to an answer, whatever happens around it: no cost is an estimate. */
  isExact: boolean
  /** All calls begin within. */
  spanUs: number
  segmentBytes: number
  /** Of a transaction. */
  databaseUs: number
  holdTokens: number
  holdMs: number
  /** How long deployments are known to take where policies hedge; null: none does. */
  hedgesAfterMs: number | null
}

/** Dishonest vendors are apart: budgets that are not strict can't be exact with them. */
export function swarm(dice: Dice): Swarm {
  const isOn = (share: number): boolean => dice.chance(share)
  const isExact = isOn(0.3)
  const vendor = Object.fromEntries(vendorFaults.map((fault) => [fault, !isExact && isOn(0.35) ? dice.pick([0.05, 0.15, 0.4]) : 0])) as Faults['vendor']
  vendor.exceedsLimit = isOn(0.08) ? 0.3 : 0
  const faults: Faults = {
    vendor,
    disk: { syncMs: isOn(0.2) ? 60 : 3, syncError: isOn(0.12) ? 0.02 : 0, fullWindows: isOn(0.2) ? dice.int(1, 2) : 0 },
    process: { kills: !isExact && isOn(0.5) ? dice.int(1, 3) : 0, stops: isOn(0.2) ? 1 : 0, powerLoss: isOn(0.5) },
    store: { outages: isOn(0.3) ? dice.int(1, 3) : 0, crashes: isOn(0.3) ? dice.int(1, 3) : 0, losesTail: isOn(0.5), commitUnheard: isOn(0.3) ? 0.2 : 0 },
    clients: { leave: !isExact && isOn(0.5) ? dice.pick([0.1, 0.4]) : 0, slow: isOn(0.4) ? 0.3 : 0, repeat: isOn(0.4) ? 0.5 : 0 },
    clock: { steps: isOn(0.2) ? dice.int(1, 3) : 0 },
    admin: { changes: isOn(0.25) ? dice.int(1, 6) : 0, revokes: isOn(0.1) ? 1 : 0 },
  }
  const orgs = ['org_a', 'org_b'].slice(0, dice.int(1, 2)).map((id): OrgPlan => ({
    id, timeZone: dice.pick(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns']), budget: isOn(0.5) ? budgetOf(dice, 8) : null, rateLimit: isOn(0.1) ? rateLimitOf(dice) : noRateLimit,
  }))
  const keys = Array.from({ length: dice.int(1, 4) }, (_, index): KeyPlan => ({
    id: `key_${index}`, org: dice.pick(orgs).id, budget: isOn(0.75) ? budgetOf(dice, 1) : null, rateLimit: isOn(0.15) ? rateLimitOf(dice) : noRateLimit, includeCost: isOn(0.1),
  }))
  const drawn = {
    faults, orgs, keys, isExact, calls: dice.int(15, 60), spanUs: dice.pick([2_000_000, 10_000_000, 20_000_000]), segmentBytes: dice.pick([32_768, 32_768, 65_536]), databaseUs: dice.pick([2_000, 20_000, 200_000]),
    holdTokens: isOn(0.2) ? 20 : 0, holdMs: isOn(0.2) ? 300 : 0,
  }
  const rules = isOn(0.6) ? rulesOf(dice, orgs.map(({ id }) => id), keys) : []
  return { ...drawn, rules, hedgesAfterMs: !isExact && isOn(0.6) ? dice.pick([20, 60, 200]) : null }
}

/** From a few calls to all of them. */
export function budgetOf(dice: Dice, times: number): Budget {
  const limitNano = Math.floor(times * 1_000_000 * 2 ** (dice.unit() * 11))
  return { limitNano, period: dice.pick(['hour', 'day', 'hour', 'week', 'month', 'year', 'total']), mode: dice.pick(['strict', 'strict', 'standard', 'standard', 'soft']) }
}

function rateLimitOf(dice: Dice): RateLimit {
  return {
    rpm: dice.chance(0.5) ? dice.int(3, 30) : null, tpm: dice.chance(0.3) ? dice.int(2_000, 50_000) : null,
    concurrency: dice.chance(0.5) ? dice.int(1, 5) : null, spendNano: dice.chance(0.3) ? dice.int(1_000_000, 100_000_000) : null,
  }
}
