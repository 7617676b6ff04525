import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { expandPrices } from './artefact.ts'
import { costNano, inputTokens, noUsage, pricesFor, usageClasses, type PriceVector, type Usage } from './price.ts'

const usages = fc.record(Object.fromEntries(usageClasses.map(name => [name, fc.nat(20_000_000)]))) as fc.Arbitrary<Usage>
const prices = fc.record(Object.fromEntries(usageClasses.map(name => [name, fc.integer({ min: 0, max: 6e11 })]))) as fc.Arbitrary<PriceVector['base']>
const vectors = fc.record({
  version: fc.constant('test'),
  base: prices,
  tiers: fc.array(fc.record({ aboveInputTokens: fc.nat(1_000_000), prices }), { maxLength: 3 })
    .map(tiers => tiers.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens)),
})

/** Σ units × price / 1e6, rounded up, in integers of any size. */
function exactCost(vector: PriceVector, usage: Usage): number {
  const tokens = inputTokens(usage)
  const tier = vector.tiers.filter(each => tokens > each.aboveInputTokens).at(-1)
  const sum = usageClasses.reduce((total, name) => total + BigInt(usage[name]) * BigInt((tier?.prices ?? vector.base)[name]), 0n)
  return Number(sum / 1_000_000n + (sum % 1_000_000n === 0n ? 0n : 1n))
}

test('the cost equals exact integer arithmetic for small and for huge requests', () => {
  fc.assert(fc.property(vectors, usages, (vector, usage) => { assert.equal(costNano(vector, usage), exactCost(vector, usage)) }))
})

test('one unit more of any class never costs less within a tier', () => {
  fc.assert(fc.property(prices, usages, fc.constantFrom(...usageClasses), (base, usage, name) => {
    const vector = { version: 'test', base, tiers: [] }
    assert.ok(costNano(vector, { ...usage, [name]: usage[name] + 1 }) >= costNano(vector, usage))
  }))
})

const flat = (input: number, output: number): PriceVector['base'] => expandPrices({ input, output })
const tiered: PriceVector = {
  version: 'test',
  base: flat(1_000_000, 2_000_000),
  tiers: [{ aboveInputTokens: 100, prices: flat(3_000_000, 4_000_000) }, { aboveInputTokens: 200, prices: flat(5_000_000, 6_000_000) }],
}

test('a tier begins above its bound, and then prices every unit of the request', () => {
  const cost = (input: number): number => costNano(tiered, { ...noUsage(), input, output: 10 })
  assert.equal(cost(100), 100 * 1 + 10 * 2)
  assert.equal(cost(101), 101 * 3 + 10 * 4)
  assert.equal(cost(200), 200 * 3 + 10 * 4)
  assert.equal(cost(201), 201 * 5 + 10 * 6)
})

test('tiers count cached, written, audio and image input, but no output', () => {
  const usage = { ...noUsage(), input: 20, cacheRead: 20, cacheWrite5m: 20, cacheWrite1h: 20, audioIn: 10, imageIn: 11, output: 9999 }
  assert.equal(pricesFor(tiered, usage), tiered.tiers[0]?.prices)
})

test('a fraction of a nano-dollar is rounded up once per request', () => {
  const vector = { version: 'test', base: flat(1, 1), tiers: [] }
  assert.equal(costNano(vector, noUsage()), 0)
  assert.equal(costNano(vector, { ...noUsage(), input: 1 }), 1)
  assert.equal(costNano(vector, { ...noUsage(), input: 600_000, output: 600_000 }), 2)
})

test('the last nano-dollar survives where a division in floats would lose it', () => {
  const vector = { version: 'test', base: flat(1_000_000, 1), tiers: [] }
  assert.equal(costNano(vector, { ...noUsage(), input: 9_007_199_254, output: 1 }), 9_007_199_255)
})
