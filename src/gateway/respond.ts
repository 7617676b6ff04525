/** Everything that is said to a client outside a running stream: headers, complete answers, errors. Framing is always ours. */
import { errorTable, statusOf, type Failure } from '../errors.ts'
import { contentTypes } from '../wire/event-scanner.ts'
import type { SaidError } from '../protocols/protocol.ts'
import type { Attempt } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import type { Fault } from './fault.ts'
import { usd } from './usage-cost.ts'

type Headers = Record<string, string | string[]>

/** Upstream headers that reach the client; all others, and everything hop-by-hop, stay here. */
const passed = /^((?:x-)?request-id|x-amzn-(?:requestid|errortype|bedrock-[\w-]+)|anthropic-ratelimit-[\w-]+|openai-(processing-ms|version|model)|retry-after(-ms)?|x-should-retry|x-ratelimit-[\w-]+)$/

export const saidError = (exchange: Exchange, failed: Failure): SaidError => ({
  message: `${failed.message} (request ${exchange.id})`,
  status: statusOf(failed),
  type: errorTable[failed.code].type,
  code: failed.code,
  param: failed.param ?? null,
  requestId: exchange.id,
  fault: failed.fault ?? null,
  ...(failed.retryAfterMs !== undefined && { retryAfterMs: failed.retryAfterMs }),
})

export function commonHeaders(exchange: Exchange, attempt: Attempt | undefined): Headers {
  const headers: Headers = {}
  if (attempt) for (const [name, value] of Object.entries(attempt.headers)) if (value !== undefined && passed.test(name)) headers[name] = value
  Object.assign(headers, exchange.lease?.headers() ?? exchange.limitHeaders)
  headers['x-request-id'] ??= exchange.id
  if (exchange.protocol.idHeader !== undefined) headers[exchange.protocol.idHeader] ??= exchange.id
  headers['x-megarouter-request-id'] = exchange.id
  headers['x-megarouter-attempts'] = String(exchange.attempts.length)
  headers['x-megarouter-cache'] = exchange.cache
  headers['x-megarouter-overhead-ms'] = (exchange.overheadUs() / 1000).toFixed(2)
  if (exchange.route !== null) headers['x-megarouter-route'] = headerText(exchange.route)
  const warnings = exchange.options && exchange.options.ofRouting.length > 0 && exchange.routed === null ? [`no effect on a request that names its model: ${exchange.options.ofRouting.join(', ')}`, ...exchange.warnings] : exchange.warnings
  if (warnings.length > 0) headers['x-megarouter-warnings'] = headerText([...new Set(warnings)].join('; '), longestWarnings)
  if (attempt) {
    headers['x-megarouter-provider'] = headerText(attempt.options.deployment.provider.id)
    headers['x-megarouter-model'] = headerText(attempt.options.deployment.logicalModel)
  }
  return headers
}

/** Everything that was left out has its place; clients take 8 KiB of headers and more. */
const longestWarnings = 4096

/** Names come from operators and clients: only printable ASCII may stand in a header. */
function headerText(text: string, longest = 256): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?')
  return plain.length <= longest ? plain : `${plain.slice(0, longest - 3)}...`
}

export function streamHeaders(exchange: Exchange, attempt: Attempt): Headers {
  return {
    ...commonHeaders(exchange, attempt),
    'content-type': contentTypeOf(exchange, attempt, true),
    'cache-control': 'no-cache, no-transform',
    // Without this nginx holds events back.
    'x-accel-buffering': 'no',
  }
}

/** As the vendor's, where its bytes pass as they came. */
function contentTypeOf({ protocol }: Exchange, { headers, options }: Attempt, isStream: boolean): string {
  const own = headers['content-type']
  const passes = options.translation === null && (!isStream || options.framings.framing === protocol.framing)
  return typeof own === 'string' && passes ? own : isStream ? contentTypes[protocol.framing] : 'application/json'
}

/** A complete answer, byte for byte as the upstream sent it unless the client asked for its cost. */
export function answer(exchange: Exchange, attempt: Attempt, body: Buffer): void {
  const headers = commonHeaders(exchange, attempt)
  headers['content-type'] = contentTypeOf(exchange, attempt, attempt.options.translation !== null && attempt.options.stream)
  headers['x-megarouter-cost-usd'] = usd(attempt.metered?.tenantNano ?? 0)
  send(exchange, attempt.status, headers, body)
}

/** The error of the last attempt: in the upstream's own words where there are any. */
export function sayFault(exchange: Exchange, attempt: Attempt, fault: Fault): void {
  if (!fault.upstream) return refuse(exchange, fault.failure, attempt)
  const headers = commonHeaders(exchange, attempt)
  headers['content-type'] = fault.upstream.contentType
  headers['x-megarouter-error-source'] = 'upstream'
  if (fault.retryAfterMs !== null) headers['retry-after'] ??= retryAfter(fault.retryAfterMs)
  send(exchange, fault.upstream.status, headers, fault.upstream.body)
}

const retryAfter = (ms: number): string => String(Math.ceil(ms / 1000))

/** An error of ours, in the wire format of the endpoint. */
export function refuse(exchange: Exchange, failed: Failure, attempt?: Attempt): void {
  const headers = commonHeaders(exchange, attempt)
  headers['content-type'] = 'application/json'
  if (failed.retryAfterMs !== undefined) headers['retry-after'] = retryAfter(failed.retryAfterMs)
  // SDKs retry 5xx and 429 by themselves; what can't succeed by repetition says so.
  const isVain = failed.code === 'budget_exceeded' || failed.code === 'idempotency_answer_gone' || (failed.code === 'rate_limit_exceeded' && failed.retryAfterMs === undefined)
  if (isVain) headers['x-should-retry'] = 'false'
  const { protocol } = exchange
  const said = saidError(exchange, failed)
  send(exchange, said.status, Object.assign(headers, protocol.errorHeaders?.(said)), Buffer.from(protocol.errorBody(said)))
}

/** An answer of a vendor, as it is to be told. */
export function sendAnswer(exchange: Exchange, status: number, contentType: string, body: Buffer): void {
  send(exchange, status, { ...commonHeaders(exchange, undefined), 'content-type': contentType }, body)
}

export function sendJson(exchange: Exchange, status: number, body: unknown): void {
  send(exchange, status, { ...commonHeaders(exchange, undefined), 'content-type': 'application/json' }, Buffer.from(JSON.stringify(body)))
}

function send(exchange: Exchange, status: number, headers: Headers, body: Buffer): void {
  const { response } = exchange
  headers['content-length'] = String(body.length)
  exchange.repeat?.answer(status, headers, body)
  exchange.capture?.recording.answer(status, headers, body)
  exchange.status = response.destroyed ? 499 : status
  if (response.destroyed) return
  exchange.responseBytes = body.length
  exchange.captured?.push(body)
  response.writeHead(status, headers)
  response.end(body)
}
