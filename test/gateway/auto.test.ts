/** `auto` through the whole gateway: what is chosen, what is sent, what is recorded and learned. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usageClasses, type PriceVector, type Prices } from '../../src/catalog/price.ts'
import type { DeploymentData, OrganisationSnapshot } from '../../src/gateway/snapshot.ts'
import { reasonsOf } from '../../src/routing/constraints.ts'
import { decideAgain, unpackDecision, type StoredDecision } from '../../src/routing/record.ts'
import { plainPolicy } from '../../src/routing/policy-data.ts'
import { chat, providerAt, startRig, type Rig, type RigOptions } from './harness.ts'

/** Dollars per million tokens. */
const price = (usd: number): PriceVector => ({ version: `v${usd}`, base: Object.fromEntries(usageClasses.map((name) => [name, name === 'output' ? usd * 4e9 : usd * 1e9])) as Prices, tiers: [] })
const declared = (model: string, provider: string, upstreamModel: string, usd: number): DeploymentData => ({ id: `${provider}-${model}`, model, provider, upstreamModel, price: price(usd), priceAs: null })

const three = (data: OrganisationSnapshot): void => {
  data.deployments = [declared('large', 'up', 'echo-20', 10), declared('middle', 'b', 'echo-5', 1), declared('small', 'c', 'echo-3', 0.1)]
}

async function rigWith(change: (data: OrganisationSnapshot) => void = three, options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig({ providers: ({ url }) => [providerAt('b', url), providerAt('c', url)], ...options })
  rig.publish(change)
  return rig
}

const served = ({ headers }: { headers: Headers }): string => headers.get('x-megarouter-model')!
const stored = (rig: Rig): StoredDecision[] => rig.routed.decisions.map(({ body }) => unpackDecision(body)!)
async function decided(rig: Rig, count: number): Promise<StoredDecision[]> {
  await rig.recorded(count)
  rig.gateway.routing.flush()
  return stored(rig)
}
/** Outcomes of one kind of text, as feedback tells them. */
function teach(rig: Rig, model: string, value: number, times = 60, text = 'hi'): void {
  const routing = rig.gateway.routing.of(rig.snapshot().organisations.get('org_test')!)
  for (let at = 0; at < times; at++) assert.ok(rig.gateway.routing.take('org_test', model, '', routing.router.understander.understand(text), { kind: 'feedback', value }))
}

test('auto answers with a model of its choice, says which and why, and leaves a record from which the same choice follows', async () => {
  const rig = await rigWith()
  const answer = await chat(rig, { model: 'auto' })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('x-megarouter-route'), 'auto:balanced')
  const [{ record, signals }] = await decided(rig, 1) as [StoredDecision]
  assert.equal(served(answer), record.chosen)
  assert.equal(rig.upstream.log.at(-1)!.model, { large: 'echo-20', middle: 'echo-5', small: 'echo-3' }[record.chosen])
  assert.deepEqual(decideAgain(record), { chosen: record.chosen, why: record.why, propensity: record.propensity })
  assert.deepEqual(record.candidates.map(({ arm }) => arm).sort(), ['large', 'middle', 'small'])
  assert.ok(Buffer.from(signals, 'base64').length > 160 && !rig.routed.decisions[0]!.body.includes('"hi"'))
  const [row] = rig.records
  assert.equal(row!.decision, row!.id)
  assert.equal(row!.modelAsked, 'auto')
  assert.ok(row!.task !== null)
  assert.equal(rig.routed.decisions[0]!.id, row!.id)
})

test('each policy chooses as it says, by what outcomes say of the models', async () => {
  const rig = await rigWith()
  teach(rig, 'large', 1)
  teach(rig, 'middle', 0.93)
  teach(rig, 'small', 0.2)
  assert.equal(served(await chat(rig, { model: 'auto:cheap' })), 'middle')
  assert.equal(served(await chat(rig, { model: 'auto:best' })), 'large')
  assert.equal(served(await chat(rig, { model: 'auto', megarouter: { policy: 'best' } })), 'large')
  assert.equal(served(await chat(rig, { model: 'auto:best' }, { 'x-megarouter-models': 'small,middle' })), 'middle')
  assert.equal(served(await chat(rig, { model: 'auto:best', megarouter: { max_cost_usd: 0.005 } })), 'middle')
  assert.equal(served(await chat(rig, { model: 'small' })), 'small')
})

test('a policy of the organisation chooses among its candidates, by their conditions, under its own name too; keys and teams have defaults', async () => {
  const rig = await rigWith((data) => {
    three(data)
    data.routing = [{ ...plainPolicy('support', 'best'), candidates: [{ model: 'small', effort: null, when: null }, { model: 'large', effort: null, when: 'request.has_tools == true' }] }]
  })
  teach(rig, 'large', 1)
  teach(rig, 'small', 0.3)
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]
  assert.equal(served(await chat(rig, { model: 'auto:support' })), 'small')
  assert.equal(served(await chat(rig, { model: 'support', tools })), 'large')
  rig.publish((data) => { data.aliases = [{ name: 'support', strategy: 'ordered', targets: [{ model: 'middle', weight: 1 }] }] })
  assert.equal(served(await chat(rig, { model: 'support' })), 'middle')
  const { text } = rig.addKey({ policy: 'support' })
  const own = await chat(rig, { model: 'auto' }, { authorization: `Bearer ${text}` })
  assert.equal(own.headers.get('x-megarouter-route'), 'auto:support')
  const unknown = await chat(rig, { model: 'auto:suport' })
  assert.equal(unknown.status, 404)
  assert.match(unknown.text, /no routing policy \\"suport\\".*support/)
})

test('an effort is an arm of its own: it is what the vendor is asked for, unless the request says how much to think', async () => {
  const rig = await rigWith((data) => {
    three(data)
    data.routing = [{ ...plainPolicy('thinking', 'best'), candidates: [{ model: 'middle', effort: 'low', when: null }, { model: 'middle', effort: 'high', when: null }] }]
  })
  teach(rig, 'middle@low', 0.3)
  teach(rig, 'middle@high', 1)
  const asked = (): unknown => (JSON.parse(rig.upstream.log.at(-1)!.body.toString()) as { reasoning_effort?: string }).reasoning_effort
  const answer = await chat(rig, { model: 'auto:thinking' })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(asked(), 'high')
  assert.equal((await decided(rig, 1))[0]!.served, 'middle@high')
  await chat(rig, { model: 'auto:thinking', reasoning_effort: 'minimal' })
  assert.equal(asked(), 'minimal')
  await chat(rig, { model: 'middle' })
  assert.equal(asked(), undefined)
  const streamed = await chat(rig, { model: 'auto:thinking', stream: true, megarouter: { models: ['middle'] } })
  assert.match(streamed.text, /\[DONE\]/)
  assert.equal(asked(), 'high')
})

test('what a budget has left removes models that cost more; where none fits the budget itself refuses', async () => {
  const rig = await rigWith()
  teach(rig, 'large', 1)
  teach(rig, 'middle', 0.5)
  teach(rig, 'small', 0.4)
  const as = (limitNano: number): Record<string, string> => ({ authorization: `Bearer ${rig.addKey({ id: `key_${limitNano}`, budget: { limitNano, period: 'day', mode: 'strict' } }).text}` })
  const body = { model: 'auto:best', max_tokens: 50 }
  assert.equal(served(await chat(rig, body, as(1e9))), 'large')
  const key = as(1_500_000)
  // What a budget has left is known from its first use on.
  assert.equal((await chat(rig, { ...body, model: 'small', max_tokens: 1 }, key)).status, 200)
  const little = await chat(rig, body, key)
  assert.equal(little.status, 200, little.text)
  assert.equal(served(little), 'middle')
  const decisions = await decided(rig, 3)
  assert.deepEqual(decisions[1]!.record.removed.map(({ filters, arms }) => [reasonsOf(filters), arms]), [[['budget'], ['large']]])
  const none = await chat(rig, body, as(1_000))
  assert.equal(none.status, 402, none.text)
  assert.match(none.text, /budget_exceeded/)
})

test('what no model can meet is 400 with each reason and whom it removes; where all only rest it is 503 with retry-after', async () => {
  const rig = await rigWith()
  const dear = await chat(rig, { model: 'auto', megarouter: { max_cost_usd: 1e-9, models: ['small', 'large'] } })
  assert.equal(dear.status, 400)
  const { error } = JSON.parse(dear.text) as { error: { code: string; message: string } }
  assert.equal(error.code, 'no_candidate')
  assert.match(error.message, /asks for: large, small would cost/)
  assert.match(error.message, /max_cost_usd/)
  const nobody = await chat(rig, { model: 'auto' , megarouter: { models: ['nobody'] } })
  assert.match(nobody.text, /not among the candidates/)
  const { health } = rig.gateway.tools
  const view = rig.snapshot().organisations.get('org_test')!
  const now = rig.gateway.admission.ledger && performance.now()
  for (const [deployment] of view.declared.values()) for (let at = 0; at < 50; at++) {
    const visit = health.enter(deployment!.identity, false, now)
    if (visit !== null) health.done(visit, 'server', now)
  }
  await new Promise((resolve) => setTimeout(resolve, 120))
  const resting = await chat(rig, { model: 'auto' })
  assert.equal(resting.status, 503, resting.text)
  assert.ok(Number(resting.headers.get('retry-after')) >= 1)
  const embedding = await fetch(`${rig.url}/v1/embeddings`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'auto', input: 'x' }) })
  assert.equal(embedding.status, 400)
  assert.match(await embedding.text(), /Name a model/)
})

test('a model that fails is followed by the next one, elsewhere; its failure says nothing of its quality', async () => {
  const rig = await rigWith((data) => {
    three(data)
    data.deployments[0]!.upstreamModel = 'status-500'
  })
  teach(rig, 'large', 1)
  teach(rig, 'middle', 0.6)
  teach(rig, 'small', 0.2)
  const { router } = rig.gateway.routing.of(rig.snapshot().organisations.get('org_test')!)
  const understanding = router.understander.understand('hi')
  const before = router.find('large')!.quality.mean(understanding)
  const answer = await chat(rig, { model: 'auto:best' })
  assert.equal(answer.status, 200, answer.text)
  assert.notEqual(served(answer), 'large')
  const [row] = await rig.recorded(1)
  assert.deepEqual(row!.attempts.map(({ model }) => model), ['large', served(answer)])
  assert.equal(router.find('large')!.quality.mean(understanding), before)
})

test('a session keeps its model, and a tool loop never changes it', async () => {
  const rig = await rigWith()
  teach(rig, 'large', 0.9)
  teach(rig, 'middle', 0.5)
  teach(rig, 'small', 0.5)
  const first = [{ role: 'system', content: 'You are a robot.' }, { role: 'user', content: 'hi' }]
  assert.equal(served(await chat(rig, { model: 'auto:best', messages: first })), 'large')
  await rig.recorded(1)
  teach(rig, 'middle', 1, 300)
  const second = [...first, { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'c1', content: '4' }]
  const loop = await chat(rig, { model: 'auto:best', messages: second })
  assert.equal(served(loop), 'large')
  assert.equal(loop.headers.get('x-megarouter-route'), 'auto:best+tool_loop')
  assert.equal(served(await chat(rig, { model: 'auto:best', messages: [{ role: 'user', content: 'hi' }] })), 'middle')
})

test('a new model is on trial and on record, one that needs approval gets nothing, and a price cut is used at once', async () => {
  const rig = await rigWith(three, { draw: () => 0 })
  const { routing } = rig.gateway
  teach(rig, 'large', 0.9)
  teach(rig, 'middle', 0.5)
  teach(rig, 'small', 0.1)
  rig.publish((data) => { data.deployments.push(declared('newcomer', 'c', 'echo-5', 0.5)) })
  await chat(rig, { model: 'auto:best' })
  assert.deepEqual(rig.routed.steps.map(({ arm, from, to }) => [arm, from, to]), [['newcomer', 'none', 'candidate']])
  assert.match(rig.routed.steps[0]!.reason, /\$0\.5000 and \$2\.00 per million/)
  const tried = (await Promise.all(Array.from({ length: 5 }, () => chat(rig, { model: 'auto:best' })))).map(served)
  assert.ok(tried.includes('newcomer'), tried.join())
  rig.publish((data) => { data.newModels = 'approval' })
  const waiting = (await Promise.all(Array.from({ length: 5 }, () => chat(rig, { model: 'auto:best' })))).map(served)
  assert.ok(!waiting.includes('newcomer'), waiting.join())
  assert.ok(routing.approve('org_test', 'newcomer', 'usr_ada'))
  assert.ok(routing.reject('org_test', 'newcomer', 'usr_ada'))
  rig.publish((data) => { data.deployments.find(({ model }) => model === 'newcomer')!.price = price(0.01) })
  await chat(rig, { model: 'auto:best' })
  assert.deepEqual(rig.routed.steps.slice(1).map(({ from, to, actor }) => [from, to, actor]), [['candidate', 'candidate', 'usr_ada'], ['candidate', 'rejected', 'usr_ada'], ['rejected', 'candidate', 'router']])
  const costs = (await decided(rig, 1)).map(({ record }) => record.candidates.find(({ arm }) => arm === 'large')!.costNano)
  rig.publish((data) => { data.deployments.find(({ model }) => model === 'large')!.price = price(1) })
  await chat(rig, { model: 'auto:best' })
  rig.gateway.routing.flush()
  const cut = stored(rig).at(-1)!.record.candidates.find(({ arm }) => arm === 'large')!.costNano
  assert.ok(Math.abs(cut / costs.at(-1)! - 0.1) < 0.03, `${cut} ${costs.at(-1)}`)
  assert.match(rig.routed.steps.at(-1)!.reason, /price changed from \$10\.00 .* to \$1\.00/)
  routing.restore([])
  routing.save(true)
  assert.deepEqual(rig.routed.arms.map(({ arm }) => arm).sort(), ['large', 'middle', 'newcomer', 'small'])
})

test('what was learned is taken over by the next process, and feedback on an old decision still teaches', async () => {
  const before = await rigWith()
  teach(before, 'small', 1, 200)
  await chat(before, { model: 'auto:cheap' })
  await decided(before, 1)
  before.gateway.routing.restore([])
  before.gateway.routing.save(true)
  const rig = await rigWith()
  rig.gateway.routing.restore(before.routed.arms)
  const { router } = rig.gateway.routing.of(rig.snapshot().organisations.get('org_test')!)
  const { outcomes } = router.find('small')!.quality
  assert.equal(outcomes, 200)
  assert.ok(rig.gateway.routing.learn('org_test', { decision: before.routed.decisions[0]!.body }, true))
  assert.equal(router.find('small')!.quality.outcomes, 201)
  assert.equal(rig.gateway.routing.learn('org_test', { decision: null }, true), false)
})
