/**
 * Everything in the artefact that is counted and not fitted by gradients: quality by price tier, lengths of answers, where easy ends
 * and hard begins, and how much evidence outweighs an assumption. All of it from rows whose understanding comes from a classifier
 * that had not seen them.
 */
import type { Artefact, Shrinkage } from '../../src/routing/artefact.ts'
import { tierCount } from '../../src/routing/artefact.ts'
import type { OutcomeRow } from '../../src/routing/evaluate/outcomes.ts'
import { tierOf } from '../../src/routing/priors.ts'
import { Posterior } from '../../src/routing/posterior.ts'
import { Residual } from '../../src/routing/residual.ts'
import { cellCount, difficultyCount, taskCount } from '../../src/routing/tasks.ts'
import type { Understanding } from '../../src/routing/understand.ts'

/** A row as the shipped router would have seen it. */
export interface Seen { row: OutcomeRow; understanding: Understanding }

const charsPerToken = 4
/** Rows that an assumption is worth when tiers are counted. */
const shrink = 40
const fallbackQuality = 0.6

/** Dollars per million tokens, input and output together. */
function prices(rows: readonly OutcomeRow[]): Map<string, number> {
  const sums = new Map<string, { usd: number; chars: number }>()
  for (const { prompt, usd, outch } of rows) for (const [model, cost] of Object.entries(usd)) {
    const at = sums.get(model) ?? { usd: 0, chars: 0 }
    sums.set(model, { usd: at.usd + cost, chars: at.chars + prompt.length + (outch[model] ?? 0) })
  }
  return new Map([...sums].map(([model, { usd, chars }]) => [model, (usd / (chars / charsPerToken)) * 1e6]))
}

/** By set and model, for those with a price. */
export function tiersOfModels(rows: readonly OutcomeRow[]): Map<string, number> {
  const found = new Map<string, number>()
  for (const [set, ofSet] of Map.groupBy(rows, (row) => row.set)) for (const [model, price] of prices(ofSet)) {
    const nano = price * 1e9
    found.set(`${set}\n${model}`, tierOf({ prices: { input: nano, output: nano, cacheRead: nano, cacheWrite: nano }, billions: 0, releasedOn: '', reasoning: false }))
  }
  return found
}

interface Sum { all: number; good: number }
const zero = (): Sum => ({ all: 0, good: 0 })
const towards = ({ all, good }: Sum, assumed: number): number => (good + shrink * assumed) / (all + shrink)

/** No tier is worse than a cheaper one: neighbours that disagree are averaged. */
function rising(values: readonly number[]): number[] {
  const blocks: { sum: number; count: number }[] = []
  for (const value of values) {
    let block = { sum: value, count: 1 }
    for (let last = blocks.at(-1); last !== undefined && last.sum / last.count > block.sum / block.count; last = blocks.at(-1)) {
      blocks.pop()
      block = { sum: last.sum + block.sum, count: last.count + block.count }
    }
    blocks.push(block)
  }
  return blocks.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count))
}

export function tierPriors(seen: readonly Seen[]): number[] {
  const tiers = tiersOfModels(seen.map(({ row }) => row))
  const whole = Array.from({ length: tierCount }, zero)
  const tasks = Array.from({ length: tierCount * taskCount }, zero)
  const cells = Array.from({ length: tierCount * cellCount }, zero)
  const add = (sum: Sum | undefined, weight: number, value: number): void => { if (sum !== undefined) { sum.all += weight; sum.good += weight * value } }
  for (const { row, understanding } of seen) for (const [model, quality] of Object.entries(row.q)) {
    const tier = tiers.get(`${row.set}\n${model}`)
    if (tier === undefined) continue
    add(whole[tier], 1, quality)
    understanding.tasks.forEach((task, place) => {
      const weight = understanding.weights[place] as number
      add(tasks[tier * taskCount + task], weight, quality)
      understanding.hardness.forEach((part, hard) => add(cells[tier * cellCount + task * difficultyCount + hard], weight * part, quality))
    })
  }
  const ofTier = rising(whole.map((sum) => towards(sum, fallbackQuality)))
  const ofTask = Array.from({ length: taskCount }, (_, task) => rising(ofTier.map((value, tier) => towards(tasks[tier * taskCount + task] as Sum, value))))
  const result = Array.from({ length: tierCount * cellCount }, () => 0)
  for (let cell = 0; cell < cellCount; cell++) {
    const task = Math.floor(cell / difficultyCount)
    const values = rising(ofTier.map((_, tier) => towards(cells[tier * cellCount + cell] as Sum, ofTask[task]?.[tier] as number)))
    values.forEach((value, tier) => { result[tier * cellCount + cell] = Number(value.toFixed(4)) })
  }
  return result
}

export function outputForecasts(seen: readonly Seen[]): Artefact['outputs'] {
  const logs = Array.from({ length: taskCount }, (): number[] => [])
  for (const { row, understanding } of seen) for (const chars of Object.values(row.outch)) if (chars > 0) logs[understanding.tasks[0] as number]?.push(Math.log(Math.max(1, chars / charsPerToken)))
  const all = logs.flat()
  const of = (values: readonly number[]): { mean: number; deviation: number } => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return { mean: Number(mean.toFixed(3)), deviation: Number(Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length).toFixed(3)) }
  }
  return logs.map((values) => of(values.length >= 200 ? values : all))
}

export function difficultyOf(seen: readonly Seen[]): Artefact['difficulty'] {
  const chances = seen.map(({ understanding: { signals } }) => ((signals[1] as number) + (signals[2] as number) + (signals[3] as number)) / 3).toSorted((a, b) => a - b)
  const at = (share: number): number => Number((chances[Math.floor(share * chances.length)] as number).toFixed(4))
  return { hard: at(1 / 6), medium: at(1 / 2), easy: at(5 / 6) }
}

/** The error of single predictions is least near 100; what is saved by choosing between arms is most from 300 on, on halves of the build part. */
const chosenRidge = 500
/** The error hardly differs between 5 and 20; with little, a model soon shows what it can, whatever its price made expect. */
const chosenArm = 6
const learned = 300
const learnedByResidual = 700

/** Squared error of the rest after `count` outcomes of each model, over all sets; the smaller the better. */
function lossOf(seen: readonly Seen[], tiers: Float32Array, shrinkage: Shrinkage, count: number, withResidual: boolean): number {
  const tierOfModel = tiersOfModels(seen.map(({ row }) => row))
  let loss = 0
  let all = 0
  for (const ofSet of Map.groupBy(seen, ({ row }) => row.set).values()) for (const [key, tier] of tierOfModel) {
    const [set, model] = key.split('\n') as [string, string]
    if (set !== ofSet[0]?.row.set || ofSet.length < count * 1.2) continue
    const posterior = new Posterior(tiers.slice(tier * cellCount, (tier + 1) * cellCount), shrinkage)
    const residual = new Residual(shrinkage.residual)
    ofSet.forEach(({ row, understanding }, at) => {
      const quality = row.q[model]
      if (quality === undefined) return
      const predicted = posterior.mean(understanding)
      if (at < count) {
        residual.learn(understanding.signals, quality - predicted)
        posterior.learn(understanding, quality)
        return
      }
      loss += (predicted + (withResidual ? residual.predict(understanding.signals) : 0) - quality) ** 2
      all++
    })
  }
  return loss / all
}

export function bestShrinkage(seen: readonly Seen[], tiers: Float32Array, say: (line: string) => void): Shrinkage {
  let best: { loss: number; shrinkage: Shrinkage } = { loss: Infinity, shrinkage: { arm: chosenArm, task: 20, cell: 40, tenant: 30, residual: chosenRidge } }
  const consider = (shrinkage: Shrinkage, count: number, withResidual: boolean): void => {
    const loss = lossOf(seen, tiers, shrinkage, count, withResidual)
    say(`  ${JSON.stringify(shrinkage)} ${loss.toFixed(5)}`)
    if (loss < best.loss) best = { loss, shrinkage }
  }
  for (const task of [8, 15, 30, 60]) for (const cell of [10, 20, 40, 80]) consider({ arm: chosenArm, task, cell, tenant: 30, residual: chosenRidge }, learned, false)
  for (const residual of [30, 100, 300, 1_000]) consider({ ...best.shrinkage, residual }, learnedByResidual, true)
  return { ...best.shrinkage, residual: chosenRidge }
}
