/** The entities of routing, inferred from the schemas that the server answers with. */
import type { z } from 'zod'
import type { defaultsInput, defaultsSchema } from '../../../src/control/nodes/schema.ts'
import type { decisionRowSchema, decisionSchema, eventListSchema, explainedSchema, explainInput, modelListSchema, modelSchema, previewSchema, resetSchema, savingsQuery, savingsSchema } from '../../../src/control/routing/schema.ts'
import type { newRoutingPolicySchema, routingPolicyPatchSchema, routingPolicySchema } from '../../../src/control/routing-policies/schema.ts'

export type RoutingPolicy = z.infer<typeof routingPolicySchema>
export type NewRoutingPolicy = z.input<typeof newRoutingPolicySchema>
export type RoutingPolicyPatch = z.input<typeof routingPolicyPatchSchema>
export type Base = RoutingPolicy['base']
export type Effort = NonNullable<NonNullable<RoutingPolicy['candidates']>[number]['effort']>
export type PolicyPreview = z.infer<typeof previewSchema>

export type NodeDefaults = z.infer<typeof defaultsSchema>
export type NodeDefaultsInput = z.input<typeof defaultsInput>

export type DecisionRow = z.infer<typeof decisionRowSchema>
export type Decision = z.infer<typeof decisionSchema>
export type Explained = z.infer<typeof explainedSchema>
export type ExplainAsk = z.input<typeof explainInput>
/** What is told of a choice, made or thought of. */
export type Told = NonNullable<Explained['decision']>
export type Candidate = Told['candidates'][number]

export type RoutedModel = z.infer<typeof modelSchema>
export type RoutedModelList = z.infer<typeof modelListSchema>
export type RoutingEvent = z.infer<typeof eventListSchema>['data'][number]
export type Reset = z.infer<typeof resetSchema>

export type Savings = z.infer<typeof savingsSchema>
export type SavingsGroup = z.infer<typeof savingsQuery>['group']
