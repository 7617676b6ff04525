/**
 * Makes a routing policy ready for requests: its numbers on top of those of its base, its conditions compiled. What is wrong with it is
 * told all at once, in the fields of `RoutingPolicyData`; whether its models exist is for the control plane to say. Pure.
 */
import { createHash } from 'node:crypto'
import { compileCondition, requestSchema, type Condition, type Facts } from '../governance/conditions.ts'
import { builtInPolicies, makePolicy, PolicyError, type Policy } from './policy.ts'
import { efforts, plainPolicy, policyLimits, type Effort, type PolicyCandidate, type RoutingPolicyData } from './policy-data.ts'

/** `when` is over `request` and `principal`; null: always. */
export interface CompiledCandidate { model: string; effort: Effort | null; when: Condition | null }

export interface CompiledPolicy {
  policy: Policy
  /** Null: every model that the key may use. */
  candidates: readonly CompiledCandidate[] | null
  hedge: RoutingPolicyData['hedge']
  cache: RoutingPolicyData['cache']
  /** Follows from all that it says, so that it is the same on every node and changes with every change, also of what it is based on. */
  version: string
}

/** `field`: a path such as `candidates.0.when`. Line and column are those of a condition, from 1. */
export interface PolicyProblem { field: string; error: string; line?: number; column?: number }

type Own = Partial<Omit<Policy, 'name'>>
const ownFields = ['cost', 'latency', 'tolerance', 'margin', 'minQuality', 'maxCostNano', 'maxLatencyMs', 'sticky', 'exploreShare', 'exploreSpend'] as const

/** `known`: what was compiled before under this name; it is taken where nothing changed. */
export function compilePolicy(data: RoutingPolicyData, known?: CompiledPolicy): CompiledPolicy | PolicyProblem[] {
  const problems: PolicyProblem[] = []
  const policy = policyOf(data, problems)
  const version = createHash('sha256').update(JSON.stringify([policy, data.candidates, data.hedge, data.cache])).digest('base64url').slice(0, 16)
  if (known?.version === version) return known
  const { hedge, cache } = data
  if (hedge !== null && !(hedge.maxSpend > 0 && hedge.maxSpend <= policyLimits.hedgeSpend)) problems.push({ field: 'hedge.maxSpend', error: `must be above 0 and at most ${policyLimits.hedgeSpend}: the share of the spend that second attempts may cost` })
  if (cache !== null && !(Number.isInteger(cache.ttlS) && cache.ttlS >= 1 && cache.ttlS <= policyLimits.cacheTtlS)) problems.push({ field: 'cache.ttlS', error: `must be a whole number of seconds from 1 to ${policyLimits.cacheTtlS} (30 days)` })
  const candidates = data.candidates === null ? null : candidatesOf(data.candidates, problems)
  return problems.length > 0 ? problems : { policy, candidates, hedge, cache, version }
}

function policyOf(data: RoutingPolicyData, problems: PolicyProblem[]): Policy {
  const { name, base } = data
  const own: Own = {}
  for (const field of ownFields) {
    const value = data[field]
    if (value === null) continue
    try {
      makePolicy(name, base, { [field]: value })
      Object.assign(own, { [field]: value })
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      problems.push({ field, error: error.wrong })
    }
  }
  if (data.tolerance !== null && builtInPolicies[base].kind !== 'cheap') problems.push({ field: 'tolerance', error: 'is only of effect with the base cheap: leave it out, or take that base' })
  return makePolicy(name, base, own)
}

function candidatesOf(candidates: readonly PolicyCandidate[], problems: PolicyProblem[]): CompiledCandidate[] {
  if (candidates.length === 0) problems.push({ field: 'candidates', error: 'is empty, so the policy could choose nothing: name models, or leave it out for every model that the key may use' })
  if (candidates.length > policyLimits.candidates) problems.push({ field: 'candidates', error: `has ${candidates.length} entries; a policy has at most ${policyLimits.candidates}` })
  const conditions = candidates.filter(({ when }) => when !== null).length
  if (conditions > policyLimits.conditions) problems.push({ field: 'candidates', error: `has ${conditions} conditions; a policy has at most ${policyLimits.conditions}. Make several policies, and let each team or key have its own` })
  if (problems.some(({ field }) => field === 'candidates')) return []
  const seen = new Set<string>()
  return candidates.map(({ model, effort, when }, index) => {
    const field = `candidates.${index}`
    const key = JSON.stringify([model, effort, when])
    if (seen.has(key)) problems.push({ field, error: `${model} stands above already with the same effort and condition: keep one` })
    seen.add(key)
    if (effort !== null && !efforts.includes(effort)) problems.push({ field: `${field}.effort`, error: `must be one of ${efforts.join(', ')}` })
    return { model, effort, when: when === null ? null : conditionOf(when, `${field}.when`, problems) }
  })
}

function conditionOf(text: string, field: string, problems: PolicyProblem[]): Condition | null {
  const condition = compileCondition(text, requestSchema)
  if (!('error' in condition)) return condition
  problems.push({ field, ...condition })
  return null
}

/** Whether a candidate may be taken: not where its condition can't be decided, since a fact is not known. */
export const isTaken = ({ when }: CompiledCandidate, facts: Facts): boolean => when === null || when.evaluate(facts) === true

export const builtInNames = Object.keys(builtInPolicies) as RoutingPolicyData['base'][]

/** Those that every organisation has. One of the same name takes the place of one of these. */
export const builtInCompiled: ReadonlyMap<string, CompiledPolicy> = new Map(builtInNames.map((name) => {
  const compiled = compilePolicy(plainPolicy(name, name))
  if (Array.isArray(compiled)) throw new Error(`the built-in policy ${name} is wrong: ${compiled.map(({ error }) => error).join('; ')}`)
  return [name, compiled]
}))
