/** What a request will be billed at an arm: its input with what the vendor has cached of it, and the output that is to be expected. Integers are for the ledger; these are forecasts, in nano-dollars. */
import type { Arm } from './arm.ts'
import type { Understanding } from './understand.ts'

/** Of the prompt, in tokens: read from the vendor's cache, and written to it where that has a price of its own. */
export interface CacheState { read: number; write: number }
export const uncached: CacheState = { read: 0, write: 0 }

export function expectedOutput({ outputs, facts }: Arm, { tasks, weights }: Understanding, mostTokens: number): number {
  let sum = 0
  for (let place = 0; place < tasks.length; place++) sum += (weights[place] as number) * (outputs[tasks[place] as number]?.expected ?? 0)
  return Math.min(sum, mostTokens > 0 ? mostTokens : Infinity, facts.outputTokens > 0 ? facts.outputTokens : Infinity)
}

/** Infinity where the price is not known: such an arm is filtered before. */
export function expectedCost({ facts: { prices } }: Arm, promptTokens: number, outputTokens: number, cache: CacheState): number {
  if (prices === null) return Infinity
  const read = Math.min(cache.read, promptTokens)
  const write = Math.min(cache.write, promptTokens - read)
  return ((promptTokens - read - write) * prices.input + read * prices.cacheRead + write * prices.cacheWrite + outputTokens * prices.output) / 1e6
}

export const expectedLatency = ({ ttftMs, tokenMs }: Arm, outputTokens: number): number => ttftMs.expected + outputTokens * tokenMs.expected
