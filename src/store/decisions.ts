/**
 * Decisions of the router, each under the id of its request, with all that explains it. Saving the same ones again changes nothing.
 * Reading a list is bounded as that of requests is: one page looks at no more than `scanRows` decisions and then offers to go on.
 */
import { sql, type RawBuilder } from 'kysely'
import { efforts } from '../routing/policy-data.ts'
import type { Database, Read } from './database.ts'
import { withinCondition, type Within } from './dimensions.ts'
import { BadCursorError, boundedLimit, decodeCursor, encodeCursor, type Page, type PageRequest } from './edits.ts'
import { decodeId, encodeId } from './ids.ts'
import { insertRows } from './insert.ts'
import type { RoutingTables } from './routing-tables.ts'

export interface Decision {
  /** Of its request. */
  id: string
  org: string
  /** Epoch µs. */
  at: number
  policy: string
  /** An arm: a model, or a model with its effort behind an `@`. */
  chosen: string
  session: string | null
  /** A `StoredDecision` as `packDecision` writes it. */
  body: string
}

export interface DecisionFilters {
  /** Epoch µs, `from` included, `to` not. */
  from?: number
  to?: number
  policy?: string
  /** An arm, or a model with any effort. */
  chosen?: string
  session?: string
  /** Those whose request ran there. */
  within?: Within
}

/** Decisions that one page may look at. */
const scanRows = 50_000

const columns = ['request_id', 'org_id', 'at', 'policy', 'chosen', 'session', 'body'] as const satisfies readonly (keyof RoutingTables['decision'])[]
type Row = RoutingTables['decision']

/** PostgreSQL has no text with U+0000; JSON escapes it. */
const clean = (text: string): string => text.replaceAll('\0', '')

const fromRow = ({ request_id: id, org_id: org, at, policy, chosen, session, body }: Row): Decision => ({ id: encodeId('req', id), org, at: Number(at), policy, chosen, session, body })

/** All or none. */
export async function insertDecisions({ kind, kysely }: Database, decisions: readonly Decision[]): Promise<void> {
  const values = decisions.flatMap(({ id, org, at, policy, chosen, session, body }): unknown[] => {
    const bytes = decodeId('req', id)
    if (bytes === null) throw new TypeError(`${id} is not a request id`)
    return [bytes, org, Math.round(at), clean(policy), clean(chosen), session === null ? null : clean(session), body]
  })
  await kysely.transaction().execute((transaction) => insertRows({ kind, kysely: transaction }, 'decision', columns, values, 'on conflict do nothing'))
}

/** Null for an id that is malformed, has no decision (any more), or is another organisation's. */
export async function findDecision(read: Read, org: string, id: string): Promise<Decision | null> {
  const bytes = decodeId('req', id)
  return bytes === null ? null : (await decisionsOf(read, org, [bytes])).get(id) ?? null
}

/** By request. */
export async function decisionsOf({ kysely }: Read, org: string, requests: readonly Uint8Array[]): Promise<Map<string, Decision>> {
  if (requests.length === 0) return new Map()
  const rows = await kysely.selectFrom('decision').selectAll().where('request_id', 'in', requests).where('org_id', '=', org).execute()
  return new Map(rows.map(fromRow).map((decision) => [decision.id, decision]))
}

/** Newest first. A page may be short, or empty, and still have a cursor: then the filter matched little of what was looked at. */
export async function listDecisions(read: Read, org: string, filters: DecisionFilters, page: PageRequest): Promise<Page<Decision>> {
  const limit = boundedLimit(page.limit)
  const { range, matches } = await conditionsOf(read, org, filters)
  if (page.cursor) {
    const after = parseCursor(page.cursor)
    range.push(sql`(at < ${after.at} or (at = ${after.at} and request_id < ${after.id}))`)
  }
  const candidates = sql<Row>`select request_id, at, policy, chosen from decision where ${sql.join(range, sql` and `)} order by at desc, request_id desc`
  // Without a further condition each row looked at is a hit.
  const scanned = matches.length === 0 ? limit : scanRows
  const { rows: hits } = await sql<Pick<Row, 'request_id' | 'at'>>`
    select d.request_id, d.at from (${candidates} limit ${sql.lit(scanned)}) d ${matches.length === 0 ? sql`` : sql`where ${sql.join(matches, sql` and `)}`}
    order by d.at desc, d.request_id desc limit ${limit}`.execute(read.kysely)
  const last = hits.length === limit ? hits[limit - 1] : (await sql<Row>`${candidates} limit 1 offset ${sql.lit(scanned - 1)}`.execute(read.kysely)).rows[0]
  const found = await decisionsOf(read, org, hits.map(({ request_id: id }) => id))
  const data = hits.flatMap(({ request_id: id }) => found.get(encodeId('req', id)) ?? [])
  return { data, nextCursor: last === undefined ? null : encodeCursor(`${last.at}.${Buffer.from(last.request_id).toString('hex')}`) }
}

/** `range` is held by an index, `matches` is looked up row by row. */
async function conditionsOf(read: Read, org: string, { from, to, policy, chosen, session, within = null }: DecisionFilters): Promise<{ range: RawBuilder<unknown>[]; matches: RawBuilder<unknown>[] }> {
  const range: RawBuilder<unknown>[] = [sql`org_id = ${org}`]
  const matches: RawBuilder<unknown>[] = []
  if (session !== undefined) range.push(sql`session = ${clean(session)}`)
  if (from !== undefined) range.push(sql`at >= ${from}`)
  if (to !== undefined) range.push(sql`at < ${to}`)
  if (policy !== undefined) matches.push(sql`d.policy = ${policy}`)
  if (chosen !== undefined) matches.push(sql`d.chosen in (${sql.join([chosen, ...efforts.map((effort) => `${chosen}@${effort}`)])})`)
  const place = await withinCondition(read, within)
  if (place !== null) matches.push(sql`exists (select 1 from usage where usage.request_id = d.request_id and ${place})`)
  return { range, matches }
}

function parseCursor(cursor: string): { at: number; id: Uint8Array } {
  const match = /^(\d{1,16})\.([0-9a-f]{32})$/.exec(decodeCursor(cursor))
  if (match === null) throw new BadCursorError()
  return { at: Number(match[1]), id: Buffer.from(match[2]!, 'hex') }
}
