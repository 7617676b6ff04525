/**
 * Saves a batch of request records in one transaction. Saving the same records again changes nothing, so a batch whose commit
 * was not confirmed is simply saved again. Rejects with the driver's error; `isTransient` says whether waiting may help.
 */
import type { Transaction } from 'kysely'
import type { ContentStore } from './content.ts'
import type { Database } from './database.ts'
import { Dimensions } from './dimensions.ts'
import { insertRows } from './insert.ts'
import type { RequestRecord } from './records.ts'
import { addLog, addUsage, logTableColumns, missingDimensions, requestIdOf, usageTableColumns } from './rows.ts'
import type { Tables } from './tables.ts'

const contentColumns = ['request_id', 'org_id', 'data_key_id', 'day', 'position', 'bytes'] as const satisfies readonly (keyof Tables['content_index'])[]

export class RecordStore {
  #database: Database
  #dimensions: Dimensions
  #content: ContentStore
  #contentLost: (error: unknown, count: number) => void
  /** `contentLost` is told when content could not be stored; the records it belongs to are saved all the same. */
  constructor(database: Database, content: ContentStore, contentLost: (error: unknown, count: number) => void) {
    this.#database = database
    this.#dimensions = new Dimensions(database)
    this.#content = content
    this.#contentLost = contentLost
  }

  /** For a database that went back: it may lack ids that are known here. */
  forgetDimensions(): void {
    this.#dimensions = new Dimensions(this.#database)
  }

  async save(records: readonly RequestRecord[]): Promise<void> {
    try {
      await this.#save(records)
    } catch (error) {
      this.forgetDimensions()
      throw error
    }
  }

  async #save(records: readonly RequestRecord[]): Promise<void> {
    const dimensions = this.#dimensions
    dimensions.makeRoom()
    await dimensions.intern(missingDimensions(records, dimensions))
    const usage: unknown[] = []
    const log: unknown[] = []
    for (const record of records) {
      const id = requestIdOf(record)
      addUsage(usage, record, id, dimensions)
      addLog(log, record, id, dimensions)
    }
    const stored = await this.#appendContent(records)
    const { kind, kysely } = this.#database
    await kysely.transaction().execute(async (transaction: Transaction<Tables>) => {
      const to = { kind, kysely: transaction }
      await insertRows(to, 'usage', usageTableColumns, usage, 'on conflict do nothing')
      await insertRows(to, 'request_log', logTableColumns, log, 'on conflict do nothing')
      if (stored.length > 0) await insertRows(to, 'content_index', contentColumns, stored.flatMap((row) => contentColumns.map((column) => row[column])), 'on conflict do nothing')
    })
  }

  async #appendContent(records: readonly RequestRecord[]): Promise<Tables['content_index'][]> {
    const contents = records.flatMap((record) => (record.content === null || record.org === null ? []
      : [{ org: record.org, requestId: requestIdOf(record), at: record.at, ...record.content }]))
    if (contents.length === 0) return []
    try {
      return await this.#content.append(contents)
    } catch (error) {
      if (isTransient(error) && !isFileError(error)) throw error
      this.#contentLost(error, contents.length)
      return []
    }
  }
}

const fileCalls = new Set(['open', 'write', 'mkdir', 'fstat', 'close'])
const isFileError = (error: unknown): boolean => error instanceof Error && fileCalls.has((error as NodeJS.ErrnoException).syscall ?? '')

const transientSqlite = /^SQLITE_(BUSY|LOCKED|IOERR|FULL|CANTOPEN|READONLY|NOMEM|PROTOCOL)/
/** Connection lost, server starting or stopping, out of resources, serialisation; by class of SQLSTATE. */
const transientPostgres = /^(08|25006|40|53|55P03|57|58)/
const transientNetwork = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOSPC|EIO|EMFILE)/
const transientText = /timeout|terminated|not queryable|Connection/

/** True for errors of the database or its disk; false for errors of the data, which repeat however often one tries. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return transientText.test(error.message)
  return transientSqlite.test(code) || transientPostgres.test(code) || transientNetwork.test(code)
}
