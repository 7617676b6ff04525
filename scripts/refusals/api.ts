/** Refusals of the API for models, from what is wrong with the key to what is wrong with the request. */
import { setTimeout as wait } from 'node:timers/promises'
import { createKey } from '../../src/governance/key-format.ts'
import type { Refused, Stage } from './stage.ts'

export const chat = '/v1/chat/completions'
export const question = { model: 'assistant', messages: [{ role: 'user', content: 'Rank these results.' }], max_tokens: 100 }
type Asked = Omit<Refused, 'path' | 'as'> & Partial<Pick<Refused, 'path' | 'as'>>
export type Ask = (asked: Asked) => Promise<void>

const tiny = { limit_usd: '0.0001', period: 'month', mode: 'strict' }

export async function apiRefusals(stage: Stage): Promise<void> {
  await keys(stage)
  await budgets(stage)
  await limits(stage)
  await policies(stage)
  await requests(stage)
}

export const asker = (stage: Stage, key: string): Ask => ({ as = key, path = chat, body = question, ...more }: Asked): Promise<void> => stage.refused({ ...more, as, path, body })

async function keys(stage: Stage): Promise<void> {
  const ask = asker(stage, '')
  const made = (fields: object = {}) => stage.gateway.createKey({ name: 'ranker', node_id: stage.ids.ranker, ...fields })
  await ask({ title: 'No key', status: 401, code: 'missing_api_key', as: null })
  await ask({ title: 'A key that was cut off', status: 401, code: 'invalid_api_key', as: createKey().slice(0, -4) })
  await ask({ title: 'A text that is no key', status: 401, code: 'invalid_api_key', as: 'sk-from-another-place' })
  await ask({ title: 'A key that nobody has', status: 401, code: 'invalid_api_key', as: createKey() })
  const endsAt = Date.now() + 3_000
  const ending = await stage.key({ expires_at: new Date(endsAt).toISOString() })
  const revoked = await made()
  await stage.set('DELETE', `/keys/${revoked.id}`)
  await ask({ title: 'A revoked key', status: 401, code: 'key_revoked', as: revoked.key })
  const off = await made()
  await stage.set('PATCH', `/keys/${off.id}`, { status: 'disabled' })
  await ask({ title: 'A key that is switched off', status: 401, code: 'key_disabled', as: off.key })
  await wait(Math.max(0, endsAt + 100 - Date.now()))
  await ask({ title: 'A key whose time is over', status: 401, code: 'key_expired', as: ending })
  await ask({ title: 'A key from an address that it is not for', status: 403, code: 'address_not_allowed', as: await stage.key({ ip_allow: ['192.0.2.0/24'] }) })
  const adas = await stage.key({ user_id: stage.ids.ada })
  await stage.set('PATCH', `/users/${stage.ids.ada}`, { status: 'disabled' })
  await ask({ title: 'A key of a person who was switched off', status: 401, code: 'key_disabled', as: adas })
  await stage.set('PATCH', `/users/${stage.ids.ada}`, { status: 'active' })
  const nightly = await stage.key({ service_account_id: stage.ids.account })
  await stage.set('PATCH', `/service-accounts/${stage.ids.account}`, { status: 'disabled' })
  await ask({ title: 'A key of a service account that was switched off', status: 401, code: 'key_disabled', as: nightly })
  await stage.set('PATCH', `/service-accounts/${stage.ids.account}`, { status: 'active' })
}

async function budgets(stage: Stage): Promise<void> {
  const { engineering, search, ranker, ada, account } = stage.ids
  const { id: organisation } = await stage.set('GET', '/organisation')
  const own = await stage.gateway.createKey({ name: 'ranker', node_id: ranker, budget: tiny })
  await asker(stage, own.key)({ title: 'The budget of the key', note: 'A strict budget of $0.0001 a month.', status: 402, code: 'budget_exceeded' })
  const key = await stage.gateway.createKey({ name: 'ranker', node_id: ranker, user_id: ada })
  const ofAccount = await stage.key({ service_account_id: account })
  const subjects = [
    ['organisation', 'org', organisation], ['team above the team', 'team', engineering], ['team', 'team', search], ['project', 'project', ranker], ['person', 'user', ada],
    ['model', 'model', 'assistant'], ['vendor', 'vendor', 'simulated'], ['tag', 'tag', 'nightly'], ['end user', 'end_user', 'customer-7'],
  ] as const
  for (const [name, kind, id] of subjects) {
    const body = { ...question, ...(kind === 'tag' && { megarouter: { tags: [id] } }), ...(kind === 'end_user' && { user: id }) }
    await stage.while('/budgets', { subject: { kind, id }, ...tiny }, () => asker(stage, key.key)({ title: `The budget of the ${name}`, status: 402, code: 'budget_exceeded', body }))
  }
  await stage.while('/budgets', { subject: { kind: 'service_account', id: account }, ...tiny }, () => asker(stage, ofAccount)({ title: 'The budget of the service account', status: 402, code: 'budget_exceeded' }))
  await stage.while('/budgets', { subject: { kind: 'team', id: search }, limit_usd: 0, period: 'rolling/PT24H', mode: 'standard' }, () =>
    asker(stage, key.key)({ title: 'A budget over the last hours', status: 402, code: 'budget_exceeded' }))
  await stage.while('/budgets', { subject: { kind: 'team', id: search }, limit_usd: '0.2', period: 'day', mode: 'standard', thresholds: [{ share: 0.01, actions: [{ kind: 'block' }] }] }, async () => {
    await served(stage, key.key)
    await served(stage, key.key)
    await asker(stage, key.key)({ title: 'A threshold that blocks', note: 'A budget of the team, $0.20 a day, that blocks at 1 %.', status: 402, code: 'budget_exceeded' })
  })
  await stage.while('/budgets', { subject: { kind: 'team', id: search }, ...tiny, limit_usd: 10 }, () =>
    asker(stage, key.key)({ title: 'A model without a price under a budget', status: 403, code: 'price_unknown', body: { ...question, model: 'unpriced' } }))
}

async function served(stage: Stage, as: string, body: object = question): Promise<void> {
  const { status, text } = await stage.send({ path: chat, as, body })
  if (status !== 200) throw new Error(`A request that fits was answered with ${status}: ${text}`)
}

async function limits(stage: Stage): Promise<void> {
  const { search } = stage.ids
  const subject = { kind: 'team', id: search }
  const refused = (key: string, title: string, limit: object): Promise<void> => asker(stage, key)({ title, note: `A limit of the team: \`${JSON.stringify(limit)}\`.`, status: 429, code: 'rate_limit_exceeded' })
  const of = (title: string, limit: object, before: (key: string) => Promise<unknown>) => stage.while('/limits', { subject, ...limit }, async () => {
    const key = await stage.key()
    await before(key)
    await refused(key, title, limit)
  })
  const once = (key: string): Promise<void> => served(stage, key)
  await of('Requests a minute', { rpm: 1 }, once)
  await of('Requests a minute, for one model', { models: 'assistant', rpm: 1 }, once)
  await of('Tokens a minute', { tpm: 50 }, once)
  await of('More tokens than a minute has', { tpm: 10 }, async () => {})
  await of('Dollars a minute', { spend_usd_per_minute: '0.000001' }, once)
  const single = { concurrency: 1 }
  await stage.while('/limits', { subject, ...single }, async () => {
    const key = await stage.key()
    await stage.served({ path: chat, as: key, body: { ...question, stream: true, max_tokens: 400 }, during: () => refused(key, 'Requests at once', single) })
  })
}

async function policies(stage: Stage): Promise<void> {
  const { search } = stage.ids
  const key = await stage.key()
  await asker(stage, await stage.key({ models: ['gpt-*'] }))({ title: 'A model that the key is not for', status: 403, code: 'policy_denied' })
  const of = (title: string, rules: object[], body: object = question) => stage.while('/policies', { subject: { kind: 'team', id: search }, name: title, rules }, () =>
    asker(stage, key)({ title, note: `A policy of the team: \`${JSON.stringify(rules)}\`.`, status: 403, code: 'policy_denied', body }))
  await of('A policy that denies the model', [{ effect: 'deny', models: ['assistant'], note: 'Use simulated/large for ranking.' }])
  await of('A policy that allows others', [{ effect: 'allow', models: ['simulated/large'] }])
  await of('A policy that denies the vendor', [{ effect: 'deny', vendors: ['simulated'] }])
  await of('A policy on prices', [{ effect: 'allow', class: { max_output_usd_per_million: 5 } }])
  await of('A policy on regions', [{ effect: 'allow', class: { regions: ['eu'] } }])
  await of('A policy with a condition', [{ effect: 'deny', when: 'request.has_tools', note: 'No tools outside of working hours.' }], { ...question, tools: [{ type: 'function', function: { name: 'search', parameters: { type: 'object' } } }] })
}

async function requests(stage: Stage): Promise<void> {
  const ask = asker(stage, await stage.key())
  await ask({ title: 'A model that does not exist', status: 404, code: 'model_not_found', body: { ...question, model: 'assistent' } })
  await stage.while('/budgets', { subject: { kind: 'team', id: stage.ids.search }, ...tiny, limit_usd: 10 }, () =>
    ask({ title: 'A tool of the vendor under a strict budget', note: 'A strict budget of the team.', status: 403, code: 'budget_unenforceable', body: { ...question, web_search_options: {} } }))
  await ask({ title: 'A routing policy that does not exist', status: 404, code: 'model_not_found', body: { ...question, model: 'auto:chaep' } })
  await ask({ title: 'What no model that auto could choose can meet', status: 400, code: 'no_candidate', body: { ...question, model: 'auto', megarouter: { models: ['assistant'], max_cost_usd: 0.000001 } } })
  await ask({ title: 'A provider that is not switched on', status: 400, code: 'provider_not_enabled', body: { ...question, model: 'openai/gpt-5' } })
  await ask({ title: 'A body that is no JSON', status: 400, code: 'invalid_json', body: '{"model": "assistant",' })
  await ask({ title: 'A field that is missing', status: 400, code: 'invalid_request', body: { model: 'assistant' } })
  await ask({ title: 'A field of another type', status: 400, code: 'invalid_request', body: { ...question, stream: 'yes' } })
  await ask({ title: 'An option that there is not', status: 400, code: 'invalid_request', body: { ...question, megarouter: { fallback: ['simulated/large'] } } })
  await ask({ title: 'A field that stands twice', status: 400, code: 'duplicate_field', body: '{"model":"assistant","model":"simulated/large","messages":[]}' })
  await ask({ title: 'A body that nests too deep', status: 400, code: 'request_too_deep', body: `{"model":"assistant","messages":${'['.repeat(100)}${']'.repeat(100)}}` })
  await stage.refusedByLength({ as: await stage.key(), path: chat, title: 'A body that is too large', note: 'With `request_body_bytes: 65536`.', status: 413, code: 'request_too_large', body: { ...question, messages: [{ role: 'user', content: 'x'.repeat(70_000) }] } })
  await ask({ title: 'A body that is compressed', status: 415, code: 'unsupported_content_type', headers: { 'content-encoding': 'gzip' } })
  await ask({ title: 'A form instead of JSON', status: 415, code: 'unsupported_content_type', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'model=assistant' })
  await ask({ title: 'An endpoint that there is not', status: 404, code: 'unsupported_endpoint', path: '/v1/fine_tuning/jobs', body: {} })
  await ask({ title: 'A file that was not uploaded here', status: 404, code: 'object_not_found', path: '/v1/batches', body: { input_file_id: 'file-of-the-vendor', endpoint: chat, completion_window: '24h' } })
  await ask({ title: 'Feedback for a request of somebody else', status: 404, code: 'request_not_found', path: '/v1/feedback', body: { target: { request_id: 'req_01m822qancfmhakfpnt5q2z265' }, metric: 'quality', value: true } })
  await ask({ title: 'Feedback out of its range', status: 400, code: 'invalid_request', path: '/v1/feedback', body: { target: { session: 'order-7' }, metric: 'stars', value: 4 } })
  const responses = '/v1/responses'
  await ask({ title: 'Something that the vendor’s format cannot say, where nothing may be left out', status: 400, code: 'unsupported_feature', path: responses, body: { model: 'assistant', input: 'Rank these results.', tools: [{ type: 'web_search' }], megarouter: { on_unsupported: 'reject' } } })
  await ask({ title: 'Going on from a response that nobody keeps', status: 400, code: 'responses_not_stored', path: responses, body: { model: 'assistant', input: 'And now?', previous_response_id: 'resp_68a1' } })
  await stage.refusedByHead({ title: 'A WebSocket', status: 426, code: 'upgrade_required', method: 'GET', path: responses, as: await stage.key(), headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' } })
  await ask({ title: 'The wrong method', status: 405, code: 'method_not_allowed', method: 'PUT' })
  const repeated = { 'idempotency-key': 'order-7' }
  const first = await stage.send({ path: chat, as: await stage.key(), body: question })
  if (first.status !== 200) throw new Error(`A request was answered with ${first.status}: ${first.text}`)
  const key = await stage.key()
  await stage.send({ path: chat, as: key, headers: repeated, body: question })
  await asker(stage, key)({ title: 'An Idempotency-Key for something else', status: 422, code: 'idempotency_key_reused', headers: repeated, body: { ...question, max_tokens: 99 } })
}
