/**
 * Virtual time: everything that happens is an event here, and nothing else happens. Events of one instant run in an order that
 * the seed decides; promises run dry between two events. Who owns an event can die, and its events with it.
 */
import type { After, Clock } from '../../src/clock.ts'
import type { Dice } from './dice.ts'

/** A process, or the world outside of it. */
export interface Owner { alive: boolean }

interface Event {
  atUs: number
  order: number
  number: number
  owner: Owner
  label: string
  run: (() => void) | null
}

const before = (a: Event, b: Event): boolean => a.atUs < b.atUs || (a.atUs === b.atUs && (a.order < b.order || (a.order === b.order && a.number < b.number)))

/** Histories end within far fewer; one that does not has a loop. */
const mostEvents = 200_000
/** 2026-03-28 22:59:50 UTC: hours and days turn in the first minute, and European clocks change in the same night. */
const startsAtMs = 1_774_738_790_000

export class Stuck extends Error {
  override name = 'Stuck'
}

export class Scheduler {
  readonly world: Owner = { alive: true }
  nowUs = 1_000_000
  /** How wrong the wall clock is. */
  wallOffsetMs = 0
  events = 0
  /** Told of each event before it runs. */
  onEvent: ((label: string) => void) | null = null
  /** Told of each event after all that followed from it. */
  afterEvent: (() => void) | null = null
  readonly clock: Clock = {
    epochMs: () => startsAtMs + Math.floor(this.nowUs / 1000) + this.wallOffsetMs,
    monotonicUs: () => this.nowUs,
  }
  readonly #dice: Dice
  readonly #heap: Event[] = []
  #number = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  /** What it returns cancels the event. */
  in(delayUs: number, owner: Owner, label: string, run: () => void): () => void {
    const event: Event = { atUs: this.nowUs + Math.max(0, Math.floor(delayUs)), order: this.#dice.unit(), number: this.#number++, owner, label, run }
    this.#push(event)
    return () => (event.run = null)
  }

  every(periodUs: number, owner: Owner, label: string, run: () => void): void {
    const again = (): void => {
      run()
      this.in(periodUs, owner, label, again)
    }
    this.in(periodUs, owner, label, again)
  }

  /** Timers of one process. */
  afterOf(owner: Owner): After {
    return (ms, callback) => this.in(ms * 1000, owner, 'timer', callback)
  }

  /** Runs events until the condition holds or time is over; true when the condition holds. */
  async run(until: () => boolean, withinUs: number): Promise<boolean> {
    const endUs = this.nowUs + withinUs
    await new Promise(setImmediate)
    while (!until()) {
      const event = this.#pop()
      if (!event) throw new Stuck('nothing is left to happen: something waits for what is not simulated')
      if (event.atUs > endUs) {
        this.#push(event)
        this.nowUs = endUs
        return false
      }
      if (event.run === null || !event.owner.alive) continue
      this.nowUs = event.atUs
      if (++this.events > mostEvents) throw new Stuck(`no end after ${mostEvents} events`)
      this.onEvent?.(event.label)
      event.run()
      // All promises run before an immediate does.
      await new Promise(setImmediate)
      this.afterEvent?.()
    }
    return true
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  #pop(): Event | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (!last || heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}

/** Hands messages on in the order in which they were sent, each after a delay of its own; what is under way can be lost. */
export class Channel<M> {
  readonly #scheduler: Scheduler
  readonly #owner: Owner
  readonly #label: (message: M) => string
  readonly #delayUs: () => number
  readonly #receive: (message: M) => void
  #lastUs = 0
  #epoch = 0

  constructor(scheduler: Scheduler, owner: Owner, label: (message: M) => string, delayUs: () => number, receive: (message: M) => void) {
    this.#scheduler = scheduler
    this.#owner = owner
    this.#label = label
    this.#delayUs = delayUs
    this.#receive = receive
  }

  send(message: M): void {
    const epoch = this.#epoch
    // One microsecond apart, since the seed orders events of one instant.
    this.#lastUs = Math.max(this.#lastUs + 1, this.#scheduler.nowUs + this.#delayUs())
    this.#scheduler.in(this.#lastUs - this.#scheduler.nowUs, this.#owner, this.#label(message), () => {
      if (epoch === this.#epoch) this.#receive(message)
    })
  }

  /** Loses all that is under way. */
  cut(): void {
    this.#epoch++
  }
}
