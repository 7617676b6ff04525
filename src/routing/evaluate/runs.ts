/** Runs of one seed: folds are tested by predictors that learned from the others, with growing numbers of labels. */
import type { Artefact } from '../artefact.ts'
import { sweep, sweepSteps, type Choices } from './curves.ts'
import type { Matrix } from './matrix.ts'
import { LengthPredictor, RouterPredictor, TaskTablePredictor, type Predictor } from './predictors.ts'

export const methods = ['router', 'length', 'task_table'] as const
export type Method = (typeof methods)[number]

/** Predictions for the test rows, in the order of `matrix.test`, by row and model. */
export interface Predicted { quality: Float64Array; usd: Float64Array }
/** `labels`: how many outcomes were learned; the last level is all there are. */
export interface Level { labels: number; by: Record<Method, Predicted> }
export interface SeedRun { levels: Level[]; /** The trained router of each fold, for policies and robustness, with the places of its test rows. */ folds: { predictor: RouterPredictor; places: number[] }[] }

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const result = [...list]
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const held = result[at] as T
    result[at] = result[other] as T
    result[other] = held
  }
  return result
}

const make: Readonly<Record<Method, (matrix: Matrix, artefact: Artefact) => Predictor>> = {
  router: (matrix, artefact) => new RouterPredictor(matrix, artefact),
  length: (matrix) => new LengthPredictor(matrix),
  task_table: (matrix) => new TaskTablePredictor(matrix),
}

export function runSeed(matrix: Matrix, artefact: Artefact, labels: readonly number[], folds: number, random: () => number): SeedRun {
  const { test, build, models } = matrix
  const order = shuffled(test.map((_, place) => place), random)
  const size = test.length * models.length
  const most = build.length + Math.floor((test.length * (folds - 1)) / folds)
  const stops = [...labels.filter((count) => count < most).toSorted((a, b) => a - b), Infinity]
  const levels = stops.map((count): Level => ({ labels: count === Infinity ? most : count, by: { router: predicted(size), length: predicted(size), task_table: predicted(size) } }))
  const run: SeedRun = { levels, folds: [] }
  const quality = new Float64Array(models.length)
  const usd = new Float64Array(models.length)
  for (let fold = 0; fold < folds; fold++) {
    const places = order.filter((_, at) => at % folds === fold)
    const known = shuffled([...build, ...order.filter((_, at) => at % folds !== fold).map((place) => test[place] as number)], random)
    for (const method of methods) {
      const predictor = make[method](matrix, artefact)
      let learned = 0
      stops.forEach((stop, level) => {
        for (; learned < Math.min(stop, known.length); learned++) predictor.learn(known[learned] as number)
        const into = (levels[level] as Level).by[method]
        for (const place of places) {
          predictor.predict(test[place] as number, quality, usd)
          into.quality.set(quality, place * models.length)
          into.usd.set(usd, place * models.length)
        }
      })
      if (predictor instanceof RouterPredictor) run.folds.push({ predictor, places })
    }
  }
  return run
}

const predicted = (size: number): Predicted => ({ quality: new Float64Array(size), usd: new Float64Array(size) })

/** What each price of a dollar would choose by these predictions, and what that was worth. */
export function choicesOf(matrix: Matrix, { quality, usd }: Predicted, usualUsd: number): Choices {
  const { test, models } = matrix
  const rows = test.length
  const choices: Choices = { quality: new Float64Array(sweepSteps * rows), usd: new Float64Array(sweepSteps * rows), rows }
  sweep(usualUsd).forEach((price, step) => {
    for (let place = 0; place < rows; place++) {
      let best = 0
      let most = -Infinity
      for (let model = 0, at = place * models.length; model < models.length; model++, at++) {
        const score = (quality[at] as number) - price * (usd[at] as number)
        if (score > most) {
          most = score
          best = model
        }
      }
      const at = (test[place] as number) * models.length + best
      choices.quality[step * rows + place] = matrix.quality[at] as number
      choices.usd[step * rows + place] = matrix.usd[at] as number
    }
  })
  return choices
}

/** Test rows by what a strong call is predicted to gain, most first; equals in random order. */
export function gainOrder(matrix: Matrix, { quality }: Pick<Predicted, 'quality'>, strong: number, weak: number, random: () => number): Int32Array {
  const { test, models } = matrix
  const gains = test.map((_, place) => ({ place, gain: (quality[place * models.length + strong] as number) - (quality[place * models.length + weak] as number), tie: random() }))
  return Int32Array.from(gains.toSorted((a, b) => b.gain - a.gain || a.tie - b.tie), ({ place }) => place)
}
