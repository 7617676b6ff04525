/**
 * Forecasts of lengths and times: mean and deviation of their logarithm, fading, so that quantiles are ready. An arm borrows from
 * all tasks together while it knows little of one. Values that are not above zero are not counted.
 */

/** What an assumption is worth in outcomes, and how many outcomes are remembered. */
const assumedWeight = 6
const leastDeviation = 0.05

export interface ForecastState { weight: number; sum: number; squares: number }

export class LogForecast {
  #weight = 0
  #sum = 0
  #squares = 0
  readonly #window: number
  readonly #mean: number
  readonly #deviation: number
  /** Of the logarithm. */
  mean: number
  deviation: number
  /** Expected value: above the median, since such values are skewed. */
  expected: number

  /** `assumed`: mean and deviation of the logarithm before any outcome. */
  constructor(assumed: { mean: number; deviation: number }, window: number) {
    this.#window = window
    this.#mean = this.mean = assumed.mean
    this.#deviation = this.deviation = assumed.deviation
    this.expected = Math.exp(this.mean + this.deviation ** 2 / 2)
  }

  learn(value: number): void {
    if (!(value > 0) || value === Infinity) return
    const log = Math.log(value)
    const kept = 1 - 1 / this.#window
    this.#weight = this.#weight * kept + 1
    this.#sum = this.#sum * kept + log
    this.#squares = this.#squares * kept + log * log
    this.#recompute()
  }

  #recompute(): void {
    const all = this.#weight + assumedWeight
    this.mean = (this.#sum + assumedWeight * this.#mean) / all
    const square = (this.#squares + assumedWeight * (this.#deviation ** 2 + this.#mean ** 2)) / all
    this.deviation = Math.max(leastDeviation, Math.sqrt(Math.max(0, square - this.mean ** 2)))
    this.expected = Math.exp(this.mean + Math.min(this.deviation, 2) ** 2 / 2)
  }

  /** `normal`: the quantile of the standard normal distribution, for example 1.645 for 95 %. */
  quantile(normal: number): number {
    return Math.exp(this.mean + normal * this.deviation)
  }

  state(): ForecastState {
    return { weight: this.#weight, sum: this.#sum, squares: this.#squares }
  }

  /** Takes a stored state over; what is no number is left alone. */
  restore({ weight, sum, squares }: ForecastState): void {
    if (![weight, sum, squares].every((each) => Number.isFinite(each))) return
    this.#weight = weight
    this.#sum = sum
    this.#squares = squares
    if (weight > 0) this.#recompute()
  }

  get outcomes(): number {
    return this.#weight
  }
}

export const p95 = 1.645
