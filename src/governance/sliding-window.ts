/** Sums amounts over the last minute in one-second buckets: exact to a second, constant memory, no timer. */
const buckets = 60

export class SlidingWindow {
  readonly #amounts = new Float64Array(buckets)
  #sum = 0
  /** The second that the newest bucket stands for. */
  #second = 0

  /** Amount spent in the minute up to `nowMs`. */
  used(nowMs: number): number {
    this.#advance(nowMs)
    return this.#sum
  }

  /** Negative amounts correct an earlier estimate. */
  add(amount: number, nowMs: number): void {
    this.#advance(nowMs)
    const at = this.#second % buckets
    this.#amounts[at] = this.#amounts[at]! + amount
    this.#sum += amount
  }

  /** Milliseconds until `amount` fits under `limit`; a whole minute when it never does. */
  waitMs(amount: number, limit: number, nowMs: number): number {
    this.#advance(nowMs)
    let left = this.#sum
    let waitMs = 0
    for (let age = buckets - 1; age >= 0 && left + amount > limit; age--) {
      left -= this.#amounts[(this.#second - age + buckets) % buckets]!
      waitMs = (this.#second - age + buckets) * 1000 - nowMs
    }
    return left + amount <= limit ? waitMs : 60_000
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    const steps = Math.min(buckets, second - this.#second)
    // A clock that steps back leaves the window as it is.
    for (let i = 1; i <= steps; i++) {
      const at = (this.#second + i) % buckets
      this.#sum -= this.#amounts[at]!
      this.#amounts[at] = 0
    }
    if (steps > 0) this.#second = second
  }
}
