/**
 * Whether somebody asks again what was just answered: the same conversation, to its last word, within minutes but not at once, says that
 * the answer did not do. Whoever asks the same over and over is a program, and says nothing. Bounded; only the newest are remembered.
 */
import type { Understanding } from '../routing/understand.ts'
import type { Said } from './said.ts'

interface Answered { arm: string; turns: number; text: string; understanding: Understanding; endedMs: number; times: number }

const mostRemembered = 10_000
const againWithinMs = 10 * 60_000
/** Nobody has read an answer sooner. */
const readMs = 1_000
const mostTimes = 2
/** Of the last words; more tell no more. */
const comparedChars = 400

export class Repeated {
  readonly #answered = new Map<string, Answered>()

  /** Remembers an answer, and tells which earlier one it takes the place of: null, if none. `askedMs`, `endedMs`: of this one. */
  answered(session: string, arm: string, { turns, text }: Said, understanding: Understanding, askedMs: number, endedMs: number): { arm: string; understanding: Understanding } | null {
    const before = this.#answered.get(session)
    const cut = text.slice(-comparedChars)
    const isSame = before !== undefined && before.turns === turns && before.text === cut && cut !== '' && askedMs - before.endedMs < againWithinMs
    const times = isSame ? before.times + 1 : 0
    if (before !== undefined) this.#answered.delete(session)
    this.#answered.set(session, { arm, turns, text: cut, understanding, endedMs, times })
    if (this.#answered.size > mostRemembered) for (const first of this.#answered.keys()) { this.#answered.delete(first); break }
    return isSame && times <= mostTimes && askedMs - before.endedMs >= readMs ? before : null
  }
}
