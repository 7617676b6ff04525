/**
 * Keeps what is sent a second time a small share of the traffic, so that a struggling vendor is not buried under it: of the requests of
 * the last minute at most `ratio`, or `floor` where they are few, may be followed by another attempt, wherever that goes.
 */
import { SlidingWindow } from '../governance/sliding-window.ts'
import type { FaultClass } from '../protocols/protocol.ts'

/** The fault before a further attempt; `hedge`: none yet. */
export type Before = FaultClass | 'hedge'

export class RetryBudget {
  readonly #ratio: number
  readonly #floor: number
  readonly #requests = new SlidingWindow()
  readonly #extra = new SlidingWindow()
  /** Further attempts by what came before them, and those that were not made for want of budget, since the start. */
  readonly made = new Map<Before, number>()
  refused = 0

  constructor(ratio: number, floor: number) {
    this.#ratio = ratio
    this.#floor = floor
  }

  request(nowMs: number): void {
    this.#requests.add(1, nowMs)
  }

  /** Whether one more attempt would be granted. */
  hasRoom(nowMs: number): boolean {
    return this.#extra.used(nowMs) + 1 <= Math.max(this.#floor, this.#ratio * this.#requests.used(nowMs))
  }

  /** False: the budget is used up and the failure stands. What is `due` is counted and never refused. */
  spend(after: Before, nowMs: number, due = false): boolean {
    if (!due && !this.hasRoom(nowMs)) {
      this.refused++
      return false
    }
    this.#extra.add(1, nowMs)
    this.made.set(after, (this.made.get(after) ?? 0) + 1)
    return true
  }
}
