/** What the admin API tells of routing, through the real process: explained before, decided, explained after, summed up, judged anew. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../src/cli/main.ts'
import { startGateway, type GatewayProcess } from '../gateway-process.ts'
import { startUpstream, type Upstream } from '../upstream/server.ts'

/** Tests look into answers freely. */
type Body = ReturnType<typeof JSON.parse>

const priced = (model: string, upstream: string, usd: number): string => `  - { model: ${model}, provider: lab, upstream_model: ${upstream}, price: { input: ${usd}, output: ${usd * 4} } }\n`
const config = (url: string, more = ''): string => `providers:
  lab: { base_url: "${url}", credentials: [sk-test] }
deployments:
${priced('large', 'echo-20', 10)}${priced('middle', 'echo-5', 1)}${priced('small', 'echo-3', 0.1)}${more}routing:
  new_models: approval
  policies:
    - { name: quality, base: best, explore_share: 0, explore_spend: 0, sticky: false }
    - { name: thrifty, base: balanced, cost: 10, explore_share: 0, explore_spend: 0, sticky: false }
organisations:
  acme: { settings: { organisation: Acme }, users: { a@acme.example: { roles: [owner] } } }
`

let upstream: Upstream
let gateway: GatewayProcess
let key: { id: string; key: string }
let acme: string

before(async () => {
  upstream = await startUpstream({})
  gateway = await startGateway({ config: config(upstream.url), env: { SIMULATED_PROVIDER: 'off' } })
  key = await gateway.createKey()
  acme = (await admin('GET', '/organisations')).body.data.find(({ name }: { name: string }) => name === 'Acme').id
})
after(async () => {
  await gateway.remove()
  await upstream.close()
})

async function admin(method: string, path: string, body?: unknown, org?: string): Promise<{ status: number; body: Body }> {
  const answer = await fetch(`${gateway.url}/api/v1${path}`, {
    method, headers: { authorization: `Bearer ${gateway.adminToken}`, 'content-type': 'application/json', ...(org !== undefined && { 'x-megarouter-organisation': org }) }, ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: await answer.json() as Body }
}

interface Sent { id: string; model: string; status: number }

async function send(body: object, as = key.key): Promise<Sent> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  await answer.text()
  return { id: answer.headers.get('x-megarouter-request-id') ?? '', model: answer.headers.get('x-megarouter-model') ?? '', status: answer.status }
}

const saying = (text: string, policy: string): object => ({ model: `auto:${policy}`, messages: [{ role: 'user', content: text }] })

async function until<T>(look: () => Promise<T | null>, what: string): Promise<T> {
  for (const end = performance.now() + 10_000; performance.now() < end;) {
    const found = await look()
    if (found !== null) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new assert.AssertionError({ message: `never happened: ${what}` })
}

const decisionOf = ({ id }: Sent): Promise<Body> => until(async () => {
  const { status, body } = await admin('GET', `/routing/decisions/${id}`)
  return status === 200 ? body : null
}, `the decision of ${id} is stored`)

/** What a decision was made from, without what is of its moment. */
const essence = ({ candidates, removed, baseline, fallbacks, understood, terms, prompt_tokens: tokens, why }: Body): Body => ({ candidates: candidates.map((each: Body) => ({ ...each, version: 0 })), removed, baseline, fallbacks, understood, terms, tokens, why })

describe('explained', () => {
  test('what is explained is what the request then gets, figure by figure, and explaining leaves nothing behind', async () => {
    const request = saying('Write a function in Rust that reverses a linked list, and prove that it ends.', 'quality')
    const before = (await admin('GET', '/routing/models')).body
    const ask = { key_id: key.id, body: request }
    const first = await admin('POST', '/routing/explain', ask)
    assert.equal(first.status, 200, JSON.stringify(first.body))
    for (let times = 0; times < 30; times++) assert.deepEqual((await admin('POST', '/routing/explain', ask)).body, first.body)
    assert.deepEqual((await admin('GET', '/routing/models')).body, before)
    const sent = await send(request)
    const decision = await decisionOf(sent)
    assert.deepEqual([decision.model, decision.served, sent.model, decision.reproduced], [first.body.model, first.body.model, first.body.model, true])
    assert.deepEqual(essence(decision), essence(first.body.decision))
    assert.equal(first.body.deployments[0], `lab/${{ large: 'echo-20', middle: 'echo-5', small: 'echo-3' }[sent.model]}`)
    assert.equal(upstream.log.length, 1, 'only the request reached the vendor')
  })

  test('a prompt is explained as the request that it would be, under the policy that is named, and the key’s own models', async () => {
    const asBody = (await admin('POST', '/routing/explain', { body: saying('What is the capital of France?', 'thrifty') })).body
    assert.deepEqual((await admin('POST', '/routing/explain', { prompt: 'What is the capital of France?', policy: 'thrifty' })).body.model, asBody.model)
    assert.equal(asBody.model, 'small')
    const narrow = await gateway.createKey({ name: 'narrow', models: ['large'] })
    const { body } = await admin('POST', '/routing/explain', { prompt: 'hi', policy: 'thrifty', key_id: narrow.id })
    assert.deepEqual([body.model, body.removed], ['large', [{ reason: 'policy', models: ['middle', 'small'], more: 0 }]])
  })

  test('a request that would be refused is answered with its refusal and what removed which model', async () => {
    const { status, body } = await admin('POST', '/routing/explain', { input_tokens: 1_000_000, body: { messages: [{ role: 'user', content: 'hi' }], megarouter: { models: ['large', 'small'], max_cost_usd: 0.000001 } } })
    assert.deepEqual([status, body.model, body.decision], [200, null, null], JSON.stringify(body))
    assert.equal(body.refused.code, 'no_candidate')
    assert.deepEqual(body.removed, [{ reason: 'max_cost', models: ['large', 'middle', 'small'], more: 0 }, { reason: 'not_requested', models: ['middle'], more: 0 }])
    assert.match(body.refused.message, /^No model meets all that this request to "auto" asks for: large, small would cost more than allowed/)
    const named = (await admin('POST', '/routing/explain', { body: { model: 'large', messages: [] } })).body
    assert.match(named.refused.message, /names a model/)
    assert.match((await admin('POST', '/explain', { key_id: key.id, model: 'auto:thrifty' })).body.message, /POST \/api\/v1\/routing\/explain/)
    assert.match((await admin('POST', '/routing/explain', { prompt: 'hi', policy: 'thrift' })).body.refused.message, /Nearest names: thrifty/)
  })

  test('400, 404: both a prompt and a body, neither, options beside a body, a key that there is not', async () => {
    for (const [input, pattern] of [[{ prompt: 'a', body: {} }, /either prompt or body/], [{}, /either prompt or body/], [{ body: {}, tools: true }, /stand in the body itself/]] as const) {
      const { status, body } = await admin('POST', '/routing/explain', input)
      assert.equal(status, 400)
      assert.match(body.error.message, pattern)
    }
    assert.equal((await admin('POST', '/routing/explain', { prompt: 'hi', key_id: 'key_nope' })).status, 404)
  })
})

describe('decisions', () => {
  test('are listed newest first in bounded pages, by policy, model and session, and each is reproduced from its record', async () => {
    const sent: Sent[] = []
    for (let at = 0; at < 6; at++) sent.push(await send({ ...saying(`Number ${at}`, at % 2 === 0 ? 'quality' : 'thrifty'), megarouter: { session: `s-${at}` } }))
    await decisionOf(sent.at(-1)!)
    const pages: string[][] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: Body } = await admin('GET', `/routing/decisions?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      pages.push(body.data.map(({ id }: Body) => id))
      cursor = body.next_cursor
    }
    assert.ok(pages.every((page) => page.length <= 2))
    assert.deepEqual(pages.flat().slice(0, 6), sent.map(({ id }) => id).reverse())
    const ids = async (query: string): Promise<string[]> => (await admin('GET', `/routing/decisions?${query}`)).body.data.map(({ id }: Body) => id)
    assert.deepEqual(await ids('session=s-3'), [sent[3]!.id])
    assert.deepEqual((await ids('policy=thrifty')).slice(0, 3), [sent[5]!.id, sent[3]!.id, sent[1]!.id])
    assert.ok((await ids('model=small')).includes(sent[5]!.id))
    for (const { id } of sent) assert.equal((await admin('GET', `/routing/decisions/${id}`)).body.reproduced, true)
    assert.equal((await admin('GET', '/routing/decisions?limit=201')).status, 400)
    assert.equal((await admin('GET', '/routing/decisions?cursor=x')).status, 400)
  })

  test('whoever reads routing and usage of one team sees what ran there, and nothing else', async () => {
    const team = (await admin('POST', '/teams', { name: 'Search' })).body.id
    const account = (await admin('POST', '/service-accounts', { name: 'reader', node_id: team })).body.id
    assert.equal((await admin('POST', '/memberships', { principal: { kind: 'service_account', id: account }, role: 'viewer', node_id: team })).status, 201)
    const { token } = (await admin('POST', `/service-accounts/${account}/tokens`, { name: 't', scopes: ['routing:read', 'usage:read'] })).body
    const outside = await send(saying('outside', 'quality'))
    const inside = await send(saying('inside', 'quality'), (await gateway.createKey({ node_id: team })).key)
    await decisionOf(outside)
    await decisionOf(inside)
    const read = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> => {
      const answer = await fetch(`${gateway.url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }) })
      return { status: answer.status, body: await answer.json() as Body }
    }
    assert.deepEqual((await read('GET', '/routing/decisions')).body.data.map(({ id }: Body) => id), [inside.id])
    assert.deepEqual([(await read('GET', `/routing/decisions/${inside.id}`)).status, (await read('GET', `/routing/decisions/${outside.id}`)).status], [200, 403])
    assert.equal((await read('GET', '/routing/savings')).body.totals.decisions, 1)
    assert.equal((await read('POST', '/routing/policies/preview', { name: 'x' })).body.decisions, 1)
    assert.equal((await read('POST', '/routing/explain', { prompt: 'hi' })).status, 403)
    assert.equal((await read('POST', '/routing/models/reset', {})).status, 403)
  })

  test('are not there for another organisation: list, detail, savings, preview, models, events', async () => {
    const sent = await send(saying('secret', 'quality'))
    await decisionOf(sent)
    assert.equal((await admin('GET', `/routing/decisions/${sent.id}`, undefined, acme)).status, 404)
    assert.deepEqual((await admin('GET', '/routing/decisions', undefined, acme)).body.data, [])
    assert.equal((await admin('GET', '/routing/savings', undefined, acme)).body.totals.decisions, 0)
    assert.equal((await admin('POST', '/routing/policies/preview', { name: 'x' }, acme)).body.decisions, 0)
    assert.deepEqual((await admin('GET', '/routing/models', undefined, acme)).body.data, [])
    assert.deepEqual((await admin('GET', '/routing/events', undefined, acme)).body.data, [])
    assert.equal((await admin('POST', '/routing/explain', { prompt: 'hi', key_id: key.id }, acme)).status, 404)
    for (const verb of ['approve', 'reject']) assert.equal((await admin('POST', `/routing/models/large/${verb}`, undefined, acme)).status, 404)
    assert.deepEqual((await admin('POST', '/routing/models/reset', {}, acme)).body, { reset: 0 })
  })
})

describe('savings', () => {
  test('are what the truth adds up to: billed by the requests, the baseline by the decisions, and nothing where nobody answered', async () => {
    const sent = [await send(saying('A poem about rain', 'thrifty')), await send(saying('A poem about snow', 'quality'))]
    upstream.script('echo-3', 'status:400')
    const failed = await send(saying('A poem about hail', 'thrifty'))
    upstream.script('echo-3', '')
    assert.notEqual(failed.status, 200)
    for (const each of [...sent, failed]) await decisionOf(each)
    const all: Body[] = (await admin('GET', '/routing/decisions?limit=200')).body.data
    const truth = { decisions: all.length, counted: 0, billed_nano: 0, baseline_nano: 0, baseline_forecast_nano: 0, saved_nano: 0 }
    for (const { id, told } of all) {
      const request = (await admin('GET', `/requests/${id}`)).body
      if (request.outcome !== 'success') continue
      const isBaseline = told.served === told.baseline.model
      const would = isBaseline ? request.cost_nano : told.baseline.cost_nano
      truth.counted++
      truth.billed_nano += request.cost_nano
      truth.baseline_nano += would
      truth.baseline_forecast_nano += isBaseline ? 0 : would
      truth.saved_nano += would - request.cost_nano
    }
    const { body } = await admin('GET', '/routing/savings?group=policy')
    const { predicted_nano: predicted, ...totals } = body.totals
    assert.deepEqual(totals, truth)
    assert.ok(truth.counted < truth.decisions && truth.billed_nano > 0 && truth.saved_nano > 0 && truth.baseline_forecast_nano > 0 && predicted > 0, JSON.stringify(truth))
    for (const group of ['policy', 'model', 'day']) {
      const grouped = (await admin('GET', `/routing/savings?group=${group}`)).body
      for (const name of ['decisions', 'counted', 'billed_nano', 'saved_nano'] as const) assert.equal(grouped.groups.reduce((sum: number, each: Body) => sum + each[name], 0), truth[name], `${group} ${name}`)
    }
    assert.deepEqual((await admin('GET', '/routing/savings?group=model')).body.groups.map(({ group }: Body) => group).sort(), [...new Set(all.map(({ told, model }) => told.served ?? model))].sort())
    assert.equal((await admin('GET', '/routing/savings?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')).status, 400)
  })
})

describe('preview of a policy', () => {
  test('the same policy changes nothing; another one says what would be chosen, for how much, and what it cannot know', async () => {
    const preview = async (body: object, of = ''): Promise<Body> => (await admin('POST', `/routing/policies/preview${of}`, body)).body
    const quality = { name: 'quality', base: 'best', explore_share: 0, explore_spend: 0, sticky: false }
    const same = await preview(quality, '?policy=quality')
    assert.ok(same.compared > 0 && same.decisions === same.compared)
    assert.deepEqual([same.changed, same.before], [0, same.after])
    const cheaper = await preview({ ...quality, base: 'balanced', cost: 10 }, '?policy=quality')
    assert.equal(cheaper.changed, cheaper.compared)
    assert.ok(cheaper.after.cost_nano < cheaper.before.cost_nano && cheaper.after.quality <= cheaper.before.quality)
    assert.deepEqual(cheaper.models.map(({ model, after: count }: Body) => [model, count])[0], ['small', cheaper.compared])
    const only = await preview({ name: 'x', candidates: [{ model: 'middle' }, { model: 'lab/never-asked' }] })
    assert.deepEqual(only.unseen, ['lab/never-asked'])
    assert.ok(only.models.every(({ model, after: count }: Body) => count === 0 || model === 'middle'))
    assert.equal((await preview({ name: 'x', min_quality: 0.999 })).undecided, only.decisions)
    assert.ok(only.limits.some((each: string) => each.includes('recorded')))
    const wrong = await admin('POST', '/routing/policies/preview', { name: 'x', candidates: [{ model: 'lrge' }] })
    assert.deepEqual([wrong.status, wrong.body.error.code], [422, 'invalid_policy'])
    assert.equal((await admin('GET', '/routing/policies/x')).status, 404)
  })
})

describe('models', () => {
  test('are shown with prices, quality by task and times; what was learned of one is told, exported, and forgotten on demand', async () => {
    const { body } = await admin('GET', '/routing/models?limit=2')
    assert.deepEqual([body.data.map(({ id }: Body) => id), body.requires_approval], [['large', 'middle'], true])
    assert.deepEqual((await admin('GET', `/routing/models?limit=2&cursor=${body.next_cursor}`)).body.data.map(({ id }: Body) => id), ['small'])
    const small = async (): Promise<Body> => (await admin('GET', '/routing/models')).body.data.find(({ id }: Body) => id === 'small')
    const fresh = await small()
    assert.deepEqual([fresh.eligible, fresh.stage, fresh.prices.input, fresh.tasks.length], [true, 'adopted', 100_000_000, 24])
    const sent = await send(saying('hello', 'thrifty'))
    await decisionOf(sent)
    const told = await fetch(`${gateway.url}/v1/feedback`, { method: 'POST', headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ target: { request_id: sent.id }, metric: 'quality', value: false }) })
    assert.equal(told.status, 202)
    const learned = await until(async () => { const now = await small(); return now.outcomes > fresh.outcomes ? now : null }, 'the outcome is learned')
    const exported = await until(async () => {
      const states = (await admin('GET', '/routing/models/export')).body.models
      return states.find(({ model, state }: Body) => model === 'small' && state?.quality.outcomes === learned.outcomes) === undefined ? null : states
    }, 'what was learned is stored')
    assert.deepEqual(exported.map(({ model, stage }: Body) => [model, stage]), [['large', 'adopted'], ['middle', 'adopted'], ['small', 'adopted']])
    assert.deepEqual((await admin('POST', '/routing/models/reset', { model: 'small' })).body, { reset: 1 })
    const { outcomes, taken, stage } = await small()
    assert.deepEqual([outcomes, taken, stage], [0, 0, 'adopted'])
    assert.equal((await admin('POST', '/routing/models/reset', { model: 'nope' })).status, 404)
    assert.equal((await admin('POST', '/routing/models/reset', {})).body.reset, 3)
  })

  test('a new one waits for approval, and approving and rejecting are done, explained and on record with who did it', async () => {
    gateway.configure(config(upstream.url, priced('lab/new', 'echo-4', 0.01)))
    const find = async (): Promise<Body | null> => (await admin('GET', '/routing/models')).body.data.find(({ id }: Body) => id === 'lab/new') ?? null
    const waiting = await until(find, 'the new model is known')
    assert.deepEqual([waiting.stage, waiting.approved, waiting.eligible, waiting.reasons], ['candidate', false, false, ['not_approved']])
    const removed = (await admin('POST', '/routing/explain', { prompt: 'hi' })).body.removed
    assert.deepEqual(removed.find(({ reason }: Body) => reason === 'not_approved').models, ['lab/new'])
    const approved = await admin('POST', '/routing/models/lab%2Fnew/approve')
    assert.deepEqual([approved.status, approved.body.approved, approved.body.reasons], [200, true, ['on_trial']], JSON.stringify(approved.body))
    const rejected = await admin('POST', '/routing/models/lab%2Fnew/reject')
    assert.deepEqual([rejected.body.stage, rejected.body.reasons], ['rejected', ['rejected']])
    assert.equal((await admin('POST', '/routing/models/lab%2Fnew/reject')).body.stage, 'rejected')
    const events = await until(async () => {
      const { body } = await admin('GET', '/routing/events?model=lab/new')
      return body.data.length >= 3 ? body.data : null
    }, 'the steps are stored')
    assert.deepEqual(events.map(({ from, to, actor }: Body) => [from, to, actor]).reverse(), [['none', 'candidate', 'router'], ['candidate', 'candidate', 'MEGAROUTER_ADMIN_TOKEN'], ['candidate', 'rejected', 'MEGAROUTER_ADMIN_TOKEN']])
    const { body: audit } = await admin('GET', '/audit?resource_kind=routing_model')
    assert.deepEqual(audit.data.map(({ action, resource }: Body) => `${action} ${resource.name}`), ['routing_model.reject lab/new', 'routing_model.approve lab/new', 'routing_model.reset null', 'routing_model.reset small'])
    assert.equal((await admin('POST', '/routing/models/nope/approve')).status, 404)
  })
})

describe('the command line', () => {
  const io = (printed: string[]): Parameters<typeof run>[1] => ({ variables: { MEGAROUTER_ADMIN_TOKEN: gateway.adminToken, MEGAROUTER_DATA_DIR: gateway.dataDir }, write: (text) => void printed.push(text), error: (text) => void printed.push(text), epochMs: Date.now, random: () => new Uint8Array() })
  const cli = async (...args: string[]): Promise<{ code: number; text: string }> => {
    const printed: string[] = []
    const code = await run(['route', 'explain', '--url', gateway.url, ...args], io(printed))
    return { code, text: printed.join('') }
  }

  test('route explain prints candidates, what was removed and what the best would cost; --json is the API’s answer', async () => {
    const { code, text } = await cli('--prompt', 'What is the capital of France?', '--policy', 'thrifty')
    assert.equal(code, 0, text)
    assert.match(text, /^small under thrifty: the best score of 3; looks like /)
    assert.match(text, /→ +small +lab +0\.\d{3} ± 0\.\d{3} +\$0\.0\d+/)
    assert.match(text, /Removed:\n {2}rejected: lab\/new\n/)
    assert.match(text, /The best quality \(\w+\) is predicted to cost \$/)
    const file = join(gateway.folder, 'request.json')
    writeFileSync(file, JSON.stringify(saying('What is the capital of France?', 'thrifty')))
    const asked = await cli('--file', file, '--json')
    assert.deepEqual(JSON.parse(asked.text), (await admin('POST', '/routing/explain', { prompt: 'What is the capital of France?', policy: 'thrifty' })).body)
    assert.match((await cli('--prompt', 'hi', '--policy', 'nope')).text, /^Refused \(model_not_found\): There is no routing policy "nope"/)
    assert.deepEqual(await cli(), { code: 1, text: 'megarouter: name either --prompt or --file\n' })
  })
})
