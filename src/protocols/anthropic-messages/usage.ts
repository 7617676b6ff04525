/**
 * Usage in this format: `input_tokens` holds neither what was read from a cache nor what was written to it, and thinking is part of
 * `output_tokens`. In streams it is cumulative, and the last event leaves out what the first one said.
 */
import type { ChatUsage, JsonObject } from '../canonical.ts'
import { isObject } from './fields.ts'

const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0)

/** The usage so far: what a later event says takes the place of what an earlier one said. */
export function mergedUsage(before: JsonObject | null, later: JsonObject): JsonObject {
  if (before === null) return later
  const merged = { ...before }
  for (const key of Object.keys(later)) if (later[key] !== null) merged[key] = later[key]!
  return merged
}

/** Undefined where nothing is counted. `left`: members that the classes do not hold. */
export function readUsage(value: JsonObject, left?: JsonObject): ChatUsage | undefined {
  const { input_tokens: input, output_tokens: output, cache_read_input_tokens: read, cache_creation_input_tokens: written, cache_creation: lifetimes, output_tokens_details: details, server_tool_use: tools, service_tier: _, ...more } = value
  if (typeof input !== 'number' && typeof output !== 'number') return undefined
  const usage: ChatUsage = { input: count(input), output: count(output) }
  const thinking = isObject(details) ? Math.min(count(details['thinking_tokens']), usage.output) : 0
  const longer = Math.min(isObject(lifetimes) ? count(lifetimes['ephemeral_1h_input_tokens']) : 0, count(written))
  if (count(read) > 0) usage.cacheRead = count(read)
  if (count(written) > longer) usage.cacheWrite5m = count(written) - longer
  if (longer > 0) usage.cacheWrite1h = longer
  if (thinking > 0) usage.reasoning = thinking
  usage.output -= thinking
  const searches = isObject(tools) ? count(tools['web_search_requests']) : 0
  if (searches > 0) usage.searches = searches
  if (left) keepRest(left, more, details, tools)
  return usage
}

function keepRest(left: JsonObject, more: JsonObject, details: unknown, tools: unknown): void {
  for (const key of Object.keys(more)) if (more[key] !== null) left[key] = more[key]!
  if (isObject(details)) keepPart(left, 'output_tokens_details', details, 'thinking_tokens')
  if (isObject(tools)) keepPart(left, 'server_tool_use', tools, 'web_search_requests')
}

/** A count of naught says nothing. */
function keepPart(left: JsonObject, key: string, value: JsonObject, taken: string): void {
  const rest = Object.entries(value).filter(([name, each]) => name !== taken && each !== null && each !== 0)
  if (rest.length > 0) left[key] = Object.fromEntries(rest)
}

/** All members that the specification demands; `left` as `readUsage` left it. */
export function writeUsage(usage: ChatUsage | undefined, serviceTier: string | undefined, left: JsonObject): JsonObject {
  const { output_tokens_details: details, server_tool_use: tools, ...more } = left
  const reasoning = usage?.reasoning ?? 0
  const searches = usage?.searches ?? 0
  return {
    input_tokens: (usage?.input ?? 0) + (usage?.audioIn ?? 0) + (usage?.imageIn ?? 0),
    cache_creation_input_tokens: (usage?.cacheWrite5m ?? 0) + (usage?.cacheWrite1h ?? 0),
    cache_read_input_tokens: usage?.cacheRead ?? 0,
    cache_creation: { ephemeral_5m_input_tokens: usage?.cacheWrite5m ?? 0, ephemeral_1h_input_tokens: usage?.cacheWrite1h ?? 0 },
    output_tokens: (usage?.output ?? 0) + reasoning + (usage?.audioOut ?? 0) + (usage?.imageOut ?? 0),
    output_tokens_details: reasoning > 0 || isObject(details) ? { ...(isObject(details) && details), thinking_tokens: reasoning } : null,
    server_tool_use: searches > 0 || isObject(tools) ? { web_search_requests: searches, web_fetch_requests: 0, ...(isObject(tools) && tools) } : null,
    service_tier: serviceTier === undefined ? null : tiers[serviceTier] ?? null,
    inference_geo: null,
    ...(usage?.costNano !== undefined && { cost_usd: usage.costNano / 1e9 }),
    ...more,
  }
}

/** Tiers of other vendors that are one of this format's. */
const tiers: Readonly<Record<string, string>> = { standard: 'standard', priority: 'priority', batch: 'batch', default: 'standard' }
