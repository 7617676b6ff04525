/** Errors of Cohere, `{ id, message }`, and the class that each belongs to by its status and words: https://docs.cohere.com/reference/errors */
import { isNumber, isObject, isText } from '../members.ts'
import type { Json } from '../canonical.ts'
import type { FaultClass, SaidError, UpstreamFault } from '../protocol.ts'

const most = 500

/** Null: it is none. Proxies before Cohere write `error` or `detail`. */
export function faultOf(value: Json | undefined): UpstreamFault | null {
  if (!isObject(value)) return null
  const { message, error, detail, code, status } = value
  const text = [message, error, detail, isObject(error) ? error['message'] : undefined].find(isText)
  if (text === undefined) return null
  return { code: isText(code) ? code.slice(0, 64) : null, type: null, message: text.slice(0, most), status: isNumber(status) && status >= 400 && status < 600 ? status : null }
}

export function readError(body: Buffer): UpstreamFault | null {
  try {
    return faultOf(JSON.parse(body.toString()) as Json)
  } catch {
    return null
  }
}

const tooLong = /too many tokens|context[ _]?(length|window)|prompt is too long|input is too long/i
/** An output limit above the model's is the request's own fault. */
const limitTooLarge = /max[ _]tokens must be/i
/** A trial key is limited by the minute and by the month. */
const spent = /\/ month|per month|billing|payment/i
const blocked = /deny-listed|content[ _]?(policy|filter)|safety|terms of use|harmful/i

export function classify(status: number, fault: UpstreamFault | null): FaultClass {
  const words = fault?.message ?? ''
  const effective = status >= 400 ? status : (fault?.status ?? 500)
  switch (effective) {
    case 401: case 403: return 'auth'
    case 402: return 'quota'
    case 404: return 'not_found'
    case 408: case 504: return 'timeout'
    case 429: return spent.test(words) ? 'quota' : 'rate_limit'
    // A token of the request or the answer is on a list of denied ones.
    case 498: return 'content_policy'
    // It was cancelled, and not by the client, who would see no answer.
    case 499: return 'server'
    case 503: return 'overloaded'
    case 501: return 'request'
  }
  if (effective >= 500) return 'server'
  if (tooLong.test(words) && !limitTooLarge.test(words)) return 'context_window'
  return blocked.test(words) ? 'content_policy' : 'request'
}

export const errorBody = ({ message, code, requestId }: SaidError): string => JSON.stringify({ id: requestId, message, code })

export const errorEvent = ({ message, requestId }: SaidError): string =>
  `event: message-end\ndata: ${JSON.stringify({ type: 'message-end', id: requestId, delta: { error: message, finish_reason: 'ERROR' } })}\n\n`
