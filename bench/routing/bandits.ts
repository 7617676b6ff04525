/** What the router is compared with: LinUCB on the same signals, ε-greedy on the same task types, and the best choice per true task in hindsight. Each sees only what it chose. */
import { shuffled } from '../../src/routing/evaluate/runs.ts'
import { builtInPolicies, type Policy } from '../../src/routing/policy.ts'
import { signalCount } from '../../src/routing/understand.ts'
import { seeded } from '../../src/simulated/random.ts'
import { outcome, Routed, stream, type World } from './world.ts'

/** Total reward, quality less the price of its cost, over a stream of prompts. */
export type Player = (world: World, rows: readonly number[], price: number, seed: number) => number

const noCost: Policy = { ...builtInPolicies.balanced, cost: 0, latency: 0 }

export const router: Player = (world, rows, price, seed) => {
  const routed = new Routed(world, noCost, seed)
  let sum = 0
  for (const row of rows) {
    const { record } = routed.ask(row, { price })
    const { quality, usd, tokens } = outcome(world, row, world.matrix.models.indexOf(record.chosen))
    sum += quality - price * usd
    routed.tell(row, record.chosen, quality, tokens)
  }
  return sum
}

/** Disjoint LinUCB: a ridge regression of the reward per arm, and the arm of the highest upper bound. Arms stand in random order: pools list the best first, and it keeps the first that pleases. */
export const linUcb = (alpha: number): Player => (world, rows, price, seed) => {
  const arms = shuffled(world.matrix.models.map((_, model) => model), seeded(seed)).map((model) => {
    const inverse = new Float64Array(signalCount * signalCount)
    for (let at = 0; at < signalCount; at++) inverse[at * signalCount + at] = 1
    return { model, inverse, sums: new Float64Array(signalCount), weights: new Float64Array(signalCount) }
  })
  const gain = new Float64Array(signalCount)
  const times = (matrix: Float64Array, vector: ArrayLike<number>, into: Float64Array): void => {
    for (let row = 0; row < signalCount; row++) {
      let sum = 0
      for (let column = 0, at = row * signalCount; column < signalCount; column++, at++) sum += (matrix[at] as number) * (vector[column] as number)
      into[row] = sum
    }
  }
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
    let sum = 0
    for (let at = 0; at < signalCount; at++) sum += (a[at] as number) * (b[at] as number)
    return sum
  }
  /** The square form of a symmetric matrix: twice its lower triangle, and the diagonal. */
  const width = (matrix: Float64Array, vector: ArrayLike<number>): number => {
    let all = 0
    for (let row = 0; row < signalCount; row++) {
      const signal = vector[row] as number
      if (signal === 0) continue
      let sum = 0
      for (let column = 0, at = row * signalCount; column < row; column++, at++) sum += (matrix[at] as number) * (vector[column] as number)
      all += signal * (2 * sum + (matrix[row * signalCount + row] as number) * signal)
    }
    return all
  }
  let total = 0
  for (const row of rows) {
    const { signals } = world.matrix.understood[row]!
    let best = 0
    let most = -Infinity
    arms.forEach(({ inverse, weights }, arm) => {
      const bound = dot(weights, signals) + alpha * Math.sqrt(Math.max(0, width(inverse, signals)))
      if (bound > most) [most, best] = [bound, arm]
    })
    const { model, inverse, sums, weights } = arms[best]!
    const { quality, usd } = outcome(world, row, model)
    const reward = quality - price * usd
    total += reward
    times(inverse, signals, gain)
    const spread = 1 + dot(gain, signals)
    for (let i = 0; i < signalCount; i++) for (let j = 0; j < signalCount; j++) inverse[i * signalCount + j]! -= (gain[i]! * gain[j]!) / spread
    for (let at = 0; at < signalCount; at++) sums[at]! += reward * (signals[at] as number)
    times(inverse, sums, weights)
  }
  return total
}

/** Mean reward per likeliest task and arm, drawn to the arm’s mean; each arm is tried first. */
export const epsilonGreedy = (epsilon: number): Player => (world, rows, price, seed) => {
  const random = seeded(seed)
  const tables = new Map<number, { sum: Float64Array; count: Float64Array }>()
  const count = world.matrix.models.length
  const all = { sum: new Float64Array(count), count: new Float64Array(count) }
  let total = 0
  for (const row of rows) {
    const task = world.matrix.understood[row]!.tasks[0] as number
    const table = tables.get(task) ?? { sum: new Float64Array(count), count: new Float64Array(count) }
    tables.set(task, table)
    let chosen = all.count.indexOf(0)
    if (chosen < 0 && random() < epsilon) chosen = Math.floor(random() * count)
    if (chosen < 0) {
      let most = -Infinity
      for (let arm = 0; arm < count; arm++) {
        const value = (table.sum[arm]! + 5 * (all.sum[arm]! / all.count[arm]!)) / (table.count[arm]! + 5)
        if (value > most) [most, chosen] = [value, arm]
      }
    }
    const { quality, usd } = outcome(world, row, chosen)
    const reward = quality - price * usd
    total += reward
    for (const each of [table, all]) {
      each.sum[chosen]! += reward
      each.count[chosen]!++
    }
  }
  return total
}

/** The best arm per true task, known from all outcomes. */
export const hindsight: Player = (world, rows, price) => {
  const { matrix } = world
  const best = new Map<string, number>()
  for (const [task, places] of Map.groupBy(matrix.test, (row) => matrix.rows[row]!.task)) {
    const rewards = matrix.models.map((_, model) => places.reduce((sum, row) => sum + outcome(world, row, model).quality - price * outcome(world, row, model).usd, 0))
    best.set(task, rewards.indexOf(Math.max(...rewards)))
  }
  return rows.reduce((sum, row) => {
    const { quality, usd } = outcome(world, row, best.get(matrix.rows[row]!.task)!)
    return sum + quality - price * usd
  }, 0)
}

const players: Readonly<Record<string, Player>> = {
  router, 'LinUCB α=0.1': linUcb(0.1), 'LinUCB α=0.3': linUcb(0.3), 'LinUCB α=1': linUcb(1), 'ε-greedy 2 %': epsilonGreedy(0.02), 'ε-greedy 5 %': epsilonGreedy(0.05), 'ε-greedy 10 %': epsilonGreedy(0.1),
}

export interface Regret { player: string; perRequest: number }
export interface Regrets { world: string; weight: number; regrets: Regret[]; /** Seeds in which the router’s regret was the smallest. */ wins: number; seeds: number }

/** Mean regret per request against hindsight. `weight`: quality that the usual cost of the best model is worth. */
export function regretsOf(world: World, weight: number, requests: number, seeds: number): Regrets {
  const price = weight / world.usualUsd
  const sums = new Map<string, number>()
  let wins = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const rows = stream(world, requests, seed)
    const ceiling = hindsight(world, rows, price, seed)
    const found = Object.entries(players).map(([name, play]) => ({ name, regret: (ceiling - play(world, rows, price, seed)) / requests }))
    for (const { name, regret } of found) sums.set(name, (sums.get(name) ?? 0) + regret / seeds)
    if (found.every(({ regret }) => regret >= found[0]!.regret)) wins++
  }
  return { world: world.name, weight, regrets: [...sums].map(([player, perRequest]) => ({ player, perRequest })), wins, seeds }
}
