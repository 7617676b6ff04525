/** A routing policy as it is stored and published: what operators write, checked. Null takes what its base has. */
export const efforts = ['none', 'minimal', 'low', 'medium', 'high'] as const
export type Effort = (typeof efforts)[number]

/** A model that the policy may choose. */
export interface PolicyCandidate {
  /** A logical model, a declared one, or `vendor/model`. */
  model: string
  /** Of reasoning; null: as the request or the model has it. */
  effort: Effort | null
  /** CEL over `request` and `principal`; null: always. */
  when: string | null
}

export interface RoutingPolicyData {
  name: string
  base: 'balanced' | 'cheap' | 'best' | 'fast'
  /** Null: every model that the key may use. */
  candidates: PolicyCandidate[] | null
  /** Quality that one would give for saving the usual cost, or time, of the best model. */
  cost: number | null
  latency: number | null
  /** Of `cheap`: how far below the surest arm is good enough. */
  tolerance: number | null
  margin: number | null
  /** From 0 to 1; nano-dollars and ms of a request. */
  minQuality: number | null
  maxCostNano: number | null
  maxLatencyMs: number | null
  sticky: boolean | null
  exploreShare: number | null
  exploreSpend: number | null
  /** A second attempt elsewhere when the first is late; `maxSpend`: share of the spend that such attempts may cost. Null: none. */
  hedge: { maxSpend: number } | null
  /** Whole answers are kept, and given to the same request again. Null: not. */
  cache: { ttlS: number } | null
}

export const policyLimits = { policies: 200, candidates: 200, conditions: 20, hedgeSpend: 0.1, cacheTtlS: 30 * 86_400 } as const

/** A policy that says nothing but what it is based on. */
export const plainPolicy = (name: string, base: RoutingPolicyData['base'] = 'balanced'): RoutingPolicyData => ({
  name, base, candidates: null, cost: null, latency: null, tolerance: null, margin: null, minQuality: null, maxCostNano: null, maxLatencyMs: null, sticky: null, exploreShare: null, exploreSpend: null, hedge: null, cache: null,
})

/** What asks for routing itself: no alias, model or policy may be called so. */
export const isAuto = (name: string): boolean => name === 'auto' || name.startsWith('auto:')
