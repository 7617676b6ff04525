/** The cost of an attempt by usage class. */
import { costNano, pricesFor, usageClasses, type PriceVector, type Usage, type UsageClass } from '../../catalog/price.ts'

export interface ClassCost { class: UsageClass; units: number; price_nano_per_million: number; cost_nano: number }

/** Empty where these prices don't make up what was charged, as with a service tier, which is not kept. */
export function breakdown(vector: PriceVector, usage: Usage, atMs: number, chargedNano: number): ClassCost[] {
  const context = { atMs }
  if (costNano(vector, usage, context) !== chargedNano) return []
  const prices = pricesFor(vector, usage, context)
  return usageClasses.filter((name) => usage[name] > 0).map((name) => ({
    class: name, units: usage[name], price_nano_per_million: prices[name],
    cost_nano: Number((BigInt(usage[name]) * BigInt(prices[name]) + 999_999n) / 1_000_000n),
  }))
}
