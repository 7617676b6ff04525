/**
 * One gateway process of the simulation, from its start on a disk image to its death: the real pipeline, admission, ledger, journal,
 * recovery and repeats, wired as src/server.ts and src/threads/workers.ts do it. When it dies, all that it owns dies.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Deadlines, tickMs } from '../../src/gateway/deadlines.ts'
import { MemoryAnswers } from '../../src/gateway/answer-cache.ts'
import { ExactCache } from '../../src/gateway/exact-cache.ts'
import { Exchange } from '../../src/gateway/exchange.ts'
import { KeptResponses } from '../../src/gateway/kept-responses.ts'
import { KeyIndex } from '../../src/gateway/key-index.ts'
import { Live } from '../../src/gateway/live.ts'
import { MalformedLog } from '../../src/gateway/malformed.ts'
import { handle, type Gateway } from '../../src/gateway/pipeline.ts'
import { BodyBudget } from '../../src/gateway/receive.ts'
import { Recorder } from '../../src/gateway/record.ts'
import { Sharing } from '../../src/gateway/sharing.ts'
import { SealedIds } from '../../src/governance/sealed-ids.ts'
import { Spool } from '../../src/gateway/spool.ts'
import { Repeats } from '../../src/gateway/repeats.ts'
import type { Snapshot } from '../../src/gateway/snapshot.ts'
import type { Transport } from '../../src/gateway/transport.ts'
import { Admission } from '../../src/governance/admission.ts'
import type { Pepper } from '../../src/governance/key-format.ts'
import { Shedding } from '../../src/governance/priority.ts'
import { RateLimits } from '../../src/governance/rate-limits.ts'
import { Calibration } from '../../src/ledger/calibration.ts'
import type { Disk, JournalFile } from '../../src/ledger/disk.ts'
import type { SegmentFiles } from '../../src/ledger/follower.ts'
import { openLedger, type OpenLedger } from '../../src/ledger/open.ts'
import { limits } from '../../src/limits.ts'
import { openaiChat } from '../../src/protocols/openai-chat/index.ts'
import { Routing } from '../../src/gateway/routing.ts'
import { loadArtefact } from '../../src/routing/load.ts'
import { CredentialTurns } from '../../src/routing/credentials.ts'
import { HedgeBudget } from '../../src/routing/hedge-budget.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { leastTimes } from '../../src/routing/latency.ts'
import { RetryBudget } from '../../src/routing/retry-budget.ts'
import { newId } from '../../src/store/ids.ts'
import type { FromStore, JournalTail, ToStore } from '../../src/threads/messages.ts'
import { Client, FakeRequest, FakeResponse } from './client.ts'
import type { Dice } from './dice.ts'
import type { FaultyDisk } from './faulty-disk.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import { putBetween, type RulePlan } from './entities.ts'
import { Gone, StoreWorker, type StoreWorld } from './store.ts'
import type { Upstream } from './upstream.ts'

/** What tests of the simulator itself break on purpose. */
export interface Seams {
  opened?(opened: OpenLedger, wait: () => Promise<void>): void
}

export interface ProcessWorld extends StoreWorld {
  scheduler: Scheduler
  dice: Dice
  disk: FaultyDisk
  segmentBytes: number
  upstream: Upstream
  pepper: Pepper
  seams: Seams
  snapshot(): Snapshot
  rules(): readonly RulePlan[]
  timeZone(org: string): string
  publishKeys(keys: KeyIndex): void
  /** How long each deployment is known to take; null: no policy hedges. */
  hedgesAfterMs: number | null
  kill(power: boolean): void
  onFatal(process: GatewayProcess, error: Error): void
  onDefect(error: unknown, requestId: string | null): void
  onOpened(process: GatewayProcess): void
  alarm(kind: string, text: string): void
}

const answerMs = 2_000
/** With more to spend than a history needs. */
const hedge = { policy: 'simulated', maxSpend: 0.1 }
const hedgeSpendNano = 1e15

type Ready = Extract<FromStore, { kind: 'ready' }>

export class GatewayProcess implements Owner {
  alive = true
  ready = false
  /** It takes no new requests. */
  isDraining = false
  /** It dies in the middle of its next write. */
  dieAtWrite = false
  opened: OpenLedger | null = null
  gateway: Gateway | null = null
  readonly keys: KeyIndex
  readonly worker: StoreWorker
  readonly responses = new Map<FakeResponse, Client>()
  readonly #world: ProcessWorld
  readonly #asked = new Map<number, (message: FromStore) => void>()
  #lastAsked = 0
  #tailLsn = 0
  #storeReady: ((ready: Ready) => void) | null = null
  #readyAtStart: Ready | null = null

  constructor(world: ProcessWorld) {
    this.#world = world
    this.keys = new KeyIndex(world.pepper)
    world.publishKeys(this.keys)
    this.keys.complete = true
    this.worker = new StoreWorker(world, this, segmentsOf(world.disk), (message) => this.#fromStore(message))
  }

  /** False: it could not start, because the disk failed; a damaged journal is thrown. */
  async boot(): Promise<boolean> {
    const { scheduler, dice, disk, segmentBytes, seams } = this.#world
    let opened: OpenLedger
    try {
      opened = await openLedger({
        disk: this.#mortal(disk.boot()), clock: scheduler.clock, after: scheduler.afterOf(this), soon: (callback) => void scheduler.afterOf(this)(0, callback), segmentBytes, alarm: (kind, text) => this.alive && this.#world.alarm(kind, text),
        ask: async (entity, fromMs, toMs, byQuarter) => {
          const answer = await this.#ask((id) => ({ kind: 'balance', id, entity, fromMs, toMs, byQuarter, untilMs: Infinity }))
          if (answer.kind !== 'balance' || answer.error !== undefined) throw new Error('no balance')
          return answer
        },
        onFatal: (error) => this.alive && this.#world.onFatal(this, error),
      })
    } catch (error) {
      if (['EIO', 'ENOSPC'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
      throw error
    }
    this.opened = opened
    putBetween(opened.ledger, () => this.#world.rules(), (org) => this.#world.timeZone(org))
    this.gateway = this.#gatewayOf(opened)
    this.#learnTimes(this.gateway)
    const { appliedLsn, newestChargeMs } = this.#readyAtStart ?? await new Promise<Ready>((resolve) => (this.#storeReady = resolve))
    this.#world.onOpened(this)
    seams.opened?.(opened, () => new Promise((resolve) => scheduler.in(dice.delayUs(2_000), this, 'a mutant waits', resolve)))
    opened.recover(appliedLsn, newestChargeMs)
    this.#startTimers(opened, this.gateway)
    this.ready = true
    return true
  }

  /** A disk in the middle of whose next write the process may die: some of the bytes are then written. */
  #mortal(disk: Disk): Disk {
    const handle = (file: JournalFile): JournalFile => ({
      write: (bytes, length, position) => {
        if (!this.dieAtWrite) return file.write(bytes, length, position)
        this.dieAtWrite = false
        file.write(bytes, this.#world.dice.int(0, length), position)
        this.#world.met('killInWrite')
        this.#world.kill(false)
      },
      sync: (done) => file.sync(done),
      close: () => file.close(),
    })
    return {
      list: () => disk.list(), read: (name) => disk.read(name), remove: (name) => disk.remove(name), open: (name) => handle(disk.open(name)),
      create: (name, bytes, done) => disk.create(name, bytes, (error, file) => done(error, file === null ? null : handle(file))),
    }
  }

  serve(client: Client): FakeResponse {
    const { scheduler, dice } = this.#world
    const { call } = client
    const request = new FakeRequest({
      'content-type': 'application/json', 'content-length': String(call.body.length), authorization: `Bearer ${call.key}`,
      ...(call.idempotencyKey === null ? {} : { 'idempotency-key': call.idempotencyKey }),
    })
    const response: FakeResponse = new FakeResponse(scheduler, this, client, dice, () => this.leave(client, request, response))
    this.responses.set(response, client)
    const exchange = new Exchange(request as unknown as IncomingMessage, response as unknown as ServerResponse, this.#world.snapshot(), { protocol: openaiChat, endpoint: openaiChat.endpoints[0]!, inPath: {} }, scheduler.clock, '127.0.0.1')
    const id = newId('req', scheduler.clock.epochMs(), Uint8Array.from({ length: 16 }, () => dice.int(0, 255)))
    // The gateway's own ids are drawn from the system's randomness.
    Object.assign(exchange, { id })
    client.requestId = id
    exchange.hedge = this.#world.hedgesAfterMs === null ? null : hedge
    response.answeredBy = () => exchange.last?.options.number ?? null
    void handle(exchange, this.gateway!).catch((error: unknown) => this.#defect(error, id)).finally(() => exchange.hedgeTakenNano !== null && this.#world.met('hedged'))
    this.#upload(request, call.body)
    if (call.leavesAfterUs !== null) scheduler.in(call.leavesAfterUs, scheduler.world, 'client leaves', () => this.leave(client, request, response))
    return response
  }

  leave(client: Client, request: FakeRequest, response: FakeResponse): void {
    if (client.end !== null) return
    this.#world.met('clientLeaves')
    this.#world.scheduler.in(0, this, 'request closes', () => request.emit('close'))
    response.clientLeft()
  }

  /** As on SIGTERM: running requests finish, those that don't in time are cut; then the journal closes. What prevented that, or null. */
  async stop(graceUs: number): Promise<Error | null> {
    const { scheduler } = this.#world
    const { journal, ledger } = this.opened!
    this.isDraining = true
    const cutAtUs = scheduler.nowUs + graceUs
    let isCut = false
    while (this.gateway!.live.count > 0) {
      if (!isCut && scheduler.nowUs >= cutAtUs) {
        isCut = true
        this.gateway!.live.cutAll()
      }
      await new Promise<void>((resolve) => scheduler.in(tickMs * 1000, this, 'drains', resolve))
    }
    const open = ledger.openHolds
    const failed = await new Promise<Error | null>((resolve) => journal.close(resolve))
    return open > 0 ? new Error(`${open} holds are open although no request runs`) : failed
  }

  die(): void {
    this.alive = false
    this.worker.stop()
    this.#world.upstream.died(this)
    for (const [response, client] of this.responses) if (client.end === null) response.processDied(this.#world.dice.chance(0.5))
  }

  #upload(request: FakeRequest, body: Buffer): void {
    const { scheduler, dice } = this.#world
    const at = dice.chance(0.2) ? dice.int(1, body.length - 1) : body.length
    const firstUs = dice.delayUs(1_000)
    const secondUs = at < body.length ? dice.delayUs(20_000) : 0
    scheduler.in(firstUs, this, 'request data', () => request.emit('data', body.subarray(0, at)))
    if (at < body.length) scheduler.in(firstUs + secondUs + 1, this, 'request data', () => request.emit('data', body.subarray(at)))
    scheduler.in(firstUs + secondUs + 2, this, 'request end', () => request.emit('end'))
  }

  #gatewayOf({ ledger }: OpenLedger): Gateway {
    const { scheduler, dice, upstream } = this.#world
    const { clock } = scheduler
    const [health, credentials] = [new HealthBook(() => dice.unit()), new CredentialTurns()]
    return {
      keys: this.keys, ids: new SealedIds({ version: 1, key: Buffer.alloc(32, 1) }), live: new Live(), bodies: new BodyBudget(limits.inFlightBodyBytes), spool: new Spool('nowhere', 0),
      admission: new Admission(ledger, new Calibration(), new RateLimits(), clock),
      cache: new ExactCache(this.#world.pepper, new MemoryAnswers(clock, limits.cacheBytes)),
      repeats: new Repeats({ clock, lookup: async (digest) => ledger.findRepeat(digest) ?? this.#repeat(digest), limits }),
      hedges: new HedgeBudget(),
      tools: {
        health, credentials, retries: new RetryBudget(limits.retryBudgetRatio, limits.retryBudgetFloor),
        random: () => dice.unit(), maxAttempts: limits.attempts, maxRetryAfterMs: limits.retryAfterMs,
      },
      routing: new Routing({ artefact: loadArtefact(), clock, random: () => dice.unit(), health, credentials, store: { decisions() {}, saveArms() {}, saveAdoption() {} } }),
      transport: { dispatch: (request, handler) => upstream.dispatch(this, request, handler) } as Transport,
      deadlines: new Deadlines(), sharing: new Sharing(), memoryUsed: () => 0,
    shedding: new Shedding({ places: limits.places, waiting: limits.waitingPlaces, waitMs: limits.placeWaitMs, after: scheduler.afterOf(this), nowMs: () => clock.monotonicUs() / 1000, random: () => dice.unit() }),
    recorder: new Recorder(() => {}), userAgent: 'simulation', malformed: new MalformedLog(clock, () => {}), kept: new KeptResponses({ keep: () => {}, conversation: () => Promise.resolve(null), remove: () => Promise.resolve(false) }),
    outcomes: { feedback: () => Promise.resolve(null) }, feedback: { learn: () => false }, after: scheduler.afterOf(this),
      onDefect: (error, requestId) => this.#defect(error, requestId),
    }
  }

  /** What the process knows of deployments after some traffic. */
  #learnTimes({ tools: { health }, hedges }: Gateway): void {
    const { scheduler: { clock }, hedgesAfterMs } = this.#world
    if (hedgesAfterMs === null) return
    const nowMs = clock.monotonicUs() / 1000
    hedges.over(hedge, hedgeSpendNano, 0, 0, nowMs)
    for (const { declared } of this.#world.snapshot().organisations.values()) for (const { identity } of [...declared.values()].flat()) for (const isStream of [true, false]) for (let i = 0; i < leastTimes; i++) {
      const visit = health.enter(identity, isStream, nowMs)!
      health.began(visit, hedgesAfterMs, nowMs)
      health.done(visit, null, nowMs)
    }
  }

  #startTimers({ journal, ledger }: OpenLedger, gateway: Gateway): void {
    const { scheduler } = this.#world
    const { clock } = scheduler
    scheduler.every(tickMs * 1000, this, 'tick', () => {
      gateway.deadlines.tick(clock.monotonicUs())
      gateway.recorder.flush()
      journal.tick()
      this.#tail(journal.tail())
    })
    scheduler.every(1_000_000, this, 'release', () => {
      this.keys.freshAt = clock.epochMs()
      journal.release(ledger.appliedLsn, ledger.held().oldestLsn)
    })
    // Once a minute in truth, of which a history has no time.
    scheduler.every(5_000_000, this, 'sweep', () => {
      ledger.sweep(this.#world.snapshot().settings.deadlines.totalMs + limits.openHoldMs)
      gateway.repeats.sweep()
    })
  }

  #defect(error: unknown, requestId: string | null): void {
    if (this.alive) this.#world.onDefect(error, requestId)
  }

  #tail(tail: JournalTail): void {
    if (tail.lsn === this.#tailLsn) return
    this.#tailLsn = tail.lsn
    this.worker.post({ kind: 'tail', ...tail })
  }

  async #repeat(key: Uint8Array): Promise<{ body: Uint8Array; requestId: string; at: number } | null> {
    const answer = await this.#ask((id) => ({ kind: 'repeat', id, key, untilMs: Infinity }))
    if (answer.kind !== 'repeat' || answer.error !== undefined) throw new Error('no answer about a repeat')
    return answer.found
  }

  #ask(question: (id: number) => ToStore): Promise<FromStore> {
    const id = ++this.#lastAsked
    return new Promise((resolve, reject) => {
      const cancel = this.#world.scheduler.in(answerMs * 1000, this, 'store does not answer', () => {
        this.#asked.delete(id)
        reject(new Error('the store worker does not answer'))
      })
      this.#asked.set(id, (message) => {
        cancel()
        resolve(message)
      })
      this.worker.post(question(id))
    })
  }

  #fromStore(message: FromStore): void {
    switch (message.kind) {
      case 'ready':
        this.#tailLsn = 0
        this.#readyAtStart ??= message
        this.#storeReady?.(message)
        this.opened?.ledger.applied(message.appliedLsn)
        break
      case 'applied': this.opened?.ledger.applied(message.lsn); break
      case 'balance': case 'repeat': {
        const answer = this.#asked.get(message.id)
        this.#asked.delete(message.id)
        answer?.(message)
      }
    }
  }
}

const segmentsOf = (disk: FaultyDisk): SegmentFiles => ({
  list: () => disk.names(),
  readAt(name, into, position) {
    if (!disk.names().includes(name)) throw new Gone(`no segment ${name}`)
    const bytes = disk.bytes(name)
    return bytes.copy(into, 0, position, Math.min(bytes.length, position + into.length))
  },
})
