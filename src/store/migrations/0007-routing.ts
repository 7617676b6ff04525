/** Routing: policies, decisions with all that explains them, outcomes that clients tell, what was learned of models, and the way of new ones. */
import { sql, type Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { DatabaseKind } from '../tables.ts'

const dialects = {
  sqlite: { bytes: 'blob', big: 'integer', int: 'integer', real: 'real', table: ' strict' },
  postgres: { bytes: 'bytea', big: 'bigint', int: 'integer', real: 'double precision', table: '' },
} as const

const statements = ({ bytes, big, int, real, table }: (typeof dialects)[DatabaseKind]): string[] => [
  `create table routing_policy (org_id text not null references organisation (id), name text not null, body text not null, version ${int} not null, revision ${big} not null,
    managed_by text not null, created_at ${big} not null, updated_at ${big} not null, deleted_at ${big}, primary key (org_id, name))${table}`,
  `create index routing_policy_revision on routing_policy (revision)`,
  `create table decision (request_id ${bytes} primary key, org_id text not null, at ${big} not null, policy text not null, chosen text not null, session text, body text not null)${table}`,
  `create index decision_org on decision (org_id, at)`,
  `create index decision_session on decision (org_id, session, at) where session is not null`,
  `create table outcome (id text primary key, org_id text not null, at ${big} not null, key_id text not null, request_id ${bytes}, session text, trace_id text, metric text not null,
    kind text not null, value ${real}, usd_nano ${big}, label text, comment text)${table}`,
  `create index outcome_org on outcome (org_id, at)`,
  `create index outcome_request on outcome (request_id) where request_id is not null`,
  `create index outcome_session on outcome (org_id, session) where session is not null`,
  `create table routing_arm (org_id text not null, arm text not null, stage text not null, approved ${int} not null, state text not null, updated_at ${big} not null, primary key (org_id, arm))${table}`,
  `create table adoption_event (id text primary key, org_id text not null, at ${big} not null, arm text not null, from_stage text not null, to_stage text not null, reason text not null, actor text not null)${table}`,
  `create index adoption_event_org on adoption_event (org_id, at)`,
  `alter table api_key add column routing_policy text`,
  // Feedback names sessions and traces. `substr` of a traceparent is its trace id.
  `create index usage_session on usage (org, session, at) where session is not null and final = 1`,
  `create index request_log_trace on request_log (substr(traceparent, 4, 32)) where traceparent is not null`,
]

export const routing = (kind: DatabaseKind): Migration => ({
  async up(database: Kysely<unknown>): Promise<void> {
    for (const statement of statements(dialects[kind])) await sql.raw(statement).execute(database)
  },
})
