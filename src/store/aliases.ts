/** Aliases: names that clients use and operators point at models. Whether targets exist is checked by the control plane. */
import type { Read, Write } from './database.ts'
import { boundedLimit, checkEdit, decodeCursor, NameTakenError, nextRevision, pageOf, type Edit, type Page, type PageRequest } from './edits.ts'
import type { AliasRow, ManagedBy } from './tables.ts'

export interface Alias {
  name: string
  org: string
  strategy: 'ordered' | 'weighted'
  targets: { model: string; weight: number }[]
  version: number
  revision: number
  managedBy: ManagedBy
  createdAt: number
  updatedAt: number
  /** True only in `changesSince`. */
  deleted: boolean
}

export type NewAlias = Pick<Alias, 'name' | 'org' | 'strategy' | 'targets'> & Partial<Pick<Alias, 'managedBy'>>
export type AliasPatch = Partial<Pick<Alias, 'strategy' | 'targets'>>

export const aliasFromRow = (row: AliasRow): Alias => ({
  name: row.name, org: row.org_id, strategy: row.strategy, targets: JSON.parse(row.targets) as Alias['targets'],
  version: row.version, revision: row.revision, managedBy: row.managed_by, createdAt: row.created_at, updatedAt: row.updated_at, deleted: row.deleted_at !== null,
})

/** Creates the alias, or revives a deleted one of that name. */
export async function createAlias(write: Write, alias: NewAlias): Promise<Alias> {
  const known = await write.kysely.selectFrom('alias').selectAll().where('org_id', '=', alias.org).where('name', '=', alias.name).executeTakeFirst()
  if (known !== undefined && known.deleted_at === null) throw new NameTakenError('alias', alias.name)
  const row: AliasRow = {
    name: alias.name, org_id: alias.org, strategy: alias.strategy, targets: JSON.stringify(alias.targets),
    version: (known?.version ?? 0) + 1, revision: await nextRevision(write), managed_by: alias.managedBy ?? 'api',
    created_at: known?.created_at ?? write.at, updated_at: write.at, deleted_at: null,
  }
  await write.kysely.insertInto('alias').values(row).onConflict((conflict) => conflict.columns(['org_id', 'name']).doUpdateSet(row)).execute()
  return aliasFromRow(row)
}

export async function findAlias({ kysely }: Read, org: string, name: string): Promise<Alias | null> {
  const row = await kysely.selectFrom('alias').selectAll().where('org_id', '=', org).where('name', '=', name).where('deleted_at', 'is', null).executeTakeFirst()
  return row === undefined ? null : aliasFromRow(row)
}

/** By name. */
export async function listAliases({ kysely }: Read, org: string, page: PageRequest): Promise<Page<Alias>> {
  const limit = boundedLimit(page.limit)
  let query = kysely.selectFrom('alias').selectAll().where('org_id', '=', org).where('deleted_at', 'is', null).orderBy('name').limit(limit + 1)
  if (page.cursor) query = query.where('name', '>', decodeCursor(page.cursor))
  return pageOf((await query.execute()).map(aliasFromRow), limit, (alias) => alias.name)
}

export async function updateAlias(write: Write, org: string, name: string, patch: AliasPatch, edit: Edit = {}): Promise<Alias | null> {
  const current = await findAlias(write, org, name)
  if (current === null) return null
  checkEdit(current, edit)
  return save(write, { ...current, ...patch, managedBy: edit.by ?? current.managedBy })
}

export async function deleteAlias(write: Write, org: string, name: string, edit: Edit = {}): Promise<Alias | null> {
  const current = await findAlias(write, org, name)
  if (current === null) return null
  checkEdit(current, edit)
  return save(write, { ...current, deleted: true })
}

async function save(write: Write, alias: Alias): Promise<Alias> {
  const changed = { version: alias.version + 1, revision: await nextRevision(write) }
  await write.kysely.updateTable('alias')
    .set({ strategy: alias.strategy, targets: JSON.stringify(alias.targets), managed_by: alias.managedBy, updated_at: write.at, deleted_at: alias.deleted ? write.at : null, ...changed })
    .where('org_id', '=', alias.org).where('name', '=', alias.name).execute()
  return { ...alias, ...changed, updatedAt: write.at }
}
