/**
 * What predicts quality and cost per model of a pool: the router, with the code that the gateway runs, and the baselines that it has
 * to beat. Each learns labelled rows one by one and never sees the row that it predicts.
 */
import type { ArmFacts } from '../arm.ts'
import type { Artefact } from '../artefact.ts'
import { expectedCost, expectedOutput, uncached } from '../cost.ts'
import { qualityOf } from '../predict.ts'
import { Router } from '../router.ts'
import { charsPerToken, type Matrix } from './matrix.ts'

export interface Predictor {
  learn(row: number): void
  /** Writes quality and dollars per model. */
  predict(row: number, quality: Float64Array, usd: Float64Array): void
}

const nanoPerMillion = 1e15

export function factsOf({ models, prices }: Pick<Matrix, 'models' | 'prices'>): ArmFacts[] {
  return models.map((model, place) => {
    const { input, output } = prices[place] as { input: number; output: number }
    return {
      id: model, model, effort: '', domain: model, prices: { input: input * nanoPerMillion, output: output * nanoPerMillion, cacheRead: input * nanoPerMillion, cacheWrite: input * nanoPerMillion },
      contextTokens: 0, outputTokens: 0, tools: true, schema: true, images: false, audio: false, reasoning: false, releasedOn: '', billions: 0, region: '', cache: null,
    }
  })
}

/** The router's own arms, posteriors, residuals and forecasts. */
export class RouterPredictor implements Predictor {
  readonly router: Router
  readonly #matrix: Matrix
  constructor(matrix: Matrix, artefact: Artefact) {
    this.router = new Router(artefact)
    this.router.setArms(factsOf(matrix))
    this.#matrix = matrix
  }

  learn(row: number): void {
    const { models, quality, outputTokens, understood } = this.#matrix
    const understanding = understood[row]!
    models.forEach((model, place) => {
      this.router.learn({ arm: model, tenant: '', understanding }, { value: quality[row * models.length + place] as number, trust: 1 })
      this.router.observe(model, understanding, outputTokens[row * models.length + place] as number, 0, 0)
    })
  }

  predict(row: number, quality: Float64Array, usd: Float64Array): void {
    const { rows, understood } = this.#matrix
    const understanding = understood[row]!
    const promptTokens = rows[row]!.prompt.length / charsPerToken
    this.router.arms.forEach((arm, place) => {
      quality[place] = qualityOf(arm, understanding, undefined)
      usd[place] = expectedCost(arm, promptTokens, expectedOutput(arm, understanding, 0), uncached) / 1e9
    })
  }
}

/** Costs as the mean of what was learned. */
class MeanCosts {
  readonly #matrix: Matrix
  readonly #sums: Float64Array
  #rows = 0
  constructor(matrix: Matrix) {
    this.#matrix = matrix
    this.#sums = new Float64Array(matrix.models.length)
  }

  learn(row: number): void {
    this.#rows++
    for (let place = 0; place < this.#sums.length; place++) this.#sums[place]! += this.#matrix.usd[row * this.#sums.length + place] as number
  }

  write(usd: Float64Array): void {
    for (let place = 0; place < usd.length; place++) usd[place] = this.#rows > 0 ? (this.#sums[place] as number) / this.#rows : (this.#matrix.prices[place]?.output ?? 0)
  }
}

const assumedQuality = 0.5
const ridge = 1

/** Quality per model as a square function of the logarithm of the prompt's length. Without labels: the longer, the more the dearer models gain. */
export class LengthPredictor implements Predictor {
  readonly #matrix: Matrix
  readonly #costs: MeanCosts
  readonly #products = new Float64Array(9)
  readonly #sums: Float64Array[]
  #rows = 0
  constructor(matrix: Matrix) {
    this.#matrix = matrix
    this.#costs = new MeanCosts(matrix)
    this.#sums = matrix.models.map(() => new Float64Array(3))
  }

  #terms(row: number): [number, number, number] {
    const log = Math.log(1 + this.#matrix.rows[row]!.prompt.length) - 6
    return [1, log, log * log]
  }

  learn(row: number): void {
    const terms = this.#terms(row)
    const { models, quality } = this.#matrix
    terms.forEach((a, i) => terms.forEach((b, j) => { this.#products[i * 3 + j]! += a * b }))
    models.forEach((_, place) => terms.forEach((a, i) => { this.#sums[place]![i]! += a * (quality[row * models.length + place] as number) }))
    this.#costs.learn(row)
    this.#rows++
  }

  predict(row: number, quality: Float64Array, usd: Float64Array): void {
    this.#costs.write(usd)
    const terms = this.#terms(row)
    if (this.#rows === 0) {
      const dearest = Math.max(...usd)
      for (let place = 0; place < quality.length; place++) quality[place] = assumedQuality + 0.1 * terms[1] * ((usd[place] as number) / dearest)
      return
    }
    for (let place = 0; place < quality.length; place++) {
      const [a, b, c] = solve3(this.#products, this.#sums[place]!)
      quality[place] = a + b * terms[1] + c * terms[2]
    }
  }
}

function solve3(products: Float64Array, sums: Float64Array): [number, number, number] {
  const m = Array.from({ length: 3 }, (_, row) => [...products.slice(row * 3, row * 3 + 3), sums[row] as number])
  for (let at = 0; at < 3; at++) m[at]![at]! += at === 0 ? 1e-6 : ridge
  for (let at = 0; at < 3; at++) for (let row = 0; row < 3; row++) {
    if (row === at) continue
    const factor = m[row]![at]! / m[at]![at]!
    for (let column = at; column < 4; column++) m[row]![column]! -= factor * m[at]![column]!
  }
  return [m[0]![3]! / m[0]![0]!, m[1]![3]! / m[1]![1]!, m[2]![3]! / m[2]![2]!]
}

const tableShrink = 10

/** Mean quality per model and the task that the file says: what knowing the data set would give. */
export class TaskTablePredictor implements Predictor {
  readonly #matrix: Matrix
  readonly #costs: MeanCosts
  readonly #tasks = new Map<string, { rows: number; sums: Float64Array; usd: Float64Array }>()
  readonly #all: { rows: number; sums: Float64Array }
  constructor(matrix: Matrix) {
    this.#matrix = matrix
    this.#costs = new MeanCosts(matrix)
    this.#all = { rows: 0, sums: new Float64Array(matrix.models.length) }
  }

  learn(row: number): void {
    const { rows, models, quality } = this.#matrix
    const { task } = rows[row]!
    let table = this.#tasks.get(task)
    if (table === undefined) this.#tasks.set(task, table = { rows: 0, sums: new Float64Array(models.length), usd: new Float64Array(models.length) })
    for (let place = 0; place < models.length; place++) table.usd[place]! += this.#matrix.usd[row * models.length + place] as number
    for (const each of [table, this.#all]) {
      each.rows++
      for (let place = 0; place < models.length; place++) each.sums[place]! += quality[row * models.length + place] as number
    }
    this.#costs.learn(row)
  }

  predict(row: number, quality: Float64Array, usd: Float64Array): void {
    this.#costs.write(usd)
    const table = this.#tasks.get(this.#matrix.rows[row]!.task)
    for (let place = 0; place < quality.length; place++) {
      const mean = ((this.#all.sums[place] as number) + assumedQuality) / (this.#all.rows + 1)
      quality[place] = ((table?.sums[place] ?? 0) + tableShrink * mean) / ((table?.rows ?? 0) + tableShrink)
      usd[place] = ((table?.usd[place] ?? 0) + tableShrink * (usd[place] as number)) / ((table?.rows ?? 0) + tableShrink)
    }
  }
}
