import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { openDatabase } from '../../src/store/database.ts'
import { listAdoptionEvents } from '../../src/store/adoption-events.ts'
import { findDecision, type Decision } from '../../src/store/decisions.ts'
import { encodeId } from '../../src/store/ids.ts'
import type { FeedbackFound } from '../../src/store/outcomes.ts'
import type { FromStore, ToStore } from '../../src/threads/messages.ts'
import { packDecisions, packRecords } from '../../src/threads/record-batch.ts'
import { temporaryDirectory } from './databases.ts'
import { record } from './fixtures.ts'
import { findPostgres, startPostgres } from './postgres.ts'

const rounds = 3
const savedPerRound = 500

function startWorker(t: TestContext, databaseUrl: string | null, dataDir: string) {
  const worker = new Worker(new URL('../../src/threads/store-worker.ts', import.meta.url), {
    workerData: { databaseUrl, dataDir, configFile: null }, env: { ...process.env, MEGAROUTER_MASTER_KEY: 'ab'.repeat(32), LOG_LEVEL: 'silent' },
  })
  const inbox: FromStore[] = []
  worker.on('message', (message: FromStore) => inbox.push(message))
  t.after(() => worker.terminate())
  const until = async <Kind extends FromStore['kind']>(kind: Kind, matches: (message: Extract<FromStore, { kind: Kind }>) => boolean = () => true) => {
    for (;;) {
      const index = inbox.findIndex((message) => message.kind === kind && matches(message as Extract<FromStore, { kind: Kind }>))
      if (index >= 0) return inbox.splice(0, index + 1).at(-1) as Extract<FromStore, { kind: Kind }>
      await once(worker, 'message')
    }
  }
  return { worker, until, send: (message: ToStore) => worker.postMessage(message) }
}

async function savedIds(databaseUrl: string | null, dataDir: string): Promise<string[]> {
  const database = await openDatabase({ databaseUrl, dataDir })
  const rows = await database.kysely.selectFrom('usage').select('request_id').execute()
  await database.close()
  return rows.map((row) => encodeId('req', row.request_id))
}

test('the worker saves, counts, reports its state, and has written everything when it says drained', async (t) => {
  const { path, remove } = temporaryDirectory()
  t.after(remove)
  const { until, send, worker } = startWorker(t, null, path)
  await until('ready')
  const first = record()
  send({ kind: 'records', ...packRecords([first]) })
  assert.deepEqual(await until('state', ({ queued }) => queued === 0), { kind: 'state', queued: 0, dropped: 0, databaseUp: true, oldestQueuedMs: 0 })
  send({ kind: 'metrics', id: 7, gauges: { megarouter_requests_in_flight: 3 }, series: [] })
  const { id, text, contentType } = await until('metrics')
  assert.equal(id, 7)
  assert.match(contentType, /text\/plain/)
  assert.match(text, /megarouter_requests_in_flight 3\n/)
  assert.match(text, /megarouter_database_up 1\n/)
  assert.match(text, /megarouter_requests_total\{[^}]*outcome="success"[^}]*\} 1\n/)
  const rest = Array.from({ length: 2_000 }, () => record())
  send({ kind: 'records', ...packRecords(rest) })
  const exited = once(worker, 'exit')
  send({ kind: 'drain' })
  await until('drained')
  const [code] = await exited
  assert.equal(code, 0)
  assert.deepEqual((await savedIds(null, path)).sort(), [first, ...rest].map((one) => one.id).sort())
})

test('after kill -9 no record is missing that the worker had saved, and none is there twice', async (t) => {
  const { path, remove } = temporaryDirectory()
  t.after(remove)
  const promised: string[] = []
  for (let round = 0; round < rounds; round++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'store-process.ts'), path, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const handed: string[] = []
    let savedCount = 0
    for await (const line of createInterface(child.stdout)) {
      const [said, what] = line.split(' ')
      if (said === 'handed') handed.push(what!)
      else savedCount = Number(what)
      // In the middle of whatever it does then.
      if (savedCount >= savedPerRound) child.kill('SIGKILL')
    }
    promised.push(...handed.slice(0, savedCount))
  }
  const saved = await savedIds(null, path)
  assert.ok(promised.length >= rounds * savedPerRound)
  assert.deepEqual(promised.filter((id) => !saved.includes(id)), [])
  assert.equal(new Set(saved).size, saved.length)
})

const decisionOf = (id: string): Decision => ({ id, org: 'org_a', at: 1_780_000_000_000_000, policy: 'balanced', chosen: 'gpt-5.1', session: null, body: '{"record":{}}' })
const arm = { org: 'org_a', arm: 'gpt-5.1', stage: 'candidate', approved: false, state: '{"n":1}' } as const
const step = { id: 'ade_1', org: 'org_a', at: 7, arm: 'gpt-5.1', from: 'candidate', to: 'adopted', reason: 'it is as good', actor: 'router' }

test('what the router decided and learned is in the database when the worker says drained, and the next one tells it', async (t) => {
  const { path, remove } = temporaryDirectory()
  t.after(remove)
  const first = startWorker(t, null, path)
  await first.until('ready')
  const request = record()
  const bad = { ...arm, arm: 'too large', state: 'x'.repeat(65 * 1024) }
  first.send({ kind: 'decisions', ...packDecisions([decisionOf(request.id), decisionOf('req_bad')]) })
  first.send({ kind: 'armStates', rows: [arm, bad] })
  first.send({ kind: 'armStates', rows: [{ ...arm, stage: 'adopted', state: '{"n":2}' }] })
  first.send({ kind: 'adoptionEvents', rows: [step] })
  first.send({ kind: 'drain' })
  await first.until('drained')
  const second = startWorker(t, null, path)
  await second.until('ready')
  second.send({ kind: 'routingState', id: 3, untilMs: Date.now() + 10_000 })
  assert.deepEqual(await second.until('routingState'), { kind: 'routingState', id: 3, arms: [{ ...arm, stage: 'adopted', state: '{"n":2}' }] })
  const database = await openDatabase({ databaseUrl: null, dataDir: path })
  t.after(() => database.close())
  assert.deepEqual(await findDecision(database, 'org_a', request.id), decisionOf(request.id))
  assert.deepEqual((await listAdoptionEvents(database, 'org_a', {}, { limit: 9 })).data, [step])
})

test('a data directory that cannot be is a clear failure and not a silent wait', async (t) => {
  const { until, worker } = startWorker(t, null, '/dev/null/impossible')
  const exited = once(worker, 'exit')
  assert.match((await until('failed')).reason, /impossible/)
  await exited
})

const bin = findPostgres()
test('a PostgreSQL that refuses us is a failure; while it is gone records wait, and are all saved when it is back', { skip: bin === null && process.env.CI !== 'true' ? 'PostgreSQL is not installed' : false }, async (t) => {
  assert.ok(bin !== null, 'CI=true, but PostgreSQL is not installed in /usr/lib/postgresql')
  const server = await startPostgres(bin)
  t.after(() => server.stop())
  const { path, remove } = temporaryDirectory()
  t.after(remove)
  const databaseUrl = await server.create()
  const wrong = startWorker(t, `${databaseUrl}_missing`, path)
  assert.match((await wrong.until('failed')).reason, /does not exist/)
  const { until, send } = startWorker(t, databaseUrl, path)
  await until('ready')
  const records = Array.from({ length: 900 }, () => record())
  send({ kind: 'records', ...packRecords(records.slice(0, 300)) })
  await until('state', ({ queued }) => queued === 0)
  await server.halt()
  send({ kind: 'records', ...packRecords(records.slice(300)) })
  const [routed] = records
  send({ kind: 'decisions', ...packDecisions([decisionOf(routed!.id)]) })
  const ask = { org: 'org_a', key: 'key_a', node: null, target: { request: routed!.id }, metric: 'quality', value: true, comment: null, at: 1 } as const
  send({ kind: 'feedback', id: 1, ask, untilMs: Date.now() + 200 })
  assert.match((await until('feedback')).error ?? '', /does not take what is queued/)
  const down = await until('state', ({ databaseUp }) => !databaseUp)
  assert.deepEqual([down.queued, down.dropped], [600, 0])
  await server.start()
  await until('state', ({ databaseUp, queued }) => databaseUp && queued === 0)
  send({ kind: 'feedback', id: 2, ask, untilMs: Date.now() + 20_000 })
  const { found } = await until('feedback') as { found: FeedbackFound }
  assert.deepEqual([found.replaced, found.requests], [false, [{ id: routed!.id, chosen: 'gpt-5.1', decision: '{"record":{}}' }]])
  send({ kind: 'drain' })
  await until('drained')
  assert.deepEqual((await savedIds(databaseUrl, path)).sort(), records.map(({ id }) => id).sort())
})
