/** What a usage report says about any group of requests: sums from the database, percentiles from the requests' own times. */

/** Columns of the sums query. */
export interface Sums {
  requests: number
  succeeded: number
  refused: number
  cancelled: number
  attempts: number
  input_tokens: number
  cache_read_tokens: number
  output_tokens: number
  reasoning_tokens: number
  cost_nano: number
  unpriced: number
  estimated: number
}

export interface Measures {
  /** requests = succeeded + refused + cancelled + failed */
  requests: number
  succeeded: number
  refused: number
  /** The client left. */
  cancelled: number
  failed: number
  attempts: number
  /** All tokens read, of which `cacheReadTokens` came from the vendor's cache. */
  inputTokens: number
  cacheReadTokens: number
  /** All tokens produced, of which `reasoningTokens` were reasoning. */
  outputTokens: number
  reasoningTokens: number
  costNano: number
  /** Attempts whose price is unknown, or whose usage is our estimate. */
  unpricedRequests: number
  estimatedRequests: number
  /** Null below `percentileLeast` requests. */
  p50FirstTokenUs: number | null
  p95FirstTokenUs: number | null
  p50TotalUs: number | null
  p95TotalUs: number | null
  overheadP50Us: number | null
}

/** Requests up to which percentiles are exact. */
export const percentileRows = 200_000
const percentileLeast = 20

export const noSums = (): Sums => ({
  requests: 0, succeeded: 0, refused: 0, cancelled: 0, attempts: 0, input_tokens: 0, cache_read_tokens: 0, output_tokens: 0, reasoning_tokens: 0,
  cost_nano: 0, unpriced: 0, estimated: 0,
})

export function addSums(into: Sums, sums: Sums): void {
  for (const name in into) into[name as keyof Sums] += sums[name as keyof Sums]
}

interface Times {
  first_token_us: number | null
  total_us: number | null
  overhead_us: number | null
}

type Group = number | null

/** The times of requests by bucket and group. */
export class Samples {
  #all: Times[] = []
  #byGroup = new Map<Group, Times[]>()
  #byBucket = new Map<string, Times[]>()

  add(at: number, group: Group, times: Times): void {
    this.#all.push(times)
    append(this.#byGroup, group, times)
    append(this.#byBucket, `${at}/${group}`, times)
  }

  /** Of one bucket (null: all) and one group (absent: all). */
  of(at: number | null, group?: Group): Times[] {
    if (group === undefined) return this.#all
    return (at === null ? this.#byGroup.get(group) : this.#byBucket.get(`${at}/${group}`)) ?? []
  }
}

function append<Key>(map: Map<Key, Times[]>, key: Key, times: Times): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [times])
  else list.push(times)
}

/** Nearest rank: the smallest value that at least `share` of the values don't exceed. */
export function percentile(sorted: ArrayLike<number>, share: number): number | null {
  if (sorted.length < percentileLeast) return null
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}

function sorted(values: readonly (number | null)[]): Float64Array {
  return Float64Array.from(values.filter((value) => value !== null)).sort()
}

export function measures(sums: Sums, times: readonly Times[]): Measures {
  const firstToken = sorted(times.map((one) => one.first_token_us))
  const total = sorted(times.map((one) => one.total_us ?? 0))
  const overhead = sorted(times.map((one) => one.overhead_us ?? 0))
  return {
    requests: sums.requests, succeeded: sums.succeeded, refused: sums.refused, cancelled: sums.cancelled,
    failed: sums.requests - sums.succeeded - sums.refused - sums.cancelled, attempts: sums.attempts,
    inputTokens: sums.input_tokens, cacheReadTokens: sums.cache_read_tokens, outputTokens: sums.output_tokens, reasoningTokens: sums.reasoning_tokens,
    costNano: sums.cost_nano, unpricedRequests: sums.unpriced, estimatedRequests: sums.estimated,
    p50FirstTokenUs: percentile(firstToken, 0.5), p95FirstTokenUs: percentile(firstToken, 0.95),
    p50TotalUs: percentile(total, 0.5), p95TotalUs: percentile(total, 0.95), overheadP50Us: percentile(overhead, 0.5),
  }
}
