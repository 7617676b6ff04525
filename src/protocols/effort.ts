/** Thinking is asked for by a named effort in some formats and by a number of tokens in others: one table between them. */

/** Share of the output limit that an effort may think. Figures of OpenRouter, which maps the same two: https://openrouter.ai/docs/use-cases/reasoning-tokens */
const shares: Readonly<Record<string, number>> = { minimal: 0.1, low: 0.2, medium: 0.5, high: 0.8, xhigh: 0.95, max: 0.95 }

const leastBudget = 1024
const mostBudget = 128_000
/** Where no limit says what a share is of. */
const usualLimit = 40_000

/** Tokens to think with; `limit` is the output limit, or null. */
export function budgetOf(effort: string, limit: number | null): number {
  const share = shares[Object.hasOwn(shares, effort) ? effort : 'medium']!
  return Math.round(Math.max(leastBudget, Math.min(mostBudget, (limit ?? usualLimit) * share)))
}

/** The effort whose share of the limit is nearest. */
export function effortOf(budget: number, limit: number | null): 'minimal' | 'low' | 'medium' | 'high' {
  const share = budget / (limit ?? usualLimit)
  if (budget < leastBudget) return 'minimal'
  if (share <= 0.35) return 'low'
  return share <= 0.65 ? 'medium' : 'high'
}
