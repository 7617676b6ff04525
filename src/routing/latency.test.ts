import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Latency, leastTimes } from './latency.ts'

/** Answers of 100 to 200 ms, every `slowEvery`th of 3 s. */
function taught(answers: number, slowEvery = Infinity): Latency {
  const latency = new Latency()
  for (let i = 1; i <= answers; i++) latency.answered(i % slowEvery === 0 ? 3_000 : 100 + ((i * 37) % 100), i)
  return latency
}

test('late is what nineteen of twenty are sooner than, once enough have come', () => {
  assert.equal(taught(leastTimes - 1).lateMs, Infinity)
  const { lateMs } = taught(1_000)
  assert.ok(lateMs >= 190 && lateMs <= 199, `${lateMs}`)
})

test('where one of twenty is slow, or a few more, it is the others that say what is late', () => {
  for (const slowEvery of [20, 17, 13]) {
    const { lateMs } = taught(1_000, slowEvery)
    assert.ok(lateMs >= 190 && lateMs <= 400, `every ${slowEvery}th: ${lateMs}`)
  }
})

test('one that becomes slow, or quick, is known as that after a hundred answers', () => {
  const latency = taught(1_000)
  for (let i = 0; i < 140; i++) latency.answered(1_000 + i, 2_000 + i)
  assert.ok(latency.lateMs > 1_000)
  for (let i = 0; i < 140; i++) latency.answered(50, 3_000 + i)
  assert.equal(latency.lateMs, 50)
})

test('what is given up as late counts as late, so that hedging does not teach that all are quick', () => {
  const latency = taught(200)
  for (let i = 0; i < 1_000; i++) {
    if (i % 15 === 0) latency.waited(latency.lateMs + 1, i)
    else latency.answered(100 + ((i * 37) % 100), i)
  }
  assert.ok(latency.lateMs >= 190, `${latency.lateMs}`)
})

test('what was given up sooner than that, by a client that left, says nothing', () => {
  const latency = taught(200)
  const before = latency.lateMs
  for (let i = 0; i < 500; i++) latency.waited(5, i)
  assert.equal(latency.lateMs, before)
})
