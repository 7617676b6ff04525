/**
 * Usage. `billed_units` is what is paid: it leaves out what Cohere adds to a prompt and what a model says to itself, while `tokens`
 * counts everything (https://docs.cohere.com/docs/how-does-cohere-pricing-work). Tokens found in the cache are a part of `tokens`, have
 * no price of their own, and may be more than are billed: they are no class of the bill.
 */
import type { ChatUsage, Json, JsonObject } from '../canonical.ts'
import { defined, isNumber, isObject } from '../members.ts'

interface Counts { input: number; output: number; reasoning: number | null }

/** Null: it counts no tokens. Where nothing is billed, as on servers of one's own, all tokens count. */
function countsOf(usage: unknown): Counts | null {
  const { billed_units: billed, tokens } = (isObject(usage as Json) ? usage : {}) as { billed_units?: Json; tokens?: Json }
  const counted = [billed, tokens].find((each): each is JsonObject => isObject(each) && (isNumber(each['input_tokens']) || isNumber(each['output_tokens'])))
  if (!counted) return null
  const { input_tokens: input, output_tokens: output } = counted
  const reasoning = isObject(tokens) && isNumber(tokens['reasoning_tokens']) ? tokens['reasoning_tokens'] : null
  const most = isNumber(output) ? output : 0
  return { input: isNumber(input) ? input : 0, output: most, reasoning: reasoning === null ? null : Math.min(reasoning, most) }
}

/** With the names that `normaliseUsage` reads; null: no tokens are told. */
export function billOf(usage: unknown): object | null {
  const counts = countsOf(usage)
  if (!counts) return null
  const { input, output, reasoning } = counts
  if (reasoning === null) return { prompt_tokens: input, completion_tokens: output }
  return { prompt_tokens: input, completion_tokens: output, completion_tokens_details: { reasoning_tokens: reasoning } }
}

export function usageFrom(usage: Json | undefined): ChatUsage | undefined {
  const counts = countsOf(usage)
  if (!counts) return undefined
  const { input, output, reasoning } = counts
  return reasoning === null ? { input, output } : { input, output: output - reasoning, reasoning }
}

export function usageTo({ input, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, audioIn = 0, imageIn = 0, output, reasoning, audioOut = 0, imageOut = 0, costNano }: ChatUsage): JsonObject {
  const counts = { input_tokens: input + cacheRead + cacheWrite5m + cacheWrite1h + audioIn + imageIn, output_tokens: output + (reasoning ?? 0) + audioOut + imageOut }
  return defined<JsonObject>({ billed_units: counts, tokens: defined<JsonObject>({ ...counts, reasoning_tokens: reasoning }), cached_tokens: cacheRead || undefined, cost_usd: costNano === undefined ? undefined : costNano / 1e9 })
}
