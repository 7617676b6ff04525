/**
 * Sums amounts over the last minute in buckets of one second: constant memory, no timer, and an amount can be corrected later in
 * the second in which it was taken. Time is one that never goes back.
 */

/** 60 full seconds and the running one: whatever happened in the last 60 s is in the sum, what is older than 61 s is not. */
const buckets = 61
export const windowMs = buckets * 1000

export class SlidingWindow {
  readonly #amounts = new Float64Array(buckets)
  #sum = 0
  /** The second that the newest bucket stands for. */
  #second = 0

  used(nowMs: number): number {
    this.#advance(nowMs)
    return this.#sum
  }

  add(amount: number, nowMs: number): void {
    this.#advance(nowMs)
    this.#put(amount, this.#second)
  }

  /**
   * What was taken at `takenMs` was really so much more, or less. Once that second has left the window there is nothing to give back,
   * and more counts from now on.
   */
  correct(difference: number, takenMs: number, nowMs: number): void {
    this.#advance(nowMs)
    const taken = Math.floor(takenMs / 1000)
    if (taken > this.#second - buckets) this.#put(difference, taken)
    else if (difference > 0) this.#put(difference, this.#second)
  }

  /** Milliseconds until `amount` fits under `limit`; Infinity where it never does. */
  waitMs(amount: number, limit: number, nowMs: number): number {
    if (amount > limit) return Infinity
    this.#advance(nowMs)
    let left = this.#sum
    let waitMs = 0
    for (let second = this.#second - buckets + 1; second <= this.#second && left + amount > limit; second++) {
      left -= this.#amounts[(second + buckets) % buckets]!
      waitMs = (second + buckets) * 1000 - nowMs
    }
    return waitMs
  }

  /** Milliseconds until nothing that was taken counts any more. */
  emptyMs(nowMs: number): number {
    this.#advance(nowMs)
    // From the newest on: who asks has usually just taken something.
    for (let second = this.#second; second > this.#second - buckets; second--) {
      if (this.#amounts[(second + buckets) % buckets]! > 0) return (second + buckets) * 1000 - nowMs
    }
    return 0
  }

  #put(amount: number, second: number): void {
    const at = second % buckets
    this.#amounts[at] = this.#amounts[at]! + amount
    this.#sum += amount
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    const steps = Math.min(buckets, second - this.#second)
    for (let i = 1; i <= steps; i++) {
      const at = (this.#second + i) % buckets
      this.#sum -= this.#amounts[at]!
      this.#amounts[at] = 0
    }
    if (steps > 0) this.#second = second
  }
}
