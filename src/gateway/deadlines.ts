/** One clock for all deadlines: every running call and stream is asked on each tick, so that a request costs no timer of its own. */
import { Roster, type Member } from './roster.ts'

export interface Ticking extends Member {
  tick(nowUs: number): void
}

/** Deadlines are met to this precision. */
export const tickMs = 50

export class Deadlines {
  readonly #running = new Roster<Ticking>()

  add(ticking: Ticking): void {
    this.#running.add(ticking)
  }

  delete(ticking: Ticking): void {
    this.#running.delete(ticking)
  }

  tick(nowUs: number): void {
    this.#running.forEach((ticking) => ticking.tick(nowUs))
  }
}
