/** Several organisations behind one gateway: same names everywhere, and nothing in common but the process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noRateLimit, type OrganisationSnapshot } from '../../src/gateway/snapshot.ts'
import { effectiveOfKey, explainOfKey } from '../../src/gateway/explain.ts'
import { systemClock } from '../../src/clock.ts'
import { chat, providerAt, startRig, testPrices, type Rig } from './harness.ts'
import { policy } from './rows.ts'

const priced = { version: 'b', base: testPrices, tiers: [] }

function tenant(rig: Rig, change: Partial<OrganisationSnapshot> = {}): OrganisationSnapshot {
  const provider = providerAt('up', rig.upstream.url, {}, ['sk-of-b'])
  return {
    id: 'org_b', name: 'B', timeZone: 'Asia/Tokyo', budget: null, rateLimit: noRateLimit, unknownPrice: 'allow', storesContent: false,
    providers: [{ ...provider, credentials: [{ ...provider.credentials[0]!, id: 'cred-b' }] }],
    deployments: [{ id: 'shared', model: 'shared', provider: 'up', upstreamModel: 'echo-7', price: priced, priceAs: null }],
    aliases: [{ name: 'fast', strategy: 'ordered', targets: [{ model: 'up/echo-4', weight: 1 }] }],
    ...change,
  }
}

/** Organisation A (`org_test`) and B: a provider, alias, declared model of the same name in both; `only-a` and provider `alone` in A. */
async function startTwo(change: Partial<OrganisationSnapshot> = {}): Promise<{ rig: Rig; b: string; keyOfB: string }> {
  const rig = await startRig({ providers: ({ url }) => [providerAt('alone', url, {}, ['sk-alone'])] })
  rig.publish((organisation, data) => {
    organisation.deployments.push(
      { id: 'shared', model: 'shared', provider: 'up', upstreamModel: 'echo-9', price: null, priceAs: null },
      { id: 'only-a', model: 'only-a', provider: 'up', upstreamModel: 'echo-2', price: null, priceAs: null })
    organisation.aliases = [{ name: 'fast', strategy: 'ordered', targets: [{ model: 'up/echo-3', weight: 1 }] }, { name: 'of-a', strategy: 'ordered', targets: [{ model: 'up/echo-3', weight: 1 }] }]
    organisation.lists = [{ provider: 'up', unknown: ['listed-a'], missing: null }]
    data.organisations.push(tenant(rig, change))
    data.settings.soleOrg = null
  })
  const { text, entry } = rig.addKey({ org: 'org_b' })
  return { rig, b: text, keyOfB: entry.id }
}

const as = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })
const idsOf = async (rig: Rig, key: string): Promise<string[]> =>
  ((await (await fetch(`${rig.url}/v1/models`, { headers: as(key) })).json()) as { data: { id: string; owned_by: string }[] }).data.filter(({ owned_by: owner }) => owner !== 'megarouter').map(({ id }) => id).sort()
const refusal = (text: string): { code: string; message: string } => (JSON.parse(text) as { error: { code: string; message: string } }).error

test('the same name is each organisation’s own model, at its own provider, paid with its own credential', async () => {
  const { rig, b } = await startTwo()
  for (const model of ['shared', 'fast', 'up/echo-6']) {
    for (const key of [rig.key, b]) assert.equal((await chat(rig, { model }, as(key))).status, 200)
  }
  const arrived = rig.upstream.log.map(({ model, headers }) => [model, headers['authorization']])
  assert.deepEqual(arrived, [
    ['echo-9', 'Bearer sk-test-secret'], ['echo-7', 'Bearer sk-of-b'], ['echo-3', 'Bearer sk-test-secret'], ['echo-4', 'Bearer sk-of-b'], ['echo-6', 'Bearer sk-test-secret'], ['echo-6', 'Bearer sk-of-b'],
  ])
  const records = await rig.recorded(6)
  assert.deepEqual(records.map(({ org, attempts }) => [org, attempts[0]?.upstreamModel]).sort(), [['org_b', 'echo-4'], ['org_b', 'echo-6'], ['org_b', 'echo-7'], ['org_test', 'echo-3'], ['org_test', 'echo-6'], ['org_test', 'echo-9']])
})

test('what only another organisation has is not there, and no refusal names it', async () => {
  const { rig, b } = await startTwo()
  for (const [model, code] of [['only-a', 'model_not_found'], ['of-a', 'model_not_found'], ['alone/echo-3', 'model_not_found'], ['priced', 'model_not_found'], ['only', 'model_not_found']] as const) {
    const { status, text } = await chat(rig, { model }, as(b))
    assert.deepEqual([status >= 400, refusal(text).code], [true, code], text)
    assert.doesNotMatch(refusal(text).message.replace(`"${model}"`, ''), /only-a|of-a|priced|alone|listed-a/)
    assert.equal((await fetch(`${rig.url}/v1/models/${model}`, { headers: as(b) })).status, 404)
  }
  assert.equal(rig.upstream.log.length, 0)
  assert.deepEqual([await idsOf(rig, rig.key), await idsOf(rig, b)], [['fast', 'of-a', 'only-a', 'priced', 'shared', 'up/listed-a'], ['fast', 'shared']])
})

test('an organisation that the gateway does not know (yet) has nothing', async () => {
  const { rig } = await startTwo()
  const { text } = rig.addKey({ org: 'org_new' })
  assert.deepEqual([refusal((await chat(rig, { model: 'shared' }, as(text))).text).code, await idsOf(rig, text)], ['model_not_found', []])
})

test('a deployment that fails for one organisation stays in use for the others', async () => {
  const { rig, b } = await startTwo()
  const model = 'up/echo-3+status:500'
  const { health } = rig.gateway.tools
  for (let i = 0; i < 20 && health.state(`org_test/${model}`, performance.now()) !== 'open'; i++) await chat(rig, { model })
  assert.deepEqual([health.state(`org_test/${model}`, performance.now()), health.state(`org_b/${model}`, performance.now())], ['open', 'closed'])
  const before = rig.upstream.log.length
  await chat(rig, { model }, as(b))
  assert.ok(rig.upstream.log.length > before, 'the request of the other organisation was sent')
})

test('unknown prices and storing of content follow the settings of the organisation of the key', async () => {
  const { rig, keyOfB, b } = await startTwo({ unknownPrice: 'block', storesContent: true, budget: { limitNano: 1e12, period: 'month', mode: 'strict' } })
  rig.publish((organisation) => { organisation.budget = { limitNano: 1e12, period: 'month', mode: 'standard' } })
  assert.equal((await chat(rig, { model: 'only-a' })).status, 200)
  assert.equal(refusal((await chat(rig, { model: 'up/echo-6' }, as(b))).text).code, 'price_unknown')
  assert.equal((await chat(rig, { model: 'shared', max_tokens: 50 }, as(b))).status, 200)
  const records = await rig.recorded(3)
  assert.deepEqual(records.map(({ org, outcome, content }) => [org, outcome, content !== null]).sort(), [['org_b', 'refused', true], ['org_b', 'success', true], ['org_test', 'success', false]])
  assert.equal((await effectiveOfKey(rig.gateway, rig.snapshot(), keyOfB, Date.now()))?.budgets[0]?.timeZone, 'Asia/Tokyo')
})

test('explained and refused by policies within one organisation', async () => {
  const { rig, b, keyOfB } = await startTwo()
  const explain = (model: string) => explainOfKey(rig.gateway, rig.snapshot(), { key: keyOfB, model }, systemClock)
  assert.deepEqual((await explain('shared'))?.candidates.map(({ deployment, provider }) => [deployment, provider]), [['shared', 'up']])
  assert.equal((await explain('only-a'))?.code, 'model_not_found')
  rig.govern({ ...policy('pol_b', 'org', 'org_b', [{ effect: 'deny', models: ['shared'] }]), org: 'org_b' })
  const denied = refusal((await chat(rig, { model: 'shared' }, as(b))).text)
  assert.equal(denied.code, 'policy_denied')
  assert.doesNotMatch(denied.message, /only-a|priced|echo-9/)
  assert.equal((await chat(rig, { model: 'shared' })).status, 200)
})

test('a suspended organisation is refused, and no other is', async () => {
  const { rig, b } = await startTwo({ isSuspended: true })
  assert.match(refusal((await chat(rig, { model: 'shared' }, as(b))).text).message, /organisation B is suspended/)
  assert.equal((await fetch(`${rig.url}/v1/models`, { headers: as(b) })).status, 401)
  assert.equal((await chat(rig, { model: 'shared' })).status, 200)
})
