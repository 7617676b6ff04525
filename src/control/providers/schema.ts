/** Vendors that exist, and the providers (vendors switched on, or servers of the operator's own). No answer holds a secret. */
import { z } from '@hono/zod-openapi'
import { displayName, listOf, managedBy, slug, time, version } from '../schema.ts'

const credentialSchema = z.object({
  id: z.string(), name: z.string(), last4: z.string(), managed_by: managedBy, status: z.enum(['active', 'disabled']), created_at: time,
}).openapi('Credential')

export const providerSchema = z.object({
  id: z.string(), vendor: z.string(), name: z.string(), base_url: z.string().nullable(), enabled: z.boolean(), simulated: z.boolean(), managed_by: managedBy,
  credentials: z.array(credentialSchema), models_count: z.int(), last_success_at: time.nullable(), requests_24h: z.int(), failures_24h: z.int(), version,
}).openapi('Provider')

export const providerListSchema = listOf(providerSchema).openapi('ProviderList')

const secretText = z.string().trim().min(1).max(16_384).openapi({ description: 'Write-only.' })
const baseUrl = z.string().max(2_048)

export const newProviderSchema = z.strictObject({
  vendor: z.string().max(64).openapi({ description: 'A vendor’s id, or `openai-compatible` for a server of your own (then id and base_url are needed).' }),
  id: slug.optional().openapi({ description: 'Default: the vendor’s id.' }),
  name: displayName.optional(),
  base_url: baseUrl.optional(),
  credential: secretText.optional(),
}).openapi('NewProvider')

export const providerPatchSchema = z.strictObject({ name: displayName.optional(), base_url: baseUrl.nullable().optional(), enabled: z.boolean().optional() }).openapi('ProviderPatch')
export const newCredentialSchema = z.strictObject({ secret: secretText, name: displayName.optional() }).openapi('NewCredential')

export const testSchema = z.object({
  ok: z.boolean(),
  status: z.int().openapi({ description: 'HTTP status, 0 when no answer came.' }),
  latency_ms: z.number(),
  message: z.string().openapi({ description: 'What was found and what to do.' }),
}).openapi('ProviderTest')
