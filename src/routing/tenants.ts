/**
 * How an organisation's own outcomes differ from what all together say, per arm and task. Corrections shrink towards none while its
 * outcomes are few. Bounded: the organisation that rested longest is forgotten.
 */
import { taskCount } from './tasks.ts'
import type { Understanding } from './understand.ts'

export const mostPairs = 20_000
const window = 1_000
const bound = 0.3

export class Difference {
  #all = 0
  #missed = 0
  readonly #ofTask = { all: new Float32Array(taskCount), missed: new Float32Array(taskCount) }
  readonly #shift = new Float32Array(taskCount)

  /** To be added to the quality that all together say. */
  of({ tasks, weights }: Understanding): number {
    let sum = 0
    for (let place = 0; place < tasks.length; place++) sum += (weights[place] as number) * (this.#shift[tasks[place] as number] as number)
    return sum
  }

  learn({ tasks, weights }: Understanding, missed: number, trust: number, strength: number): void {
    const kept = 1 - trust / window
    this.#all = this.#all * kept + trust
    this.#missed = this.#missed * kept + trust * missed
    for (let place = 0; place < tasks.length; place++) {
      const task = tasks[place] as number
      const weight = trust * (weights[place] as number)
      this.#ofTask.all[task] = this.#ofTask.all[task]! * kept + weight
      this.#ofTask.missed[task] = this.#ofTask.missed[task]! * kept + weight * missed
    }
    const whole = this.#missed / (this.#all + strength)
    for (let task = 0; task < taskCount; task++) {
      const all = this.#ofTask.all[task] as number
      this.#shift[task] = Math.max(-bound, Math.min(bound, whole + ((this.#ofTask.missed[task] as number) - all * whole) / (all + strength)))
    }
  }
}

/** Of one organisation, by arm. */
export type Differences = Map<string, Difference>

export class Tenants {
  readonly #tenants = new Map<string, Differences>()
  readonly #strength: number
  #pairs = 0
  constructor(strength: number) {
    this.#strength = strength
  }

  get size(): number {
    return this.#pairs
  }

  /** Undefined while it has no outcomes of its own. */
  find(tenant: string): Differences | undefined {
    return this.#tenants.get(tenant)
  }

  /** Of one arm, of all. */
  forget(arm: string): void {
    for (const differences of this.#tenants.values()) if (differences.delete(arm)) this.#pairs--
  }

  /** `missed`: outcome less what all together say. */
  learn(tenant: string, arm: string, understanding: Understanding, missed: number, trust: number): void {
    const differences = this.#tenants.get(tenant) ?? new Map<string, Difference>()
    let difference = differences.get(arm)
    if (difference === undefined) {
      difference = new Difference()
      differences.set(arm, difference)
      this.#pairs++
    }
    difference.learn(understanding, missed, trust, this.#strength)
    // The map is in the order of use: the first organisation rested longest.
    this.#tenants.delete(tenant)
    this.#tenants.set(tenant, differences)
    while (this.#pairs > mostPairs && this.#tenants.size > 1) {
      const [first, forgotten] = this.#tenants.entries().next().value as [string, Differences]
      this.#tenants.delete(first)
      this.#pairs -= forgotten.size
    }
  }
}
