/**
 * The store thread: takes request records from the data plane, saves them, counts them for `/metrics`, sends their traces, follows
 * the journal with the ledger and applies retention. Only wiring; the logic is in src/store, src/ledger and src/telemetry. A database that is gone is waited for; one that
 * refuses us (wrong password, wrong schema) is reported as `failed`.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { destination, pino } from 'pino'
import { systemAfter, systemClock } from '../clock.ts'
import { Follower } from '../ledger/follower.ts'
import type { Logged, TerminalRecord } from '../ledger/records.ts'
import { segmentFiles } from '../ledger/segment-files.ts'
import { limits } from '../limits.ts'
import { ContentStore } from '../store/content.ts'
import { openDatabase, type Database } from '../store/database.ts'
import { newestCharge, applyTerminals, balanceOf, findRepeat, forgetDimensions, position } from '../store/ledger.ts'
import { loadMasterKeys } from '../store/master-key.ts'
import { nodeIdOf } from '../store/node-id.ts'
import type { RequestRecord } from '../store/records.ts'
import { applyRetention } from '../store/retention.ts'
import { isTransient, RecordStore } from '../store/save.ts'
import { findSettings } from '../store/settings.ts'
import { ResponseStore, type NewStored } from '../store/stored-responses.ts'
import { BatchWriter } from '../store/writer.ts'
import type { Series } from '../telemetry/health.ts'
import { Metrics } from '../telemetry/metrics.ts'
import { startTraces } from '../telemetry/traces.ts'
import type { FromStore, ToStore, WorkerSettings } from './messages.ts'
import { unpackRecords } from './record-batch.ts'
import { RoutingStore, TooLateError } from './routing-store.ts'
import { throttled } from './throttled.ts'

const stateIntervalMs = 500
const retentionIntervalMs = 3_600_000
const reopenMs = 1_000
const drainMs = 30_000
const sayAgainMs = 10_000

const port = parentPort
if (port === null) throw new Error('store-worker.ts runs as a worker thread of main.ts only')
const { databaseUrl, dataDir } = workerData as WorkerSettings
const log = pino({ level: process.env['LOG_LEVEL'] ?? 'info', base: { thread: 'store' } }, destination({ dest: 2, sync: true }))
const post = (message: FromStore): void => port.postMessage(message)

async function openPatiently(): Promise<Database> {
  for (;;) {
    try {
      return await openDatabase({ databaseUrl, dataDir })
    } catch (error) {
      if (!isTransient(error)) throw error
      log.error({ err: error }, 'the database does not answer; trying again')
      await sleep(reopenMs)
    }
  }
}

async function connect() {
  const masterKeys = loadMasterKeys({ value: process.env['MEGAROUTER_MASTER_KEY'], previous: process.env['MEGAROUTER_PREVIOUS_MASTER_KEYS'], databaseUrl, dataDir })
  const database = await openPatiently()
  const content = new ContentStore(database, masterKeys.kek('content'))
  const responses = new ResponseStore(database, content)
  const store = new RecordStore(database, content, (error, count) => {
    contentLost += count
    log.error({ err: error, count }, 'request content could not be stored')
  })
  const journal = join(dataDir, 'journal')
  const node = nodeIdOf(journal, randomBytes)
  const at = node === null ? null : await position(database, node)
  rejected = at?.rejected ?? 0
  const follower = new Follower({
    files: segmentFiles(journal), appliedLsn: at?.appliedLsn ?? 0, after: systemAfter,
    apply: (batch, uptoLsn, afterLsn) => applyTo(database, node, batch, uptoLsn, afterLsn),
    applied: (lsn) => post({ kind: 'applied', lsn }),
    wentBack(position, hadLsn, lostLsn) {
      forgetDimensions(database)
      store.forgetDimensions()
      log.error({ position, hadLsn }, 'the database went back, as after the failover to a replica that was behind; the journal is applied again from there')
      if (lostLsn > 0) log.error({ from: position + 1, to: lostLsn }, 'records that the database lost are in no journal any more: what they charged is not in the ledger')
    },
    failed: (error) => log.error({ err: error }, 'the ledger could not follow the journal; it is tried again'),
  })
  return { database, content, responses, store, follower, node, newestChargeMs: await newestCharge(database) }
}

async function applyTo(database: Database, node: string | null, batch: readonly Logged<TerminalRecord>[], uptoLsn: number, afterLsn: number): Promise<number> {
  if (node === null) throw new Error('there is a journal now, and was none when this thread started')
  const applied = await applyTerminals(database, node, batch, uptoLsn, afterLsn)
  rejected += applied.rejected.length
  for (const each of applied.rejected) log.error(each, 'a record of the journal could not be applied to the ledger: this is a defect of MegaRouter')
  return applied.appliedLsn
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version
}

let contentLost = 0
/** Terminal records that the ledger refused, ever. */
let rejected = 0
let opened = false
let stopping = false
const connected = connect()
const endpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT']
const tracing = endpoint ? startTraces({ endpoint, serviceName: process.env['OTEL_SERVICE_NAME'] ?? 'megarouter', serviceVersion: packageVersion() })
  .catch((error: unknown) => void log.error({ err: error }, 'traces are off: OpenTelemetry could not be started')) : null
const metrics = new Metrics()

const writer = new BatchWriter<RequestRecord>({
  save: async (records) => (await connected).store.save(records),
  isTransient,
  failed: (error, lost) => log.error({ err: error, request: lost?.id }, lost === null ? 'the database does not take records; they are kept and tried again' : 'a request record could not be stored and is lost'),
  nowMs: () => Date.now(),
  after: systemAfter,
  queueLimit: limits.recordQueue,
})
const routing = new RoutingStore({ database: async () => (await connected).database, recordsWritten: (withinMs) => writer.written(withinMs), log })

async function receive(message: ToStore): Promise<void> {
  switch (message.kind) {
    case 'records': {
      const records = unpackRecords(message)
      writer.push(records)
      for (const record of records) metrics.observe(record)
      return (await tracing)?.add(records)
    }
    case 'tail':
      return (await connected).follower.tail(message)
    case 'balance': case 'repeat':
      return answer(message)
    case 'keepResponse':
      return keep(message.stored)
    case 'response':
      return answerOfResponse(message)
    case 'decisions': case 'armStates': case 'adoptionEvents':
      return routing.take(message)
    case 'feedback': case 'routingState':
      return answerOfRouting(message)
    case 'metrics':
      return post({ kind: 'metrics', id: message.id, text: await metricsText(message.gauges, message.series), contentType: metrics.contentType })
    case 'drain':
      return drain()
  }
}

const tooLate = throttled(sayAgainMs, systemClock, (count) => log.error({ count }, 'the database was too slow: questions about budgets, repeats or feedback are dropped, since nobody waits for their answers any more'))
const unanswered = throttled(sayAgainMs, systemClock, (count, err: unknown, kind: string) => log.error({ err, count }, `the database did not answer a question about a ${kind}`))

/** In order with what is applied; the data plane adds what it settled later itself. While the database hangs questions pile up here, and most have nobody who waits for them. */
async function answer(message: Extract<ToStore, { kind: 'balance' | 'repeat' }>): Promise<void> {
  const { kind, id } = message
  if (!opened) return post({ kind, id, error: 'the database was not reached yet' })
  try {
    const { database, follower, node } = await connected
    await follower.exclusively(async () => {
      if (systemClock.epochMs() > message.untilMs) return tooLate()
      const said = message.kind === 'balance' ? await balanceOf(database, node ?? '', message) : { found: await findRepeat(database, message.key) }
      if ('lsn' in said) follower.stands(said.lsn)
      // The data plane has forgotten what was applied once.
      if (follower.isBehind) throw new Error('the database went back and is brought up again from the journal')
      post('lsn' in said ? { kind: 'balance', id, ...said } : { kind: 'repeat', id, ...said })
    })
  } catch (error) {
    unanswered(error, kind)
    post({ kind, id, error: error instanceof Error ? error.message : String(error) })
  }
}

/** Answers on their way into the database: questions about them wait. */
let keeping: Promise<void> = Promise.resolve()
let keepingBytes = 0
const mostKeepingBytes = 64 * 1024 * 1024
const lostResponse = throttled(sayAgainMs, systemClock, (count, why: unknown, id: string) => log.error({ count, err: why, response: id }, 'responses could not be kept: a client cannot go on from them by their id'))

function keep(stored: NewStored): void {
  if (keepingBytes + stored.json.length > mostKeepingBytes) return lostResponse(new Error('the database is too slow, and too many wait for it'), stored.id)
  keepingBytes += stored.json.length
  keeping = keeping.then(async () => {
    const { database, responses } = await connected
    const settings = await findSettings(database, stored.org)
    if (settings?.responses.store !== true) return
    if (!await responses.save(stored, settings.responses.quotaMb * 1024 * 1024)) lostResponse(new Error('it is larger than one may be'), stored.id)
  }).catch((error: unknown) => lostResponse(error, stored.id)).finally(() => { keepingBytes -= stored.json.length })
}

async function answerOfResponse({ id, org, owner, response, remove, untilMs }: Extract<ToStore, { kind: 'response' }>): Promise<void> {
  try {
    if (!opened) throw new Error('the database was not reached yet')
    await keeping
    if (systemClock.epochMs() > untilMs) return tooLate()
    const { responses } = await connected
    post({ kind: 'response', id, chain: remove ? null : await responses.chain(org, owner, response), removed: remove && await responses.remove(org, owner, response) })
  } catch (error) {
    unanswered(error, 'stored response')
    post({ kind: 'response', id, error: error instanceof Error ? error.message : String(error) })
  }
}

async function answerOfRouting(message: Extract<ToStore, { kind: 'feedback' | 'routingState' }>): Promise<void> {
  const { id } = message
  try {
    if (!opened) throw new Error('the database was not reached yet')
    if (message.kind === 'feedback') post({ kind: 'feedback', id, found: await routing.feedback(message.ask, message.untilMs) })
    else post({ kind: 'routingState', id, arms: await routing.arms() })
  } catch (error) {
    if (error instanceof TooLateError) tooLate()
    else unanswered(error, message.kind)
    post({ kind: message.kind, id, error: error instanceof Error ? error.message : String(error) })
  }
}

/** A database that was not reached yet counts as down. */
const currentState = () => {
  const state = writer.state()
  return { ...state, databaseUp: opened && state.databaseUp }
}

async function metricsText(gauges: Record<string, number>, series: readonly Series[]): Promise<string> {
  const state = currentState()
  const follower = opened ? (await connected).follower : null
  return metrics.text({
    ...gauges, megarouter_ledger_applied_lsn: follower?.appliedLsn ?? 0, megarouter_ledger_lag: follower?.lag ?? 0, megarouter_ledger_rejected_total: rejected,
    megarouter_records_queued: state.queued, megarouter_records_dropped_total: state.dropped, megarouter_records_oldest_queued_seconds: state.oldestQueuedMs / 1000,
    ...routing.gauges(), megarouter_database_up: state.databaseUp ? 1 : 0, megarouter_content_lost_total: contentLost, megarouter_spans_dropped_total: (await tracing)?.dropped ?? 0,
  }, series)
}

async function drain(): Promise<void> {
  stopping = true
  const [left, unlearned, behind] = await Promise.all([writer.drain(drainMs), routing.drain(drainMs), opened ? (await connected).follower.drain(drainMs) : 0])
  if (behind > 0) log.error({ behind }, 'the database did not take the end of the journal in time; it follows at the next start')
  if (left > 0) log.error({ records: left }, 'the database did not take the last records in time; they are lost')
  if (unlearned > 0) log.error({ rows: unlearned }, 'the database did not take the last of what the router decided and learned in time; it is lost')
  await (await tracing)?.close()
  await Promise.race([keeping, sleep(drainMs, null, { ref: false })])
  await pruning
  if (opened) await (await connected).database.close()
  post({ kind: 'drained' })
  end()
}

/** With nothing left to wait for the thread ends. */
function end(): void {
  clearInterval(stateTimer)
  clearInterval(retentionTimer)
  port?.close()
}

let pruning: Promise<void> | null = null

function prune(): void {
  pruning ??= connected
    .then(({ database, content, responses }) => applyRetention(database, content, responses, Date.now() * 1000, () => stopping))
    .then((removed) => log.debug(removed, 'retention applied'), (error: unknown) => log.error({ err: error }, 'retention could not be applied; it is tried again in an hour'))
    .finally(() => {
      pruning = null
    })
}

port.on('message', (message: ToStore) => void receive(message).catch((error: unknown) => log.error({ err: error }, `the store thread could not handle "${message.kind}"`)))
const stateTimer = setInterval(() => post({ kind: 'state', ...currentState() }), stateIntervalMs)
const retentionTimer = setInterval(prune, retentionIntervalMs)
connected.then(({ follower, newestChargeMs }) => {
  opened = true
  post({ kind: 'ready', appliedLsn: follower.appliedLsn, newestChargeMs })
  prune()
}, (error: unknown) => {
  post({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
  end()
})
