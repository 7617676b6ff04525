/** Words for what the router says in codes: why an arm was removed, why one was chosen, tasks, stages. Codes of a later gateway are shown as they are. */
import type { Stage } from '../../../src/routing/arm.ts'
import type { Reason } from '../../../src/routing/constraints.ts'
import type { Why } from '../../../src/routing/record.ts'
import type { Tone } from '../ui/pill.tsx'

const reasons: Record<Reason, string> = {
  modality: 'takes no images or audio', tools: 'takes no tools', schema: 'has no structured output', context: 'context too small', output: 'output too short', policy: 'not allowed by a model policy', residency: 'not served where it must be',
  budget: 'dearer than the budget left', breaker: 'failing now', rate_limit: 'vendor’s limit reached', price_unknown: 'price unknown', min_quality: 'below the lowest quality', max_cost: 'above the highest cost', max_latency: 'above the longest time',
  not_requested: 'not among the candidates', on_trial: 'on trial, tried only', rejected: 'rejected', not_approved: 'waits for approval',
}
export const reasonWord = (reason: string): string => reasons[reason as Reason] ?? reason.replaceAll('_', ' ')

const whys: Record<Why, string> = { best: 'best score', held: 'held by its session', tool_loop: 'held in a tool loop', explored: 'tried out' }
export const whyWord = (why: string): string => whys[why as Why] ?? why.replaceAll('_', ' ')

export const taskWord = (task: string): string => task.replaceAll('_', ' ')

const stages: Record<Stage | 'none', [string, Tone]> = { none: ['Found', 'idle'], adopted: ['In use', 'ok'], candidate: ['New', 'accent'], rejected: ['Rejected', 'bad'] }
export const stageWord = (stage: string): [string, Tone] => stages[stage as Stage] ?? [stage, 'idle']

/** Of quality: 0 to 1, as policies state it. */
export const quality = (value: number): string => value.toFixed(2)
export const plusMinus = (value: number, deviation: number): string => `${quality(value)} ± ${quality(deviation)}`
export const score = (value: number): string => (value < 0 ? `−${Math.abs(value).toFixed(3)}` : value.toFixed(3))
