/** Requests as the API shows them. */
import type { z } from '@hono/zod-openapi'
import type { PriceVector } from '../../catalog/price.ts'
import type { Charge } from '../../store/ledger-read.ts'
import { flagNames, usageFlagOf, type UsageFlag } from '../../store/records.ts'
import type { LoggedRequest, RequestAttempt, RequestDetail } from '../../store/requests.ts'
import { iso } from '../schema.ts'
import type { Services } from '../services.ts'
import { breakdown } from './breakdown.ts'
import type { requestDetailSchema, requestSchema } from './schema.ts'

const namesOf = (flags: readonly UsageFlag[]) => flagNames.filter((name) => flags.includes(usageFlagOf[name]))
const ms = (us: number): number => Math.round(us) / 1000
const msOrNull = (us: number | null): number | null => (us === null ? null : ms(us))

export const describeRequest = (row: LoggedRequest): z.infer<typeof requestSchema> => ({
  id: row.id, at: iso(row.at), endpoint: row.endpoint, stream: row.stream, status: row.status, outcome: row.outcome, error_code: row.errorCode, error_text: row.errorText,
  key: row.key, model_asked: row.modelAsked, model: row.model, vendor: row.vendor, provider: row.provider, deployment: row.deployment, route: row.route,
  attempts: row.attempts, input_tokens: row.inputTokens, output_tokens: row.outputTokens, cost_nano: row.costNano, flags: namesOf(row.flags),
  first_token_ms: msOrNull(row.firstTokenUs), total_ms: ms(row.totalUs), overhead_us: row.overheadUs,
  simulated: row.simulated, session: row.session, tags: row.tags, task: row.task, client: row.client,
})

/** The price vector that the attempt was billed by, if it is still the one in force. */
function priceOf({ catalog, publisher }: Services, org: string, attempt: RequestAttempt): PriceVector | null {
  if (attempt.priceVersion === null || attempt.upstreamModel === null || attempt.vendor === null) return null
  const own = publisher.rowsOf(org).deployments.get(attempt.deployment ?? '')
  const candidates = [own?.price, own?.priceAs == null ? null : catalog.logical(own.priceAs)[0]?.price, catalog.find(attempt.vendor, attempt.upstreamModel)?.price]
  return candidates.find((price) => price?.version === attempt.priceVersion) ?? null
}

function costByClass(services: Services, org: string, attempt: RequestAttempt, atMs: number): z.infer<typeof requestDetailSchema>['attempts'][number]['cost_by_class'] {
  const vector = priceOf(services, org, attempt)
  return vector === null ? [] : breakdown(vector, attempt.usage, atMs, attempt.costNano)
}

const traceId = (traceparent: string | null): string | null => /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? '')?.[1] ?? null

const describeCharge = (charge: Charge | undefined): z.infer<typeof requestDetailSchema>['attempts'][number]['ledger'] =>
  charge === undefined ? null : { kind: charge.kind, tenant_nano: charge.tenantNano, overhead_nano: charge.overheadNano }

export function describeDetail(services: Services, org: string, row: RequestDetail, charges: ReadonlyMap<number, Charge>, stored: boolean): z.infer<typeof requestDetailSchema> {
  return {
    ...describeRequest(row),
    steps: row.steps,
    attempts: row.attemptList.map((attempt) => ({
      number: attempt.number, vendor: attempt.vendor, provider: attempt.provider, deployment: attempt.deployment, model: attempt.model, upstream_model: attempt.upstreamModel,
      outcome: attempt.outcome, status: attempt.status, error_code: attempt.errorCode, error_text: attempt.errorText, upstream_request_id: attempt.upstreamRequestId,
      started_ms: ms(attempt.startedUs), first_token_ms: msOrNull(attempt.firstTokenUs), ended_ms: ms(attempt.endedUs),
      usage: attempt.usage, cost_nano: attempt.costNano, price_version: attempt.priceVersion, flags: namesOf(attempt.flags), final: attempt.final,
      ledger: describeCharge(charges.get(attempt.number)), cost_by_class: costByClass(services, org, attempt, (row.at + attempt.startedUs) / 1000),
    })),
    cache: row.cache, decision: row.decision, client_address: row.clientAddress, client_request_id: row.clientRequestId, trace_id: traceId(row.traceparent),
    request_bytes: row.requestBytes, response_bytes: row.responseBytes, content: { stored },
  }
}
