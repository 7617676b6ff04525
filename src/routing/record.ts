/**
 * The record of a decision: enough to explain it, and to make it again, without the state that it was made from. It holds no text
 * of the request.
 */
import type { Policy } from './policy.ts'
import { scoreOf, type Prediction, type Terms } from './score.ts'
import { difficulties, taskTypes, type Language } from './tasks.ts'

export const recordVersion = 1
/** Candidates that are kept with their figures; of the others only what removed them. */
export const keptCandidates = 8
export const keptRemoved = 20

export interface Candidate extends Prediction {
  arm: string
  domain: string
  /** Version of what was known of the arm. */
  version: number
  /** 0: it could be taken. */
  filters: number
  onTrial: boolean
  score: number
  /** Chance that it was tried instead of the best one. */
  chance: number
}

/** Cost and time that the best quality usually has, the budgets' price of a nano-dollar, and the highest quality that some arm surely had. */
export interface Measures { costNano: number; latencyMs: number; budgetPrice: number; surest: number }

export interface DecisionRecord {
  version: number
  atMs: number
  artefact: string
  policy: string
  tenant: string
  session: string | null
  /** What the text looked like: tasks and how likely, hardness, language, length. */
  understood: { tasks: number[]; weights: number[]; hardness: [number, number, number]; language: Language; chars: number }
  promptTokens: number
  terms: Terms
  /** What weights are measured by, so that another policy can be put to it. */
  measures: Measures
  /** The best ones, in the order of their scores. */
  candidates: Candidate[]
  /** Arms that were removed, by the bitmap of reasons: the first by name, and how many more. */
  removed: { filters: number; arms: string[]; more: number }[]
  /** The arm of the session, and whether a tool's answer is awaited. */
  held: { arm: string; isToolLoop: boolean } | null
  /** The random number that decides whether something is tried. */
  draw: number
  chosen: string
  why: Why
  /** Chance that this request got this arm. */
  propensity: number
  /** What would be asked next, on other failure domains first. */
  fallbacks: string[]
  /** The arm of the best quality that could have been taken, and what it would have cost. */
  baseline: { arm: string; costNano: number }
}

/** With the signals that learning needs when an outcome comes after a restart. */
export interface StoredDecision {
  record: DecisionRecord
  /** Base64 of the 32-bit numbers: a third of the text, and of the time. */
  signals: string
  /** The arm that answered: another one than the chosen where that failed; null: none. */
  served: string | null
}

/** Numbers of a candidate that are kept as 32 bits each; its score follows from them. */
const figures = ['chance', 'quality', 'deviation', 'bonus', 'costNano', 'latencyMs'] as const satisfies readonly (keyof Candidate)[]

/** As it is stored: numbers as bytes, since writing them as digits took a third of the time of a decision. */
export function packDecision({ record, signals, served }: StoredDecision): string {
  const { candidates, ...rest } = record
  const numbers = new Float32Array(candidates.length * figures.length)
  let names = ''
  for (let at = 0, next = 0; at < candidates.length; at++) {
    const each = candidates[at]!
    names += `${at === 0 ? '' : ','}[${JSON.stringify(each.arm)},${JSON.stringify(each.domain)},${each.version},${each.filters}]`
    numbers[next++] = each.chance
    numbers[next++] = each.quality
    numbers[next++] = each.deviation
    numbers[next++] = each.bonus
    numbers[next++] = each.costNano
    numbers[next++] = each.latencyMs
  }
  return `{"candidates":[${names}],"figures":"${base64(numbers)}","signals":"${signals}","served":${JSON.stringify(served)},${JSON.stringify(rest).slice(1)}`
}

const base64 = ({ buffer, byteOffset, byteLength }: Float32Array<ArrayBuffer>): string => Buffer.from(buffer, byteOffset, byteLength).toString('base64')

/** Null: another version wrote it. */
export function unpackDecision(text: string): StoredDecision | null {
  const { signals, served, candidates: names, figures: bytes, ...record } = JSON.parse(text) as Omit<DecisionRecord, 'candidates'> & Omit<StoredDecision, 'record'> & { candidates: [string, string, number, number][]; figures: string }
  if (record.version !== recordVersion) return null
  const numbers = new Float32Array(Uint8Array.from(Buffer.from(bytes, 'base64')).buffer)
  const candidates = names.map(([arm, domain, version, filters], place): Candidate => {
    const [chance, quality, deviation, bonus, costNano, latencyMs] = numbers.subarray(place * figures.length) as unknown as [number, number, number, number, number, number]
    const onTrial = filters !== 0
    return { arm, domain, version, filters, onTrial, score: scoreOf(quality, deviation, bonus, costNano, latencyMs, record.terms, onTrial), chance, quality, deviation, bonus, costNano, latencyMs }
  })
  return { record: { ...record, candidates }, signals, served }
}

export type Why = 'best' | 'held' | 'tool_loop' | 'explored'

/** Quality that a change of arm costs a session beside its cache: tone, habits, what was agreed. */
const switchCost = 0.01

/** What a policy makes of what it is measured by. */
export const termsOf = ({ kind, cost, latency, tolerance, margin }: Pick<Policy, 'kind' | 'cost' | 'latency' | 'tolerance' | 'margin'>, { costNano, latencyMs, budgetPrice, surest }: Measures): Terms => ({
  kind, perNano: (costNano > 0 ? cost / costNano : 0) + budgetPrice, perMs: latencyMs > 0 ? latency / latencyMs : 0, bar: kind === 'cheap' ? surest - tolerance : 0, switchCost, margin,
})

/** The choice among candidates whose scores are set: the one place where it is made. */
export function choose(candidates: readonly Candidate[], { margin, switchCost }: Terms, held: DecisionRecord['held'], draw: number): { at: number; why: Why; propensity: number } {
  let best = -1
  let own = -1
  for (let at = 0; at < candidates.length; at++) {
    const { filters, score, arm } = candidates[at] as Candidate
    if (filters !== 0) continue
    if (best < 0 || score > (candidates[best] as Candidate).score) best = at
    if (held !== null && arm === held.arm) own = at
  }
  if (best < 0) return { at: -1, why: 'best', propensity: 0 }
  if (own >= 0) {
    if (held?.isToolLoop === true) return { at: own, why: 'tool_loop', propensity: 1 }
    if ((candidates[best] as Candidate).score - (candidates[own] as Candidate).score < margin + switchCost) return { at: own, why: 'held', propensity: 1 }
  }
  let tried = 0
  for (let at = 0; at < candidates.length; at++) {
    const { chance } = candidates[at] as Candidate
    tried += chance
    if (draw < tried) return { at, why: 'explored', propensity: chance }
  }
  return { at: best, why: 'best', propensity: 1 - tried }
}

/** Makes the decision again from the record alone. */
export function decideAgain(record: DecisionRecord): { chosen: string; why: Why; propensity: number } {
  const candidates = record.candidates.map((candidate) => ({ ...candidate, score: scoreOf(candidate.quality, candidate.deviation, candidate.bonus, candidate.costNano, candidate.latencyMs, record.terms, candidate.onTrial) }))
  const { at, why, propensity } = choose(candidates, record.terms, record.held, record.draw)
  return { chosen: candidates[at]?.arm ?? '', why, propensity }
}

/** Why it was chosen, in a sentence. */
export function explain({ chosen, why, understood, policy, candidates, propensity }: DecisionRecord): string {
  const task = taskTypes[understood.tasks[0] ?? 0] ?? 'chat'
  const hard = difficulties[understood.hardness.indexOf(Math.max(...understood.hardness))] ?? 'medium'
  const others = candidates.filter(({ filters }) => filters === 0).length - 1
  const said: Readonly<Record<Why, string>> = {
    best: `the best score of ${others + 1}`, held: 'the arm of its session, and no other is better by more than a change costs', tool_loop: 'the arm of its session, which waits for a tool’s answer',
    explored: `tried with a chance of ${(propensity * 100).toFixed(1)} %`,
  }
  return `${chosen} under ${policy}: ${said[why]}; looks like ${task.replaceAll('_', ' ')}, ${hard}`
}
