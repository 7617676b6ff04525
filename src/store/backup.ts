/**
 * Backs up and restores the embedded installation: database (online, while the server runs), stored content and the generated key
 * file, as a plain directory with a manifest of checksums that is written last. With PostgreSQL use pg_dump and keep the master key.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path'
import type { Database } from './database.ts'
import { masterKeyFile } from './master-key.ts'
import { databaseFile } from './sqlite.ts'

export const manifestFile = 'manifest.json'
const format = 1

export interface Manifest {
  format: number
  /** ISO 8601 */
  createdAt: string
  files: { path: string; bytes: number; sha256: string }[]
}

const contentDirectory = 'content'

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** Paths of all files below `root`, relative to it; empty when it doesn't exist. */
async function filesBelow(root: string): Promise<string[]> {
  if (!existsSync(root)) return []
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name))).sort()
}

async function copyPrivate(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await copyFile(from, to)
  await chmod(to, 0o600)
}

const isEmpty = async (directory: string): Promise<boolean> => !existsSync(directory) || (await readdir(directory)).length === 0

export async function backup(database: Database, target: string, nowMs: number): Promise<Manifest> {
  if (database.sqlite === null) throw new Error('This installation uses PostgreSQL: back it up with pg_dump, and keep MEGAROUTER_MASTER_KEY and the content directory with it.')
  if (!await isEmpty(target)) throw new Error(`${target} is not empty: name a new directory for the backup`)
  await mkdir(target, { recursive: true, mode: 0o700 })
  await database.sqlite.backup(join(target, databaseFile))
  await chmod(join(target, databaseFile), 0o600)
  // Content after the database: the index then never points beyond a copied file.
  const extra = (await filesBelow(join(database.dataDir, contentDirectory))).map((path) => join(contentDirectory, path))
  if (existsSync(join(database.dataDir, masterKeyFile))) extra.push(masterKeyFile)
  for (const path of extra) await copyPrivate(join(database.dataDir, path), join(target, path))
  const files = await Promise.all([databaseFile, ...extra].map(async (path) => {
    const file = join(target, path)
    return { path: path.split(sep).join('/'), bytes: (await stat(file)).size, sha256: await sha256(file) }
  }))
  const manifest: Manifest = { format, createdAt: new Date(nowMs).toISOString(), files }
  await writeFile(join(target, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true })
  return manifest
}

/** Checks every file of a backup against its manifest. Throws with what is wrong. */
export async function verifyBackup(source: string): Promise<Manifest> {
  const text = await readFile(join(source, manifestFile), 'utf8').catch(() => {
    throw new Error(`${source} holds no complete backup: there is no ${manifestFile}`)
  })
  const manifest = JSON.parse(text) as Manifest
  if (manifest.format !== format) throw new Error(`the backup has format ${manifest.format}, this version reads ${format}: restore it with the version that made it`)
  for (const { path, sha256: expected } of manifest.files) {
    if (isAbsolute(path) || normalize(path).startsWith('..')) throw new Error(`the backup's manifest names a file outside of it: ${path}`)
    const actual = await sha256(join(source, path)).catch(() => null)
    if (actual !== expected) throw new Error(actual === null ? `the backup lacks ${path}` : `${path} of the backup was altered or is damaged: its checksum differs`)
  }
  return manifest
}

/**
 * Puts a backup in place of the data directory; the server must be stopped. What is there is refused, or with `force` moved aside
 * into `replaced-<time>`. Nothing is touched before the whole backup was checked.
 */
export async function restore(source: string, dataDir: string, { force, nowMs }: { force: boolean; nowMs: number }): Promise<Manifest> {
  const manifest = await verifyBackup(source)
  if (!await isEmpty(dataDir)) {
    if (!force) throw new Error(`${dataDir} is not empty. Stop the server and repeat with --force to move its files aside, or set MEGAROUTER_DATA_DIR to another directory.`)
    const aside = join(dataDir, `replaced-${nowMs}`)
    const present = (await readdir(dataDir)).filter((name) => [databaseFile, `${databaseFile}-wal`, `${databaseFile}-shm`, masterKeyFile, contentDirectory].includes(name))
    await mkdir(aside, { mode: 0o700 })
    for (const name of present) await rename(join(dataDir, name), join(aside, name))
  }
  for (const { path } of manifest.files) await copyPrivate(join(source, path), join(dataDir, path))
  return manifest
}
