/**
 * The first schema. Texts are for few, edited rows; `usage`, of which there are millions, holds interned integers and NULL for 0.
 * A landed migration is never edited: the next change is the next file (policy: docs/decisions/0005-state.md).
 */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { DatabaseKind } from '../tables.ts'

/** The words in which the two databases differ. Everything else is common SQL. */
const dialects = {
  sqlite: { bytes: 'blob', big: 'integer', int: 'integer', small: 'integer', serial: 'integer primary key', table: ' strict', clustered: ' strict, without rowid', include: (columns: string) => `, ${columns})` },
  postgres: { bytes: 'bytea', big: 'bigint', int: 'integer', small: 'smallint', serial: 'integer generated always as identity primary key', table: '', clustered: '', include: (columns: string) => `) include (${columns})` },
} as const

type Words = (typeof dialects)[DatabaseKind]

const governance = ({ bytes, big, int, small, table }: Words): string[] => [
  `create table revision (id ${small} primary key check (id = 1), value ${big} not null)${table}`,
  `insert into revision (id, value) values (1, 0)`,
  `create table organisation (id text primary key, slug text not null unique, name text not null, time_zone text not null, created_at ${big} not null)${table}`,
  `create table user_account (id text primary key, org_id text not null references organisation (id), email text not null unique, name text not null,
    role text not null, password_hash text, version ${int} not null, created_at ${big} not null, updated_at ${big} not null, deleted_at ${big})${table}`,
  `create table session (id_hash ${bytes} primary key, user_id text not null references user_account (id), user_version ${int} not null, csrf text not null,
    created_at ${big} not null, expires_at ${big} not null)${table}`,
  `create index session_expiry on session (expires_at)`,
  `create table bootstrap (id ${small} primary key check (id = 1), token_hash ${bytes} not null, created_at ${big} not null, expires_at ${big} not null, used_at ${big})${table}`,
  `create table api_key (id text primary key, org_id text not null references organisation (id), team_id text, project_id text, user_id text,
    name text not null, prefix text not null, last4 text not null, hash ${bytes} not null unique, pepper_version ${int} not null, status text not null,
    models text, budget_limit_nano ${big}, budget_period text, budget_mode text, rate_rpm ${int}, rate_tpm ${int}, rate_concurrency ${int},
    expires_at ${big}, version ${int} not null, revision ${big} not null unique, managed_by text not null, created_at ${big} not null, updated_at ${big} not null)${table}`,
  `create index api_key_org on api_key (org_id, id)`,
  `create table provider (id text not null, org_id text not null references organisation (id), vendor text not null, name text not null, base_url text,
    enabled ${small} not null, version ${int} not null, revision ${big} not null unique, managed_by text not null, created_at ${big} not null, updated_at ${big} not null, deleted_at ${big}, primary key (org_id, id))${table}`,
  `create table credential (id text primary key, org_id text not null, provider_id text not null, name text not null, last4 text not null, ciphertext ${bytes},
    secret_ref text, version ${int} not null, status text not null, managed_by text not null, created_at ${big} not null, deleted_at ${big},
    check ((ciphertext is null) <> (secret_ref is null) or deleted_at is not null), foreign key (org_id, provider_id) references provider (org_id, id))${table}`,
  `create index credential_provider on credential (org_id, provider_id)`,
  `create table deployment (id text not null, org_id text not null references organisation (id), model text not null, provider_id text not null,
    upstream_model text not null, price text, price_as text, version ${int} not null, revision ${big} not null unique, managed_by text not null,
    created_at ${big} not null, updated_at ${big} not null, deleted_at ${big}, primary key (org_id, id))${table}`,
  `create table alias (name text not null, org_id text not null references organisation (id), strategy text not null, targets text not null, version ${int} not null,
    revision ${big} not null unique, managed_by text not null, created_at ${big} not null, updated_at ${big} not null, deleted_at ${big}, primary key (org_id, name))${table}`,
  `create table setting (org_id text primary key references organisation (id), value text not null, version ${int} not null, revision ${big} not null unique, managed_by text not null, updated_at ${big} not null)${table}`,
  `create table installation (id ${small} primary key check (id = 1), kek_id ${bytes} not null, created_at ${big} not null)${table}`,
  `create table idempotency (scope text not null, key text not null, body_hash ${bytes} not null, result_id text not null, created_at ${big} not null, primary key (scope, key))${table}`,
  `create index idempotency_age on idempotency (created_at)`,
]

const measurement = ({ bytes, big, int, small, serial, table, clustered, include }: Words): string[] => [
  `create table dimension (id ${serial}, kind text not null, value text not null, unique (kind, value))${table}`,
  `create table usage (request_id ${bytes} not null, attempt ${small} not null, at ${big} not null,
    org ${int}, team ${int}, project ${int}, user_id ${int}, key_id ${int}, session ${int}, tags ${int}, vendor ${int}, provider ${int}, model ${int}, deployment ${int}, task ${int}, endpoint ${int},
    status ${small}, outcome ${small}, attempt_status ${small}, attempt_outcome ${small}, error_code ${int}, cache ${small}, stream ${small}, decision text,
    input ${int}, cache_read ${int}, cache_write_5m ${int}, cache_write_1h ${int}, output ${int}, reasoning ${int}, audio_in ${int}, audio_out ${int}, image_in ${int}, image_out ${int},
    tool_calls ${int}, requests ${int}, cost_nano ${big}, price_version ${int}, flags ${small}, final ${small},
    first_token_us ${big}, total_us ${big}, overhead_us ${big}, steps ${bytes}, primary key (request_id, attempt))${clustered}`,
  `create index usage_org_at on usage (org, at)`,
  `create index usage_key_at on usage (key_id, at${include('cost_nano, final')}`,
  `create table request_log (seq ${serial}, request_id ${bytes} not null unique, at ${big} not null, org ${int}, model_asked text, route text, error_text text, client text, client_address text,
    client_request_id text, traceparent text, request_bytes ${big}, response_bytes ${big}, attempts text)${table}`,
  `create index request_log_org_at on request_log (org, at)`,
  `create index request_log_org_seq on request_log (org, seq)`,
  `create table data_key (id text primary key, org_id text not null unique, wrapped ${bytes} not null, created_at ${big} not null)${table}`,
  `create table content_index (request_id ${bytes} primary key, org_id text not null, data_key_id text not null, day text not null, position ${big} not null, bytes ${int} not null)${clustered}`,
  `create index content_index_day on content_index (org_id, day, bytes)`,
]

export const initial = (kind: DatabaseKind): Migration => ({
  async up(database: Kysely<unknown>): Promise<void> {
    const words = dialects[kind]
    for (const statement of [...governance(words), ...measurement(words)]) await sql.raw(statement).execute(database)
  },
})
