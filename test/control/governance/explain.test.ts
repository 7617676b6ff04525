import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Effective } from '../../../src/governance/effective.ts'
import type { Explained } from '../../../src/governance/explain-request.ts'
import type { FromControl } from '../../../src/threads/messages.ts'
import { until } from '../rig.ts'
import { startWorld, told, type World } from './world.ts'

let world: World
let team: string
let key: string
before(async () => {
  world = await startWorld()
  team = await world.team('Search')
  key = await world.key('App', team)
})
after(() => world.stop())

type Question = Extract<FromControl, { kind: 'effective' | 'explain' }>
/** What the control plane asks the data plane next. */
async function asked(): Promise<Question> {
  const before = world.rig.posts.length
  return until(() => world.rig.posts.slice(before).find((post): post is Question => post.kind === 'effective' || post.kind === 'explain'), 'a question to the data plane')
}

const effective = (): Effective => ({
  key: { id: key, name: 'App', status: 'active', models: null, ipAllow: null, tags: [], expiresAt: null, priority: 'standard' }, stopped: null, path: [{ kind: 'team', id: team, name: 'Search', always: true }],
  budgets: [{
    id: 'bud_a', source: { kind: 'team', id: team, name: 'Search', always: true }, name: 'Monthly', limitNano: 12, baseNano: 10, changesAtMs: 1_800_000_000_000, period: 'month', timeZone: 'UTC', mode: 'strict', thresholds: [{ share: 0.5, actions: [{ kind: 'warn' }] }],
    state: { spentNano: 12, heldNano: 1, freeNano: 0, resetsAtMs: null, inForce: { alias: null, blocked: false, share: 0 } },
  }],
  limits: [{ id: 'lim_a', source: { kind: 'model', id: 'gpt-4o', name: 'gpt-4o', always: false }, name: 'Slow', models: null, limits: { rpm: 5, tpm: null, concurrency: null, spendNano: null }, used: { running: 1, requests: 2, tokens: 0, spendNano: 0 } }],
  policies: [{ id: 'pol_a', source: { kind: 'org', id: world.org, name: 'We', always: true }, name: 'Cheap', rules: [{ effect: 'allow', class: { maxInputUsdPerMillion: 2 } }] }],
  defaults: { model: 'fast', fallbacks: null, policy: 'cheap', aliases: ['fast'], providersOff: [] }, share: { team, name: 'team Search', weight: 3 }, more: 0,
})

test('GET /keys/{id}/effective 200: each budget, limit and policy with its source and state, in the words of the API', async () => {
  const question = asked()
  const answer = world.get(`/keys/${key}/effective`)
  const { id, kind } = await question
  assert.equal(kind, 'effective')
  world.rig.control.receive({ kind: 'effective', id, effective: effective() })
  const { status, body } = await answer
  assert.equal(status, 200)
  assert.deepEqual([body.budgets[0].limit_nano, body.budgets[0].base_nano, body.budgets[0].changes_at, body.budgets[0].state], [12, 10, '2027-01-15T08:00:00.000Z', { spent_nano: 12, held_nano: 1, free_nano: 0, resets_at: null, downgraded_to: null, blocked: true }])
  assert.deepEqual([body.limits[0].used.requests, body.limits[0].source.always, body.policies[0].rules, body.share], [2, false, [{ effect: 'allow', class: { max_input_usd_per_million: 2 } }], { id: team, weight: 3 }])
})

test('POST /explain 200: asked with what is known alone, answered with the rule that decides', async () => {
  const question = asked()
  const answer = world.post('/explain', { key_id: key, model: 'gpt-4o', tags: ['nightly'], max_output_tokens: null })
  const sent = await question
  assert.deepEqual(sent.kind === 'explain' && sent.ask, { key, model: 'gpt-4o', capability: 'chat', tags: ['nightly'], maxOutputTokens: null })
  const node = { kind: 'team' as const, id: team, name: 'Search', askWhom: null }
  const explained: Explained = {
    allowed: false, code: 'policy_denied', message: 'Team Search does not allow it.', models: ['o3'], warnings: [], downgrade: null,
    candidates: [{ deployment: 'openai/gpt-4o', provider: 'openai', model: 'gpt-4o', allowed: false, code: 'policy_denied', message: 'no', policies: [{ node, allowed: false, rule: 2, reason: 'its rule 2 denies it' }], holdNano: null, inputNano: null }],
  }
  world.rig.control.receive({ kind: 'explain', id: sent.id, explained })
  const { status, body } = await answer
  assert.deepEqual([status, body.code, body.models, body.candidates[0].policies, body.candidates[0].hold_nano], [200, 'policy_denied', ['o3'], [{ node: { kind: 'team', id: team, name: 'Search' }, allowed: false, rule: 2, reason: 'its rule 2 denies it' }], null])
})

test('503 while the data plane is silent; 404 for a key that is not there; 403 for one of others; 400 for what is no question', async () => {
  const silent = await world.get(`/keys/${key}/effective`)
  assert.deepEqual([...told(silent), silent.headers['retry-after']], [503, 'data_plane_silent', '1'])
  assert.equal((await world.get('/keys/key_none/effective')).status, 404)
  assert.equal((await world.post('/explain', { key_id: 'key_none' })).status, 404)
  assert.deepEqual(told(await world.post('/explain', { key_id: key, modle: 'x' })), [400, 'invalid_request'])
  const { session } = await world.person('Else', { [await world.team('Else')]: 'developer' })
  assert.deepEqual(told(await world.get(`/keys/${key}/effective`, session)), [403, 'forbidden'])
  assert.deepEqual(told(await world.post('/explain', { key_id: key }, session)), [403, 'forbidden'])
})
