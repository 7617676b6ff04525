/**
 * The shape of `catalog.json`: one row per vendor × model, holding only what differs from the usual, so that a change of the
 * catalogue reads well as a diff. `checkArtefact` fails with the row's name when a file is damaged or of another format.
 */
import { usageClasses, type PriceCondition, type Prices, type UsageClass } from './price.ts'
import type { CatalogEntry } from './catalog.ts'

export const artefactFormat = 2

export interface Artefact {
  format: typeof artefactFormat
  version: string
  vendors: Record<string, Row[]>
}

/** Prices of the classes that the vendor prices apart; the others follow `expandPrices`. */
export type SparsePrices = Partial<Record<UsageClass, number>>

export interface Row {
  id: string
  model: string
  /** Left out where it equals `id`. */
  name?: string
  /** Left out for `chat`. */
  kind?: CatalogEntry['kind']
  context?: number
  output?: number
  /** For example `text,image>text`; left out for `text>text`. */
  modalities?: string
  tools?: true
  json?: true
  reasoning?: true
  open?: true
  released?: string
  deprecated?: true
  origin?: true
  /** The undated logical model that this dated one is the only known snapshot of. */
  snapshotOf?: string
  price?: SparsePrices
  tiers?: RowTier[]
  conditions?: RowCondition[]
}

export interface RowTier { above: number; price: SparsePrices }

/** A price list for some dates, hours or tier of service. `from` is an ISO date (midnight UTC) or instant. */
export interface RowCondition extends Pick<PriceCondition, 'clock' | 'serviceTier'> { from?: string; price: SparsePrices; tiers?: RowTier[] }

/** A class without a price of its own costs what its parent costs; one without a parent is free of charge. */
export function expandPrices(own: SparsePrices): Prices {
  const { input = 0, output = 0 } = own
  const cacheWrite5m = own.cacheWrite5m ?? input
  return {
    input, cacheRead: own.cacheRead ?? input, cacheWrite5m, cacheWrite1h: own.cacheWrite1h ?? cacheWrite5m,
    output, reasoning: own.reasoning ?? output,
    audioIn: own.audioIn ?? input, audioOut: own.audioOut ?? output, imageIn: own.imageIn ?? input, imageOut: own.imageOut ?? output,
    toolCalls: own.toolCalls ?? 0, requests: own.requests ?? 0,
  }
}

/** Leaves out the classes that cost what they would inherit. `input` and `output` always stay. */
export function condensePrices(prices: SparsePrices): SparsePrices {
  const condensed: SparsePrices = { input: prices.input ?? 0, output: prices.output ?? 0 }
  for (const name of usageClasses) {
    const own = prices[name]
    if (own !== undefined && own !== expandPrices(condensed)[name]) condensed[name] = own
  }
  return condensed
}

const classNames: ReadonlySet<string> = new Set(usageClasses)
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isOptional = (value: unknown, type: string): boolean => value === undefined || typeof value === type
const isPrices = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.entries(value).every(([name, price]) => classNames.has(name) && isCount(price))

function isRow(row: Row): boolean {
  return typeof row === 'object' && row !== null && typeof row.id === 'string' && typeof row.model === 'string'
    && isOptional(row.name, 'string') && isOptional(row.kind, 'string') && isOptional(row.modalities, 'string')
    && isOptional(row.released, 'string') && isOptional(row.snapshotOf, 'string')
    && isCount(row.context ?? 0) && isCount(row.output ?? 0)
    && (row.price === undefined || isPrices(row.price))
    && isTiers(row.tiers) && (row.conditions === undefined || (Array.isArray(row.conditions) && row.conditions.every(isCondition)))
}

const isTiers = (tiers: RowTier[] | undefined): boolean =>
  tiers === undefined || (Array.isArray(tiers) && tiers.every(tier => isCount(tier.above) && isPrices(tier.price)))

const isCondition = ({ from, clock, serviceTier, price, tiers }: RowCondition): boolean =>
  isPrices(price) && isTiers(tiers) && isOptional(serviceTier, 'string') && (from === undefined || /^\d{4}-\d\d-\d\d(T[\d:]+Z)?$/.test(from))
  && (clock === undefined || (Number.isInteger(clock.offsetMinutes) && clock.days.every(isCount) && clock.windows.every(window => window.every(isCount))))

export function checkArtefact(value: unknown): Artefact {
  const artefact = value as Artefact
  if (typeof value !== 'object' || value === null || artefact.format !== artefactFormat || typeof artefact.version !== 'string'
    || typeof artefact.vendors !== 'object' || artefact.vendors === null) {
    throw new Error(`Not a catalogue of format ${artefactFormat}. Compile it again: node scripts/compile-catalog.ts`)
  }
  for (const [vendor, rows] of Object.entries(artefact.vendors)) {
    if (!Array.isArray(rows)) throw new Error(`The catalogue's vendor ${vendor} has no list of models.`)
    const bad = rows.find(row => !isRow(row))
    if (bad !== undefined) throw new Error(`The catalogue's row of vendor ${vendor} is damaged: ${JSON.stringify(bad).slice(0, 200)}`)
  }
  return artefact
}
