/**
 * The catalogues that took effect, newest first, each whole, compressed and with a digest, so that a damaged one is noticed and its
 * predecessor used. Also the history of prices, which is only appended, and what the nodes share of the feed's state.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzipSync, gzip } from 'node:zlib'
import { checkArtefact, serialise, type Artefact, type RowPrice } from '../catalog/artefact.ts'
import type { OperatorOverride } from '../catalog/operator.ts'
import type { Read, Write } from './database.ts'
import { boundedLimit, decodeCursor, nextRevision, pageOf, type Page, type PageRequest } from './edits.ts'
import type { CatalogVersionRow } from './tables.ts'

/** Of so many versions the artefact is kept; of older ones the record alone. */
const keptArtefacts = 10
const rowsPerInsert = 500
/** A compressed megabyte could hold a gigabyte. */
const largestArtefact = 64 * 1024 * 1024

export interface CatalogRecord {
  number: number
  version: string
  date: string
  /** What made it: the program's own, an update, or a person's decision on what was held back. */
  origin: CatalogVersionRow['origin']
  /** Address or file of the feed. */
  source: string
  appliedBy: string
  appliedAt: number
  summary: CatalogSummary
}

export interface CatalogSummary { added: number; withdrawn: number; returned: number; prices: number; limits: number; facts: number; held: number; unreadable: number }

const recordOf = (row: Omit<CatalogVersionRow, 'artefact' | 'digest'>): CatalogRecord => ({
  number: row.number, version: row.version, date: row.date, origin: row.origin, source: row.source, appliedBy: row.applied_by, appliedAt: row.applied_at, summary: JSON.parse(row.summary) as CatalogSummary,
})

const recordColumns = ['number', 'version', 'date', 'origin', 'source', 'applied_by', 'applied_at', 'summary'] as const

/** 0 before the first one. */
export async function newestCatalog({ kysely }: Read): Promise<number> {
  const row = await kysely.selectFrom('catalog_version').select('number').orderBy('number', 'desc').limit(1).executeTakeFirst()
  return row?.number ?? 0
}

export interface StoredCatalog { record: CatalogRecord; artefact: Artefact }

/** The newest one that is whole, with the numbers of newer ones that are not; null without any. One that is `known` by its version is not unpacked. */
export async function findCatalog({ kysely }: Read, known: Artefact): Promise<{ stored: StoredCatalog | null; damaged: { number: number; reason: string }[] }> {
  const damaged: { number: number; reason: string }[] = []
  const rows = await kysely.selectFrom('catalog_version').select(recordColumns).where('artefact', 'is not', null).orderBy('number', 'desc').execute()
  for (const about of rows) {
    if (about.version === known.version) return { stored: { record: recordOf(about), artefact: known }, damaged }
    const { number } = about
    const row = await kysely.selectFrom('catalog_version').selectAll().where('number', '=', number).executeTakeFirstOrThrow()
    try {
      return { stored: { record: recordOf(row), artefact: opened(row) }, damaged }
    } catch (error) {
      damaged.push({ number, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { stored: null, damaged }
}

function opened({ artefact, digest, version }: CatalogVersionRow): Artefact {
  if (artefact === null) throw new Error('it is no longer kept')
  if (!createHash('sha256').update(artefact).digest().equals(digest)) throw new Error('its digest differs')
  const read = checkArtefact(JSON.parse(gunzipSync(artefact, { maxOutputLength: largestArtefact }).toString()))
  if (read.version !== version) throw new Error('it holds another version')
  return read
}

const compress = promisify(gzip)

export interface PackedCatalog { artefact: Artefact; bytes: Uint8Array }

/** Outside of a transaction, since it takes some 30 ms. */
export const packCatalog = async (artefact: Artefact): Promise<PackedCatalog> => ({ artefact, bytes: await compress(serialise(artefact), { level: 6 }) })

export async function addCatalog(write: Write, { artefact, bytes }: PackedCatalog, about: Pick<CatalogRecord, 'origin' | 'source' | 'appliedBy' | 'summary'>): Promise<CatalogRecord> {
  const number = await newestCatalog(write) + 1
  const { version, date } = artefact
  const row = {
    number, version, date, origin: about.origin, source: about.source.slice(0, 2_048), applied_by: about.appliedBy.slice(0, 256), applied_at: write.at, summary: JSON.stringify(about.summary),
    digest: createHash('sha256').update(bytes).digest(), artefact: bytes,
  }
  await write.kysely.insertInto('catalog_version').values(row).execute()
  await write.kysely.updateTable('catalog_version').set({ artefact: null }).where('number', '<=', number - keptArtefacts).where('artefact', 'is not', null).execute()
  return recordOf(row)
}

/** Newest first. */
export async function listCatalogs({ kysely }: Read, page: PageRequest): Promise<Page<CatalogRecord>> {
  const limit = boundedLimit(page.limit)
  let query = kysely.selectFrom('catalog_version').select(recordColumns).orderBy('number', 'desc').limit(limit + 1)
  if (page.cursor) query = query.where('number', '<', Number(decodeCursor(page.cursor)))
  return pageOf((await query.execute()).map(recordOf), limit, (record) => String(record.number))
}

export interface PricePoint { vendor: string; model: string; validFrom: number; version: string; price: RowPrice }

/** `before` is what held until now: it is written where the history has nothing of the model yet, as of `since`. */
export async function appendPrices(write: Write, version: string, changes: readonly { vendor: string; model: string; before: RowPrice | null; after: RowPrice }[], previous: { version: string; since: number }): Promise<void> {
  if (changes.length === 0) return
  const known = new Set<string>()
  for (const vendor of new Set(changes.map((change) => change.vendor))) {
    for (const row of await write.kysely.selectFrom('catalog_price').select('model').distinct().where('vendor', '=', vendor).execute()) known.add(`${vendor}/${row.model}`)
  }
  const rows = changes.flatMap(({ vendor, model, before, after }) => [
    ...before !== null && !known.has(`${vendor}/${model}`) ? [{ vendor, model, valid_from: Math.min(previous.since, write.at - 1), version: previous.version, price: JSON.stringify(before) }] : [],
    { vendor, model, valid_from: write.at, version, price: JSON.stringify(after) },
  ])
  for (let from = 0; from < rows.length; from += rowsPerInsert) await write.kysely.insertInto('catalog_price').values(rows.slice(from, from + rowsPerInsert)).execute()
}

/** Oldest first, by vendor. `model` is the vendor's id of it. */
export async function priceHistory({ kysely }: Read, models: readonly { vendor: string; model: string }[]): Promise<PricePoint[]> {
  const names = new Set(models.map(({ vendor, model }) => `${vendor}/${model}`))
  if (names.size === 0) return []
  const rows = await kysely.selectFrom('catalog_price').selectAll().where('model', 'in', [...new Set(models.map(({ model }) => model))]).orderBy('vendor').orderBy('model').orderBy('valid_from').execute()
  return rows.filter(({ vendor, model }) => names.has(`${vendor}/${model}`))
    .map(({ vendor, model, valid_from: validFrom, version, price }) => ({ vendor, model, validFrom, version, price: JSON.parse(price) as RowPrice }))
}

export interface CatalogState {
  overrides: OperatorOverride[]
  /** When the feed of the configuration was last asked (epoch µs), why that failed, and how often in a row. */
  checkedAt: number | null
  checkError: string | null
  failures: number
}

export async function catalogState({ kysely }: Read): Promise<CatalogState> {
  const row = await kysely.selectFrom('catalog_state').selectAll().where('id', '=', 1).executeTakeFirstOrThrow()
  return { overrides: JSON.parse(row.overrides) as OperatorOverride[], checkedAt: row.checked_at, checkError: row.check_error, failures: row.failures }
}

export async function setCatalogOverrides(write: Write, overrides: readonly OperatorOverride[]): Promise<void> {
  const next = JSON.stringify(overrides)
  const { numUpdatedRows } = await write.kysely.updateTable('catalog_state').set({ overrides: next }).where('id', '=', 1).where('overrides', '!=', next).executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) await nextRevision(write)
}

/** Whether the caller is the one who looks at the feed now: nodes share one turn. */
export async function claimCheck({ kysely }: Read, at: number, dueBefore: number): Promise<boolean> {
  const { numUpdatedRows } = await kysely.updateTable('catalog_state').set({ checked_at: at }).where('id', '=', 1)
    .where((e) => e.or([e('checked_at', 'is', null), e('checked_at', '<=', dueBefore)])).executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

export async function noteCheck({ kysely }: Read, at: number, error: string | null): Promise<void> {
  await kysely.updateTable('catalog_state').set((e) => ({ checked_at: at, check_error: error?.slice(0, 1_000) ?? null, failures: error === null ? 0 : e('failures', '+', 1) })).where('id', '=', 1).execute()
}
