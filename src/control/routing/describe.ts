/** Decisions and models of the router as the API shows them. */
import type { z } from '@hono/zod-openapi'
import type { ArmView, taskFigures } from '../../gateway/routing-desk.ts'
import { reasonsOf, type Reason } from '../../routing/constraints.ts'
import { decideAgain, explain, unpackDecision, type DecisionRecord } from '../../routing/record.ts'
import { difficulties, taskTypes } from '../../routing/tasks.ts'
import type { Decision } from '../../store/decisions.ts'
import { iso } from '../schema.ts'
import type { decisionRowSchema, decisionSchema, explainedSchema, modelSchema } from './schema.ts'

type Told = NonNullable<z.infer<typeof explainedSchema>['decision']>

const hardest = ([easy, medium, hard]: DecisionRecord['understood']['hardness']): (typeof difficulties)[number] => (hard > medium && hard > easy ? 'hard' : medium >= easy ? 'medium' : 'easy')
const taskAt = (index: number | undefined): (typeof taskTypes)[number] => taskTypes[index ?? -1] ?? 'chat'

/** An arm stands under each of its reasons. */
function byReason(removed: DecisionRecord['removed']): { reason: Reason; models: string[]; more: number }[] {
  const found = new Map<Reason, { models: string[]; more: number }>()
  for (const { filters, arms, more } of removed) {
    for (const reason of reasonsOf(filters)) {
      const known = found.get(reason)
      found.set(reason, { models: [...known?.models ?? [], ...arms], more: (known?.more ?? 0) + more })
    }
  }
  return [...found].map(([reason, each]) => ({ reason, ...each }))
}

/** The same from its record alone: choice, reason and chance. */
function isReproduced(record: DecisionRecord): boolean {
  const { chosen, why, propensity } = decideAgain(record)
  return chosen === record.chosen && why === record.why && propensity === record.propensity
}

const costOf = ({ candidates, chosen }: DecisionRecord): number => candidates.find(({ arm }) => arm === chosen)?.costNano ?? 0

export function describeRecord(record: DecisionRecord): Told {
  const { understood: { tasks, weights, hardness: [easy, medium, hard], language, chars }, terms, held, baseline } = record
  return {
    why: record.why, summary: explain(record), propensity: record.propensity,
    understood: { tasks: tasks.map((task, place) => ({ task: taskAt(task), weight: weights[place] ?? 0 })), difficulty: { easy, medium, hard }, language, characters: chars }, prompt_tokens: record.promptTokens,
    terms: { kind: terms.kind, quality_per_usd: terms.perNano * 1e9, quality_per_second: terms.perMs * 1e3, bar: terms.bar, switch_cost: terms.switchCost, margin: terms.margin },
    candidates: record.candidates.map(({ arm: model, filters, onTrial, costNano, latencyMs, ...rest }) => ({ model, available: filters === 0, on_trial: onTrial, cost_nano: costNano, latency_ms: latencyMs, ...rest })),
    removed: byReason(record.removed), held: held && { model: held.arm, tool_loop: held.isToolLoop }, fallbacks: record.fallbacks,
    baseline: { model: baseline.arm, cost_nano: baseline.costNano }, saving_nano: baseline.costNano - costOf(record), artefact: record.artefact, reproduced: isReproduced(record),
  }
}

const headOf = ({ id, at, policy, chosen, session }: Decision) => ({ id, at: iso(at), policy, model: chosen, session })

/** Null: another version wrote it. */
export function describeDecision(decision: Decision): z.infer<typeof decisionSchema> | null {
  const stored = unpackDecision(decision.body)
  return stored === null ? null : { ...headOf(decision), served: stored.served, ...describeRecord(stored.record) }
}

export function describeRow(decision: Decision): z.infer<typeof decisionRowSchema> {
  const stored = unpackDecision(decision.body)
  if (stored === null) return { ...headOf(decision), told: null }
  const { record, served } = stored
  return {
    ...headOf(decision),
    told: {
      why: record.why, summary: explain(record), task: taskAt(record.understood.tasks[0]), difficulty: hardest(record.understood.hardness), served,
      quality: record.candidates.find(({ arm }) => arm === record.chosen)?.quality ?? 0, cost_nano: costOf(record), baseline: { model: record.baseline.arm, cost_nano: record.baseline.costNano },
      candidates: record.candidates.length, removed: record.removed.reduce((sum, { arms, more }) => sum + arms.length + more, 0),
    },
  }
}

/** As the data plane sends them. */
const figuresPerTask: typeof taskFigures = 4
const orNull = (value: string): string | null => (value === '' ? null : value)

export const describeModel = ({ facts, deployments, stage, approved, outcomes, taken, alarms, tasks, ttftMs, tokenMs, isGeneral, reasons }: ArmView): z.infer<typeof modelSchema> => ({
  id: facts.id, model: facts.model, effort: orNull(facts.effort), domain: facts.domain, deployments, stage, approved, general: isGeneral, eligible: reasons.length === 0, reasons, outcomes, taken, alarms,
  prices: facts.prices && { input: facts.prices.input, output: facts.prices.output, cache_read: facts.prices.cacheRead, cache_write: facts.prices.cacheWrite },
  can: { tools: facts.tools, schema: facts.schema, images: facts.images, audio: facts.audio, reasoning: facts.reasoning }, context_tokens: facts.contextTokens, output_tokens: facts.outputTokens,
  released_on: orNull(facts.releasedOn), region: orNull(facts.region), first_token_ms: ttftMs, ms_per_token: tokenMs,
  tasks: taskTypes.map((task, at) => {
    const [quality = 0, deviation = 0, output = 0, latency = 0] = tasks.subarray(at * figuresPerTask).map((each) => Math.round(each * 1e4) / 1e4)
    return { task, quality, deviation, output_tokens: Math.round(output), latency_ms: Math.round(latency) }
  }),
})
