/** Keeps retries a small share of traffic, so that a struggling vendor is not buried under them (at most ratio × requests + floor). */
export class RetryBudget {
  readonly #ratio: number
  readonly #floor: number
  #tokens: number

  constructor(ratio: number, floor: number) {
    this.#ratio = ratio
    this.#floor = floor
    this.#tokens = floor
  }

  /** Each request earns its share of a retry. */
  earn(): void {
    this.#tokens = Math.min(this.#floor, this.#tokens + this.#ratio)
  }

  /** False: the budget is used up and the failure stands. */
  spend(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
