/** Budgets and rate limits as the admin API takes and shows them: the same for a key and for the organisation. Amounts come as dollars and go as nano-dollars. */
import { z } from '@hono/zod-openapi'
import type { Budget, RateLimit } from '../gateway/snapshot.ts'
import { isUsd, usdAdvice, usdToNano } from '../governance/usd.ts'
import { nano } from './schema.ts'

const usd = z.union([z.number(), z.string()]).refine(isUsd, usdAdvice)
  .openapi({ type: 'string', description: 'US dollars, a number or a decimal text; at most 9 decimals.' })
const aboveZero = usd.refine((value) => !isUsd(value) || usdToNano(value) > 0, 'must be above 0; to stop requests altogether, disable the key')
const whole = z.int().min(1).max(1_000_000_000)

const period = z.enum(['hour', 'day', 'week', 'month', 'year', 'total'])
const mode = z.enum(['strict', 'standard', 'soft'])

export const budgetInput = z.strictObject({ limit_usd: usd, period, mode: mode.default('standard') })
export const rateLimitInput = z.strictObject({
  rpm: whole.nullable().default(null), tpm: whole.nullable().default(null), concurrency: whole.nullable().default(null), spend_usd_per_minute: aboveZero.nullable().default(null),
})

export const budgetView = z.object({ limit_nano: nano, period, mode })
export const rateLimitView = z.object({ rpm: z.int().nullable(), tpm: z.int().nullable(), concurrency: z.int().nullable(), spend_nano_per_minute: nano.nullable() })

export const showBudget = (budget: Budget | null): z.infer<typeof budgetView> | null =>
  budget && { limit_nano: budget.limitNano, period: budget.period, mode: budget.mode }

export const showRateLimit = (limit: RateLimit | null): z.infer<typeof rateLimitView> | null =>
  limit && { rpm: limit.rpm, tpm: limit.tpm, concurrency: limit.concurrency, spend_nano_per_minute: limit.spendNano }
