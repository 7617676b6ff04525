import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Key, Measures, Provider, Settings, Status } from '../../api-types.ts'
import { attention } from './attention.ts'

const now = Date.parse('2026-11-19T12:00:00Z')
const quiet: Status = {
  complete: true,
  version: '1',
  started_at: '',
  uptime_s: 1,
  node: '',
  database: { kind: 'sqlite', up: true, queued: 3, dropped: 0 },
  config: { file: 'megarouter.yaml', managed: 1, loaded_at: null, error: null },
  problems: [],
  catalog_version: '',
  providers_on: 1,
  health: [],
}
const key = (more: Partial<Key>): Key => ({
  id: 'key_1',
  name: 'ci',
  prefix: 'mr-',
  last4: 'abcd',
  status: 'active',
  models: null,
  budget: null,
  rate_limit: null,
  expires_at: null,
  created_at: '',
  last_used_at: null,
  node: { kind: 'organisation', id: 'org_1', name: 'Acme' },
  user: null,
  service_account: null,
  priority: 'standard',
  tags: [],
  ip_allow: null,
  routing_policy: null,
  previous_until: null,
  spent_month_nano: 0,
  requests_month: 7,
  version: 1,
  managed_by: 'api',
  ...more,
})
const provider = (requests: number, failures: number): Provider => ({
  id: 'groq',
  vendor: 'groq',
  name: 'Groq',
  base_url: '',
  enabled: true,
  simulated: false,
  managed_by: 'api',
  credentials: [],
  models: null,
  models_count: 1,
  last_success_at: null,
  requests_24h: requests,
  failures_24h: failures,
  version: 1,
})
const run = (more: Partial<Parameters<typeof attention>[0]>) =>
  attention({ now, day: undefined, providers: [], keys: [], organisation: undefined, status: quiet, simulated: false, ...more }).map((item) => `${item.tone}: ${item.title}`)

const budget = (spent_nano: number, mode: 'strict' | 'soft' = 'strict'): NonNullable<Key['budget']> => ({
  limit_nano: 10e9,
  spent_nano,
  period: 'month',
  mode,
  resets_at: null,
  blocked: mode === 'strict' && spent_nano >= 10e9,
})
const organisation = (spentUsd: number, mode: 'strict' | 'soft' = 'strict') => ({ organisation: 'ACME', budget: budget(spentUsd * 1e9, mode) }) as Settings

test('a healthy gateway needs nothing', () => {
  assert.deepEqual(
    run({
      providers: [provider(1000, 4), provider(100_000, 90)],
      keys: [key({ budget: { limit_nano: 10, spent_nano: 7, period: 'month', mode: 'strict', resets_at: null, blocked: false } })],
      organisation: organisation(7),
    }),
    [],
  )
})
test('budgets near or over their limit and keys near their end are named, the worst first', () => {
  assert.deepEqual(
    run({
      keys: [
        key({ budget: budget(8e9) }),
        key({ id: 'key_2', name: 'bot', budget: budget(10e9) }),
        key({ id: 'key_3', name: 'old', expires_at: '2026-11-21T12:00:00Z' }),
        key({ id: 'key_4', status: 'revoked', expires_at: '2026-11-01T00:00:00Z' }),
      ],
    }),
    ['bad: bot has used its budget', 'warn: ci has used 80.0 % of its budget', 'warn: old expires in 2 d 0 h'],
  )
})
test('the budget of the organisation counts like that of a key; a soft one that is passed warns and refuses nothing', () => {
  assert.deepEqual(run({ organisation: organisation(10), keys: [key({ budget: budget(12e9, 'soft') })] }), [
    'bad: ACME has used its budget',
    'warn: ci has used its budget',
  ])
  const [soft] = attention({ now, day: undefined, providers: [], keys: [], organisation: organisation(11, 'soft'), status: quiet, simulated: false })
  assert.equal(soft?.text, '$11.00 of $10.00 this month. It is soft: requests go on.')
})
test('failing providers, a dead database, a bad file and unpriced traffic are told with their numbers', () => {
  const status: Status = {
    ...quiet,
    database: { kind: 'sqlite', up: false, queued: 12, dropped: 0 },
    config: { ...quiet.config, error: 'line 4: unknown key' },
  }
  assert.deepEqual(run({ status, providers: [provider(1000, 310)], day: { unpriced_requests: 3 } as Measures, simulated: true }), [
    'bad: The database does not answer',
    'bad: megarouter.yaml is not in force',
    'bad: Groq fails on 31.0 % of attempts',
    'warn: 3 requests without a price',
    'accent: Only the simulated provider is on',
  ])
})
