/** The one database of a run: histories empty it, since making a new one takes longer than a history. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase, type Database } from '../../src/store/database.ts'

export interface Scratch { database: Database; close(): Promise<void> }

export async function openScratch(): Promise<Scratch> {
  const dataDir = mkdtempSync(join(tmpdir(), 'megarouter-simulation-'))
  const database = await openDatabase({ databaseUrl: null, dataDir })
  // What the machine would lose with its power is the simulation's to decide.
  database.sqlite!.pragma('synchronous = off')
  return {
    database,
    async close() {
      await database.close()
      rmSync(dataDir, { recursive: true })
    },
  }
}
