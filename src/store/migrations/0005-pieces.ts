/** Usage that is billed by the piece: images, milliseconds of audio, characters of speech, searches (docs/decisions/0021-endpoints-without-conversation.md). */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { DatabaseKind } from '../tables.ts'

const integers = { sqlite: 'integer', postgres: 'bigint' } as const

export const pieces = (kind: DatabaseKind): Migration => ({
  async up(database: Kysely<unknown>): Promise<void> {
    for (const column of ['images', 'audio_ms', 'characters', 'searches']) await sql.raw(`alter table usage add column ${column} ${integers[kind]}`).execute(database)
  },
})
