/**
 * Which complete segments are still needed: those with an open hold, an end that is not applied or not durable, or whose absence
 * nothing on the disk would explain. They go in the order of their making, so that what is left has no gap.
 */
import type { RetainedSegment } from './recovery.ts'

export class Retained {
  /** Complete and durable, oldest first. */
  readonly segments: RetainedSegment[]
  /** What the last `release` that counted was told: the newest LSN then, and the oldest open hold. */
  #askedLsn = 0
  #askedOldestLsn = 0
  /** Every hold before it has a durable end. */
  #endedLsn = 0
  /** The last frame that says up to where all was synced. */
  #statement = { lsn: 0, durableLsn: 0 }
  /** A durable frame says that all up to here was synced: who misses it knows that it was removed. */
  #vouchedLsn = 0

  constructor(segments: readonly RetainedSegment[]) {
    this.segments = [...segments]
  }

  /** A frame at `lsn` says that all up to `durableLsn` was synced. */
  stated(lsn: number, durableLsn: number): void {
    this.#statement = { lsn, durableLsn }
  }

  synced(lsn: number): void {
    if (this.#statement.lsn <= lsn) this.#vouchedLsn = this.#statement.durableLsn
  }

  /** The end of a hold that has just closed may not be durable yet: what one call says of holds counts once all up to its `lastLsn` is. */
  release(appliedLsn: number, oldestOpenHoldLsn: number, lastLsn: number, syncedLsn: number, remove: (name: string) => void): void {
    if (syncedLsn >= this.#askedLsn) {
      this.#endedLsn = Math.min(this.#askedOldestLsn, this.#askedLsn + 1)
      this.#askedLsn = lastLsn
      this.#askedOldestLsn = oldestOpenHoldLsn
    }
    for (let oldest = this.segments[0]; oldest !== undefined && this.#isFree(oldest, appliedLsn); oldest = this.segments[0]) {
      remove(oldest.name)
      this.segments.shift()
    }
  }

  #isFree({ lastLsn, lastTerminalLsn }: RetainedSegment, appliedLsn: number): boolean {
    return lastTerminalLsn <= appliedLsn && lastLsn < this.#endedLsn && lastLsn <= this.#vouchedLsn
  }
}
