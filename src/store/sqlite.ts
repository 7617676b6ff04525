/**
 * The embedded database: better-sqlite3 under Kysely, one connection per thread. Write transactions take the lock when they
 * begin, because a read transaction that turns into a write one is refused at once when another process wrote meanwhile.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite3 from 'better-sqlite3'
import { CompiledQuery, SqliteAdapter, SqliteDialect, SqliteDriver, type DatabaseConnection, type SqliteDatabase, type SqliteStatement } from 'kysely'
import { exactInteger } from './integers.ts'

export type SqliteHandle = BetterSqlite3.Database

export const databaseFile = 'megarouter.db'

const busyTimeoutMs = 5_000
const lockRetryMs = 5
/** Prepared statements kept per connection; the texts are few, since lists are sent in fixed sizes or as JSON. */
const statementCacheSize = 500

export function openSqlite(dataDir: string, readonly: boolean): SqliteHandle {
  const file = join(dataDir, databaseFile)
  if (readonly && !existsSync(file)) throw new Error(`There is no database in ${dataDir}. Start MegaRouter once, or set MEGAROUTER_DATA_DIR to its data directory.`)
  if (!readonly) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    closeSync(openSync(file, 'a', 0o600))
    chmodSync(file, 0o600)
  }
  const handle = new BetterSqlite3(file, { readonly, timeout: busyTimeoutMs })
  handle.pragma('foreign_keys = ON')
  handle.pragma('trusted_schema = OFF')
  if (!readonly) {
    handle.pragma('journal_mode = WAL')
    // A commit survives the machine: the journal's segments are released on its word.
    handle.pragma('synchronous = FULL')
    handle.pragma('journal_size_limit = 67108864')
  }
  handle.defaultSafeIntegers(true)
  return handle
}

/** Integers leave the driver as bigints, so that one beyond 2^53 is an error and not a rounded amount of money. */
function exactRow(row: Record<string, unknown>): Record<string, unknown> {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'bigint') row[name] = exactInteger(value)
  }
  return row
}

class Statement implements SqliteStatement {
  #statement: BetterSqlite3.Statement<unknown[], Record<string, unknown>>
  readonly reader: boolean
  /** Then each parameter goes into a column, whose type makes the integer of it again: all tables are strict. */
  readonly #insertsValues: boolean
  constructor(statement: BetterSqlite3.Statement<unknown[], Record<string, unknown>>, text: string) {
    this.#statement = statement
    this.#insertsValues = onlyValues.test(text)
    this.reader = statement.reader
  }
  all(parameters: readonly unknown[]): unknown[] {
    const rows = this.#statement.all(...bindable(parameters))
    for (const row of rows) exactRow(row)
    return rows
  }
  run(parameters: readonly unknown[]): BetterSqlite3.RunResult {
    return this.#statement.run(this.#insertsValues ? parameters : bindable(parameters))
  }
  * iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    for (const row of this.#statement.iterate(...bindable(parameters))) yield exactRow(row)
  }
}

/** `?` is all that its rows are made of. */
const onlyValues = /^insert into \w+ \([\w,]+\) values [(?,)]+ on conflict/

/** Integers are bound as integers: the driver binds a number as a float, and `at / 3600` would then divide fractionally. */
const bindable = (parameters: readonly unknown[]): unknown[] =>
  parameters.map((value) => (typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value))

function cachingDatabase(handle: SqliteHandle): SqliteDatabase {
  const cache = new Map<string, Statement>()
  return {
    close: () => void handle.close(),
    prepare(text) {
      const cached = cache.get(text)
      if (cached !== undefined) return cached
      const statement = new Statement(handle.prepare<unknown[], Record<string, unknown>>(text), text)
      if (cache.size >= statementCacheSize) cache.clear()
      cache.set(text, statement)
      return statement
    },
  }
}

class ImmediateDriver extends SqliteDriver {
  #handle: SqliteHandle
  #begin: CompiledQuery
  constructor(handle: SqliteHandle, database: SqliteDatabase) {
    super({ database })
    this.#handle = handle
    this.#begin = CompiledQuery.raw(handle.readonly ? 'begin' : 'begin immediate')
  }
  /** Waits for the lock without blocking the thread: its holder may be another connection of the same thread. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += lockRetryMs) {
      this.#handle.pragma('busy_timeout = 0')
      try {
        await connection.executeQuery(this.#begin)
        return
      } catch (error) {
        if (!isBusy(error) || waitedMs >= busyTimeoutMs) throw error
      } finally {
        this.#handle.pragma(`busy_timeout = ${busyTimeoutMs}`)
      }
      await sleep(lockRetryMs)
    }
  }
  /** A full disk has already rolled back; an error of a second rollback would hide why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#handle.inTransaction) await super.rollbackTransaction(connection)
  }
}

const isBusy = (error: unknown): boolean => error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY')

/** With an immediate transaction a migration is atomic, and its write lock keeps other processes out. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

export class EmbeddedDialect extends SqliteDialect {
  #handle: SqliteHandle
  #database: SqliteDatabase
  constructor(handle: SqliteHandle) {
    const database = cachingDatabase(handle)
    super({ database })
    this.#handle = handle
    this.#database = database
  }
  override createDriver(): ImmediateDriver {
    return new ImmediateDriver(this.#handle, this.#database)
  }
  override createAdapter(): TransactionalAdapter {
    return new TransactionalAdapter()
  }
}
