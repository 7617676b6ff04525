/** Runs a suite on both databases. Without PostgreSQL its half is skipped visibly, and fails where CI=true promises it. */
import { after, before, describe } from 'node:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase, type Database, type DatabaseSettings } from '../../src/store/database.ts'
import { findPostgres, startPostgres, type Postgres } from './postgres.ts'

export interface TestDatabase {
  database: Database
  settings: DatabaseSettings
  /** Another connection to the same database, closed with it. */
  again(): Promise<Database>
  close(): Promise<void>
}

export type OpenFresh = () => Promise<TestDatabase>

export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'megarouter-store-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

async function fresh(databaseUrl: string | null): Promise<TestDatabase> {
  const directory = temporaryDirectory()
  const settings = { databaseUrl, dataDir: directory.path }
  const opened: Database[] = []
  const again = async (): Promise<Database> => {
    const database = await openDatabase(settings)
    opened.push(database)
    return database
  }
  const close = async (): Promise<void> => {
    for (const database of opened.splice(0)) await database.close()
    directory.remove()
  }
  return { database: await again(), settings, again, close }
}

export function onBothDatabases(suite: (open: OpenFresh, postgres: () => Postgres | null) => void): void {
  describe('SQLite', () => suite(() => fresh(null), () => null))

  const bin = findPostgres()
  const skip = bin === null && process.env.CI !== 'true' ? 'PostgreSQL is not installed' : false
  describe('PostgreSQL', { skip }, () => {
    let server: Postgres | null = null
    before(async () => {
      if (bin === null) throw new Error('CI=true, but PostgreSQL is not installed in /usr/lib/postgresql')
      server = await startPostgres(bin)
    })
    after(async () => server?.stop())
    suite(async () => fresh(await server!.create()), () => server)
  })
}
