/**
 * How good one arm is, per task and difficulty, as Beta posteriors that borrow from one another: a cell from its task, the task from
 * the arm, the arm from its price tier. Evidence fades, and is mostly forgotten when outcomes stop being what it says, so that a
 * model that silently became worse is found out. Predictions are ready-made numbers; learning does the work.
 */
import type { Shrinkage } from './artefact.ts'
import { cellCount, difficultyCount, taskCount } from './tasks.ts'
import type { Understanding } from './understand.ts'

/** Outcomes that are remembered, about, at each level. */
const windows = { arm: 3_000, task: 1_500, cell: 800 } as const
/** A sum of surprises (in standard deviations, beyond this drift) that does not happen by chance: less than once in 100,000 outcomes. */
const surpriseDrift = 0.25
const surpriseLimit = 20
/** Of a nearly sure prediction a few misses would be a surprise without end. */
const leastVariance = 0.06
/** Before so many outcomes the arm is still being learned, and surprises are no news. */
const surprisedFrom = 40
/** What is left of the evidence after it, as a share and as outcomes at most. */
const keptShare = 0.1
const keptOutcomes = 15
const least = 0.01
const most = 0.99
/** What an assumption alone is worth, in outcomes. */
const assumedStrength = 4

/** Kept per place: outcomes, good ones, and good ones that the tier made expect. */
interface Counts { all: Float64Array; good: Float64Array; expected: Float64Array }
/** Surprises in one direction, and the outcomes since they began: what is true of the arm when they turn out to be a change. */
interface Surprises { sum: number; all: number; good: number; expected: number }
const surprises = (): Surprises => ({ sum: 0, all: 0, good: 0, expected: 0 })
const counts = (places: number): Counts => ({ all: new Float64Array(places), good: new Float64Array(places), expected: new Float64Array(places) })

function count(at: Counts, place: number, window: number, weight: number, value: number, expected: number): void {
  const kept = 1 - weight / window
  at.all[place] = at.all[place]! * kept + weight
  at.good[place] = at.good[place]! * kept + weight * value
  at.expected[place] = at.expected[place]! * kept + weight * expected
}

/** What can be stored and loaded again; fields in the order of the tables above. */
export interface PosteriorState { outcomes: number; alarms: number; arm: number[]; tasks: number[]; cells: number[] }

function gather(at: Surprises, error: number, trust: number, value: number, expected: number): Surprises {
  at.sum = Math.max(0, at.sum + error - surpriseDrift)
  if (at.sum === 0) at.all = at.good = at.expected = 0
  else {
    at.all += trust
    at.good += trust * value
    at.expected += trust * expected
  }
  return at
}

export class Posterior {
  /** Outcomes ever learned, and how often the evidence was found outdated. */
  outcomes = 0
  alarms = 0
  /** Expected quality per cell, and evidence behind each task. */
  readonly means = new Float32Array(cellCount)
  readonly strengths = new Float32Array(taskCount)
  readonly #assumed: Float32Array
  readonly #shrinkage: Shrinkage
  readonly #arm = counts(1)
  readonly #tasks = counts(taskCount)
  readonly #cells = counts(cellCount)
  readonly #worse = surprises()
  readonly #better = surprises()

  /** `assumed`: quality per cell before any outcome, from the tier or from wider experience. */
  constructor(assumed: Float32Array, shrinkage: Shrinkage) {
    this.#assumed = assumed
    this.#shrinkage = shrinkage
    this.#recompute()
  }

  mean({ tasks, weights, hardness }: Understanding): number {
    let sum = 0
    for (let place = 0; place < tasks.length; place++) {
      const at = (tasks[place] as number) * difficultyCount
      const weight = weights[place] as number
      for (let hard = 0; hard < difficultyCount; hard++) if (hardness[hard] !== 0) sum += weight * (hardness[hard] as number) * (this.means[at + hard] as number)
    }
    return sum
  }

  /** Outcomes that the mean is worth. */
  strength({ tasks, weights }: Understanding): number {
    let sum = 0
    for (let place = 0; place < tasks.length; place++) sum += (weights[place] as number) * (this.strengths[tasks[place] as number] as number)
    return sum
  }

  /** Learns one outcome from 0 to 1; `trust` below 1 for weak signals, `predicted` what was expected of it, with what is known beside this table. True when it made the evidence outdated. */
  learn(understanding: Understanding, value: number, trust = 1, predicted = this.mean(understanding)): boolean {
    const { tasks, weights, hardness } = understanding
    let expected = 0
    for (let place = 0; place < tasks.length; place++) {
      const task = tasks[place] as number
      const weight = weights[place] as number
      let expectedOfTask = 0
      for (let hard = 0; hard < difficultyCount; hard++) {
        const part = hardness[hard] as number
        if (part === 0) continue
        const assumed = this.#assumed[task * difficultyCount + hard] as number
        expectedOfTask += part * assumed
        count(this.#cells, task * difficultyCount + hard, windows.cell, trust * weight * part, value, assumed)
      }
      count(this.#tasks, task, windows.task, trust * weight, value, expectedOfTask)
      expected += weight * expectedOfTask
    }
    count(this.#arm, 0, windows.arm, trust, value, expected)
    this.outcomes++
    const isOutdated = this.#surprise(predicted, value, trust, expected)
    this.#recompute()
    return isOutdated
  }

  /** Page’s cumulative sums, one in each direction. */
  #surprise(predicted: number, value: number, trust: number, expected: number): boolean {
    if (this.#arm.all[0]! < surprisedFrom) return false
    const error = (trust * (value - predicted)) / Math.sqrt(Math.max(leastVariance, predicted * (1 - predicted)))
    const found = [gather(this.#worse, -error, trust, value, expected), gather(this.#better, error, trust, value, expected)].find(({ sum }) => sum >= surpriseLimit)
    if (found === undefined) return false
    const { all, good, expected: assumed } = found
    this.forget(0)
    this.#arm.all[0]! = all
    this.#arm.good[0]! = good
    this.#arm.expected[0]! = assumed
    return true
  }

  /** Keeps a little of what was learned: also for an operator who knows that a model changed. */
  forget(kept = Math.min(keptShare, keptOutcomes / Math.max(this.#arm.all[0] as number, 1))): void {
    for (const level of [this.#arm, this.#tasks, this.#cells]) for (const table of [level.all, level.good, level.expected]) for (let place = 0; place < table.length; place++) table[place]! *= kept
    Object.assign(this.#worse, surprises())
    Object.assign(this.#better, surprises())
    this.alarms++
    this.#recompute()
  }

  #recompute(): void {
    const { arm, task: ofTask, cell: ofCell } = this.#shrinkage
    const all = this.#arm.all[0] as number
    const shift = ((this.#arm.good[0] as number) - (this.#arm.expected[0] as number)) / (all + arm)
    for (let task = 0; task < taskCount; task++) {
      const seen = this.#tasks.all[task] as number
      const shiftOfTask = shift + (seen === 0 ? 0 : ((this.#tasks.good[task] as number) - (this.#tasks.expected[task] as number) - seen * shift) / (seen + ofTask))
      const elsewhere = Math.max(0, all - seen)
      this.strengths[task] = assumedStrength + seen + (ofTask * elsewhere) / (elsewhere + ofTask)
      for (let cell = task * difficultyCount; cell < (task + 1) * difficultyCount; cell++) {
        const inCell = this.#cells.all[cell] as number
        const own = inCell === 0 ? 0 : ((this.#cells.good[cell] as number) - (this.#cells.expected[cell] as number) - inCell * shiftOfTask) / (inCell + ofCell)
        this.means[cell] = Math.min(most, Math.max(least, (this.#assumed[cell] as number) + shiftOfTask + own))
      }
    }
  }

  state(): PosteriorState {
    const flat = ({ all, good, expected }: Counts): number[] => [...all, ...good, ...expected]
    return { outcomes: this.outcomes, alarms: this.alarms, arm: flat(this.#arm), tasks: flat(this.#tasks), cells: flat(this.#cells) }
  }

  /** Takes a stored state over; false: it is of other tables and was left alone. */
  restore(state: PosteriorState): boolean {
    const levels = [[this.#arm, state.arm], [this.#tasks, state.tasks], [this.#cells, state.cells]] as const
    if (levels.some(([table, values]) => values.length !== 3 * table.all.length || !values.every((each) => Number.isFinite(each)))) return false
    for (const [table, values] of levels) {
      const places = table.all.length
      table.all.set(values.slice(0, places))
      table.good.set(values.slice(places, 2 * places))
      table.expected.set(values.slice(2 * places))
    }
    this.outcomes = state.outcomes
    this.alarms = state.alarms
    this.#recompute()
    return true
  }
}
