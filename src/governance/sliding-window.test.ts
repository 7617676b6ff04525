import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SlidingWindow } from './sliding-window.ts'

const begin = 1_795_000_000_000
const second = (ms: number): number => Math.floor(ms / 1000)

test('the window equals a list of all amounts of the last 60 full seconds and the running one, corrections included', () => {
  const step = fc.record({ wait: fc.integer({ min: 0, max: 30_000 }), amount: fc.integer({ min: 0, max: 50 }), correct: fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 100 }))) })
  fc.assert(fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
    const window = new SlidingWindow()
    const all: { at: number; amount: number }[] = []
    let now = begin
    const inside = (at: number): boolean => second(at) > second(now) - 61
    for (const { wait, amount, correct } of steps) {
      now += wait
      window.add(amount, now)
      all.push({ at: now, amount })
      if (correct !== null) {
        const entry = all[correct[0] % all.length]!
        const difference = correct[1] - entry.amount
        window.correct(difference, entry.at, now)
        if (inside(entry.at)) entry.amount = correct[1]
        else all.push({ at: now, amount: Math.max(0, difference) })
      }
      const sum = all.filter(({ at }) => inside(at)).reduce((total, each) => total + each.amount, 0)
      assert.equal(window.used(now), sum)
      assert.ok(sum >= 0)
    }
  }), { numRuns: 1000 })
})

test('after the announced wait the amount fits, and not a millisecond earlier', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 30, size: 'max' }), fc.integer({ min: 1, max: 10 }), (steps, limit) => {
    const window = new SlidingWindow()
    let now = begin
    for (const [wait, amount] of steps) window.add(amount, (now += wait))
    const waitMs = window.waitMs(1, limit, now)
    assert.ok(waitMs <= 61_000)
    if (waitMs > 0) assert.ok(window.used(now + waitMs - 1) + 1 > limit)
    assert.ok(window.used(now + waitMs) + 1 <= limit)
  }), { numRuns: 500 })
})

test('what is larger than the limit never fits', () => {
  assert.equal(new SlidingWindow().waitMs(11, 10, begin), Infinity)
  assert.equal(new SlidingWindow().waitMs(10, 10, begin), 0)
})

test('an estimate that was too high comes back only while its second counts; one that was too low counts later too', () => {
  const window = new SlidingWindow()
  window.add(100, begin)
  window.correct(-90, begin, begin + 60_000)
  assert.equal(window.used(begin + 60_000), 10)
  window.correct(-10, begin, begin + 61_000)
  assert.equal(window.used(begin + 61_000), 0)
  window.correct(7, begin, begin + 61_000)
  assert.equal(window.used(begin + 61_000), 7)
})

test('the wait until nothing counts is the wait until the whole limit is free', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(20_000), fc.nat(3)), { minLength: 1, maxLength: 30 }), fc.nat(70_000), (takes, laterMs) => {
    const window = new SlidingWindow()
    let nowMs = 1_000_000
    for (const [stepMs, amount] of takes) window.add(amount, (nowMs += stepMs))
    assert.equal(window.emptyMs(nowMs + laterMs), window.waitMs(1_000, 1_000, nowMs + laterMs))
  }))
})
