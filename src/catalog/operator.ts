/** The operator's own prices and limits, for vendors and models by pattern: they win over every source. Pure; one that matches nothing is reported, since it is most likely misspelt. */
import { condensePrices, type Artefact, type Row, type RowPrice, type SparsePrices } from './artefact.ts'
import { nanoPrice } from './decimal.ts'
import type { PriceVector } from './price.ts'

export interface OperatorOverride {
  /** A vendor's id and a model's id at that vendor; `*` stands for any text. */
  vendor: string
  model: string
  /** Null: the catalogue's, or `discountPercent` off it. */
  price: PriceVector | null
  /** Decimal text from 0 to 100. */
  discountPercent: string | null
  /** Tokens; null: the catalogue's. */
  contextTokens: number | null
  outputTokens: number | null
}

type Matches = (patterns: readonly string[], name: string) => boolean

/** Of several that match, the last one holds for what it says. */
export function withOverrides(artefact: Artefact, overrides: readonly OperatorOverride[], matches: Matches): { artefact: Artefact; unmatched: OperatorOverride[] } {
  if (overrides.length === 0) return { artefact, unmatched: [] }
  const used = new Set<OperatorOverride>()
  const vendors = Object.fromEntries(Object.entries(artefact.vendors).map(([vendor, rows]) => {
    const here = overrides.filter(each => matches([each.vendor], vendor))
    return [vendor, here.length === 0 ? rows : rows.map(row => {
      const own = here.filter(each => matches([each.model], row.id))
      for (const each of own) used.add(each)
      return own.reduce((next, each) => overridden(next, each, artefact.version), row)
    })]
  }))
  return { artefact: { ...artefact, vendors }, unmatched: overrides.filter(each => !used.has(each)) }
}

function overridden(row: Row, { price, discountPercent, contextTokens, outputTokens }: OperatorOverride, version: string): Row {
  const limits = { ...contextTokens !== null && { context: contextTokens }, ...outputTokens !== null && { output: outputTokens } }
  if (price !== null) {
    const { tiers: _tiers, conditions: _conditions, ...rest } = row
    return { ...rest, ...limits, price: condensePrices(price.base), priceVersion: price.version }
  }
  if (discountPercent === null || row.price === undefined) return { ...row, ...limits }
  return { ...row, ...limits, ...discounted(row, discountPercent), priceVersion: `${row.priceVersion ?? version}-${discountPercent}%` }
}

/** A fraction of a nano-dollar is rounded up. */
function discounted({ price = {}, tiers, conditions }: RowPrice, percent: string): RowPrice {
  const billionths = 100_000_000_000n - BigInt(nanoPrice(percent).nano)
  const off = (prices: SparsePrices): SparsePrices => condensePrices(Object.fromEntries(Object.entries(prices)
    .map(([name, nano]) => [name, Number((BigInt(nano) * billionths + 99_999_999_999n) / 100_000_000_000n)])))
  return {
    price: off(price), ...tiers !== undefined && { tiers: tiers.map(tier => ({ ...tier, price: off(tier.price) })) },
    ...conditions !== undefined && { conditions: conditions.map(each => ({ ...each, price: off(each.price), ...each.tiers !== undefined && { tiers: each.tiers.map(tier => ({ ...tier, price: off(tier.price) })) } })) },
  }
}
