/** The page Why tells the gateway's verdict and nothing else: which row decided, and what the others are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effective, Explained } from '../../govern/types.ts'
import { checksOf, verdictText } from './checks.ts'

const org = { kind: 'org', id: 'org_1', name: 'Larkfield', always: true } as const
const team = { kind: 'team', id: 'team_1', name: 'Support', always: true } as const
const effective: Effective = {
  key: { id: 'key_1', name: 'prod', status: 'active', priority: 'standard', tags: ['live'], expires_at: null, models: null, ip_allow: ['10.0.0.0/8'] },
  stopped: null, path: [org, team], more: 0,
  policies: [
    { id: 'pol_1', name: 'Prices', source: org, rules: [{ effect: 'allow', class: { max_output_usd_per_million: 15 } }] },
    { id: 'pol_2', name: 'EU only', source: team, rules: [{ effect: 'deny', vendors: ['x'] }, { effect: 'allow', class: { regions: ['eu'] } }] },
  ],
  limits: [{ id: 'lim_1', name: 'Support', source: team, models: 'gpt-*', limits: { rpm: 600, tpm: null, concurrency: null, spend_nano_per_minute: null }, used: { running: 0, requests: 600, tokens: 0, spend_nano: 0 } }],
  budgets: [
    { id: 'bud_1', name: 'Support', source: team, limit_nano: 10e9, base_nano: 10e9, changes_at: null, period: 'month', time_zone: 'UTC', mode: 'strict', thresholds: [], state: { spent_nano: 9e9, held_nano: 0, free_nano: 1e9, resets_at: null, downgraded_to: null, blocked: false } },
    { id: 'bud_2', name: 'live', source: { kind: 'tag', id: 'live', name: 'live', always: false }, limit_nano: 1e9, base_nano: 1e9, changes_at: null, period: 'day', time_zone: 'UTC', mode: 'standard', thresholds: [], state: { spent_nano: 1e9, held_nano: 0, free_nano: 0, resets_at: null, downgraded_to: null, blocked: true } },
    { id: 'bud_3', name: 'other', source: { kind: 'tag', id: 'other', name: 'other', always: false }, limit_nano: 1, base_nano: 1, changes_at: null, period: 'day', time_zone: 'UTC', mode: 'standard', thresholds: [], state: null },
  ],
  defaults: { model: null, fallbacks: null, policy: null, aliases: [], providers_off: [] }, share: { id: 'team_1', weight: 1 },
}
const candidate = (refusing: string | null): Explained['candidates'][number] => ({
  deployment: 'openai/gpt-5.1', provider: 'openai', model: 'gpt-5.1', allowed: refusing === null, code: null, message: null, hold_nano: refusing === null ? 2e6 : null, input_nano: null,
  policies: [org, team].map((node) => ({ node, allowed: node.id !== refusing, rule: node.id === refusing ? 2 : 1, reason: 'its rule' })),
})
const explained = (code: string | null, candidates: Explained['candidates']): Explained => ({ allowed: code === null, code, message: code && 'why', candidates, models: [], warnings: [], downgrade: null })
const results = (answer: Explained): Record<string, string> => Object.fromEntries(checksOf(effective, answer, { key_id: 'key_1', model: 'gpt-5.1' }, 'UTC').map((check) => [check.id, check.result]))
const rest = { key: 'passed', address: 'not run', list: 'passed', provider: 'passed', pol_1: 'passed' }

test('a policy that refuses is the row that decided; what is after it would pass or would fail, and rules of other tags are left out', () => {
  const answer = explained('policy_denied', [candidate('team_1')])
  assert.deepEqual(results(answer), { ...rest, pol_2: 'decided', lim_1: 'would fail', bud_1: 'would pass', bud_2: 'would fail' })
  const checks = checksOf(effective, answer, { key_id: 'key_1', model: 'gpt-5.1' }, 'UTC')
  assert.equal(verdictText(answer, checks, 'prod', 'gpt-5.1'), 'Denied: Support may not use gpt-5.1')
  assert.equal(checks.find(({ id }) => id === 'pol_2')?.rule, 'Allow served in eu only')
})

test('a refusal by policy of which no policy knows is that of the key’s own list', () => {
  const found = results(explained('policy_denied', [{ ...candidate(null), allowed: false }]))
  assert.equal(found['list'], 'decided')
  assert.equal(found['pol_1'], 'would pass')
})

test('of several budgets the one without room decided', () => {
  const found = results(explained('budget_exceeded', [{ ...candidate(null), allowed: false }]))
  assert.deepEqual([found['bud_1'], found['bud_2']], ['passed', 'decided'])
})

test('what nobody serves, and a key that is stopped, are told as such', () => {
  const nobody = explained('model_not_found', [])
  assert.equal(results(nobody)['provider'], 'decided')
  assert.equal(verdictText(nobody, checksOf(effective, nobody, { key_id: 'key_1', model: 'x' }, 'UTC'), 'prod', 'x'), 'Denied: nobody serves x to prod')
  assert.equal(results(explained('key_disabled', []))['key'], 'decided')
})

test('what is allowed has no row that decided', () => {
  const answer = explained(null, [candidate(null)])
  assert.equal(Object.values(results(answer)).includes('decided'), false)
  assert.equal(verdictText(answer, [], 'prod', 'gpt-5.1'), 'Allowed: prod may use gpt-5.1')
})
