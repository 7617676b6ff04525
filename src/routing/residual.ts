/**
 * What an arm's table of tasks misses, as a linear function of the signals of a prompt: ridge regression over outcomes that fade.
 * It says nothing before it has enough outcomes, and never more than a bounded correction.
 */
import { signalCount } from './understand.ts'

/** Outcomes before it is believed. */
export const leastOutcomes = 500
const bound = 0.4
const window = 4_000
/** Solved again after so many outcomes. */
const solvedEvery = 25

/** Products and sums are kept to seven digits: the ridge is far coarser. */
export interface ResidualState { outcomes: number; products: number[]; sums: number[] }
const short = (value: number): number => Number(value.toPrecision(7))

export class Residual {
  outcomes = 0
  readonly #weights = new Float64Array(signalCount)
  /** Lower triangle by rows, and the sums of signal × miss. */
  readonly #products = new Float64Array((signalCount * (signalCount + 1)) / 2)
  readonly #sums = new Float64Array(signalCount)
  readonly #ridge: number

  /** `ridge`: outcomes that “no correction” is worth, per signal. */
  constructor(ridge: number) {
    this.#ridge = ridge
  }

  forget(): void {
    this.outcomes = 0
    this.#weights.fill(0)
    this.#products.fill(0)
    this.#sums.fill(0)
  }

  get isBelieved(): boolean {
    return this.outcomes >= leastOutcomes
  }

  predict(signals: Float32Array): number {
    let sum = 0
    for (let at = 0; at < signalCount; at++) sum += (this.#weights[at] as number) * (signals[at] as number)
    return Math.max(-bound, Math.min(bound, sum))
  }

  /** `missed`: outcome less what the table says. */
  learn(signals: Float32Array, missed: number, trust = 1): void {
    const kept = 1 - 1 / window
    const products = this.#products
    for (let row = 0, at = 0; row < signalCount; row++) {
      const signal = trust * (signals[row] as number)
      for (let column = 0; column <= row; column++, at++) products[at] = (products[at] as number) * kept + signal * (signals[column] as number)
      this.#sums[row] = (this.#sums[row] as number) * kept + signal * missed
    }
    this.outcomes++
    if (this.outcomes >= leastOutcomes && this.outcomes % solvedEvery === 0) this.#solve()
  }

  /** Cholesky; the ridge keeps it positive. */
  #solve(): void {
    const factor = Float64Array.from(this.#products)
    const weights = this.#weights
    for (let row = 0, start = 0; row < signalCount; row++, start += row) {
      factor[start + row]! += this.#ridge
      for (let column = 0, other = 0; column <= row; column++, other += column) {
        let sum = factor[start + column] as number
        for (let at = 0; at < column; at++) sum -= (factor[start + at] as number) * (factor[other + at] as number)
        factor[start + column] = column === row ? Math.sqrt(Math.max(sum, 1e-9)) : sum / (factor[other + column] as number)
      }
    }
    for (let row = 0, start = 0; row < signalCount; row++, start += row) {
      let sum = this.#sums[row] as number
      for (let at = 0; at < row; at++) sum -= (factor[start + at] as number) * (weights[at] as number)
      weights[row] = sum / (factor[start + row] as number)
    }
    for (let row = signalCount - 1; row >= 0; row--) {
      let sum = weights[row] as number
      for (let below = row + 1; below < signalCount; below++) sum -= (factor[(below * (below + 1)) / 2 + row] as number) * (weights[below] as number)
      weights[row] = sum / (factor[(row * (row + 3)) / 2] as number)
    }
  }

  state(): ResidualState {
    return { outcomes: this.outcomes, products: Array.from(this.#products, short), sums: Array.from(this.#sums, short) }
  }

  /** Takes a stored state over; false: it is of other signals and was left alone. */
  restore(state: ResidualState): boolean {
    if (state.products.length !== this.#products.length || state.sums.length !== signalCount || ![...state.products, ...state.sums].every((each) => Number.isFinite(each))) return false
    this.#products.set(state.products)
    this.#sums.set(state.sums)
    this.outcomes = state.outcomes
    if (this.isBelieved) this.#solve()
    return true
  }
}
