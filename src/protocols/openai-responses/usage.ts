/**
 * Token counts. Input contains what was read from and written to the cache, output contains reasoning, at all vendors that were recorded
 * (xAI's too, unlike in its chat completions). Searches stand beside: https://platform.openai.com/docs/api-reference/responses/object
 */
import type { ChatUsage, JsonObject } from '../canonical.ts'
import { countOr, isObject, listOr, objectOr } from './json.ts'

/** Searches that are billed: as OpenAI counts them, as xAI does, or what the answer shows of them. */
function searchesOf(response: JsonObject, usage: JsonObject): number {
  const told = objectOr(objectOr(response['tool_usage'])['web_search'])['num_requests']
  if (typeof told === 'number') return countOr(told)
  const own = usage['server_side_tool_usage_details']
  if (isObject(own)) return countOr(own['web_search_calls']) + countOr(own['x_search_calls'])
  let searches = 0
  for (const item of listOr(response['output'])) {
    if (!isObject(item) || item['type'] !== 'web_search_call') continue
    const action = objectOr(item['action'])['type']
    if (action === undefined || action === 'search') searches++
  }
  return searches
}

/** Under the names of chat completions, for `normaliseUsage`; null where the response has none. */
export function usageFacts(response: JsonObject): JsonObject | null {
  const usage = response['usage']
  if (!isObject(usage)) return null
  const { cached_tokens, cache_write_tokens, cache_write_tokens_details, audio_tokens, image_tokens } = objectOr(usage['input_tokens_details'])
  const facts: JsonObject = {
    prompt_tokens: usage['input_tokens'] ?? null, completion_tokens: usage['output_tokens'] ?? null,
    prompt_tokens_details: { cached_tokens: cached_tokens ?? 0, cache_write_tokens: cache_write_tokens ?? 0, audio_tokens: audio_tokens ?? 0, image_tokens: image_tokens ?? 0 },
    cache_creation: { ephemeral_1h_input_tokens: objectOr(cache_write_tokens_details)['ttl_12h_tokens'] ?? 0 },
    completion_tokens_details: outputDetails(objectOr(usage['output_tokens_details'])),
    server_tool_use: { web_search_requests: searchesOf(response, usage) },
  }
  if (usage['total_tokens'] !== undefined) facts['total_tokens'] = usage['total_tokens']
  return facts
}

const outputDetails = ({ reasoning_tokens, audio_tokens, image_tokens }: JsonObject): JsonObject => ({ reasoning_tokens: reasoning_tokens ?? 0, audio_tokens: audio_tokens ?? 0, image_tokens: image_tokens ?? 0 })

export function readUsage(response: JsonObject): ChatUsage | undefined {
  const usage = response['usage']
  if (!isObject(usage)) return undefined
  const input = objectOr(usage['input_tokens_details'])
  const output = objectOr(usage['output_tokens_details'])
  const cacheRead = countOr(input['cached_tokens'])
  const written = countOr(input['cache_write_tokens'])
  const cacheWrite1h = Math.min(written, countOr(objectOr(input['cache_write_tokens_details'])['ttl_12h_tokens']))
  const [audioIn, imageIn] = [countOr(input['audio_tokens']), countOr(input['image_tokens'])]
  const [reasoning, audioOut, imageOut] = [countOr(output['reasoning_tokens']), countOr(output['audio_tokens']), countOr(output['image_tokens'])]
  const found: ChatUsage = {
    input: Math.max(0, countOr(usage['input_tokens']) - cacheRead - written - audioIn - imageIn),
    output: Math.max(0, countOr(usage['output_tokens']) - reasoning - audioOut - imageOut),
  }
  const parts = { cacheRead, cacheWrite5m: written - cacheWrite1h, cacheWrite1h, audioIn, imageIn, reasoning, audioOut, imageOut, searches: searchesOf(response, usage) }
  for (const key of Object.keys(parts) as (keyof typeof parts)[]) if (parts[key] > 0) found[key] = parts[key]
  return found
}

export function writeUsage(usage: ChatUsage): JsonObject {
  const { cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, audioIn = 0, imageIn = 0, reasoning = 0, audioOut = 0, imageOut = 0 } = usage
  const input = usage.input + cacheRead + cacheWrite5m + cacheWrite1h + audioIn + imageIn
  const output = usage.output + reasoning + audioOut + imageOut
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: cacheRead, cache_write_tokens: cacheWrite5m + cacheWrite1h, ...(cacheWrite1h > 0 && { cache_write_tokens_details: { ttl_30m_tokens: cacheWrite5m, ttl_12h_tokens: cacheWrite1h } }),
      ...(audioIn > 0 && { audio_tokens: audioIn }), ...(imageIn > 0 && { image_tokens: imageIn }),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning, ...(audioOut > 0 && { audio_tokens: audioOut }), ...(imageOut > 0 && { image_tokens: imageOut }) },
    total_tokens: input + output,
    ...(usage.costNano !== undefined && { cost_usd: usage.costNano / 1e9 }),
  }
}

/** How often the vendor's tools were used; left out where they were not. */
export const writeToolUsage = ({ searches = 0 }: ChatUsage): JsonObject | undefined => (searches > 0
  ? { image_gen: { input_tokens: 0, input_tokens_details: { image_tokens: 0, text_tokens: 0 }, output_tokens: 0, total_tokens: 0 }, web_search: { num_requests: searches } }
  : undefined)
