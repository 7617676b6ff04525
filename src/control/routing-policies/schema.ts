/** Routing policies as the admin API takes and shows them. */
import { z } from '@hono/zod-openapi'
import { isUsd, usdAdvice, usdToNano } from '../../governance/usd.ts'
import { builtInNames } from '../../routing/compile-policy.ts'
import { efforts, policyLimits } from '../../routing/policy-data.ts'
import { listOf, managedBy, modelName, slug, version } from '../schema.ts'

const base = z.enum(builtInNames as ['balanced', 'cheap', 'best', 'fast']).openapi({ description: 'The built-in policy that decides what this one leaves open.' })
const usd = z.union([z.number(), z.string()]).refine(isUsd, usdAdvice).refine((value) => !isUsd(value) || usdToNano(value) > 0, 'must be above 0; null: no ceiling')
  .openapi({ type: 'string', description: 'US dollars, a number or a decimal text; at most 9 decimals.' })
const effort = z.enum(efforts).nullable()
const candidate = z.strictObject({
  model: modelName.openapi({ description: 'A model of the catalogue, a declared one, or provider/model.' }),
  effort: effort.default(null).openapi({ description: 'Of reasoning; null: as the request or the model has it.' }),
  when: z.string().nullable().default(null).openapi({ description: 'A condition in CEL on principal and request; null: always.' }),
})

/** Null: as the base has it. */
const fields = {
  candidates: z.array(candidate).min(1).max(policyLimits.candidates).nullable().optional().openapi({ description: 'Null: every model that the key may use.' }),
  cost: z.number().nullable().optional().openapi({ description: 'Quality (0 to 1) that one would give for saving the usual cost of the best model. 0 to 10.' }),
  latency: z.number().nullable().optional().openapi({ description: 'The same for saving its usual time. 0 to 10.' }),
  tolerance: z.number().nullable().optional().openapi({ description: 'With the base cheap: how far below the surest model is good enough. 0 to 0.5.' }),
  margin: z.number().nullable().optional().openapi({ description: 'By how much another model must be better before a session changes to it. 0 to 0.5.' }),
  min_quality: z.number().nullable().optional().openapi({ description: 'Models that are expected to do worse are left out. 0 to 1.' }),
  max_cost_usd: usd.nullable().optional().openapi({ description: 'What a request may be expected to cost at most.' }),
  max_latency_ms: z.int().min(1).nullable().optional(),
  sticky: z.boolean().nullable().optional().openapi({ description: 'Whether a session keeps its model.' }),
  explore_share: z.number().nullable().optional().openapi({ description: 'Highest share of requests that may try a model that is not sure to be the best. 0 to 0.05.' }),
  explore_spend: z.number().nullable().optional().openapi({ description: 'The same of the spend. 0 to 0.1.' }),
  hedge: z.strictObject({ max_spend: z.number() }).nullable().optional().openapi({ description: 'A second attempt elsewhere when the first is late. max_spend: share of the spend that such attempts may cost.' }),
  cache: z.strictObject({ ttl_seconds: z.int() }).nullable().optional().openapi({ description: 'Whole answers are kept so long, and given to the same request again.' }),
}

export const newRoutingPolicySchema = z.strictObject({ name: slug, base: base.default('balanced'), ...fields }).openapi('NewRoutingPolicy')
export const routingPolicyPatchSchema = z.strictObject({ base: base.optional(), ...fields }).openapi('RoutingPolicyPatch')

const number = z.number().nullable()
export const routingPolicySchema = z.object({
  name: z.string(), built_in: z.boolean().openapi({ description: 'It comes with the gateway; create one of its name to take its place.' }), base,
  candidates: z.array(z.object({ model: z.string(), effort, when: z.string().nullable() })).nullable(),
  cost: number, latency: number, tolerance: number, margin: number, min_quality: number, max_cost_usd: z.string().nullable(), max_latency_ms: number, sticky: z.boolean().nullable(), explore_share: number, explore_spend: number,
  hedge: z.object({ max_spend: z.number() }).nullable(), cache: z.object({ ttl_seconds: z.int() }).nullable(),
  effective: z.object({
    kind: z.enum(['weighted', 'cheap']), cost: z.number(), latency: z.number(), tolerance: z.number(), margin: z.number(), min_quality: z.number(), max_cost_usd: z.string().nullable(), max_latency_ms: number,
    sticky: z.boolean(), explore_share: z.number(), explore_spend: z.number(),
  }).openapi({ description: 'What holds, with what the base decides.' }),
  version, managed_by: managedBy,
}).openapi('RoutingPolicy')
export const routingPolicyListSchema = listOf(routingPolicySchema).openapi('RoutingPolicyList', { description: 'The built-in ones stand on the first page, without those whose place is taken.' })
export const routingDryRunQuery = z.object({ dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Change nothing, and say what is wrong, or what the policy would be.' }) })
