/** The request log: one row per request, and one request in full. */
import { z } from '@hono/zod-openapi'
import { usageClasses } from '../../catalog/price.ts'
import { attemptOutcomes, flagNames, requestOutcomes, stepNames } from '../../store/records.ts'
import { listOf, nano, pageQuery, time } from '../schema.ts'

const text = z.string().nullable()
const ms = z.number().nullable()
const flags = z.array(z.enum(flagNames))

export const requestsQuery = pageQuery.extend({
  key: z.string().max(64).optional(),
  model: z.string().max(256).optional(),
  vendor: z.string().max(64).optional(),
  status: z.coerce.number().int().min(0).max(999).optional(),
  outcome: z.enum(requestOutcomes).optional(),
  search: z.string().max(128).optional().openapi({ description: 'A request id, or part of the asked model, route, error, client or client request id.' }),
  from: time.optional(),
  to: time.optional(),
  min_cost_nano: z.coerce.number().int().min(0).optional(),
})

export const requestSchema = z.object({
  id: z.string(), at: time, endpoint: text, stream: z.boolean(), status: z.int(), outcome: z.enum(requestOutcomes), error_code: text, error_text: text,
  key: z.object({ id: z.string(), name: text }).nullable(), model_asked: text, model: text, vendor: text, provider: text, deployment: text, route: text,
  attempts: z.int(), input_tokens: z.int(), output_tokens: z.int(), cost_nano: nano, flags, first_token_ms: ms, total_ms: z.number(), overhead_us: z.number(),
  simulated: z.boolean(), session: text, tags: z.array(z.string()), task: text.openapi({ description: 'What it looks like, where the router chose.' }), client: text,
}).openapi('Request')
export const requestListSchema = listOf(requestSchema).openapi('RequestList')

const usageClass = z.enum(usageClasses)

export const requestDetailSchema = requestSchema.omit({ attempts: true }).extend({
  steps: z.array(z.object({ name: z.enum(stepNames), us: z.number() })),
  attempts: z.array(z.object({
    number: z.int(), vendor: text, provider: text, deployment: text, model: text, upstream_model: text, outcome: z.enum(attemptOutcomes).nullable(), status: z.int(),
    error_code: text, error_text: text, upstream_request_id: text, started_ms: z.number(), first_token_ms: ms, ended_ms: z.number(),
    usage: z.record(usageClass, z.int()), cost_nano: nano, price_version: text, flags, final: z.boolean(),
    ledger: z.object({ kind: z.enum(['settle', 'void']), tenant_nano: nano, overhead_nano: nano }).nullable()
      .openapi({ description: 'How its hold ended, and who paid: the budgets of organisation and key, or the gateway itself. Null until the ledger has it.' }),
    cost_by_class: z.array(z.object({ class: usageClass, units: z.int(), price_nano_per_million: nano, cost_nano: nano }))
      .openapi({ description: 'By today’s prices of that price version; empty when they are no longer known, or are not what was charged, as with a service tier: then the cost cannot be broken down. Each class is rounded up, the attempt only once.' }),
  })),
  cache: z.enum(['off', 'miss', 'hit']),
  decision: text.openapi({ description: 'Where the router chose: the id of its decision, which is that of the request.' }),
  client_address: text, client_request_id: text, trace_id: text, request_bytes: z.int(), response_bytes: z.int(),
  content: z.object({ stored: z.boolean() }),
}).openapi('RequestDetail')

export const contentSchema = z.object({ request: z.string(), response: z.string(), truncated: z.boolean() }).openapi('RequestContent')
