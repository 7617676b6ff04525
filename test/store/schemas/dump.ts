/** Databases as SQL text and back, for the fixtures of landed schemas. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import pg from 'pg'
import { databaseFile, type SqliteHandle } from '../../../src/store/sqlite.ts'

function literal(value: unknown): string {
  if (value === null) return 'NULL'
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
}

export function dumpSqlite(handle: SqliteHandle): string {
  const objects = handle.prepare<[], { type: string; name: string; sql: string }>("select type, name, sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by type desc, rowid").all()
  const rows = objects.filter(({ type }) => type === 'table').flatMap(({ name }) =>
    handle.prepare<[], Record<string, unknown>>(`select * from "${name}"`).all().map((row) => `insert into "${name}" (${Object.keys(row).join(', ')}) values (${Object.values(row).map(literal).join(', ')});`))
  return ['pragma foreign_keys = off;', ...objects.map(({ sql }) => `${sql};`), ...rows, ''].join('\n')
}

export function loadSqlite(dataDir: string, text: string): void {
  mkdirSync(dataDir, { recursive: true })
  const handle = new BetterSqlite3(join(dataDir, databaseFile))
  handle.exec(text)
  handle.close()
}

/** Settings and psql commands are left out: they belong to the version of pg_dump, not to the schema. */
export function dumpPostgres(bin: string, url: string): string {
  const text = execFileSync(join(bin, 'pg_dump'), ['--inserts', '--no-owner', '--no-privileges', '--no-comments', url], { encoding: 'utf8' })
  return text.split('\n').filter((line) => !/^(--|SET |\\|$)/.test(line)).join('\n') + '\n'
}

export async function loadPostgres(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(text)
  await client.end()
}
