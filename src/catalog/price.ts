/**
 * Usage classes, price vectors and the one function that turns usage into money.
 * Money is integer nano-dollars (1e-9 USD); a price is integer nano-dollars per million units.
 */

/** Disjoint classes: no unit is counted in two of them. Order is the storage order. */
export const usageClasses = [
  'input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'output', 'reasoning',
  'audioIn', 'audioOut', 'imageIn', 'imageOut', 'toolCalls', 'requests',
] as const
export type UsageClass = (typeof usageClasses)[number]

/** Units per class: tokens, except `toolCalls` (calls) and `requests` (1 per billed request). Always finite integers ≥ 0. */
export type Usage = Record<UsageClass, number>

export const noUsage = (): Usage => ({
  input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0,
  audioIn: 0, audioOut: 0, imageIn: 0, imageOut: 0, toolCalls: 0, requests: 0,
})

/** Integer nano-dollars per million units, for every class (a class that a vendor does not price apart takes the price of its parent). */
export type Prices = Record<UsageClass, number>

/** Prices of one deployment. Above `tiers[i].aboveInputTokens` all units of the request are priced by that tier. */
export interface PriceVector {
  /** Identifies the exact prices on every usage row, for example `models-dev-2026-07-02`. */
  version: string
  base: Prices
  /** Sorted by ascending bound. */
  tiers: readonly { aboveInputTokens: number; prices: Prices }[]
}

const perMillion = 1_000_000n

/** All input tokens of a usage, whatever their class: what context tiers are measured in. */
export const inputTokens = (usage: Usage): number =>
  usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.audioIn + usage.imageIn

/** All tokens of a usage, whatever their class. */
export const allTokens = (usage: Usage): number => inputTokens(usage) + usage.output + usage.reasoning + usage.audioOut + usage.imageOut

export function pricesFor(vector: PriceVector, usage: Usage): Prices {
  if (vector.tiers.length === 0) return vector.base
  const tokens = inputTokens(usage)
  let prices = vector.base
  for (const tier of vector.tiers) if (tokens > tier.aboveInputTokens) prices = tier.prices
  return prices
}

/** Cost of one attempt: ceil(Σ units × price / 1e6), rounded once. */
export function costNano(vector: PriceVector, usage: Usage): number {
  const prices = pricesFor(vector, usage)
  let sum = 0
  for (const name of usageClasses) sum += usage[name] * prices[name]
  // Exact: up to 2^53 the quotient is rounded by less than the smallest fraction, 1e-6, so that no fraction is lost.
  if (sum <= Number.MAX_SAFE_INTEGER) return Math.ceil(sum / 1e6)
  let exact = 0n
  for (const name of usageClasses) exact += BigInt(usage[name]) * BigInt(prices[name])
  return Number((exact + perMillion - 1n) / perMillion)
}
