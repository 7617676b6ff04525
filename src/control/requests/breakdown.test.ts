import assert from 'node:assert/strict'
import test from 'node:test'
import { costNano, noUsage, usageClasses, type Prices, type PriceVector } from '../../catalog/price.ts'
import { breakdown } from './breakdown.ts'

const prices = (nano: number): Prices => Object.fromEntries(usageClasses.map((name) => [name, nano])) as Prices
const vector: PriceVector = { version: 'v', base: prices(1_500_000), tiers: [], conditions: [{ serviceTier: 'priority', base: prices(3_000_000), tiers: [] }] }
const usage = { ...noUsage(), input: 3, output: 5 }

test('the classes of a cost add up to it, but for their rounding', () => {
  assert.deepEqual(breakdown(vector, usage, 0, costNano(vector, usage, { atMs: 0 })), [
    { class: 'input', units: 3, price_nano_per_million: 1_500_000, cost_nano: 5 }, { class: 'output', units: 5, price_nano_per_million: 1_500_000, cost_nano: 8 },
  ])
})

test('what was charged at other prices is not broken down at these', () => {
  const priority = costNano(vector, usage, { atMs: 0, serviceTier: 'priority' })
  assert.equal(priority, 24)
  assert.deepEqual(breakdown(vector, usage, 0, priority), [])
  assert.deepEqual(breakdown(vector, usage, 0, 0), [])
})
