/**
 * Writes the fixtures of the newest schema: run it once when a migration lands, and never for an older one.
 *   node test/store/schemas/make.ts
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../../src/store/database.ts'
import { migrations } from '../../../src/store/migrate.ts'
import { temporaryDirectory } from '../databases.ts'
import { findPostgres, startPostgres } from '../postgres.ts'
import { dumpPostgres, dumpSqlite } from './dump.ts'
import { fill } from './installation.ts'

const newest = Object.keys(migrations('sqlite')).at(-1)
const bin = findPostgres()
if (bin === null) throw new Error('PostgreSQL is needed to write its fixture')
const target = (kind: string): string => join(import.meta.dirname, `${newest}.${kind}.sql`)
const directory = temporaryDirectory()
const server = await startPostgres(bin)

const embedded = await openDatabase({ databaseUrl: null, dataDir: directory.path })
await fill(embedded)
writeFileSync(target('sqlite'), dumpSqlite(embedded.sqlite!))
await embedded.close()

const databaseUrl = await server.create()
const postgres = await openDatabase({ databaseUrl, dataDir: directory.path })
await fill(postgres)
writeFileSync(target('postgres'), dumpPostgres(bin, databaseUrl))
await postgres.close()

await server.stop()
directory.remove()
