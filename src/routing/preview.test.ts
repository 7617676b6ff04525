import assert from 'node:assert/strict'
import test from 'node:test'
import { seeded } from '../simulated/random.ts'
import type { ArmFacts } from './arm.ts'
import { loadArtefact } from './load.ts'
import { builtInPolicies, makePolicy, type Policy } from './policy.ts'
import { Previewed, underPolicy } from './preview.ts'
import { packDecision, unpackDecision, type DecisionRecord } from './record.ts'
import { Router, type RoutingRequest } from './router.ts'

const facts = (id: string, usd: number): ArmFacts => ({
  id, model: id, effort: '', domain: id, prices: { input: usd * 1e9, output: usd * 4e9, cacheRead: usd * 1e8, cacheWrite: usd * 1e9 }, contextTokens: 100_000, outputTokens: 8_000,
  tools: true, schema: true, images: false, audio: false, reasoning: false, releasedOn: '2026-01-01', billions: 0, region: '', cache: null,
})
const arms = Array.from({ length: 12 }, (_, at) => facts(`m${at}`, 0.05 * 1.7 ** at))
const texts = ['Write a function that sorts.', 'What is 17 * 23?', 'Translate this into French: good morning', 'Summarise the following text.', 'hi', 'Prove that there are infinitely many primes.']

function taught(seed: number): Router {
  const router = new Router(loadArtefact())
  router.setArms(arms)
  const random = seeded(seed)
  for (let at = 0; at < 300; at++) {
    const index = Math.floor(random() * arms.length)
    router.learn({ arm: arms[index]!.id, tenant: '', understanding: router.understander.understand(texts[at % texts.length]!) }, { value: random() < 0.4 + index * 0.05 ? 1 : 0, trust: 1 })
  }
  return router
}

const ask = (router: Router, at: number): RoutingRequest => ({
  understanding: router.understander.understand(texts[at % texts.length]!), tenant: '', session: at % 3 === 0 ? `s${at % 9}` : null, isToolLoop: at % 18 === 0, prefix: 1, outside: null, budgetPrice: at % 4 === 0 ? 1e-10 : 0, leftNano: Infinity, marksCache: false, isLowRisk: at % 2 === 0,
  needs: { promptTokens: 50 + at * 13, maxOutputTokens: 0, tools: false, schema: false, images: false, audio: false, models: null },
})

/** Decisions as they come back from the store. */
function decide(router: Router, policy: Policy, count: number, random: () => number): DecisionRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const request = ask(router, at)
    const { record } = router.decide(request, policy, 1_000 * at, random)
    assert.ok(record !== null, policy.name)
    if (request.session !== null) router.sessions.note(request.session, record.chosen, 100, 1, null, 1_000 * at)
    return unpackDecision(packDecision({ record, signals: '', served: record.chosen }))!.record
  })
}

test('under the policy that made it, each decision is the same, whatever it weighs', () => {
  const limited = makePolicy('limited', 'balanced', { minQuality: 0.3, maxCostNano: 3e7, sticky: false })
  for (const [at, policy] of [...Object.values(builtInPolicies), limited].entries()) {
    const records = decide(taught(at), policy, 200, seeded(at + 100))
    const previewed = new Previewed(policy, null)
    for (const record of records) {
      previewed.add(record)
      if (record.why !== 'explored') assert.equal(underPolicy(record, policy, null)?.arm, record.chosen, `${policy.name} ${record.why}`)
    }
    const { result } = previewed
    assert.deepEqual([result.changed, result.undecided, result.compared + result.tried, result.before], [0, 0, 200, result.after])
    assert.ok(new Set(records.map(({ chosen }) => chosen)).size > 1, `${policy.name} chooses by the request`)
  }
})

test('another policy is weighed by what the first one was measured by: cheaper where cost counts more, within its own limits and models', () => {
  const records = decide(taught(1), builtInPolicies.best, 200, seeded(5))
  const under = (policy: Policy, only: ReadonlySet<string> | null = null) => {
    const previewed = new Previewed(policy, only)
    for (const record of records) previewed.add(record)
    return previewed
  }
  const { result: cheaper } = under(makePolicy('x', 'balanced', { cost: 5 }))
  assert.ok(cheaper.changed > 0 && cheaper.after.costNano < cheaper.before.costNano)
  const [first] = records[0]!.candidates
  const { result: only, unseen } = under(builtInPolicies.best, new Set([first!.arm, 'm-unseen']))
  assert.deepEqual([[...only.arms].filter(([, { after }]) => after > 0).map(([arm]) => arm), unseen], [[first!.arm], ['m-unseen']])
  assert.equal(under(makePolicy('x', 'best', { minQuality: 0.999 })).result.undecided + cheaper.tried, 200)
})

test('a request that is only thought of leaves nothing behind: what follows is decided as if it had not been asked', () => {
  for (const policy of Object.values(builtInPolicies)) {
    const [asked, quiet] = [taught(3), taught(3)]
    decide(asked, policy, 50, seeded(8))
    decide(quiet, policy, 50, seeded(8))
    for (let at = 0; at < 100; at++) asked.decide({ ...ask(asked, at), needs: { ...ask(asked, at).needs, promptTokens: 5_000 } }, policy, 60_000 + at, seeded(at), true)
    assert.deepEqual(decide(asked, policy, 100, seeded(9)), decide(quiet, policy, 100, seeded(9)))
    assert.deepEqual(asked.decide(ask(asked, 7), policy, 200_000, seeded(1), true).record, quiet.decide(ask(quiet, 7), policy, 200_000, seeded(1)).record, 'and it is what the request itself then gets')
  }
})
