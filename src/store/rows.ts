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
  images: 'images', audioMs: 'audio_ms', characters: 'characters', searches: 'searches',
} as const satisfies Record<keyof Usage, keyof UsageRow>

const caches = ['off', 'miss', 'hit'] as const

function nonZero(value: number, what: string): number | null {
  const whole = Math.round(value)
  // A NaN is null by the time it comes here.
  if (typeof value !== 'number' || !Number.isSafeInteger(whole)) throw new RangeError(`${what} is ${value}, which is not an exact integer`)
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

/** PostgreSQL has no text with U+0000; a client's label must not cost the record. */
const clean = <Text extends string | null>(text: Text): Text => (text?.includes('\0') ? text.replaceAll('\0', '') as Text : text)

const errorCode = (record: RequestRecord, attempt: AttemptRecord): string | null => attempt.errorCode ?? (attempt.final ? record.errorCode : null)

/** What a row of `usage` says with ids of `dimension`, column by column. */
const dimensionColumns = [
  ['org', 'org', ({ org }) => org], ['team', 'team', ({ team }) => team], ['project', 'project', ({ project }) => project],
  ['user_id', 'user', ({ user }) => user], ['key_id', 'key', ({ key }) => key],
  ['session', 'session', ({ session }) => session], ['tags', 'tags', ({ tags }) => tagSet(tags)], ['task', 'task', ({ task }) => task], ['endpoint', 'endpoint', ({ endpoint }) => endpoint],
  ['vendor', 'vendor', (_, { vendor }) => vendor], ['provider', 'provider', (_, { provider }) => provider], ['model', 'model', (_, { model }) => model],
  ['deployment', 'deployment', (_, { deployment }) => deployment], ['price_version', 'price_version', (_, { priceVersion }) => priceVersion], ['error_code', 'error_code', errorCode],
] as const satisfies readonly (readonly [keyof UsageRow, DimensionKind, (record: RequestRecord, attempt: AttemptRecord) => string | null])[]

/** All texts of the records that need an id and have none yet. */
export function missingDimensions(records: readonly RequestRecord[], dimensions: Dimensions): Wanted {
  const missing: Wanted = new Map()
  for (const record of records) {
    for (const attempt of attemptsOf(record)) {
      for (const [, kind, textOf] of dimensionColumns) {
        const text = clean(textOf(record, attempt))
        if (text === null || dimensions.has(kind, text)) continue
        const texts = missing.get(kind)
        if (texts === undefined) missing.set(kind, new Set([text]))
        else texts.add(text)
      }
    }
  }
  return missing
}

export function requestIdOf(record: RequestRecord): Uint8Array {
  const id = decodeId('req', record.id)
  if (id === null) throw new TypeError(`${record.id} is not a request id`)
  return id
}

/** Columns of `usage` in the order of `addUsage`. */
export const usageTableColumns: readonly (keyof UsageRow)[] = [
  'request_id', 'attempt', 'at', ...dimensionColumns.map(([column]) => column),
  'status', 'outcome', 'attempt_status', 'attempt_outcome', 'cache', 'stream', 'decision', ...usageClasses.map((name) => usageColumns[name]),
  'cost_nano', 'flags', 'final', 'first_token_us', 'total_us', 'overhead_us', 'steps',
]

/** Adds the values of a record's rows to `values`, and returns how many rows they are. */
export function addUsage(values: unknown[], record: RequestRecord, id: Uint8Array, dimensions: Dimensions): number {
  const attempts = attemptsOf(record)
  for (const attempt of attempts) {
    values.push(id, attempt.number, Math.round(record.at))
    for (const [, kind, textOf] of dimensionColumns) values.push(dimensions.id(kind, clean(textOf(record, attempt))))
    values.push(
      nonZero(record.status, 'status'), nonZero(requestOutcomes.indexOf(record.outcome), 'outcome'), nonZero(attempt.status, 'attempt status'),
      attempt.outcome === null ? null : attemptOutcomes.indexOf(attempt.outcome) + 1,
      nonZero(caches.indexOf(record.cache), 'cache'), record.stream ? 1 : null, clean(record.decision),
    )
    for (const name of usageClasses) values.push(nonZero(attempt.usage[name], name))
    values.push(nonZero(attempt.costNano, 'cost'), nonZero(attempt.flags, 'flags'), attempt.final ? 1 : null)
    if (attempt.final) values.push(record.firstTokenUs === null ? null : Math.round(record.firstTokenUs), nonZero(record.totalUs, 'total'), nonZero(record.overheadUs, 'overhead'), packVarints(record.steps))
    else values.push(attempt.firstTokenUs === null ? null : Math.round(attempt.firstTokenUs - attempt.startedUs), nonZero(attempt.endedUs - attempt.startedUs, 'duration'), null, null)
  }
  return attempts.length
}

const loggedAttempt = (attempt: AttemptRecord): LoggedAttempt => ({
  number: attempt.number, provider: attempt.provider, upstreamModel: attempt.upstreamModel, credential: attempt.credential,
  errorText: attempt.errorText, upstreamRequestId: attempt.upstreamRequestId,
  startedUs: Math.round(attempt.startedUs), firstTokenUs: attempt.firstTokenUs === null ? null : Math.round(attempt.firstTokenUs), endedUs: Math.round(attempt.endedUs),
})

/** Columns of `request_log` in the order of `addLog`. */
export const logTableColumns = [
  'request_id', 'at', 'org', 'model_asked', 'route', 'error_text', 'client', 'client_address', 'client_request_id', 'traceparent', 'request_bytes', 'response_bytes', 'attempts',
] as const satisfies readonly (keyof RequestLogRow)[]

export function addLog(values: unknown[], record: RequestRecord, id: Uint8Array, dimensions: Dimensions): void {
  values.push(
    id, Math.round(record.at), dimensions.id('org', clean(record.org)), clean(record.modelAsked), clean(record.route), clean(record.errorText),
    clean(record.client), clean(record.clientAddress), clean(record.clientRequestId), clean(record.traceparent),
    nonZero(record.requestBytes, 'request bytes'), nonZero(record.responseBytes, 'response bytes'),
    record.attempts.length === 0 ? null : JSON.stringify(record.attempts.map(loggedAttempt)),
  )
}
