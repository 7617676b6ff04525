/** Changes of an update that wait for a person. One that the next update wants again stays one row; a rejected one does not come back until it is another change. */
import type { Change, ChangeKind } from '../catalog/guard.ts'
import type { Read, Write } from './database.ts'
import { boundedLimit, decodeCursor, pageOf, type Page, type PageRequest } from './edits.ts'
import { newId } from './ids.ts'
import type { CatalogChangeRow } from './tables.ts'

export interface HeldChange {
  id: string
  /** Of the catalogue that was made without it. */
  number: number
  vendor: string
  model: string
  kind: ChangeKind
  reason: string
  factor: number | null
  before: Change['before']
  after: Change['after']
  state: CatalogChangeRow['state']
  decidedBy: string | null
  decidedAt: number | null
  createdAt: number
}

const changeOf = (row: CatalogChangeRow): HeldChange => ({
  id: row.id, number: row.number, vendor: row.vendor, model: row.model, kind: row.kind as ChangeKind, reason: row.reason, factor: row.factor === null ? null : Number(row.factor),
  before: JSON.parse(row.before_value) as Change['before'], after: JSON.parse(row.after_value) as Change['after'],
  state: row.state, decidedBy: row.decided_by, decidedAt: row.decided_at, createdAt: row.created_at,
})

export async function listChanges({ kysely }: Read, state: HeldChange['state'], page: PageRequest): Promise<Page<HeldChange>> {
  const limit = boundedLimit(page.limit)
  let query = kysely.selectFrom('catalog_change').selectAll().where('state', '=', state).orderBy('id').limit(limit + 1)
  if (page.cursor) query = query.where('id', '>', decodeCursor(page.cursor))
  return pageOf((await query.execute()).map(changeOf), limit, (change) => change.id)
}

/** All that a person decided or has to decide on; with `version` or `ids` only those. */
export async function findChanges({ kysely }: Read, state: HeldChange['state'], which: { version?: string; ids?: readonly string[] } = {}): Promise<HeldChange[]> {
  let query = kysely.selectFrom('catalog_change').selectAll().where('state', '=', state).orderBy('id')
  if (which.version !== undefined) query = query.where('number', 'in', kysely.selectFrom('catalog_version').select('number').where('version', '=', which.version))
  if (which.ids !== undefined) query = query.where('id', 'in', [...which.ids])
  return (await query.execute()).map(changeOf)
}

export async function countHeld({ kysely }: Read): Promise<number> {
  const { count } = await kysely.selectFrom('catalog_change').select((e) => e.fn.countAll<number>().as('count')).where('state', '=', 'held').executeTakeFirstOrThrow()
  return Number(count)
}

const keyOf = ({ vendor, model, kind }: Pick<Change, 'vendor' | 'model' | 'kind'>): string => JSON.stringify([vendor, model, kind])

/** Makes the held changes exactly those of the newest update. Says how many are new. */
export async function replaceHeld(write: Write, number: number, held: readonly Change[], random: (bytes: number) => Uint8Array): Promise<number> {
  const present = await findChanges(write, 'held')
  const rejected = new Set((await findChanges(write, 'rejected')).map((change) => `${keyOf(change)} ${JSON.stringify(change.after)}`))
  const wanted = new Map(held.filter((change) => !rejected.has(`${keyOf(change)} ${JSON.stringify(change.after)}`)).map((change) => [keyOf(change), change]))
  const superseded: string[] = []
  for (const change of present) {
    const again = wanted.get(keyOf(change))
    if (again !== undefined && JSON.stringify(again.after) === JSON.stringify(change.after)) wanted.delete(keyOf(change))
    else superseded.push(change.id)
  }
  await setState(write, superseded, 'superseded', null)
  const rows = [...wanted.values()].map(({ vendor, model, kind, held: reason, factor, before, after }): CatalogChangeRow => ({
    id: newId('chg', Math.floor(write.at / 1000), random(16)), number, vendor, model, kind, reason: reason ?? '', factor: factor === null ? null : String(factor),
    before_value: JSON.stringify(before), after_value: JSON.stringify(after), state: 'held', decided_by: null, decided_at: null, created_at: write.at,
  }))
  for (let from = 0; from < rows.length; from += 500) await write.kysely.insertInto('catalog_change').values(rows.slice(from, from + 500)).execute()
  return wanted.size
}

export async function setState({ kysely, at }: Write, ids: readonly string[], state: HeldChange['state'], by: string | null): Promise<void> {
  for (let from = 0; from < ids.length; from += 500) {
    await kysely.updateTable('catalog_change').set({ state, decided_by: by, decided_at: at }).where('id', 'in', ids.slice(from, from + 500)).execute()
  }
}
