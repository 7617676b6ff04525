/** Wiring only: settings → workers → snapshot and keys → listener → graceful drain. */
import { randomInt, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { destination, pino } from 'pino'
import { loadCatalog } from './catalog/load.ts'
import { systemClock } from './clock.ts'
import { environment, errorText, loadConfig, serverSettings, type Environment, type ServerSettings } from './config.ts'
import { clientAddress, trustedProxies } from './gateway/client-address.ts'
import { compileSnapshot } from './gateway/compile-snapshot.ts'
import { Deadlines, tickMs } from './gateway/deadlines.ts'
import { route, type Door } from './gateway/front-door.ts'
import { KeyIndex } from './gateway/key-index.ts'
import { Live } from './gateway/live.ts'
import type { Gateway } from './gateway/pipeline.ts'
import { BodyBudget } from './gateway/receive.ts'
import { Recorder } from './gateway/record.ts'
import type { Snapshot } from './gateway/snapshot.ts'
import { Transport } from './gateway/transport.ts'
import { LocalAdmission } from './governance/local-admission.ts'
import { limits } from './limits.ts'
import { vendors } from './providers/index.ts'
import { CredentialTurns } from './routing/credentials.ts'
import { HealthBook } from './routing/health.ts'
import { RetryBudget } from './routing/retry-budget.ts'
import { loadMasterKey } from './store/master-key.ts'
import type { FromControl, FromStore, ToControl, ToStore } from './threads/messages.ts'
import { supervise } from './threads/supervise.ts'
import { banner } from './banner.ts'
import { version } from './version.ts'

const log = pino({ level: process.env['LOG_LEVEL'] ?? 'info', base: null }, destination({ dest: 2, sync: false }))

/** Prints what is wrong with the settings and ends; nothing was started yet. */
function refuseToStart(lines: readonly string[]): never {
  for (const line of lines) process.stderr.write(`megarouter: ${line}\n`)
  process.exit(1)
}

function settingsOf(variables: NodeJS.ProcessEnv): { settings: Environment; server: ServerSettings } {
  const read = environment(variables)
  if (!read.ok) refuseToStart(read.errors.map((error) => errorText(error, null)))
  for (const warning of read.warnings) log.warn(warning)
  const file = loadConfig(read.environment.configFile, variables, [...vendors.keys()])
  // A broken file does not keep the gateway from starting on its last good state: the control worker reports it.
  if (!file.ok) for (const error of file.errors) log.error(errorText(error, file.path))
  const config = file.ok ? file.config : ({ server: { host: null, port: null, adminPort: null, trustedProxies: null, tlsCert: null, tlsKey: null } } as never)
  return { settings: read.environment, server: serverSettings(read.environment, config) }
}

export async function main(): Promise<void> {
  const { settings, server } = settingsOf(process.env)
  const catalog = loadCatalog()
  const masterKey = loadMasterKey({ value: settings.masterKey ?? undefined, databaseUrl: settings.databaseUrl, dataDir: settings.dataDir })
  const clock = systemClock
  const keys = new KeyIndex()
  const live = new Live()
  const health = new HealthBook()
  const state = { snapshot: null as Snapshot | null, storeReady: false, databaseUp: true, queued: 0, draining: false, controlSocket: null as string | null, configError: null as string | null }
  const metricWaiters = new Map<number, (text: { text: string; contentType: string }) => void>()
  const started = { ready: () => {}, drained: () => {} }
  const workers = { databaseUrl: settings.databaseUrl, dataDir: settings.dataDir, configFile: settings.configFile }

  const store = supervise<ToStore, FromStore>(new URL('./threads/store-worker.ts', import.meta.url), workers, {
    died: (error, restartsInMs) => log.error({ err: error, restartsInMs }, 'the store worker died'),
    message(message) {
      switch (message.kind) {
        case 'ready': state.storeReady = true; return started.ready()
        case 'state': state.databaseUp = message.databaseUp; state.queued = message.queued; return
        case 'metrics': metricWaiters.get(message.id)?.(message); metricWaiters.delete(message.id); return
        case 'drained': return started.drained()
        case 'failed': return state.storeReady ? log.error(message.reason) : refuseToStart([message.reason])
      }
    },
  })
  const control = supervise<ToControl, FromControl>(new URL('./threads/control-worker.ts', import.meta.url), workers, {
    died: (error, restartsInMs) => log.error({ err: error, restartsInMs }, 'the control worker died'),
    message(message) {
      switch (message.kind) {
        case 'snapshot':
          if (state.snapshot && state.snapshot.version > message.snapshot.version) return
          state.snapshot = compileSnapshot(message.snapshot, catalog)
          return started.ready()
        case 'keys':
          for (const entry of message.entries) if (keys.replace(entry) && entry.status !== 'active') live.cutKey(entry.id)
          if (message.complete) keys.complete = true
          return started.ready()
        case 'heartbeat': keys.freshAt = message.at; state.configError = message.configError; return
        case 'listening': state.controlSocket = message.adminPort === null ? message.socketPath : null; return started.ready()
        case 'bootstrap': bootstrap = message; return
        case 'failed': return state.snapshot ? log.error(message.reason) : refuseToStart([message.reason])
      }
    },
  })
  let bootstrap: { token: string; file: string } | null = null

  const gateway: Gateway = {
    keys, live, pepper: masterKey.derive('pepper'),
    bodies: new BodyBudget(limits.inFlightBodyBytes),
    admission: new LocalAdmission(clock),
    tools: { health, credentials: new CredentialTurns(), retries: new RetryBudget(limits.retryBudgetRatio, limits.retryBudgetFloor), random: Math.random, maxAttempts: limits.attempts, maxRetryAfterMs: limits.retryAfterMs },
    transport: new Transport(() => clock.epochMs()),
    deadlines: new Deadlines(),
    recorder: new Recorder((records) => store.post({ kind: 'records', records })),
    userAgent: `megarouter/${version}`,
  }
  const lag = monitorEventLoopDelay({ resolution: 20 })
  lag.enable()
  let metricId = 0
  const door: Door = {
    gateway, clock, trusted: trustedProxies(server.trustedProxies), isTls: server.tls !== null,
    snapshot: () => state.snapshot,
    draining: () => state.draining,
    controlSocket: () => state.controlSocket,
    notReady() {
      if (state.draining) return 'shutting down'
      if (!state.snapshot || !keys.complete) return 'keys and configuration are being read'
      if (!state.storeReady) return 'the store is starting'
      return state.queued >= limits.recordQueue ? 'the database does not take the records of requests' : null
    },
    metrics: () => new Promise((resolve, reject) => {
      const id = ++metricId
      const timer = setTimeout(() => { metricWaiters.delete(id); reject(new Error('the store worker does not answer')) }, 2000)
      metricWaiters.set(id, (text) => { clearTimeout(timer); resolve(text) })
      const memory = process.memoryUsage()
      store.post({ kind: 'metrics', id, gauges: {
        megarouter_requests_in_flight: live.count, megarouter_body_bytes_in_flight: gateway.bodies.heldBytes,
        megarouter_event_loop_lag_p99_seconds: lag.percentile(99) / 1e9, megarouter_heap_used_bytes: memory.heapUsed, megarouter_resident_bytes: memory.rss,
        megarouter_breakers_open: health.all(clock.epochMs()).filter((each) => each.state !== 'closed').length,
        megarouter_unrecorded_refusals_total: gateway.recorder.skipped, megarouter_config_error: state.configError === null ? 0 : 1,
      } })
    }),
    mayReadMetrics: (request) => settings.adminToken !== null && sameText(request.headers.authorization ?? '', `Bearer ${settings.adminToken}`),
    onError: (error, request) => log.error({ err: error, method: request.method, address: clientAddress(request, door.trusted) }, 'a request failed inside the gateway'),
  }

  await new Promise<void>((resolve) => (started.ready = () => { if (door.notReady() === null && (state.controlSocket !== null || server.adminPort !== null)) resolve() }))
  started.ready = () => {}
  const listener = listen(door, server)
  const timers = [
    setInterval(() => { gateway.deadlines.tick(clock.monotonicUs()); gateway.recorder.flush() }, tickMs),
    setInterval(() => control.post({ kind: 'health', deployments: health.all(clock.epochMs()) }), 1000),
    setInterval(() => { gateway.transport.sweep(); keys.sweep(clock.epochMs(), 3_600_000) }, 60_000),
  ]
  await new Promise<void>((resolve, reject) => listener.once('listening', resolve).once('error', reject)).catch((error: NodeJS.ErrnoException) => {
    refuseToStart([error.code === 'EADDRINUSE' ? `port ${server.port} is in use. Set PORT to another one, or stop what listens there.` : `cannot listen on ${server.host}:${server.port}: ${error.message}`])
  })
  process.stdout.write(banner({ version, server, port: (listener.address() as AddressInfo).port, snapshot: state.snapshot!, bootstrap }))
  process.on('SIGHUP', () => control.post({ kind: 'reload' }))

  const shutDown = async (): Promise<void> => {
    if (state.draining) return live.cutAll()
    state.draining = true
    log.info({ running: live.count }, 'shutting down: no new requests, running ones finish')
    listener.close()
    await drained(live, limits.drainGraceMs)
    for (const timer of timers) clearInterval(timer)
    gateway.recorder.flush()
    const written = new Promise<void>((resolve) => (started.drained = resolve))
    store.post({ kind: 'drain' })
    control.post({ kind: 'drain' })
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, 10_000))])
    await Promise.all([store.stop(), control.stop(), gateway.transport.close()])
    log.flush()
    process.exit(0)
  }
  process.on('SIGTERM', () => void shutDown()).on('SIGINT', () => void shutDown())
}

function listen(door: Door, server: ServerSettings): Server {
  const options = { headersTimeout: limits.headersTimeoutMs, requestTimeout: 2 * limits.bodyTimeoutMs, keepAliveTimeout: 65_000, connectionsCheckingInterval: 5_000, noDelay: true, highWaterMark: 64 * 1024, maxHeaderSize: 64 * 1024 }
  const onRequest = (request: IncomingMessage, response: Parameters<typeof route>[2]): void => route(door, request, response)
  const listener = server.tls
    ? createTlsServer({ ...options, cert: readFileSync(server.tls.cert), key: readFileSync(server.tls.key) }, onRequest)
    : createServer(options, onRequest)
  listener.listen(server.port, server.host)
  return listener
}

/** Resolves when no request runs any more; at the end of the grace they are cut with an error of their own. */
async function drained(live: Live, graceMs: number): Promise<void> {
  const until = performance.now() + graceMs
  let cutAt = 0
  while (live.count > 0) {
    const now = performance.now()
    if (now > until && cutAt === 0) { live.cutAll(); cutAt = now }
    if (cutAt > 0 && now - cutAt > 5_000) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const sameText = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

if (import.meta.main) await main()
