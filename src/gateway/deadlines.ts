/** One clock for all deadlines: every running call and stream is asked on each tick, so that a request costs no timer of its own. */
import { Roster, type Member } from './roster.ts'
import type { SettingsData } from './snapshot.ts'

export interface Ticking extends Member {
  tick(nowUs: number): void
}

/** Deadlines are met to this precision: a client learns of one within 50 ms, the sync of the journal included. */
export const deadlineTickMs = 25
/** What waits for its turn, otherwise: batches for the store, the journal's limits. */
export const tickMs = 50

/** A plain answer is generated whole before its first byte, so it may take longer than a first token. */
const plainTimes = 5

/** How long a request may wait for its first token, or its plain answer, over all of its attempts. */
export const firstAnswerMs = ({ firstTokenMs, totalMs }: SettingsData['deadlines'], isStream: boolean): number => (isStream ? firstTokenMs : Math.min(totalMs, plainTimes * firstTokenMs))

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
