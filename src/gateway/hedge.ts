/**
 * Two attempts of one request at once: while the first is late, a second runs elsewhere. The one that is the first with something for
 * the client is the one it gets, the other is aborted at once; one that fails leaves the request to the other. What can fail is both:
 * then the one that failed last says why.
 */
import type { After } from '../clock.ts'
import type { Target } from '../routing/plan.ts'
import type { Attempt, Reply } from './attempt.ts'
import type { Exchange } from './exchange.ts'

export interface Leg { attempt: Attempt; target: Target; replied: Promise<Reply> }

/** What an attempt knows of its race. */
export interface Rivalry {
  /** Headers that bring nothing are left to the other one. */
  readonly holdsHeaders: boolean
  /** Called with the first thing that it has for the client, and maybe again. */
  leads(): void
}

export interface Raced { leg: Leg; reply: Reply }

export interface RaceTools {
  after: After
  /** Begins the second attempt unless `isOver` by the time that it could; null: there is none to make. */
  second(isOver: () => boolean): Leg | null | Promise<Leg | null>
  /** Settles one that has ended while the other goes on. */
  dropped(leg: Leg, isSecond: boolean): void
}

export class Race {
  readonly #exchange: Exchange
  readonly #tools: RaceTools
  readonly #first: Leg
  #second: Leg | null = null
  #dropped: Leg | null = null
  #isOver = false
  readonly #raced = Promise.withResolvers<Raced>()

  constructor(exchange: Exchange, first: Leg, tools: RaceTools) {
    this.#exchange = exchange
    this.#first = first
    this.#tools = tools
  }

  /** The attempt whose reply is the request's. `lateMs`: from when on the first is late. */
  async run(lateMs: number): Promise<Raced> {
    const cancel = this.#tools.after(lateMs, () => void this.#double().catch(this.#raced.reject))
    this.#follow(this.#first)
    try {
      return await this.#raced.promise
    } finally {
      this.#isOver = true
      cancel()
    }
  }

  async #double(): Promise<void> {
    const [first, exchange] = [this.#first, this.#exchange]
    const isOver = (): boolean => this.#isOver || !first.attempt.isSilent
    if (isOver()) return
    const begun = this.#tools.second(isOver)
    const second = begun instanceof Promise ? await begun : begun
    if (second === null) return
    this.#second = second
    exchange.rival = second.attempt
    first.attempt.rivalry = { holdsHeaders: true, leads: () => this.#leads(first, second) }
    second.attempt.rivalry = { holdsHeaders: false, leads: () => this.#leads(second, first) }
    this.#follow(second)
  }

  #follow(leg: Leg): void {
    leg.replied.then((reply) => this.#replied(leg, reply), this.#raced.reject)
  }

  #leads(leader: Leg, loser: Leg): void {
    loser.attempt.leave(false)
    this.#drop(loser, leader)
  }

  #replied(leg: Leg, reply: Reply): void {
    if (leg === this.#dropped) return
    const other = leg === this.#first ? this.#second : this.#first
    const goesOn = (reply === 'failed' || reply === 'cancelled') && other !== null && this.#dropped === null
    if (goesOn) this.#drop(leg, other)
    else this.#raced.resolve({ leg, reply })
  }

  #drop(leg: Leg, other: Leg): void {
    this.#dropped = leg
    leg.attempt.rivalry = other.attempt.rivalry = null
    this.#exchange.last = this.#exchange.running = other.attempt
    this.#exchange.rival = null
    this.#tools.dropped(leg, leg === this.#second)
  }
}
