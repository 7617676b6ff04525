/** Every vendor that this version can speak to. */
import { z } from '@hono/zod-openapi'
import { listOf } from '../schema.ts'

export const vendorSchema = z.object({
  id: z.string(), name: z.string(), docs: z.string(), env: z.array(z.string()), base_url_env: z.string(), base_url: z.string().nullable(),
  credential: z.string().nullable().openapi({ description: 'What its credential is, where that is more than an API key.' }),
  places: z.array(z.object({ name: z.string(), what: z.string() })).openapi({ description: 'What stands for {NAME} in base_url.' }),
  placed_urls: z.array(z.object({ when: z.record(z.string(), z.string()), base_url: z.string() })).openapi({ description: 'Addresses in the place of base_url for some values of places.' }),
  forms: z.array(z.object({ name: z.string(), parts: z.array(z.object({ name: z.string(), what: z.string(), secret: z.boolean(), optional: z.boolean() })) }))
    .openapi({ description: 'Credentials of several parts: as a secret they are a JSON object with these names.' }),
  self_hosted: z.boolean(), simulated: z.boolean(),
  state: z.enum(['on', 'off', 'error']).openapi({ description: 'error: switched on, but unusable; /status says why.' }),
  models: z.int().openapi({ description: 'Models that the catalogue lists for it.' }),
}).openapi('Vendor')

export const vendorListSchema = listOf(vendorSchema).openapi('VendorList')
