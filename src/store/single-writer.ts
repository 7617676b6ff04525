/**
 * One process owns a data directory: two writers of one journal would destroy it. The lock is SQLite's on a file of its own, which
 * the operating system gives back however the process ends.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/** A predecessor that is shutting down gets this long. */
const patienceMs = 5_000

/** Null when another process holds the folder. Keep the returned value: the lock lasts until it is called or the process ends. */
export function ownFolder(folder: string): (() => void) | null {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = new Sqlite(join(folder, 'lock'), { timeout: patienceMs })
  try {
    lock.pragma('locking_mode = EXCLUSIVE')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as NodeJS.ErrnoException).code === 'SQLITE_BUSY') return null
    throw error
  }
  return () => void lock.close()
}
