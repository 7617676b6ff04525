/** Conversations of the Responses API that the gateway keeps itself, where the organisation wants that: one row for each answer, encrypted. */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { DatabaseKind } from '../tables.ts'

const dialects = {
  sqlite: { bytes: 'blob', big: 'integer', int: 'integer', table: ' strict' },
  postgres: { bytes: 'bytea', big: 'bigint', int: 'integer', table: '' },
} as const

const statements = ({ bytes, big, int, table }: (typeof dialects)[DatabaseKind]): string[] => [
  `create table stored_response (id text primary key, org_id text not null references organisation (id), owner text not null, previous_id text, at ${big} not null, bytes ${int} not null,
    data_key_id text not null, sealed ${bytes} not null)${table}`,
  `create index stored_response_org on stored_response (org_id, at, bytes)`,
]

export const storedResponses = (kind: DatabaseKind): Migration => ({
  async up(database: Kysely<unknown>): Promise<void> {
    for (const statement of statements(dialects[kind])) await sql.raw(statement).execute(database)
  },
})
