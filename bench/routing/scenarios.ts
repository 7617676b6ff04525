/** What happens to a router in time: ceilings, newcomers, outages, price cuts, models that silently become worse. One run per seed; figures, no judgements. */
import type { ArmFacts } from '../../src/routing/arm.ts'
import { reasons } from '../../src/routing/constraints.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { shuffled } from '../../src/routing/evaluate/runs.ts'
import { BudgetPace } from '../../src/routing/pacing.ts'
import { builtInPolicies, type Policy } from '../../src/routing/policy.ts'
import { evidenceOf } from '../../src/routing/signals.ts'
import { seeded } from '../../src/simulated/random.ts'
import { outcome, Routed, stream, type World } from './world.ts'

const { balanced, best } = builtInPolicies
const nano = 1e9

/** So much quality for the usual cost of a request, and less, changes no choice worth mentioning. */
const noticeable = 0.01

/** Spend of a period as a share of its ceiling. Requests come at random times; the ceiling is a share of what the policy would spend without one. `isBinding`: at its end money was still rationed. `learns`: false: what it wants stays the same throughout, so that what is measured is how money is rationed. */
export function ceiling(world: World, share: number, requests: number, seed: number, learns = true): { spent: number; quality: number; isBinding: boolean } {
  const rows = stream(world, requests, seed)
  const periodMs = requests * 1_000
  const limitNano = share * free(world, rows, seed, learns) * nano
  const pace = new BudgetPace(limitNano, 0, periodMs)
  const routed = warm(new Routed(world, best, seed), world, seed)
  const random = seeded(seed + 1)
  let quality = 0
  let spent = 0
  let rationed = 0
  rows.forEach((row, at) => {
    const nowMs = (at + random()) * 1_000
    if (at >= requests * 0.8 && (pace.price * spent) / at > noticeable) rationed++
    const { record } = routed.ask(row, { price: pace.price * nano, nowMs, outside: tooDear(routed, row, pace.leftNano) })
    const found = outcome(world, row, world.matrix.models.indexOf(record.chosen))
    // What is left bounds the bill: the hold of the gateway does that.
    if (found.usd * nano > pace.leftNano) return
    pace.charge(found.usd * nano, nowMs)
    spent += found.usd * nano
    quality += found.quality / requests
    if (learns) routed.tell(row, record.chosen, found.quality, found.tokens)
  })
  return { spent: spent / limitNano, quality, isBinding: rationed > requests * 0.1 }
}

/** Dollars without a ceiling. */
function free(world: World, rows: readonly number[], seed: number, learns: boolean): number {
  const routed = warm(new Routed(world, best, seed), world, seed)
  return rows.reduce((sum, row) => {
    const { record } = routed.ask(row)
    const { quality, usd, tokens } = outcome(world, row, world.matrix.models.indexOf(record.chosen))
    if (learns) routed.tell(row, record.chosen, quality, tokens)
    return sum + usd
  }, 0)
}

/** Arms that surely cost more than is left; when all do, the cheapest may try. */
function tooDear({ router, world }: Routed, row: number, leftNano: number): Uint32Array | null {
  const chars = world.matrix.rows[row]!.prompt.length
  const least = router.arms.map(({ facts }) => ((facts.prices?.input ?? 0) * chars) / 4 / 1e6)
  const cheapest = Math.min(...least)
  return least.some((cost) => cost > leftNano) ? Uint32Array.from(least, (cost) => (cost > leftNano && cost > cheapest ? reasons.budget : 0)) : null
}

/** Outcomes of every arm on rows of the build part, as a feedback history would be. */
export function warm(routed: Routed, world: World, seed: number, labels = 400): Routed {
  for (const row of shuffled(world.matrix.build, seeded(seed + 77)).slice(0, labels)) world.matrix.models.forEach((model, at) => {
    const { quality, tokens } = outcome(world, row, at)
    routed.tell(row, model, quality, tokens)
  })
  return routed
}

export interface Newcomer { share: number; lateShare: number; late: number; before: number; requestsToHalf: number; explored: number }
const newcomerId = 'newcomer'

/**
 * A newcomer that is the most used model at half the price, and solves `better` of what that one fails, or fails `worse` of what it
 * solves. `share`: of the requests that went to one of the two, those of requests 400 to 500; `lateShare`: the same of requests 500 to 1,000, `late`: of all of those; `before`: the share of all that the most used one had before it came.
 */
export function newcomer(world: World, { better = 0, worse = 0 }: { better?: number; worse?: number }, seed: number): Newcomer {
  const routed = warm(new Routed(world, balanced, seed), world, seed)
  const rows = stream(world, 1_300, seed)
  const used = new Map<string, number>()
  const random = seeded(seed + 9)
  const play = (row: number): string => {
    const { record } = routed.ask(row)
    const isNew = record.chosen === newcomerId
    const model = world.matrix.models.indexOf(isNew ? incumbent : record.chosen)
    const { quality, tokens } = outcome(world, row, model)
    const own = !isNew ? quality : quality > 0 ? (random() < worse ? 0 : quality) : random() < better ? 1 : quality
    routed.tell(row, record.chosen, own, tokens)
    if (record.why === 'explored' && isNew) explored++
    return record.chosen
  }
  let incumbent = ''
  let explored = 0
  for (const row of rows.slice(0, 300)) {
    const chosen = play(row)
    used.set(chosen, (used.get(chosen) ?? 0) + 1)
  }
  incumbent = [...used].toSorted(([, a], [, b]) => b - a)[0]![0]
  const old = world.facts.find(({ id }) => id === incumbent) as ArmFacts
  const prices = old.prices!
  routed.router.setArms([...world.facts, { ...old, id: newcomerId, model: newcomerId, domain: newcomerId, prices: { input: prices.input / 2, output: prices.output / 2, cacheRead: prices.cacheRead / 2, cacheWrite: prices.cacheWrite / 2 } }])
  const chosen = rows.slice(300).map(play)
  const ofBoth = (from: number, to: number): number => {
    const both = chosen.slice(from, to).filter((arm) => arm === newcomerId || arm === incumbent)
    return both.length === 0 ? 0 : both.filter((arm) => arm === newcomerId).length / both.length
  }
  let requestsToHalf = Infinity
  for (let at = 0; at + 50 <= chosen.length && requestsToHalf === Infinity; at++) if (ofBoth(at, at + 50) > 0.5) requestsToHalf = at + 50
  return { share: ofBoth(400, 500), lateShare: ofBoth(500, 1_000), late: chosen.slice(500).filter((arm) => arm === newcomerId).length / 500, before: used.get(incumbent)! / 300, requestsToHalf, explored }
}

/** The most used arm fails every call from one moment on. Milliseconds until no request is sent to it first, and whether any posterior changed by it. */
export function outage(world: World, seed: number, perSecond = 20): { movedMs: number; failedCalls: number; isQualityUntouched: boolean } {
  const routed = warm(new Routed(world, balanced, seed), world, seed)
  const random = seeded(seed + 3)
  const health = new HealthBook(random)
  const rows = stream(world, 1_000, seed)
  const { arms } = routed.router
  const counts = new Map<string, number>()
  for (const row of rows.slice(0, 200)) {
    const { record } = routed.ask(row)
    counts.set(record.chosen, (counts.get(record.chosen) ?? 0) + 1)
  }
  const down = [...counts].toSorted(([, a], [, b]) => b - a)[0]![0]
  const before = JSON.stringify(routed.router.find(down)!.quality.state())
  let movedMs = 0
  let failedCalls = 0
  rows.slice(200, 400).forEach((row, at) => {
    const nowMs = ((at + random()) * 1_000) / perSecond
    const outside = Uint32Array.from(arms, ({ facts: { id } }) => (health.state(id, nowMs) === 'open' ? reasons.breaker : 0))
    const { record } = routed.ask(row, { outside, nowMs })
    // What a half-open breaker lets through later is a probe.
    if (record.chosen !== down || health.state(down, nowMs) !== 'closed') return
    const visit = health.enter(down, false, nowMs)
    if (visit === null) return
    movedMs = nowMs
    failedCalls++
    health.done(visit, 'server', nowMs)
    const evidence = evidenceOf({ kind: 'unavailable' })
    if (evidence !== null) routed.router.learn({ arm: down, tenant: '', understanding: world.matrix.understood[row]! }, evidence)
  })
  return { movedMs, failedCalls, isQualityUntouched: JSON.stringify(routed.router.find(down)!.quality.state()) === before }
}

/** A model becomes ten times cheaper: requests until a decision counts with it, and its share before and after. */
export function priceCut(world: World, seed: number): { requests: number; before: number; after: number } {
  const policy: Policy = { ...balanced, cost: 0.3 }
  const routed = warm(new Routed(world, policy, seed), world, seed)
  const rows = stream(world, 400, seed)
  const model = world.matrix.models[world.best] as string
  const share = (some: readonly number[]): number => some.filter((row) => routed.ask(row).record.chosen === model).length / some.length
  const before = share(rows.slice(0, 200))
  const costOf = (row: number): number => routed.ask(row).record.baseline.arm === model ? routed.ask(row).record.baseline.costNano : routed.ask(row).record.candidates.find(({ arm }) => arm === model)?.costNano ?? NaN
  const first = rows.slice(200).find((row) => Number.isFinite(costOf(row))) as number
  const old = costOf(first)
  routed.router.setArms(world.facts.map((facts) => (facts.id === model ? { ...facts, prices: { input: facts.prices!.input / 10, output: facts.prices!.output / 10, cacheRead: facts.prices!.cacheRead / 10, cacheWrite: facts.prices!.cacheWrite / 10 } } : facts)))
  const now = costOf(first)
  return { requests: Math.abs(now / old - 0.1) < 1e-6 ? 0 : Infinity, before, after: share(rows.slice(200)) }
}

/** The most used model loses `lost` of what it solves. Outcomes until fewer than a tenth of 50 requests go to it, and quality against what is then possible. */
export function regression(world: World, lost: number, seed: number): { outcomes: number; alarms: number; share: number } {
  const routed = warm(new Routed(world, balanced, seed), world, seed)
  const rows = stream(world, 1_400, seed)
  const random = seeded(seed + 5)
  const counts = new Map<string, number>()
  let worse = ''
  const play = (row: number): string => {
    const { record: { chosen } } = routed.ask(row)
    const { quality, tokens } = outcome(world, row, world.matrix.models.indexOf(chosen))
    routed.tell(row, chosen, chosen === worse && random() < lost ? 0 : quality, tokens)
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
    return chosen
  }
  rows.slice(0, 600).forEach(play)
  worse = [...counts].toSorted(([, a], [, b]) => b - a)[0]![0]
  const after = rows.slice(600).map((row) => play(row) === worse)
  let outcomes = Infinity
  for (let at = 0; at + 50 <= after.length && outcomes === Infinity; at++) if (after.slice(at, at + 50).filter(Boolean).length <= 5) outcomes = at
  return { outcomes, alarms: routed.router.find(worse)!.quality.alarms, share: after.slice(300).filter(Boolean).length / (after.length - 300) }
}
