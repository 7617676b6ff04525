/**
 * Opens the one run-time truth: SQLite in the data directory, or PostgreSQL. Other parts hold the `Database` as an opaque handle
 * and pass it to the functions of this folder. Opening fails with a clear error when the database can't be reached or is too new.
 */
import { Kysely, sql, type Transaction } from 'kysely'
import { migrate } from './migrate.ts'
import { postgresDialect, statementTimeoutMs } from './postgres.ts'
import { EmbeddedDialect, openSqlite, type SqliteHandle } from './sqlite.ts'
import type { DatabaseKind, Tables } from './tables.ts'

export interface DatabaseSettings {
  /** `postgres://…`, or null for the embedded database in `dataDir`. */
  databaseUrl: string | null
  dataDir: string
  /** Refuses writes and does not upgrade the schema. */
  readonly?: boolean
}

export interface Database {
  readonly kind: DatabaseKind
  readonly dataDir: string
  readonly kysely: Kysely<Tables>
  /** The driver's own handle, for the online backup; null on PostgreSQL. */
  readonly sqlite: SqliteHandle | null
  close(): Promise<void>
}

/** What a reading function needs: the database, or a transaction of it. */
export type Read = Pick<Database, 'kind' | 'kysely'>

/** What a writing function needs: a transaction, and the instant (epoch µs) that its rows are stamped with. */
export interface Write {
  readonly kind: DatabaseKind
  readonly kysely: Transaction<Tables>
  readonly at: number
}

/** `timeoutMs`: of a statement, for tests. */
export async function openDatabase({ databaseUrl, dataDir, readonly = false }: DatabaseSettings, timeoutMs: number = statementTimeoutMs): Promise<Database> {
  const kind = databaseUrl === null ? 'sqlite' : 'postgres'
  const sqlite = databaseUrl === null ? openSqlite(dataDir, readonly) : null
  const dialect = sqlite === null ? postgresDialect(databaseUrl ?? '', readonly, timeoutMs) : new EmbeddedDialect(sqlite)
  const kysely = new Kysely<Tables>({ dialect })
  try {
    if (readonly) await ping({ kysely })
    else if (databaseUrl === null) await migrate(kysely, kind)
    else await upgrade(databaseUrl)
  } catch (error) {
    await kysely.destroy()
    throw error
  }
  return { kind, dataDir, kysely, sqlite, close: () => kysely.destroy() }
}

/** On connections of its own: the tables may be large, and another process may be at it. */
async function upgrade(databaseUrl: string): Promise<void> {
  const kysely = new Kysely<Tables>({ dialect: postgresDialect(databaseUrl, false, null) })
  try {
    await migrate(kysely, 'postgres')
  } finally {
    await kysely.destroy()
  }
}

/** Rejects when the database does not answer. */
export async function ping({ kysely }: Pick<Database, 'kysely'>): Promise<void> {
  await sql`select 1`.execute(kysely)
}

/**
 * One edit of the operator's data, all or nothing. Edits run one after another in all processes (the write lock of SQLite, the row of
 * `revision` on PostgreSQL), so that what an edit read is still true when it writes. `at` is the present, epoch µs.
 */
export async function transaction<Result>({ kind, kysely }: Database, at: number, work: (write: Write) => Promise<Result>): Promise<Result> {
  return kysely.transaction().execute(async (transaction) => {
    if (kind === 'postgres') await transaction.selectFrom('revision').select('value').forUpdate().execute()
    return work({ kind, kysely: transaction, at })
  })
}
