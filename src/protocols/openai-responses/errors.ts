/**
 * Errors of the Responses API and of vendors that speak it: in an answer of an error status, in a response that failed, and as an event
 * of a stream. Codes: https://platform.openai.com/docs/api-reference/responses/object#responses/object-error
 */
import type { ChatError, JsonObject } from '../canonical.ts'
import { classify as classifyAll, faultOf } from '../openai-chat/errors.ts'
import type { FaultClass, UpstreamFault } from '../protocol.ts'
import { isObject, numberOr, textOr } from './json.ts'

/** Status of the HTTP answer that would say the same. */
const statuses: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429, insufficient_quota: 429, usage_limit_reached: 429, usage_not_included: 403, billing_hard_limit_reached: 429,
  server_error: 500, server_is_overloaded: 503, slow_down: 503, overloaded: 503, vector_store_timeout: 504,
  invalid_api_key: 401, model_not_found: 404, previous_response_not_found: 404,
}
/** All other codes name what is wrong with a request. */
const requestCode = /invalid|unsupported|missing|context_length|policy|prompt|image|unknown_parameter|below_m|above_m|too_l|data_residency/

const quotaCodes = new Set(['insufficient_quota', 'usage_limit_reached', 'usage_not_included', 'billing_hard_limit_reached'])
const overloadCodes = new Set(['server_is_overloaded', 'slow_down', 'overloaded'])
const notFoundCodes = new Set(['model_not_found', 'previous_response_not_found'])
const policyCodes = new Set(['content_policy_violation', 'image_content_policy_violation', 'bio_policy', 'cyber_policy', 'misalignment_policy_violation', 'content_filter'])

function statusOf(code: string | null, type: string | null): number | null {
  for (const each of [code, type]) {
    if (each === null) continue
    const known = statuses[each]
    if (known !== undefined) return known
    if (requestCode.test(each)) return 400
  }
  return null
}

/** An `error` event, whose members OpenAI nests and its description does not, or a response that failed. Null: there is none. */
export function faultIn(said: JsonObject): UpstreamFault | null {
  const fault = faultOf(isObject(said['error']) || typeof said['error'] === 'string' ? said['error'] : typeof said['message'] === 'string' ? { ...said, type: null } : null)
  return fault && { ...fault, status: fault.status ?? statusOf(fault.code, fault.type) }
}

const unsaid = 'The vendor reported an error without saying which.'

export function errorOf(said: JsonObject): ChatError {
  const fault = faultIn(said)
  const inner = isObject(said['error']) ? said['error'] : said
  return { status: fault?.status ?? 500, code: fault?.code ?? null, kind: fault?.type ?? null, message: textOr(inner['message']) ?? fault?.message ?? unsaid, param: textOr(inner['param']) ?? null }
}

/** xAI says what is wrong as a text and under `code`; ChatGPT and FastAPI say `detail`. */
export function faultOfBody(body: unknown): UpstreamFault | null {
  if (!isObject(body)) return typeof body === 'string' ? faultOf(body) : null
  const fault = faultOf(body['error'] ?? body)
  if (!fault || typeof body['error'] !== 'string') return fault
  return { ...fault, code: textOr(body['code'])?.slice(0, 64) ?? null, status: numberOr(body['status']) ?? null }
}

/** xAI answers these with status 400. */
const wrongKey = /^incorrect api key/i
const noModel = /^model not found/i

export function classify(status: number, fault: UpstreamFault | null): FaultClass {
  const code = fault?.code ?? fault?.type ?? ''
  if (quotaCodes.has(code)) return 'quota'
  if (overloadCodes.has(code)) return 'overloaded'
  if (policyCodes.has(code)) return 'content_policy'
  if (notFoundCodes.has(code)) return 'not_found'
  if (status === 400 && fault && wrongKey.test(fault.message)) return 'auth'
  if (status === 400 && fault && noModel.test(fault.message)) return 'not_found'
  return classifyAll(status, fault)
}

/** Clients tell these apart by code. Of other formats' errors it follows from the status. */
export const codeOf = ({ code, kind, status }: ChatError): string =>
  code ?? (status === 429 ? 'rate_limit_exceeded' : status === 503 || status === 529 ? 'server_is_overloaded' : kind ?? (status >= 400 && status < 500 ? 'invalid_prompt' : 'server_error'))
