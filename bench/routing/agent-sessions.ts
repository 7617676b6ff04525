/**
 * Sessions of agents: a prompt that grows with each turn, tool loops, vendors that cache prompts at their own prices. What the routed
 * sessions cost in all, beside every fixed model and the mixes of them that reach the same quality.
 */
import type { ArmFacts } from '../../src/routing/arm.ts'
import { costAt, hull, type Point } from '../../src/routing/evaluate/curves.ts'
import { builtInPolicies } from '../../src/routing/policy.ts'
import type { CacheRules } from '../../src/routing/sessions.ts'
import { seeded } from '../../src/simulated/random.ts'
import { outcome, Routed, stream, type World } from './world.ts'
import { warm } from './scenarios.ts'

/** Two ways vendors cache: with and without a price for writing. */
const caches: readonly { rules: CacheRules; read: number; write: number }[] = [
  { rules: { leastTokens: 1_024, ttlMs: 300_000, billsWrites: true }, read: 0.1, write: 1.25 },
  { rules: { leastTokens: 1_024, ttlMs: 300_000, billsWrites: false }, read: 0.25, write: 1 },
]
const firstTokens = 6_000
const turnTokens = 1_200
const outputTokens = 250

/** A turn: tokens of its prompt, whether it brings a tool's answer, and the time since the turn before. */
interface Turn { promptTokens: number; isToolLoop: boolean; pauseMs: number }

function turnsOf(random: () => number): Turn[] {
  const count = 6 + Math.floor(random() * 20)
  let promptTokens = firstTokens + Math.floor(random() * 4_000)
  return Array.from({ length: count }, (_, at) => {
    const turn = { promptTokens, isToolLoop: at > 0 && random() < 0.75, pauseMs: random() < 0.06 ? 600_000 : 4_000 + random() * 20_000 }
    promptTokens += outputTokens + Math.floor(random() * 2 * turnTokens)
    return turn
  })
}

const withCaches = (facts: readonly ArmFacts[]): ArmFacts[] => facts.map((each, at) => {
  const { rules, read, write } = caches[at % caches.length]!
  const prices = each.prices!
  return { ...each, cache: rules, prices: { ...prices, cacheRead: prices.input * read, cacheWrite: prices.input * write } }
})

/** The vendor's own bill: it caches what it saw of this session, whoever asks. */
class Vendor {
  readonly #facts: ArmFacts
  #tokens = 0
  #untilMs = -Infinity
  constructor(facts: ArmFacts) {
    this.#facts = facts
  }

  /** Dollars. */
  bill(promptTokens: number, nowMs: number): number {
    const { prices, cache } = this.#facts
    const { input, output, cacheRead, cacheWrite } = prices!
    const read = nowMs < this.#untilMs ? Math.min(this.#tokens, promptTokens) : 0
    this.#tokens = promptTokens
    this.#untilMs = nowMs + cache!.ttlMs
    return (read * cacheRead + (promptTokens - read) * (cache!.billsWrites ? cacheWrite : input) + outputTokens * output) / 1e15
  }
}

/** Over all seeds: mean quality, and dollars. */
export interface SessionsResult {
  quality: number
  usd: number
  /** The cheapest mix of fixed models with the same quality, and the cheapest single one with at least that; Infinity: none. */
  fixedUsd: number
  singleUsd: number
  switches: number
  switchesInLoops: number
  /** The same router when sessions do not hold and caches are not known. */
  blindUsd: number
  blindQuality: number
}

export function sessions(world: World, count: number, seeds: number): SessionsResult {
  const facts = withCaches(world.facts)
  const points = facts.map((): Point => ({ cost: 0, quality: 0 }))
  const sum = { quality: 0, usd: 0, switches: 0, switchesInLoops: 0, blindUsd: 0, blindQuality: 0 }
  for (let seed = 1; seed <= seeds; seed++) {
    const rows = stream(world, count, seed)
    const random = seeded(seed + 11)
    const plans = rows.map(() => turnsOf(random))
    const aware = play(world, facts, rows, plans, seed, true)
    const blind = play(world, facts, rows, plans, seed, false)
    sum.quality += aware.quality / seeds
    sum.usd += aware.usd
    sum.switches += aware.switches
    sum.switchesInLoops += aware.switchesInLoops
    sum.blindUsd += blind.usd
    sum.blindQuality += blind.quality / seeds
    fixed(world, facts, rows, plans).forEach(({ cost, quality }, model) => {
      points[model]!.cost += cost
      points[model]!.quality += quality / seeds
    })
  }
  const enough = points.filter(({ quality }) => quality >= sum.quality).map(({ cost }) => cost)
  return { ...sum, fixedUsd: costAt(hull(points), sum.quality), singleUsd: Math.min(Infinity, ...enough) }
}

/** Every model by itself, on the same sessions. */
function fixed(world: World, facts: readonly ArmFacts[], rows: readonly number[], plans: readonly Turn[][]): Point[] {
  return facts.map((each, model): Point => {
    const point = { cost: 0, quality: 0 }
    rows.forEach((row, at) => {
      const vendor = new Vendor(each)
      let nowMs = 0
      for (const { promptTokens, pauseMs } of plans[at]!) point.cost += vendor.bill(promptTokens, nowMs += pauseMs)
      point.quality += outcome(world, row, model).quality / rows.length
    })
    return point
  })
}

interface Played { quality: number; usd: number; switches: number; switchesInLoops: number }

function play(world: World, facts: ArmFacts[], rows: readonly number[], plans: readonly Turn[][], seed: number, isAware: boolean): Played {
  const policy = { ...builtInPolicies.balanced, latency: 0, sticky: isAware }
  const routed = warm(new Routed(world, policy, seed, isAware ? facts : facts.map((each) => ({ ...each, cache: null }))), world, seed, 600)
  const result = { quality: 0, usd: 0, switches: 0, switchesInLoops: 0 }
  rows.forEach((row, at) => {
    const vendors = new Map(facts.map((each) => [each.id, new Vendor(each)]))
    const understanding = world.matrix.understood[row]!
    const session = `s${at}`
    let nowMs = at * 10_000_000
    let last = ''
    let quality = 0
    for (const { promptTokens, isToolLoop, pauseMs } of plans[at]!) {
      nowMs += pauseMs
      const { record } = routed.router.decide({
        understanding, needs: { promptTokens, maxOutputTokens: outputTokens, tools: true, schema: false, images: false, audio: false, models: null },
        tenant: '', session, isToolLoop, prefix: at, outside: null, budgetPrice: 0, leftNano: Infinity, marksCache: true, isLowRisk: false,
      }, policy, nowMs, routed.random)
      if (record === null) throw new Error('nothing left')
      const { chosen } = record
      routed.router.sessions.note(session, chosen, promptTokens, at, facts.find(({ id }) => id === chosen)!.cache, nowMs)
      result.usd += vendors.get(chosen)!.bill(promptTokens, nowMs)
      quality += outcome(world, row, world.matrix.models.indexOf(chosen)).quality
      if (last !== '' && last !== chosen) {
        result.switches++
        if (isToolLoop) result.switchesInLoops++
      }
      last = chosen
    }
    result.quality += quality / plans[at]!.length / rows.length
    routed.tell(row, last, outcome(world, row, world.matrix.models.indexOf(last)).quality, outputTokens)
  })
  return result
}
