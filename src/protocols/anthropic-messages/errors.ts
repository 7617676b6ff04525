/** Errors in this format's form, and in the forms of the clouds that serve the same models (Bedrock, Vertex): what they say, what class they belong to, how ours are said. */
import type { FaultClass, SaidError, UpstreamFault } from '../protocol.ts'
import { isObject } from './fields.ts'
import { kindOf, statusOfKind } from './stops.ts'

/** A whole body or event. Null: it holds no error. */
export function faultOf(value: unknown): UpstreamFault | null {
  // Vertex wraps its own errors in a list.
  const body = Array.isArray(value) ? (value[0] as unknown) : value
  if (!isObject(body)) return null
  if (isObject(body['error'])) return faultIn(body['error'])
  if (typeof body['error'] === 'string' && body['error'] !== '') return faultIn({ message: body['error'] })
  // Bedrock says a message and no more.
  const message = body['message'] ?? body['Message']
  return typeof message === 'string' && body['type'] !== 'message' ? faultIn({ message }) : null
}

function faultIn(error: Record<string, unknown>): UpstreamFault {
  const { type, message, code, status } = error
  const kind = typeof type === 'string' ? type : typeof status === 'string' ? status : null
  const inBody = [code, status].find((each) => typeof each === 'number' && each >= 400 && each < 600) as number | undefined
  return {
    code: typeof code === 'string' ? code.slice(0, 64) : null,
    type: kind === null ? null : kind.slice(0, 64),
    message: (typeof message === 'string' ? message : JSON.stringify(message ?? error)).slice(0, 500),
    status: inBody ?? (statusOfKind(kind) || null),
  }
}

export function readError(body: Buffer): UpstreamFault | null {
  try {
    return faultOf(JSON.parse(body.toString()))
  } catch {
    return null
  }
}

const contextWindow = /prompt is too long|exceeds? (the )?(model'?s? )?(maximum )?context|context (window|length|limit)|input is too long|too many (input )?tokens in|prompt exceeds max/i
const contentPolicy = /content filter|usage policy|safety (system|filter)|blocked by .{0,40}polic/i
/** Spend limits come as errors of the request, or as rate limits. */
const spent = /credit balance|usage limits|spend(ing)? limit|billing|purchase credits/i

export function classify(status: number, fault: UpstreamFault | null): FaultClass {
  const effective = status >= 400 ? status : (fault?.status ?? 500)
  const words = fault?.message ?? ''
  if (fault?.type === 'overloaded_error' || effective === 529 || effective === 503) return 'overloaded'
  if (effective === 402 || (effective >= 400 && effective < 500 && effective !== 404 && spent.test(words))) return 'quota'
  if (effective === 429) return 'rate_limit'
  if (effective === 401 || effective === 403) return contentPolicy.test(words) ? 'content_policy' : 'auth'
  if (effective === 408 || effective === 504) return 'timeout'
  if (effective === 404) return 'not_found'
  if (contentPolicy.test(words)) return 'content_policy'
  if (effective >= 500) return 'server'
  return contextWindow.test(words) ? 'context_window' : 'request'
}

/** The kind goes by the status, since clients know no others; our own code stands beside it. */
export function said({ status, message, code, param, requestId }: SaidError): string {
  return JSON.stringify({ type: 'error', error: { type: kindOf(status), message, code, ...(param !== null && { param }) }, request_id: requestId })
}
