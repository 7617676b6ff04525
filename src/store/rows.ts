/**
 * A request record as rows: one narrow `usage` row per attempt with every dimension of accounting, one `request_log` row with what
 * only a reader of that request wants. A number that is not an exact integer is refused here, before it can become a wrong sum.
 */
import { usageClasses, type Usage } from '../catalog/price.ts'
import type { Dimensions, DimensionKind, Wanted } from './dimensions.ts'
import { decodeId } from './ids.ts'
import { attemptOutcomes, requestOutcomes, type AttemptRecord, type RequestRecord } from './records.ts'
import type { RequestLogRow, UsageRow } from './tables.ts'
import { packVarints } from './varint.ts'

/** What the request log keeps of an attempt beyond its usage row. */
export interface LoggedAttempt {
  number: number
  provider: string | null
  upstreamModel: string | null
  credential: string | null
  errorText: string | null
  upstreamRequestId: string | null
  startedUs: number
  firstTokenUs: number | null
  endedUs: number
}

/** The usage columns in the order of `usageClasses`. */
export const usageColumns = {
  input: 'input', cacheRead: 'cache_read', cacheWrite5m: 'cache_write_5m', cacheWrite1h: 'cache_write_1h', output: 'output', reasoning: 'reasoning',
  audioIn: 'audio_in', audioOut: 'audio_out', imageIn: 'image_in', imageOut: 'image_out', toolCalls: 'tool_calls', requests: 'requests',
} as const satisfies Record<keyof Usage, keyof UsageRow>

const caches = ['off', 'miss', 'hit'] as const

function nonZero(value: number, what: string): number | null {
  const whole = Math.round(value)
  if (!Number.isSafeInteger(whole)) throw new RangeError(`${what} is ${value}, which is not an exact integer`)
  return whole === 0 ? null : whole
}

const never: AttemptRecord = {
  number: 0, vendor: null, provider: null, deployment: null, model: null, upstreamModel: null, credential: null, outcome: null, status: 0,
  errorCode: null, errorText: null, upstreamRequestId: null, startedUs: 0, firstTokenUs: null, endedUs: 0,
  usage: Object.fromEntries(usageClasses.map((name) => [name, 0])) as Usage, costNano: 0, priceVersion: null, flags: 0, final: true,
}

/** A request that was never dispatched counts on a row of attempt 0. */
const attemptsOf = (record: RequestRecord): AttemptRecord[] => (record.attempts.length > 0 ? record.attempts : [never])

/** The set of tags is one dimension: few sets recur, and a tag is found among the sets. */
const tagSet = (tags: readonly string[]): string | null => (tags.length === 0 ? null : JSON.stringify([...new Set(tags)].sort()))

type Texts = [DimensionKind, string | null][]

/** PostgreSQL has no text with U+0000; a client's label must not cost the record. */
const clean = <Text extends string | null>(text: Text): Text => (text?.includes('\0') ? text.replaceAll('\0', '') as Text : text)

const cleaned = (texts: Texts): Texts => texts.map(([kind, value]) => [kind, clean(value)])

const requestTexts = (record: RequestRecord): Texts => cleaned([
  ['org', record.org], ['team', record.team], ['project', record.project], ['user', record.user], ['key', record.key],
  ['session', record.session], ['tags', tagSet(record.tags)], ['task', record.task], ['endpoint', record.endpoint],
])

const attemptTexts = (record: RequestRecord, attempt: AttemptRecord): Texts => cleaned([
  ['vendor', attempt.vendor], ['provider', attempt.provider], ['model', attempt.model], ['deployment', attempt.deployment],
  ['price_version', attempt.priceVersion], ['error_code', errorCode(record, attempt)],
])

const errorCode = (record: RequestRecord, attempt: AttemptRecord): string | null => attempt.errorCode ?? (attempt.final ? record.errorCode : null)

/** All texts of the records that need an id. */
export function wantedDimensions(records: readonly RequestRecord[]): Wanted {
  const wanted: Wanted = new Map()
  for (const record of records) {
    const texts = [...requestTexts(record), ...attemptsOf(record).flatMap((attempt) => attemptTexts(record, attempt))]
    for (const [kind, value] of texts) {
      if (value === null) continue
      const values = wanted.get(kind)
      if (values === undefined) wanted.set(kind, new Set([value]))
      else values.add(value)
    }
  }
  return wanted
}

export function requestIdOf(record: RequestRecord): Uint8Array {
  const id = decodeId('req', record.id)
  if (id === null) throw new TypeError(`${record.id} is not a request id`)
  return id
}

export function usageRows(record: RequestRecord, dimensions: Dimensions): UsageRow[] {
  const id = requestIdOf(record)
  const of = (texts: Texts) => Object.fromEntries(texts.map(([kind, value]) => [kind, dimensions.id(kind, value)])) as Record<DimensionKind, number | null>
  const request = of(requestTexts(record))
  return attemptsOf(record).map((attempt) => {
    const own = of(attemptTexts(record, attempt))
    const { final } = attempt
    return {
      request_id: id, attempt: attempt.number, at: Math.round(record.at),
      org: request.org, team: request.team, project: request.project, user_id: request.user, key_id: request.key,
      session: request.session, tags: request.tags, task: request.task, endpoint: request.endpoint,
      vendor: own.vendor, provider: own.provider, model: own.model, deployment: own.deployment, price_version: own.price_version, error_code: own.error_code,
      status: nonZero(record.status, 'status'), outcome: nonZero(requestOutcomes.indexOf(record.outcome), 'outcome'),
      attempt_status: nonZero(attempt.status, 'attempt status'),
      attempt_outcome: attempt.outcome === null ? null : attemptOutcomes.indexOf(attempt.outcome) + 1,
      cache: nonZero(caches.indexOf(record.cache), 'cache'), stream: record.stream ? 1 : null, decision: clean(record.decision),
      ...unitColumns(attempt.usage),
      cost_nano: nonZero(attempt.costNano, 'cost'), flags: nonZero(attempt.flags, 'flags'), final: final ? 1 : null,
      ...(final ? requestTimes(record) : attemptTimes(attempt)),
    }
  })
}

function unitColumns(usage: Usage) {
  const columns = {} as Record<(typeof usageColumns)[keyof Usage], number | null>
  for (const name of usageClasses) columns[usageColumns[name]] = nonZero(usage[name], name)
  return columns
}

const requestTimes = (record: RequestRecord) => ({
  first_token_us: record.firstTokenUs === null ? null : Math.round(record.firstTokenUs),
  total_us: nonZero(record.totalUs, 'total'), overhead_us: nonZero(record.overheadUs, 'overhead'), steps: packVarints(record.steps),
})

const attemptTimes = (attempt: AttemptRecord) => ({
  first_token_us: attempt.firstTokenUs === null ? null : Math.round(attempt.firstTokenUs - attempt.startedUs),
  total_us: nonZero(attempt.endedUs - attempt.startedUs, 'duration'), overhead_us: null, steps: null,
})

const loggedAttempt = (attempt: AttemptRecord): LoggedAttempt => ({
  number: attempt.number, provider: attempt.provider, upstreamModel: attempt.upstreamModel, credential: attempt.credential,
  errorText: attempt.errorText, upstreamRequestId: attempt.upstreamRequestId,
  startedUs: Math.round(attempt.startedUs), firstTokenUs: attempt.firstTokenUs === null ? null : Math.round(attempt.firstTokenUs), endedUs: Math.round(attempt.endedUs),
})

export function requestLogRow(record: RequestRecord, dimensions: Dimensions): Omit<RequestLogRow, 'seq'> {
  return {
    request_id: requestIdOf(record), at: Math.round(record.at), org: dimensions.id('org', clean(record.org)),
    model_asked: clean(record.modelAsked), route: clean(record.route), error_text: clean(record.errorText),
    client: clean(record.client), client_address: clean(record.clientAddress), client_request_id: clean(record.clientRequestId), traceparent: clean(record.traceparent),
    request_bytes: nonZero(record.requestBytes, 'request bytes'), response_bytes: nonZero(record.responseBytes, 'response bytes'),
    attempts: record.attempts.length === 0 ? null : JSON.stringify(record.attempts.map(loggedAttempt)),
  }
}
