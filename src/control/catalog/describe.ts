/** Entries, records, changes and histories as the admin API and the command line show them. */
import type { z } from '@hono/zod-openapi'
import type { Artefact } from '../../catalog/artefact.ts'
import type { Catalog, CatalogEntry } from '../../catalog/catalog.ts'
import { priceOf } from '../../catalog/guard.ts'
import type { PriceList } from '../../catalog/price.ts'
import { priceHistory, type CatalogRecord, type PricePoint } from '../../store/catalog.ts'
import type { HeldChange } from '../../store/catalog-changes.ts'
import type { Read } from '../../store/database.ts'
import { iso, isoOrNull } from '../schema.ts'
import type { entrySchema, heldSchema, recordSchema } from './schema.ts'

export const describeRecord = ({ number, version, date, origin, source, appliedBy, appliedAt, summary }: CatalogRecord): z.infer<typeof recordSchema> =>
  ({ number, version, date, origin, source, applied_by: appliedBy, applied_at: iso(appliedAt), summary })

export const describeHeld = ({ id, number, vendor, model, kind, reason, factor, before, after, state, decidedBy, decidedAt, createdAt }: HeldChange): z.infer<typeof heldSchema> =>
  ({ id, number, vendor, model, kind, factor, before: before as Record<string, unknown> | null, after: after as Record<string, unknown> | null, reason, state, decided_by: decidedBy, decided_at: isoOrNull(decidedAt), created_at: iso(createdAt) })

const orNull = (text: string): string | null => (text === '' ? null : text)
const listOf = ({ base, tiers }: PriceList) => ({ prices: { ...base }, tiers: tiers.map(({ aboveInputTokens, prices }) => ({ above_input_tokens: aboveInputTokens, prices: { ...prices } })) })

export const describeEntry = (entry: CatalogEntry): z.infer<typeof entrySchema> => ({
  vendor: entry.vendor, model: entry.upstreamModel, logical_model: entry.logicalModel, name: entry.displayName, kind: entry.kind,
  context_tokens: entry.contextTokens, output_tokens: entry.outputTokens, input_tokens: entry.inputTokens,
  input_modalities: [...entry.inputModalities], output_modalities: [...entry.outputModalities],
  capabilities: entry.capabilitiesKnown ? { tools: entry.toolCalls, structured_output: entry.structuredOutput, reasoning: entry.reasoning } : null,
  open_weights: entry.openWeights, origin: entry.origin, deprecated: entry.deprecated,
  released_on: orNull(entry.releasedOn), updated_on: orNull(entry.updatedOn), knowledge_cutoff: orNull(entry.knowledgeCutoff), withdrawn_on: orNull(entry.withdrawnOn),
  region: orNull(entry.region), retention: orNull(entry.retention), source: entry.source,
  price: entry.price === null ? null : {
    version: entry.price.version, ...listOf(entry.price),
    conditions: (entry.price.conditions ?? []).map(({ fromMs, clock, serviceTier, ...list }) => ({
      ...listOf(list), from: fromMs === undefined ? null : iso(fromMs * 1000), service_tier: serviceTier ?? null,
      clock: clock === undefined ? null : { offset_minutes: clock.offsetMinutes, days: [...clock.days], windows: clock.windows.map((window) => [...window]) },
    })),
  },
})

export interface EntryFilters { vendor?: string | undefined; search?: string | undefined; kind?: string | undefined; priced?: 'true' | 'false' | undefined; deprecated?: 'true' | 'false' | undefined }

export const entryKey = ({ vendor, upstreamModel }: CatalogEntry): string => `${vendor}/${upstreamModel}`

/** In the order of their keys. */
export function filterEntries({ entries }: Catalog, { vendor, search = '', kind, priced, deprecated }: EntryFilters): CatalogEntry[] {
  const wanted = search.toLowerCase()
  return entries.filter((entry) => (vendor === undefined || entry.vendor === vendor) && (kind === undefined || entry.kind === kind)
    && (priced === undefined || (entry.price !== null) === (priced === 'true')) && (deprecated === undefined || entry.deprecated === (deprecated === 'true'))
    && [entry.logicalModel, entry.upstreamModel, entry.displayName].some((name) => name.toLowerCase().includes(wanted)))
    .sort((a, b) => (entryKey(a) < entryKey(b) ? -1 : 1))
}

/** Entries of a logical name, or the one of `vendor/model`. */
export function entriesOf(catalog: Catalog, name: string): readonly CatalogEntry[] {
  const slash = name.indexOf('/')
  const one = slash > 0 ? catalog.find(name.slice(0, slash), name.slice(slash + 1)) : undefined
  return one === undefined ? catalog.logical(name) : [one]
}

export interface History { vendor: string; model: string; points: (Omit<PricePoint, 'vendor' | 'model' | 'validFrom'> & { validFrom: number | null })[] }

/** The catalogue's prices over time, without the operator's overrides; a model whose price never changed here has one point. */
export async function historyOf(read: Read, catalog: Catalog, artefact: Artefact, name: string): Promise<History[]> {
  const models = entriesOf(catalog, name).map(({ vendor, upstreamModel }) => ({ vendor, model: upstreamModel }))
  const points = Map.groupBy(await priceHistory(read, models), ({ vendor, model }) => `${vendor}/${model}`)
  return models.map(({ vendor, model }) => {
    const own = points.get(`${vendor}/${model}`)
    const row = artefact.vendors[vendor]?.find((each) => each.id === model)
    return { vendor, model, points: own ?? [{ validFrom: null, version: artefact.version, price: row === undefined ? {} : priceOf(row) }] }
  })
}
