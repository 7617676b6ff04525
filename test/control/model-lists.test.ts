/** Vendors’ own lists of models beside the catalogue: how they are read, what follows for the data plane and the API, and what happens when they fail. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { loadCatalog } from '../../src/catalog/load.ts'
import { compareList } from '../../src/control/models/compare-list.ts'
import { parseModelList } from '../../src/control/models/parse-list.ts'
import { compileSnapshot } from '../../src/gateway/compile-snapshot.ts'
import { listModels } from '../../src/gateway/models.ts'
import type { KeyEntry, OrganisationSettings, SnapshotData } from '../../src/gateway/snapshot.ts'
import { noRateLimit, unplaced } from '../../src/gateway/snapshot.ts'
import { principalOf } from '../../src/governance/principal.ts'
import { GovernanceState } from '../../src/governance/state.ts'
import type { HealthBook } from '../../src/routing/health.ts'
import { startRig, until, type Rig } from './rig.ts'
import { json, startVendors, type Answer, type Vendors } from './vendors.ts'

const catalog = loadCatalog()
const ofDeepseek = catalog.entries.filter((entry) => entry.vendor === 'deepseek' && !entry.deprecated).map((entry) => entry.upstreamModel)
const [first = '', ...others] = ofDeepseek
const listOf = (...ids: string[]): Answer => json(200, { object: 'list', data: ids.map((id) => ({ id, object: 'model' })) })

describe('reading a list', () => {
  const cases: [name: string, body: unknown, ids: string[] | null][] = [
    ['OpenAI', { object: 'list', data: [{ id: 'gpt-5.1', object: 'model', owned_by: 'openai' }] }, ['gpt-5.1']],
    ['Together: a bare array', [{ id: 'meta-llama/Llama-4', object: 'model', type: 'chat' }], ['meta-llama/Llama-4']],
    ['GitHub: id and a name for people', [{ id: 'openai/gpt-4.1', name: 'OpenAI GPT-4.1' }], ['openai/gpt-4.1']],
    ['Google: names with a prefix', { models: [{ name: 'models/gemini-2.5-flash', displayName: 'Gemini 2.5 Flash' }] }, ['gemini-2.5-flash']],
    ['Google by its OpenAI form', { object: 'list', data: [{ id: 'models/gemini-2.5-pro' }] }, ['gemini-2.5-pro']],
    ['Fireworks: a path', { data: [{ id: 'accounts/fireworks/models/deepseek-v3' }] }, ['accounts/fireworks/models/deepseek-v3']],
    ['Ollama’s own', { models: [{ name: 'llama3:latest', model: 'llama3:latest' }] }, ['llama3:latest']],
    ['Ollama without a model', { object: 'list', data: null }, []],
    ['llama.cpp: data and models', { models: [{ name: 'ignored' }], data: [{ id: '/models/q.gguf' }] }, ['/models/q.gguf']],
    ['Mistral: other names beside', { data: [{ id: 'mistral-large-2512', aliases: ['mistral-large-latest'] }] }, ['mistral-large-2512', 'mistral-large-latest']],
    ['Cloudflare’s envelope', { success: true, result: [{ id: 'a1', name: '@cf/meta/llama' }] }, ['a1']],
    ['plain names', ['a', 'b', 'a'], ['a', 'b']],
    ['what is no id is left out', { data: [{ id: 'good' }, { id: '' }, { id: 7 }, null, { id: 'two words' }, { id: 'bell\u0007' }, { id: 'ü'.repeat(129) }, { id: 'x'.repeat(256) }] }, ['good', 'x'.repeat(256)]],
    ['an empty list', { data: [] }, []],
    ['nothing in it is an id', { data: [{}, {}] }, null], ['an error', { error: { message: 'no' } }, null], ['a word', 'hello', null], ['null', null, null], ['a number', 3, null],
  ]
  for (const [name, body, ids] of cases) test(`${name}`, () => assert.deepEqual(parseModelList(JSON.stringify(body))?.map(({ id }) => id) ?? null, ids))

  test('text that is no JSON is no list', () => assert.equal(parseModelList('<html>'), null))
  test('what the list calls an image model, or is named as one, is no text model', () => {
    const rows = [{ id: 'a', type: 'image' }, { id: 'b', type: 'language' }, { id: 'c' }, ...['gpt-image-2', 'whisper-1', 'dall-e-3', 'black-forest/flux.2', 'imagination-7b', 'veolia'].map((id) => ({ id }))]
    assert.deepEqual(parseModelList(JSON.stringify(rows))?.filter(({ text }) => text).map(({ id }) => id), ['b', 'c', 'imagination-7b', 'veolia'])
  })
  test('5,000 models at most', () => assert.equal(parseModelList(JSON.stringify(Array.from({ length: 6_000 }, (_, n) => `m${n}`)))?.length, 5_000))
})

test('a list is compared by id, whatever its case; dated names stand for undated ones; a list of something else proves no absence', () => {
  const entry = (upstreamModel: string, more: object = {}) => ({ ...catalog.entries[0]!, vendor: 'v', upstreamModel, kind: 'chat' as const, deprecated: false, ...more })
  const known = { entries: [entry('Alpha'), entry('grok-4'), entry('beta-latest'), entry('gone'), entry('old', { deprecated: true })] }
  const live = (...ids: string[]) => ids.map((id) => ({ id, text: true }))
  const compared = compareList(live('alpha', 'grok-4-0709', 'beta-2026-03-02', 'new', 'mine'), 'v', known, ['mine', 'typo', 'llama3'])
  assert.deepEqual(compared, { live: ['alpha', 'mine'], unknown: live('grok-4-0709', 'beta-2026-03-02', 'new'), missing: ['gone', 'old', 'typo', 'llama3'], partial: false })
  assert.equal(compareList(live('alpha', 'x'), 'v', known, []).partial, true)
  assert.deepEqual(compareList(live('llama3:latest'), 'own', known, ['llama3']), { live: [], unknown: live('llama3:latest'), missing: [], partial: false })
})

const keyOf = (more: Partial<KeyEntry> = {}): KeyEntry => ({
  id: 'key', version: 1, hash: new Uint8Array(32), status: 'active', name: 'k', org: 'org', team: null, project: null, user: null, models: null, budget: null, rateLimit: noRateLimit, expiresAt: null, ...unplaced, ...more,
})
const healthy = { state: () => 'closed' } as unknown as HealthBook

describe('a provider with a list', () => {
  let vendors: Vendors
  let rig: Rig
  let answer: Answer
  before(async () => {
    vendors = await startVendors()
    vendors.hosts.set('api.deepseek.com', ({ what }) => (what === 'models' ? answer : json(401, { error: { message: 'no' } })))
    answer = listOf(...ofDeepseek, 'brand-new')
    rig = await startRig({ ask: vendors.ask, variables: { DEEPSEEK_API_KEY: 'sk-environment-123456' } })
  })
  after(async () => {
    await rig.stop()
    vendors.close()
  })
  const snapshots = (): SnapshotData[] => rig.posts.flatMap((message) => (message.kind === 'snapshot' ? [message.snapshot] : []))
  const lists = () => snapshots().at(-1)?.organisations[0]?.lists?.find(({ provider }) => provider === 'deepseek')
  const summary = async () => (await rig.call('GET', '/providers/deepseek')).body.models
  const refresh = () => rig.call('POST', '/providers/deepseek/models/refresh')
  const offered = (key: KeyEntry, unknownPrice: OrganisationSettings['unknownPrice'] = 'block') => {
    const data = snapshots().at(-1)
    assert.ok(data)
    const snapshot = compileSnapshot({ ...data, organisations: data.organisations.map((each) => ({ ...each, unknownPrice })) }, catalog)
    const [view] = [...snapshot.organisations.values()]
    assert.ok(view)
    const { principal } = principalOf(key, new GovernanceState(() => {}).of(key.org), snapshot, 0)
    return listModels({ view, key, principal, health: healthy, nowMs: 0, epochMs: 0 })
  }

  test('its list is read when it is switched on, and only the difference reaches the data plane', async () => {
    await until(() => lists()?.unknown.includes('brand-new'), 'the list was read')
    assert.deepEqual([lists()?.unknown, lists()?.missing?.filter((id) => ofDeepseek.includes(id))], [['brand-new'], []])
    const { live, unknown, missing, error, partial, checked_at: at } = await summary()
    assert.deepEqual([live, unknown, missing, error, partial, typeof at], [ofDeepseek.length, 1, lists()?.missing?.length, null, false, 'string'])
  })

  test('GET /v1/models offers a model that only the list names, without a price, to the keys that may use it', () => {
    const find = (key: KeyEntry, policy?: 'allow' | 'block' | 'conservative') => offered(key, policy).find(({ id }) => id === 'deepseek/brand-new')
    assert.deepEqual([find(keyOf())?.owned_by, find(keyOf())?.megarouter.price_usd_per_million, find(keyOf())?.megarouter.listing], ['deepseek', null, 'unknown'])
    assert.ok(find(keyOf({ models: ['deepseek/*'] })) && find(keyOf({ models: ['brand-*'] })))
    assert.equal(find(keyOf({ models: [first] })), undefined)
    const hard: Partial<KeyEntry> = { budget: { limitNano: 1, period: 'month', mode: 'standard' } }
    assert.deepEqual([find(keyOf(hard), 'block'), find(keyOf(hard), 'allow')?.id], [undefined, 'deepseek/brand-new'])
  })

  test('GET /api/v1/models and the provider’s own list mark each state, and pages and filters hold', async () => {
    const unknown = (await rig.call('GET', '/models?listing=unknown')).body.data
    assert.deepEqual(unknown.map((each: { id: string }) => each.id), ['deepseek/brand-new'])
    assert.deepEqual([unknown[0].available, unknown[0].vendors[0].price, unknown[0].vendors[0].listing], [true, null, 'unknown'])
    const live = (await rig.call('GET', '/models?listing=live&vendor=deepseek')).body.data
    assert.equal(live.length > 0, true)
    const page = await rig.call('GET', '/providers/deepseek/models?limit=1')
    const rest = await rig.call('GET', `/providers/deepseek/models?limit=500&cursor=${page.body.next_cursor}`)
    const ids = [...page.body.data, ...rest.body.data].map((each: { id: string }) => each.id)
    assert.deepEqual(ids, [...new Set([...ofDeepseek, 'brand-new', ...lists()?.missing ?? []])].sort())
    const searched = (await rig.call('GET', '/providers/deepseek/models?state=unknown&search=BRAND')).body
    assert.deepEqual(searched.data, [{ id: 'brand-new', model: 'deepseek/brand-new', state: 'unknown', price: null, text: true }])
    assert.deepEqual((await rig.call('GET', '/providers/deepseek/models?state=live&search=brand')).body.data, [])
    for (const query of ['state=gone', 'limit=0', 'cursor=%21']) assert.equal((await rig.call('GET', `/providers/deepseek/models?${query}`)).status, 400, query)
    assert.equal((await rig.call('GET', '/providers/none/models')).status, 404)
  })

  test('the same list in another order is not published again', async () => {
    const before = snapshots().length
    answer = listOf('brand-new', ...ofDeepseek.toReversed())
    assert.equal((await refresh()).status, 200)
    assert.equal(snapshots().length, before)
  })

  test('a model that the vendor no longer lists is not offered, and works by name', async () => {
    answer = listOf(...others, ...others.map((id) => `${id}-x`))
    if (others.length === 0) answer = listOf('brand-new')
    await refresh()
    const { partial } = await summary()
    const names = catalog.entries.filter((entry) => entry.vendor === 'deepseek' && entry.upstreamModel === first).map((entry) => entry.logicalModel)
    assert.equal(offered(keyOf()).some(({ id }) => names.includes(id)), partial)
    assert.equal((await rig.call('GET', `/providers/deepseek/models?state=missing&search=${first}`)).body.data[0].state, 'missing')
  })

  test('a list that names almost nothing of what is known proves no absence', async () => {
    answer = listOf('something-else')
    await refresh()
    assert.deepEqual([(await summary()).partial, lists()?.missing, lists()?.unknown], [true, null, ['something-else']])
    assert.ok(offered(keyOf()).length > 1)
  })

  const failures: [string, () => Answer, RegExp][] = [
    ['404', () => json(404, { error: { message: 'no such path' } }), /DeepSeek answered with status 404: “no such path”/],
    ['429', () => json(429, { error: 'slow down' }), /status 429: “slow down”/],
    ['500', () => ({ status: 500, body: '<html>' }), /answered with status 500\.$/],
    ['401', () => json(401, { error: { message: 'Authentication Fails, key sk-environment-123456 is wrong' } }), /status 401: “Authentication Fails, key \[redacted\] is wrong”/],
    ['garbage', () => ({ status: 200, body: '<html>' }), /not with a list of models/],
    ['a redirect', () => ({ status: 307, body: '', headers: { location: vendors.url } }), /status 307/],
    ['a broken connection', () => (response) => void response.destroy(), /The connection failed/],
    ['an endless list', () => (response) => {
      const more = (): void => { while (!response.destroyed && response.write(' '.repeat(65_536))); }
      response.writeHead(200).on('drain', more)
      more()
    }, /more than is read/],
  ]
  for (const [name, fails, says] of failures) {
    test(`${name}: the last good list stays, and the failure is told`, async () => {
      answer = listOf(...ofDeepseek, 'kept')
      await refresh()
      const published = snapshots().length
      answer = fails()
      const answered = await refresh()
      assert.equal(answered.status, 200)
      assert.match(answered.body.summary.error, says)
      assert.deepEqual([answered.body.summary.unknown, snapshots().length], [1, published])
      assert.ok(rig.logged.some((line) => line.includes('The list of models of deepseek could not be read')))
      assert.ok(!rig.logged.join().includes('sk-environment-123456'))
    })
  }

  test('a credential that the vendor refuses is marked, also when nobody asked', async () => {
    answer = json(401, { error: { message: 'Authentication Fails' } })
    await refresh()
    const [credential] = (await rig.call('GET', '/providers/deepseek')).body.credentials
    assert.deepEqual([credential.check.state, credential.check.status], ['refused', 401])
    assert.match(credential.check.message, /DeepSeek refused the credential \(401\): “(no|Authentication Fails)”/)
  })

  test('a failed list is asked for again after a minute, a good one after an hour', async () => {
    answer = json(500, {})
    await refresh()
    answer = listOf(...ofDeepseek, 'after-a-failure')
    const asked = () => vendors.asked.filter((line) => line.startsWith('api.deepseek.com GET')).length
    const before = asked()
    rig.clock.advance(20_000)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    assert.equal(asked(), before)
    rig.clock.advance(3_600_000)
    await until(() => lists()?.unknown.includes('after-a-failure'), 'the list was read again')
    const good = asked()
    rig.clock.advance(40 * 60_000)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    assert.equal(asked(), good)
    rig.clock.advance(30 * 60_000)
    await until(() => asked() > good, 'a good list is read again after an hour')
  })

  test('422: there is nothing to ask of a provider that is off, or of a vendor without a list', async () => {
    vendors.hosts.set('api.perplexity.ai', () => json(401, {}))
    await rig.call('POST', '/providers', { body: { vendor: 'perplexity', credential: 'pplx-123456789', force: true } })
    const without = await rig.call('POST', '/providers/perplexity/models/refresh')
    assert.deepEqual([without.status, without.body.error.message], [422, 'Perplexity has no list of models.'])
    assert.equal((await rig.call('GET', '/providers/perplexity')).body.models, null)
    await rig.call('POST', '/providers', { body: { vendor: 'openai-compatible', id: 'off', base_url: 'https://models.example.com/v1' } })
    await rig.call('PATCH', '/providers/off', { body: { enabled: false } })
    assert.match((await rig.call('POST', '/providers/off/models/refresh')).body.error.message, /switched off/)
  })
})

test('with MEGAROUTER_MODEL_LISTS=off a vendor is asked only when the operator asks', async () => {
  const vendors = await startVendors()
  vendors.hosts.set('api.deepseek.com', () => listOf('brand-new'))
  const rig = await startRig({ ask: vendors.ask, variables: { DEEPSEEK_API_KEY: 'sk-1', MEGAROUTER_MODEL_LISTS: 'off' } })
  try {
    rig.clock.advance(7_200_000)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    assert.deepEqual(vendors.asked, [])
    assert.equal((await rig.call('POST', '/providers/deepseek/models/refresh')).body.summary.unknown, 1)
  } finally {
    await rig.stop()
    vendors.close()
  }
})

test('a stop ends a question that is under way', async () => {
  const vendors = await startVendors()
  vendors.hosts.set('api.deepseek.com', () => () => undefined)
  const rig = await startRig({ ask: vendors.ask, variables: { DEEPSEEK_API_KEY: 'sk-1' } })
  await until(() => vendors.asked.length > 0, 'the vendor is asked')
  // The vendor never answers: a stop that waited for it would not end.
  await rig.stop()
  vendors.close()
})
