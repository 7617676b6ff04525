/**
 * What the three heads of the classifier learn: how much better or worse the lower, middle and upper third of a set's models do on a
 * prompt than on the set on average, in standard deviations. That is a property of the prompt; which models did it is left behind.
 */
import { headCount } from '../../src/routing/artefact.ts'
import type { OutcomeRow } from '../../src/routing/evaluate/outcomes.ts'

/** Models by mean quality, worst first. */
function ranked(rows: readonly OutcomeRow[]): string[] {
  const sums = new Map<string, { sum: number; rows: number }>()
  for (const { q } of rows) for (const [model, quality] of Object.entries(q)) {
    const at = sums.get(model) ?? { sum: 0, rows: 0 }
    sums.set(model, { sum: at.sum + quality, rows: at.rows + 1 })
  }
  return [...sums].toSorted(([, a], [, b]) => a.sum / a.rows - b.sum / b.rows).map(([model]) => model)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1)

function headsOfSet(rows: readonly OutcomeRow[]): number[][] {
  const models = ranked(rows)
  const group = new Map(models.map((model, rank) => [model, Math.floor((rank * headCount) / models.length)]))
  const raw = rows.map(({ q }) => Array.from({ length: headCount }, (_, head) => mean(Object.entries(q).filter(([model]) => group.get(model) === head).map(([, quality]) => quality))))
  const centres = Array.from({ length: headCount }, (_, head) => mean(raw.map((heads) => heads[head] as number)))
  const deviations = centres.map((centre, head) => Math.sqrt(mean(raw.map((heads) => ((heads[head] as number) - centre) ** 2))) || 1)
  return raw.map((heads) => heads.map((value, head) => (value - (centres[head] as number)) / (deviations[head] as number)))
}

/** By row, in the order of the rows. */
export function headsOf(rows: readonly OutcomeRow[]): number[][] {
  const bySet = Map.groupBy(rows, ({ set }) => set)
  const found = new Map<OutcomeRow, number[]>()
  for (const ofSet of bySet.values()) headsOfSet(ofSet).forEach((heads, at) => found.set(ofSet[at] as OutcomeRow, heads))
  return rows.map((row) => found.get(row) as number[])
}
