/**
 * What a dollar is worth now. A budget has a shadow price that rises while spending runs ahead of what is left for the rest of its
 * period, and falls otherwise, so that money goes where it buys most and lasts to the end. It bounds nothing: budgets do.
 */

/** How fast the price follows, and how much one request may move it. */
const step = 0.03
const mostSurplus = 3
/** The price starts and stays at or above this share of what makes a dollar noticeable. */
const leastShare = 1e-3
const mostShare = 1e3

export class BudgetPace {
  readonly #limitNano: number
  readonly #startMs: number
  readonly #endMs: number
  #spentNano = 0
  #requests = 0
  #usualNano = 0
  /** Quality per usual cost. */
  #share = leastShare

  constructor(limitNano: number, startMs: number, endMs: number) {
    this.#limitNano = limitNano
    this.#startMs = startMs
    this.#endMs = endMs
  }

  /** Quality per nano-dollar, to be added to that of the policy. */
  get price(): number {
    return this.#usualNano > 0 ? this.#share / this.#usualNano : 0
  }

  get leftNano(): number {
    return Math.max(0, this.#limitNano - this.#spentNano)
  }

  charge(costNano: number, nowMs: number): void {
    this.#spentNano += costNano
    this.#requests++
    this.#usualNano += (costNano - this.#usualNano) / Math.min(this.#requests, 500)
    const elapsed = Math.max(1, nowMs - this.#startMs)
    const coming = Math.max(1, (this.#requests / elapsed) * Math.max(0, this.#endMs - nowMs))
    const affordable = this.leftNano / coming
    const surplus = affordable > 0 ? costNano / affordable - 1 : mostSurplus
    this.#share = Math.min(mostShare, Math.max(leastShare, this.#share * Math.exp(step * Math.min(mostSurplus, surplus))))
  }
}

/** The cost and time that policies measure by: what the best quality usually costs and takes. */
export class Usual {
  costNano = 0
  latencyMs = 0
  #requests = 0

  copy(): Usual {
    const copy = new Usual()
    copy.costNano = this.costNano
    copy.latencyMs = this.latencyMs
    copy.#requests = this.#requests
    return copy
  }

  note(costNano: number, latencyMs: number): void {
    this.#requests++
    const part = 1 / Math.min(this.#requests, 1_000)
    this.costNano += (costNano - this.costNano) * part
    this.latencyMs += (latencyMs - this.latencyMs) * part
  }
}
