/** API keys as the admin API shows and takes them. */
import { z } from '@hono/zod-openapi'
import { isAddressRange } from '../../config/atoms.ts'
import { priorities } from '../../governance/priority.ts'
import { budgetInput, budgetView, changeWarnings, rateLimitInput, rateLimitView } from '../budgets.ts'
import { displayName, listOf, managedBy, modelName, nano, pageQuery, time, version } from '../schema.ts'

const patterns = z.array(modelName).max(1_000)

const ipAllow = z.array(z.string().max(64).refine(isAddressRange, 'must be an address such as 192.0.2.1 or a range such as 192.0.2.0/24')).min(1).max(100)
  .openapi({ description: 'Only these addresses and ranges may use the key; null: any.' })
const tag = z.string().trim().min(1).max(64).regex(/^[^\p{Cc}]+$/u, 'must not contain control characters')
const tags = z.array(tag).max(20).transform((list) => [...new Set(list)]).openapi({ description: 'Each of its requests counts for these too, as if it named them itself.' })
const priority = z.enum(priorities).openapi({ description: 'Who is served first when there is not enough for all. Interactive needs limits:write where the key is.' })
const id = z.string().min(1).max(64)

const owned = {
  user_id: id.nullable().optional().openapi({ description: 'Whose key it is; absent: the person who makes it. Another person needs keys:use_any.' }),
  service_account_id: id.nullable().optional().openapi({ description: 'The service account whose key it is, in place of a person. Needs service_accounts:write where it is.' }),
}
const routingPolicy = z.string().min(1).max(64).nullable().openapi({ description: 'The routing policy of its requests for `auto`; null: as its team or project has it.' })
const placed = { routing_policy: routingPolicy.optional(), priority: priority.optional(), tags: tags.optional(), ip_allow: ipAllow.nullable().optional() }

export const newKeySchema = z.strictObject({
  name: displayName,
  models: patterns.nullable().optional().openapi({ description: 'Names and patterns with `*`; absent or null: every model.' }),
  budget: budgetInput.nullable().optional(),
  rate_limit: rateLimitInput.nullable().optional(),
  expires_at: time.nullable().optional(),
  node_id: id.nullable().optional().openapi({ description: 'The team or project that it belongs to; null: the organisation. POST /keys/{id}/move moves it.' }),
  ...owned, ...placed,
}).openapi('NewKey')

export const keyPatchSchema = z.strictObject({
  name: displayName.optional(),
  status: z.enum(['active', 'disabled']).optional(),
  models: patterns.nullable().optional(),
  budget: budgetInput.nullable().optional(),
  rate_limit: rateLimitInput.nullable().optional(),
  expires_at: time.nullable().optional(),
  ...owned, ...placed,
}).openapi('KeyPatch')

export const keyMoveSchema = z.strictObject({ node_id: id.nullable().openapi({ description: 'A team or project; null: the organisation.' }) }).openapi('KeyMove')
export const rotationSchema = z.strictObject({
  overlap_seconds: z.int().min(0).max(7 * 86_400).default(0).openapi({ description: 'How long the key as it was still works; at most 7 days.' }),
}).openapi('KeyRotation')

export const keyQuery = pageQuery.extend({
  status: z.enum(['active', 'disabled', 'revoked']).optional(), revoked: z.enum(['true', 'false']).default('true').openapi({ description: 'false: revoked keys are left out.' }),
  node_id: id.optional().openapi({ description: 'Directly at this team or project, or at the organisation by its own id.' }),
  below: id.optional().openapi({ description: 'At this team, project or organisation, or anywhere below it. Needs keys:read there.' }),
  user_id: id.optional(), service_account_id: id.optional(),
})

const named = z.object({ id: z.string(), name: z.string() })

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
  node: named.extend({ kind: z.enum(['organisation', 'team', 'project']) }).openapi({ description: 'Where it belongs, also where that was deleted.' }),
  user: named.nullable(),
  service_account: named.nullable(),
  priority,
  tags: z.array(z.string()),
  ip_allow: z.array(z.string()).nullable(),
  routing_policy: routingPolicy,
  previous_until: time.nullable().openapi({ description: 'Until when the key before the last rotation still works.' }),
  version,
  managed_by: managedBy,
}).openapi('Key')

export const createdKeySchema = keySchema.extend({
  key: z.string().nullable().openapi({ description: 'The key itself, shown this once. Null when an Idempotency-Key repeats an earlier request: the key cannot be shown again.' }),
}).openapi('CreatedKey')

export const changedKeySchema = keySchema.extend(changeWarnings).openapi('ChangedKey')

export const keyListSchema = listOf(keySchema).openapi('KeyList')
export const playgroundSchema = z.object({ token: z.string(), expires_at: time }).openapi('PlaygroundToken')
