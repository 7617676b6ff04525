/** Paired bootstrap over prompts: each resample is a weight per row, the same for everything that is compared. */

export interface Interval { value: number; low: number; high: number }

/** How often each of `rows` is drawn. */
export function resample(weights: Float64Array, random: () => number): void {
  weights.fill(0)
  for (let draw = 0; draw < weights.length; draw++) weights[Math.floor(random() * weights.length)]!++
}

/** 95 %, by percentiles. */
export function interval(value: number, resampled: readonly number[]): Interval {
  const sorted = resampled.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))] as number
  return { value, low: at(0.025), high: at(0.975) }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
