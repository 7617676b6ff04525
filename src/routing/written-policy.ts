/**
 * A routing policy as the configuration file and the admin API write it, and back, so that both say the same in the same words. What is
 * absent or null is as the base has it. What it means is judged by `compilePolicy`; nothing here fails on what the schemas let through.
 */
import { usdText, usdToNano } from '../governance/usd.ts'
import { writtenName } from '../governance/written-rule.ts'
import type { PolicyProblem } from './compile-policy.ts'
import type { Effort, RoutingPolicyData } from './policy-data.ts'

type Maybe<Value> = Value | null | undefined

export interface WrittenCandidate { model: string; effort?: Maybe<Effort>; when?: Maybe<string> }

export interface WrittenPolicy {
  base?: RoutingPolicyData['base'] | undefined
  candidates?: Maybe<(string | WrittenCandidate)[]>
  cost?: Maybe<number>
  latency?: Maybe<number>
  tolerance?: Maybe<number>
  margin?: Maybe<number>
  min_quality?: Maybe<number>
  max_cost_usd?: Maybe<number | string>
  max_latency_ms?: Maybe<number>
  sticky?: Maybe<boolean>
  explore_share?: Maybe<number>
  explore_spend?: Maybe<number>
  hedge?: Maybe<{ max_spend: number }>
  cache?: Maybe<{ ttl_seconds: number }>
}

export const readPolicy = (name: string, written: WrittenPolicy): RoutingPolicyData => ({
  name, base: written.base ?? 'balanced',
  candidates: written.candidates?.map((each) => (typeof each === 'string' ? { model: each, effort: null, when: null } : { model: each.model, effort: each.effort ?? null, when: each.when ?? null })) ?? null,
  cost: written.cost ?? null, latency: written.latency ?? null, tolerance: written.tolerance ?? null, margin: written.margin ?? null,
  minQuality: written.min_quality ?? null, maxCostNano: written.max_cost_usd == null ? null : usdToNano(written.max_cost_usd), maxLatencyMs: written.max_latency_ms ?? null,
  sticky: written.sticky ?? null, exploreShare: written.explore_share ?? null, exploreSpend: written.explore_spend ?? null,
  hedge: written.hedge ? { maxSpend: written.hedge.max_spend } : null, cache: written.cache ? { ttlS: written.cache.ttl_seconds } : null,
})

/** Complete: what the base decides is null. */
export function writePolicy(data: RoutingPolicyData) {
  return {
    base: data.base, candidates: data.candidates && data.candidates.map(({ model, effort, when }) => ({ model, effort, when })),
    cost: data.cost, latency: data.latency, tolerance: data.tolerance, margin: data.margin,
    min_quality: data.minQuality, max_cost_usd: data.maxCostNano === null ? null : usdText(data.maxCostNano), max_latency_ms: data.maxLatencyMs,
    sticky: data.sticky, explore_share: data.exploreShare, explore_spend: data.exploreSpend,
    hedge: data.hedge && { max_spend: data.hedge.maxSpend }, cache: data.cache && { ttl_seconds: data.cache.ttlS },
  }
}

const fields: Readonly<Record<string, string>> = { maxCostNano: 'max_cost_usd', 'hedge.maxSpend': 'hedge.max_spend', 'cache.ttlS': 'cache.ttl_seconds' }

/** A problem in the words of whoever wrote the policy. */
export const writtenProblem = ({ field, error, ...place }: PolicyProblem): PolicyProblem =>
  ({ field: fields[field] ?? writtenName(field), error: error.replaceAll(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (name) => fields[name] ?? writtenName(name)), ...place })
