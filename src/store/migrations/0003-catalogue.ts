/**
 * Catalogues that took effect after the built-in one, the changes that wait for a person, the history of prices, and what the nodes
 * share about the operator's overrides and the last look at the feed (docs/decisions/0011-catalogue-updates.md).
 */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { DatabaseKind } from '../tables.ts'

const dialects = {
  sqlite: { bytes: 'blob', big: 'integer', small: 'integer', table: ' strict', clustered: ' strict, without rowid' },
  postgres: { bytes: 'bytea', big: 'bigint', small: 'smallint', table: '', clustered: '' },
} as const

const statements = ({ bytes, big, small, table, clustered }: (typeof dialects)[DatabaseKind]): string[] => [
  `create table catalog_version (number ${big} primary key, version text not null, date text not null, origin text not null, source text not null,
    applied_by text not null, applied_at ${big} not null, summary text not null, digest ${bytes} not null, artefact ${bytes})${table}`,
  `create table catalog_change (id text primary key, number ${big} not null, vendor text not null, model text not null, kind text not null, reason text not null, factor text,
    before_value text not null, after_value text not null, state text not null, decided_by text, decided_at ${big}, created_at ${big} not null)${clustered}`,
  `create index catalog_change_state on catalog_change (state, id)`,
  `create table catalog_price (vendor text not null, model text not null, valid_from ${big} not null, version text not null, price text not null,
    primary key (vendor, model, valid_from))${clustered}`,
  `create index catalog_price_model on catalog_price (model)`,
  `create table catalog_state (id ${small} primary key, overrides text not null, checked_at ${big}, check_error text, failures ${big} not null)${table}`,
  `insert into catalog_state (id, overrides, failures) values (1, '[]', 0)`,
]

export const catalogue = (kind: DatabaseKind): Migration => ({
  async up(database: Kysely<unknown>): Promise<void> {
    for (const statement of statements(dialects[kind])) await sql.raw(statement).execute(database)
  },
})
