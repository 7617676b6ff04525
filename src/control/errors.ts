/**
 * Errors of the admin API: one exception that carries a stable code and a text that says what to do, and the envelope in which
 * every error leaves. A failure that nobody foresaw becomes `internal_error`: its details go to the log, never to the caller.
 */
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from '@hono/zod-openapi'

export const statuses = {
  invalid_json: 400,
  invalid_request: 400,
  unauthenticated: 401,
  invalid_credentials: 401,
  second_factor_wrong: 401,
  oidc_refused: 401,
  forbidden: 403,
  csrf_failed: 403,
  https_required: 403,
  bootstrap_token_wrong: 403,
  bootstrap_token_expired: 403,
  bootstrap_token_used: 403,
  link_invalid: 403,
  scope_not_held: 403,
  oidc_not_admitted: 403,
  not_found: 404,
  content_not_stored: 404,
  already_exists: 409,
  managed_by_file: 409,
  idempotency_conflict: 409,
  last_owner: 409,
  not_empty: 409,
  role_in_use: 409,
  policy_in_use: 409,
  increase_refused: 409,
  alert_not_failed: 409,
  organisation_protected: 409,
  version_conflict: 412,
  request_too_large: 413,
  unsupported_content_type: 415,
  unknown_target: 422,
  alias_cycle: 422,
  unknown_vendor: 422,
  unknown_provider: 422,
  unknown_subject: 422,
  misplaced: 422,
  not_grantable: 422,
  invalid_policy: 422,
  invalid_address: 422,
  key_not_active: 422,
  credential_refused: 422,
  configuration_refused: 422,
  feed_unusable: 422,
  range_too_large: 422,
  oidc_misconfigured: 422,
  public_url_missing: 422,
  too_many_attempts: 429,
  internal_error: 500,
  database_unavailable: 503,
  overloaded: 503,
  oidc_unavailable: 503,
  data_plane_silent: 503,
} as const satisfies Record<string, ContentfulStatusCode>

export type ControlErrorCode = keyof typeof statuses

/** `rule`: of a model policy, from 1. */
export interface PolicyProblem { rule?: number; field: string; message: string; line?: number; column?: number }

interface Details {
  /** The field at fault, as a path: `budget.limit_usd`. */
  param?: string
  retryAfterMs?: number
  /** The state that a conditional write met. */
  current?: { version: number }
  /** Of a policy, all at once. */
  problems?: PolicyProblem[]
}

export class ControlError extends Error {
  override name = 'ControlError'
  readonly code: ControlErrorCode
  readonly details: Details
  constructor(code: ControlErrorCode, message: string, details: Details = {}) {
    super(message)
    this.code = code
    this.details = details
  }
  get status(): (typeof statuses)[ControlErrorCode] {
    return statuses[this.code]
  }
}

export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    param: z.string().optional(),
    request_id: z.string(),
    problems: z.array(z.object({ rule: z.int().optional(), field: z.string(), message: z.string(), line: z.int().optional(), column: z.int().optional() })).optional()
      .openapi({ description: 'With invalid_policy: everything that is wrong; rules (of model policies) count from 1, lines and columns are those of a condition.' }),
    current: z.looseObject({ version: z.int() }).optional().openapi({ description: 'With version_conflict: the entity as it is now.' }),
  }),
}).openapi('Error')

type ErrorBody = z.infer<typeof errorSchema>

export function errorBody(error: ControlError, requestId: string): ErrorBody {
  const { param, current, problems } = error.details
  return { error: { code: error.code, message: error.message, ...(param === undefined ? {} : { param }), request_id: requestId, ...(problems === undefined ? {} : { problems }), ...(current === undefined ? {} : { current }) } }
}

const meaning = {
  400: 'The request is malformed', 401: 'Not logged in', 403: 'Refused', 404: 'There is no such thing',
  409: 'It collides with what exists', 412: 'It was changed meanwhile (`If-Match`)', 422: 'Understood, but impossible',
  429: 'Too many attempts', 503: 'Not available now',
} as const

/** Documents the errors of a route: `...errors(401, 404)`. */
export function errors<S extends keyof typeof meaning>(...codes: S[]): { [K in S]: { description: string; content: { 'application/json': { schema: typeof errorSchema } } } } {
  const entries = codes.map((status) => [status, { description: meaning[status], content: { 'application/json': { schema: errorSchema } } }])
  return Object.fromEntries(entries)
}
