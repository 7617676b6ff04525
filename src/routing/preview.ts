/**
 * What another policy would have made of decisions, from their records alone: their predictions, scored by its weights. It knows only the
 * candidates that were recorded; conditions of candidates are taken to hold, and what was tried stays as it was.
 */
import { reasons } from './constraints.ts'
import type { Policy } from './policy.ts'
import { choose, termsOf, type Candidate, type DecisionRecord } from './record.ts'
import { scoreOf } from './score.ts'

interface Sums { costNano: number; quality: number }

export interface Preview {
  /** That were looked at. */
  decisions: number
  /** Chosen by score under both policies; the figures are of these. */
  compared: number
  changed: number
  /** Left out: something was tried. */
  tried: number
  /** Left out: none of the recorded candidates meets the policy. */
  undecided: number
  before: Sums
  after: Sums
  /** How often each arm was, and would have been, chosen. */
  arms: Map<string, { before: number; after: number }>
}

/** `arms`: those that it may choose; null: all. */
export function underPolicy(record: DecisionRecord, policy: Policy, arms: ReadonlySet<string> | null): Candidate | null {
  const terms = termsOf(policy, record.measures)
  const candidates = record.candidates.map((each): Candidate => ({
    ...each, chance: 0, filters: each.filters | against(each, policy, arms), score: scoreOf(each.quality, each.deviation, each.bonus, each.costNano, each.latencyMs, terms, each.onTrial),
  }))
  return candidates[choose(candidates, terms, policy.sticky ? record.held : null, 1).at] ?? null
}

function against({ arm, quality, costNano, latencyMs }: Candidate, { minQuality, maxCostNano, maxLatencyMs }: Policy, arms: ReadonlySet<string> | null): number {
  return (arms !== null && !arms.has(arm) ? reasons.not_requested : 0) | (minQuality > 0 && quality < minQuality ? reasons.min_quality : 0)
    | (maxCostNano > 0 && costNano > maxCostNano ? reasons.max_cost : 0) | (maxLatencyMs > 0 && latencyMs > maxLatencyMs ? reasons.max_latency : 0)
}

export class Previewed {
  readonly result: Preview = { decisions: 0, compared: 0, changed: 0, tried: 0, undecided: 0, before: { costNano: 0, quality: 0 }, after: { costNano: 0, quality: 0 }, arms: new Map() }
  readonly #policy: Policy
  readonly #arms: ReadonlySet<string> | null
  /** Every arm that some record has figures of. */
  readonly #seen = new Set<string>()

  constructor(policy: Policy, arms: ReadonlySet<string> | null) {
    this.#policy = policy
    this.#arms = arms
  }

  add(record: DecisionRecord): void {
    const { result } = this
    result.decisions++
    for (const { arm } of record.candidates) this.#seen.add(arm)
    if (record.why === 'explored') return void result.tried++
    const before = record.candidates.find(({ arm }) => arm === record.chosen)
    const after = underPolicy(record, this.#policy, this.#arms)
    if (before === undefined || after === null) return void result.undecided++
    result.compared++
    if (after.arm !== before.arm) result.changed++
    for (const [name, { arm, costNano, quality }] of [['before', before], ['after', after]] as const) {
      result[name].costNano += costNano
      result[name].quality += quality
      const counts = result.arms.get(arm) ?? { before: 0, after: 0 }
      counts[name]++
      result.arms.set(arm, counts)
    }
  }

  /** Arms of the policy that no record has figures of: whether they would have been chosen cannot be told. */
  get unseen(): string[] {
    return [...this.#arms ?? []].filter((arm) => !this.#seen.has(arm))
  }
}
