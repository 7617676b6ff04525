import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryBudget } from './retry-budget.ts'

const after = (budget: RetryBudget, requests: number, nowMs: number): number => {
  for (let i = 0; i < requests; i++) budget.request(nowMs)
  let granted = 0
  while (budget.spend('server', nowMs)) granted++
  return granted
}

test('a tenth of the last minute’s requests, or the floor where they are few', () => {
  assert.equal(after(new RetryBudget(0.1, 20), 1_000, 5_000), 100)
  assert.equal(after(new RetryBudget(0.1, 20), 50, 5_000), 20)
  assert.equal(after(new RetryBudget(0.1, 0), 9, 5_000), 0)
})

test('what was spent is earned again a minute later, and not before', () => {
  const budget = new RetryBudget(0.1, 0)
  assert.equal(after(budget, 1_000, 5_000), 100)
  assert.equal(after(budget, 0, 64_000), 0)
  assert.equal(after(budget, 100, 66_500), 10)
})

test('what is due is never refused, but counts', () => {
  const budget = new RetryBudget(0.1, 1)
  assert.equal(budget.spend('timeout', 0, true), true)
  assert.equal(budget.spend('timeout', 0, true), true)
  assert.equal(budget.spend('server', 0), false)
  assert.deepEqual([[...budget.made], budget.refused], [[['timeout', 2]], 1])
})
