/** Deployments that the operator declares: models at a provider that the catalogue does not list, or prices of one's own. */
import { z } from '@hono/zod-openapi'
import { isRegion, mostRetentionDays, regionAdvice } from '../../governance/model-class.ts'
import { healthSchema } from './health.ts'
import { listOf, managedBy, modelName, nano, pageQuery, slug, version } from '../schema.ts'

const dollars = z.union([z.number().min(0).max(9_000_000), z.string().regex(/^\d{1,7}(\.\d{1,9})?$/, 'must be a decimal number such as 0.25')])
  .openapi({ type: 'string', description: 'US dollars per million units.' })
const other = dollars.optional()

const prices = z.strictObject({
  input: dollars, output: dollars, cache_read: other, cache_write_5m: other, cache_write_1h: other, reasoning: other,
  audio_in: other, audio_out: other, image_in: other, image_out: other, tool_calls: other, requests: other,
  images: other, audio_ms: other, characters: other, searches: other,
}).openapi({ description: 'A class left out takes the price of its parent; pieces (images made, milliseconds of audio heard, characters spoken, searches) have none.' })

const facts = {
  region: z.string().refine(isRegion, regionAdvice).openapi({ description: 'Where it is processed, if the catalogue does not say. Policies judge by what is stated here first.' }),
  retention_days: z.int().min(0).max(mostRetentionDays).openapi({ description: 'How long requests are kept there, by your contract; 0: not at all.' }),
  open_weights: z.boolean(),
}

export const newDeploymentSchema = z.strictObject({
  id: z.string().max(256).regex(/^[^\s\p{Cc}]+$/u).optional().openapi({ description: 'Default: provider/upstream_model.' }),
  model: modelName.openapi({ description: 'The name clients use.' }),
  provider: slug,
  upstream_model: modelName.openapi({ description: 'The name the provider’s API takes.' }),
  price_as: modelName.optional().openapi({ description: 'A known model whose price and facts apply.' }),
  price_usd_per_million: prices.optional(),
  region: facts.region.optional(), retention_days: facts.retention_days.optional(), open_weights: facts.open_weights.optional(),
}).refine((row) => row.price_as === undefined || row.price_usd_per_million === undefined, 'has both price_as and price_usd_per_million: keep one').openapi('NewDeployment')

export const deploymentPatchSchema = z.strictObject({
  region: facts.region.nullable().optional(), retention_days: facts.retention_days.nullable().optional(), open_weights: facts.open_weights.nullable().optional(),
}).openapi('DeploymentPatch', { description: 'null: nothing is stated any more, and the catalogue counts.' })

export const deploymentSchema = z.object({
  id: z.string(), model: z.string(), provider: z.string(), upstream_model: z.string(), price_as: z.string().nullable(),
  price_nano_per_million: z.record(z.string(), nano).nullable(),
  region: z.string().nullable(), retention_days: z.int().nullable(), open_weights: z.boolean().nullable(), version, managed_by: managedBy,
  health: healthSchema.nullable().openapi({ description: 'Null: no traffic yet.' }),
}).openapi('Deployment')
export const deploymentListSchema = listOf(deploymentSchema).openapi('DeploymentList')
export const deploymentQuery = pageQuery.extend({ model: modelName.optional().openapi({ description: 'Of this model, by the name that clients use.' }) })
