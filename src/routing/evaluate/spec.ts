/**
 * What an evaluation compares: pools of models, pairs of a strong and a weak one, seeds. Read from a file that was fixed beforehand,
 * or made from the outcomes by the same rules. Bad input is refused with the place and what to do.
 */
import { OutcomesError, type OutcomeRow } from './outcomes.ts'

export interface Pair { strong: string; weak: string }
export interface PoolSpec { name: string; sets: string[]; models: string[]; pairs: Pair[] }
export interface Spec { seeds: number[]; folds: number; labels: number[]; resamples: number; pools: PoolSpec[] }

export const usualSettings = { seeds: [1, 2, 3, 4, 5], folds: 5, labels: [0, 100, 500, 1500], resamples: 1000 } as const

/** A model belongs to a pool when it has quality and cost on this share of the rows. */
const coverage = 0.95
/** A weak model costs at most this share of the strong one, and is worse by this much. */
const cheapShare = 0.1
const leastGap = 0.05

const fail = (message: string): never => {
  throw new OutcomesError(`The evaluation’s settings: ${message}`)
}
const isList = (value: unknown, isOk: (each: unknown) => boolean): boolean => Array.isArray(value) && value.length > 0 && value.every(isOk)
const isText = (value: unknown): value is string => typeof value === 'string'
const isWhole = (least: number, most: number) => (value: unknown): boolean => Number.isInteger(value) && (value as number) >= least && (value as number) <= most

export function readSpec(text: string): Spec {
  let spec: Spec
  try {
    spec = JSON.parse(text) as Spec
  } catch (error) {
    return fail(`they are not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof spec !== 'object' || spec === null) fail('they must be an object')
  if (!isList(spec.seeds, isWhole(0, 2 ** 31))) fail('“seeds” must be a list of whole numbers')
  if (!isWhole(2, 20)(spec.folds)) fail('“folds” must be a whole number from 2 to 20')
  if (!isList(spec.labels, isWhole(0, 1e6))) fail('“labels” must be a list of whole numbers')
  if (!isWhole(100, 100_000)(spec.resamples)) fail('“resamples” must be a whole number from 100 to 100000')
  if (!Array.isArray(spec.pools) || spec.pools.length === 0) fail('“pools” must be a list')
  for (const pool of spec.pools) {
    if (!isText(pool.name) || !isList(pool.sets, isText) || !isList(pool.models, isText) || pool.models.length < 2) fail('a pool needs “name”, “sets” and at least two “models”')
    for (const pair of pool.pairs ?? fail(`pool ${pool.name} needs “pairs”`)) if (!pool.models.includes(pair.strong) || !pool.models.includes(pair.weak)) fail(`the pair ${pair.strong} / ${pair.weak} of ${pool.name} names a model that is not in the pool`)
  }
  return { seeds: spec.seeds, folds: spec.folds, labels: spec.labels, resamples: spec.resamples, pools: spec.pools }
}

interface Mean { model: string; rows: number; quality: number; cost: number }

function means(rows: readonly OutcomeRow[]): Mean[] {
  const found = new Map<string, Mean>()
  for (const { q, usd } of rows) for (const [model, quality] of Object.entries(q)) {
    const cost = usd[model]
    if (cost === undefined) continue
    const mean = found.get(model) ?? { model, rows: 0, quality: 0, cost: 0 }
    mean.rows++
    mean.quality += quality
    mean.cost += cost
    found.set(model, mean)
  }
  return [...found.values()].map((mean) => ({ ...mean, quality: mean.quality / mean.rows, cost: mean.cost / mean.rows }))
}

/** A pool per set, by the rules of bench/route-eval.json. Sets with fewer than two priced models have none. */
export function specOf(rows: readonly OutcomeRow[]): Spec {
  const pools = [...Map.groupBy(rows, ({ set }) => set)].flatMap(([set, ofSet]): PoolSpec[] => {
    const pool = means(ofSet).filter((mean) => mean.rows >= coverage * ofSet.length).toSorted((a, b) => b.quality - a.quality)
    const [strong] = pool
    if (strong === undefined || pool.length < 2) return []
    const cheapest = pool.toSorted((a, b) => a.cost - b.cost)[0] as Mean
    const cheap = pool.find((mean) => mean.cost <= strong.cost * cheapShare && mean.quality <= strong.quality - leastGap)
    const weak = [...new Set([cheapest.model, cheap?.model ?? cheapest.model])].filter((model) => model !== strong.model)
    return [{ name: set, sets: [set], models: pool.map(({ model }) => model), pairs: weak.map((model) => ({ strong: strong.model, weak: model })) }]
  })
  if (pools.length === 0) throw new OutcomesError('No set has two models with quality (“q”) and cost (“usd”) on 95 % of its rows, so there is nothing to choose between.')
  return { ...usualSettings, seeds: [...usualSettings.seeds], labels: [...usualSettings.labels], pools }
}
