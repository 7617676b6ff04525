/** The catalogue's prices against an independent list, with many random usages. */
import { verdict } from '../../scripts/compare-prices.ts'
import { compare } from '../../scripts/prices/compare.ts'
import { loadCatalog } from '../../src/catalog/load.ts'
import { seeded } from '../../src/simulated/random.ts'
import type { Measure } from '../proof.ts'

const usagesPerClassList = 80

export const measure: Measure = async () => {
  const result = compare(loadCatalog(), usagesPerClassList, seeded(1))
  const { unexplained, stale } = verdict(result)
  const unpriced = result.unpriced.filter(({ cause }) => cause === null)
  const met = (count: number) => ({ target: '0', met: count === 0 })
  return {
    title: 'Prices',
    claim: 'Every model that an independent list also prices costs the same to the nano-dollar on random usage, or the difference of the two lists has a named cause.',
    method: 'All entries of the catalogue that @pydantic/genai-prices has too, of every vendor in both; its prices are taken as exact decimals and computed in bigint by code that is not the gateway’s, rounded up once per attempt as a bill is; usages of one unit up to 900 million in all classes that both price, one token around each tier, at each hour and date for which a price is conditional. The causes are in docs/prices.md.',
    rows: [
      { what: 'Entries that both lists price', value: result.pairs, unit: '', target: '≥ 755', met: result.pairs >= 755 },
      { what: 'Vendors', value: result.vendors.length, unit: '' },
      { what: 'Identical in every class, tier, date and hour', value: result.identical, unit: '' },
      { what: 'Costs compared', value: result.costs, unit: '' },
      { what: 'Costs that differ', value: result.mismatches.length, unit: '', ...met(result.mismatches.length) },
      { what: 'Our exact arithmetic against calcPrice of that list, in floating point, at most', value: result.deviation.nano, unit: 'nano-dollars', target: '< 1', met: result.deviation.nano < 1 },
      { what: 'Differences of the lists without a cause', value: unexplained.length + unpriced.length + stale.length, unit: '', ...met(unexplained.length + unpriced.length + stale.length) },
    ],
  }
}
