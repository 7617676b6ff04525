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
  inputModalities: readonly Modality[]
  outputModalities: readonly Modality[]
  toolCalls: boolean
  structuredOutput: boolean
  reasoning: boolean
  openWeights: boolean
  /** ISO dates, empty where unknown. */
  releasedOn: string
  deprecated: boolean
  /** Null: the price is not known. It is never taken as 0. */
  price: PriceVector | null
  /** True where this vendor made the model: it is tried first for the logical name. */
  origin: boolean
}

export interface Catalog {
  /** For example `models-dev-2026-07-02`. */
  version: string
  entries: readonly CatalogEntry[]
  /** Exact look-up by vendor and upstream id. */
  find(vendor: string, upstreamModel: string): CatalogEntry | undefined
  /** All entries of a logical model: vendor of origin first, then current before deprecated, priced before unpriced, cheaper first. */
  logical(name: string): readonly CatalogEntry[]
  /** Up to `count` logical names nearest to a misspelt one, of those that `accept` takes. Off the hot path: it scans. */
  nearest(name: string, count: number, accept?: (logicalModel: string) => boolean): string[]
}
