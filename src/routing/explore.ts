/**
 * Trying arms of which too little is known, safely: only where it may hurt little, as a bounded share of requests and of the spend,
 * and only arms that may turn out better than the one that would be taken. The chance of what was done is always returned.
 */
import type { Candidate } from './record.ts'
import { scoreOf, type Terms } from './score.ts'

/** Allowance that gathers while nothing is tried: so many requests at most, and spend for as many usual ones. */
const mostSaved = 100
/** While the allowance lasts, this share of requests tries something. */
const burst = 0.1
/** With a newcomer on trial: it needs outcomes before anything can be said of it. */
const trialBurst = 0.25
/** Deviations above its mean that an arm may turn out to be. */
export const hope = 1.5
/** For a newcomer on trial: its price tier says little, and it gets the outcomes of its trial unless they speak against it. */
export const trialHope = 3

/** The allowance of one policy. */
export class Exploration {
  #requests = mostSaved / 2
  #spendNano = 0
  #usualNano = 0
  #seen = 0

  copy(): Exploration {
    const copy = new Exploration()
    copy.#requests = this.#requests
    copy.#spendNano = this.#spendNano
    copy.#usualNano = this.#usualNano
    copy.#seen = this.#seen
    return copy
  }

  /** Each request adds to the allowance. `costNano`: of the arm that would be taken. */
  arrive(share: number, spendShare: number, costNano: number): void {
    this.#seen++
    this.#usualNano += (costNano - this.#usualNano) / Math.min(this.#seen, 500)
    this.#requests = Math.min(mostSaved, this.#requests + share)
    this.#spendNano = Math.min(this.#usualNano * mostSaved, this.#spendNano + spendShare * costNano)
  }

  /** Chance of each candidate, 0 for the best one; all 0 where nothing may be tried. */
  chances(candidates: readonly Candidate[], best: Candidate, terms: Terms): Float64Array {
    const chances = new Float64Array(candidates.length)
    if (this.#requests < 1) return chances
    let sum = 0
    let isTrial = false
    for (let at = 0; at < candidates.length; at++) {
      const each = candidates[at] as Candidate
      // What it costs more must be saved up; what is cheaper is free to try.
      if (each === best || each.costNano - best.costNano > this.#spendNano) continue
      sum += chances[at] = Math.max(0, gain(each, best, terms)) * each.deviation
      if (each.onTrial && chances[at]! > 0) isTrial = true
    }
    if (sum > 0) for (let at = 0; at < chances.length; at++) chances[at]! *= (isTrial ? trialBurst : burst) / sum
    return chances
  }

  /** An option was taken. */
  spend(extraNano: number): void {
    this.#requests -= 1
    this.#spendNano -= Math.max(0, extraNano)
  }
}

/** By how much it may turn out better than the best. */
function gain({ quality, deviation, costNano, latencyMs, onTrial }: Candidate, best: Candidate, terms: Terms): number {
  const hoped = quality + (onTrial ? trialHope : hope) * deviation
  if (terms.kind === 'cheap') return costNano < best.costNano && hoped >= terms.bar ? deviation : 0
  return scoreOf(hoped, 0, 0, costNano, latencyMs, terms, false) - best.score
}
