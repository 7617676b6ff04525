/** Predictions of all arms for one request, side by side in arrays that are used again: quality and how sure it is, billed cost, time. */
import type { Arm } from './arm.ts'
import { expectedCost, expectedLatency, expectedOutput } from './cost.ts'
import { rulesFor, type Session, type Sessions } from './sessions.ts'
import type { Differences } from './tenants.ts'
import type { Understanding } from './understand.ts'

/**
 * By how much an arm of which nothing is known is taken for better than it is expected to be, in deviations of one outcome. It falls
 * with the outcomes and not with their root: unknown arms are all looked at early, and none draws requests for long. Requests that it
 * got and of which nobody told the outcome count as well. Only where something may be tried.
 */
const optimism = 3.6
/** A newcomer after its trial is given the benefit of the doubt, in deviations of its mean, until it is adopted. */
const benefit = 2

export interface Asked { understanding: Understanding; promptTokens: number; maxOutputTokens: number; prefix: number; nowMs: number; isLowRisk: boolean; marksCache: boolean }

/** Of 32 bits: a record holds them so, and the scores are made of what it holds. */
export class Predictions {
  quality = new Float32Array(64)
  deviation = new Float32Array(64)
  bonus = new Float32Array(64)
  costNano = new Float32Array(64)
  latencyMs = new Float32Array(64)
  score = new Float64Array(64)
  hope = new Float64Array(64)
  filters = new Uint32Array(64)

  reserve(arms: number): void {
    if (arms <= this.quality.length) return
    const size = arms * 2
    this.quality = new Float32Array(size)
    this.deviation = new Float32Array(size)
    this.bonus = new Float32Array(size)
    this.costNano = new Float32Array(size)
    this.latencyMs = new Float32Array(size)
    this.score = new Float64Array(size)
    this.hope = new Float64Array(size)
    this.filters = new Uint32Array(size)
  }

  predict(at: number, arm: Arm, asked: Asked, own: Differences | undefined, sessions: Sessions, session: Session | null): void {
    const { understanding, promptTokens } = asked
    const quality = qualityOf(arm, understanding, own)
    const output = expectedOutput(arm, understanding, asked.maxOutputTokens)
    this.quality[at] = quality
    const variance = quality * (1 - quality)
    const strength = arm.quality.strength(understanding) + 1
    this.deviation[at] = Math.sqrt(variance / strength)
    const looks = strength + Math.max(0, arm.taken - arm.quality.outcomes)
    const granted = arm.stage === 'candidate' ? Math.max(optimism / Math.sqrt(looks), benefit) : optimism / Math.sqrt(looks)
    this.bonus[at] = asked.isLowRisk ? granted * Math.sqrt(variance / looks) : 0
    this.costNano[at] = Math.round(expectedCost(arm, promptTokens, output, sessions.cacheState(session, arm.facts.id, promptTokens, asked.prefix, rulesFor(arm, asked.marksCache), asked.nowMs)))
    this.latencyMs[at] = Math.round(expectedLatency(arm, output))
  }
}

/** What all together say, what the arm's own regression corrects, and what is special for this organisation. */
export function qualityOf({ quality, residual, facts }: Arm, understanding: Understanding, own: Differences | undefined): number {
  let value = quality.mean(understanding)
  if (residual.isBelieved) value += residual.predict(understanding.signals)
  const difference = own?.get(facts.id)
  if (difference !== undefined) value += difference.of(understanding)
  return Math.min(0.99, Math.max(0.01, value))
}
