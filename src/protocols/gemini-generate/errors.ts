/**
 * Errors as Google's APIs tell them (https://google.aip.dev/193): a status by name, and details that say which quota or which service. Streams
 * end with one in plain JSON, outside of any event: so all of Google's libraries read it, and pass over one inside an event.
 */
import type { FaultClass, SaidError, UpstreamFault } from '../protocol.ts'
import { isObject } from './fields.ts'

/** The name that fits best: of a quota, of a reason, of the status. */
export function faultOf(error: unknown): UpstreamFault {
  if (!isObject(error)) return { code: null, type: null, message: (typeof error === 'string' ? error : JSON.stringify(error)).slice(0, 500), status: null }
  const { code, message, status, details } = error
  let detail: unknown
  let retryAfterMs: number | null = null
  if (Array.isArray(details)) {
    for (const each of details) {
      if (!isObject(each)) continue
      const { reason, violations, retryDelay } = each
      retryAfterMs ??= delayMs(retryDelay)
      const quota = Array.isArray(violations) && isObject(violations[0]) ? violations[0]['quotaId'] : undefined
      detail = quota ?? detail ?? reason
    }
  }
  const name = typeof detail === 'string' && detail !== '' ? detail : status
  return {
    code: typeof name === 'string' ? name.slice(0, 64) : typeof code === 'number' ? String(code) : null,
    type: typeof status === 'string' ? status.slice(0, 64) : null,
    message: (typeof message === 'string' ? message : JSON.stringify(error)).slice(0, 500),
    status: typeof code === 'number' && code >= 400 && code < 600 ? code : null,
    ...(retryAfterMs !== null && { retryAfterMs }),
  }
}

/** Of a RetryInfo, `34.07s`. https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto */
function delayMs(text: unknown): number | null {
  const seconds = typeof text === 'string' ? /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(text)?.[1] : undefined
  return seconds === undefined ? null : Math.ceil(Number(seconds) * 1000)
}

/** A whole body: the error, or a list of it, as where a stream was asked for. */
export function readError(body: Buffer): UpstreamFault | null {
  try {
    const parsed: unknown = JSON.parse(body.toString())
    const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed
    return isObject(first) && (first['error'] ?? null) !== null ? faultOf(first['error']) : null
  } catch {
    return null
  }
}

const contextWindow = /input token count|exceeds the maximum number of tokens|maximum context|too many tokens|prompt is too long/i
const contentPolicy = /responsible ai|safety (settings|filters?|reasons)|prohibited[ _]content|content polic|usage guidelines|blocked by/i
const badKey = /API_KEY|api key|ACCOUNT_STATE|location is not supported/i
const unpaid = /billing/i
/** What is refilled within a minute is a rate; what is not is spent. */
const spent = /PerDay|PerMonth|limit: 0\b|prepayment|credits/i

export function classify(status: number, fault: UpstreamFault | null): FaultClass {
  const effective = status >= 400 ? status : fault?.status ?? 500
  const words = fault === null ? '' : `${fault.code} ${fault.type} ${fault.message}`
  switch (effective) {
    case 401: return 'auth'
    case 402: return 'quota'
    case 403: return unpaid.test(words) ? 'quota' : contentPolicy.test(words) ? 'content_policy' : 'auth'
    case 404: return 'not_found'
    case 408: case 499: case 504: return 'timeout'
    case 429: return spent.test(words) ? 'quota' : 'rate_limit'
    case 503: case 529: return 'overloaded'
    default:
  }
  if (effective >= 500) return 'server'
  if (contextWindow.test(words)) return 'context_window'
  if (badKey.test(words)) return 'auth'
  if (/FAILED_PRECONDITION/.test(words) && unpaid.test(words)) return 'quota'
  return contentPolicy.test(words) ? 'content_policy' : 'request'
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto; a spent budget is none of a vendor's quotas, which clients wait for. */
const names: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 402: 'FAILED_PRECONDITION', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 405: 'UNIMPLEMENTED', 408: 'DEADLINE_EXCEEDED', 409: 'ABORTED',
  412: 'FAILED_PRECONDITION', 413: 'INVALID_ARGUMENT', 415: 'INVALID_ARGUMENT', 422: 'INVALID_ARGUMENT', 426: 'FAILED_PRECONDITION', 429: 'RESOURCE_EXHAUSTED', 499: 'CANCELLED',
  500: 'INTERNAL', 501: 'UNIMPLEMENTED', 502: 'UNAVAILABLE', 503: 'UNAVAILABLE', 504: 'DEADLINE_EXCEEDED', 529: 'UNAVAILABLE',
}

export function errorBody({ message, status, type, code, param, requestId, retryAfterMs }: SaidError): string {
  const metadata = { type, request_id: requestId, ...(param === null ? {} : { param }) }
  const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code.toUpperCase(), domain: 'megarouter', metadata }
  return JSON.stringify({ error: { code: status, message, status: names[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'), details: retryAfterMs === undefined ? [info] : [info, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(retryAfterMs / 1000)}s` }] } })
}
