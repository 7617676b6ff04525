/**
 * How far a newcomer may go. On trial it gets requests only by exploration; once its outcomes are enough it may be chosen like any
 * other; when they say that it is worse than what costs no more it is stopped. Each change is an event for the record.
 */
import type { Arm, Stage } from './arm.ts'

/** Outcomes before it may be chosen, before it counts as one of the others, and before it may be stopped. */
const trialOutcomes = 30
const adoptedOutcomes = 150
const stoppableOutcomes = 30
/** It is stopped when it is so much worse, and not by chance: deviations. */
const worse = 0.08
const certain = 2

export interface StageChange { arm: string; from: Stage; to: Stage; outcomes: number; reason: string }

/** Only exploration may ask it: too little is known. */
export const isOnTrial = (arm: Arm): boolean => arm.stage === 'candidate' && arm.quality.outcomes < trialOutcomes

/** After an outcome of a candidate. `own`, `best`: quality of it and of the best that costs no more, on what it was tried with; its deviation. */
export function review(arm: Arm, own: number, deviation: number, best: number): StageChange | null {
  if (arm.stage !== 'candidate') return null
  const { outcomes } = arm.quality
  const change = (to: Stage, reason: string): StageChange => {
    const event = { arm: arm.facts.id, from: arm.stage, to, outcomes, reason }
    arm.stage = to
    return event
  }
  if (outcomes >= stoppableOutcomes && own + certain * deviation < best - worse) return change('rejected', `quality ${own.toFixed(2)} ± ${deviation.toFixed(2)} where one that costs no more has ${best.toFixed(2)}`)
  if (outcomes >= adoptedOutcomes) return change('adopted', `quality ${own.toFixed(2)} ± ${deviation.toFixed(2)} after ${outcomes} outcomes`)
  return null
}
