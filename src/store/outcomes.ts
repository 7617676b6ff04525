/**
 * What somebody says that requests were worth: an outcome is for one request, a session or a trace, and replaces what the same key said
 * of the same target and metric before. The requests that it is for are found among those of the key, and of its team or project.
 */
import { createHash } from 'node:crypto'
import { sql, type RawBuilder } from 'kysely'
import type { Database, Read } from './database.ts'
import { decisionsOf } from './decisions.ts'
import { findDimensions } from './dimensions.ts'
import { BadCursorError, boundedLimit, decodeCursor, pageOf, type Page, type PageRequest } from './edits.ts'
import { decodeId, encodeId } from './ids.ts'
import type { RoutingTables } from './routing-tables.ts'

/** A judgement (true or 1 is good, false or 0 is bad), an amount, or a word. */
export type OutcomeValue = boolean | number | { usdNano: number } | { label: string }
/** `trace`: 32 hexadecimal digits. */
export type FeedbackTarget = { request: string } | { session: string } | { trace: string }

export interface FeedbackAsk {
  org: string
  key: string
  /** The nearest project or team above the key; null: it is directly below the organisation. */
  node: string | null
  target: FeedbackTarget
  metric: string
  value: OutcomeValue
  comment: string | null
  /** Epoch µs. */
  at: number
}

export interface FoundRequest {
  id: string
  /** The arm, where the router chose. */
  chosen: string | null
  /** A `StoredDecision` as `packDecision` writes it, where it is still kept. */
  decision: string | null
}

export interface FeedbackFound {
  outcomeId: string
  /** The key had said something else, or the same, before. */
  replaced: boolean
  /** Newest first, at most `mostRequests`. */
  requests: FoundRequest[]
}

export interface Outcome {
  id: string
  at: number
  key: string
  target: FeedbackTarget
  metric: string
  value: OutcomeValue
  comment: string | null
}

export interface OutcomeFilters {
  /** Epoch µs, `from` included, `to` not. */
  from?: number
  to?: number
  metric?: string
  key?: string
  target?: FeedbackTarget
}

/** Of a session or trace the newest ones are meant. */
export const mostRequests = 100

type Row = RoutingTables['outcome']

/** Stores an outcome. Null: it is for no request that the key may tell anything of, and nothing was stored. */
export async function takeFeedback(database: Database, ask: FeedbackAsk): Promise<FeedbackFound | null> {
  const found = await requestsOf(database, ask)
  if (found.length === 0) return null
  const decisions = await decisionsOf(database, ask.org, found)
  const outcome = await storeOutcome(database, ask)
  const requests = found.map((bytes): FoundRequest => {
    const id = encodeId('req', bytes)
    const decision = decisions.get(id)
    return { id, chosen: decision?.chosen ?? null, decision: decision?.body ?? null }
  })
  return { outcomeId: outcome.id, replaced: outcome.replaced, requests }
}

async function requestsOf(read: Read, { org, key, node, target }: FeedbackAsk): Promise<Uint8Array[]> {
  const id = async (kind: 'org' | 'key' | 'team' | 'project' | 'session', value: string): Promise<number> => (await findDimensions(read, kind, [value])).get(value) ?? unused
  const place = node === null ? sql`(team is null and project is null)` : sql`(project = ${await id('project', node)} or (project is null and team = ${await id('team', node)}))`
  const orgId = await id('org', org)
  const seen = sql`u.org = ${orgId} and (u.key_id = ${await id('key', key)} or ${place}) and u.final = 1`
  const which = 'session' in target ? sql`u.session = ${await id('session', target.session)}` : 'trace' in target ? await ofTrace(read, orgId, target.trace) : ofRequest(target.request)
  if (which === null) return []
  const { rows } = await sql<{ request_id: Uint8Array }>`select u.request_id from usage u where ${which} and ${seen} order by u.at desc, u.request_id desc limit ${sql.lit(mostRequests)}`.execute(read.kysely)
  return rows.map((row) => row.request_id)
}

/** Ids of dimensions are positive. */
const unused = -1

function ofRequest(request: string): RawBuilder<unknown> | null {
  const bytes = decodeId('req', request)
  return bytes === null ? null : sql`u.request_id = ${bytes}`
}

/** A request that came without a trace has one that is called as itself. */
async function ofTrace({ kysely }: Read, org: number, trace: string): Promise<RawBuilder<unknown>> {
  const { rows } = await sql<{ request_id: Uint8Array }>`select request_id from request_log where traceparent is not null and substr(traceparent, 4, 32) = ${trace} and org = ${org}
    order by seq desc limit ${sql.lit(tracedRequests)}`.execute(kysely)
  return sql`u.request_id in (${sql.join([Buffer.from(trace, 'hex'), ...rows.map((row) => row.request_id)])})`
}

/** Of one trace, whichever key they are of. */
const tracedRequests = 1_000

const columnsOf = (value: OutcomeValue): Pick<Row, 'kind' | 'value' | 'usd_nano' | 'label'> => {
  const none = { value: null, usd_nano: null, label: null }
  if (typeof value === 'boolean') return { ...none, kind: 'boolean', value: value ? 1 : 0 }
  if (typeof value === 'number') return { ...none, kind: 'number', value }
  return 'usdNano' in value ? { ...none, kind: 'usd', usd_nano: value.usdNano } : { ...none, kind: 'label', label: value.label }
}

const targetColumns = (target: FeedbackTarget): Pick<Row, 'request_id' | 'session' | 'trace_id'> => ({
  request_id: 'request' in target ? decodeId('req', target.request) : null, session: 'session' in target ? target.session : null, trace_id: 'trace' in target ? target.trace : null,
})

/** The same for the same key, target and metric, so that what is told again finds its row. */
function outcomeId({ org, key, target, metric }: FeedbackAsk): string {
  return encodeId('out', createHash('sha256').update(JSON.stringify([org, key, metric, ...Object.entries(target)[0]!])).digest())
}

async function storeOutcome({ kysely }: Database, ask: FeedbackAsk): Promise<{ id: string; replaced: boolean }> {
  const { org, key, target, metric, value, comment, at } = ask
  const id = outcomeId(ask)
  const said = { at, ...columnsOf(value), comment }
  return kysely.transaction().execute(async (transaction) => {
    const { numInsertedOrUpdatedRows } = await transaction.insertInto('outcome').values({ id, org_id: org, key_id: key, metric, ...targetColumns(target), ...said }).onConflict((conflict) => conflict.column('id').doNothing()).executeTakeFirstOrThrow()
    const replaced = numInsertedOrUpdatedRows === 0n
    if (replaced) await transaction.updateTable('outcome').set(said).where('id', '=', id).execute()
    return { id, replaced }
  })
}

function fromRow({ id, at, key_id: key, request_id: request, session, trace_id: trace, metric, kind, value, usd_nano: usdNano, label, comment }: Row): Outcome {
  const target: FeedbackTarget = request !== null ? { request: encodeId('req', request) } : session !== null ? { session } : { trace: trace! }
  const said: OutcomeValue = kind === 'boolean' ? value === 1 : kind === 'number' ? value! : kind === 'usd' ? { usdNano: usdNano! } : { label: label! }
  return { id, at, key, target, metric, value: said, comment }
}

/** Newest first. */
export async function listOutcomes({ kysely }: Read, org: string, { from, to, metric, key, target }: OutcomeFilters, page: PageRequest): Promise<Page<Outcome>> {
  const limit = boundedLimit(page.limit)
  const { request_id: request, session, trace_id: trace } = target === undefined ? { request_id: null, session: null, trace_id: null } : targetColumns(target)
  if (target !== undefined && 'request' in target && request === null) return { data: [], nextCursor: null }
  let query = kysely.selectFrom('outcome').selectAll().where('org_id', '=', org).orderBy('at', 'desc').orderBy('id', 'desc').limit(limit + 1)
  if (from !== undefined) query = query.where('at', '>=', from)
  if (to !== undefined) query = query.where('at', '<', to)
  if (metric !== undefined) query = query.where('metric', '=', metric)
  if (key !== undefined) query = query.where('key_id', '=', key)
  if (request !== null) query = query.where('request_id', '=', request)
  if (session !== null) query = query.where('session', '=', session)
  if (trace !== null) query = query.where('trace_id', '=', trace)
  if (page.cursor) {
    const [, at, id] = /^(\d{1,16})\.(out_[0-9a-z]{26})$/.exec(decodeCursor(page.cursor)) ?? []
    if (at === undefined || id === undefined) throw new BadCursorError()
    query = query.where((e) => e.or([e('at', '<', Number(at)), e.and([e('at', '=', Number(at)), e('id', '<', id)])]))
  }
  return pageOf((await query.execute()).map(fromRow), limit, (outcome) => `${outcome.at}.${outcome.id}`)
}
