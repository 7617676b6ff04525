import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seeded } from '../simulated/random.ts'
import type { ArmFacts, ArmState } from './arm.ts'
import { reasons, reasonsOf } from './constraints.ts'
import { loadArtefact } from './load.ts'
import { builtInPolicies, makePolicy, PolicyError } from './policy.ts'
import { decideAgain, explain, packDecision, unpackDecision, type DecisionRecord } from './record.ts'
import { Router, type RoutingRequest } from './router.ts'
import { mostSessions, Sessions } from './sessions.ts'

const { balanced, best, cheap } = builtInPolicies
const facts = (id: string, dollars: number, more: Partial<ArmFacts> = {}): ArmFacts => ({
  id, model: id, effort: '', domain: id, prices: { input: dollars * 1e9, output: dollars * 4e9, cacheRead: dollars * 1e8, cacheWrite: dollars * 1.25e9 }, contextTokens: 100_000, outputTokens: 8_000,
  tools: true, schema: true, images: false, audio: false, reasoning: false, releasedOn: '', billions: 0, region: '', cache: { leastTokens: 1_024, ttlMs: 300_000, billsWrites: true }, ...more,
})
const request = (router: Router, text: string, more: Partial<RoutingRequest> = {}): RoutingRequest => ({
  understanding: router.understander.understand(text), needs: { promptTokens: 500, maxOutputTokens: 0, tools: false, schema: false, images: false, audio: false, models: null },
  tenant: '', session: null, isToolLoop: false, prefix: 1, outside: null, budgetPrice: 0, leftNano: Infinity, marksCache: false, isLowRisk: false, ...more,
})
function make(...arms: ArmFacts[]): Router {
  const router = new Router(loadArtefact())
  router.setArms(arms)
  return router
}
const never = (): number => 0.999999
function recordOf(decision: ReturnType<Router['decide']>): DecisionRecord {
  assert.ok(decision.record !== null)
  return decision.record
}
const teach = (router: Router, arm: string, text: string, value: number, count: number, tenant = ''): void => {
  const understanding = router.understander.understand(text)
  for (let at = 0; at < count; at++) router.learn({ arm, tenant, understanding }, { value, trust: 1 })
}
const coding = 'Write a Python function that merges two sorted lists.'

test('any decision is made again from its record alone, after a trip through JSON', () => {
  const texts = [coding, 'Translate this into French: good morning', 'hi', 'Prove that there are infinitely many primes.']
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), fc.boolean(), (seed, count, isLowRisk) => {
    const random = seeded(seed)
    const router = make(...Array.from({ length: count }, (_, at) => facts(`m${at}`, 0.05 + random() * 20, { domain: `d${at % 3}`, tools: random() < 0.8 })))
    const policies = Object.values(builtInPolicies)
    for (let at = 0; at < 30; at++) {
      if (at === 15) router.setArms([...router.arms.map((arm) => arm.facts), facts('newcomer', 1)])
      const session = random() < 0.5 ? `s${Math.floor(random() * 3)}` : null
      const asked = request(router, texts[at % 4]!, { session, isToolLoop: random() < 0.3, isLowRisk, budgetPrice: random() * 1e-8, needs: { promptTokens: random() * 20_000, maxOutputTokens: 0, tools: random() < 0.3, schema: false, images: false, audio: false, models: null } })
      const { record } = router.decide(asked, policies[at % 4]!, at * 60_000, random)
      if (record === null) continue
      assert.ok(record.candidates.length <= 9)
      assert.ok(record.propensity > 0 && record.propensity <= 1)
      assert.deepEqual(decideAgain(unpackDecision(packDecision({ record, signals: '', served: null }))!.record), { chosen: record.chosen, why: record.why, propensity: record.propensity })
      assert.ok(explain(record).startsWith(record.chosen))
      if (session !== null) router.sessions.note(session, record.chosen, 5_000, 1, router.find(record.chosen)!.facts.cache, at * 60_000)
      router.learn({ arm: record.chosen, tenant: 'a', understanding: asked.understanding }, { value: random() < 0.7 ? 1 : 0, trust: 1 })
    }
  }), { numRuns: process.env['MEGAROUTER_PROOF'] === '1' ? 2_000 : 60 })
})

test('policies differ as their names say', () => {
  const router = make(facts('dear', 20), facts('fair', 1), facts('small', 0.05))
  teach(router, 'dear', coding, 1, 300)
  for (let at = 0; at < 300; at++) teach(router, 'fair', coding, at % 12 === 0 ? 0 : 1, 1)
  for (let at = 0; at < 300; at++) teach(router, 'small', coding, at % 2, 1)
  const choose = (policy: typeof balanced): string => recordOf(router.decide(request(router, coding), policy, 0, never)).chosen
  assert.equal(choose(best), 'dear')
  assert.equal(choose(cheap), 'fair')
  assert.equal(choose(makePolicy('mine', 'balanced', { cost: 10 })), 'small')
  assert.throws(() => makePolicy('mine', 'balanced', { minQuality: 2 }), (error) => error instanceof PolicyError && error.field === 'minQuality')
})

test('each reason that removes an arm is on record, and when none is left they are all named', () => {
  const router = make(facts('plain', 1, { tools: false }), facts('short', 1, { contextTokens: 1_000 }), facts('unpriced', 1, { prices: null }), facts('ok', 1))
  const needs = { promptTokens: 5_000, maxOutputTokens: 0, tools: true, schema: false, images: false, audio: false, models: null }
  const { removed, chosen } = recordOf(router.decide(request(router, coding, { needs }), balanced, 0, never))
  assert.equal(chosen, 'ok')
  assert.deepEqual(removed.map(({ filters, arms }) => [reasonsOf(filters), arms]), [[['tools'], ['plain']], [['context'], ['short']], [['price_unknown'], ['unpriced']]])
  const asked = (bit: number) => router.decide(request(router, coding, { needs, outside: Uint32Array.of(0, 0, 0, bit) }), balanced, 0, never)
  const constrained = asked(reasons.residency)
  assert.ok(constrained.record === null && !constrained.nothingLeft.passes)
  assert.deepEqual(constrained.nothingLeft.removed.map(({ reason }) => reason), ['tools', 'context', 'residency', 'price_unknown'])
  const down = asked(reasons.breaker)
  assert.ok(down.record === null && down.nothingLeft.passes)
})

test('limits of a request hold whatever the score says', () => {
  const router = make(facts('dear', 20), facts('small', 0.05))
  const { chosen, removed } = recordOf(router.decide(request(router, coding), { ...best, maxCostNano: 1_000_000 }, 0, never))
  assert.equal(chosen, 'small')
  assert.deepEqual(reasonsOf(removed[0]!.filters), ['max_cost'])
})

test('a session never changes its arm within a tool loop, only for a clear gain outside, and at once when its arm is down', () => {
  const router = make(facts('a', 1), facts('b', 1))
  router.sessions.note('s', 'a', 5_000, 1, router.find('a')!.facts.cache, 0)
  teach(router, 'a', coding, 0, 300)
  teach(router, 'b', coding, 1, 300)
  const ask = (more: Partial<RoutingRequest>): DecisionRecord => recordOf(router.decide(request(router, coding, { session: 's', ...more }), balanced, 1_000, never))
  assert.deepEqual([ask({ isToolLoop: true }).chosen, ask({ isToolLoop: true }).why], ['a', 'tool_loop'])
  assert.equal(ask({}).chosen, 'b')
  teach(router, 'a', coding, 1, 3_000)
  assert.deepEqual([ask({}).chosen, ask({}).why], ['a', 'held'])
  assert.equal(ask({ isToolLoop: true, outside: Uint32Array.of(reasons.breaker, 0) }).chosen, 'b')
})

test('what a vendor has cached is part of the predicted cost, until it is forgotten there or the prompt starts otherwise', () => {
  const router = make(facts('a', 1), facts('b', 1))
  router.sessions.note('s', 'a', 10_000, 7, router.find('a')!.facts.cache, 0)
  const costs = (nowMs: number, prefix: number, marksCache = true): number[] => {
    const { candidates } = recordOf(router.decide(request(router, coding, { session: 's', prefix, marksCache, needs: { promptTokens: 10_000, maxOutputTokens: 1, tools: false, schema: false, images: false, audio: false, models: null } }), balanced, nowMs, never))
    return ['a', 'b'].map((id) => Math.round(candidates.find(({ arm }) => arm === id)!.costNano / 1e6))
  }
  assert.deepEqual(costs(1_000, 7), [1, 13])
  assert.deepEqual(costs(301_000, 7), [13, 13])
  assert.deepEqual(costs(1_000, 8), [13, 13])
  // Written at a price of its own, and only where the request says so.
  assert.deepEqual(costs(1_000, 7, false), [10, 10])
})

test('sessions are bounded, and the one that rested longest goes first', () => {
  const sessions = new Sessions(3)
  for (const id of ['a', 'b', 'c', 'a', 'd']) sessions.note(id, 'm', 1, 1, null, 0)
  assert.equal(sessions.size, 3)
  assert.equal(sessions.find('b', 0), null)
  assert.ok(sessions.find('a', 0) !== null && sessions.find('a', 3_600_001) === null && mostSessions > 0)
})

test('what is asked next stands on other failure domains first', () => {
  const router = make(facts('a', 5, { domain: 'x' }), facts('b', 5, { domain: 'x' }), facts('c', 0.1, { domain: 'y' }))
  for (const [id, value] of [['a', 1], ['b', 1], ['c', 0.6]] as const) teach(router, id, coding, value, 200)
  const { chosen, fallbacks } = recordOf(router.decide(request(router, coding), best, 0, never))
  assert.deepEqual(fallbacks, ['c', chosen === 'a' ? 'b' : 'a'])
})

test('things are tried with the chance that is on record, and never for more than their share', () => {
  const router = make(facts('known', 1), facts('other', 1), facts('third', 0.5))
  for (let at = 0; at < 500; at++) for (const value of [1, 0, 1]) teach(router, 'known', coding, value, 1)
  const random = seeded(3)
  let tried = 0
  let expected = 0
  for (let at = 0; at < 10_000; at++) {
    const { why, candidates } = recordOf(router.decide(request(router, coding, { isLowRisk: true }), balanced, 0, random))
    expected += candidates.reduce((sum, { chance }) => sum + chance, 0)
    if (why === 'explored') tried++
  }
  assert.ok(tried > 50 && tried <= 100 + 10_000 * balanced.exploreShare, String(tried))
  assert.ok(Math.abs(tried - expected) < 4 * Math.sqrt(expected), `${tried} ${expected}`)
  for (let at = 0; at < 200; at++) assert.notEqual(recordOf(router.decide(request(router, coding), balanced, 0, random)).why, 'explored')
})

test('a newcomer is only tried until it has outcomes, waits for approval where that is asked for, and is stopped when it is worse', () => {
  const router = make(facts('old', 1))
  teach(router, 'old', coding, 1, 300)
  router.setArms([facts('old', 1), facts('new', 0.5), facts('bad', 1)])
  const filters = (id: string): string[] => recordOf(router.decide(request(router, coding), balanced, 0, never)).removed.filter(({ arms }) => arms.includes(id)).flatMap((each) => reasonsOf(each.filters))
  assert.deepEqual(filters('new'), ['on_trial'])
  teach(router, 'new', coding, 1, 60)
  router.requiresApproval = true
  assert.deepEqual(filters('new'), ['not_approved'])
  router.approve('new')
  assert.equal(recordOf(router.decide(request(router, coding), balanced, 0, never)).chosen, 'new')
  const understanding = router.understander.understand(coding)
  const changes = Array.from({ length: 60 }, () => router.learn({ arm: 'bad', tenant: '', understanding }, { value: 0, trust: 1 })).filter((change) => change !== null)
  assert.deepEqual(changes.map(({ arm, from, to }) => [arm, from, to]), [['bad', 'candidate', 'rejected']])
  assert.deepEqual(filters('bad'), ['rejected'])
})

test('an arm that costs more than its budgets have left is not taken', () => {
  const router = make(facts('dear', 100), facts('cheap', 0.1))
  teach(router, 'dear', coding, 1, 300)
  teach(router, 'cheap', coding, 0, 300)
  assert.equal(recordOf(router.decide(request(router, coding), best, 0, never)).chosen, 'dear')
  const { chosen, candidates, removed } = recordOf(router.decide(request(router, coding, { leftNano: 1e6 }), best, 0, never))
  assert.equal(chosen, 'cheap')
  assert.ok(!candidates.some(({ arm }) => arm === 'dear'))
  assert.deepEqual(removed.map((each) => [reasonsOf(each.filters), each.arms]), [[['budget'], ['dear']]])
})

test('what was learned survives as a stored state, and a reset forgets it', () => {
  const before = make(facts('a', 1), facts('b', 1))
  for (let at = 0; at < 700; at++) teach(before, 'a', at % 2 === 0 ? coding : 'What is the capital of France?', at % 3 === 0 ? 0 : 1, 1)
  for (let at = 0; at < 50; at++) before.observe('a', before.understander.understand(coding), 700, 400, 9_000)
  const stored = new Map([['a', { stage: 'candidate' as const, approved: true, state: JSON.parse(JSON.stringify(before.find('a')!.state())) as ArmState }]])
  assert.ok(JSON.stringify(stored.get('a')).length < 64 * 1024)
  const after = new Router(loadArtefact())
  assert.deepEqual(after.setArms([facts('a', 1), facts('b', 1)], stored).arrived.map(({ facts: { id } }) => id), ['b'])
  const figures = (router: Router): number[] => {
    const { quality, deviation, costNano, latencyMs } = recordOf(router.decide(request(router, coding), best, 0, never)).candidates.find(({ arm }) => arm === 'a')!
    return [quality, deviation, costNano, latencyMs].map((each) => Number(each.toPrecision(4)))
  }
  assert.deepEqual(figures(after), figures(before))
  assert.equal(after.find('a')!.stage, 'candidate')
  assert.ok(after.isApproved('a'))
  assert.ok(before.reset('a') && !before.reset('nobody'))
  assert.deepEqual(figures(before), figures(make(facts('a', 1), facts('b', 1))))
})

test('a new price counts in the next decision, and what was learned stays', () => {
  const router = make(facts('a', 10), facts('b', 1))
  teach(router, 'a', coding, 1, 100)
  const mean = router.find('a')!.quality.mean(router.understander.understand(coding))
  const { repriced, arrived } = router.setArms([facts('a', 0.1), facts('b', 1)])
  assert.deepEqual([repriced.map(({ arm, before }) => [arm.facts.id, before?.input]), arrived], [[['a', facts('a', 10).prices?.input]], []])
  assert.equal(router.find('a')!.quality.mean(router.understander.understand(coding)), mean)
  assert.equal(recordOf(router.decide(request(router, coding), balanced, 0, never)).chosen, 'a')
})

test('an organisation’s own outcomes move its own predictions more than those of others', () => {
  const router = make(facts('a', 1), facts('b', 1))
  for (let at = 0; at < 150; at++) {
    for (const tenant of ['x', 'y', 'z']) teach(router, 'a', coding, at % 5 === 0 ? 0 : 1, 1, tenant)
    teach(router, 'a', coding, at % 2, 1, 'own')
  }
  assert.equal(router.find('a')!.quality.alarms, 0)
  const quality = (tenant: string): number => recordOf(router.decide(request(router, coding, { tenant }), best, 0, never)).candidates.find(({ arm }) => arm === 'a')!.quality
  assert.ok(quality('own') < quality('x') - 0.1, `${quality('own')} ${quality('x')}`)
})
