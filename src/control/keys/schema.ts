/** API keys as the admin API shows and takes them. */
import { z } from '@hono/zod-openapi'
import { budgetInput, budgetView, changeWarnings, rateLimitInput, rateLimitView } from '../budgets.ts'
import { displayName, listOf, managedBy, modelName, nano, time, version } from '../schema.ts'

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
  budget: budgetView.nullable(),
  rate_limit: rateLimitView.nullable(),
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

export const changedKeySchema = keySchema.extend(changeWarnings).openapi('ChangedKey')

export const keyListSchema = listOf(keySchema).openapi('KeyList')
export const playgroundSchema = z.object({ token: z.string(), expires_at: time }).openapi('PlaygroundToken')
