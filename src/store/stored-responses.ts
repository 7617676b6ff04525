/**
 * Conversations of the Responses API that the gateway keeps itself: each answer with what was said to it and the id of the one before it,
 * encrypted under the organisation's data key, readable by its owner alone. What is damaged, too old or beyond the quota is gone for the client.
 */
import { promisify } from 'node:util'
import { constants, zstdCompressSync, zstdDecompress } from 'node:zlib'
import type { JsonObject } from '../protocols/canonical.ts'
import type { ContentStore } from './content.ts'
import type { Database } from './database.ts'
import { CannotDecryptError, decrypt, encrypt } from './secrets.ts'
import type { Settings } from './settings.ts'

const unpack = promisify(zstdDecompress)
const dayUs = 86_400_000_000
/** Of one answer, compressed and unpacked: a bomb is refused, not allocated. */
const sealedLimitBytes = 8 * 1024 * 1024
const plainLimitBytes = 64 * 1024 * 1024
/** Answers of one conversation. */
const longestChain = 500
/** Rows of one removal. */
const stepRows = 500

/** What was said, and the answer as the client got it. */
export interface StoredResponse { input: JsonObject[]; response: JsonObject }

export interface NewStored {
  org: string
  /** Who alone may read it: a project, a person, a service account or a key. */
  owner: string
  id: string
  previous: string | null
  /** Epoch µs. */
  at: number
  /** JSON of a `StoredResponse`. */
  json: string
}

/** The oldest first. Null: it, or one before it, is not stored, or there are too many. */
export type Chain = StoredResponse[] | null

export class ResponseStore {
  readonly #database: Database
  readonly #content: ContentStore

  constructor(database: Database, content: ContentStore) {
    this.#database = database
    this.#content = content
  }

  /** False: it is larger than one may be. */
  async save({ org, owner, id, previous, at, json }: NewStored, quotaBytes: number): Promise<boolean> {
    const key = await this.#content.dataKey(org, at)
    const sealed = encrypt(key.key, zstdCompressSync(json, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }), aad(org, owner, id))
    if (sealed.length > Math.min(sealedLimitBytes, quotaBytes)) return false
    const { kysely } = this.#database
    await kysely.insertInto('stored_response').values({ id, org_id: org, owner, previous_id: previous, at, bytes: sealed.length, data_key_id: key.id, sealed }).onConflict((conflict) => conflict.column('id').doNothing()).execute()
    await this.#keepWithin(org, quotaBytes)
    return true
  }

  /** A conversation up to one of its answers. */
  async chain(org: string, owner: string, id: string): Promise<Chain> {
    const found: StoredResponse[] = []
    for (let next: string | null = id; next !== null;) {
      if (found.length === longestChain) return null
      const row = await this.#row(org, owner, next)
      const stored = row === undefined ? null : await this.#opened(row)
      if (row === undefined || stored === null) return null
      found.push(stored)
      next = row.previous_id
    }
    return found.reverse()
  }

  /** Whether there was one. */
  async remove(org: string, owner: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#database.kysely.deleteFrom('stored_response').where('id', '=', id).where('org_id', '=', org).where('owner', '=', owner).executeTakeFirst()
    return numDeletedRows > 0n
  }

  /** Removes what is older than the organisation wants, and everything of one that is gone. */
  async prune({ org, deleted, responses: { retentionDays, quotaMb } }: Pick<Settings, 'org' | 'deleted' | 'responses'>, nowUs: number, stopped: () => boolean): Promise<number> {
    const before = deleted ? nowUs + dayUs : nowUs - retentionDays * dayUs
    let removed = 0
    while (!stopped()) {
      const { kysely } = this.#database
      const { numDeletedRows } = await kysely.deleteFrom('stored_response').where('id', 'in', kysely.selectFrom('stored_response').select('id').where('org_id', '=', org).where('at', '<', before).orderBy('at').limit(stepRows)).executeTakeFirst()
      removed += Number(numDeletedRows)
      if (numDeletedRows < BigInt(stepRows)) break
    }
    await this.#keepWithin(org, quotaMb * 1024 * 1024)
    return removed
  }

  /** The oldest go first. */
  async #keepWithin(org: string, quotaBytes: number): Promise<void> {
    const { kysely } = this.#database
    for (;;) {
      const sum = await kysely.selectFrom('stored_response').select((e) => e.fn.sum<number | string | null>('bytes').as('bytes')).where('org_id', '=', org).executeTakeFirstOrThrow()
      let over = Number(sum.bytes ?? 0) - quotaBytes
      if (over <= 0) return
      const oldest = await kysely.selectFrom('stored_response').select(['id', 'bytes']).where('org_id', '=', org).orderBy('at').orderBy('id').limit(stepRows).execute()
      const gone: string[] = []
      for (const { id, bytes } of oldest) {
        if (over <= 0) break
        gone.push(id)
        over -= bytes
      }
      if (gone.length === 0) return
      await kysely.deleteFrom('stored_response').where('id', 'in', gone).execute()
    }
  }

  #row(org: string, owner: string, id: string) {
    return this.#database.kysely.selectFrom('stored_response').selectAll().where('id', '=', id).where('org_id', '=', org).where('owner', '=', owner).executeTakeFirst()
  }

  /** Null: its key was destroyed, or it is damaged. */
  async #opened({ id, org_id: org, owner, at, data_key_id: keyId, sealed }: { id: string; org_id: string; owner: string; at: number; data_key_id: string; sealed: Uint8Array }): Promise<StoredResponse | null> {
    const key = await this.#content.dataKey(org, at)
    if (key.id !== keyId) return null
    try {
      return JSON.parse((await unpack(decrypt(key.key, sealed, aad(org, owner, id)), { maxOutputLength: plainLimitBytes })).toString()) as StoredResponse
    } catch (error) {
      if (error instanceof CannotDecryptError) return null
      throw error
    }
  }
}

const aad = (org: string, owner: string, id: string): string => JSON.stringify(['response', org, owner, id])
