/**
 * Turns the usage object of an OpenAI-format answer (chat, completions, embeddings) into disjoint classes by the vendor's
 * declared rules. Values that cannot be true are bounded and flagged, never trusted and never thrown on.
 */
import type { UsageRules } from '../providers/provider.ts'
import { noUsage, pieceClasses, type Usage, type UsageClass } from './price.ts'

export interface NormalisedUsage {
  usage: Usage
  /** The vendor reported something impossible or contradictory; the usage is what remains after bounding it. */
  anomalous: boolean
}

/**
 * The most tokens that a request can have used, from the request itself: its bytes and overheads, the context window, `max_tokens` × n.
 * `Infinity` where nothing is known; `toolCalls` are the vendor's own, 0 for a request that offers none. Reasoning counts as output, so a bound must leave room for it where `max_tokens` does not.
 */
export interface UsageBound { inputTokens: number; outputTokens: number; toolCalls?: number }

/** More tokens than any model can take in one request; larger counts are a defect, not a bill. */
const largestCount = 1_000_000_000
/** More calls of the vendor's own tools than one answer makes. */
const largestToolCalls = 100

/** As the protocols of such endpoints name them (`protocols/openai-media/usage.ts`). */
const pieceNames = { images: 'images', audioMs: 'audio_ms', characters: 'characters', searches: 'searches' } as const satisfies Record<(typeof pieceClasses)[number], string>

type Fields = Record<string, unknown>

const noFields: Fields = {}
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Fields : noFields)

/** Null: `raw` reports no token count at all, so that the caller has to estimate. */
export function normaliseUsage(raw: unknown, rules: UsageRules, bound?: UsageBound): NormalisedUsage | null {
  const reported = fieldsOf(raw)
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = reported
  // A total of 0 by itself is what MiniMax puts into chunks on the way.
  const pieces = fieldsOf(reported['pieces'])
  if (typeof prompt !== 'number' && typeof completion !== 'number' && (typeof total !== 'number' || total === 0) && reported['pieces'] === undefined) return null
  const found: NormalisedUsage = { usage: noUsage(), anomalous: false }
  found.usage.requests = 1
  takeInput(found, reported, rules)
  takeOutput(found, reported, rules)
  for (const name of pieceClasses) found.usage[name] = count(found, pieces[pieceNames[name]])
  found.usage.toolCalls = count(found, fieldsOf(reported['server_tool_use'])['web_search_requests'], Math.min(largestToolCalls, bound?.toolCalls ?? largestToolCalls))
  const untold = rules.totalIncludesReasoning === false && !rules.completionIncludesReasoning ? found.usage.reasoning : 0
  if (typeof total === 'number' && total !== sumOf(found.usage, inputClasses) + sumOf(found.usage, outputClasses) - untold) found.anomalous = true
  if (bound !== undefined) {
    cut(found, inputClasses, bound.inputTokens)
    cut(found, outputClasses, bound.outputTokens)
  }
  return found
}

/** A whole number from 0 to `most`. A number in quotes counts, since somebody meant it. */
function count(found: NormalisedUsage, value: unknown, most = largestCount): number {
  if (value === undefined || value === null) return 0
  // Adding 0 turns -0 into 0.
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value + 0
  found.anomalous = true
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || Number.isNaN(number)) return 0
  return Math.min(Math.max(Math.ceil(number), 0), most)
}

/** What is left of a whole; a part that is larger than its whole is a contradiction. */
interface Rest { whole: number; left: number }

function take(found: NormalisedUsage, rest: Rest, value: number, isIncluded = true): number {
  if (!isIncluded) return value
  if (value > rest.whole) found.anomalous = true
  const taken = Math.min(value, rest.left)
  rest.left -= taken
  return taken
}

/** Cached audio is reported both as cached and as audio: it is counted as cached, so parts are taken off one after another. */
function takeInput(found: NormalisedUsage, reported: Fields, rules: UsageRules): void {
  const { usage } = found
  const parts = fieldsOf(reported['prompt_tokens_details'])
  const whole = count(found, reported['prompt_tokens'] ?? missing(found, reported, 'completion_tokens'))
  const rest = { whole, left: whole }
  usage.cacheRead = take(found, rest, count(found, parts['cached_tokens'] ?? reported['prompt_cache_hit_tokens'] ?? reported['cached_tokens'] ?? reported['cache_read_input_tokens'] ?? reported['cached_input_tokens']), rules.promptIncludesCached)
  const writes = take(found, rest, count(found, parts['cache_write_tokens'] ?? parts['cache_creation_input_tokens'] ?? reported['cache_creation_input_tokens'] ?? reported['cache_created_input_tokens']), rules.promptIncludesCached)
  const lifetimes = { whole: writes, left: writes }
  usage.cacheWrite1h = take(found, lifetimes, count(found, fieldsOf(reported['cache_creation'])['ephemeral_1h_input_tokens']))
  usage.cacheWrite5m = lifetimes.left
  usage.audioIn = take(found, rest, count(found, parts['audio_tokens']), rules.promptIncludesAudio !== false)
  usage.imageIn = take(found, rest, count(found, parts['image_tokens']))
  usage.input = rest.left
}

/** The parts of an output exclude each other, so more parts than completion is a contradiction. */
function takeOutput(found: NormalisedUsage, reported: Fields, rules: UsageRules): void {
  const { usage } = found
  const parts = fieldsOf(reported['completion_tokens_details'])
  const completion = count(found, reported['completion_tokens'] ?? (reported['prompt_tokens'] == null ? 0 : missing(found, reported, 'prompt_tokens')))
  const whole = rules.outputByTotal ? Math.max(completion, count(found, reported['total_tokens']) - sumOf(usage, inputClasses)) : completion
  const rest = { whole, left: whole }
  const part = (value: unknown, isIncluded = true): number => {
    const units = count(found, value)
    if (isIncluded && units > rest.left) found.anomalous = true
    return take(found, rest, units, isIncluded)
  }
  usage.reasoning = part(parts['reasoning_tokens'] ?? reported['reasoning_tokens'] ?? whole - completion, rules.completionIncludesReasoning)
  usage.audioOut = part(parts['audio_tokens'])
  usage.imageOut = part(parts['image_tokens'])
  usage.output = rest.left
}

/**
 * A side that is not reported is what the total leaves. Embedding servers report the prompt alone, or the total alone, and are right;
 * elsewhere a side that is missing is a defect.
 */
function missing(found: NormalisedUsage, reported: Fields, other: 'prompt_tokens' | 'completion_tokens'): number {
  const known = reported[other]
  const left = count(found, reported['total_tokens']) - count(found, known)
  if (known != null && (left > 0 || other === 'completion_tokens')) found.anomalous = true
  return Math.max(left, 0)
}

/** In the order in which an impossible surplus is taken off: cheapest first, so that what remains is not billed too low. */
const inputClasses = ['cacheRead', 'input', 'cacheWrite5m', 'cacheWrite1h', 'imageIn', 'audioIn'] as const satisfies readonly UsageClass[]
const outputClasses = ['output', 'reasoning', 'imageOut', 'audioOut'] as const satisfies readonly UsageClass[]

function sumOf(usage: Usage, names: readonly UsageClass[]): number {
  let sum = 0
  for (const name of names) sum += usage[name]
  return sum
}

function cut(found: NormalisedUsage, names: readonly UsageClass[], most: number): void {
  let surplus = sumOf(found.usage, names) - Math.max(Math.floor(most), 0)
  if (!(surplus > 0)) return
  found.anomalous = true
  for (const name of names) {
    const taken = Math.min(surplus, found.usage[name])
    found.usage[name] -= taken
    surplus -= taken
  }
}
