/**
 * Usage classes, price vectors and the one function that turns usage into money.
 * Money is integer nano-dollars (1e-9 USD); a price is integer nano-dollars per million units.
 */

/** Disjoint classes: no unit is counted in two of them. Order is the storage order. */
export const usageClasses = [
  'input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'output', 'reasoning',
  'audioIn', 'audioOut', 'imageIn', 'imageOut', 'toolCalls', 'requests',
  'images', 'audioMs', 'characters', 'searches',
] as const
/** What is billed by the piece, not by the token. */
export const pieceClasses = ['images', 'audioMs', 'characters', 'searches'] as const satisfies readonly UsageClass[]
export type UsageClass = (typeof usageClasses)[number]

/**
 * Units per class: tokens, except `toolCalls` (calls), `requests` (1 per billed request) and what is billed by the piece: `images` made,
 * `audioMs` heard, `characters` spoken, `searches` (a query over up to 100 documents). Always finite integers ≥ 0.
 */
export type Usage = Record<UsageClass, number>

export const noUsage = (): Usage => ({
  input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0,
  audioIn: 0, audioOut: 0, imageIn: 0, imageOut: 0, toolCalls: 0, requests: 0,
  images: 0, audioMs: 0, characters: 0, searches: 0,
})

/** Integer nano-dollars per million units, for every class (a class that a vendor does not price apart takes the price of its parent). */
export type Prices = Record<UsageClass, number>

/** One list of prices. Above `tiers[i].aboveInputTokens` all units of the request are priced by that tier. */
export interface PriceList {
  base: Prices
  /** Sorted by ascending bound. */
  tiers: readonly { aboveInputTokens: number; prices: Prices }[]
}

/** A list that holds instead of the usual one while all of its conditions are met; a condition that is left out is always met. */
export interface PriceCondition extends PriceList {
  /** Epoch ms from which the list holds. */
  fromMs?: number
  /** Hours of the vendor's own clock; days count from Sunday = 0, minutes from midnight, and a window ends before its second minute. */
  clock?: { offsetMinutes: number; days: readonly number[]; windows: readonly (readonly [number, number])[] }
  /** What the request (or the answer) says under `service_tier`, or Anthropic's `speed`. Without it the list is the standard tier's. */
  serviceTier?: string
}

/** Prices of one deployment. */
export interface PriceVector extends PriceList {
  /** Identifies the exact prices on every usage row, for example `models-dev-2026-07-02`. */
  version: string
  /** Of those that are met, the last holds. */
  conditions?: readonly PriceCondition[]
}

const noPieces = { images: 0, audioMs: 0, characters: 0, searches: 0 }
const completed = <List extends PriceList>(list: List): List => ({ ...list, base: { ...noPieces, ...list.base }, tiers: list.tiers.map((tier) => ({ ...tier, prices: { ...noPieces, ...tier.prices } })) })

/** A vector that was stored by a version without pieces. */
export const completeVector = (stored: PriceVector): PriceVector => ({ ...completed(stored), ...(stored.conditions && { conditions: stored.conditions.map(completed) }) })

/** What conditions are decided by. Without `atMs` the dearest hour and date count, without `serviceTier` the standard tier. */
export interface PriceContext { atMs?: number; serviceTier?: string | null }

/** $9.0 M. A dearer attempt costs exactly this, so that a bill is never inexact: whoever sees this cost has to flag it. */
export const largestCostNano = Number.MAX_SAFE_INTEGER

const perMillion = 1_000_000n

/** All input tokens of a usage, whatever their class: what context tiers are measured in. */
export const inputTokens = (usage: Usage): number =>
  usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.audioIn + usage.imageIn

/** Whether anything was used that is billed by the piece. */
export const hasPieces = (usage: Usage): boolean => usage.images + usage.audioMs + usage.characters + usage.searches > 0

/** All tokens of a usage, whatever their class. */
export const allTokens = (usage: Usage): number => inputTokens(usage) + usage.output + usage.reasoning + usage.audioOut + usage.imageOut

export function pricesFor(vector: PriceVector, usage: Usage, context?: PriceContext): Prices {
  if (vector.conditions !== undefined) return conditionalPrices(vector, vector.conditions, usage, context)
  return vector.tiers.length === 0 ? vector.base : tierFor(vector, usage)
}

function tierFor(list: PriceList, usage: Usage): Prices {
  const tokens = inputTokens(usage)
  let prices = list.base
  for (const tier of list.tiers) if (tokens > tier.aboveInputTokens) prices = tier.prices
  return prices
}

function conditionalPrices(vector: PriceVector, conditions: readonly PriceCondition[], usage: Usage, context: PriceContext = {}): Prices {
  const serviceTier = context.serviceTier ?? undefined
  let prices = tierFor(vector, usage)
  for (const condition of conditions) {
    if (condition.serviceTier !== undefined && condition.serviceTier !== serviceTier) continue
    if (context.atMs !== undefined && !holdsAt(condition, context.atMs)) continue
    const own = tierFor(condition, usage)
    const isCertain = context.atMs !== undefined || (condition.fromMs === undefined && condition.clock === undefined)
    if (isCertain || sumOf(own, usage) > sumOf(prices, usage)) prices = own
  }
  return prices
}

/** Whether a list holds at an instant, as far as dates and hours decide. */
export function holdsAt({ fromMs, clock }: PriceCondition, atMs: number): boolean {
  if (fromMs !== undefined && atMs < fromMs) return false
  if (clock === undefined) return true
  const minutes = Math.floor(atMs / 60_000) + clock.offsetMinutes
  const day = Math.floor(minutes / 1440)
  const minute = minutes - day * 1440
  // 1 January 1970 was a Thursday.
  return clock.days.includes((((day + 4) % 7) + 7) % 7) && clock.windows.some(([from, to]) => minute >= from && minute < to)
}

/** Tiers of service that cost what the standard tier costs, or less. */
const standardTiers = new Set(['auto', 'default', 'standard', 'standard_only', 'on_demand', 'flex', 'batch'])

/** False where the vendor may take more for this tier of service than any price that is known: the cost is then a lower bound. */
export function isPricedTier({ conditions = [] }: PriceVector, serviceTier: string | null | undefined): boolean {
  return serviceTier === undefined || serviceTier === null || standardTiers.has(serviceTier) || conditions.some(each => each.serviceTier === serviceTier)
}

/** The most that a unit of each class can cost, whatever the size, hour and tier of service of the request: for a hold that must hold. */
export function dearestPrices({ base, tiers, conditions = [] }: PriceVector): Prices {
  const dearest = { ...base }
  const all = [tiers, ...conditions.map(each => [{ prices: each.base }, ...each.tiers])].flat()
  for (const { prices } of all) for (const name of usageClasses) dearest[name] = Math.max(dearest[name], prices[name])
  return dearest
}

/** Written out, since a loop over the names takes five times as long. */
const sumOf = (prices: Prices, usage: Usage): number =>
  usage.input * prices.input + usage.cacheRead * prices.cacheRead + usage.cacheWrite5m * prices.cacheWrite5m
  + usage.cacheWrite1h * prices.cacheWrite1h + usage.output * prices.output + usage.reasoning * prices.reasoning
  + usage.audioIn * prices.audioIn + usage.audioOut * prices.audioOut + usage.imageIn * prices.imageIn
  + usage.imageOut * prices.imageOut + usage.toolCalls * prices.toolCalls + usage.requests * prices.requests
  + usage.images * prices.images + usage.audioMs * prices.audioMs + usage.characters * prices.characters + usage.searches * prices.searches

/**
 * Cost of one attempt: ceil(Σ units × price / 1e6), rounded once, at most `largestCostNano`.
 * A usage that was not normalised (negative, fractional, not finite) is a defect of the caller and ends in a RangeError.
 */
export function costNano(vector: PriceVector, usage: Usage, context?: PriceContext): number {
  const prices = pricesFor(vector, usage, context)
  const sum = sumOf(prices, usage)
  // Exact: up to 2^53 the quotient is rounded by less than the smallest fraction, 1e-6, so that no fraction is lost.
  if (sum >= 0 && sum <= Number.MAX_SAFE_INTEGER && isWhole(usage)) return Math.ceil(sum / 1e6)
  let exact = 0n
  for (const name of usageClasses) {
    if (!Number.isSafeInteger(usage[name]) || usage[name] < 0) throw new RangeError(`Not a number of units: ${name} ${usage[name]}`)
    exact += BigInt(usage[name]) * BigInt(prices[name])
  }
  const cost = (exact + perMillion - 1n) / perMillion
  return cost > BigInt(largestCostNano) ? largestCostNano : Number(cost)
}

/** Whether every class is a whole number that is exact and not negative. */
const isWhole = (usage: Usage): boolean =>
  count(usage.input) && count(usage.cacheRead) && count(usage.cacheWrite5m) && count(usage.cacheWrite1h) && count(usage.output) && count(usage.reasoning)
  && count(usage.audioIn) && count(usage.audioOut) && count(usage.imageIn) && count(usage.imageOut) && count(usage.toolCalls) && count(usage.requests)
  && count(usage.images) && count(usage.audioMs) && count(usage.characters) && count(usage.searches)

const count = (units: number): boolean => units >= 0 && units <= Number.MAX_SAFE_INTEGER && Math.floor(units) === units
