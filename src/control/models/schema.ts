/** Models by the vendor-independent name that clients use, with every vendor that serves them. */
import { z } from '@hono/zod-openapi'
import { listOf, nano } from '../schema.ts'

export const modelsQuery = z.object({
  search: z.string().max(128).optional(),
  vendor: z.string().max(64).optional(),
  listing: z.enum(['live', 'unknown', 'missing']).optional().openapi({ description: 'Only models that a vendor’s own list names, names alone, or does not name.' }),
  available: z.enum(['true', 'false']).optional().openapi({ description: 'true: only models that an enabled provider serves.' }),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(512).optional(),
})

export const price = z.object({ input: nano, output: nano, cache_read: nano }).nullable().openapi({ description: 'Nano-dollars per million tokens; null: not known.' })
export const listing = z.enum(['live', 'unknown', 'missing']).nullable().openapi({ description: 'By the vendor’s own list: live, unknown (there alone: the catalogue does not know it, the price is unknown), missing (not there); null: not known.' })

export const modelSchema = z.object({
  id: z.string(),
  name: z.string(),
  vendors: z.array(z.object({ vendor: z.string(), name: z.string(), provider: z.string().nullable(), upstream_model: z.string(), enabled: z.boolean(), price, simulated: z.boolean(), listing })),
  context_tokens: z.int().openapi({ description: '0: not known.' }),
  output_tokens: z.int(),
  capabilities: z.object({ tools: z.boolean(), structured_output: z.boolean(), reasoning: z.boolean(), vision: z.boolean(), audio: z.boolean() }),
  kind: z.string(),
  open_weights: z.boolean(),
  released_on: z.string().nullable(),
  deprecated: z.boolean(),
  available: z.boolean(),
  aliases: z.array(z.string()),
  health: z.enum(['closed', 'open', 'half_open']).nullable().openapi({ description: 'The best breaker of its deployments; null: no traffic yet.' }),
}).openapi('Model')
export const modelListSchema = listOf(modelSchema).openapi('ModelList')
