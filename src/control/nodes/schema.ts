/** Teams and projects as the admin API shows and takes them. */
import { z } from '@hono/zod-openapi'
import { displayName, listOf, managedBy, modelName, pageQuery, slug, time, version } from '../schema.ts'

const description = z.string().trim().max(1_000)
const weight = z.int().min(1).max(10_000).openapi({ description: 'Share of a vendor’s own quota among its siblings. Set with limits:write above it.' })
export const nodeId = z.string().min(1).max(64)
const parent = nodeId.nullable().openapi({ description: 'A team; null: directly below the organisation.' })

export const newNodeSchema = z.strictObject({ name: displayName, parent_id: parent.default(null), description: description.default(''), weight: weight.default(1) }).openapi('NewNode')
export const nodePatchSchema = z.strictObject({ name: displayName.optional(), description: description.optional(), weight: weight.optional() }).openapi('NodePatch')
export const moveSchema = z.strictObject({ parent_id: parent }).openapi('Move')

const place = z.object({ id: z.string(), name: z.string() })
const kind = z.enum(['team', 'project'])

export const nodeSchema = z.object({
  id: z.string(), kind, name: z.string(), description: z.string(), parent_id: parent, weight: z.int(),
  path: z.array(place).openapi({ description: 'Teams above it, from the outside in.' }),
  parts: z.int().openapi({ description: 'Teams and projects directly below.' }),
  keys: z.int().openapi({ description: 'Keys at it and below.' }),
  created_at: time, version, managed_by: managedBy,
}).openapi('Node')

export const nodeListSchema = listOf(nodeSchema).openapi('NodeList')
export const nodeQuery = pageQuery.extend({
  parent_id: nodeId.optional().openapi({ description: 'Only what is directly below this team, or below the organisation by its own id.' }),
})

export const historySchema = z.object({
  data: z.array(z.object({ parent: place.nullable().openapi({ description: 'Null: the organisation. The name is that of today, also where the team was deleted.' }), from: time, to: time.nullable() })),
}).openapi('NodeHistory')

const branch = z.object({ id: z.string(), kind, name: z.string(), parent_id: parent, parts: z.int(), keys: z.int() })
export const treeSchema = z.object({
  organisation: place,
  nodes: z.array(branch).openapi({ description: 'Each after the one above it. `parts` says what is below, also where the answer goes no deeper.' }),
  truncated: z.boolean().openapi({ description: 'There were more than 2,000: ask for less depth, or for a branch.' }),
}).openapi('Tree')
export const treeQuery = z.object({ root: nodeId.optional().openapi({ description: 'A team; default: the organisation.' }), depth: z.coerce.number().int().min(1).max(8).default(8) })

// What a node sets for those below it.

const aliasOfNode = z.strictObject({
  name: slug, strategy: z.enum(['ordered', 'weighted']),
  targets: z.array(z.strictObject({ model: modelName, weight: z.int().min(1).max(1_000).default(1) })).min(1).max(20),
})
export const defaultsInput = z.strictObject({
  model: modelName.nullable().default(null).openapi({ description: 'What a request without a model, or for `default`, gets; null: as above.' }),
  fallbacks: z.array(modelName).max(20).nullable().default(null).openapi({ description: 'What is tried next where a request names no fallbacks of its own; null: as above.' }),
  policy: z.string().min(1).max(64).nullable().default(null).openapi({ description: 'The routing policy of requests for `auto`; null: as above.' }),
  aliases: z.array(aliasOfNode).max(100).default([]),
  providers_off: z.array(z.string().min(1).max(64)).max(200).default([]).openapi({ description: 'Providers that nobody below may use but with credentials of a team or project further down. Needs providers:write.' }),
}).openapi('NodeDefaultsInput')
export const defaultsSchema = z.object({ node_id: z.string(), model: z.string().nullable(), fallbacks: z.array(z.string()).nullable(), policy: z.string().nullable(), aliases: z.array(aliasOfNode), providers_off: z.array(z.string()), version }).openapi('NodeDefaults')

export const newNodeCredentialSchema = z.strictObject({
  provider: z.string().min(1).max(64), name: displayName.optional(),
  secret: z.string().trim().min(1).max(16_384).openapi({ description: 'Write-only.' }),
  force: z.boolean().default(false).openapi({ description: 'Save the credential although the vendor refuses it.' }),
}).openapi('NewNodeCredential')
export const nodeCredentialSchema = z.object({ id: z.string(), provider: z.string(), name: z.string(), last4: z.string(), status: z.enum(['active', 'disabled']), created_at: time }).openapi('NodeCredential')
export const nodeCredentialListSchema = z.object({ data: z.array(nodeCredentialSchema) }).openapi('NodeCredentialList')
