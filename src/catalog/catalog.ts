/**
 * What the gateway knows about models: one entry per vendor × model, compiled from dated, licensed data sets
 * into `catalog.json` by `scripts/compile-catalog.ts`. Loaded once per thread; immutable afterwards.
 */
import type { PriceVector } from './price.ts'

export type Modality = 'text' | 'image' | 'audio' | 'video' | 'pdf' | 'embedding'

export interface CatalogEntry {
  /** Vendor id as in `src/providers/`. */
  vendor: string
  /** The id the vendor's API takes. */
  upstreamModel: string
  /** The vendor-independent name that clients may use, for example `gpt-5.1`. */
  logicalModel: string
  displayName: string
  kind: 'chat' | 'completion' | 'embedding' | 'image' | 'audio' | 'rerank' | 'moderation' | 'video'
  /** Tokens; 0 where unknown. */
  contextTokens: number
  outputTokens: number
  /** Most tokens of a prompt: the context, where the vendor sets no lower bound. */
  inputTokens: number
  inputModalities: readonly Modality[]
  outputModalities: readonly Modality[]
  /** False: it is not known what the model can do, and the next three say nothing. */
  capabilitiesKnown: boolean
  toolCalls: boolean
  structuredOutput: boolean
  reasoning: boolean
  openWeights: boolean
  /** ISO dates, empty where unknown. */
  releasedOn: string
  updatedOn: string
  /** Until when it was trained, `2025-08` or `2025-08-31`; empty where unknown. */
  knowledgeCutoff: string
  deprecated: boolean
  /** ISO date on which its source no longer listed it; empty while it does. */
  withdrawnOn: string
  /** Where requests are processed and how long they are kept, as far as a source says so; empty where unknown. */
  region: string
  retention: string
  /** Who says what it costs: `models.dev`, `genai-prices`, or `operator`. */
  source: string
  /** Null: the price is not known. It is never taken as 0. */
  price: PriceVector | null
  /** True where this vendor made the model: it is tried first for the logical name. */
  origin: boolean
}

export interface Catalog {
  /** For example `catalog-2026-11-22.1f0c9a3e`: the newest date in it and a digest of its content. */
  version: string
  /** ISO date of the newest source. */
  date: string
  entries: readonly CatalogEntry[]
  /** Exact look-up by vendor and upstream id. */
  find(vendor: string, upstreamModel: string): CatalogEntry | undefined
  /** All entries of a logical model: vendor of origin first, then current before deprecated, priced before unpriced, cheaper first. */
  logical(name: string): readonly CatalogEntry[]
  /** Up to `count` logical names nearest to a misspelt one, of those that `accept` takes. Off the hot path: it scans. */
  nearest(name: string, count: number, accept?: (logicalModel: string) => boolean): string[]
}
