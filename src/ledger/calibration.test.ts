import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calibration } from './calibration.ts'

const teach = (calibration: Calibration, id: string, times: number, ratio: (i: number) => number): void => {
  for (let i = 0; i < times; i++) calibration.learn(id, 1000, 1000 * ratio(i), 1000, 1000 * ratio(i))
}

test('before enough samples the defaults hold, and they are high', () => {
  const calibration = new Calibration()
  teach(calibration, 'd', 15, () => 0.25)
  assert.equal(calibration.inputTokens('d', 1000), 500)
  assert.equal(calibration.outputTokens('d', 1000, 3), 500)
  assert.equal(calibration.outputTokens('d', 1000, 700), 700)
  assert.equal(calibration.inputTokens('d', 0), 0)
  teach(calibration, 'd', 1, () => 0.25)
  assert.equal(calibration.inputTokens('d', 1000), 250)
  assert.equal(calibration.inputTokens('other', 1000), 500)
})

test('the estimate is above nearly all samples and below twice their mean', () => {
  const calibration = new Calibration()
  const ratio = (i: number): number => 0.25 + 0.05 * Math.sin(i)
  teach(calibration, 'd', 500, ratio)
  const estimate = calibration.inputTokens('d', 1000)
  let under = 0
  for (let i = 500; i < 700; i++) if (1000 * ratio(i) > estimate) under++
  assert.equal(under, 0)
  assert.ok(estimate < 500, String(estimate))
})

test('a deployment whose ratio changes is followed', () => {
  const calibration = new Calibration()
  teach(calibration, 'd', 200, () => 0.25)
  teach(calibration, 'd', 30, () => 0.5)
  assert.ok(calibration.inputTokens('d', 1000) > 500, 'a change widens the estimate at once')
  teach(calibration, 'd', 1000, () => 0.5)
  assert.ok(Math.abs(calibration.inputTokens('d', 1000) - 500) < 5)
})

test('samples that cannot be true teach nothing', () => {
  const calibration = new Calibration()
  teach(calibration, 'd', 100, () => 0.25)
  for (const [bytes, input, chars, output] of [[0, 100, 0, 100], [1000, 31_000, 1000, 9000], [-5, 5, -1, 2], [NaN, 1, NaN, 1], [1000, Infinity, 1000, Infinity], [1_000_000, 100, 1_000_000, 3], [1000, 0, 1000, 0]]) {
    for (let i = 0; i < 50; i++) calibration.learn('d', bytes!, input!, chars!, output!)
  }
  assert.equal(calibration.inputTokens('d', 1000), 250)
  assert.equal(calibration.outputTokens('d', 1000, 0), 250)
})

test('a sample with one true half teaches that half', () => {
  const calibration = new Calibration()
  for (let i = 0; i < 50; i++) calibration.learn('d', 1000, 200, 0, 5000)
  assert.equal(calibration.inputTokens('d', 1000), 200)
  assert.equal(calibration.outputTokens('d', 1000, 0), 500)
})

test('names that clients make up do not grow the memory', () => {
  const calibration = new Calibration()
  teach(calibration, 'first', 50, () => 0.25)
  for (let i = 0; i < 9_999; i++) calibration.learn(`d${i}`, 1000, 250, 1000, 250)
  assert.equal(calibration.inputTokens('first', 1000), 250)
  calibration.learn('one more', 1000, 250, 1000, 250)
  assert.equal(calibration.inputTokens('first', 1000), 500, 'all are forgotten together')
})

test('what was delivered is never estimated above the limit that the vendor was given, nor below one token for each piece', () => {
  const calibration = new Calibration()
  assert.equal(calibration.outputTokens('d', 1000, 3, 120), 120)
  assert.equal(calibration.outputTokens('d', 100, 3, 120), 50)
  assert.equal(calibration.outputTokens('d', 1000, 130, 120), 130)
})
