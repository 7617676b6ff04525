/**
 * Answers what the admin API asks of the router: what it knows of each model, what it would do with a request; and does what an operator
 * decides: forget, approve, reject. Off the request path. Of an organisation that is not there, nothing is known.
 */
import type { Clock } from '../clock.ts'
import { isOnTrial } from '../routing/adoption.ts'
import type { Arm as Learned, ArmFacts, ArmState, Stage } from '../routing/arm.ts'
import { expectedLatency } from '../routing/cost.ts'
import { p95 } from '../routing/forecast.ts'
import { reasons, reasonsOf, type Reason } from '../routing/constraints.ts'
import { taskCount } from '../routing/tasks.ts'
import type { Understanding } from '../routing/understand.ts'
import { explainRouting, type RoutingExplained, type RoutingQuestion } from './explain-routing.ts'
import type { OrganisationRouting } from './organisation-routing.ts'
import type { Gateway } from './pipeline.ts'
import { viewOf, type Snapshot } from './snapshot.ts'

export type { RoutingExplained, RoutingQuestion } from './explain-routing.ts'

export type RoutingAsk =
  | { what: 'arms'; org: string }
  | { what: 'states'; org: string }
  | { what: 'reset'; org: string; arm: string | null }
  | { what: 'approve' | 'reject'; org: string; arm: string; actor: string }
  | { what: 'explain' } & RoutingQuestion

/** What is known of a model, or of a model with an effort. */
export interface ArmView {
  facts: ArmFacts
  deployments: string[]
  stage: Stage
  approved: boolean
  /** Outcomes that were learned, how often it was chosen, and how often what was known had to be forgotten. */
  outcomes: number
  taken: number
  alarms: number
  version: number
  /** By the index of the task: quality that is expected, how sure that is, tokens and time of an answer. */
  tasks: { quality: number; deviation: number; outputTokens: number; latencyMs: number }[]
  ttftMs: { expected: number; p95: number }
  tokenMs: number
  /** For every request; else only for policies that name it. */
  isGeneral: boolean
  /** Why no request can have it now. */
  reasons: Reason[]
}

export interface ArmsAnswer { requiresApproval: boolean; arms: ArmView[] }
export interface StatesAnswer { arms: { arm: string; stage: Stage; approved: boolean; state: ArmState }[] }
/** `arms`: those that were told of; none: there is no such model. `changed`: how many are another way now. */
export interface ChangeAnswer { changed: number; arms: ArmView[] }
export type RoutingAnswer = ArmsAnswer | StatesAnswer | ChangeAnswer | RoutingExplained
export type AnswerTo<Ask extends RoutingAsk> = Ask extends { what: 'arms' } ? ArmsAnswer : Ask extends { what: 'states' } ? StatesAnswer : Ask extends { what: 'explain' } ? RoutingExplained : ChangeAnswer

export async function answerRouting(gateway: Pick<Gateway, 'keys' | 'admission' | 'routing'>, snapshot: Snapshot, ask: RoutingAsk, clock: Clock): Promise<RoutingAnswer | null> {
  if (!snapshot.organisations.has(ask.org)) return null
  if (ask.what === 'explain') return explainRouting(gateway, snapshot, ask, clock)
  const { routing } = gateway
  const own = routing.of(viewOf(snapshot, ask.org))
  const nowMs = clock.monotonicUs() / 1000
  const shown = (only: string | null): ArmView[] => own.router.arms.flatMap((arm, at) => (only === null || arm.facts.id === only ? [viewOfArm(own, arm, at, own.standing(at, nowMs))] : []))
  switch (ask.what) {
    case 'arms': return { requiresApproval: own.router.requiresApproval, arms: shown(null) }
    case 'states': return { arms: own.router.arms.map((arm) => ({ arm: arm.facts.id, stage: arm.stage, approved: own.router.isApproved(arm.facts.id), state: arm.state() })) }
    case 'reset': return { changed: routing.reset(ask.org, ask.arm), arms: shown(ask.arm) }
    case 'approve': return { changed: Number(routing.approve(ask.org, ask.arm, ask.actor)), arms: shown(ask.arm) }
    case 'reject': return { changed: Number(routing.reject(ask.org, ask.arm, ask.actor)), arms: shown(ask.arm) }
  }
}

function viewOfArm({ arms, router }: OrganisationRouting, arm: Learned, at: number, standing: number): ArmView {
  const { facts, stage, quality, taken, version, ttftMs, tokenMs } = arm
  const { deployments, isGeneral } = arms[at]!
  const bits = standing | (facts.prices === null ? reasons.price_unknown : 0) | (stage === 'rejected' ? reasons.rejected : 0)
    | (stage !== 'candidate' ? 0 : router.requiresApproval && !router.isApproved(facts.id) ? reasons.not_approved : isOnTrial(arm) ? reasons.on_trial : 0)
  return {
    facts, deployments: deployments.map(({ id }) => id), stage, approved: router.isApproved(facts.id), outcomes: quality.outcomes, taken, alarms: quality.alarms, version,
    tasks: Array.from({ length: taskCount }, (_, task) => ofTask(arm, task)), ttftMs: { expected: ttftMs.expected, p95: ttftMs.quantile(p95) }, tokenMs: tokenMs.expected,
    isGeneral, reasons: reasonsOf(bits),
  }
}

const none = new Float32Array(0)

/** As of a request of that task alone, as often easy as medium and hard. */
function ofTask(arm: Learned, task: number): ArmView['tasks'][number] {
  const understanding: Understanding = { tasks: [task], weights: [1], hardness: [1 / 3, 1 / 3, 1 / 3], signals: none, language: 'unknown', chars: 0 }
  const quality = arm.quality.mean(understanding)
  const outputTokens = arm.outputs[task]?.expected ?? 0
  return { quality, deviation: Math.sqrt((quality * (1 - quality)) / (arm.quality.strength(understanding) + 1)), outputTokens, latencyMs: expectedLatency(arm, outputTokens) }
}
