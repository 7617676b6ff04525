/**
 * What an arm is worth to a request: quality less what its cost, its time and a change of arm are worth. The same function decides,
 * explains and checks decisions again from their records; it reads nothing but its arguments.
 */

/** What was predicted of one arm. Cost in nano-dollars, latency in ms. */
export interface Prediction {
  quality: number
  deviation: number
  /** Quality that is granted while little is known and it was hardly ever taken: see predict.ts. */
  bonus: number
  costNano: number
  latencyMs: number
}

/** The terms of one request: everything that the choice depends on beside the predictions. */
export interface Terms {
  kind: 'weighted' | 'cheap'
  /** Quality per nano-dollar and per ms. */
  perNano: number
  perMs: number
  /** `cheap`: arms whose cautious quality is at least this are good enough. */
  bar: number
  /** Quality that a change of arm within a session costs. */
  switchCost: number
  /** By how much another arm must be better before a session leaves its own. */
  margin: number
}

/** How many deviations below its mean an arm on trial, or under `cheap`, is taken for. */
export const caution = 1.3

/** Arms that are good enough for `cheap` stand above all others, and differ by cost alone. */
const goodEnough = 10

/** The figures are those of a `Prediction`, one by one: it is called for every arm of every request. */
export function scoreOf(quality: number, deviation: number, bonus: number, costNano: number, latencyMs: number, { kind, perNano, perMs, bar }: Terms, onTrial: boolean): number {
  const cautious = quality - caution * deviation
  if (kind === 'cheap') return cautious >= bar ? goodEnough / (1 + costNano / 1e6) + goodEnough : quality - perNano * costNano
  return (onTrial ? cautious : quality + bonus) - perNano * costNano - perMs * latencyMs
}
