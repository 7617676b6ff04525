/**
 * Answers what the admin API asks of the router: what it knows of each model, what it would do with a request; and does what an operator
 * decides: forget, approve, reject. Off the request path. Of an organisation that is not there, nothing is known.
 */
import type { Clock } from '../clock.ts'
import { isOnTrial } from '../routing/adoption.ts'
import type { Arm as Learned, ArmFacts, Stage } from '../routing/arm.ts'
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
  /** By the index of the task, `taskFigures` numbers each: quality that is expected, how sure that is, tokens and ms of an answer. */
  tasks: Float32Array
  ttftMs: { expected: number; p95: number }
  tokenMs: number
  /** For every request; else only for policies that name it. */
  isGeneral: boolean
  /** Why no request can have it now. */
  reasons: Reason[]
}
export const taskFigures = 4 as const

export interface ArmsAnswer { requiresApproval: boolean; arms: ArmView[] }
/** `changed`: how many are another way now. Before and after: of the one that was named; null: there is none. */
export interface ChangeAnswer { changed: number; before: ArmView | null; after: ArmView | null }
export type RoutingAnswer = ArmsAnswer | ChangeAnswer | RoutingExplained
export type AnswerTo<Ask extends RoutingAsk> = Ask extends { what: 'arms' } ? ArmsAnswer : Ask extends { what: 'explain' } ? RoutingExplained : ChangeAnswer

export async function answerRouting(gateway: Pick<Gateway, 'keys' | 'admission' | 'routing' | 'kept'>, snapshot: Snapshot, ask: RoutingAsk, clock: Clock): Promise<RoutingAnswer | null> {
  if (!snapshot.organisations.has(ask.org)) return null
  if (ask.what === 'explain') return explainRouting(gateway, snapshot, ask, clock)
  const { routing } = gateway
  const own = routing.of(viewOf(snapshot, ask.org))
  const nowMs = clock.monotonicUs() / 1000
  if (ask.what === 'arms') return { requiresApproval: own.router.requiresApproval, arms: own.router.arms.map((_, at) => viewAt(own, at, nowMs)) }
  const { org, arm } = ask
  const shown = (): ArmView | null => {
    const at = arm === null ? -1 : own.router.indexOf(arm)
    return at < 0 ? null : viewAt(own, at, nowMs)
  }
  const before = shown()
  const changed = ask.what === 'reset' ? routing.reset(org, arm) : Number(ask.what === 'approve' ? routing.approve(org, ask.arm, ask.actor) : routing.reject(org, ask.arm, ask.actor))
  return { changed, before, after: shown() }
}

function viewAt(own: OrganisationRouting, at: number, nowMs: number): ArmView {
  const { arms, router } = own
  const arm = router.arms[at]!
  const { facts, stage, quality, taken, ttftMs, tokenMs } = arm
  const { deployments, isGeneral } = arms[at]!
  const isApproved = router.isApproved(facts.id)
  const ofStage = stage === 'rejected' ? reasons.rejected : stage === 'adopted' ? 0 : router.requiresApproval && !isApproved ? reasons.not_approved : isOnTrial(arm) ? reasons.on_trial : 0
  return {
    facts, deployments: deployments.map(({ id }) => id), stage, approved: isApproved, outcomes: quality.outcomes, taken, alarms: quality.alarms,
    tasks: figuresOf(arm), ttftMs: { expected: ttftMs.expected, p95: ttftMs.quantile(p95) }, tokenMs: tokenMs.expected,
    isGeneral, reasons: reasonsOf(own.standing(at, nowMs) | ofStage | (facts.prices === null ? reasons.price_unknown : 0)),
  }
}

const none = new Float32Array(0)

/** Each task as of a request of that task alone, as often easy as medium and hard. */
function figuresOf(arm: Learned): Float32Array {
  const figures = new Float32Array(taskCount * taskFigures)
  for (let task = 0; task < taskCount; task++) {
    const understanding: Understanding = { tasks: [task], weights: [1], hardness: [1 / 3, 1 / 3, 1 / 3], signals: none, language: 'unknown', chars: 0 }
    const quality = arm.quality.mean(understanding)
    const outputTokens = arm.outputs[task]?.expected ?? 0
    figures.set([quality, Math.sqrt((quality * (1 - quality)) / (arm.quality.strength(understanding) + 1)), outputTokens, expectedLatency(arm, outputTokens)], task * taskFigures)
  }
  return figures
}
