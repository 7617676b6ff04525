/** Every vendor that this version can speak to. */
import { z } from '@hono/zod-openapi'
import { listOf } from '../schema.ts'

export const vendorSchema = z.object({
  id: z.string(), name: z.string(), docs: z.string(), env: z.array(z.string()), base_url_env: z.string(), base_url: z.string().nullable(),
  self_hosted: z.boolean(), simulated: z.boolean(),
  state: z.enum(['on', 'off', 'error']).openapi({ description: 'error: switched on, but unusable; /status says why.' }),
  models: z.int().openapi({ description: 'Models that the catalogue lists for it.' }),
}).openapi('Vendor')

export const vendorListSchema = listOf(vendorSchema).openapi('VendorList')
