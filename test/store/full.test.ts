/** A database that is full says so, whatever became of the transaction: its records are kept and tried again. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CompiledQuery } from 'kysely'
import { openDatabase } from '../../src/store/database.ts'
import { isTransient } from '../../src/store/save.ts'

test('a transaction that fills the disk fails with the reason, and the next one finds a usable connection', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'megarouter-full-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const database = await openDatabase({ databaseUrl: null, dataDir })
  const { kysely } = database
  const write = (bytes: number): Promise<unknown> => kysely.transaction().execute((transaction) => transaction.insertInto('dimension').values({ kind: 'org', value: 'x'.repeat(bytes) }).execute())
  const pages = (await kysely.executeQuery<{ page_count: number }>(CompiledQuery.raw('pragma page_count'))).rows[0]!.page_count
  await kysely.executeQuery(CompiledQuery.raw(`pragma max_page_count = ${pages + 2}`))
  await assert.rejects(write(1_000_000), (error: Error & { code?: string }) => error.code === 'SQLITE_FULL' && isTransient(error))
  await kysely.executeQuery(CompiledQuery.raw(`pragma max_page_count = ${pages + 10_000}`))
  await write(1_000_000)
  await database.close()
})
