/**
 * From predictions to figures: deferral curves of pairs (APGR, CPT), curves of cost and quality (saving at a quality, AIQ), and
 * mixing of models on the hull. All take weights per row, so that a bootstrap is a change of weights.
 */

export interface Point { cost: number; quality: number }

/** Average performance gap recovered: the mean over shares of strong calls; and the share that recovers a part of the gap. */
export interface Deferral { apgr: number; cpt50: number; cpt80: number; curve: number[] }

const curvePoints = 20

/** `order`: rows from the one whose strong call is predicted to gain most. Quality of a row under each. */
export function deferral(order: Int32Array, strong: Float64Array, weak: Float64Array, weights: Float64Array): Deferral {
  let all = 0
  let gap = 0
  for (const row of order) {
    all += weights[row] as number
    gap += (weights[row] as number) * ((strong[row] as number) - (weak[row] as number))
  }
  let done = 0
  let gained = 0
  let area = 0
  let cpt50 = 1
  let cpt80 = 1
  const curve = [0]
  for (const row of order) {
    const weight = weights[row] as number
    if (weight === 0) continue
    const before = gained / gap
    gained += weight * ((strong[row] as number) - (weak[row] as number))
    done += weight
    const after = gained / gap
    area += ((before + after) / 2) * (weight / all)
    const share = done / all
    if (after >= 0.5 && share < cpt50) cpt50 = share
    if (after >= 0.8 && share < cpt80) cpt80 = share
    while (curve.length <= curvePoints && share >= curve.length / curvePoints - 1e-9) curve.push(after)
  }
  return { apgr: area, cpt50, cpt80, curve }
}

/** Prices of a dollar, in quality, that are tried: from nothing to where only cost counts. */
export const sweepSteps = 48
export function sweep(usualUsd: number): Float64Array {
  return Float64Array.from({ length: sweepSteps }, (_, step) => (step === 0 ? 0 : (10 ** (-4 + (7 * (step - 1)) / (sweepSteps - 2))) / usualUsd))
}

/** Upper hull of cost and quality: what mixing of the points at random reaches. Sorted by cost, quality rises. */
export function hull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a.cost - b.cost || b.quality - a.quality)
  const kept: Point[] = []
  for (const point of sorted) {
    if (kept.length > 0 && point.quality <= (kept.at(-1) as Point).quality) continue
    while (kept.length >= 2) {
      const [a, b] = kept.slice(-2) as [Point, Point]
      if ((b.quality - a.quality) * (point.cost - a.cost) > (point.quality - a.quality) * (b.cost - a.cost)) break
      kept.pop()
    }
    kept.push(point)
  }
  return kept
}

/** Least cost of a mix that has at least this quality; Infinity: none has. */
export function costAt(curve: readonly Point[], quality: number): number {
  const [first] = curve
  if (first !== undefined && first.quality >= quality) return first.cost
  for (let at = 1; at < curve.length; at++) {
    const a = curve[at - 1] as Point
    const b = curve[at] as Point
    if (b.quality >= quality) return a.cost + ((b.cost - a.cost) * (quality - a.quality)) / (b.quality - a.quality)
  }
  return Infinity
}

/** Saving against the best model at a share of its quality; 0 where the curve does not reach it: one would use the best model. */
export function saving(curve: readonly Point[], best: Point, share: number): number {
  return Math.max(0, 1 - costAt(curve, best.quality * share) / best.cost)
}

/** Mean quality over costs from the cheapest to the dearest model. */
export function aiq(curve: readonly Point[], least: number, most: number): number {
  if (most <= least) return curve.at(-1)?.quality ?? 0
  let area = 0
  const [first] = curve
  let previous: Point = { cost: least, quality: first !== undefined && first.cost <= least ? first.quality : 0 }
  for (const point of curve) {
    if (point.cost > least) area += (Math.min(point.cost, most) - previous.cost) * ((previous.quality + point.quality) / 2)
    previous = point.cost > least ? point : { cost: least, quality: point.quality }
    if (previous.cost >= most) break
  }
  if (previous.cost < most) area += (most - previous.cost) * previous.quality
  return area / (most - least)
}

/** What each price of a dollar chooses: quality and cost by step, then row. */
export interface Choices { quality: Float64Array; usd: Float64Array; rows: number }

export function pointsOf({ quality, usd, rows }: Choices, weights: Float64Array): Point[] {
  const points: Point[] = []
  for (let step = 0; step < sweepSteps; step++) {
    let all = 0
    let sumQuality = 0
    let sumUsd = 0
    for (let row = 0, at = step * rows; row < rows; row++, at++) {
      const weight = weights[row] as number
      if (weight === 0) continue
      all += weight
      sumQuality += weight * (quality[at] as number)
      sumUsd += weight * (usd[at] as number)
    }
    points.push({ cost: sumUsd / all, quality: sumQuality / all })
  }
  return points
}
