/** Routing policies in the admin API, and what names them: keys, teams, settings. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { KeyEntry, OrganisationSnapshot } from '../../src/gateway/snapshot.ts'
import { plainPolicy } from '../../src/routing/policy-data.ts'
import { startRig, type Answer, type Rig } from './rig.ts'

let rig: Rig
before(async () => {
  rig = await startRig({
    variables: { OPENAI_API_KEY: 'sk-environment' },
    config: 'aliases:\n  quick: { targets: [openai/any] }\n  fast: { targets: [openai/any] }\ndeployments:\n  - { model: house-model, provider: openai, upstream_model: house }\nrouting:\n  policies:\n    - { name: from-file, base: cheap }\n',
  })
})
after(() => rig.stop())

const create = (body: object, query = ''): Promise<Answer> => rig.call('POST', `/routing/policies${query}`, { body })
const code = ({ status, body }: Answer): [number, string] => [status, body.error?.code]
const snapshot = (): OrganisationSnapshot => rig.posts.findLast((each) => each.kind === 'snapshot')!.snapshot.organisations[0]!
const published = (name: string) => snapshot().routing!.find((each) => each.name === name)
const publishedKey = (id: string): KeyEntry | undefined => rig.posts.flatMap((each) => (each.kind === 'keys' ? each.entries : [])).findLast((each) => each.id === id)

describe('routing policies', () => {
  test('201: stored, published with the fields of the data plane, shown with what its base decides', async () => {
    const body = {
      name: 'agents', base: 'cheap', candidates: [{ model: 'gpt-4.1' }, { model: 'house-model', effort: 'high', when: 'request.input_tokens > 1000' }, { model: 'openai/anything' }], tolerance: 0.2, min_quality: 0.6, max_cost_usd: '0.025', max_latency_ms: 30_000,
      sticky: false, explore_share: 0, hedge: { max_spend: 0.06 }, cache: { ttl_seconds: 300 },
    }
    const answer = await create(body)
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual(published('agents'), {
      ...plainPolicy('agents', 'cheap'), tolerance: 0.2, minQuality: 0.6, maxCostNano: 25_000_000, maxLatencyMs: 30_000, sticky: false, exploreShare: 0, hedge: { maxSpend: 0.06 }, cache: { ttlS: 300 },
      candidates: [{ model: 'gpt-4.1', effort: null, when: null }, { model: 'house-model', effort: 'high', when: 'request.input_tokens > 1000' }, { model: 'openai/anything', effort: null, when: null }],
    })
    const { effective, max_cost_usd: cost, built_in: builtIn } = answer.body
    assert.deepEqual([effective.kind, effective.tolerance, effective.margin, effective.sticky, cost, builtIn], ['cheap', 0.2, 0.03, false, '0.025', false])
    const read = await rig.call('GET', '/routing/policies/agents')
    assert.deepEqual([read.body, read.headers.etag], [answer.body, answer.headers.etag])
  })

  test('200, 412, 204, 404: changed with null as its base, changed on an old version, deleted, gone', async () => {
    await create({ name: 'short', cost: 1, cache: { ttl_seconds: 9 } })
    const changed = await rig.call('PATCH', '/routing/policies/short', { body: { base: 'best', cost: null, margin: 0.1 }, headers: { 'if-match': '"1"' } })
    assert.deepEqual([changed.status, changed.body.effective.cost, changed.body.margin, changed.body.cache, changed.body.version], [200, 0.002, 0.1, { ttl_seconds: 9 }, 2])
    assert.deepEqual(published('short'), { ...plainPolicy('short', 'best'), margin: 0.1, cache: { ttlS: 9 } })
    const late = await rig.call('PATCH', '/routing/policies/short', { body: { cost: 2 }, headers: { 'if-match': '"1"' } })
    assert.deepEqual([late.status, late.body.error.current.version], [412, 2])
    assert.equal((await rig.call('DELETE', '/routing/policies/short', { headers: { 'if-match': '"2"' } })).status, 204)
    assert.equal(published('short'), undefined)
    for (const method of ['GET', 'PATCH', 'DELETE']) assert.equal((await rig.call(method, '/routing/policies/short', { body: method === 'PATCH' ? {} : undefined })).status, 404)
  })

  test('built-in ones are listed and read, are not changed themselves, and one of the same name takes their place until it is deleted', async () => {
    const names = async () => ((await rig.call('GET', '/routing/policies')).body.data as { name: string; built_in: boolean }[]).filter(({ built_in: is }) => is).map(({ name }) => name)
    assert.deepEqual(await names(), ['balanced', 'cheap', 'best', 'fast'])
    assert.equal((await rig.call('GET', '/routing/policies/best')).body.effective.cost, 0.002)
    const refused = await rig.call('PATCH', '/routing/policies/best', { body: { cost: 1 } })
    assert.match(refused.body.error.message, /best is built in .* create a routing policy named best/)
    // An alias of that name does not stand in the way: the policy is called auto:fast.
    assert.equal((await create({ name: 'fast', base: 'fast', latency: 1 })).status, 201)
    assert.deepEqual(await names(), ['balanced', 'cheap', 'best'])
    assert.equal(published('fast')!.latency, 1)
    assert.equal((await rig.call('DELETE', '/routing/policies/fast')).status, 204)
    assert.deepEqual([(await names()).length, (await rig.call('DELETE', '/routing/policies/fast')).status], [4, 404])
  })

  test('422: all that is wrong is told at once, with fields, places in conditions and the nearest names', async () => {
    const answer = await create({ name: 'wrong', cost: 11, hedge: { max_spend: 2 }, candidates: [{ model: 'gpt-4.l' }, { model: 'quick' }, { model: 'auto:best' }, { model: 'gpt-4.1', when: 'request.stream ==' }, { model: 'nosuch/x' }] })
    assert.deepEqual([...code(answer), answer.body.error.param], [422, 'invalid_policy', 'cost'])
    const problems = answer.body.error.problems as { field: string; message: string; line?: number; column?: number }[]
    assert.deepEqual(problems.map(({ field }) => field), ['cost', 'hedge.max_spend', 'candidates.3.when', 'candidates.0.model', 'candidates.1.model', 'candidates.2.model', 'candidates.4.model'])
    assert.deepEqual([problems[2]!.line, problems[2]!.column], [1, 18])
    assert.match(problems[3]!.message, /no model gpt-4\.l\. Did you mean .*gpt-4\.1/)
    assert.match(problems[4]!.message, /quick is an alias: name the models/)
    assert.match(problems[5]!.message, /auto:best is no model/)
    assert.equal(published('wrong'), undefined)
    const patch = await rig.call('PATCH', '/routing/policies/agents', { body: { candidates: [{ model: 'nonesuch' }] } })
    assert.deepEqual(code(patch), [422, 'invalid_policy'])
  })

  test('400: fields that do not exist, amounts that are none, too many candidates, no candidate', async () => {
    for (const body of [{ name: 'x', weight: 1 }, { name: 'x', max_cost_usd: 0 }, { name: 'x', max_cost_usd: 'much' }, { name: 'x', candidates: [] }, { name: 'x', candidates: Array.from({ length: 201 }, () => ({ model: 'gpt-4.1' })) }, { name: 'X y' }, { name: 'x', base: 'auto' }, { name: 'auto' }, { name: 'auto:x' }]) {
      assert.deepEqual(code(await create(body)), [400, 'invalid_request'], JSON.stringify(body).slice(0, 80))
    }
  })

  test('409: names of policies, aliases, declared models; rows of the file', async () => {
    for (const name of ['agents', 'quick', 'house-model']) assert.deepEqual(code(await create({ name })), [409, 'already_exists'], name)
    assert.deepEqual(code(await rig.call('PATCH', '/routing/policies/from-file', { body: { cost: 1 } })), [409, 'managed_by_file'])
    assert.deepEqual(code(await rig.call('DELETE', '/routing/policies/from-file')), [409, 'managed_by_file'])
  })

  test('a dry run says what would be or is wrong, and stores nothing', async () => {
    const made = await create({ name: 'tried', cost: 1 }, '?dry_run=true')
    assert.deepEqual([made.status, made.body.effective.cost, published('tried')], [200, 1, undefined])
    assert.deepEqual(code(await create({ name: 'tried', cost: 99 }, '?dry_run=true')), [422, 'invalid_policy'])
    const changed = await rig.call('PATCH', '/routing/policies/agents?dry_run=true', { body: { tolerance: 0.4 } })
    assert.deepEqual([changed.status, changed.body.tolerance, published('agents')!.tolerance], [200, 0.4, 0.2])
  })

  test('an Idempotency-Key makes one policy of two requests', async () => {
    const headers = { 'idempotency-key': 'one' }
    const answers = [await rig.call('POST', '/routing/policies', { body: { name: 'once' }, headers }), await rig.call('POST', '/routing/policies', { body: { name: 'once' }, headers })]
    assert.deepEqual(answers.map(({ status, body }) => [status, body.version]), [[201, 1], [201, 1]])
  })

  test('each change is in the audit log with what was before', async () => {
    await create({ name: 'told' })
    await rig.call('PATCH', '/routing/policies/told', { body: { cost: 1 } })
    await rig.call('DELETE', '/routing/policies/told')
    const { body } = await rig.call('GET', '/audit?limit=100')
    const events = (body.data as { action: string; resource: { id: string }; before: { cost?: number } | null; after: { cost?: number } | null }[]).filter(({ resource }) => resource.id === 'told')
    assert.deepEqual(events.map(({ action, before: was, after: is }) => [action, was?.cost ?? null, is?.cost ?? null]), [['routing_policy.delete', 1, null], ['routing_policy.update', null, 1], ['routing_policy.create', null, null]])
  })
})

describe('names of routing policies', () => {
  test('no alias and no deployment may be called auto or as a policy, and no alias leads to auto', async () => {
    const alias = (name: string, model = 'gpt-4.1') => rig.call('POST', '/aliases', { body: { name, targets: [{ model }] } })
    assert.deepEqual(code(await alias('agents')), [409, 'already_exists'])
    for (const name of ['auto', 'auto:x']) assert.deepEqual(code(await alias(name)), [400, 'invalid_request'])
    assert.equal((await alias('best')).status, 201, 'built-in policies stand in nobody’s way')
    const leads = await alias('leads', 'auto:best')
    assert.deepEqual(code(leads), [422, 'unknown_target'])
    assert.match(leads.body.error.message, /cannot lead to auto:best/)
    for (const [model, want] of [['agents', 409], ['auto', 400]] as const) assert.equal((await rig.call('POST', '/deployments', { body: { model, provider: 'openai', upstream_model: 'x' } })).status, want)
  })

  test('a key names a policy that exists, is published with it, and keeps it from being deleted', async () => {
    const made = await rig.call('POST', '/keys', { body: { name: 'k', routing_policy: 'agents' } })
    assert.deepEqual([made.status, made.body.routing_policy, publishedKey(made.body.id)!.policy], [201, 'agents', 'agents'])
    const unknown = await rig.call('PATCH', `/keys/${made.body.id}`, { body: { routing_policy: 'agnts' } })
    assert.deepEqual([...code(unknown), unknown.body.error.param], [422, 'unknown_target', 'routing_policy'])
    assert.match(unknown.body.error.message, /Did you mean agents\?/)
    assert.deepEqual(code(await rig.call('DELETE', '/routing/policies/agents')), [409, 'policy_in_use'])
    for (const [policy, shown] of [['cheap', 'cheap'], [null, null]] as const) {
      const changed = await rig.call('PATCH', `/keys/${made.body.id}`, { body: { routing_policy: policy } })
      assert.deepEqual([changed.status, changed.body.routing_policy, publishedKey(made.body.id)!.policy], [200, shown, shown])
    }
  })

  test('a team names a policy that exists for those below it', async () => {
    const { body: { id } } = await rig.call('POST', '/teams', { body: { name: 'Search' } })
    const set = (body: object) => rig.call('PUT', `/teams/${id}/defaults`, { body })
    assert.deepEqual(code(await set({ policy: 'nonesuch' })), [422, 'unknown_target'])
    assert.deepEqual(code(await set({ aliases: [{ name: 'agents', strategy: 'ordered', targets: [{ model: 'gpt-4.1' }] }] })), [409, 'already_exists'])
    assert.equal((await set({ policy: 'agents' })).body.policy, 'agents')
    const row = rig.posts.flatMap((each) => (each.kind === 'governance' ? each.rows : [])).findLast((each) => each.type === 'node' && each.id === id)
    assert.equal(row?.type === 'node' && row.defaults?.policy, 'agents')
    assert.equal((await set({})).body.policy, null)
  })

  test('settings say whether new models wait for approval', async () => {
    assert.deepEqual([(await rig.call('GET', '/settings')).body.new_models, snapshot().newModels], ['automatic', 'automatic'])
    assert.equal((await rig.call('PATCH', '/settings', { body: { new_models: 'approval' } })).body.new_models, 'approval')
    assert.equal(snapshot().newModels, 'approval')
    assert.equal((await rig.call('PATCH', '/settings', { body: { new_models: 'never' } })).status, 400)
  })
})
