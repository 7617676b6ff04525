/**
 * Request and response content, stored only where a policy says so: one append-only file per organisation and day, each frame
 * encrypted under the organisation's own data key. Destroying that key makes everything unreadable, whatever copies of the files exist.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, zstdCompressSync, zstdDecompress } from 'node:zlib'
import { openDataKey, wrapDataKey } from './data-keys.ts'
import type { Database } from './database.ts'
import { encodeId, newId } from './ids.ts'
import { kekInUse } from './installation.ts'
import { decrypt, encrypt, type Kek } from './secrets.ts'
import type { Tables } from './tables.ts'

const unpack = promisify(zstdDecompress)

export interface Content {
  request: Uint8Array
  response: Uint8Array
  truncated: boolean
}

export interface NewContent extends Content {
  org: string
  requestId: Uint8Array
  /** Epoch µs. */
  at: number
}

export interface DataKey {
  id: string
  key: Uint8Array
}

/** Length of a frame, before its request id. */
const lengthBytes = 4
const idBytes = 16
const headBytes = 5
/** A damaged length or a bomb is refused, not allocated. */
const contentLimitBytes = 256 * 1024 * 1024

const dayOf = (at: number): string => new Date(Math.floor(at / 1000)).toISOString().slice(0, 10)

const frameAad = (org: string, requestId: Uint8Array): string => JSON.stringify([org, encodeId('req', requestId)])

export class ContentStore {
  #database: Database
  #root: string
  #kek: Kek
  #keys = new Map<string, DataKey>()

  constructor(database: Database, kek: Kek) {
    this.#database = database
    this.#root = join(database.dataDir, 'content')
    this.#kek = kek
  }

  /** Writes the frames and returns the index rows that make them findable once the caller commits them. */
  async append(contents: readonly NewContent[]): Promise<Tables['content_index'][]> {
    const rows: Tables['content_index'][] = []
    for (const [org, ofOrg] of Map.groupBy(contents, (content) => content.org)) {
      const dataKey = await this.dataKey(org, ofOrg[0]!.at)
      for (const [day, ofDay] of Map.groupBy(ofOrg, (content) => dayOf(content.at))) rows.push(...this.#appendDay(org, day, dataKey, ofDay))
    }
    return rows
  }

  /** Null when nothing is stored for the request, or it was purged. */
  async read(org: string, requestId: Uint8Array): Promise<Content | null> {
    const row = await this.#database.kysely.selectFrom('content_index').innerJoin('data_key', 'data_key.id', 'content_index.data_key_id')
      .selectAll('content_index').select('data_key.wrapped').where('content_index.org_id', '=', org).where('request_id', '=', requestId).executeTakeFirst()
    if (row === undefined) return null
    const frame = await readRange(this.#file(org, row.day), row.position, row.bytes)
    if (frame === null) return null
    const key = openDataKey(this.#kek, row.wrapped, org, row.data_key_id)
    const packed = decrypt(key, frame.subarray(lengthBytes + idBytes), frameAad(org, requestId))
    return parseContent(await unpack(packed, { maxOutputLength: contentLimitBytes }))
  }

  async isStored(org: string, requestId: Uint8Array): Promise<boolean> {
    return await this.#database.kysely.selectFrom('content_index').innerJoin('data_key', 'data_key.id', 'content_index.data_key_id')
      .select('request_id').where('content_index.org_id', '=', org).where('request_id', '=', requestId).executeTakeFirst() !== undefined
  }

  /** Keeps `retentionDays` and at most `quotaBytes`; the oldest day goes first, the running one last. */
  async prune(org: string, policy: { retentionDays: number; quotaBytes: number }, nowUs: number): Promise<number> {
    const { kysely } = this.#database
    const days = await kysely.selectFrom('content_index').select('day').select((e) => e.fn.sum<number>('bytes').as('bytes'))
      .where('org_id', '=', org).groupBy('day').orderBy('day').execute()
    const oldest = dayOf(nowUs - policy.retentionDays * 86_400_000_000)
    let total = days.reduce((sum, { bytes }) => sum + bytes, 0)
    let removed = 0
    for (const { day, bytes } of days) {
      if (day >= oldest && total <= policy.quotaBytes) break
      await kysely.deleteFrom('content_index').where('org_id', '=', org).where('day', '=', day).execute()
      rmSync(this.#file(org, day), { force: true })
      total -= bytes
      removed += 1
    }
    // Files whose index rows were never committed.
    const files = existsSync(this.#directory(org)) ? readdirSync(this.#directory(org)) : []
    for (const file of files) if (file < `${oldest}.mrc`) rmSync(join(this.#directory(org), file), { force: true })
    return removed
  }

  /** Destroys the organisation's data key, then its files. The key's bytes are overwritten in the embedded database. */
  async purge(org: string): Promise<void> {
    const { kysely, sqlite } = this.#database
    this.#keys.delete(org)
    sqlite?.pragma('secure_delete = ON')
    await kysely.deleteFrom('data_key').where('org_id', '=', org).execute()
    sqlite?.pragma('wal_checkpoint(TRUNCATE)')
    await kysely.deleteFrom('content_index').where('org_id', '=', org).execute()
    await kysely.deleteFrom('stored_response').where('org_id', '=', org).execute()
    rmSync(this.#directory(org), { recursive: true, force: true })
  }

  /** Asked for each batch, since another thread may have purged: a key that is gone is replaced, never used again. */
  async dataKey(org: string, at: number): Promise<DataKey> {
    const { kysely } = this.#database
    const find = () => kysely.selectFrom('data_key').selectAll().where('org_id', '=', org).executeTakeFirst()
    let row = await find()
    if (row === undefined) {
      const id = newId('dk', Math.floor(at / 1000), randomBytes(16))
      const wrapped = wrapDataKey(await kekInUse(this.#database, this.#kek), randomBytes(32), org, id)
      await kysely.insertInto('data_key').values({ id, org_id: org, wrapped, created_at: at }).onConflict((conflict) => conflict.column('org_id').doNothing()).execute()
      row = await find()
    }
    if (row === undefined) throw new Error(`the data key of ${org} was purged while it was made`)
    const cached = this.#keys.get(org)
    if (cached?.id === row.id) return cached
    const dataKey = { id: row.id, key: openDataKey(this.#kek, row.wrapped, org, row.id) }
    this.#keys.set(org, dataKey)
    return dataKey
  }

  #appendDay(org: string, day: string, { id, key }: DataKey, contents: readonly NewContent[]): Tables['content_index'][] {
    mkdirSync(this.#directory(org), { recursive: true, mode: 0o700 })
    const file = openSync(this.#file(org, day), 'a', 0o600)
    try {
      let position = fstatSync(file).size
      return contents.map((content) => {
        const frame = frameOf(content, encrypt(key, packContent(content), frameAad(org, content.requestId)))
        for (let written = 0; written < frame.length;) written += writeSync(file, frame, written)
        const row = { request_id: content.requestId, org_id: org, data_key_id: id, day, position, bytes: frame.length }
        position += frame.length
        return row
      })
    } finally {
      closeSync(file)
    }
  }

  #directory(org: string): string {
    if (!/^[a-z0-9_-]+$/i.test(org)) throw new Error(`${org} is no organisation id`)
    return join(this.#root, org)
  }

  #file(org: string, day: string): string {
    return join(this.#directory(org), `${day}.mrc`)
  }
}

function frameOf(content: NewContent, sealed: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(idBytes + sealed.length)
  return Buffer.concat([length, content.requestId, sealed])
}

/** truncated ‖ length of the request ‖ request ‖ response, compressed before it is encrypted. */
function packContent({ request, response, truncated }: Content): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(truncated ? 1 : 0)
  head.writeUInt32BE(request.length, 1)
  return zstdCompressSync(Buffer.concat([head, request, response]), { params: { [constants.ZSTD_c_compressionLevel]: 1 } })
}

function parseContent(plain: Buffer): Content {
  const end = headBytes + plain.readUInt32BE(1)
  return { truncated: plain.readUInt8() === 1, request: plain.subarray(headBytes, end), response: plain.subarray(end) }
}

async function readRange(path: string, position: number, bytes: number): Promise<Buffer | null> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (file === null) return null
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(bytes), position })
    return bytesRead === bytes ? buffer : null
  } finally {
    await file.close()
  }
}
