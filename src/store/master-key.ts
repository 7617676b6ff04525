/**
 * The one secret that everything else derives from: MEGAROUTER_MASTER_KEY, or with the embedded database a generated file.
 * Loading fails, with what to do, when the variable is too short or missing although several nodes must share it.
 */
import { createHash, hkdfSync, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Kek } from './secrets.ts'

export const masterKeyFile = 'master.key'
const minimumBytes = 32

export type KeyLabel = 'pepper' | 'kek' | 'session' | 'content'

export class MasterKey {
  #secret: Buffer
  /** Where it came from, for `doctor`. */
  readonly source: 'environment' | 'file'
  constructor(secret: Buffer, source: 'environment' | 'file') {
    this.#secret = secret
    this.source = source
  }
  /** 32 bytes that are independent for each label. */
  derive(label: KeyLabel): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secret, Buffer.alloc(0), `megarouter/${label}/1`, 32))
  }
  /** Wraps the data keys of provider secrets (`kek`) or of stored content (`content`). */
  kek(label: 'kek' | 'content' = 'kek'): Kek {
    const key = this.derive(label)
    return { key, id: createHash('sha256').update('kek id').update(key).digest().subarray(0, 4) }
  }
  toJSON(): string {
    return '[redacted]'
  }
}

export interface MasterKeySettings {
  /** The value of MEGAROUTER_MASTER_KEY. */
  value: string | undefined
  databaseUrl: string | null
  dataDir: string
}

export function loadMasterKey(settings: MasterKeySettings): MasterKey {
  if (settings.value) return new MasterKey(parseMasterKey(settings.value, 'MEGAROUTER_MASTER_KEY'), 'environment')
  if (settings.databaseUrl !== null) {
    throw new Error('MEGAROUTER_MASTER_KEY is required with DATABASE_URL, since all nodes must share it. Make one with: openssl rand -hex 32')
  }
  return new MasterKey(readOrCreate(settings.dataDir), 'file')
}

function parseMasterKey(text: string, where: string): Buffer {
  const trimmed = text.trim()
  const secret = /^([0-9a-f]{2})+$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : null
  if (secret === null) throw new Error(`${where} must be hex or base64. Make one with: openssl rand -hex 32`)
  if (secret.length < minimumBytes) throw new Error(`${where} holds ${secret.length} bytes, at least ${minimumBytes} are needed. Make one with: openssl rand -hex 32`)
  return secret
}

function readOrCreate(dataDir: string): Buffer {
  const file = join(dataDir, masterKeyFile)
  const existing = readIfPresent(file)
  if (existing !== null) return parseMasterKey(existing, file)
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${randomBytes(minimumBytes).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    // A link either appears whole or fails: two threads that start together end with the same key.
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
  return parseMasterKey(readFileSync(file, 'utf8'), file)
}

function readIfPresent(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
