/** Wiring only: settings → workers → snapshot and keys → listener → graceful drain. */
import { timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { destination, pino, type Logger } from 'pino'
import { banner } from './banner.ts'
import { loadCatalog } from './catalog/load.ts'
import { systemAfter, systemClock } from './clock.ts'
import { environment, errorText, keySettings, loadConfig, parseConfig, serverSettings, type Environment, type ServerSettings } from './config.ts'
import { MemoryAnswers } from './gateway/answer-cache.ts'
import { trustedProxies } from './gateway/client-address.ts'
import { deadlineTickMs, Deadlines, tickMs } from './gateway/deadlines.ts'
import { ExactCache } from './gateway/exact-cache.ts'
import { route, type Door } from './gateway/front-door.ts'
import { KeyIndex } from './gateway/key-index.ts'
import { Governor } from './gateway/governor.ts'
import { KeptResponses } from './gateway/kept-responses.ts'
import { Live } from './gateway/live.ts'
import { MalformedLog, type Malformed } from './gateway/malformed.ts'
import type { Gateway } from './gateway/pipeline.ts'
import { BodyBudget } from './gateway/receive.ts'
import { Recorder } from './gateway/record.ts'
import { Repeats } from './gateway/repeats.ts'
import { Routing } from './gateway/routing.ts'
import { Sharing } from './gateway/sharing.ts'
import { Spool } from './gateway/spool.ts'
import { Transport } from './gateway/transport.ts'
import { AuthorizedTransport } from './gateway/authorized.ts'
import { Authorities } from './providers/auth/authority.ts'
import { sendForToken } from './providers/auth/send.ts'
import { Admission } from './governance/admission.ts'
import { Shedding } from './governance/priority.ts'
import { RateLimits } from './governance/rate-limits.ts'
import { SealedIds } from './governance/sealed-ids.ts'
import { GovernanceState } from './governance/state.ts'
import { Calibration } from './ledger/calibration.ts'
import { nodeDisk } from './ledger/node-disk.ts'
import type { Ledger } from './ledger/ledger.ts'
import { openLedger, type OpenLedger } from './ledger/open.ts'
import { limits } from './limits.ts'
import { vendors } from './providers/index.ts'
import { CredentialTurns } from './routing/credentials.ts'
import { HealthBook } from './routing/health.ts'
import { HedgeBudget } from './routing/hedge-budget.ts'
import { loadArtefact } from './routing/load.ts'
import { RetryBudget } from './routing/retry-budget.ts'
import { loadMasterKeys } from './store/master-key.ts'
import type { RequestRecord } from './store/records.ts'
import { ownFolder } from './store/single-writer.ts'
import { cacheGauges } from './telemetry/cache.ts'
import { healthSeries, hedgeSeries } from './telemetry/health.ts'
import { sharingGauges } from './telemetry/sharing.ts'
import { heldNow, moneyGauges, watchJournal } from './telemetry/money.ts'
import { Workers } from './threads/workers.ts'
import { version } from './version.ts'

type Variables = Readonly<Record<string, string | undefined>>

const clock = systemClock
/** As a share of what the process may use before it takes no request at all. */
const memory = { used: 0 }
/** EX_IOERR of sysexits.h. */
const ioErrorStatus = 74
/** Time for the workers to write what they hold at a shutdown, and for cut requests to end. */
const lastWriteMs = 10_000
const lastCutMs = 5_000
/** Records that may wait in the store before more of lost requests are made. */
const lostQueued = 2_000
const releaseMs = 100
/** Between saves of what routing learned; each takes some models. */
const saveMs = 5_000
/** A signal that comes again this soon is the same one. */
const sameSignalMs = 1_000

export async function serve(variables: Variables): Promise<void> {
  const { settings, server } = readSettings(variables)
  const log = pino({ level: settings.logLevel, base: null }, destination({ dest: 2, sync: false }))
  // What no request caught is a defect too, and must not take the others with it.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, (err: unknown) => log.error({ err }, 'a defect outside any request'))
  try {
    await start(settings, server, log)
  } catch (error) {
    refuseToStart([error instanceof Error ? error.stack ?? error.message : String(error)])
  }
}

async function start(settings: Environment, server: ServerSettings, log: Logger): Promise<void> {
  const live = new Live()
  const governance = new GovernanceState((text) => log.warn(text))
  const governor = new Governor(governance, clock, () => workers.snapshot)
  const { keys, ...secrets } = byPepper(settings)
  const journalFolder = join(settings.dataDir, 'journal')
  // Kept to the end: the lock goes with the object.
  const leaveFolder = ownFolder(journalFolder) ?? refuseToStart([`another process uses the data directory ${settings.dataDir}. Stop it, or set MEGAROUTER_DATA_DIR to another folder.`])
  const workers = new Workers({ databaseUrl: settings.databaseUrl, dataDir: settings.dataDir, configFile: settings.configFile }, keys, live, loadCatalog(), {
    onSetupFailed: (reason) => refuseToStart([reason]),
    onError: (err, what) => log.error({ err }, what),
    onApplied: (lsn) => opened?.ledger.applied(lsn),
    governor,
    holds: () => heldNow(opened),
  })
  let opened: OpenLedger | null = null
  opened = await openLedger({
    disk: nodeDisk(journalFolder), clock, after: systemAfter, ask: (...question) => workers.balance(...question),
    alarm: (kind, text) => log.warn({ alarm: kind }, text),
    onFatal: (error) => journalLost(error, log),
  }).catch((error: Error) => refuseToStart([`the journal in ${journalFolder} cannot be opened: ${error.message}`]))
  const { journal, ledger, tornTail } = opened
  if (tornTail !== null) log.warn(tornTail, 'the journal ended in the middle of a record, as it does when a machine loses power; what came before is whole')
  const gateway = createGateway(keys, secrets, live, workers, ledger, governance, new Spool(join(settings.dataDir, 'spool'), limits.spoolBytes), (err, request) => log.error({ err, request }, 'a defect ended a request'), (line) => log.warn(line, 'what an upstream sent is no whole answer'))
  governor.gateway = gateway
  const running = { draining: false, overloaded: false }
  const door = createDoor(gateway, opened, workers, running, settings, server)
  await workers.until(() => workers.storeReady)
  if (opened.firstLsn > workers.appliedLsn + 1) log.error({ from: workers.appliedLsn + 1, to: opened.firstLsn - 1 }, 'records between the database and the journal are gone, as after restoring an older backup: what they charged is not in the ledger')
  await restoreRouting(gateway, workers, log)
  const lost = opened.recover(workers.appliedLsn, workers.newestChargeMs)
  await workers.until(() => waitsFor(workers, keys) === null && workers.controlSocket !== null)
  const listener = await listen(door, server)
  process.stdout.write(banner({ version, server, port: (listener.address() as AddressInfo).port, snapshot: workers.snapshot!, bootstrap: workers.bootstrap }))
  const timers = startTimers(gateway, opened, workers, running, lost, log)
  process.on('SIGHUP', () => workers.tell({ kind: 'reload' }))
  let askedAtUs = 0
  const shutDown = async (): Promise<void> => {
    if (running.draining) {
      // The second signal means now; a group of processes may get the first one twice.
      if (clock.monotonicUs() - askedAtUs > sameSignalMs * 1000) live.cutAll()
      return
    }
    running.draining = true
    askedAtUs = clock.monotonicUs()
    gateway.shedding.close()
    log.info({ running: live.count }, 'shutting down: no new requests, running ones finish')
    listener.close()
    await drained(live)
    for (const timer of timers) clearInterval(timer)
    gateway.recorder.flush()
    gateway.routing.flush()
    gateway.routing.save(true)
    const unwritten = await new Promise<Error | null>((resolve) => journal.close(resolve))
    if (unwritten !== null) log.error({ err: unwritten }, 'the journal could not be closed whole: the end of what ran last is not on the disk')
    workers.tail(journal.tail())
    await workers.stop(lastWriteMs)
    await gateway.transport.close()
    leaveFolder()
    log.flush(() => process.exit(unwritten === null ? 0 : ioErrorStatus))
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void shutDown())
}

/** What happens now and then, until the shutdown. */
function startTimers(gateway: Gateway, { journal, ledger }: OpenLedger, workers: Workers, running: { overloaded: boolean }, lost: Iterator<RequestRecord[]>, log: Logger): NodeJS.Timeout[] {
  const { keys } = gateway
  return [
    setInterval(() => gateway.deadlines.tick(clock.monotonicUs()), deadlineTickMs),
    setInterval(() => { gateway.recorder.flush(); gateway.routing.flush(); journal.tick(); workers.tail(journal.tail()); recordNext(lost, workers) }, tickMs),
    // Often: a process that dies again and again must not leave a segment each time.
    // The smaller one: a database that went back takes again what is left of the journal.
    setInterval(() => journal.release(Math.min(ledger.appliedLsn, workers.appliedLsn), ledger.held().oldestLsn), releaseMs),
    setInterval(() => workers.tell({ kind: 'health', deployments: gateway.tools.health.all(clock.monotonicUs() / 1000), credentials: gateway.tools.credentials.troubles(), queued: workers.queued, dropped: workers.dropped }), 1_000),
    setInterval(watchJournal(journal, log), 1_000),
    setInterval(() => tellNews(gateway, workers), 500),
    setInterval(() => gateway.routing.save(), saveMs),
    setInterval(() => { memory.used = process.memoryUsage.rss() / (limits.memoryWatermark * memoryBytes()); running.overloaded = memory.used > 1 }, 500),
    setInterval(() => { gateway.transport.sweep(); keys.sweep(clock.epochMs(), 3_600_000); ledger.sweep((workers.snapshot?.settings.deadlines.totalMs ?? 0) + limits.openHoldMs); gateway.repeats.sweep(); gateway.cache.answers.sweep() }, 60_000),
  ]
}

/** A gateway that cannot read what it learned serves all the same, and keeps what is stored as it is. */
async function restoreRouting({ routing }: Gateway, workers: Workers, log: Logger): Promise<void> {
  try {
    routing.restore(await workers.routingState())
  } catch (err) {
    log.error({ err }, 'what routing learned could not be read: it begins anew, and saves nothing until the next start')
  }
}

function journalLost(err: Error, log: Logger): void {
  log.fatal({ err }, 'the journal cannot be written: what the disk holds is unknown. This process ends; the next one recovers from the journal')
  log.flush(() => process.exit(ioErrorStatus))
}

function tellNews({ admission }: Gateway, workers: Workers): void {
  const news = admission.takeNews()
  if (news.length > 0) workers.tell({ kind: 'news', news })
}

/** What this process may use: the limit of its container, else the machine's memory. */
const memoryBytes = (): number => Math.min(process.constrainedMemory() || Infinity, totalmem())

/** Prints what is wrong with the settings and ends; nothing was served yet. */
function refuseToStart(lines: readonly string[]): never {
  for (const line of lines) process.stderr.write(`megarouter: ${line}\n`)
  process.exit(1)
}

function readSettings(variables: Variables): { settings: Environment; server: ServerSettings } {
  const read = environment(variables)
  if (!read.ok) refuseToStart(read.errors.map((error) => errorText(error, null)))
  for (const warning of read.warnings) process.stderr.write(`megarouter: ${warning}\n`)
  const file = loadConfig(read.environment.configFile, variables, [...vendors.keys()])
  if (file.ok) return { settings: read.environment, server: serverSettings(read.environment, file.config) }
  // A broken file does not keep the gateway from starting on its last good state, which is in the database.
  for (const error of file.errors) process.stderr.write(`megarouter: ${errorText(error, file.path)}\n`)
  const empty = parseConfig('{}', variables)
  return { settings: read.environment, server: serverSettings(read.environment, empty.ok ? empty.config : refuseToStart(['no settings'])) }
}

/** Tokens of vendors that want one in the place of a key. */
const authorities = new Authorities({
  nowMs: () => clock.epochMs(), send: sendForToken,
  onFetch: (vendor, failed) => failed && process.stderr.write(`megarouter: no token for ${vendor}: ${failed.message}\n`),
})

function byPepper(settings: Environment): Pick<Gateway, 'keys' | 'ids' | 'cache'> {
  const pepper = loadMasterKeys(keySettings(settings)).pepper()
  return { keys: new KeyIndex(pepper), ids: new SealedIds(pepper), cache: new ExactCache(pepper, new MemoryAnswers(clock, limits.cacheBytes)) }
}

function createGateway(keys: KeyIndex, secrets: Pick<Gateway, 'ids' | 'cache'>, live: Live, workers: Workers, ledger: Ledger, governance: GovernanceState, spool: Spool, onDefect: Gateway['onDefect'], onMalformed: (line: Malformed) => void): Gateway {
  const [health, credentials] = [new HealthBook(Math.random), new CredentialTurns()]
  const routing = new Routing({ artefact: loadArtefact(), clock, random: Math.random, health, credentials, store: workers })
  return {
    keys, live, ...secrets, routing,
    repeats: new Repeats({ clock, lookup: async (digest) => ledger.findRepeat(digest) ?? workers.repeat(digest), limits }),
    bodies: new BodyBudget(limits.inFlightBodyBytes), spool,
    admission: new Admission(ledger, new Calibration(), new RateLimits(), clock, governance),
    hedges: new HedgeBudget(),
    tools: {
      health, credentials, retries: new RetryBudget(limits.retryBudgetRatio, limits.retryBudgetFloor),
      random: Math.random, maxAttempts: limits.attempts, maxRetryAfterMs: limits.retryAfterMs,
    },
    transport: new AuthorizedTransport(new Transport(() => clock.epochMs()), authorities),
    deadlines: new Deadlines(),
    sharing: new Sharing(),
    shedding: new Shedding({ places: limits.places, waiting: limits.waitingPlaces, waitMs: limits.placeWaitMs, after: systemAfter, nowMs: () => clock.monotonicUs() / 1000, random: Math.random }),
    memoryUsed: () => memory.used,
    recorder: new Recorder((records) => workers.record(records)),
    userAgent: `megarouter/${version}`,
    malformed: new MalformedLog(clock, onMalformed),
    kept: new KeptResponses(workers),
    outcomes: workers,
    feedback: routing,
    after: systemAfter,
    onDefect,
  }
}

/** Requests that the last process did not record any more: a batch on each tick, as long as the store keeps up. */
function recordNext(lost: Iterator<RequestRecord[]>, workers: Workers): void {
  if (workers.queued > lostQueued) return
  const { value, done } = lost.next()
  if (!done && value.length > 0) workers.record(value)
}

/** What a process that starts is not without, or null. */
function waitsFor(workers: Workers, keys: KeyIndex): string | null {
  if (!workers.snapshot || !keys.complete) return 'keys and configuration are being read'
  return workers.storeReady ? null : 'the store is starting'
}

function createDoor(gateway: Gateway, money: OpenLedger, workers: Workers, running: { draining: boolean; overloaded: boolean }, settings: Environment, server: ServerSettings): Door {
  const lag = monitorEventLoopDelay({ resolution: 20 })
  lag.enable()
  const gauges = (): Record<string, number> => {
    const { heapUsed, rss } = process.memoryUsage()
    const breakers = gateway.tools.health.all(clock.monotonicUs() / 1000).filter(({ state }) => state !== 'closed')
    return {
      megarouter_requests_in_flight: gateway.live.count, megarouter_body_bytes_in_flight: gateway.bodies.heldBytes, megarouter_spool_bytes: gateway.spool.heldBytes,
      megarouter_event_loop_lag_p99_seconds: lag.percentile(99) / 1e9, megarouter_heap_used_bytes: heapUsed, megarouter_resident_bytes: rss,
      megarouter_breakers_open: breakers.length, megarouter_retry_budget_exhausted_total: gateway.tools.retries.refused, megarouter_hedge_spend_usd_total: gateway.hedges.spentNano / 1e9, megarouter_unrecorded_refusals_total: gateway.recorder.skipped, megarouter_vendor_tokens_fetched_total: authorities.fetched, megarouter_vendor_token_failures_total: authorities.failed, megarouter_config_error: workers.configError === null ? 0 : 1,
      megarouter_catalog_held_changes: workers.catalogHealth.held, megarouter_catalog_feed_failures: workers.catalogHealth.failures, megarouter_catalog_damaged: workers.catalogHealth.damaged, ...moneyGauges(money, gateway), ...cacheGauges(gateway), ...sharingGauges(gateway),
    }
  }
  const trusted = trustedProxies(server.trustedProxies)
  return {
    gateway, clock, trusted, isTls: server.tls !== null,
    snapshot: () => workers.snapshot,
    draining: () => running.draining,
    overloaded: () => running.overloaded,
    controlSocket: () => (server.adminPort === null ? workers.controlSocket : null),
    notReady() {
      if (running.draining) return 'shutting down'
      const { closed } = money.ledger
      return waitsFor(workers, gateway.keys)
        ?? (workers.queued >= limits.recordQueue ? 'the database does not take the records of requests' : null)
        ?? (closed === null ? null : `nothing can be charged: ${closed}`)
    },
    metrics: () => workers.metrics(gauges(), [...healthSeries(gateway.tools, clock.monotonicUs() / 1000), hedgeSeries(gateway.hedges)]),
    mayReadMetrics: ({ headers }) => settings.adminToken !== null && sameText(headers.authorization ?? '', `Bearer ${settings.adminToken}`),
  }
}

async function listen(door: Door, server: ServerSettings): Promise<Server> {
  const options = {
    headersTimeout: limits.headersTimeoutMs, requestTimeout: limits.formTimeoutMs + limits.bodyTimeoutMs, keepAliveTimeout: 65_000, connectionsCheckingInterval: 5_000,
    noDelay: true, highWaterMark: limits.socketBufferBytes, maxHeaderSize: 64 * 1024,
  }
  const listener = server.tls
    ? createTlsServer({ ...options, cert: readFileSync(server.tls.cert), key: readFileSync(server.tls.key) }, (request, response) => route(door, request, response))
    : createServer(options, (request, response) => route(door, request, response))
  try {
    await new Promise<void>((resolve, reject) => listener.once('listening', resolve).once('error', reject).listen(server.port, server.host))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    refuseToStart([code === 'EADDRINUSE' ? `port ${server.port} is in use. Set PORT to another one, or stop what listens there.` : `cannot listen on ${server.host}:${server.port}: ${message}`])
  }
  return listener
}

/** Resolves when no request runs any more; at the end of the grace they are cut with an error of their own. */
async function drained(live: Live): Promise<void> {
  const cutAtUs = clock.monotonicUs() + limits.drainGraceMs * 1000
  let cut = false
  while (live.count > 0) {
    const now = clock.monotonicUs()
    if (now > cutAtUs && !cut) {
      cut = true
      live.cutAll()
    }
    if (now > cutAtUs + lastCutMs * 1000) return
    await new Promise((resolve) => setTimeout(resolve, tickMs))
  }
}

const sameText = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
