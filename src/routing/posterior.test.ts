import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../simulated/random.ts'
import { LogForecast, p95 } from './forecast.ts'
import { loadArtefact } from './load.ts'
import { BudgetPace } from './pacing.ts'
import { Posterior } from './posterior.ts'
import { assumedOf, tierOf } from './priors.ts'
import { leastOutcomes, Residual } from './residual.ts'
import { evidenceOf } from './signals.ts'
import { taskTypes } from './tasks.ts'
import { signalCount, type Understanding } from './understand.ts'

const artefact = loadArtefact()
const flat = new Float32Array(artefact.tiers.length).fill(0.6)
const about = (task: string, hardness: [number, number, number] = [0, 1, 0]): Understanding => ({ tasks: [taskTypes.indexOf(task as 'chat')], weights: [1], hardness, signals: new Float32Array(signalCount), language: 'en', chars: 100 })
const posterior = (): Posterior => new Posterior(flat, artefact.shrinkage)
function feed(each: Posterior, understanding: Understanding, chance: number, count: number, seed = 1): number {
  const random = seeded(seed)
  let alarms = 0
  for (let at = 0; at < count; at++) if (each.learn(understanding, random() < chance ? 1 : 0)) alarms++
  return alarms
}
const near = (value: number, expected: number, within: number): void => assert.ok(Math.abs(value - expected) <= within, `${value} is not within ${within} of ${expected}`)

test('without outcomes an arm is what its tier is', () => near(posterior().mean(about('coding')), 0.6, 1e-6))

test('outcomes of a task count there, and less elsewhere', () => {
  const each = posterior()
  feed(each, about('coding'), 0.95, 300)
  near(each.mean(about('coding')), 0.95, 0.06)
  const elsewhere = each.mean(about('translation'))
  assert.ok(elsewhere > 0.65 && elsewhere <= each.mean(about('coding')), String(elsewhere))
  assert.ok(each.strength(about('coding')) > 250 && each.strength(about('translation')) < 60)
})

test('hard and easy prompts of a task are told apart once there are outcomes', () => {
  const each = posterior()
  for (let at = 0; at < 400; at++) {
    each.learn(about('maths', [1, 0, 0]), 1)
    each.learn(about('maths', [0, 0, 1]), 0)
  }
  assert.ok(each.mean(about('maths', [1, 0, 0])) > 0.85)
  assert.ok(each.mean(about('maths', [0, 0, 1])) < 0.15)
})

test('a model that silently became worse is found out within 150 outcomes, and one that did not change hardly ever', () => {
  const each = posterior()
  assert.equal(feed(each, about('coding'), 0.8, 2_000), 0)
  feed(each, about('coding'), 0.4, 150, 2)
  assert.ok(each.alarms >= 1)
  near(each.mean(about('coding')), 0.4, 0.12)
})

test('a change that is found leaves what showed it: at once the arm is no longer what it was, in every task', () => {
  const each = posterior()
  feed(each, about('coding'), 0.9, 1_000)
  feed(each, about('maths'), 0.9, 1_000, 2)
  const random = seeded(3)
  let outcomes = 0
  while (each.alarms === 0) {
    each.learn(about('coding'), random() < 0.15 ? 1 : 0)
    outcomes++
  }
  assert.ok(outcomes < 40, String(outcomes))
  assert.ok(each.mean(about('coding')) < 0.6 && each.mean(about('maths')) < 0.6, `${each.mean(about('coding'))} ${each.mean(about('maths'))}`)
})

test('a few misses of a nearly sure model are no change', () => {
  const each = posterior()
  for (let at = 0; at < 500; at++) each.learn(about('coding'), 1)
  for (let at = 0; at < 4; at++) assert.equal(each.learn(about('coding'), 0), false)
})

test('a stored posterior says the same after loading, and a damaged one is left alone', () => {
  const each = posterior()
  feed(each, about('coding'), 0.7, 200)
  const again = posterior()
  assert.ok(again.restore(each.state()))
  assert.equal(again.mean(about('coding')), each.mean(about('coding')))
  assert.equal(again.restore({ ...each.state(), arm: [1] }), false)
  assert.equal(again.restore({ ...each.state(), arm: [NaN, 1, 1] }), false)
  assert.equal(again.mean(about('coding')), each.mean(about('coding')))
})

test('a residual learns what the table misses, once it has enough outcomes', () => {
  const residual = new Residual(10)
  const random = seeded(4)
  const signals = (): Float32Array => Float32Array.from({ length: signalCount }, (_, at) => (at === 0 ? 1 : random()))
  for (let at = 0; at < 2_000; at++) {
    const each = signals()
    residual.learn(each, 0.3 * each[5]! - 0.15)
    assert.equal(residual.isBelieved, at + 1 >= leastOutcomes)
  }
  for (let at = 0; at < 20; at++) {
    const each = signals()
    near(residual.predict(each), 0.3 * each[5]! - 0.15, 0.02)
  }
  const again = new Residual(10)
  assert.ok(again.restore(residual.state()))
  assert.equal(again.restore({ outcomes: 1, products: [], sums: [] }), false)
})

test('that a vendor could not be reached is no evidence of quality', () => {
  assert.equal(evidenceOf({ kind: 'unavailable' }), null)
  assert.equal(evidenceOf({ kind: 'feedback', value: NaN }), null)
  assert.deepEqual(evidenceOf({ kind: 'feedback', value: true }), { value: 1, trust: 1 })
  assert.deepEqual(evidenceOf({ kind: 'feedback', value: 7 }), { value: 1, trust: 1 })
  assert.deepEqual(evidenceOf({ kind: 'schema', valid: false })!.value, 0)
})

test('dearer, newer and larger models are assumed to be no worse', () => {
  const of = (dollars: number, releasedOn = '2024-07-01', billions = 0): number => tierOf({ prices: dollars === 0 ? null : { input: dollars * 1e9, output: dollars * 1e9, cacheRead: 0, cacheWrite: 0 }, releasedOn, billions, reasoning: false })
  assert.deepEqual([0.1, 0.4, 1, 5, 30].map((dollars) => of(dollars)), [0, 1, 2, 3, 4])
  assert.ok(of(1, '2026-07-01') > of(1))
  assert.deepEqual([3, 20, 70, 100, 400].map((billions) => of(0, '', billions)), [0, 1, 2, 3, 4])
  const mean = (tier: number): number => artefact.tiers.slice(tier * 72, (tier + 1) * 72).reduce((sum, each) => sum + each, 0)
  for (let tier = 1; tier < 5; tier++) assert.ok(mean(tier) >= mean(tier - 1))
  assert.equal(assumedOf({ prices: null, billions: 0, releasedOn: 'nonsense', reasoning: false } as Parameters<typeof assumedOf>[0], artefact).length, 72)
})

test('forecasts follow what they learn, and take no nonsense', () => {
  const forecast = new LogForecast({ mean: Math.log(100), deviation: 1 }, 200)
  for (let at = 0; at < 500; at++) forecast.learn(1_000)
  for (const value of [0, -1, NaN, Infinity]) forecast.learn(value)
  near(forecast.expected, 1_000, 60)
  assert.ok(forecast.quantile(p95) >= forecast.quantile(0))
})

test('the price of money rises while spending runs ahead and falls while there is room', () => {
  const ahead = new BudgetPace(1_000_000, 0, 1_000_000)
  const behind = new BudgetPace(1_000_000_000, 0, 1_000_000)
  for (let at = 1; at <= 100; at++) for (const pace of [ahead, behind]) pace.charge(5_000, at * 1_000)
  assert.ok(ahead.price > 100 * behind.price)
  assert.equal(ahead.leftNano, 500_000)
})
