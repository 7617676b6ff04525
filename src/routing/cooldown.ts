/**
 * What a vendor's headers say about when a credential may be used again. They are hints of strangers: a value that can't be read
 * says nothing, and whatever is read is used within bounds.
 */
import type { RateLimitHeaders } from '../providers/provider.ts'

export type Headers = Record<string, string | string[] | undefined>
interface Window { left: string; reset: string }

/** No credential rests longer at a vendor's word: a wrong header, or a clock that differs, must not switch it off. */
export const longestRestMs = 600_000

const named = (prefix: string, names: readonly string[]): Window[] => names.map((name) => ({ left: `${prefix}-remaining${name}`, reset: `${prefix}-reset${name}` }))
const usual = named('x-ratelimit', ['-requests', '-tokens'])

/** Names of what is left, and of when there is more, by family. */
const windows: Record<RateLimitHeaders, readonly Window[]> = {
  openai: usual, azure: usual, venice: usual,
  anthropic: ['requests', 'tokens', 'input-tokens', 'output-tokens'].map((what) => ({ left: `anthropic-ratelimit-${what}-remaining`, reset: `anthropic-ratelimit-${what}-reset` })),
  cerebras: named('x-ratelimit', ['-requests-day', '-tokens-minute']),
  mistral: named('ratelimitbysize', ['']),
  openrouter: named('x-ratelimit', ['']),
  sambanova: named('x-ratelimit', ['-requests', '-requests-day']),
  fireworks: [],
  digitalocean: named('ratelimit', ['']),
}

/** Milliseconds until the last window that has nothing left is refilled; null where none is used up, or nothing says until when. */
export function spentForMs(family: RateLimitHeaders | null, headers: Headers, epochMs: number): number | null {
  let longest: number | null = null
  // Where no family is known the usual names say the same at most vendors, and nothing at the others.
  for (const { left, reset } of family === null ? usual : windows[family]) {
    // Some send decimals; a negative number means no limit (Azure).
    const value = headers[left]
    if (value === undefined || value === '' || Number(value) !== 0) continue
    const ms = resetMs(headers[reset], epochMs)
    if (ms !== null && ms > (longest ?? -1)) longest = ms
  }
  return longest
}

/** Milliseconds of `retry-after-ms` or `retry-after` (seconds or a date), null when there is none. */
export function retryAfterMs(headers: Headers, epochMs: number): number | null {
  const inMs = Number(headers['retry-after-ms'] ?? NaN)
  if (inMs >= 0) return inMs
  const value = headers['retry-after']
  if (typeof value !== 'string' || value === '') return null
  const seconds = Number(value)
  if (seconds >= 0) return seconds * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - epochMs)
}

const unitMs: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000001 }
const duration = /^(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|[dhms]))+$/
const part = /(\d+(?:\.\d+)?)(ms|us|µs|ns|[dhms])/g
/** Numbers from here on are instants since 1970 and no longer spans: in seconds, in milliseconds. */
const leastEpochS = 1e9
const leastEpochMs = 1e12

/** Until a reset, in ms: `6m0s` and `20ms` (OpenAI), `21.17` seconds (Cerebras), seconds or ms since 1970 (Venice, OpenRouter), RFC 3339 (Anthropic). Null: unreadable. */
export function resetMs(value: string | string[] | undefined, epochMs: number): number | null {
  if (typeof value !== 'string' || value === '' || value.length > 64) return null
  const number = Number(value)
  if (!Number.isNaN(number)) {
    const ms = number >= leastEpochMs ? number - epochMs : number >= leastEpochS ? number * 1000 - epochMs : number * 1000
    return Number.isFinite(ms) ? Math.max(0, ms) : null
  }
  if (duration.test(value)) {
    let ms = 0
    for (const [, amount, unit] of value.matchAll(part)) ms += Number(amount) * unitMs[unit!]!
    return ms
  }
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, date - epochMs)
}
