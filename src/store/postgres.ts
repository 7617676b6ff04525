/**
 * PostgreSQL under Kysely: a small pool per thread with a time limit on connecting and on every statement, so that a
 * database that hangs is an error within seconds and not a stuck thread.
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

export function postgresDialect(databaseUrl: string, readonly: boolean): PostgresDialect {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    // The server may be gone without a reset: then its own limit never answers.
    query_timeout: statementTimeoutMs + 2_000,
    keepAlive: true,
    application_name: 'megarouter',
    types: { getTypeParser } as pg.CustomTypesConfig,
    ...(readonly ? { options: '-c default_transaction_read_only=on' } : {}),
  })
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool })
}
