/**
 * Brings a database to the newest schema when it is opened, under a lock, so that processes that start together do it once.
 * A database that a newer version already expanded is left as it is: an older version keeps working on it (expand/contract).
 */
import { Migrator, type Migration } from 'kysely/migration'
import { sql, type Kysely } from 'kysely'
import { initial } from './migrations/0001-initial.ts'
import { ledger } from './migrations/0002-ledger.ts'
import { catalogue } from './migrations/0003-catalogue.ts'
import { governance } from './migrations/0004-governance.ts'
import { pieces } from './migrations/0005-pieces.ts'
import { storedResponses } from './migrations/0006-stored-responses.ts'
import { routing } from './migrations/0007-routing.ts'
import type { DatabaseKind, Tables } from './tables.ts'

export const migrations = (kind: DatabaseKind): Record<string, Migration> => ({
  '0001-initial': initial(kind),
  '0002-ledger': ledger(kind),
  '0003-catalogue': catalogue(kind),
  '0004-governance': governance(kind),
  '0005-pieces': pieces(kind),
  '0006-stored-responses': storedResponses(kind),
  '0007-routing': routing(kind),
})

/** Names of the migrations that this call ran. */
export async function migrate(kysely: Kysely<Tables>, kind: DatabaseKind): Promise<string[]> {
  const known = migrations(kind)
  const applied = await appliedMigrations(kysely)
  const missing = Object.keys(known).filter((name) => !applied.includes(name))
  if (missing.length === 0) return []
  const foreign = applied.filter((name) => known[name] === undefined)
  if (foreign.length > 0) {
    throw new Error(`The database was changed by another version of MegaRouter (${foreign.join(', ')}), which lacks ${missing.join(', ')}. Run the newest version on it.`)
  }
  const { error, results } = await new Migrator({ db: kysely, provider: { getMigrations: async () => known } }).migrateToLatest()
  // The code says whether waiting helps, as where another thread or process is at it.
  if (error instanceof Error) throw Object.assign(new Error(`The database could not be upgraded: ${error.message}`, { cause: error }), { code: (error as NodeJS.ErrnoException).code })
  if (error !== undefined) throw new Error(`The database could not be upgraded: ${String(error)}`)
  return (results ?? []).map((result) => result.migrationName)
}

async function appliedMigrations(kysely: Kysely<Tables>): Promise<string[]> {
  const tables = await kysely.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(kysely)
  return rows.map((row) => row.name)
}
