/**
 * Whether somebody asks again what was just answered: the same conversation, to its last word, within minutes, says that the answer
 * did not do. Bounded; only the newest are remembered.
 */
import type { Understanding } from '../routing/understand.ts'
import type { Said } from './said.ts'

interface Answered { arm: string; turns: number; text: string; understanding: Understanding; atMs: number }

const mostRemembered = 10_000
const againWithinMs = 10 * 60_000
/** Of the last words; more tell no more. */
const comparedChars = 400

export class Repeated {
  readonly #answered = new Map<string, Answered>()

  /** Remembers an answer, and tells which earlier one it takes the place of: null, if none. */
  answered(session: string, arm: string, { turns, text }: Said, understanding: Understanding, atMs: number): { arm: string; understanding: Understanding } | null {
    const before = this.#answered.get(session)
    const cut = text.slice(-comparedChars)
    const again = before !== undefined && before.turns === turns && before.text === cut && cut !== '' && atMs - before.atMs < againWithinMs ? { arm: before.arm, understanding: before.understanding } : null
    this.#answered.delete(session)
    this.#answered.set(session, { arm, turns, text: cut, understanding, atMs })
    if (this.#answered.size > mostRemembered) for (const first of this.#answered.keys()) { this.#answered.delete(first); break }
    return again
  }
}
