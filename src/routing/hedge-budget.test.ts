import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HedgeBudget } from './hedge-budget.ts'

const hedging = (maxSpend = 0.05, policy = 'org/p') => ({ policy, maxSpend })

test('second attempts lose no more than their share of what the policy has spent, however they come', () => {
  const budget = new HedgeBudget()
  let [spent, lost, made] = [0, 0, 0]
  for (let i = 0; i < 2_000; i++) {
    const hedges = budget.hasRoom(hedging(), 300, i)
    if (hedges) budget.take(hedging(), 300, i)
    if (hedges) made++
    budget.over(hedging(), 1_000, hedges ? 300 : 0, hedges ? 280 : 0, i)
    spent += 1_000
    lost += hedges ? 280 : 0
    assert.ok(lost <= 0.05 * spent)
  }
  assert.ok(lost > 0.04 * spent, `${lost} of ${spent}`)
  assert.deepEqual([budget.spentNano, budget.counts.started, budget.counts.refused], [lost, made, 2_000 - made])
})

test('many at once do not count on the same spend, and what was taken and not lost comes back', () => {
  const budget = new HedgeBudget()
  budget.over(hedging(), 20_000, 0, 0, 0)
  let made = 0
  while (budget.hasRoom(hedging(), 300, 0)) {
    budget.take(hedging(), 300, 0)
    made++
  }
  assert.equal(made, 3)
  for (let i = 0; i < made; i++) budget.over(hedging(), 0, 300, 0, 0)
  assert.equal(budget.hasRoom(hedging(), 1_000, 0), true)
})

test('what cost more than was expected is owed, and no calm forgives it', () => {
  const budget = new HedgeBudget()
  budget.over(hedging(), 20_000, 0, 0, 0)
  budget.take(hedging(), 500, 0)
  budget.over(hedging(), 0, 500, 5_000, 0)
  assert.equal(budget.hasRoom(hedging(), 1, 3_600_000), false)
  budget.over(hedging(), 80_000, 0, 0, 3_600_000)
  assert.equal(budget.hasRoom(hedging(), 1, 3_600_000), false)
  budget.over(hedging(), 20, 0, 0, 3_600_000)
  assert.equal(budget.hasRoom(hedging(), 1, 3_600_000), true)
})

test('what a calm hour saved pays for no storm', () => {
  const budget = new HedgeBudget()
  budget.over(hedging(), 1e9, 0, 0, 0)
  assert.equal(budget.hasRoom(hedging(), 4e7, 60_000), true)
  assert.equal(budget.hasRoom(hedging(), 4e7, 3_600_000), false)
})

test('what costs nothing may always be asked twice; a share of nothing pays for nothing else; policies have purses of their own', () => {
  const budget = new HedgeBudget()
  assert.equal(budget.hasRoom(hedging(0), 0, 0), true)
  budget.over(hedging(0), 1e9, 0, 0, 0)
  assert.equal(budget.hasRoom(hedging(0), 1, 0), false)
  budget.over(hedging(0.1, 'org/rich'), 1e9, 0, 0, 0)
  assert.deepEqual([budget.hasRoom(hedging(0.1, 'org/rich'), 1e7, 0), budget.hasRoom(hedging(0.1, 'org/poor'), 1e7, 0)], [true, false])
})
