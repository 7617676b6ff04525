import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite3 from 'better-sqlite3'
import { sql } from 'kysely'
import pg from 'pg'
import { openDatabase, type Database } from '../../src/store/database.ts'
import { migrations } from '../../src/store/migrate.ts'
import { isTransient } from '../../src/store/save.ts'
import { databaseFile } from '../../src/store/sqlite.ts'
import type { DatabaseKind } from '../../src/store/tables.ts'
import { temporaryDirectory } from './databases.ts'
import { findPostgres, startPostgres, type Postgres } from './postgres.ts'
import { loadPostgres, loadSqlite } from './schemas/dump.ts'
import { fill, verify } from './schemas/installation.ts'

const fixtures = join(import.meta.dirname, 'schemas')
const fixture = (name: string, kind: DatabaseKind): string => join(fixtures, `${name}.${kind}.sql`)
const names = (kind: DatabaseKind): string[] => Object.keys(migrations(kind))

/** Tables, columns and indexes, in words that can be compared. */
async function schemaOf({ kysely, kind }: Database): Promise<string[]> {
  const tables = await kysely.introspection.getTables()
  const columns = tables.flatMap(({ name, columns: list }) => list.map((column) => `${name}.${column.name} ${column.dataType} ${column.isNullable}`))
  const { rows } = kind === 'sqlite'
    ? await sql<{ text: string }>`select coalesce(sql, name) as text from sqlite_master where type = 'index'`.execute(kysely)
    : await sql<{ text: string }>`select indexdef as text from pg_indexes where schemaname = 'public'`.execute(kysely)
  return [...columns, ...rows.map(({ text }) => text)].sort()
}

/** Keeps others from writing until what is returned is called. */
async function holdSqlite(dataDir: string): Promise<() => Promise<void>> {
  const handle = new BetterSqlite3(join(dataDir, databaseFile))
  handle.pragma('journal_mode = WAL')
  handle.exec('begin immediate')
  return async () => void handle.close()
}

async function holdPostgres(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin; lock table usage in access exclusive mode')
  return () => client.end()
}

test('every landed migration has its fixtures for both databases', () => {
  for (const kind of ['sqlite', 'postgres'] as const) for (const name of names(kind)) assert.ok(existsSync(fixture(name, kind)), `run test/store/schemas/make.ts for ${name}`)
  assert.deepEqual(names('sqlite'), names('postgres'))
})

function suite(kind: DatabaseKind, emptyUrl: () => Promise<string | null>): void {
  const load = async (t: TestContext, text: string | null, timeoutMs?: number) => {
    const directory = temporaryDirectory()
    const databaseUrl = await emptyUrl()
    if (text !== null) {
      if (databaseUrl === null) loadSqlite(directory.path, text)
      else await loadPostgres(databaseUrl, text)
    }
    const opened: Database[] = []
    t.after(async () => {
      for (const database of opened) await database.close()
      directory.remove()
    })
    const open = async (): Promise<Database> => {
      const database = await openDatabase({ databaseUrl, dataDir: directory.path }, timeoutMs)
      opened.push(database)
      return database
    }
    return Object.assign(open, { hold: () => (databaseUrl === null ? holdSqlite(directory.path) : holdPostgres(databaseUrl)) })
  }

  for (const name of names(kind)) {
    test(`an installation of schema ${name} is upgraded with all its rows, to the same schema as a new one`, async (t) => {
      const upgraded = await (await load(t, readFileSync(fixture(name, kind), 'utf8')))()
      await verify(upgraded, name)
      const fresh = await (await load(t, null))()
      assert.deepEqual(await schemaOf(upgraded), await schemaOf(fresh))
      await fill(fresh)
      await verify(fresh, names(kind).at(-1)!)
    })
  }

  test('processes that start together upgrade once', async (t) => {
    const open = await load(t, null)
    const databases = await Promise.all([open(), open(), open()])
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(databases[0]!.kysely)
    assert.deepEqual(rows.map((row) => row.name), names(kind))
  })

  test('an upgrade waits for others that use the tables, however long they take, and so do those who would upgrade as well', async (t) => {
    const open = await load(t, readFileSync(fixture('0001-initial', kind), 'utf8'), kind === 'sqlite' ? undefined : 200)
    const free = await open.hold()
    const opening = [open(), open()].map((each) => each.then(() => 'upgraded', (error: unknown) => error))
    const first = await Promise.race(kind === 'sqlite' ? opening : [...opening, sleep(1_000)])
    await free()
    // The embedded database says after a while that waiting helps; threads do that, and say so in the log.
    if (kind === 'sqlite') assert.ok(isTransient(first), String(first))
    else assert.deepEqual([first, ...await Promise.all(opening)], [undefined, 'upgraded', 'upgraded'])
    await verify(await open(), '0001-initial')
  })

  test('an older version keeps working on a database that a newer one expanded', async (t) => {
    const open = await load(t, null)
    const { kysely } = await open()
    await sql`alter table alias add column note text`.execute(kysely)
    await sql`insert into kysely_migration (name, timestamp) values ('9999-newer', '2027-01-01T00:00:00.000Z')`.execute(kysely)
    const older = await open()
    await fill(older)
    await verify(older, names(kind).at(-1)!)
  })

  test('a database of an unknown line of versions is refused with what to do', async (t) => {
    const open = await load(t, null)
    const { kysely } = await open()
    await sql`update kysely_migration set name = '0001-other' where name = ${names(kind)[0]!}`.execute(kysely)
    await assert.rejects(open(), /another version of MegaRouter \(0001-other\).*newest version/)
  })
}

describe('SQLite', () => suite('sqlite', async () => null))

const bin = findPostgres()
describe('PostgreSQL', { skip: bin === null && process.env.CI !== 'true' ? 'PostgreSQL is not installed' : false }, () => {
  let server: Postgres
  before(async () => {
    assert.ok(bin !== null, 'CI=true, but PostgreSQL is not installed in /usr/lib/postgresql')
    server = await startPostgres(bin)
  })
  after(() => server?.stop())
  suite('postgres', () => server.create())
})

test('no fixture is left without its migration', () => {
  const expected = names('sqlite').flatMap((name) => [`${name}.postgres.sql`, `${name}.sqlite.sql`]).sort()
  assert.deepEqual(readdirSync(fixtures).filter((name) => name.endsWith('.sql')).sort(), expected)
})
