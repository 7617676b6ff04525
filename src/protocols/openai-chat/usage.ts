/** Usage as this format reports it, from and to disjoint classes. What a vendor adds (costs, times, energy) is left over. */
import type { ChatUsage, JsonObject } from '../canonical.ts'
import type { UsageRules } from '../../providers/provider.ts'
import { compact, isObject, Members } from './members.ts'

const count = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.ceil(value) : 0)

const taken = (members: Members | undefined, key: string): number => count(members?.any(key))

/** The first that says anything. Names of single vendors stay where they are as well. */
function first(raw: JsonObject, ...keys: string[]): number {
  for (const key of keys) {
    const units = count(raw[key])
    if (units > 0) return units
  }
  return 0
}

/** Parts are taken off their whole one after another, so that the sum stays what the vendor said. */
class Rest {
  left: number

  constructor(whole: number) {
    this.left = whole
  }

  take(part: number, isIncluded = true): number {
    if (!isIncluded) return part
    const units = Math.min(part, this.left)
    this.left -= units
    return units
  }
}

/** `rules`: what contains what, where the vendor differs from OpenAI. Null: nothing was counted. */
export function decodeUsage(raw: unknown, rules?: UsageRules): { usage: ChatUsage; left: JsonObject | undefined } | null {
  if (!isObject(raw)) return null
  const members = new Members(raw, null)
  if (!members.has('prompt_tokens') && !members.has('completion_tokens')) return null
  const prompt = count(members.any('prompt_tokens'))
  const completion = count(members.any('completion_tokens'))
  const total = count(members.any('total_tokens'))
  const within = members.maybeWithin('prompt_tokens_details')
  const input = new Rest(prompt)
  const cacheRead = input.take(taken(within, 'cached_tokens') || first(raw, 'prompt_cache_hit_tokens', 'cached_tokens', 'cache_read_input_tokens', 'cached_input_tokens'), rules?.promptIncludesCached ?? true)
  const writes = new Rest(input.take(taken(within, 'cache_write_tokens') || taken(within, 'cache_creation_input_tokens') || first(raw, 'cache_creation_input_tokens', 'cache_created_input_tokens'), rules?.promptIncludesCached ?? true))
  const lifetimes = members.maybeWithin('cache_creation')
  const cacheWrite1h = writes.take(taken(lifetimes, 'ephemeral_1h_input_tokens'))
  // The rest of what was written.
  lifetimes?.any('ephemeral_5m_input_tokens')
  const audioIn = input.take(taken(within, 'audio_tokens'), rules?.promptIncludesAudio ?? true)
  const imageIn = input.take(taken(within, 'image_tokens'))
  const inputs = input.left + cacheRead + writes.left + cacheWrite1h + audioIn + imageIn

  const details = members.maybeWithin('completion_tokens_details')
  const whole = rules?.outputByTotal ? Math.max(completion, total - inputs) : completion
  const output = new Rest(whole)
  const reasoning = output.take(taken(details, 'reasoning_tokens') || first(raw, 'reasoning_tokens') || whole - completion, rules?.completionIncludesReasoning ?? true)
  const audioOut = output.take(taken(details, 'audio_tokens'))
  const imageOut = output.take(taken(details, 'image_tokens'))
  const searches = taken(members.maybeWithin('server_tool_use'), 'web_search_requests')
  const some = (units: number): number | undefined => units || undefined
  const usage = compact<ChatUsage>({
    input: input.left, cacheRead: some(cacheRead), cacheWrite5m: some(writes.left), cacheWrite1h: some(cacheWrite1h), audioIn: some(audioIn), imageIn: some(imageIn),
    output: output.left, reasoning: some(reasoning), audioOut: some(audioOut), imageOut: some(imageOut), searches: some(searches),
  })
  return { usage, left: members.left() }
}

export function encodeUsage(usage: ChatUsage): JsonObject {
  const { input, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, audioIn = 0, imageIn = 0, output, reasoning = 0, audioOut = 0, imageOut = 0, searches = 0 } = usage
  const prompt = input + cacheRead + cacheWrite5m + cacheWrite1h + audioIn + imageIn
  const completion = output + reasoning + audioOut + imageOut
  return {
    prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite5m + cacheWrite1h, audio_tokens: audioIn, ...imageIn > 0 && { image_tokens: imageIn } },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: audioOut, ...imageOut > 0 && { image_tokens: imageOut } },
    ...cacheWrite1h > 0 && { cache_creation: { ephemeral_5m_input_tokens: cacheWrite5m, ephemeral_1h_input_tokens: cacheWrite1h } },
    ...searches > 0 && { server_tool_use: { web_search_requests: searches } },
    ...usage.costNano !== undefined && { cost_usd: usage.costNano / 1e9 },
  }
}
