/**
 * Simulated vendors behind a simulated network, in place of the transport: connections that fail, are slow, wait for a slow reader
 * or break with the process; each vendor charges by its own rules what it was asked for.
 */
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from '../../src/gateway/transport.ts'
import { noUnits, type Bill, type Charge, type Units } from './bill.ts'
import type { Dice } from './dice.ts'
import { Channel, type Owner, type Scheduler } from './scheduler.ts'
import { readRequest, scriptFor, vendorRules, type Script, type Step, type VendorRules } from './script.ts'
import type { Faults } from './swarm.ts'

/** Chunks that a connection holds before its vendor waits for the reader. */
const windowChunks = 8

export interface UpstreamWorld {
  scheduler: Scheduler
  dice: Dice
  faults: Faults
  bill: Bill
  met(what: string): void
  /** From here on the vendor may see it. */
  sent(attemptId: string): void
}

export class Upstream {
  readonly #world: UpstreamWorld
  readonly #open = new Set<Connection>()

  constructor(world: UpstreamWorld) {
    this.#world = world
  }

  get openCalls(): number {
    return this.#open.size
  }

  /** What `Gateway.transport` is for one process. */
  dispatch(owner: Owner, request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    if (!owner.alive) return { pause() {}, resume() {}, abort() {} }
    const connection = new Connection(this.#world, owner, request, handler, () => this.#open.delete(connection))
    this.#open.add(connection)
    connection.begin()
    return connection
  }

  /** The connections of a dead process break. */
  died(owner: Owner): void {
    for (const connection of this.#open) if (connection.owner === owner) connection.die()
  }
}

type Told = { kind: 'head'; status: number; contentType: string } | { kind: 'data'; bytes: Buffer } | { kind: 'end' } | { kind: 'error'; code: string }

class Connection implements UpstreamCall {
  readonly owner: Owner
  readonly #world: UpstreamWorld
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  readonly #closed: () => void
  readonly #toGateway: Channel<Told>
  #isOver = false
  #isPaused = false
  #held: Told[] = []
  #play: Play | null = null
  #isSent = false
  #isArriving = false

  constructor(world: UpstreamWorld, owner: Owner, request: UpstreamRequest, handler: UpstreamHandler, closed: () => void) {
    const { scheduler, dice } = world
    this.owner = owner
    this.#world = world
    this.#request = request
    this.#handler = handler
    this.#closed = closed
    this.#toGateway = new Channel<Told>(scheduler, owner, ({ kind }) => `upstream ${kind}`, () => dice.delayUs(2_000), (told) => this.#deliver(told))
  }

  /** A connection that is open already takes the request in this very moment. */
  begin(): void {
    const { scheduler, dice, faults } = this.#world
    if (dice.chance(0.5)) return this.#connected()
    const connectUs = dice.delayUs(5_000)
    if (dice.chance(faults.vendor.connectFails)) scheduler.in(connectUs, this.owner, 'connect fails', () => this.#fails('connectFails', 'ECONNREFUSED'))
    else scheduler.in(connectUs, this.owner, 'connected', () => this.#connected())
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#world.scheduler.in(0, this.owner, 'upstream resumes', () => this.#flush())
  }

  abort(): void {
    if (this.#isOver) return
    this.#end()
    if (this.#isSent) this.#world.scheduler.in(this.#world.dice.delayUs(2_000), this.#world.scheduler.world, 'abort arrives', () => this.#lost())
  }

  /** The process is gone; what it sent may still arrive. */
  die(): void {
    this.#end()
    const { scheduler, dice } = this.#world
    if (this.#isSent) scheduler.in(dice.delayUs(2_000), scheduler.world, 'connection of a dead process breaks', () => this.#lost())
  }

  /** True while the vendor has to wait for its reader. */
  get isFull(): boolean {
    return this.#held.length >= windowChunks && !this.#isOver
  }

  tell(told: Told): void {
    if (!this.#isOver) this.#toGateway.send(told)
  }

  #connected(): void {
    if (this.#isOver) return
    // The process may die in the very write that comes before the dispatch.
    if (!this.#handler.onSent() || !this.owner.alive) return this.#end()
    const { scheduler, dice, faults } = this.#world
    this.#world.sent(this.#request.headers['x-client-request-id']!)
    if (this.#isOver) return
    if (dice.chance(faults.vendor.sendFails)) return void scheduler.in(dice.delayUs(2_000), this.owner, 'send fails', () => this.#fails('sendFails', 'EPIPE'))
    this.#isSent = this.#isArriving = true
    scheduler.in(dice.delayUs(2_000), scheduler.world, 'request arrives', () => {
      if (!this.#isArriving) return
      this.#isArriving = false
      this.#play = new Play(this.#world, this, this.#request)
      if (this.#isOver) this.#lost()
    })
  }

  #fails(met: string, code: string): void {
    if (this.#isOver) return
    this.#world.met(met)
    this.#end()
    this.#handler.onError(Object.assign(new Error(code), { code }))
  }

  /** The vendor learns that its client is gone. A request that had not arrived may never do. */
  #lost(): void {
    if (this.#isArriving && this.#world.dice.chance(0.5)) this.#isArriving = false
    this.#play?.clientLeft()
  }

  #deliver(told: Told): void {
    if (this.#isOver) return
    this.#held.push(told)
    this.#flush()
  }

  #flush(): void {
    while (!this.#isPaused && !this.#isOver) {
      const told = this.#held.shift()
      if (!told) return
      switch (told.kind) {
        case 'head': this.#handler.onHead(told.status, { 'content-type': told.contentType }); break
        case 'data': this.#handler.onData(told.bytes); break
        case 'end': this.#end(); this.#handler.onEnd(); break
        case 'error': this.#end(); this.#handler.onError(Object.assign(new Error(told.code), { code: told.code }))
      }
    }
  }

  #end(): void {
    this.#isOver = true
    this.#held = []
    this.#closed()
  }
}

/** One request at its vendor. */
class Play {
  readonly #world: UpstreamWorld
  readonly #connection: Connection
  readonly #rules: VendorRules
  readonly #script: Script
  readonly #charge: Charge
  #output = 0
  #reasoning = 0
  #at = 0

  constructor(world: UpstreamWorld, connection: Connection, { provider, headers, body }: UpstreamRequest) {
    this.#world = world
    this.#connection = connection
    this.#rules = vendorRules.find(({ id }) => id === provider.id)!
    if (!Buffer.isBuffer(body)) throw new Error('forms are not simulated')
    const model = (JSON.parse(body.toString()) as { model: string }).model
    this.#script = scriptFor(readRequest(body, this.#rules), this.#rules, world.dice, world.faults)
    for (const fault of this.#script.met) world.met(fault)
    this.#charge = world.bill.open(headers['x-client-request-id']!, provider.id, model, this.#script.met.includes('exceedsLimit'))
    this.#next()
  }

  clientLeft(): void {
    if (this.#charge.final) return
    const { units, ending } = this.#script
    if (ending === 'error') return this.#close(noUnits)
    if (this.#rules.billsAfterAbort) return this.#close(units)
    // An answer that is generated whole has come some way.
    if (this.#output === 0 && this.#at <= 1 && this.#world.dice.chance(0.3)) this.#output = this.#world.dice.int(0, units.output)
    this.#close(this.#generated())
  }

  #next(): void {
    const step = this.#script.steps[this.#at]
    if (!step || step.kind === 'stall') return
    const { scheduler } = this.#world
    scheduler.in(step.delayUs, scheduler.world, `vendor ${step.kind}`, () => this.#take(step))
  }

  #take(step: Step): void {
    if (this.#charge.final) return
    if (this.#connection.isFull) return void this.#world.scheduler.in(50_000, this.#world.scheduler.world, 'vendor waits', () => this.#take(step))
    this.#at++
    switch (step.kind) {
      case 'head': this.#connection.tell(step); break
      case 'data':
        this.#output += step.tokens
        this.#reasoning += step.reasoning
        this.#connection.tell(step)
        break
      case 'reset': this.#connection.tell({ kind: 'error', code: 'ECONNRESET' }); break
      case 'end': this.#connection.tell(step); break
      case 'stall': return
    }
    if (this.#at === this.#script.steps.length) this.#finish()
    else this.#next()
  }

  #finish(): void {
    const { ending, units } = this.#script
    this.#close(ending === 'complete' ? units : ending === 'generated' ? this.#generated() : noUnits)
  }

  #generated(): Units {
    return { ...this.#script.units, output: this.#output, reasoning: this.#reasoning }
  }

  #close(units: Units): void {
    this.#world.bill.close(this.#charge, units)
  }
}
