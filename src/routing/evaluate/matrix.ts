/** A pool’s outcomes as tables: rows on which all its models have quality and cost. What every baseline and the router are measured on. */
import type { Understander, Understanding } from '../understand.ts'
import { OutcomesError, type OutcomeRow } from './outcomes.ts'
import type { PoolSpec } from './spec.ts'

export interface Matrix {
  models: readonly string[]
  rows: readonly OutcomeRow[]
  understood: readonly Understanding[]
  /** By row, then model. */
  quality: Float64Array
  usd: Float64Array
  outputTokens: Float64Array
  /** Rows that may be tested: those that the artefact was not trained on. */
  test: readonly number[]
  /** The others, whose outcomes may be learned from. */
  build: readonly number[]
  /** Dollars per token of input and of output, by model: what a price list would say. */
  prices: readonly { input: number; output: number }[]
}

export const charsPerToken = 4
const leastTest = 50

/** `isTrained`: the artefact was trained on this row, so it is not tested. */
export function matrixOf(all: readonly OutcomeRow[], pool: PoolSpec, understander: Understander, isTrained: (row: OutcomeRow) => boolean): Matrix {
  const { models } = pool
  const rows = all.filter(({ set, q, usd }) => pool.sets.includes(set) && models.every((model) => q[model] !== undefined && usd[model] !== undefined))
  const size = rows.length * models.length
  const quality = new Float64Array(size)
  const usd = new Float64Array(size)
  const outputTokens = new Float64Array(size)
  rows.forEach((row, at) => models.forEach((model, place) => {
    quality[at * models.length + place] = row.q[model] as number
    usd[at * models.length + place] = row.usd[model] as number
    outputTokens[at * models.length + place] = (row.outch[model] ?? 0) / charsPerToken
  }))
  const isBuild = rows.map(isTrained)
  const places = rows.map((_, at) => at)
  const test = places.filter((at) => !isBuild[at])
  if (test.length < leastTest) throw new OutcomesError(`Pool ${pool.name} has ${test.length} rows to test on which all its models have quality and cost; at least ${leastTest} are needed.`)
  const matrix = { models, rows, understood: rows.map(({ prompt }) => understander.understand(prompt)), quality, usd, outputTokens, test, build: places.filter((at) => isBuild[at]) }
  return { ...matrix, prices: models.map((_, place) => priceOf(matrix, place)) }
}

/** Least squares of cost on tokens of input and output: the list price where costs were computed from one. */
function priceOf({ models, rows, usd, outputTokens }: Omit<Matrix, 'prices'>, place: number): { input: number; output: number } {
  let ii = 0
  let io = 0
  let oo = 0
  let ic = 0
  let oc = 0
  rows.forEach(({ prompt }, at) => {
    const input = prompt.length / charsPerToken
    const output = outputTokens[at * models.length + place] as number
    const cost = usd[at * models.length + place] as number
    ii += input * input
    io += input * output
    oo += output * output
    ic += input * cost
    oc += output * cost
  })
  const det = ii * oo - io * io
  const input = det > 0 ? (ic * oo - oc * io) / det : 0
  const output = det > 0 ? (oc * ii - ic * io) / det : 0
  if (input > 0 && output > 0) return { input, output }
  const both = (ic + oc) / (ii + 2 * io + oo)
  return { input: both, output: both }
}
