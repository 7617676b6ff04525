/** Token counts. `inputTokens` leaves out what was read from the cache or written to it; output holds the thought. */
import type { ChatUsage, Json, JsonObject } from '../canonical.ts'
import { besides, isCount, isObject } from './json.ts'

/** Tokens of a lifetime of the cache; null: the answer doesn't say. */
function writtenFor(usage: JsonObject, ttl: string): number | null {
  const { cacheDetails } = usage
  if (!Array.isArray(cacheDetails)) return null
  let tokens = 0
  for (const each of cacheDetails) if (isObject(each) && each['ttl'] === ttl && isCount(each['inputTokens'])) tokens += each['inputTokens']
  return tokens
}

export function decodeUsage(raw: JsonObject): { usage: ChatUsage; left: JsonObject } {
  const { inputTokens, outputTokens, cacheReadInputTokens: read, cacheWriteInputTokens: written } = raw
  const usage: ChatUsage = { input: isCount(inputTokens) ? inputTokens : 0, output: isCount(outputTokens) ? outputTokens : 0 }
  if (isCount(read)) usage.cacheRead = read
  const hour = Math.min(writtenFor(raw, '1h') ?? 0, isCount(written) ? written : Infinity)
  if (isCount(written)) usage.cacheWrite5m = written - hour
  if (hour > 0) usage.cacheWrite1h = hour
  return { usage, left: besides(raw, 'inputTokens', 'outputTokens', 'totalTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens', ...(hour > 0 ? ['cacheDetails'] : [])) }
}

export function encodeUsage({ input, cacheRead, cacheWrite5m, cacheWrite1h, audioIn = 0, imageIn = 0, output, reasoning = 0, audioOut = 0, imageOut = 0, costNano }: ChatUsage): JsonObject {
  const hour = cacheWrite1h ?? 0
  const written = (cacheWrite5m ?? 0) + hour
  const inputTokens = input + audioIn + imageIn
  const outputTokens = output + reasoning + audioOut + imageOut
  return {
    inputTokens, outputTokens, totalTokens: inputTokens + outputTokens + (cacheRead ?? 0) + written,
    ...(cacheRead === undefined ? {} : { cacheReadInputTokens: cacheRead }),
    ...(cacheWrite5m === undefined && cacheWrite1h === undefined ? {} : { cacheWriteInputTokens: written }),
    ...(hour === 0 ? {} : { cacheDetails: [{ ttl: '1h', inputTokens: hour }, ...(cacheWrite5m ? [{ ttl: '5m', inputTokens: cacheWrite5m }] : [])] }),
    ...(costNano === undefined ? {} : { cost_usd: costNano / 1e9 }),
  }
}

/** The same counts by the names of chat completions, of which one function makes disjoint classes; null: there are none. */
export function renamedUsage(usage: Json | undefined): unknown {
  if (!isObject(usage)) return null
  const hour = writtenFor(usage, '1h')
  return {
    prompt_tokens: usage['inputTokens'], completion_tokens: usage['outputTokens'], total_tokens: usage['totalTokens'],
    prompt_tokens_details: { cached_tokens: usage['cacheReadInputTokens'], cache_write_tokens: usage['cacheWriteInputTokens'] },
    ...(hour === null ? {} : { cache_creation: { ephemeral_1h_input_tokens: hour } }),
  }
}
