/** API keys as the admin API shows and takes them. */
import { z } from '@hono/zod-openapi'
import { displayName, listOf, managedBy, modelName, nano, time, version } from '../schema.ts'

const maxUsd = 9_000_000
const decimal = /^\d{1,7}(\.\d{1,9})?$/

/** `12.5` or `"12.5"` → 12,500,000,000 nano-dollars, without passing through binary fractions. */
export const usdToNano = (value: number | string): number => {
  const [whole = '0', fraction = ''] = (typeof value === 'string' ? value : value.toFixed(9)).split('.')
  return Number(`${whole}${fraction.padEnd(9, '0')}`)
}

const usd = z.union([z.number().min(0).max(maxUsd), z.string().regex(decimal, 'must be a decimal number such as 25.50')])
  .refine((value) => Number(value) <= maxUsd, `must be at most ${maxUsd}`)
  .openapi({ type: 'string', description: 'US dollars, a number or a decimal text; at most 9 decimals.' })

const whole = z.int().min(1).max(1_000_000_000)

const budgetInput = z.strictObject({
  limit_usd: usd,
  period: z.enum(['hour', 'day', 'week', 'month', 'year', 'total']),
  mode: z.enum(['strict', 'standard', 'soft']).default('standard'),
})
const rateLimitInput = z.strictObject({ rpm: whole.nullable().default(null), tpm: whole.nullable().default(null), concurrency: whole.nullable().default(null) })
const patterns = z.array(modelName).max(1_000)

export const newKeySchema = z.strictObject({
  name: displayName,
  models: patterns.nullable().optional().openapi({ description: 'Names and patterns with `*`; absent or null: every model.' }),
  budget: budgetInput.nullable().optional(),
  rate_limit: rateLimitInput.nullable().optional(),
  expires_at: time.nullable().optional(),
}).openapi('NewKey')

export const keyPatchSchema = z.strictObject({
  name: displayName.optional(),
  status: z.enum(['active', 'disabled']).optional(),
  models: patterns.nullable().optional(),
  budget: budgetInput.nullable().optional(),
  rate_limit: rateLimitInput.nullable().optional(),
  expires_at: time.nullable().optional(),
}).openapi('KeyPatch')

export const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string(),
  last4: z.string(),
  status: z.enum(['active', 'disabled', 'revoked']),
  models: z.array(z.string()).nullable(),
  budget: z.object({
    limit_nano: nano, period: budgetInput.shape.period, mode: z.enum(['strict', 'standard', 'soft']),
    spent_nano: nano, resets_at: time.nullable(),
  }).nullable(),
  rate_limit: z.object({ rpm: z.int().nullable(), tpm: z.int().nullable(), concurrency: z.int().nullable() }).nullable(),
  expires_at: time.nullable(),
  created_at: time,
  last_used_at: time.nullable(),
  spent_month_nano: nano,
  requests_month: z.int(),
  version,
  managed_by: managedBy,
}).openapi('Key')

export const createdKeySchema = keySchema.extend({
  key: z.string().nullable().openapi({ description: 'The key itself, shown this once. Null when an Idempotency-Key repeats an earlier request: the key cannot be shown again.' }),
}).openapi('CreatedKey')

export const keyListSchema = listOf(keySchema).openapi('KeyList')
export const playgroundSchema = z.object({ token: z.string(), expires_at: time }).openapi('PlaygroundToken')
