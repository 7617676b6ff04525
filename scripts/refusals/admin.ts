/** Refusals of the admin API: who may not, what is not there, what collides, and what cannot be. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createKey } from '../../src/governance/key-format.ts'
import type { Refused, Stage } from './stage.ts'

const api = '/api/v1'

export async function adminRefusals(stage: Stage): Promise<void> {
  await rights(stage)
  await missing(stage)
  await collisions(stage)
  await impossible(stage)
  await malformed(stage)
  await outside(stage)
  await busy(stage)
}

export type AskAdmin = (refused: Omit<Refused, 'as'>) => Promise<void>
export const asker = (stage: Stage, as: string | null): AskAdmin => ({ path, ...more }) => stage.refused({ ...more, as, path: `${api}${path}` })

async function rights(stage: Stage): Promise<void> {
  const { engineering, search, ranker } = stage.ids
  await asker(stage, null)({ title: 'Nobody', status: 401, code: 'unauthenticated', method: 'GET', path: '/keys' })
  await asker(stage, createKey(undefined, 'mrt-'))({ title: 'A token that nobody has', status: 401, code: 'unauthenticated', method: 'GET', path: '/keys' })
  const developer = asker(stage, await stage.tokenOf('Pipeline', 'developer', search, ['keys:read', 'keys:write', 'budgets:read']))
  await developer({ title: 'A right that the role does not have', note: 'As a developer of the team Search.', status: 403, code: 'forbidden', path: '/teams', body: { name: 'Ads', parent_id: search } })
  await developer({ title: 'A place that the role does not reach', note: 'As a developer of the team Search, at the team above it.', status: 403, code: 'forbidden', path: '/keys', body: { name: 'mine', node_id: engineering } })
  const lead = await stage.tokenOf('Search desk', 'team_lead', search, ['teams:read', 'budgets:read', 'budgets:write', 'members:write', 'members:read', 'keys:read'])
  const asLead = asker(stage, lead)
  await asLead({ title: 'The own budget of a team', note: 'As the lead of the team Search.', status: 403, code: 'forbidden', path: '/budgets', body: { subject: { kind: 'team', id: search }, limit_usd: 100, period: 'month' } })
  await asLead({ title: 'A role that holds more than one’s own', note: 'As the lead of the team Search.', status: 403, code: 'forbidden', path: '/memberships', body: { principal: { kind: 'user', id: stage.ids.ada }, node_id: ranker, role: 'admin' } })
  const narrow = asker(stage, await stage.tokenOf('Search report', 'team_lead', search, ['keys:read']))
  await narrow({ title: 'A token with fewer scopes than its owner has rights', note: 'As the lead of the team Search, with a token for keys:read.', status: 403, code: 'forbidden', path: '/keys', body: { name: 'mine', node_id: search } })
}

async function missing(stage: Stage): Promise<void> {
  const admin = asker(stage, stage.gateway.adminToken)
  await admin({ title: 'A route that there is not', status: 404, code: 'not_found', method: 'GET', path: '/groups' })
  await admin({ title: 'A key that is not there', status: 404, code: 'not_found', method: 'GET', path: '/keys/key_01m822qancfmhakfpnt5q2z265' })
  const other = await stage.set<{ id: string }>('POST', '/organisations', { name: 'Other' })
  const { id } = await stage.gateway.createKey({ name: 'ours' })
  await admin({ title: 'A key of another organisation', note: 'The same answer as for a key that is not there.', status: 404, code: 'not_found', method: 'GET', path: `/keys/${id}`, headers: { 'x-megarouter-organisation': other.id } })
}

async function collisions(stage: Stage): Promise<void> {
  const { engineering, search, ada } = stage.ids
  const admin = asker(stage, stage.gateway.adminToken)
  await admin({ title: 'A name that is taken', status: 409, code: 'already_exists', path: '/teams', body: { name: 'Search', parent_id: engineering } })
  await admin({ title: 'Something that the file declares', status: 409, code: 'managed_by_file', method: 'PATCH', path: '/aliases/fast', body: { targets: [{ model: 'simulated/large' }] } })
  await admin({ title: 'A team that is not empty', status: 409, code: 'not_empty', method: 'DELETE', path: `/teams/${engineering}` })
  await admin({ title: 'A change of a built-in role', status: 422, code: 'not_grantable', method: 'PATCH', path: '/roles/admin', body: { name: 'Chief' } })
  const role = await stage.make('/roles', { name: 'Reader', permissions: ['keys:read'] })
  await stage.while('/memberships', { principal: { kind: 'user', id: ada }, node_id: search, role }, () => admin({ title: 'A role that somebody has', status: 409, code: 'role_in_use', method: 'DELETE', path: `/roles/${role}` }))
  const agents = '/routing/policies/agents'
  await admin({ title: 'A routing policy of a model that there is not', status: 422, code: 'invalid_policy', path: '/routing/policies', body: { name: 'agents', cost: 20, candidates: [{ model: 'simulated/large' }, { model: 'simulatd-small', when: 'request.tag == "x"' }] } })
  await stage.set('POST', '/routing/policies', { name: 'agents', base: 'cheap' })
  await stage.set('PUT', `/teams/${search}/defaults`, { policy: 'agents' })
  await admin({ title: 'A routing policy that a team has', status: 409, code: 'policy_in_use', method: 'DELETE', path: agents })
  await stage.set('PUT', `/teams/${search}/defaults`, {})
  await stage.set('DELETE', agents)
  // Of a team that nobody has used: what is shown of it is the same each time.
  const index = await stage.make('/teams', { name: 'Index' })
  const budget = await stage.set<{ id: string }>('POST', '/budgets', { subject: { kind: 'team', id: index }, limit_usd: 100, period: 'month' })
  await increases(stage, admin, budget.id)
  await admin({ title: 'An edit of what somebody else changed', status: 412, code: 'version_conflict', method: 'PATCH', path: `/budgets/${budget.id}`, headers: { 'if-match': '"7"' }, body: { limit_usd: 200 } })
  const repeated = { 'idempotency-key': 'new-team' }
  await stage.send({ path: `${api}/teams`, as: stage.gateway.adminToken, headers: repeated, body: { name: 'Ads' } })
  await admin({ title: 'An Idempotency-Key for something else', status: 409, code: 'idempotency_conflict', path: '/teams', headers: repeated, body: { name: 'Maps' } })
}

async function increases(stage: Stage, admin: AskAdmin, budget: string): Promise<void> {
  const wanted = { amount_usd: 10, reason: 'A larger index.' }
  const inAWeek = new Date(Date.now() + 7 * 86_400_000).toISOString()
  await admin({ title: 'An increase for ever', status: 409, code: 'increase_refused', path: `/budgets/${budget}/increases`, body: { ...wanted, until: '2099-01-01T00:00:00Z' } })
  await stage.make('/alert-channels', { name: 'On call', target: { kind: 'webhook', url: 'https://alerts.invalid/hook' }, events: ['increase.requested'] })
  const increase = await stage.make(`/budgets/${budget}/increases`, { ...wanted, until: inAWeek })
  await admin({ title: 'An increase that nobody else approves', note: 'By whoever asked for it.', status: 409, code: 'increase_refused', path: `/budget-increases/${increase}/approve`, body: {} })
  const { id: organisation } = await stage.set('GET', '/organisation')
  const clerk = await stage.tokenOf('Finance', 'billing', organisation, ['budgets:read', 'budgets:approve'])
  await stage.served({ path: `${api}/budget-increases/${increase}/approve`, as: clerk, body: {} })
  await asker(stage, clerk)({ title: 'An increase that was decided', note: 'It was approved, and somebody who may decide denies it.', status: 409, code: 'increase_refused', path: `/budget-increases/${increase}/deny`, body: { note: 'Too late.' } })
  const { data: [alert] } = await stage.set<{ data: { id: string }[] }>('GET', '/alerts')
  await admin({ title: 'An alert that was not given up', status: 409, code: 'alert_not_failed', path: `/alerts/${encodeURIComponent(alert!.id)}/redeliver`, body: {} })
}

async function impossible(stage: Stage): Promise<void> {
  const { engineering, search } = stage.ids
  const admin = asker(stage, stage.gateway.adminToken)
  await admin({ title: 'A budget of a team that is not there', status: 404, code: 'not_found', path: '/budgets', body: { subject: { kind: 'team', id: 'team_nowhere' }, limit_usd: 100, period: 'month' } })
  await admin({ title: 'A budget of a vendor that there is not', status: 422, code: 'unknown_subject', path: '/budgets', body: { subject: { kind: 'vendor', id: 'opnai' }, limit_usd: 100, period: 'month' } })
  await admin({ title: 'A team below itself', status: 422, code: 'misplaced', path: `/teams/${engineering}/move`, body: { parent_id: search } })
  await admin({ title: 'A role that cannot be given there', status: 422, code: 'not_grantable', path: '/memberships', body: { principal: { kind: 'user', id: stage.ids.ada }, node_id: search, role: 'owner' } })
  await admin({ title: 'A policy with mistakes', status: 422, code: 'invalid_policy', path: '/policies', body: { subject: { kind: 'team', id: search }, name: 'EU', rules: [{ effect: 'deny', when: 'request.has_tool' }, { effect: 'allow', class: { retention: 'some' } }] } })
  await admin({ title: 'An alias to nothing', status: 422, code: 'unknown_target', path: '/aliases', body: { name: 'best', targets: [{ model: 'assistent' }] } })
  await stage.set('POST', '/aliases', { name: 'one', targets: [{ model: 'assistant' }] })
  await stage.set('POST', '/aliases', { name: 'two', targets: [{ model: 'one' }] })
  await admin({ title: 'Aliases in a circle', status: 422, code: 'alias_cycle', method: 'PATCH', path: '/aliases/one', body: { targets: [{ model: 'two' }] } })
  await admin({ title: 'A vendor that there is not', status: 422, code: 'unknown_vendor', path: '/providers', body: { id: 'opnai', vendor: 'opnai' } })
  await admin({ title: 'A model at a provider that there is not', status: 422, code: 'unknown_provider', path: '/deployments', body: { model: 'gpt-5', provider: 'nowhere', upstream_model: 'gpt-5' } })
  await admin({ title: 'A provider inside of the network', status: 422, code: 'invalid_address', path: '/providers', body: { id: 'local', vendor: 'openai', base_url: 'http://169.254.169.254/v1' } })
  await admin({ title: 'A report by the hour over years', status: 422, code: 'range_too_large', method: 'GET', path: '/usage?range=2024-01-01..2026-01-01&bucket=hour' })
  const { id: organisation } = await stage.set('GET', '/organisation')
  await admin({ title: 'The organisation that operates the installation', status: 409, code: 'organisation_protected', method: 'PATCH', path: `/organisations/${organisation}`, body: { status: 'suspended' } })
  const branch = await stage.make('/organisations', { name: 'Branch' })
  await admin({ title: 'An organisation that is still active', status: 409, code: 'organisation_protected', method: 'DELETE', path: `/organisations/${branch}` })
  const { id } = await stage.gateway.createKey({ name: 'old' })
  await stage.set('DELETE', `/keys/${id}`)
  await admin({ title: 'A change of a revoked key', status: 422, code: 'key_not_active', method: 'PATCH', path: `/keys/${id}`, body: { name: 'new' } })
  await admin({ title: 'A configuration with mistakes', status: 422, code: 'configuration_refused', path: '/config/apply', body: { text: 'aliases:\n  fast:\n    targets: []\n' } })
}

async function malformed(stage: Stage): Promise<void> {
  const { search } = stage.ids
  const admin = asker(stage, stage.gateway.adminToken)
  await admin({ title: 'A body that is no JSON', status: 400, code: 'invalid_json', path: '/teams', body: '{"name":' })
  await admin({ title: 'A form instead of JSON', status: 415, code: 'unsupported_content_type', path: '/teams', headers: { 'content-type': 'text/plain' }, body: 'name=Ads' })
  await stage.refusedByLength({ as: stage.gateway.adminToken, title: 'A body that is too large', status: 413, code: 'request_too_large', path: `${api}/teams`, body: { name: 'x'.repeat(1_200_000) } })
  await admin({ title: 'A field that is missing', status: 400, code: 'invalid_request', path: '/budgets', body: { subject: { kind: 'team', id: search }, period: 'month' } })
  await admin({ title: 'A value that is none of those that there are', status: 400, code: 'invalid_request', path: '/budgets', body: { subject: { kind: 'team', id: search }, limit_usd: 100, period: 'month', mode: 'strickt' } })
  await admin({ title: 'A parameter that is none', status: 400, code: 'invalid_request', method: 'GET', path: '/keys?limit=500' })
  await admin({ title: 'A field that there is not', status: 400, code: 'invalid_request', path: '/teams', body: { name: 'Maps', parent: search } })
  await admin({ title: 'A period that there is not', status: 400, code: 'invalid_request', path: '/budgets', body: { subject: { kind: 'team', id: search }, limit_usd: 100, period: 'fortnight' } })
  await admin({ title: 'An amount that is none', status: 400, code: 'invalid_request', path: '/budgets', body: { subject: { kind: 'team', id: search }, limit_usd: -1, period: 'month' } })
  await admin({ title: 'A time zone that there is not', status: 400, code: 'invalid_request', path: '/budgets', body: { subject: { kind: 'team', id: search }, limit_usd: 1, period: 'month', time_zone: 'Europe/Springfield' } })
}

/** What others have to do with: vendors, feeds, OpenID providers, and what is not kept. */
async function outside(stage: Stage): Promise<void> {
  const admin = asker(stage, stage.gateway.adminToken)
  const nobody = asker(stage, null)
  await admin({ title: 'A credential that the vendor refuses', status: 422, code: 'credential_refused', path: '/providers/guarded/credentials', body: { secret: 'sk-mistyped' } })
  await admin({ title: 'A feed with a price that cannot be', status: 422, code: 'feed_unusable', path: '/catalog/updates', body: {} })
  await admin({ title: 'A feed over plain HTTP', status: 422, code: 'feed_unusable', path: '/catalog/updates', body: { url: 'http://prices.example/feed.json' } })
  await nobody({ title: 'An OpenID provider that calls itself otherwise', status: 422, code: 'oidc_misconfigured', path: '/session/oidc/acme/start', body: {} })
  await nobody({ title: 'An OpenID provider that does not answer', status: 503, code: 'oidc_unavailable', path: '/session/oidc/silent/start', body: {} })
  const { headers } = await stage.served({ path: '/v1/chat/completions', as: await stage.key(), body: { model: 'assistant', messages: [{ role: 'user', content: 'Rank these results.' }], max_tokens: 10 } })
  const id = headers.get('x-megarouter-request-id')!
  for (let i = 0; i < 50 && (await stage.gateway.admin('GET', `/requests/${id}`)).status === 404; i++) await new Promise((resolve) => setTimeout(resolve, 50))
  await admin({ title: 'The text of a request that was not stored', status: 404, code: 'content_not_stored', method: 'GET', path: `/requests/${id}/content` })
}

/** The database while another program holds it: a change waits for it for 5 s. The gateway may be writing when it is taken. */
async function busy(stage: Stage): Promise<void> {
  const database = new DatabaseSync(join(stage.gateway.dataDir, 'megarouter.db'), { timeout: 10_000 })
  database.exec('begin immediate')
  try {
    await asker(stage, stage.gateway.adminToken)({ title: 'A change while the database is held by another program', status: 503, code: 'database_unavailable', path: '/teams', body: { name: 'Maps' } })
  } finally {
    database.exec('rollback')
    database.close()
  }
}
