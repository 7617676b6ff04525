/**
 * Every error that the data plane itself can answer with: a stable code, its HTTP status and its OpenAI error type.
 * Each code has a page in docs/errors/. Errors of an upstream are passed on as they came and are not listed here.
 */

import type { FaultClass } from './protocols/protocol.ts'

export const errorTable = {
  invalid_json: { status: 400, type: 'invalid_request_error' },
  invalid_request: { status: 400, type: 'invalid_request_error' },
  request_too_deep: { status: 400, type: 'invalid_request_error' },
  duplicate_field: { status: 400, type: 'invalid_request_error' },
  no_candidate: { status: 400, type: 'invalid_request_error' },
  unsupported_feature: { status: 400, type: 'invalid_request_error' },
  responses_not_stored: { status: 400, type: 'invalid_request_error' },
  provider_not_enabled: { status: 400, type: 'invalid_request_error' },
  missing_api_key: { status: 401, type: 'invalid_request_error' },
  invalid_api_key: { status: 401, type: 'invalid_request_error' },
  key_revoked: { status: 401, type: 'invalid_request_error' },
  key_expired: { status: 401, type: 'invalid_request_error' },
  key_disabled: { status: 401, type: 'invalid_request_error' },
  budget_exceeded: { status: 402, type: 'insufficient_quota' },
  address_not_allowed: { status: 403, type: 'permission_error' },
  policy_denied: { status: 403, type: 'permission_error' },
  price_unknown: { status: 403, type: 'permission_error' },
  budget_unenforceable: { status: 403, type: 'permission_error' },
  model_not_found: { status: 404, type: 'invalid_request_error' },
  object_not_found: { status: 404, type: 'invalid_request_error' },
  request_not_found: { status: 404, type: 'invalid_request_error' },
  response_not_found: { status: 404, type: 'invalid_request_error' },
  unsupported_endpoint: { status: 404, type: 'invalid_request_error' },
  method_not_allowed: { status: 405, type: 'invalid_request_error' },
  upgrade_required: { status: 426, type: 'invalid_request_error' },
  request_timeout: { status: 408, type: 'invalid_request_error' },
  idempotency_answer_gone: { status: 409, type: 'invalid_request_error' },
  request_too_large: { status: 413, type: 'invalid_request_error' },
  unsupported_content_type: { status: 415, type: 'invalid_request_error' },
  idempotency_key_reused: { status: 422, type: 'invalid_request_error' },
  rate_limit_exceeded: { status: 429, type: 'rate_limit_error' },
  internal_error: { status: 500, type: 'server_error' },
  upstream_error: { status: 502, type: 'upstream_error' },
  upstream_truncated: { status: 502, type: 'upstream_error' },
  upstream_response_too_large: { status: 502, type: 'upstream_error' },
  not_ready: { status: 503, type: 'server_error' },
  overloaded: { status: 503, type: 'server_error' },
  shutting_down: { status: 503, type: 'server_error' },
  feedback_unavailable: { status: 503, type: 'server_error' },
  responses_unavailable: { status: 503, type: 'server_error' },
  key_lookup_unavailable: { status: 503, type: 'server_error' },
  ledger_unavailable: { status: 503, type: 'server_error' },
  control_unavailable: { status: 503, type: 'server_error' },
  upstream_unavailable: { status: 503, type: 'upstream_error' },
  upstream_timeout: { status: 504, type: 'upstream_error' },
} as const

export type ErrorCode = keyof typeof errorTable

/** A refusal or failure of ours: a value, not an exception, so that each step says plainly what can go wrong. */
export interface Failure {
  code: ErrorCode
  /** What happened and what to do, for the caller's eyes. No secrets, no content. */
  message: string
  /** The request field at fault. */
  param?: string
  retryAfterMs?: number
  /** What a vendor's refusal is by its kind, so that a format can say it in its own word. */
  fault?: FaultClass
  /** Overrides the table's status. */
  status?: number
}

export const failure = (code: ErrorCode, message: string, more: Omit<Failure, 'code' | 'message'> = {}): Failure => ({ code, message, ...more })
export const statusOf = (failed: Failure): number => failed.status ?? errorTable[failed.code].status
