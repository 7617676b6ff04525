/**
 * Why an arm may not take a request, as a bitmap: each reason is one bit, so that a decision record says for all arms what removed
 * them. What the gateway knows (policy, budget, breaker) comes as bits too.
 */
import type { Arm } from './arm.ts'

export const reasons = {
  modality: 1, tools: 2, schema: 4, context: 8, output: 16, policy: 32, residency: 64, budget: 128, breaker: 256, rate_limit: 512, price_unknown: 1_024,
  min_quality: 2_048, max_cost: 4_096, max_latency: 8_192, not_requested: 16_384, on_trial: 32_768, rejected: 65_536, not_approved: 131_072,
} as const
export type Reason = keyof typeof reasons

/** They pass by themselves: the answer is 503 and not 400. */
const passing = reasons.breaker | reasons.rate_limit

export interface Needs {
  promptTokens: number
  /** What the request allows, 0 where it says nothing. */
  maxOutputTokens: number
  tools: boolean
  schema: boolean
  images: boolean
  audio: boolean
  /** Models that the request names as candidates, null: all. */
  models: ReadonlySet<string> | null
}

/** Output that must fit beside the prompt when the request says nothing. */
const usualOutput = 512

export function factsAgainst({ facts, stage }: Arm, needs: Needs): number {
  let bits = 0
  if ((needs.images && !facts.images) || (needs.audio && !facts.audio)) bits |= reasons.modality
  if (needs.tools && !facts.tools) bits |= reasons.tools
  if (needs.schema && !facts.schema) bits |= reasons.schema
  const output = needs.maxOutputTokens > 0 ? needs.maxOutputTokens : usualOutput
  if (facts.contextTokens > 0 && needs.promptTokens + output > facts.contextTokens) bits |= reasons.context
  if (facts.outputTokens > 0 && needs.maxOutputTokens > facts.outputTokens) bits |= reasons.output
  if (facts.prices === null) bits |= reasons.price_unknown
  if (needs.models !== null && !needs.models.has(facts.model)) bits |= reasons.not_requested
  if (stage === 'rejected') bits |= reasons.rejected
  return bits
}

export const reasonsOf = (bits: number): Reason[] => (Object.keys(reasons) as Reason[]).filter((name) => (bits & reasons[name]) !== 0)

/** What to tell a client when nothing is left: which reason removed which arms, and whether waiting helps. */
export interface NothingLeft { passes: boolean; removed: { reason: Reason; arms: string[] }[] }

export function nothingLeft(arms: readonly Arm[], bits: Uint32Array): NothingLeft {
  const removed = (Object.keys(reasons) as Reason[])
    .map((reason) => ({ reason, arms: arms.filter((_, at) => ((bits[at] as number) & reasons[reason]) !== 0).map(({ facts }) => facts.id) }))
    .filter((each) => each.arms.length > 0)
  return { passes: arms.some((_, at) => ((bits[at] as number) & ~passing) === 0), removed }
}
