/**
 * The shape of `catalog.json`: one row per vendor × model, holding only what differs from the usual, so that a change of the
 * catalogue reads well as a diff. `checkArtefact` fails with the row's name when a file is damaged or of another format.
 */
import { createHash } from 'node:crypto'
import { usageClasses, type PriceCondition, type Prices, type UsageClass } from './price.ts'
import type { CatalogEntry } from './catalog.ts'

export const artefactFormat = 3

export interface Artefact {
  format: typeof artefactFormat
  /** Names the content: equal versions are equal catalogues, so that a version on a usage row identifies its price. */
  version: string
  /** ISO date of the newest source: of two catalogues the later one is the newer. */
  date: string
  /** Name and date of what it was made from. */
  sources: Record<string, string>
  /** What holds for all models of a vendor, where a page of the vendor says so. */
  facts: Record<string, VendorFacts>
  vendors: Record<string, Row[]>
}

export interface VendorFacts {
  /** Where requests are processed: ISO country codes, or a name of the vendor's. */
  region?: string
  /** How long the vendor keeps what a request says, in its own words shortened. */
  retention?: string
  source: string
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
  /** Most tokens of a prompt, where that is less than the context. */
  input?: number
  /** For example `text,image>text`; left out for `text>text`. */
  modalities?: string
  tools?: true
  json?: true
  reasoning?: true
  open?: true
  released?: string
  /** When the source last changed its facts, where later than the release. */
  updated?: string
  /** The end of what it was trained on: `2025-08` or `2025-08-31`. */
  knowledge?: string
  deprecated?: true
  /** ISO date on which its source no longer had it. It keeps its last price, so that what still runs is priced. */
  withdrawn?: string
  origin?: true
  /** What the model can do is not known: `tools`, `json` and `reasoning` say nothing. */
  unknown?: true
  /** Who prices it; left out for models.dev. */
  source?: string
  /** Where a request is processed, as far as the id says so: `us`, `eu`, `global`. */
  region?: string
  /** The undated logical model that this dated one is the only known snapshot of. */
  snapshotOf?: string
  price?: SparsePrices
  tiers?: RowTier[]
  conditions?: RowCondition[]
  /** Of an operator's own price; left out where it is the catalogue's. */
  priceVersion?: string
  /** The prices that a person last saw, or a release shipped with, where updates have moved them since: what bounds the next update too. */
  reviewed?: RowPrice
}

/** All that decides what a request costs. */
export type RowPrice = Pick<Row, 'price' | 'tiers' | 'conditions'>

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
    images: own.images ?? 0, audioMs: own.audioMs ?? 0, characters: own.characters ?? 0, searches: own.searches ?? 0,
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

const kinds: ReadonlySet<string> = new Set<CatalogEntry['kind']>(['chat', 'completion', 'embedding', 'image', 'audio', 'rerank', 'moderation', 'video'])
const classNames: ReadonlySet<string> = new Set(usageClasses)
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isOptional = (value: unknown, type: string): boolean => value === undefined || typeof value === type
const isPrices = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.entries(value).every(([name, price]) => classNames.has(name) && isCount(price))

function isRow(row: Row): boolean {
  return typeof row === 'object' && row !== null && typeof row.id === 'string' && typeof row.model === 'string'
    && isOptional(row.name, 'string') && (row.kind === undefined || kinds.has(row.kind)) && isOptional(row.modalities, 'string')
    && ([row.released, row.updated, row.knowledge, row.withdrawn, row.snapshotOf, row.source, row.region, row.priceVersion]).every(value => isOptional(value, 'string'))
    && isCount(row.context ?? 0) && isCount(row.output ?? 0) && isCount(row.input ?? 0)
    && (row.price === undefined || isPrices(row.price))
    && isTiers(row.tiers) && (row.conditions === undefined || (Array.isArray(row.conditions) && row.conditions.every(isCondition)))
}

const isTiers = (tiers: RowTier[] | undefined): boolean =>
  tiers === undefined || (Array.isArray(tiers) && tiers.every(tier => isCount(tier.above) && isPrices(tier.price)))

const isCondition = ({ from, clock, serviceTier, price, tiers }: RowCondition): boolean =>
  isPrices(price) && isTiers(tiers) && isOptional(serviceTier, 'string') && (from === undefined || /^\d{4}-\d\d-\d\d(T[\d:]+Z)?$/.test(from))
  && (clock === undefined || (Number.isInteger(clock.offsetMinutes) && clock.days.every(isCount) && clock.windows.every(window => window.every(isCount))))

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

export function checkArtefact(value: unknown): Artefact {
  const artefact = value as Artefact
  if (typeof value !== 'object' || value === null || artefact.format !== artefactFormat || typeof artefact.version !== 'string'
    || !isObject(artefact.vendors) || !isObject(artefact.sources) || !isObject(artefact.facts) || !/^\d{4}-\d\d-\d\d$/.test(artefact.date)) {
    throw new Error(`Not a catalogue of format ${artefactFormat}. Compile it again: node scripts/compile-catalog.ts`)
  }
  for (const [vendor, rows] of Object.entries(artefact.vendors)) {
    if (!Array.isArray(rows)) throw new Error(`The catalogue's vendor ${vendor} has no list of models.`)
    const bad = rows.find(row => !isRow(row))
    if (bad !== undefined) throw new Error(`The catalogue's row of vendor ${vendor} is damaged: ${JSON.stringify(bad).slice(0, 200)}`)
  }
  return artefact
}

/** One line per entry, so that a change of the catalogue is read as a diff. */
export function serialise({ format, version, date, sources, facts, vendors }: Artefact): string {
  const blocks = Object.entries(vendors).map(([vendor, rows]) => `${JSON.stringify(vendor)}: [\n${rows.map(row => JSON.stringify(row)).join(',\n')}\n]`)
  const head = `"format": ${format}, "version": ${JSON.stringify(version)}, "date": ${JSON.stringify(date)}, "sources": ${JSON.stringify(sources)}`
  return `{${head}, "facts": ${JSON.stringify(facts)}, "vendors": {\n${blocks.join(',\n')}\n}}\n`
}

/** The artefact under the version that its content and date give it. */
export function versioned(artefact: Omit<Artefact, 'format' | 'version'>): Artefact {
  const { date, sources, facts, vendors } = artefact
  const hash = createHash('sha256').update(JSON.stringify([facts, vendors])).digest('hex').slice(0, 8)
  return { format: artefactFormat, version: `catalog-${date}.${hash}`, date, sources, facts, vendors }
}
