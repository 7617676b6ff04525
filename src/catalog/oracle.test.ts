/** Compares the catalogue with an independent price list, as `node scripts/compare-prices.ts` does, with fewer random usages. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { verdict } from '../../scripts/compare-prices.ts'
import { compare } from '../../scripts/prices/compare.ts'
import { seeded } from '../simulated/random.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'
import { loadCatalog } from './load.ts'
import type { PriceVector } from './price.ts'

const catalog = loadCatalog()
const result = compare(catalog, 4, seeded(2))

test('every model that both lists price costs the same to the nano-dollar, or its difference has a cause', () => {
  const { unexplained, stale } = verdict(result)
  assert.deepEqual(result.mismatches, [])
  assert.deepEqual(unexplained.map(({ vendor, model, name }) => `${vendor}/${model} ${name}`), [], 'Run: node scripts/compare-prices.ts')
  assert.deepEqual(result.unpriced.filter(({ cause }) => cause === null), [])
  assert.deepEqual(stale, [])
})

test('the comparison reaches every vendor and model that both lists have', () => {
  assert.ok(result.vendors.length >= 28 && result.pairs >= 755 && result.identical >= 481 && result.compared >= 650 && result.costs > 10_000)
  for (const vendor of ['openai', 'anthropic', 'google', 'deepseek', 'groq', 'mistral', 'openrouter', 'together', 'xai']) assert.ok(result.vendors.includes(vendor), vendor)
})

test('their own function differs from their data by less than a nano-dollar', () => {
  assert.ok(result.deviation.nano < 1, `${result.deviation.nano} nano-dollars`)
})

/** The catalogue with one entry's price changed. */
function changed(vendor: string, model: string, change: (price: PriceVector) => PriceVector): Catalog {
  const entries = catalog.entries.filter(entry => entry.vendor === vendor && entry.upstreamModel === model)
  return { ...catalog, entries: entries.map((entry): CatalogEntry => ({ ...entry, price: change(entry.price!) })) }
}

const unexplainedOf = (vendor: string, model: string, change: (price: PriceVector) => PriceVector): string[] =>
  verdict(compare(changed(vendor, model, change), 1, seeded(3))).unexplained.map(({ name }) => name)

test('a price that is one nano-dollar off, an hour that is forgotten and a tier that is lost are found', () => {
  assert.deepEqual(unexplainedOf('openai', 'gpt-5.1', price => price), [])
  assert.deepEqual(unexplainedOf('openai', 'gpt-5.1', price => ({ ...price, base: { ...price.base, input: price.base.input + 1 } })), ['input'])
  assert.deepEqual(unexplainedOf('openai', 'gpt-5.1', price => ({ ...price, base: { ...price.base, output: price.base.output - 1 } })), ['output'])
  const halved = compare(changed('deepseek', 'deepseek-v4-pro', price => ({ ...price, conditions: price.conditions!.filter(each => each.clock === undefined) })), 1, seeded(3))
  assert.deepEqual([...new Set(halved.differences.map(({ cause }) => cause))], ['price changed after our data set\'s date'])
  assert.ok(halved.differences.every(({ at }) => /T0[1369]:/.test(at)))
  assert.deepEqual(unexplainedOf('xai', 'grok-4.3', price => ({ ...price, tiers: price.tiers.map(tier => ({ ...tier, prices: { ...tier.prices, output: 1 } })) })), ['output'])
})

test('docs/catalog-check.md shows this catalogue', () => {
  assert.ok(readFileSync(new URL('../../docs/catalog-check.md', import.meta.url), 'utf8').includes(catalog.version), 'Run: node scripts/check-entries.ts')
})

test('docs/prices.md is the comparison of this catalogue', () => {
  const page = readFileSync(new URL('../../docs/prices.md', import.meta.url), 'utf8')
  for (const fact of [catalog.version, `| ${result.pairs}, of ${result.vendors.length} vendors |`, `every class, tier, date and hour | ${result.identical} |`]) {
    assert.ok(page.includes(fact), 'Run: node scripts/compare-prices.ts')
  }
})
