/** Usage reports. All sums are exact; percentiles are null below 20 requests. */
import { z } from '@hono/zod-openapi'
import { nano, time } from '../schema.ts'

const count = z.int()
const quantile = z.number().nullable()

export const measures = {
  requests: count, succeeded: count, refused: count, cancelled: count, failed: count, attempts: count,
  input_tokens: count, cache_read_tokens: count, output_tokens: count, reasoning_tokens: count,
  cost_nano: nano, unpriced_requests: count, estimated_requests: count,
  p50_first_token_ms: quantile, p95_first_token_ms: quantile, p50_total_ms: quantile, p95_total_ms: quantile, overhead_p50_us: quantile,
}

export const usageQuery = z.object({
  range: z.string().max(64).default('24h').openapi({ description: '`24h`, `7d`, `30d` (any number of h or d), `this-month`, or `<from>..<to>` as ISO dates or instants in the organisation’s time zone.' }),
  group_by: z.enum(['key', 'model', 'vendor', 'provider', 'deployment', 'status', 'endpoint', 'none']).default('none'),
  bucket: z.enum(['hour', 'day', 'none']).default('none'),
})

export const usageSchema = z.object({
  range: z.object({ from: time, to: time, time_zone: z.string(), bucket: z.enum(['hour', 'day', 'none']) }),
  totals: z.object(measures),
  groups: z.array(z.object({ group: z.string().nullable(), label: z.string().nullable(), deleted: z.boolean(), ...measures })),
  series: z.array(z.object({ at: time, group: z.string().nullable(), partial: z.boolean(), ...measures })),
  sampled: z.boolean().openapi({ description: 'True when percentiles come from a sample of very many requests.' }),
  as_of: time,
}).openapi('Usage')
