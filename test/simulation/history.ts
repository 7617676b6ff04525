/**
 * One seed, one history: draws what will happen, lets it happen in virtual time, waits for rest after the faults have stopped, and
 * checks what must then hold. The same seed gives the same history, event by event.
 */
import { createHash } from 'node:crypto'
import type { KeyIndex } from '../../src/gateway/key-index.ts'
import type { Snapshot } from '../../src/gateway/snapshot.ts'
import { periodStart } from '../../src/governance/periods.ts'
import { SegmentReader } from '../../src/ledger/segment-reader.ts'
import type { Ancestor, BudgetRule } from '../../src/ledger/account.ts'
import type { Database } from '../../src/store/database.ts'
import { verifyLedger } from '../../src/store/ledger-verify.ts'
import { checkClients, compareWithBill, foldEntries, readEntries, settledIn, type Circumstances, type Entry } from './audit.ts'
import { Bill } from './bill.ts'
import { Client } from './client.ts'
import { Dice } from './dice.ts'
import { isShown, peakOf, spanOf } from './entities.ts'
import { FaultyDisk } from './faulty-disk.ts'
import { scheduleFaults } from './faults.ts'
import { GatewayProcess, type ProcessWorld, type Seams } from './gateway.ts'
import { reapply } from './reapply.ts'
import { Scheduler, Stuck } from './scheduler.ts'
import { callsOf, keyOf, pepper, snapshotOf, type SimulatedKey } from './setup.ts'
import { SimulatedDatabase, type Apply } from './store.ts'
import { swarm, type Swarm } from './swarm.ts'
import { Upstream } from './upstream.ts'
import { Watch } from './watch.ts'

export interface Violation { property: string; text: string; event: number }

export interface Result {
  seed: number
  /** Of all events and of what the ledger holds at the end. */
  hash: string
  events: number
  calls: number
  attempts: number
  /** What the vendors charge for the attempts that were compared. */
  billedNano: bigint
  kills: number
  powerLosses: number
  violations: Violation[]
  /** The last events before the first violation, or all with `verbose`. */
  trail: string[]
  /** What happened how often: faults and ends. */
  met: Map<string, number>
}

export interface Options {
  verbose?: boolean
  seams?: Seams
  wrapApply?: (apply: Apply) => Apply
  /** The database may also lose what the journal no longer holds. */
  losesReleased?: boolean
  /** Changes what the seed drew. */
  bend?: (swarm: Swarm) => void
}

const trailLength = 40
const violationLimit = 20
/** Longer than any deadline and pause together. */
const restUs = 200_000_000

export async function simulate(seed: number, database: Database, options: Options = {}): Promise<Result> {
  const history = new History(seed, database, options)
  return history.run()
}

export class History implements ProcessWorld {
  readonly seed: number
  readonly options: Options
  readonly dice: Dice
  readonly swarm: Swarm
  readonly scheduler: Scheduler
  readonly disk: FaultyDisk
  readonly database: SimulatedDatabase
  readonly bill = new Bill()
  readonly upstream: Upstream
  readonly clients: Client[] = []
  readonly keys: SimulatedKey[]
  readonly pepper = pepper
  readonly segmentBytes: number
  readonly databaseUs: number
  readonly seams: Seams
  readonly wrapApply: Options['wrapApply']
  readonly watch: Watch
  readonly mayBeLost = new Set<string>()
  process!: GatewayProcess
  faultsOver = false
  diskWasFull = false
  version = 1
  kills = 0
  powerLosses = 0
  readonly #result: Result
  readonly #hash = createHash('sha1')
  #unhashed = ''
  #snapshot: Snapshot
  readonly #unknownPrice: 'allow' | 'block'
  readonly #sent = new Set<string>()

  constructor(seed: number, database: Database, options: Options) {
    this.seed = seed
    this.options = options
    const dice = (this.dice = new Dice(seed))
    this.swarm = swarm(dice.fork())
    options.bend?.(this.swarm)
    this.scheduler = new Scheduler(dice.fork())
    const diskDice = dice.fork()
    this.segmentBytes = this.swarm.segmentBytes
    this.databaseUs = this.swarm.databaseUs
    this.disk = new FaultyDisk({
      random: () => diskDice.unit(), after: (ms, callback) => this.scheduler.in(ms * 1000 + diskDice.int(20, 900), this.scheduler.world, 'disk', callback),
      faults: { createMs: [0, 5], syncMs: [0, this.swarm.faults.disk.syncMs], syncError: this.swarm.faults.disk.syncError },
    })
    this.database = new SimulatedDatabase(database)
    this.upstream = new Upstream(this)
    const keyDice = dice.fork()
    this.keys = this.swarm.keys.map((plan) => keyOf(plan, keyDice))
    this.seams = options.seams ?? {}
    this.wrapApply = options.wrapApply
    this.#result = { seed, hash: '', events: 0, calls: 0, attempts: 0, billedNano: 0n, kills: 0, powerLosses: 0, violations: [], trail: [], met: new Map() }
    this.watch = new Watch((property, text) => this.violated(property, text), () => this.scheduler.nowUs)
    this.#unknownPrice = dice.pick(['allow', 'block'])
    this.#snapshot = snapshotOf(1, this.swarm.orgs, this.swarm, this.#unknownPrice)
    this.scheduler.onEvent = (label) => this.#note(label)
    this.scheduler.afterEvent = () => this.watch.check()
  }

  get faults(): Swarm['faults'] { return this.swarm.faults }
  get hedgesAfterMs(): number | null { return this.swarm.hedgesAfterMs }
  mayFail(): boolean { return !this.faultsOver }
  snapshot(): Snapshot { return this.#snapshot }

  rules(): Swarm['rules'] { return this.swarm.rules }
  timeZone(org: string): string { return this.swarm.orgs.find(({ id }) => id === org)!.timeZone }

  /** A budget is changed or removed. */
  publishRule(index: number, budget: BudgetRule | null): void {
    const plan = this.swarm.rules[index]!
    const changed = (this.swarm.rules[index] = { ...plan, budget, version: plan.version + 1 })
    const ancestor: Ancestor = { ...changed, name: `Budget ${plan.rule}`, timeZone: this.timeZone(plan.org), zoneVersion: 1 }
    this.process.opened?.ledger.changed(ancestor)
  }

  sent(attemptId: string): void {
    this.#sent.add(attemptId)
  }

  met(what: string, count = 1): void {
    this.#result.met.set(what, (this.#result.met.get(what) ?? 0) + count)
  }

  violated(property: string, text: string): void {
    const { violations, trail } = this.#result
    if (violations.length === 0) trail.push(`!! ${property}: ${text}`)
    if (violations.length < violationLimit) violations.push({ property, text, event: this.scheduler.events })
  }

  publishKeys(keys: KeyIndex): void {
    for (const { entry } of this.keys) keys.replace(entry)
  }

  /** A new snapshot, as the control worker would publish it. */
  publishSnapshot(): void {
    this.#snapshot = snapshotOf(++this.version, this.swarm.orgs, this.swarm, this.#unknownPrice)
  }

  alarm(kind: string, text: string): void {
    if (kind === 'overrun') this.watch.overruns++
    this.met(`alarm ${kind}`)
    if (kind === 'over_bound' && this.faults.vendor.exceedsLimit === 0 && this.faults.vendor.absurdUsage === 0) this.violated('P7', `although every vendor keeps its limits: ${text}`)
  }

  onDefect(error: unknown, requestId: string | null): void {
    this.violated('defect', `${requestId}: ${error instanceof Error ? error.stack : String(error)}`)
  }

  onFatal(process: GatewayProcess, error: Error): void {
    this.met('fatalDisk')
    this.note(`fatal: ${error.message}`)
    if (process === this.process) this.kill(false)
  }

  onOpened({ opened }: GatewayProcess): void {
    this.watch.opened(opened!, settledIn(readEntries(this.database.database)))
  }

  note(text: string): void {
    this.#note(text)
  }

  /** The process dies, with `power` the machine; another one starts a moment later. */
  kill(power: boolean): void {
    if (!this.process.alive) return
    this.kills++
    this.met(power ? 'powerLoss' : 'kill')
    if (power) {
      this.powerLosses++
      for (const attemptId of this.#sent) if (!this.#hasAnswer(attemptId)) this.mayBeLost.add(attemptId)
    }
    this.#replace(power)
  }

  /** The process is asked to end. Whatever becomes of the machine afterwards, nothing is lost. */
  async stop(): Promise<void> {
    const { process, dice } = this
    if (!process.alive || !process.ready || process.isDraining) return
    this.met('stop')
    const failed = await process.stop(dice.int(0, 2_000_000))
    if (!process.alive) return
    if (failed === null) return this.#replace(dice.chance(0.5))
    this.met('stopFails')
    if (!this.diskWasFull) this.violated('stop', failed.message)
    this.kill(false)
  }

  #replace(power: boolean): void {
    const { process, disk, dice, scheduler } = this
    this.watch.died()
    process.die()
    disk.crash({ power })
    const lost = power && this.faults.store.losesTail ? dice.int(0, 3) : 0
    scheduler.in(dice.int(10_000, 1_000_000), scheduler.world, 'process starts', () => void this.start(lost))
  }

  async start(lostBatches = 0): Promise<void> {
    if (lostBatches > 0) {
      this.met('databaseLosesTail')
      await this.database.loseTail(lostBatches, this.options.losesReleased ? 0 : this.#oldestLsn())
    }
    const process = (this.process = new GatewayProcess(this))
    try {
      const isUp = await process.boot()
      if (isUp) this.watch.recovered(process.opened!)
      else {
        this.met('startFails')
        this.kill(false)
      }
    } catch (error) {
      this.violated('start', error instanceof Error ? error.stack ?? error.message : String(error))
    }
  }

  async run(): Promise<Result> {
    const { scheduler, swarm: { spanUs } } = this
    this.database.empty()
    const unhandled = (error: unknown): void => this.violated('defect', `nobody handles ${error instanceof Error ? error.stack : String(error)}`)
    process.on('unhandledRejection', unhandled)
    try {
      void this.start()
      for (const { atUs, call } of callsOf(this.swarm, this.keys, this.dice.fork())) {
        const client = new Client(call)
        this.clients.push(client)
        scheduler.in(100_000 + atUs, scheduler.world, `client ${call.number} calls`, () => this.#begin(client))
      }
      scheduleFaults(this, this.dice.fork())
      await scheduler.run(() => this.#isBroken(), spanUs + 4_000_000)
      this.#stopFaults()
      const rests = await scheduler.run(() => this.#isBroken() || this.#rests(), restUs)
      if (!rests) this.violated('liveness', this.#whatIsLeft())
      // What was just answered has its connection to close.
      await scheduler.run(() => this.#isBroken(), 100_000)
      if (!this.#isBroken()) await this.#audit()
    } catch (error) {
      this.violated(error instanceof Stuck ? 'liveness' : 'defect', error instanceof Error ? error.stack ?? error.message : String(error))
    }
    process.off('unhandledRejection', unhandled)
    this.#digest()
    this.process.alive = false
    return Object.assign(this.#result, { hash: this.#hash.digest('hex'), events: scheduler.events, calls: this.clients.length, kills: this.kills, powerLosses: this.powerLosses })
  }

  /** Of what the journal still holds. */
  #oldestLsn(): number {
    for (const name of this.disk.names()) {
      const reader = new SegmentReader()
      reader.scan(this.disk.bytes(name), () => {})
      if (reader.firstLsn > 0) return reader.firstLsn
    }
    return Infinity
  }

  #begin(client: Client): void {
    const { ready, alive, isDraining } = this.process
    if (ready && alive && !isDraining) this.process.serve(client)
    else client.end = 'refused'
  }

  #note(label: string): void {
    const line = `${(this.scheduler.nowUs / 1e6).toFixed(6)} ${label}`
    this.#unhashed += line
    if (this.#unhashed.length > 65_536) this.#digest()
    const { trail, violations } = this.#result
    if (violations.length > 0) return
    trail.push(line)
    if (!this.options.verbose && trail.length > 2 * trailLength) trail.splice(0, trailLength)
  }

  #digest(): void {
    this.#hash.update(this.#unhashed)
    this.#unhashed = ''
  }

  #isBroken(): boolean {
    return this.#result.violations.length > 0
  }

  #hasAnswer(attemptId: string): boolean {
    const requestId = attemptId.slice(0, attemptId.lastIndexOf('-'))
    const client = this.clients.find((each) => each.requestId === requestId)
    return client !== undefined && client.head !== null && Number(client.head.headers['x-megarouter-attempts']) >= Number(attemptId.slice(attemptId.lastIndexOf('-') + 1))
  }

  #stopFaults(): void {
    this.faultsOver = true
    this.database.isDown = false
    Object.assign(this.disk.faults, { capacityBytes: Infinity, writeFull: 0, writeError: 0, syncError: 0, syncMs: [0, 3] })
  }

  #rests(): boolean {
    const { process: { ready, alive, opened, gateway }, clients, bill, upstream } = this
    if (!ready || !alive || gateway!.live.count > 0 || upstream.openCalls > 0) return false
    if (opened!.ledger.openHolds > 0 || opened!.ledger.unapplied > 0) return false
    for (const { end } of clients) if (end === null) return false
    for (const { final } of bill.charges.values()) if (!final) return false
    return true
  }

  #whatIsLeft(): string {
    const { process: { ready, alive, opened, gateway }, clients, bill, upstream } = this
    const waiting = clients.filter(({ end }) => end === null).map(({ call }) => call.number)
    return `no rest after ${restUs / 1e6} s: process ${ready && alive ? 'up' : 'down'}, ${gateway?.live.count} requests, ${opened?.ledger.openHolds} holds, ${opened?.ledger.unapplied} unapplied, clients ${waiting.join(' ')} wait, ` +
      `${upstream.openCalls} upstream calls, ${[...bill.charges.values()].filter(({ final }) => !final).length} unfinished at vendors`
  }

  async #audit(): Promise<void> {
    const { database: { database }, bill, clients, mayBeLost, diskWasFull } = this
    const entries = readEntries(database)
    const report = (property: string, text: string): void => this.violated(property, text)
    const circumstances: Circumstances = { bill, clients, promised: this.watch.promised, mayBeLost, diskWasFull, powerWasLost: this.powerLosses > 0, met: (what, count) => this.met(what, count) }
    foldEntries(database, entries, report)
    const { attempts, nano } = compareWithBill(entries, circumstances, report)
    checkClients(entries, circumstances, report)
    this.#checkRest(entries)
    this.#checkLimits(entries)
    for (const { what, where } of (await verifyLedger(database)).findings) report('P5', `${where}: ${what}`)
    if (this.database.rejected > 0) report('P2', `${this.database.rejected} records could not be applied`)
    for (const { lsn, kind, nano: amount, outcome, flags } of entries) this.#hash.update(`${lsn} ${kind} ${amount} ${outcome} ${flags}\n`)
    await reapply(this.database, this.dice.fork(), entries, report)
    this.#result.attempts = attempts
    this.#result.billedNano = nano
  }

  /** P1 by the entries alone: no limit that stood all the time was passed in any of its periods. */
  #checkLimits(entries: readonly Entry[]): void {
    const { swarm: { orgs, keys, rules }, watch: { changed, overruns } } = this
    const planned: { entity: string; budget: BudgetRule | null; timeZone: string }[] = [...orgs.map(({ id, budget, timeZone }) => ({ entity: `org:${id}`, budget, timeZone })), ...keys.map(({ id, org, budget }) => ({ entity: `key:${id}`, budget, timeZone: this.timeZone(org) })), ...rules.map(({ entity, org, budget }) => ({ entity, budget, timeZone: this.timeZone(org) }))]
    for (const { entity, budget, timeZone } of planned) {
      if (budget === null || budget.mode === 'soft' || changed.has(entity)) continue
      const span = spanOf(budget.period)
      const charged = entries.filter(({ kind, entities }) => kind === 0 && entities.includes(entity))
      const sums = new Map<number, bigint>()
      if (span > 0) sums.set(0, BigInt(peakOf(span, charged.map(({ entities, heldAtUs, nano }) => ({ entities, heldAt: heldAtUs / 1000, nano: Number(nano) })))))
      else for (const { heldAtUs, nano } of charged) {
        const start = periodStart(budget.period, heldAtUs / 1000, timeZone)
        sums.set(start, (sums.get(start) ?? 0n) + nano)
      }
      const mayPass = budget.mode === 'standard' && (overruns > 0 || this.kills > 0)
      for (const sum of sums.values()) if (sum > BigInt(budget.limitNano) && !mayPass) this.violated('P1', `${entity} has a ${budget.mode} limit of ${budget.limitNano} for a ${budget.period}, and its entries are ${sum}`)
    }
  }

  /** P9: what is not settled is free again. */
  #checkRest(entries: readonly Entry[]): void {
    const { opened, gateway } = this.process
    if (gateway!.bodies.heldBytes !== 0) this.violated('P9', `${gateway!.bodies.heldBytes} bytes of bodies are held at rest`)
    for (const account of opened!.ledger.accounts.all()) {
      const { entity, isOpen, heldNano, settledNano } = account
      if (!isOpen) continue
      if (heldNano !== 0) this.violated('P9', `${entity} holds ${heldNano} at rest`)
      let settled = 0n
      for (const { kind, nano, entities, heldAtUs } of entries) if (kind === 0 && isShown(account, { entities, heldAt: heldAtUs / 1000, nano: 0 })) settled += nano
      if (settled !== BigInt(settledNano)) this.violated('P9', `${entity} has ${settledNano} settled at rest, and its entries are ${settled}`)
    }
  }
}
