/**
 * PostgreSQL under Kysely: a small pool per thread with a time limit on connecting and on every statement, so that a
 * database that hangs is an error within seconds and not a stuck thread. A commit is confirmed when it is on a disk.
 */
import pg from 'pg'
import { PostgresDialect } from 'kysely'
import { exactInteger, exactNumeric } from './integers.ts'

const connections = 4
const connectTimeoutMs = 5_000
export const statementTimeoutMs = 15_000

const { builtins } = pg.types

function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === builtins.INT8) return exactInteger
  if (oid === builtins.NUMERIC) return exactNumeric
  return pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text') as (value: string) => unknown
}

/** The journal's segments go on the word of a commit, which servers may be set to give before it is on a disk. */
const safeCommits = `select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') in ('off', 'local', 'remote_write')`
/** Those of the role or the database. */
const noTimeouts = `select set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false)`

/** `timeoutMs` null: statements take as long as they take. */
export function postgresDialect(databaseUrl: string, readonly: boolean, timeoutMs: number | null): PostgresDialect {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    // The server may be gone without a reset: then its own limit never answers.
    ...(timeoutMs === null ? {} : { statement_timeout: timeoutMs, query_timeout: timeoutMs + 2_000 }),
    keepAlive: true,
    // Awaited before the connection is used; one on which it fails is none.
    async onConnect(client) {
      await client.query(safeCommits)
      if (timeoutMs === null) await client.query(noTimeouts)
    },
    application_name: 'megarouter',
    types: { getTypeParser } as pg.CustomTypesConfig,
    ...(readonly ? { options: '-c default_transaction_read_only=on' } : {}),
  })
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool })
}
