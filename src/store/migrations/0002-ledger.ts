/**
 * The ledger (docs/decisions/0010-ledger.md): what terminal records of the journals became, its projections, and the marks of
 * repeatable requests. Also the spend rate of a key. Texts of entries are interned, as in `usage`.
 */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { DatabaseKind } from '../tables.ts'

const dialects = {
  sqlite: { bytes: 'blob', big: 'integer', int: 'integer', small: 'integer', table: ' strict', clustered: ' strict, without rowid' },
  postgres: { bytes: 'bytea', big: 'bigint', int: 'integer', small: 'smallint', table: '', clustered: '' },
} as const

const statements = ({ bytes, big, int, small, table, clustered }: (typeof dialects)[DatabaseKind]): string[] => [
  `alter table api_key add column rate_spend_nano ${big}`,
  `create table ledger_entry (node ${int} not null, lsn ${big} not null, kind ${small} not null, request_id ${bytes} not null, attempt ${small} not null,
    org ${int} not null, team ${int}, project ${int}, user_id ${int}, key_id ${int} not null,
    vendor ${int} not null, provider ${int} not null, deployment ${int} not null, model ${int} not null, upstream_model ${int} not null, price_version ${int},
    amount_nano ${big} not null check (amount_nano >= 0), outcome ${small} not null, flags ${int} not null, usage ${bytes},
    held_at ${big} not null, ended_at ${big} not null, primary key (node, lsn, kind))${clustered}`,
  // Settle and void exclude each other: the database itself holds that an attempt ends once.
  `create unique index ledger_entry_attempt on ledger_entry (request_id, attempt, (kind = 2))`,
  `create table ledger_batch (node text not null, number ${big} not null, first_lsn ${big} not null, applied_lsn ${big} not null, entries ${int} not null,
    prev_hash ${bytes} not null, hash ${bytes} not null, primary key (node, number))${clustered}`,
  `create table ledger_position (node text primary key, applied_lsn ${big} not null, batch ${big} not null, hash ${bytes} not null, rejected ${big} not null)${table}`,
  `create table account_balance (entity text not null, quarter ${big} not null, settled_nano ${big} not null, attempts ${big} not null, primary key (entity, quarter))${clustered}`,
  `create table ledger_total (org ${int} not null, kind ${small} not null, outcome ${small} not null, flags ${int} not null, entries ${big} not null, amount_nano ${big} not null,
    primary key (org, kind, outcome, flags))${clustered}`,
  `create table repeat_mark (key_digest ${bytes} primary key, body_digest ${bytes} not null, request_id ${bytes} not null, at ${big} not null)${clustered}`,
  `create index repeat_mark_age on repeat_mark (at)`,
  // What was spent before there was a ledger counts for the budgets of the running periods. Written once, here.
  `create table opening_balance (entity text not null, quarter ${big} not null, settled_nano ${big} not null, primary key (entity, quarter))${clustered}`,
  ...(['org', 'key'] as const).map((kind) => `insert into opening_balance (entity, quarter, settled_nano)
    select '${kind}:' || d.value, u.at - u.at % 900000000, cast(sum(u.cost_nano) as ${big}) from usage u join dimension d on d.id = u.${kind === 'org' ? 'org' : 'key_id'}
    where u.cost_nano > 0 group by d.value, u.at - u.at % 900000000`),
]

export const ledger = (kind: DatabaseKind): Migration => ({
  async up(database: Kysely<unknown>): Promise<void> {
    for (const statement of statements(dialects[kind])) await sql.raw(statement).execute(database)
  },
})
