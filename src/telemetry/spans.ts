/**
 * Request records as OpenTelemetry spans: one server span per request and one client span per attempt, with the `gen_ai.*` and
 * `http.*` semantic conventions and the times of the record. Ids follow from the request id, so a span is the same whenever it is made.
 */
import { SpanKind, SpanStatusCode, TraceFlags, type Attributes, type HrTime, type SpanContext } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { inputTokens } from '../catalog/price.ts'
import { decodeId } from '../store/ids.ts'
import type { AttemptRecord, RequestRecord } from '../store/records.ts'

interface Parent {
  traceId: string
  spanId: string
  sampled: boolean
}

/** W3C trace context, https://www.w3.org/TR/trace-context/#traceparent-header. Null when it is malformed. */
export function parseTraceparent(header: string | null): Parent | null {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/.exec(header ?? '')
  if (match === null) return null
  const [, version, traceId, spanId, flags] = match
  if (version === 'ff' || /^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return null
  return { traceId: traceId!, spanId: spanId!, sampled: (parseInt(flags!, 16) & TraceFlags.SAMPLED) !== 0 }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The caller's trace, or one that is named after the request. */
export function traceIdOf(requestId: string, traceparent: string | null): string | null {
  const bytes = decodeId('req', requestId)
  return parseTraceparent(traceparent)?.traceId ?? (bytes === null ? null : hex(bytes))
}

/** The random half of the request id; attempts differ in its first byte. */
function spanIdOf(bytes: Uint8Array, attempt: number): string {
  const id = Uint8Array.from(bytes.subarray(8))
  id[0] = (id[0]! + attempt) & 0xff
  return hex(id)
}

const time = (us: number): HrTime => [Math.floor(us / 1e6), Math.round(us % 1e6) * 1000]

const operations: Record<string, string> = { 'chat.completions': 'chat', completions: 'text_completion', embeddings: 'embeddings' }

const present = (attributes: Record<string, string | number | boolean | string[] | null | undefined>): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined)) as Attributes

interface Draft {
  name: string
  kind: SpanKind
  context: SpanContext
  parent: SpanContext | null
  startUs: number
  endUs: number
  error: string | null
  attributes: Attributes
}

function spanOf({ name, kind, context, parent, startUs, endUs, error, attributes }: Draft, resource: Resource): ReadableSpan {
  return {
    name, kind, spanContext: () => context, ...(parent === null ? {} : { parentSpanContext: parent }),
    startTime: time(startUs), endTime: time(Math.max(startUs, endUs)), duration: time(Math.max(0, endUs - startUs)), ended: true,
    status: error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes, links: [], events: [], resource, instrumentationScope: { name: 'megarouter' },
    droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0,
  }
}

/** Empty when the caller's trace is not sampled. The request's span comes first. */
export function spansOf(record: RequestRecord, resource: Resource): ReadableSpan[] {
  const bytes = decodeId('req', record.id)
  const parent = parseTraceparent(record.traceparent)
  if (bytes === null || parent?.sampled === false) return []
  const traceId = parent?.traceId ?? hex(bytes)
  const context = (attempt: number): SpanContext => ({ traceId, spanId: spanIdOf(bytes, attempt), traceFlags: TraceFlags.SAMPLED })
  const operation = operations[record.endpoint] ?? record.endpoint
  const request = spanOf({
    name: record.modelAsked === null ? operation : `${operation} ${record.modelAsked}`, kind: SpanKind.SERVER, context: context(0),
    parent: parent === null ? null : { traceId, spanId: parent.spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true },
    startUs: record.at, endUs: record.at + record.totalUs, error: record.outcome === 'success' ? null : record.errorCode ?? record.outcome,
    attributes: requestAttributes(record, operation),
  }, resource)
  return [request, ...record.attempts.map((attempt) => spanOf({
    name: `${operation} ${attempt.upstreamModel ?? attempt.model ?? ''}`.trim(), kind: SpanKind.CLIENT, context: context(attempt.number), parent: context(0),
    startUs: record.at + attempt.startedUs, endUs: record.at + attempt.endedUs, error: attempt.outcome === 'success' ? null : attempt.errorCode ?? attempt.outcome ?? 'unknown',
    attributes: attemptAttributes(attempt, operation),
  }, resource))]
}

const requestAttributes = (record: RequestRecord, operation: string): Attributes => present({
  'http.response.status_code': record.status,
  'error.type': record.outcome === 'success' ? null : record.errorCode ?? record.outcome,
  'gen_ai.operation.name': operation,
  'gen_ai.request.model': record.modelAsked,
  'gen_ai.conversation.id': record.session,
  'megarouter.request.id': record.id, 'megarouter.outcome': record.outcome, 'megarouter.route': record.route, 'megarouter.stream': record.stream,
  'megarouter.org': record.org, 'megarouter.team': record.team, 'megarouter.project': record.project, 'megarouter.key': record.key,
  'megarouter.tags': record.tags.length > 0 ? record.tags : null,
  'megarouter.cost_nano_usd': record.attempts.reduce((sum, attempt) => sum + attempt.costNano, 0),
  'megarouter.overhead_us': record.overheadUs, 'megarouter.first_token_us': record.firstTokenUs,
})

const attemptAttributes = (attempt: AttemptRecord, operation: string): Attributes => present({
  'http.response.status_code': attempt.status === 0 ? null : attempt.status,
  'error.type': attempt.outcome === 'success' ? null : attempt.errorCode ?? attempt.outcome,
  'gen_ai.operation.name': operation,
  'gen_ai.provider.name': attempt.vendor,
  'gen_ai.request.model': attempt.upstreamModel,
  'gen_ai.response.model': attempt.status === 200 ? attempt.upstreamModel : null,
  'gen_ai.response.id': attempt.upstreamRequestId,
  'gen_ai.usage.input_tokens': inputTokens(attempt.usage),
  'gen_ai.usage.output_tokens': attempt.usage.output + attempt.usage.reasoning + attempt.usage.audioOut + attempt.usage.imageOut,
  'gen_ai.usage.cache_read.input_tokens': attempt.usage.cacheRead,
  'gen_ai.usage.cache_creation.input_tokens': attempt.usage.cacheWrite5m + attempt.usage.cacheWrite1h,
  'megarouter.attempt': attempt.number, 'megarouter.deployment': attempt.deployment, 'megarouter.provider': attempt.provider,
  'megarouter.cost_nano_usd': attempt.costNano, 'megarouter.price_version': attempt.priceVersion,
})
