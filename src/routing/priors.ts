/**
 * What is assumed of a model that nobody has asked yet: a tier by its price, its date, its size and what it can do, and the quality
 * that models of that tier had. Cautious where the catalogue says little.
 */
import type { ArmFacts } from './arm.ts'
import { tierCount, type Artefact } from './artefact.ts'
import { cellCount } from './tasks.ts'

/** Upper ends of the tiers but the last: dollars per million tokens, three of input to one of output, in mid 2024. */
const tierEnds = [0.2, 0.6, 2.5, 8]
/** The same quality costs half a year later; an assumption, not in the data. */
const referenceDate = Date.UTC(2024, 6, 1)
const yearMs = 365.25 * 86_400_000
const mostYears = 4
/** Billions of parameters up to which a model of unknown price is of each tier. */
const sizeEnds = [9, 32, 80, 250]
const unknownTier = 1

/** From 0, the least able. */
export function tierOf({ prices, billions, releasedOn, reasoning }: Pick<ArmFacts, 'prices' | 'billions' | 'releasedOn' | 'reasoning'>): number {
  const price = prices === null ? 0 : (prices.input * 3 + prices.output) / 4 / 1e9
  const bonus = reasoning ? 1 : 0
  if (price <= 0) {
    const bySize = billions <= 0 ? unknownTier : sizeEnds.filter((end) => billions > end).length
    return Math.min(tierCount - 1, bySize + bonus)
  }
  const released = releasedOn === '' ? referenceDate : Date.parse(releasedOn)
  const years = Number.isFinite(released) ? Math.max(-2, Math.min(mostYears, (released - referenceDate) / yearMs)) : 0
  const then = price * 2 ** years
  return Math.min(tierCount - 1, tierEnds.filter((end) => then > end).length + bonus)
}

export function assumedOf(facts: ArmFacts, { tiers }: Artefact): Float32Array {
  const tier = tierOf(facts)
  return tiers.slice(tier * cellCount, (tier + 1) * cellCount)
}
