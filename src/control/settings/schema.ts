/** Settings of the organisation as the admin API takes and shows them. */
import { z } from '@hono/zod-openapi'
import { isTimeZone, timeZoneAdvice } from '../../config.ts'
import { limits } from '../../limits.ts'
import { budgetInput, budgetView, changeWarnings, rateLimitInput, rateLimitView } from '../budgets.ts'
import { displayName, managedBy, version } from '../schema.ts'

const unknownPrice = z.enum(['allow', 'block', 'conservative'])
const newModels = z.enum(['automatic', 'approval']).openapi({ description: 'Whether auto may come to use models that it has not used yet by itself, or waits until somebody approves them.' })
const days = (most: number) => z.int().min(1).max(most)
const stored = { store: z.boolean(), retention_days: days(3_650), quota_mb: z.int().min(1).max(10_000_000) }
const cache = { ttl_s: z.int().min(0).max(limits.cacheTtlS) }
const retention = { requests_days: days(3_650), usage_days: days(36_500), decisions_days: days(3_650) }
const ofAllKeys = 'Of all keys together, besides their own. Replaced whole; null takes it away.'

export const settingsSchema = z.object({
  organisation: z.string(), time_zone: z.string(), unknown_price: unknownPrice, budget: budgetView.nullable(), rate_limit: rateLimitView.nullable(),
  content: z.object(stored), responses: z.object(stored), cache: z.object(cache), retention: z.object(retention), new_models: newModels, version, managed_by: managedBy,
}).openapi('Settings')

export const changedSettingsSchema = settingsSchema.extend(changeWarnings).openapi('ChangedSettings')

export const settingsPatchSchema = z.strictObject({
  organisation: displayName.optional(),
  time_zone: z.string().max(64).refine(isTimeZone, timeZoneAdvice).optional(),
  unknown_price: unknownPrice.optional(),
  budget: budgetInput.nullable().optional().openapi({ description: ofAllKeys }),
  rate_limit: rateLimitInput.nullable().optional().openapi({ description: ofAllKeys }),
  content: z.strictObject(stored).partial().optional(),
  responses: z.strictObject(stored).partial().optional().openapi({ description: 'Conversations of the Responses API that are translated: stored, so that previous_response_id works.' }),
  cache: z.strictObject(cache).optional().openapi({ description: 'How many seconds whole answers are kept for requests that ask for the cache. 0: not at all.' }),
  retention: z.strictObject(retention).partial().optional(),
  new_models: newModels.optional(),
}).openapi('SettingsPatch')
