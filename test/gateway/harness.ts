/** The real data plane in this process, in front of the test upstream: real sockets on both sides, records kept in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { usageClasses, type Prices } from '../../src/catalog/price.ts'
import { systemAfter, systemClock, type Clock } from '../../src/clock.ts'
import { MemoryAnswers, type AnswerCache } from '../../src/gateway/answer-cache.ts'
import { AuthorizedTransport } from '../../src/gateway/authorized.ts'
import { trustedProxies } from '../../src/gateway/client-address.ts'
import { compileSnapshot } from '../../src/gateway/compile-snapshot.ts'
import { Deadlines } from '../../src/gateway/deadlines.ts'
import { ExactCache } from '../../src/gateway/exact-cache.ts'
import type { Exchange } from '../../src/gateway/exchange.ts'
import { route, type Door } from '../../src/gateway/front-door.ts'
import { Governor } from '../../src/gateway/governor.ts'
import { KeptResponses, type ResponseKeeper } from '../../src/gateway/kept-responses.ts'
import { KeyIndex } from '../../src/gateway/key-index.ts'
import { Live } from '../../src/gateway/live.ts'
import { MalformedLog, type Malformed } from '../../src/gateway/malformed.ts'
import type { Gateway } from '../../src/gateway/pipeline.ts'
import { BodyBudget } from '../../src/gateway/receive.ts'
import { Sharing } from '../../src/gateway/sharing.ts'
import { Spool } from '../../src/gateway/spool.ts'
import { Routing } from '../../src/gateway/routing.ts'
import { Repeats, type PastRequest } from '../../src/gateway/repeats.ts'
import { Recorder } from '../../src/gateway/record.ts'
import { noRateLimit, unplaced, type KeyEntry, type ProviderData, type OrganisationSnapshot, type SettingsData, type Snapshot, type SnapshotData } from '../../src/gateway/snapshot.ts'
import { Transport } from '../../src/gateway/transport.ts'
import { createKey, hashKey, type Pepper } from '../../src/governance/key-format.ts'
import { Admission } from '../../src/governance/admission.ts'
import { Shedding } from '../../src/governance/priority.ts'
import { RateLimits } from '../../src/governance/rate-limits.ts'
import type { GovernanceRow } from '../../src/governance/rows.ts'
import { SealedIds } from '../../src/governance/sealed-ids.ts'
import { GovernanceState } from '../../src/governance/state.ts'
import { Calibration } from '../../src/ledger/calibration.ts'
import type { Disk } from '../../src/ledger/disk.ts'
import { nodeDisk } from '../../src/ledger/node-disk.ts'
import { openLedger, type OpenLedger } from '../../src/ledger/open.ts'
import { limits } from '../../src/limits.ts'
import { Authorities } from '../../src/providers/auth/authority.ts'
import { sendForToken } from '../../src/providers/auth/send.ts'
import type { Send } from '../../src/providers/auth/token.ts'
import { vendor, type Vendor } from '../../src/providers/provider.ts'
import { CredentialTurns } from '../../src/routing/credentials.ts'
import { HedgeBudget, type Hedging } from '../../src/routing/hedge-budget.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { loadArtefact } from '../../src/routing/load.ts'
import type { PlanTools } from '../../src/routing/plan.ts'
import { RetryBudget } from '../../src/routing/retry-budget.ts'
import type { AdoptionEvent } from '../../src/store/adoption-events.ts'
import type { Decision } from '../../src/store/decisions.ts'
import type { RequestRecord } from '../../src/store/records.ts'
import type { StoredArm } from '../../src/store/routing-arms.ts'
import { startUpstream, type Upstream } from '../upstream/server.ts'

export const fastDeadlines: SettingsData['deadlines'] = { connectMs: 1000, firstTokenMs: 2000, idleMs: 1500, totalMs: 20_000, commitAfterMs: 10_000, keepAliveMs: 15_000, clientStallMs: 60_000, holdTokens: 0, holdMs: 0 }

/** $3 per million input units and $15 per million output units, 1 nano-dollar steps visible everywhere. */
export const testPrices = Object.fromEntries(usageClasses.map((name) => [name, name === 'requests' || name === 'toolCalls' ? 0 : /output|reasoning|Out/.test(name) ? 15e9 : name === 'cacheRead' ? 0.3e9 : 3e9])) as Prices

const nobodyKeeps: ResponseKeeper = { keep: () => {}, conversation: () => Promise.resolve(null), remove: () => Promise.resolve(false) }

const emptyCatalog: Catalog = { version: 'test', date: '2026-01-01', entries: [], find: () => undefined, logical: () => [], nearest: () => [] }

export interface Rig {
  url: string
  port: number
  upstream: Upstream
  /** The text of a key that may do everything. */
  key: string
  gateway: Gateway
  /** With a journal on this disk; nothing is applied to a database. */
  money: OpenLedger
  /** What the ledger warned of. */
  alarms: string[]
  records: RequestRecord[]
  routed: RoutedRows
  /** Waits until this many requests are recorded. */
  recorded(count: number): Promise<RequestRecord[]>
  /** Changes what the first organisation has, or all. */
  publish(change: (organisation: OrganisationSnapshot, data: SnapshotData) => void): void
  snapshot(): Snapshot
  /** As the control worker posts it; cuts what runs for keys that are stopped by it. */
  govern(...rows: GovernanceRow[]): void
  /** What the gateway said of policies that it cannot read. */
  warnings: string[]
  /** Tokens that were fetched: the vendor's name, and why where one was not. */
  fetches: string[]
  /** What the log was told of upstreams that answered with no answer. */
  malformed: Malformed[]
  load: { overloaded: boolean; memory: number }
  addKey(change?: Partial<KeyEntry>): { text: string; entry: KeyEntry }
}

export interface RigOptions {
  deadlines?: Partial<SettingsData['deadlines']>
  vendor?: Partial<Vendor>
  /** Of every request. */
  hedge?: Hedging | null
  /** More providers, besides `up`. */
  providers?: (upstream: Upstream) => ProviderData[]
  aliases?: OrganisationSnapshot['aliases']
  catalog?: Catalog
  attempts?: number
  places?: number
  retryFloor?: number
  requestBodyBytes?: number
  /** What the store knows of an idempotency key. */
  lookup?: (digest: Uint8Array) => Promise<PastRequest | null>
  /** How token servers are asked. */
  send?: Send
  tokenNowMs?: () => number
  keeper?: ResponseKeeper
  /** Where answers are kept for the same request. */
  answers?: AnswerCache
  /** Random numbers of the router; high ones try nothing. */
  draw?: () => number
  /** Stands before the journal's disk. */
  disk?: (disk: Disk) => Disk
  /** Called when the rig closes, after the gateway has. */
  closes?: readonly (() => Promise<void>)[]
}

export const providerAt = (id: string, baseUrl: string, change: Partial<Vendor> = {}, secrets = ['sk-test-secret']): ProviderData => ({
  id, baseUrl, vendor: vendor({ id, name: `Vendor ${id}`, docs: '', endpoints: ['chat', 'completions', 'embeddings'], ...change }), socketPath: null, guarded: false,
  credentials: secrets.map((secret, i) => ({ id: `${id}-${i}`, secret, last4: secret.slice(-4) })),
})

/** As a routing policy does for its requests. */
class HedgingLive extends Live {
  readonly #hedge: Hedging | null

  constructor(hedge: Hedging | null) {
    super()
    this.#hedge = hedge
  }

  override enter(exchange: Exchange): void {
    exchange.hedge = this.#hedge
    super.enter(exchange)
  }
}

/** A ledger with a journal on this disk, whose records nobody applies. */
async function rigMoney(alarms: string[], errors: unknown[], over: (disk: Disk) => Disk): Promise<OpenLedger & { close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'megarouter-rig-'))
  const money = await openLedger({
    disk: over(nodeDisk(folder)), clock: systemClock, after: systemAfter, segmentBytes: 4 * 1024 * 1024,
    ask: () => Promise.resolve({ nano: 0, lsn: 0 }), alarm: (_kind, text) => alarms.push(text), onFatal: (error) => errors.push(error),
  })
  money.recover(0, 0)
  return {
    ...money,
    async close() {
      await new Promise<void>((resolve) => money.journal.close(() => resolve()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function newKey(keys: KeyIndex, pepper: Pepper, change: Partial<KeyEntry>): { text: string; entry: KeyEntry } {
  const text = createKey()
  const entry: KeyEntry = {
    id: `key_${keys.freshAt}_${Math.random()}`, version: 1, hash: hashKey(pepper, text), status: 'active', name: 'test', org: 'org_test', team: null, project: null, user: null,
    models: null, budget: null, rateLimit: noRateLimit, expiresAt: null, ...unplaced, ...change,
  }
  keys.replace(entry)
  return { text, entry }
}

const firstData = (upstream: Upstream, options: RigOptions): SnapshotData => ({
  version: 1,
  organisations: [{
    id: 'org_test', name: 'Test', timeZone: 'UTC', budget: null, rateLimit: noRateLimit, unknownPrice: 'allow', storesContent: false,
    providers: [providerAt('up', upstream.url, options.vendor), ...(options.providers?.(upstream) ?? [])],
    deployments: [{ id: 'priced', model: 'priced', provider: 'up', upstreamModel: 'echo-20', price: { version: 'test-1', base: testPrices, tiers: [] }, priceAs: null }],
    aliases: options.aliases ?? [],
  }],
  settings: { deadlines: { ...fastDeadlines, ...options.deadlines }, requestBodyBytes: options.requestBodyBytes ?? limits.requestBodyBytes, soleOrg: 'org_test' },
})

/** What the router sends to the store. */
export interface RoutedRows { decisions: Decision[]; arms: StoredArm[]; steps: AdoptionEvent[] }

const routingFor = ({ health, credentials }: Pick<PlanTools, 'health' | 'credentials'>, clock: Clock, rows: RoutedRows, random: () => number): Routing => new Routing({
  artefact: loadArtefact(), clock, random, health, credentials,
  store: { decisions: (all) => rows.decisions.push(...all), saveArms: (all) => rows.arms.push(...all), saveAdoption: (all) => rows.steps.push(...all) },
})

const transportFor = ({ tokenNowMs, send }: RigOptions, clock: Clock, fetches: string[]): AuthorizedTransport => new AuthorizedTransport(new Transport(() => clock.epochMs()), new Authorities({
  nowMs: tokenNowMs ?? (() => clock.epochMs()), send: send ?? sendForToken, onFetch: (vendor, failed) => fetches.push(failed === null ? vendor : `${vendor}: ${failed.message}`),
}))

const toolsFor = ({ retryFloor, attempts }: RigOptions): PlanTools => ({ health: new HealthBook(() => 0.5), credentials: new CredentialTurns(), retries: new RetryBudget(0.1, retryFloor ?? 20), random: () => 0.01, maxAttempts: attempts ?? 4, maxRetryAfterMs: 1000 })

function doorFor(gateway: Gateway, clock: Clock, snapshot: () => Snapshot, load: { overloaded: boolean }): Door {
  return {
    gateway, clock, trusted: trustedProxies([]), isTls: false, snapshot, notReady: () => null, draining: () => false, overloaded: () => load.overloaded, controlSocket: () => null,
    metrics: () => Promise.resolve({ text: '', contentType: 'text/plain' }), mayReadMetrics: () => false,
  }
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const upstream = await startUpstream({})
  const pepper = { version: 1, key: Buffer.alloc(32, 7) }
  const clock = systemClock
  let data = firstData(upstream, options)
  const load = { overloaded: false, memory: 0 }
  let snapshot = compileSnapshot(data, options.catalog ?? emptyCatalog)
  const keys = new KeyIndex(pepper)
  keys.complete = true
  const errors: unknown[] = []
  const [alarms, warnings, fetches]: [string[], string[], string[]] = [[], [], []]
  const [records, malformed]: [RequestRecord[], Malformed[]] = [[], []]
  const governance = new GovernanceState((text) => warnings.push(text))
  const money = await rigMoney(alarms, errors, options.disk ?? ((disk) => disk))
  const tools = toolsFor(options)
  const routed: RoutedRows = { decisions: [], arms: [], steps: [] }
  const routing = routingFor(tools, clock, routed, options.draw ?? (() => 0.999999))
  const gateway: Gateway = {
    keys, ids: new SealedIds(pepper), live: new HedgingLive(options.hedge ?? null), bodies: new BodyBudget(limits.inFlightBodyBytes), spool: new Spool(join(tmpdir(), `megarouter-spool-${process.pid}`), limits.spoolBytes), admission: new Admission(money.ledger, new Calibration(), new RateLimits(), clock, governance),
    cache: new ExactCache(pepper, options.answers ?? new MemoryAnswers(clock, limits.cacheBytes)), repeats: new Repeats({ clock, lookup: options.lookup ?? (() => Promise.resolve(null)), limits }),
    hedges: new HedgeBudget(), tools, routing,
    transport: transportFor(options, clock, fetches), deadlines: new Deadlines(), sharing: new Sharing(), memoryUsed: () => load.memory,
    shedding: new Shedding({ places: options.places ?? limits.places, waiting: limits.waitingPlaces, waitMs: 300, after: systemAfter, nowMs: () => clock.monotonicUs() / 1000, random: () => 0.5 }),
    recorder: new Recorder((batch) => records.push(...batch), 1), userAgent: 'megarouter/test', after: systemAfter, malformed: new MalformedLog(clock, (line) => malformed.push(line)), kept: new KeptResponses(options.keeper ?? nobodyKeeps),
    outcomes: { feedback: () => Promise.resolve(null) }, feedback: routing,
    onDefect: (error) => errors.push(error),
  }
  const governor = new Governor(governance, clock, () => snapshot)
  governor.gateway = gateway
  const door = doorFor(gateway, clock, () => snapshot, load)
  const server = createServer({ noDelay: true }, (request, response) => route(door, request, response))
  // A thousand clients may come at once.
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve))
  const ticker = setInterval(() => {
    keys.freshAt = clock.epochMs()
    gateway.deadlines.tick(clock.monotonicUs())
    gateway.recorder.flush()
    gateway.routing.flush()
    money.journal.tick()
  }, 10)
  keys.freshAt = clock.epochMs()
  const addKey = (change: Partial<KeyEntry> = {}): { text: string; entry: KeyEntry } => newKey(keys, pepper, change)
  after(async () => {
    clearInterval(ticker)
    server.closeAllConnections()
    server.close()
    await gateway.transport.close()
    await upstream.close()
    for (const close of options.closes ?? []) await close()
    await money.close()
    if (errors.length > 0) throw new AggregateError(errors, 'the gateway failed inside')
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`, port, upstream, key: addKey().text, gateway, money, alarms, records, routed, addKey,
    load, warnings, fetches, malformed,
    snapshot: () => snapshot,
    govern: (...rows) => governor.apply(rows),
    publish(change) {
      data = structuredClone(data)
      change(data.organisations[0]!, data)
      snapshot = compileSnapshot(data, options.catalog ?? emptyCatalog)
      governor.swapped()
    },
    async recorded(count) {
      while (records.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
      return records
    },
  }
}

export async function chat(rig: Rig, body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${rig.url}/v1/chat/completions`, {
    method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'up/echo-5', messages: [{ role: 'user', content: 'hi' }], ...body }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
