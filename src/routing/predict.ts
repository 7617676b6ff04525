/** Predictions of all arms for one request, side by side in arrays that are used again: quality and how sure it is, billed cost, time. */
import type { Arm } from './arm.ts'
import { expectedCost, expectedLatency, expectedOutput } from './cost.ts'
import { rulesFor, type Session, type Sessions } from './sessions.ts'
import type { Differences } from './tenants.ts'
import type { Understanding } from './understand.ts'

/**
 * Deviations by which an arm is taken for better than it is expected to be, so that none is forgotten after a bad start. Being
 * chosen uses this up as outcomes do: where nobody tells outcomes it must not draw requests for ever. Only where something may be tried.
 */
const optimism = 1.2

/** What is predicted is no more exact than this, and a record is shorter for it: scores are made of these figures. */
const short = (share: number): number => Math.round(share * 1e6) / 1e6

export interface Asked { understanding: Understanding; promptTokens: number; maxOutputTokens: number; prefix: number; nowMs: number; isLowRisk: boolean; marksCache: boolean }

export class Predictions {
  quality = new Float64Array(64)
  deviation = new Float64Array(64)
  bonus = new Float64Array(64)
  costNano = new Float64Array(64)
  latencyMs = new Float64Array(64)
  score = new Float64Array(64)
  hope = new Float64Array(64)
  filters = new Uint32Array(64)

  reserve(arms: number): void {
    if (arms <= this.quality.length) return
    const size = arms * 2
    this.quality = new Float64Array(size)
    this.deviation = new Float64Array(size)
    this.bonus = new Float64Array(size)
    this.costNano = new Float64Array(size)
    this.latencyMs = new Float64Array(size)
    this.score = new Float64Array(size)
    this.hope = new Float64Array(size)
    this.filters = new Uint32Array(size)
  }

  predict(at: number, arm: Arm, asked: Asked, own: Differences | undefined, sessions: Sessions, session: Session | null): void {
    const { understanding, promptTokens } = asked
    const quality = qualityOf(arm, understanding, own)
    const output = expectedOutput(arm, understanding, asked.maxOutputTokens)
    this.quality[at] = short(quality)
    const variance = quality * (1 - quality)
    const strength = arm.quality.strength(understanding) + 1
    this.deviation[at] = short(Math.sqrt(variance / strength))
    this.bonus[at] = asked.isLowRisk ? short(optimism * Math.sqrt(variance / (strength + arm.taken))) : 0
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
