/** The evaluation as text for people. */
import type { Interval } from './bootstrap.ts'
import { curves, type PoolResult } from './evaluate.ts'

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`
const pad = (text: string, width: number): string => text.padEnd(width)
const points = ({ value, low, high }: Interval): string => `${(100 * value).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`
const span = ({ value, low, high }: Interval): string => `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`
const names: Readonly<Record<string, string>> = { task_table: 'true-task table', hull: 'mixing on the hull', length: 'length only' }

export function report(results: readonly PoolResult[]): string[] {
  return results.flatMap((pool) => [
    `${pool.name}: ${pool.rows} prompts, ${pool.test} tested, ${pool.models.length} models`,
    ...pool.models.toSorted((a, b) => b.quality - a.quality).map(({ model, quality, usd }) => `  ${pad(model, 36)} quality ${quality.toFixed(3)}  $${(usd * 1000).toFixed(4)} per 1,000${model === pool.best ? '  always best' : ''}`),
    '', '  Saving at 100 / 99 / 95 % of the best model’s quality, and mean quality over costs (AIQ)',
    ...curves.map((curve) => `  ${pad(names[curve] ?? curve, 20)} ${pool.savings[curve].saving.map(percent).join(' / ')}   ${pool.savings[curve].aiq.toFixed(4)}`),
    `  router less hull, in points, 95 %: ${pool.lead.map(points).join('   ')}`,
    `  saving at 99 % after so many own labels: ${pool.learning.map(({ labels, saving99 }) => `${labels}: ${percent(saving99)}`).join('   ')}`,
    ...pool.pairs.flatMap((pair) => [
      '', `  ${pair.strong} or ${pair.weak}: APGR (share of strong calls for 50 / 80 % of the gap)`,
      ...Object.entries(pair.by).map(([name, { apgr, cpt50, cpt80 }]) => `  ${pad(names[name] ?? name, 20)} ${apgr.toFixed(3)} (${percent(cpt50)} / ${percent(cpt80)})`),
      `  router less length only ${span(pair.lead.length)}, less true-task table ${span(pair.lead.task_table)}`,
      ...pair.learning.map(({ labels, router, length, task_table: table }) => `  ${pad(`${labels} own labels`, 20)} router ${router.toFixed(3)}  length ${length.toFixed(3)}  table ${table.toFixed(3)}`),
      `  deferral curve, gap recovered at 0, 5, … 100 % strong calls: ${pair.curve.map((value) => value.toFixed(2)).join(' ')}`,
    ]),
    '', ...pool.policies.map(({ policy, ofBest, saving }) => `  policy ${pad(policy, 10)} ${percent(ofBest)} of the best model’s quality, ${percent(saving)} saved`),
    ...pool.robustness.map(({ how, sameArm, quality, before }) => `  ${pad(how, 12)} the same model for ${percent(sameArm)}, quality ${before.toFixed(4)} → ${quality.toFixed(4)}`),
    `  a decision takes ${(pool.times.p50Ms * 1000).toFixed(0)} µs, at p99 ${(pool.times.p99Ms * 1000).toFixed(0)} µs (${pool.times.decisions} timed)`, '',
  ])
}
