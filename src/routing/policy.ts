/**
 * Routing policies: what quality, cost and time are worth to one another, and the limits that hold whatever the score says. A policy
 * that does not fit is refused with the field and what it may be.
 */

export interface Policy {
  name: string
  /** `weighted`: the best score. `cheap`: the cheapest arm whose quality is as surely high as that of any other, less `tolerance`. */
  kind: 'weighted' | 'cheap'
  /** Quality that one would give for saving the usual cost of the best model, and for saving the usual time. */
  cost: number
  latency: number
  tolerance: number
  /** Lowest quality from 0 to 1, highest cost in nano-dollars, longest time in ms; 0: no limit. */
  minQuality: number
  maxCostNano: number
  maxLatencyMs: number
  /** Whether a session keeps its arm, and by how much another must be better. */
  sticky: boolean
  margin: number
  /** Highest share of requests, and of the spend, that may go to arms which are being tried. */
  exploreShare: number
  exploreSpend: number
}

const base = { kind: 'weighted', cost: 0, latency: 0, tolerance: 0, minQuality: 0, maxCostNano: 0, maxLatencyMs: 0, sticky: true, margin: 0.03, exploreShare: 0.03, exploreSpend: 0.03 } as const

export const builtInPolicies: Readonly<Record<'balanced' | 'cheap' | 'best' | 'fast', Policy>> = {
  balanced: { ...base, name: 'balanced', cost: 0.05, latency: 0.01 },
  cheap: { ...base, name: 'cheap', kind: 'cheap', tolerance: 0.1, latency: 0 },
  best: { ...base, name: 'best', cost: 0.002, exploreShare: 0.02, exploreSpend: 0.02 },
  fast: { ...base, name: 'fast', cost: 0.02, latency: 0.1 },
}

export class PolicyError extends Error {
  override name = 'PolicyError'
  readonly field: string
  /** The rest of a sentence that begins with the field. */
  readonly wrong: string
  constructor(field: string, name: string, wrong: string) {
    super(`“${field}” of the routing policy ${name} ${wrong}.`)
    this.field = field
    this.wrong = wrong
  }
}

const ranges: Readonly<Record<'cost' | 'latency' | 'tolerance' | 'minQuality' | 'maxCostNano' | 'maxLatencyMs' | 'margin' | 'exploreShare' | 'exploreSpend', number>> = {
  cost: 10, latency: 10, tolerance: 0.5, minQuality: 1, maxCostNano: Number.MAX_SAFE_INTEGER, maxLatencyMs: 3_600_000, margin: 0.5, exploreShare: 0.05, exploreSpend: 0.1,
}

/** A policy of an operator's own, on top of a built-in one. */
export function makePolicy(name: string, from: keyof typeof builtInPolicies, own: Partial<Omit<Policy, 'name'>>): Policy {
  const policy: Policy = { ...builtInPolicies[from], ...own, name }
  for (const [field, most] of Object.entries(ranges) as [keyof typeof ranges, number][]) {
    const value = policy[field]
    if (!(typeof value === 'number' && value >= 0 && value <= most)) throw new PolicyError(field, name, `is ${String(value)}; it must be a number from 0 to ${most}`)
  }
  if (policy.kind !== 'weighted' && policy.kind !== 'cheap') throw new PolicyError('kind', name, 'must be weighted or cheap')
  return policy
}
