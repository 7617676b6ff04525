/**
 * Turns the usage object of an OpenAI-format answer (chat, completions, embeddings) into disjoint classes by the vendor's
 * declared rules. Values that cannot be true are bounded and flagged, never trusted and never thrown on.
 */
import type { UsageRules } from '../providers/provider.ts'
import { noUsage, type Usage } from './price.ts'

export interface NormalisedUsage {
  usage: Usage
  /** The vendor reported something impossible; the usage is what remains after bounding it. */
  anomalous: boolean
}

/** More tokens than any model can take in one request; larger counts are a defect, not a bill. */
const largestCount = 1_000_000_000

type Fields = Record<string, unknown>

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Fields : {}

/** Null: `raw` reports no token count at all, so that the caller has to estimate. */
export function normaliseUsage(raw: unknown, rules: UsageRules): NormalisedUsage | null {
  const reported = fieldsOf(raw)
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = reported
  if (typeof prompt !== 'number' && typeof completion !== 'number' && typeof total !== 'number') return null

  let anomalous = false
  const count = (...candidates: unknown[]): number => {
    const value = candidates.find(each => each !== undefined && each !== null) ?? 0
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largestCount) return value
    anomalous = true
    if (typeof value !== 'number' || Number.isNaN(value)) return 0
    return Math.min(Math.max(Math.ceil(value), 0), largestCount)
  }
  const part = (value: number, of: number): number => {
    if (value > of) anomalous = true
    return Math.min(value, of)
  }

  const promptParts = fieldsOf(reported['prompt_tokens_details'])
  const completionParts = fieldsOf(reported['completion_tokens_details'])
  const written = fieldsOf(reported['cache_creation'])
  const usage = noUsage()
  usage.requests = 1

  // Input. Cached audio is reported both as cached and as audio: it is counted as cached, so parts are taken off one after another.
  // Embedding servers that report a total only have no output: the total is the prompt.
  const whole = count(prompt, completion === undefined ? total : 0)
  let rest = whole
  const cacheRead = count(promptParts['cached_tokens'], reported['prompt_cache_hit_tokens'], reported['cached_tokens'], reported['cache_read_input_tokens'])
  const cacheWrite = count(promptParts['cache_write_tokens'], reported['cache_creation_input_tokens'])
  const cacheWrite1h = count(written['ephemeral_1h_input_tokens'])
  const takePrompt = (value: number, included: boolean): number => {
    if (!included) return value
    const taken = Math.min(part(value, whole), rest)
    rest -= taken
    return taken
  }
  usage.cacheRead = takePrompt(cacheRead, rules.promptIncludesCached)
  const writes = takePrompt(cacheWrite, rules.promptIncludesCached)
  usage.cacheWrite1h = part(cacheWrite1h, writes)
  usage.cacheWrite5m = writes - usage.cacheWrite1h
  usage.audioIn = takePrompt(count(promptParts['audio_tokens']), rules.promptIncludesAudio !== false)
  usage.imageIn = takePrompt(count(promptParts['image_tokens']), true)
  usage.input = rest

  // Output. Its parts exclude each other, so more parts than completion is a contradiction.
  rest = count(completion)
  const takeCompletion = (value: number): number => {
    const taken = part(value, rest)
    rest -= taken
    return taken
  }
  const reasoning = count(completionParts['reasoning_tokens'], reported['reasoning_tokens'])
  usage.reasoning = rules.completionIncludesReasoning ? takeCompletion(reasoning) : reasoning
  usage.audioOut = takeCompletion(count(completionParts['audio_tokens']))
  usage.imageOut = takeCompletion(count(completionParts['image_tokens']))
  usage.output = rest
  return { usage, anomalous }
}
