/** The entities of routing, inferred from the schemas that the server answers with. */
import type { z } from 'zod'
import type { defaultsInput, defaultsSchema } from '../../../src/control/nodes/schema.ts'
import type { newRoutingPolicySchema, routingPolicyPatchSchema, routingPolicySchema } from '../../../src/control/routing-policies/schema.ts'

export type RoutingPolicy = z.infer<typeof routingPolicySchema>
export type NewRoutingPolicy = z.input<typeof newRoutingPolicySchema>
export type RoutingPolicyPatch = z.input<typeof routingPolicyPatchSchema>
export type Base = RoutingPolicy['base']
export type Effort = NonNullable<NonNullable<RoutingPolicy['candidates']>[number]['effort']>

export type NodeDefaults = z.infer<typeof defaultsSchema>
export type NodeDefaultsInput = z.input<typeof defaultsInput>
