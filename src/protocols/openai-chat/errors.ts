/** Errors in OpenAI's form and the dialects of its imitators: what they say, and what class they belong to. */
import type { FaultClass, SaidError, UpstreamFault } from '../protocol.ts'

/** Reads `error` of a body or chunk: an object, or a bare string as Ollama and some proxies send. Null when there is none. */
export function faultOf(error: unknown): UpstreamFault | null {
  if (typeof error === 'string' && error !== '') return { code: null, type: null, message: error.slice(0, 500), status: null }
  if (typeof error !== 'object' || error === null) return null
  const { code, type, message, detail, status, status_code: statusCode } = error as Record<string, unknown>
  const text = [message, detail].find((part) => part !== undefined && part !== null)
  const inBody = [status, statusCode, code].find((value) => typeof value === 'number' && value >= 400 && value < 600)
  return {
    code: typeof code === 'string' || typeof code === 'number' ? String(code).slice(0, 64) : null,
    type: typeof type === 'string' ? type.slice(0, 64) : null,
    message: (typeof text === 'string' ? text : JSON.stringify(text ?? error)).slice(0, 500),
    status: (inBody as number | undefined) ?? null,
  }
}

const contextWindow = /context[ _]?(length|window)|maximum context|too many tokens|prompt is too long/i
/** A text that holds one and, later on, the other. */
const laterWords: readonly [RegExp, RegExp][] = [[/exceeds the (model|maximum)/i, /token|context/i], [/input/i, /too long/i]]
const contentPolicy = /content[ _]?(policy|filter)|content management policy|safety system|moderation|flagged/i

export function classify(status: number, fault: UpstreamFault | null): FaultClass {
  const effective = status >= 400 ? status : (fault?.status ?? 500)
  if (effective === 429) return /insufficient_quota|billing/.test(`${fault?.code} ${fault?.type}`) ? 'quota' : 'rate_limit'
  if (effective === 401 || effective === 403) return contentPolicy.test(`${fault?.code} ${fault?.message}`) ? 'content_policy' : 'auth'
  if (effective === 402) return 'quota'
  if (effective === 408) return 'timeout'
  if (effective === 404) return 'not_found'
  if (effective === 529 || effective === 503) return 'overloaded'
  if (effective >= 500) return 'server'
  const words = `${fault?.code} ${fault?.type} ${fault?.message}`
  if (contextWindow.test(words) || laterWords.some(([first, then]) => holdsInOrder(words, first, then))) return 'context_window'
  if (contentPolicy.test(words)) return 'content_policy'
  return 'request'
}

/** The codes that OpenAI's clients know for what a vendor of another format has refused. */
const knownCodes: Partial<Record<FaultClass, { code: string; type: string }>> = {
  context_window: { code: 'context_length_exceeded', type: 'invalid_request_error' },
  content_policy: { code: 'content_policy_violation', type: 'invalid_request_error' },
  rate_limit: { code: 'rate_limit_exceeded', type: 'rate_limit_error' },
  quota: { code: 'insufficient_quota', type: 'insufficient_quota' },
  overloaded: { code: 'overloaded', type: 'server_error' },
  server: { code: 'upstream_error', type: 'server_error' },
  request: { code: 'invalid_request', type: 'invalid_request_error' },
}

/** Type and code of an error, in OpenAI's words where a vendor told it. */
export const kindOf = ({ type, code, fault }: SaidError): { type: string; code: string } => (fault === null ? undefined : knownCodes[fault]) ?? { type, code }

export function said(error: SaidError): string {
  const { message, param, requestId } = error
  const { type, code } = kindOf(error)
  return JSON.stringify({ error: { message, type, param, code, request_id: requestId } })
}

/** In one pass each: a single expression with a gap tries every end for every beginning. */
function holdsInOrder(text: string, first: RegExp, then: RegExp): boolean {
  const at = text.search(first)
  return at >= 0 && then.test(text.slice(at))
}
