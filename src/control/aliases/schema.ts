/** Aliases: names of the operator's own for one or several models. */
import { z } from '@hono/zod-openapi'
import { listOf, managedBy, modelName, version } from '../schema.ts'

const strategy = z.enum(['ordered', 'weighted']).openapi({ description: 'ordered: the first healthy target; weighted: drawn by weight, the others are fallbacks.' })
const target = z.strictObject({ model: modelName, weight: z.int().min(0).max(1_000_000).default(1) })
const targets = z.array(target).min(1).max(32)

export const newAliasSchema = z.strictObject({ name: modelName, strategy: strategy.default('ordered'), targets }).openapi('NewAlias')
export const aliasPatchSchema = z.strictObject({ strategy: strategy.optional(), targets: targets.optional() }).openapi('AliasPatch')
export const aliasSchema = z.object({ name: z.string(), strategy, targets: z.array(z.object({ model: z.string(), weight: z.int() })), version, managed_by: managedBy }).openapi('Alias')
export const aliasListSchema = listOf(aliasSchema).openapi('AliasList')
