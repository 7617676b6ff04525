/** Errors of Ollama, `{ "error": text }` whole and inside of streams, and the class that each belongs to: https://docs.ollama.com/api/errors */
import type { Json } from '../canonical.ts'
import { isNumber, isObject, isText } from '../members.ts'
import type { FaultClass, SaidError, UpstreamFault } from '../protocol.ts'

/** Null: it is none. */
export function faultOf(value: Json | undefined): UpstreamFault | null {
  if (!isObject(value) || value['error'] === undefined || value['error'] === null) return null
  const { error, status } = value
  const text = isText(error) ? error : isObject(error) && isText(error['message']) ? error['message'] : JSON.stringify(error)
  return { code: null, type: null, message: text.slice(0, 500), status: isNumber(status) && status >= 400 && status < 600 ? status : null }
}

export function readError(body: Buffer): UpstreamFault | null {
  try {
    return faultOf(JSON.parse(body.toString()) as Json)
  } catch {
    return null
  }
}

/** "the input length exceeds the context length", "the prompt is longer than the context length", "exceeds the available context" */
const tooLong = /context (length|window|size)|available context|prompt (is )?too long/i
const noModel = /not found|try pulling it first/i
/** Of models that Ollama runs in its cloud. */
const spent = /usage limit|upgrade|subscription|billing/i

export function classify(status: number, fault: UpstreamFault | null): FaultClass {
  const words = fault?.message ?? ''
  const effective = status >= 400 ? status : (fault?.status ?? 500)
  if (tooLong.test(words)) return 'context_window'
  switch (effective) {
    case 401: case 403: return 'auth'
    case 402: return 'quota'
    case 404: return 'not_found'
    case 408: case 504: return 'timeout'
    case 429: return spent.test(words) ? 'quota' : 'rate_limit'
    // It was cancelled, and not by the client, who would see no answer.
    case 499: return 'server'
    // Too many requests wait already.
    case 503: return 'overloaded'
  }
  if (effective >= 500) return 'server'
  return noModel.test(words) ? 'not_found' : 'request'
}

export const errorBody = ({ message, code, requestId }: SaidError): string => JSON.stringify({ error: message, code, request_id: requestId })
export const errorEvent = (error: SaidError): string => `${errorBody(error)}\n`
