/**
 * The request log as the console reads it: usage rows and log rows of a request put together again. Reading is bounded: one page
 * looks at no more than `scanRows` requests and then offers to go on, so that a rare filter can't hold the database.
 */
import { sql, type RawBuilder, type Selectable } from 'kysely'
import { usageClasses, type Usage } from '../catalog/price.ts'
import type { Read } from './database.ts'
import { dimensionValues, findDimensions, withinCondition, type DimensionKind, type Within } from './dimensions.ts'
import { BadCursorError, boundedLimit, decodeCursor, encodeCursor, type Page, type PageRequest } from './edits.ts'
import { decodeId, encodeId } from './ids.ts'
import { attemptOutcomes, requestOutcomes, stepNames, usageFlags, type AttemptOutcome, type RequestOutcome } from './records.ts'
import { usageColumns, type LoggedAttempt } from './rows.ts'
import type { RequestLogRow, UsageDimensions, UsageRow } from './tables.ts'
import { keyNames } from './usage.ts'
import { unpackVarints } from './varint.ts'

export interface RequestFilters {
  key?: string
  model?: string
  vendor?: string
  status?: number
  outcome?: RequestOutcome
  /** A request id, or a part of the asked model, route, error text, client or client request id. */
  search?: string
  /** Epoch µs, `from` included, `to` not. */
  from?: number
  to?: number
  minCostNano?: number
  within?: Within
}

export interface LoggedRequest {
  id: string
  at: number
  endpoint: string | null
  stream: boolean
  status: number
  outcome: RequestOutcome
  errorCode: string | null
  errorText: string | null
  key: { id: string; name: string | null } | null
  /** Where it ran. */
  team: string | null
  project: string | null
  modelAsked: string | null
  model: string | null
  vendor: string | null
  provider: string | null
  deployment: string | null
  route: string | null
  attempts: number
  /** Of all attempts; all tokens read and produced. */
  inputTokens: number
  outputTokens: number
  costNano: number
  /** Names of `usageFlags`. */
  flags: (keyof typeof usageFlags)[]
  firstTokenUs: number | null
  totalUs: number
  overheadUs: number
  simulated: boolean
  session: string | null
  tags: string[]
  /** What it looks like, where the router chose. */
  task: string | null
  client: string | null
}

export interface RequestAttempt {
  number: number
  vendor: string | null
  provider: string | null
  deployment: string | null
  model: string | null
  upstreamModel: string | null
  outcome: AttemptOutcome | null
  status: number
  errorCode: string | null
  errorText: string | null
  upstreamRequestId: string | null
  startedUs: number
  firstTokenUs: number | null
  endedUs: number
  usage: Usage
  costNano: number
  priceVersion: string | null
  flags: (keyof typeof usageFlags)[]
  final: boolean
}

export interface RequestDetail extends LoggedRequest {
  steps: { name: (typeof stepNames)[number]; us: number }[]
  attemptList: RequestAttempt[]
  cache: 'off' | 'miss' | 'hit'
  decision: string | null
  clientAddress: string | null
  clientRequestId: string | null
  traceparent: string | null
  requestBytes: number
  responseBytes: number
}

/** Requests that one page may look at. */
const scanRows = 50_000

type Log = Omit<Selectable<RequestLogRow>, 'attempts'> & { attempts: LoggedAttempt[] }

/** Newest first. A page may be short, or empty, and still have a cursor: then the filter matched little of what was looked at. */
export async function listRequests(read: Read, org: string, filters: RequestFilters, page: PageRequest): Promise<Page<LoggedRequest>> {
  const limit = boundedLimit(page.limit)
  const conditions = await conditionsOf(read, org, filters)
  if (conditions === null) return { data: [], nextCursor: null }
  const after = page.cursor ? parseCursor(page.cursor) : null
  const { range, matches } = conditions
  if (after !== null) range.push(sql`(at < ${after.at} or (at = ${after.at} and request_id < ${after.id}))`)
  // Without a further condition each row looked at is a hit.
  const scanned = matches.length === 0 ? limit : scanRows
  const { rows: hits } = await sql<Position>`
    select u.request_id, u.at from (${candidates(range)} limit ${sql.lit(scanned)}) u left join request_log l on l.request_id = u.request_id
    ${matches.length === 0 ? sql`` : sql`where ${sql.join(matches, sql` and `)}`} order by u.at desc, u.request_id desc limit ${limit}`.execute(read.kysely)
  const last = hits.length === limit ? hits[limit - 1] : (await sql<Position>`${candidates(range)} limit 1 offset ${sql.lit(scanned - 1)}`.execute(read.kysely)).rows[0]
  return { data: await readRequests(read, hits.map((row) => row.request_id)), nextCursor: last === undefined ? null : encodeCursor(`${last.at}.${Buffer.from(last.request_id).toString('hex')}`) }
}

interface Position {
  request_id: Uint8Array
  at: number
}

const candidates = (range: RawBuilder<unknown>[]): RawBuilder<Position> =>
  sql<Position>`select request_id, at, model, vendor, status, outcome from usage where ${sql.join(range, sql` and `)} and final = 1 order by at desc, request_id desc`

function parseCursor(cursor: string): { at: number; id: Uint8Array } {
  const match = /^(\d{1,16})\.([0-9a-f]{32})$/.exec(decodeCursor(cursor))
  if (match === null) throw new BadCursorError()
  return { at: Number(match[1]), id: Buffer.from(match[2]!, 'hex') }
}

/** `range` is held by an index, `matches` is looked up row by row. Null when nothing can match. */
async function conditionsOf(read: Read, org: string, filters: RequestFilters): Promise<{ range: RawBuilder<unknown>[]; matches: RawBuilder<unknown>[] } | null> {
  const id = async (kind: DimensionKind, value: string): Promise<number | undefined> => (await findDimensions(read, kind, [value])).get(value)
  const orgId = await id('org', org)
  if (orgId === undefined) return null
  const range: RawBuilder<unknown>[] = [sql`org = ${orgId}`]
  const matches: RawBuilder<unknown>[] = []
  for (const [column, kind, value] of [['key_id', 'key', filters.key], ['model', 'model', filters.model], ['vendor', 'vendor', filters.vendor]] as const) {
    if (value === undefined) continue
    const found = await id(kind, value)
    if (found === undefined) return null
    if (column === 'key_id') range.push(sql`key_id = ${found}`)
    else matches.push(sql`u.${sql.ref(column)} = ${found}`)
  }
  const within = await withinCondition(read, filters.within ?? null)
  if (within !== null) range.push(within)
  if (filters.from !== undefined) range.push(sql`at >= ${filters.from}`)
  if (filters.to !== undefined) range.push(sql`at < ${filters.to}`)
  if (filters.status !== undefined) matches.push(sql`coalesce(u.status, 0) = ${filters.status}`)
  if (filters.outcome !== undefined) matches.push(sql`coalesce(u.outcome, 0) = ${requestOutcomes.indexOf(filters.outcome)}`)
  if (filters.minCostNano !== undefined) matches.push(sql`(select coalesce(sum(c.cost_nano), 0) from usage c where c.request_id = u.request_id) >= ${filters.minCostNano}`)
  if (filters.search !== undefined && filters.search !== '') addSearch(filters.search, range, matches)
  return { range, matches }
}

function addSearch(search: string, range: RawBuilder<unknown>[], matches: RawBuilder<unknown>[]): void {
  const exact = decodeId('req', search.trim())
  if (exact !== null) {
    range.push(sql`request_id = ${exact}`)
    return
  }
  const pattern = `%${search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
  const columns = ['model_asked', 'route', 'error_text', 'client', 'client_request_id'].map((column) => sql`lower(l.${sql.ref(column)}) like ${pattern} escape '\\'`)
  matches.push(sql`(${sql.join(columns, sql` or `)})`)
}

/** In the order of writing, after `seq`: what the live view follows. `seq` is the last one's, or the newest one when `after` is null. */
export async function requestsAfter(read: Read, org: string, after: number | null, limit: number): Promise<{ seq: number; data: { seq: number; request: LoggedRequest }[] }> {
  const { kysely } = read
  if (after === null) {
    const newest = await kysely.selectFrom('request_log').select((e) => e.fn.max<number | null>('seq').as('seq')).executeTakeFirst()
    return { seq: newest?.seq ?? 0, data: [] }
  }
  const orgId = (await findDimensions(read, 'org', [org])).get(org)
  if (orgId === undefined) return { seq: after, data: [] }
  const rows = await kysely.selectFrom('request_log').select(['seq', 'request_id']).where('org', '=', orgId).where('seq', '>', after).orderBy('seq').limit(boundedLimit(limit)).execute()
  const requests = new Map((await readRequests(read, rows.map((row) => row.request_id))).map((request) => [request.id, request]))
  const data = rows.flatMap((row) => {
    const request = requests.get(encodeId('req', row.request_id))
    return request === undefined ? [] : [{ seq: row.seq, request }]
  })
  return { seq: rows[rows.length - 1]?.seq ?? after, data }
}

/** Null for an id that is malformed, unknown, or another organisation's. */
export async function findRequest(read: Read, org: string, id: string): Promise<RequestDetail | null> {
  const requestId = decodeId('req', id)
  if (requestId === null) return null
  const [request] = await load(read, [requestId])
  return request === undefined || request.org !== org ? null : detailOf(request)
}

/** Where a request ran; null for an id that is malformed, unknown, or another organisation's. */
export async function placeOfRequest(read: Read, org: string, id: string): Promise<{ team: string | null; project: string | null } | null> {
  const requestId = decodeId('req', id)
  if (requestId === null) return null
  const row = await read.kysely.selectFrom('usage').select(['org', 'team', 'project']).where('request_id', '=', requestId).limit(1).executeTakeFirst()
  if (row === undefined) return null
  const texts = await dimensionValues(read, [row.org, row.team, row.project].filter((each) => each !== null))
  const text = (id: number | null): string | null => (id === null ? null : texts.get(id) ?? null)
  return text(row.org) === org ? { team: text(row.team), project: text(row.project) } : null
}

async function readRequests(read: Read, ids: readonly Uint8Array[]): Promise<LoggedRequest[]> {
  return (await load(read, ids)).map(summaryOf)
}

interface Loaded {
  /** Ordered by attempt. */
  rows: UsageRow[]
  final: UsageRow
  log: Log | null
  org: string | null
  text: (id: number | null) => string | null
  keyName: string | null
}

const textColumns = ['org', 'team', 'project', 'key_id', 'session', 'tags', 'task', 'vendor', 'provider', 'model', 'deployment', 'endpoint', 'error_code', 'price_version'] as const satisfies (keyof UsageDimensions)[]

/** In the order of `ids`; an id without rows is absent. */
async function load(read: Read, ids: readonly Uint8Array[]): Promise<Loaded[]> {
  if (ids.length === 0) return []
  const { kysely } = read
  const usage = await kysely.selectFrom('usage').selectAll().where('request_id', 'in', ids).orderBy('attempt').execute()
  const logs = await kysely.selectFrom('request_log').selectAll().where('request_id', 'in', ids).execute()
  const texts = await dimensionValues(read, [...new Set(usage.flatMap((row) => textColumns.map((column) => row[column])))].filter((id) => id !== null))
  const text = (id: number | null): string | null => (id === null ? null : texts.get(id) ?? null)
  const names = await keyNames(read, [...new Set(usage.map((row) => text(row.key_id)))].filter((id) => id !== null))
  const byRequest = Map.groupBy(usage, (row) => encodeId('req', row.request_id))
  const logOf = new Map(logs.map((row) => [encodeId('req', row.request_id), { ...row, attempts: row.attempts === null ? [] : JSON.parse(row.attempts) as LoggedAttempt[] }]))
  return ids.flatMap((bytes) => {
    const id = encodeId('req', bytes)
    const rows = byRequest.get(id) ?? []
    const final = rows.find((row) => row.final === 1) ?? rows[rows.length - 1]
    if (final === undefined) return []
    return [{ rows, final, log: logOf.get(id) ?? null, org: text(final.org), text, keyName: names.get(text(final.key_id) ?? '')?.name ?? null }]
  })
}

const flagNames = (bits: number): (keyof typeof usageFlags)[] => (Object.keys(usageFlags) as (keyof typeof usageFlags)[]).filter((name) => (bits & usageFlags[name]) !== 0)

const sum = (rows: readonly UsageRow[], ...columns: (keyof UsageRow)[]): number => rows.reduce((total, row) => total + columns.reduce((units, column) => units + Number(row[column] ?? 0), 0), 0)

function summaryOf({ rows, final, log, text, keyName }: Loaded): LoggedRequest {
  const bits = rows.reduce((all, row) => all | (row.flags ?? 0), 0)
  const key = text(final.key_id)
  const tags = text(final.tags)
  return {
    id: encodeId('req', final.request_id), at: final.at, endpoint: text(final.endpoint), stream: final.stream === 1,
    status: final.status ?? 0, outcome: requestOutcomes[final.outcome ?? 0] ?? 'failed', errorCode: text(final.error_code), errorText: log?.error_text ?? null,
    key: key === null ? null : { id: key, name: keyName }, team: text(final.team), project: text(final.project), modelAsked: log?.model_asked ?? null,
    model: text(final.model), vendor: text(final.vendor), provider: text(final.provider), deployment: text(final.deployment), route: log?.route ?? null,
    attempts: rows.filter((row) => row.attempt > 0).length,
    inputTokens: sum(rows, 'input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_in', 'image_in'),
    outputTokens: sum(rows, 'output', 'reasoning', 'audio_out', 'image_out'),
    costNano: sum(rows, 'cost_nano'), flags: flagNames(bits),
    firstTokenUs: final.first_token_us, totalUs: final.total_us ?? 0, overheadUs: final.overhead_us ?? 0, simulated: (bits & usageFlags.simulated) !== 0,
    session: text(final.session), tags: tags === null ? [] : JSON.parse(tags) as string[], task: text(final.task), client: log?.client ?? null,
  }
}

function detailOf(loaded: Loaded): RequestDetail {
  const { rows, final, log } = loaded
  const steps = final.steps === null ? [] : unpackVarints(final.steps)
  return {
    ...summaryOf(loaded),
    steps: stepNames.map((name, index) => ({ name, us: steps[index] ?? 0 })),
    attemptList: rows.filter((row) => row.attempt > 0).map((row) => attemptOf(loaded, row)),
    cache: (['off', 'miss', 'hit'] as const)[final.cache ?? 0] ?? 'off', decision: final.decision,
    clientAddress: log?.client_address ?? null, clientRequestId: log?.client_request_id ?? null, traceparent: log?.traceparent ?? null,
    requestBytes: log?.request_bytes ?? 0, responseBytes: log?.response_bytes ?? 0,
  }
}

function attemptOf({ log, text }: Loaded, row: UsageRow): RequestAttempt {
  const logged = log?.attempts.find((attempt) => attempt.number === row.attempt)
  return {
    number: row.attempt, vendor: text(row.vendor), provider: text(row.provider), deployment: text(row.deployment), model: text(row.model),
    upstreamModel: logged?.upstreamModel ?? null, outcome: row.attempt_outcome === null ? null : attemptOutcomes[row.attempt_outcome - 1] ?? null,
    status: row.attempt_status ?? 0, errorCode: text(row.error_code), errorText: logged?.errorText ?? null, upstreamRequestId: logged?.upstreamRequestId ?? null,
    startedUs: logged?.startedUs ?? 0, firstTokenUs: logged?.firstTokenUs ?? null, endedUs: logged?.endedUs ?? row.total_us ?? 0,
    usage: Object.fromEntries(usageClasses.map((name) => [name, row[usageColumns[name]] ?? 0])) as Usage,
    costNano: row.cost_nano ?? 0, priceVersion: text(row.price_version), flags: flagNames(row.flags ?? 0), final: row.final === 1,
  }
}
