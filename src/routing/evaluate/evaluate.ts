/**
 * The evaluation of routing on outcomes of several models: the router beside every simple thing that it has to beat, over seeds, with
 * intervals. It decides nothing and stores nothing; the clock is passed in to time decisions.
 */
import type { Artefact } from '../artefact.ts'
import { Understander } from '../understand.ts'
import { interval, mean, resample, type Interval } from './bootstrap.ts'
import { aiq, deferral, hull, pointsOf, saving, type Choices, type Deferral, type Point } from './curves.ts'
import { matrixOf, type Matrix } from './matrix.ts'
import type { OutcomeRow } from './outcomes.ts'
import { decisionsOf, robustness, type PolicyResult, type Robustness, type Times } from './policies.ts'
import { choicesOf, gainOrder, methods, runSeed, type Method, type Predicted, type SeedRun } from './runs.ts'
import type { Pair, PoolSpec, Spec } from './spec.ts'

/** `hull`: the best mix of models at random. `oracle`: knows each outcome. */
export const curves = [...methods, 'hull', 'oracle'] as const
export type Curve = (typeof curves)[number]
export const shares = [1, 0.99, 0.95] as const

export interface Savings { saving: [number, number, number]; aiq: number }
export interface PairResult extends Pair {
  /** With all labels; mean of the seeds. */
  by: Record<Method | 'random' | 'oracle', Pick<Deferral, 'apgr' | 'cpt50' | 'cpt80'>>
  curve: number[]
  /** Router less each. */
  lead: Record<'length' | 'task_table', Interval>
  learning: { labels: number; router: number; length: number; task_table: number }[]
}
export interface PoolResult {
  name: string
  rows: number
  test: number
  models: { model: string; quality: number; usd: number }[]
  best: string
  savings: Record<Curve, Savings>
  /** Router less hull mixing, at 100, 99 and 95 % of the best model’s quality. */
  lead: [Interval, Interval, Interval]
  saved: [Interval, Interval, Interval]
  learning: { labels: number; saving99: number }[]
  pairs: PairResult[]
  policies: PolicyResult[]
  times: Times
  robustness: Robustness[]
}

export interface Settings {
  artefact: Artefact
  /** The artefact was trained on this row: its outcomes may be learned from, and are never tested. */
  isTrained: (row: OutcomeRow) => boolean
  random: (seed: number) => () => number
  nowMs: () => number
}

export function evaluate(rows: readonly OutcomeRow[], spec: Spec, settings: Settings): PoolResult[] {
  const understander = new Understander(settings.artefact)
  return spec.pools.map((pool) => evaluatePool(matrixOf(rows, pool, understander, settings.isTrained), pool, spec, settings))
}

function evaluatePool(matrix: Matrix, pool: PoolSpec, spec: Spec, settings: Settings): PoolResult {
  const { artefact, random, nowMs } = settings
  const ones = new Float64Array(matrix.test.length).fill(1)
  const singles = singlesOf(matrix, ones)
  const best = singles.reduce((found, point, model) => (point.quality > (singles[found] as Point).quality ? model : found), 0)
  const usual = (singles[best] as Point).cost
  const runs = spec.seeds.map((seed) => runSeed(matrix, artefact, spec.labels, spec.folds, random(seed)))
  const chosen = runs.map(({ levels }) => Object.fromEntries(methods.map((method) => [method, choicesOf(matrix, (levels.at(-1) as SeedRun['levels'][number]).by[method], usual)])) as Record<Method, Choices>)
  const oracle = choicesOf(matrix, truth(matrix), usual)
  const measure = (weights: Float64Array): Record<Curve, Savings> => {
    const points = singlesOf(matrix, weights)
    const bestPoint = points[best] as Point
    const costs = points.map(({ cost }) => cost)
    const of = (curve: readonly Point[]): Savings => ({ saving: shares.map((share) => saving(curve, bestPoint, share)) as Savings['saving'], aiq: aiq(curve, Math.min(...costs), Math.max(...costs)) })
    const perMethod = methods.map((method) => [method, average(chosen.map((each) => of(hull(pointsOf(each[method], weights)))))] as const)
    return { ...Object.fromEntries(perMethod) as Record<Method, Savings>, hull: of(hull(points)), oracle: of(hull(pointsOf(oracle, weights))) }
  }
  const savings = measure(ones)
  const draws = resamples(spec, matrix, random, (weights) => measure(weights))
  const lead = shares.map((_, at) => interval(savings.router.saving[at]! - savings.hull.saving[at]!, draws.map((draw) => draw.router.saving[at]! - draw.hull.saving[at]!)))
  const saved = shares.map((_, at) => interval(savings.router.saving[at]!, draws.map((draw) => draw.router.saving[at]!)))
  const learning = (runs[0] as SeedRun).levels.map(({ labels }, level) => ({
    labels, saving99: mean(runs.map(({ levels }) => saving(hull(pointsOf(choicesOf(matrix, levels[level]!.by.router, usual), ones)), singles[best] as Point, 0.99))),
  }))
  const timed = decisionsOf(matrix, runs[0] as SeedRun, singles[best] as Point, random(spec.seeds[0] ?? 1), nowMs)
  return {
    name: pool.name, rows: matrix.rows.length, test: matrix.test.length, models: matrix.models.map((model, at) => ({ model, quality: singles[at]!.quality, usd: singles[at]!.cost })), best: matrix.models[best] as string,
    savings, lead: lead as PoolResult['lead'], saved: saved as PoolResult['saved'], learning,
    pairs: pool.pairs.map((pair) => evaluatePair(matrix, pair, runs, spec, random)), policies: timed.policies, times: timed.times, robustness: robustness(matrix, runs[0] as SeedRun, random(spec.seeds[0] ?? 1)),
  }
}

function resamples<T>({ resamples: count, seeds }: Spec, matrix: Matrix, random: Settings['random'], measure: (weights: Float64Array) => T): T[] {
  const draw = random(1_000_003 + (seeds[0] ?? 0))
  const weights = new Float64Array(matrix.test.length)
  return Array.from({ length: count }, () => {
    resample(weights, draw)
    return measure(weights)
  })
}

/** Each model by itself. */
function singlesOf({ models, test, quality, usd }: Matrix, weights: Float64Array): Point[] {
  const points = models.map((): Point => ({ cost: 0, quality: 0 }))
  let all = 0
  test.forEach((row, place) => {
    const weight = weights[place] as number
    if (weight === 0) return
    all += weight
    for (let model = 0, at = row * models.length; model < models.length; model++, at++) {
      points[model]!.cost += weight * (usd[at] as number)
      points[model]!.quality += weight * (quality[at] as number)
    }
  })
  return points.map(({ cost, quality: sum }) => ({ cost: cost / all, quality: sum / all }))
}

function truth({ models, test, quality, usd }: Matrix): Predicted {
  const all: Predicted = { quality: new Float64Array(test.length * models.length), usd: new Float64Array(test.length * models.length) }
  test.forEach((row, place) => {
    all.quality.set(quality.subarray(row * models.length, (row + 1) * models.length), place * models.length)
    all.usd.set(usd.subarray(row * models.length, (row + 1) * models.length), place * models.length)
  })
  return all
}

const average = (all: readonly Savings[]): Savings => ({ saving: shares.map((_, at) => mean(all.map(({ saving: each }) => each[at]!))) as Savings['saving'], aiq: mean(all.map((each) => each.aiq)) })

function evaluatePair(matrix: Matrix, pair: Pair, runs: readonly SeedRun[], spec: Spec, random: Settings['random']): PairResult {
  const strong = matrix.models.indexOf(pair.strong)
  const weak = matrix.models.indexOf(pair.weak)
  const outcome = (model: number): Float64Array => Float64Array.from(matrix.test, (row) => matrix.quality[row * matrix.models.length + model] as number)
  const strongQuality = outcome(strong)
  const weakQuality = outcome(weak)
  const ones = new Float64Array(matrix.test.length).fill(1)
  const at = (order: Int32Array, weights: Float64Array): Deferral => deferral(order, strongQuality, weakQuality, weights)
  const ties = (seed: number): (() => number) => random(77_777 + seed)
  const orders = runs.map(({ levels }, seed) => levels.map(({ labels, by }) => ({ labels, by: Object.fromEntries(methods.map((method) => [method, gainOrder(matrix, by[method], strong, weak, ties(seed))])) as Record<Method, Int32Array> })))
  const flat = { quality: new Float64Array(matrix.test.length * matrix.models.length) }
  const of = (orderings: readonly Int32Array[]): Deferral[] => orderings.map((order) => at(order, ones))
  const finals = (method: Method): Int32Array[] => orders.map((levels) => levels.at(-1)!.by[method])
  const sum = (all: readonly Deferral[]): Pick<Deferral, 'apgr' | 'cpt50' | 'cpt80'> => ({ apgr: mean(all.map(({ apgr }) => apgr)), cpt50: mean(all.map(({ cpt50 }) => cpt50)), cpt80: mean(all.map(({ cpt80 }) => cpt80)) })
  const by = {
    router: sum(of(finals('router'))), length: sum(of(finals('length'))), task_table: sum(of(finals('task_table'))),
    random: sum(of(runs.map((_, seed) => gainOrder(matrix, flat, strong, weak, ties(seed))))), oracle: sum(of([gainOrder(matrix, truth(matrix), strong, weak, ties(0))])),
  }
  const draws = resamples(spec, matrix, random, (weights) => Object.fromEntries(methods.map((method) => [method, mean(finals(method).map((order) => at(order, weights).apgr))])) as Record<Method, number>)
  const curve = of(finals('router')).map((each) => each.curve)
  const leadOver = (other: 'length' | 'task_table'): Interval => interval(by.router.apgr - by[other].apgr, draws.map((draw) => draw.router - draw[other]))
  return {
    ...pair, by, curve: curve[0]!.map((_, point) => mean(curve.map((each) => each[point] ?? 1))), lead: { length: leadOver('length'), task_table: leadOver('task_table') },
    learning: orders[0]!.map(({ labels }, level) => ({ labels, ...Object.fromEntries(methods.map((method) => [method, mean(orders.map((levels) => at(levels[level]!.by[method], ones).apgr))])) as Record<Method, number> })),
  }
}
