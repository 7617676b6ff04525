import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SlidingWindow } from './sliding-window.ts'

test('the window equals a list of all amounts of the last 60 seconds, to the second', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.integer({ min: 0, max: 50 })), { maxLength: 60 }), (steps) => {
    const window = new SlidingWindow()
    const all: { second: number; amount: number }[] = []
    let now = 1_795_000_000_000
    for (const [wait, amount] of steps) {
      now += wait
      const second = Math.floor(now / 1000)
      window.add(amount, now)
      all.push({ second, amount })
      assert.equal(window.used(now), all.filter((each) => each.second > second - 60).reduce((sum, each) => sum + each.amount, 0))
    }
  }), { numRuns: 500 })
})

test('after the announced wait the amount fits, and not a second earlier', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 10 }), (steps, limit) => {
    const window = new SlidingWindow()
    let now = 1_795_000_000_000
    for (const [wait, amount] of steps) window.add(amount, (now += wait))
    const waitMs = window.waitMs(1, limit, now)
    assert.ok(waitMs <= 60_000)
    if (waitMs > 1000) assert.ok(window.used(now + waitMs - 1001) + 1 > limit)
    assert.ok(window.used(now + waitMs) + 1 <= limit)
  }), { numRuns: 500 })
})

test('a clock that steps back loses nothing', () => {
  const window = new SlidingWindow()
  window.add(3, 1_795_000_100_000)
  assert.equal(window.used(1_795_000_040_000), 3)
})
