/** Feedback through the real gateway and the real store thread: what is taken, whose requests are known, what is learned, and that it is kept once. */
import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { FeedbackSink, OutcomeKeeper } from '../../src/gateway/feedback.ts'
import { Recorder } from '../../src/gateway/record.ts'
import { noRateLimit } from '../../src/gateway/snapshot.ts'
import { openDatabase } from '../../src/store/database.ts'
import type { Decision } from '../../src/store/decisions.ts'
import { listOutcomes, type FeedbackAsk, type FeedbackFound } from '../../src/store/outcomes.ts'
import type { FromStore, ToStore } from '../../src/threads/messages.ts'
import { packDecisions, packRecords } from '../../src/threads/record-batch.ts'
import { temporaryDirectory } from '../store/databases.ts'
import { chat, startRig } from './harness.ts'
import { project, team } from './rows.ts'

/** The store thread on a database of its own, and what the data plane has of it. */
class StoreThread implements OutcomeKeeper {
  readonly folder = temporaryDirectory()
  #worker: Worker | null = null
  #asked = 0

  async start(): Promise<void> {
    const worker = this.#worker = new Worker(new URL('../../src/threads/store-worker.ts', import.meta.url), {
      workerData: { databaseUrl: null, dataDir: this.folder.path, configFile: null }, env: { ...process.env, MEGAROUTER_MASTER_KEY: 'ab'.repeat(32), LOG_LEVEL: 'silent' },
    })
    await this.#heard(worker, ({ kind }) => kind === 'ready')
  }

  async stop(): Promise<void> {
    const worker = this.#worker!
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    this.tell({ kind: 'drain' })
    await ended
    this.#worker = null
  }

  tell(message: ToStore): void {
    this.#worker!.postMessage(message)
  }

  async feedback(ask: FeedbackAsk): Promise<FeedbackFound | null> {
    if (this.#worker === null) throw new Error('the store thread is away')
    const id = ++this.#asked
    this.tell({ kind: 'feedback', id, ask, untilMs: Date.now() + 10_000 })
    const answer = await this.#heard(this.#worker, (message) => message.kind === 'feedback' && message.id === id)
    if (answer.kind !== 'feedback' || answer.error !== undefined) throw new Error('the store thread failed')
    return answer.found
  }

  async metrics(): Promise<string> {
    this.tell({ kind: 'metrics', id: ++this.#asked, gauges: {}, series: [] })
    const answer = await this.#heard(this.#worker!, ({ kind }) => kind === 'metrics')
    return answer.kind === 'metrics' ? answer.text : ''
  }

  #heard(worker: Worker, matches: (message: FromStore) => boolean): Promise<FromStore> {
    return new Promise((resolve) => {
      const listen = (message: FromStore): void => {
        if (!matches(message)) return
        worker.off('message', listen)
        resolve(message)
      }
      worker.on('message', listen)
    })
  }
}

/** Takes what has a decision, as the router does. */
class Learner implements FeedbackSink {
  readonly learned: { id: string; value: boolean | number }[] = []

  learn(_org: string, { id, decision }: { id: string; decision: string | null }, value: boolean | number): boolean {
    if (decision === null) return false
    this.learned.push({ id, value })
    return true
  }
}

const store = new StoreThread()
await store.start()
const learner = new Learner()
const rig = await startRig({ closes: [() => store.stop(), () => Promise.resolve(store.folder.remove())] })
rig.gateway.outcomes = store
rig.gateway.feedback = learner
// As in the process: batches leave on a tick, or when feedback comes.
rig.gateway.recorder = new Recorder((batch) => {
  rig.records.push(...batch)
  store.tell({ kind: 'records', ...packRecords(batch) })
})
rig.govern(team('team_a'), team('team_b'), project('proj_a', 'team_a'))
beforeEach(() => void learner.learned.splice(0))
after(() => assert.equal(rig.gateway.live.count, 0))

interface Told { id: string; requests: number; learned: number; replaced: boolean; error: { code: string; message: string; param: string | null } }

async function tell(body: unknown, key = rig.key, headers: Record<string, string> = {}): Promise<{ status: number; body: Told; headers: Headers }> {
  const response = await fetch(`${rig.url}/v1/feedback`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) })
  return { status: response.status, body: await response.json() as Told, headers: response.headers }
}

/** A request that is over; its id. */
async function served(key = rig.key, headers: Record<string, string> = {}): Promise<string> {
  const { status, headers: given } = await chat(rig, {}, { authorization: `Bearer ${key}`, ...headers })
  assert.equal(status, 200)
  return given.get('x-megarouter-request-id')!
}

const decided = (id: string): void => {
  const decision: Decision = { id, org: 'org_test', at: Date.now() * 1000, policy: 'balanced', chosen: 'echo', session: null, body: '{"record":{}}' }
  store.tell({ kind: 'decisions', ...packDecisions([decision]) })
}
const quality = (id: string, value: unknown = true) => ({ target: { request_id: id }, metric: 'quality', value })

test('a request that has just ended is known, and what the router chose teaches it', async () => {
  const id = await served()
  decided(id)
  const { status, body, headers } = await tell(quality(id, 0.75))
  assert.deepEqual([status, { ...body, id: body.id.slice(0, 4) }], [202, { id: 'out_', requests: 1, learned: 1, replaced: false }])
  assert.match(headers.get('x-megarouter-request-id')!, /^req_/)
  assert.deepEqual(learner.learned, [{ id, value: 0.75 }])
})

test('what is told again takes the place of what was told, and teaches nothing anew', async () => {
  const id = await served()
  decided(id)
  const first = await tell(quality(id))
  const again = await tell(quality(id, false))
  assert.deepEqual([again.status, again.body], [202, { id: first.body.id, requests: 1, learned: 0, replaced: true }])
  assert.deepEqual(learner.learned, [{ id, value: true }])
})

test('a session and a trace stand for their requests, of which those that the router chose for teach it', async () => {
  const session = 'talk-1'
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const inSession = [await served(rig.key, { 'x-megarouter-session': session }), await served(rig.key, { 'x-megarouter-session': session, traceparent })]
  const traced = await served(rig.key, { traceparent })
  for (const id of inSession) decided(id)
  const told = (await tell({ target: { session }, metric: 'resolved', value: true })).body
  assert.deepEqual([told.requests, told.learned], [2, 2])
  assert.deepEqual(learner.learned.map(({ id }) => id).toSorted(), inSession.toSorted())
  const { requests, learned } = (await tell({ target: { trace_id: '4BF92F3577B34DA6A3CE929D0E0E4736' }, metric: 'resolved', value: false })).body
  assert.deepEqual([requests, learned], [2, 1])
  assert.deepEqual(learner.learned.at(-1), { id: inSession[1], value: false })
  assert.notEqual(learner.learned.at(-1)!.id, traced)
})

test('amounts and words are kept and teach nothing', async () => {
  const id = await served()
  decided(id)
  for (const [metric, value] of [['revenue', { usd: 12.5 }], ['loss', { usd: '-0.000000001' }], ['kind', { label: 'refund' }]] as const) {
    const { status, body } = await tell({ target: { request_id: id }, metric, value, comment: 'by hand' })
    assert.deepEqual([status, body.learned], [202, 0])
  }
  const database = await openDatabase({ databaseUrl: null, dataDir: store.folder.path })
  const { data } = await listOutcomes(database, 'org_test', { target: { request: id } }, { limit: 9 })
  await database.close()
  assert.deepEqual(new Map(data.map(({ metric, value, comment }) => [metric, [value, comment]])), new Map([['kind', [{ label: 'refund' }, 'by hand']], ['loss', [{ usdNano: -1 }, 'by hand']], ['revenue', [{ usdNano: 12_500_000_000 }, 'by hand']]]))
  assert.deepEqual(learner.learned, [])
})

test('feedback that comes after the store thread was started anew finds its request and its decision', async () => {
  const id = await served()
  decided(id)
  rig.gateway.recorder.flush()
  await store.stop()
  const away = await tell(quality(id))
  assert.deepEqual([away.status, away.body.error.code, away.headers.get('retry-after')], [503, 'feedback_unavailable', '1'])
  await store.start()
  const { status, body } = await tell(quality(id))
  assert.deepEqual([status, body.requests, body.learned, body.replaced], [202, 1, 1, false], 'what could not be kept was not kept')
})

test('keys of one team or project speak of each other’s requests, all others know nothing of them', async () => {
  const [mine, sibling, above, beside, foreign] = [{ node: 'proj_a' }, { node: 'proj_a' }, { node: 'team_a' }, { node: 'team_b' }, { org: 'org_other' }].map((change) => rig.addKey(change).text)
  const id = await served(mine, { 'x-megarouter-session': 'ours' })
  for (const key of [mine!, sibling!]) assert.equal((await tell(quality(id), key)).status, 202)
  for (const key of [above!, beside!, foreign!, rig.key]) {
    for (const target of [{ request_id: id }, { session: 'ours' }]) {
      const { status, body } = await tell({ target, metric: 'quality', value: true }, key)
      assert.deepEqual([status, body.error.code], [404, 'request_not_found'])
    }
  }
})

test('what is not known is 404, whatever it is called', async () => {
  const targets = [{ request_id: 'req_01m822qancfmhakfpnt5q2z265' }, { request_id: 'req_nonsense' }, { session: 'never' }, { trace_id: 'f'.repeat(32) }]
  for (const target of targets) {
    const { status, body: { error } } = await tell({ target, metric: 'quality', value: true })
    assert.deepEqual([status, error.code, error.param], [404, 'request_not_found', `target.${Object.keys(target)[0]!}`])
    assert.match(error.message, /this key may tell outcomes of.*\(request req_[0-9a-z]{26}\)$/)
  }
})

const good = { target: { session: 's' }, metric: 'quality', value: true }
const bad: readonly (readonly [what: string, body: unknown, param: string | null, says: RegExp])[] = [
  ['a number above 1', { ...good, value: 7 }, 'value', /is 7, and must be from 0 \(bad\) to 1 \(good\)/], ['a negative number', { ...good, value: -0.1 }, 'value', /from 0/], ['a number without end', '{"target":{"session":"s"},"metric":"quality","value":1e999}', 'value', /Infinity/],
  ['a text for a value', { ...good, value: 'good' }, 'value', /true or false/], ['null', { ...good, value: null }, 'value', /true or false/], ['a list', { ...good, value: [1] }, 'value', /true or false/],
  ['an empty object', { ...good, value: {} }, 'value', /true or false/], ['an amount and a word', { ...good, value: { usd: 1, label: 'x' } }, 'value', /true or false/], ['an amount of another currency', { ...good, value: { eur: 1 } }, 'value.eur', /no kind of value "eur"/],
  ['an amount that is no number', { ...good, value: { usd: 'much' } }, 'value.usd', /at most 9 decimals/], ['an amount of ten decimals', { ...good, value: { usd: '0.0000000001' } }, 'value.usd', /at most 9 decimals/], ['an amount above all bounds', { ...good, value: { usd: 9_000_001 } }, 'value.usd', /at most 9000000/],
  ['an empty word', { ...good, value: { label: '' } }, 'value.label', /1 to 64/], ['a word of 65 characters', { ...good, value: { label: 'x'.repeat(65) } }, 'value.label', /1 to 64/], ['a word with a line break', { ...good, value: { label: 'a\nb' } }, 'value.label', /control/],
  ['no target', { metric: 'quality', value: true }, 'target', /"target" is missing/], ['a target that is a text', { ...good, target: 'req_1' }, 'target', /must name one of/], ['an empty target', { ...good, target: {} }, 'target', /names none/],
  ['two targets', { ...good, target: { session: 's', request_id: 'r' } }, 'target', /names session and request_id/], ['a misspelt target', { ...good, target: { requestid: 'r' } }, 'target.requestid', /Did you mean "request_id"/], ['a target that is a number', { ...good, target: { session: 7 } }, 'target.session', /a text/],
  ['a session of 129 bytes', { ...good, target: { session: 'x'.repeat(129) } }, 'target.session', /128 bytes/], ['a traceparent for a trace', { ...good, target: { trace_id: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' } }, 'target.trace_id', /32 hexadecimal digits/],
  ['no metric', { target: good.target, value: true }, 'metric', /"metric" is missing/], ['a metric with capitals', { ...good, metric: 'Quality' }, 'metric', /1 to 64/], ['a metric of 65 characters', { ...good, metric: 'x'.repeat(65) }, 'metric', /1 to 64/], ['an empty metric', { ...good, metric: '' }, 'metric', /1 to 64/],
  ['no value', { target: good.target, metric: 'quality' }, 'value', /"value" is missing/], ['a misspelt field', { ...good, coment: 'x' }, 'coment', /Did you mean "comment"/], ['a comment of 2,001 characters', { ...good, comment: 'x'.repeat(2001) }, 'comment', /2000/], ['a comment that is no text', { ...good, comment: 1 }, 'comment', /a text/],
]
for (const [what, body, param, says] of bad) {
  test(`400: ${what}`, async () => {
    const { status, body: { error } } = await tell(body)
    assert.deepEqual([status, error.code, error.param], [400, 'invalid_request', param], error.message)
    assert.match(error.message, says)
  })
}

test('a body that is too large, twice the same, no JSON or from a stranger is refused as at every endpoint, and is on record', async () => {
  rig.gateway.recorder.flush()
  const before = rig.records.length
  const cases = [
    [413, 'request_too_large', { ...good, comment: 'x'.repeat(16 * 1024) }, {}], [400, 'duplicate_field', '{"target":{"session":"s"},"metric":"quality","value":true,"value":false}', {}], [400, 'invalid_json', '{', {}], [400, 'invalid_json', '[]', {}],
    [415, 'unsupported_content_type', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }], [401, 'invalid_api_key', good, { authorization: 'Bearer mr-nobody' }],
  ] as const
  for (const [status, code, body, headers] of cases) {
    const told = await tell(body, rig.key, headers)
    assert.deepEqual([told.status, told.body.error.code], [status, code], told.body.error.message)
  }
  assert.deepEqual((await rig.recorded(before + cases.length)).slice(before).map(({ endpoint, outcome, status }) => [endpoint, outcome, status]), cases.map(([status]) => ['feedback', 'refused', status]))
  const wrongMethod = await fetch(`${rig.url}/v1/feedback`, { headers: { authorization: `Bearer ${rig.key}` } })
  assert.deepEqual([wrongMethod.status, (await wrongMethod.json() as Told).error.code], [405, 'method_not_allowed'])
})

test('feedback takes part of the key’s rate limit, and every carrier of a key is taken', async () => {
  const { text, entry } = rig.addKey({ rateLimit: { ...noRateLimit, rpm: 4 } })
  const id = await served(text)
  const send = (headers: Record<string, string>, query = '') => fetch(`${rig.url}/v1/feedback${query}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(quality(id)) })
  for (const response of [await send({ 'x-api-key': text }), await send({ 'x-goog-api-key': text }), await send({}, `?key=${text}`)]) assert.equal(response.status, 202)
  const limited = await send({ authorization: `Bearer ${text}` })
  assert.equal(limited.status, 429)
  assert.ok(Number(limited.headers.get('retry-after')) >= 1)
  assert.equal(entry.status, 'active')
})

test('the metrics count outcomes, and decisions that wait or were lost', async () => {
  const text = await store.metrics()
  assert.match(text, /^megarouter_outcomes_total [1-9]\d*$/m)
  for (const name of ['megarouter_decisions_queued', 'megarouter_decisions_dropped_total', 'megarouter_routing_states_queued', 'megarouter_routing_states_dropped_total']) assert.match(text, new RegExp(`^${name} 0$`, 'm'))
})
