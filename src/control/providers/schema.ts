/** Vendors that exist, and the providers (vendors switched on, or servers of the operator's own). No answer holds a secret. */
import { z } from '@hono/zod-openapi'
import { listing, price } from '../models/schema.ts'
import { displayName, listOf, managedBy, slug, time, version } from '../schema.ts'

const checkState = z.enum(['accepted', 'refused', 'unchecked']).openapi({ description: 'unchecked: the vendor could not be asked, or its answer says nothing of the key.' })
export const checkSchema = z.object({
  state: checkState,
  status: z.int().openapi({ description: 'HTTP status of the vendor, 0 when no answer came.' }),
  message: z.string().openapi({ description: 'What was found, in the vendor’s own words, and what to do.' }),
  checked_at: time,
}).openapi('CredentialCheck')

const credentialSchema = z.object({
  id: z.string(), name: z.string(), last4: z.string(), managed_by: managedBy, status: z.enum(['active', 'disabled']), created_at: time,
  check: checkSchema.nullable().openapi({ description: 'The last test since the start; null: none yet.' }),
}).openapi('Credential')

const count = z.int()
const listSummarySchema = z.object({
  live: count.openapi({ description: 'In the vendor’s own list, and known here.' }),
  unknown: count.openapi({ description: 'In the vendor’s own list alone: usable, the price is unknown.' }),
  missing: count.openapi({ description: 'Known here, and not in the vendor’s own list.' }),
  partial: z.boolean().openapi({ description: 'The list names so few of the known models that nothing follows from an absence.' }),
  checked_at: time.nullable(), succeeded_at: time.nullable(),
  error: z.string().nullable().openapi({ description: 'Why the list could not be read at the last attempt; the last good one stays.' }),
}).openapi('ModelListSummary')

export const providerSchema = z.object({
  id: z.string(), vendor: z.string(), name: z.string(), base_url: z.string().nullable(), enabled: z.boolean(), simulated: z.boolean(), managed_by: managedBy,
  credentials: z.array(credentialSchema), models_count: z.int(),
  models: listSummarySchema.nullable().openapi({ description: 'The vendor’s own list of models beside the catalogue; null: the provider is off, or its vendor has no list.' }),
  last_success_at: time.nullable(), requests_24h: z.int(), failures_24h: z.int(), version,
}).openapi('Provider')

export const providerListSchema = listOf(providerSchema).openapi('ProviderList')

const secretText = z.string().trim().min(1).max(16_384).openapi({ description: 'Write-only.' })
const baseUrl = z.string().max(2_048)
const force = z.boolean().default(false).openapi({ description: 'Save the credential although the vendor refuses it.' })

export const newProviderSchema = z.strictObject({
  vendor: z.string().max(64).openapi({ description: 'A vendor’s id, or `openai-compatible` for a server of your own (then id and base_url are needed).' }),
  id: slug.optional().openapi({ description: 'Default: the vendor’s id.' }),
  name: displayName.optional(),
  base_url: baseUrl.optional(),
  credential: secretText.optional(),
  force,
}).openapi('NewProvider')

export const providerPatchSchema = z.strictObject({ name: displayName.optional(), base_url: baseUrl.nullable().optional(), enabled: z.boolean().optional() }).openapi('ProviderPatch')
export const newCredentialSchema = z.strictObject({ secret: secretText, name: displayName.optional(), force }).openapi('NewCredential')

export const testSchema = z.object({
  ok: z.boolean().openapi({ description: 'Each credential is accepted.' }),
  state: checkState,
  status: z.int().openapi({ description: 'HTTP status, 0 when no answer came.' }),
  latency_ms: z.number(),
  message: z.string().openapi({ description: 'What was found and what to do.' }),
  credentials: z.array(checkSchema.extend({ id: z.string(), last4: z.string(), latency_ms: z.number() })),
}).openapi('ProviderTest')

export const providerModelsQuery = z.object({
  state: listing.unwrap().optional(),
  search: z.string().max(128).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(512).optional(),
})

const providerModelSchema = z.object({
  id: z.string().openapi({ description: 'As the vendor spells it.' }),
  model: z.string().openapi({ description: 'The name to ask for here.' }),
  state: listing.unwrap(),
  price,
  text: z.boolean().openapi({ description: 'false: for images, speech or the like, by the vendor’s own list.' }),
}).openapi('ProviderModel')

export const providerModelsSchema = listOf(providerModelSchema).extend({ summary: listSummarySchema.nullable() }).openapi('ProviderModels')
