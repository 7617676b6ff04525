/** What the router decided, knows and saved, as the admin API shows it. */
import { z } from '@hono/zod-openapi'
import { reasons, type Reason } from '../../routing/constraints.ts'
import { difficulties, languages, taskTypes } from '../../routing/tasks.ts'
import { newRoutingPolicySchema } from '../routing-policies/schema.ts'
import { listOf, modelName, nano, pageQuery, slug, time } from '../schema.ts'

const number = z.number()
const text = z.string().nullable()
const arm = z.string().openapi({ description: 'A model, or a model with its effort of reasoning: `gpt-5.1@high`.' })
const reason = z.enum(Object.keys(reasons) as [Reason, ...Reason[]])
const removed = z.array(z.object({ reason, models: z.array(arm), more: z.int() })).openapi({ description: 'What stood against models, the models that it stood against, and how many more.' })
const why = z.enum(['best', 'held', 'tool_loop', 'explored']).openapi({ description: 'best: by score. held: its session keeps its model. tool_loop: a tool’s answer is awaited. explored: tried, to learn.' })
const range = { from: time.optional().openapi({ description: 'Default: a week ago.' }), to: time.optional() }
const policyName = z.string().max(64).optional()

export const decisionsQuery = pageQuery.extend({
  from: time.optional(), to: time.optional(), policy: policyName, model: z.string().max(280).optional().openapi({ description: 'The chosen one; with any effort where none is named.' }), session: z.string().max(256).optional(),
})

const money = nano.openapi({ description: 'Nano-dollars, predicted.' })
const summary = z.string().openapi({ description: 'Why it was chosen, in a sentence.' })
const baseline = z.object({ model: arm, cost_nano: money }).openapi({ description: 'The model of the best quality that could have been taken.' })

const head = { id: z.string(), at: time, policy: z.string(), model: arm, session: text.openapi({ description: 'As the client calls it.' }) }
export const decisionRowSchema = z.object({
  ...head,
  told: z.object({ why, summary, task: z.enum(taskTypes), difficulty: z.enum(difficulties), served: arm.nullable(), quality: number, cost_nano: money, baseline, candidates: z.int(), removed: z.int() }).nullable()
    .openapi({ description: 'From its record; null: another version wrote it. served: the model that answered, another one where the chosen one failed; null: none did.' }),
}).openapi('RoutingDecisionRow')
export const decisionListSchema = listOf(decisionRowSchema).openapi('RoutingDecisionList')

const candidate = z.object({
  model: arm, domain: z.string().openapi({ description: 'What fails together: its provider.' }), version: z.int(), available: z.boolean().openapi({ description: 'False: on trial; it may only be tried.' }), on_trial: z.boolean(),
  quality: number, deviation: number, bonus: number, cost_nano: money, latency_ms: number, score: number, chance: number.openapi({ description: 'That it was tried instead of the best one.' }),
})
const decision = {
  why, summary, propensity: number.openapi({ description: 'Chance that the request got this model.' }),
  understood: z.object({ tasks: z.array(z.object({ task: z.enum(taskTypes), weight: number })), difficulty: z.object({ easy: number, medium: number, hard: number }), language: z.enum(languages), characters: z.int() }), prompt_tokens: number,
  terms: z.object({
    kind: z.enum(['weighted', 'cheap']), quality_per_usd: number, quality_per_second: number, bar: number.openapi({ description: 'cheap: cautious quality that is good enough.' }),
    switch_cost: number, margin: number,
  }).openapi({ description: 'score = quality + bonus − cost × quality_per_usd − latency × quality_per_second; on trial: a cautious quality.' }),
  candidates: z.array(candidate).openapi({ description: 'The best ones by score, the session’s own, and what might be tried.' }), removed,
  held: z.object({ model: arm, tool_loop: z.boolean() }).nullable().openapi({ description: 'The model of the session.' }),
  fallbacks: z.array(arm).openapi({ description: 'What would be asked next, elsewhere first.' }), baseline, saving_nano: money.openapi({ description: 'What the baseline is predicted to cost more, nano-dollars.' }), artefact: z.string(),
  reproduced: z.boolean().openapi({ description: 'The record alone, scored again, gives the same choice.' }),
}
export const decisionSchema = z.object({ ...head, served: arm.nullable().openapi({ description: 'The model that answered; null: none.' }), ...decision }).openapi('RoutingDecision')

export const explainInput = z.strictObject({
  key_id: z.string().min(1).max(64).nullable().default(null).openapi({ description: 'As whose request; null: as one of the organisation, with nothing of a key’s own.' }),
  policy: slug.nullable().default(null).openapi({ description: 'Null: as the request, the key or its team has it.' }),
  prompt: z.string().min(1).max(1_000_000).optional(),
  body: z.record(z.string(), z.unknown()).optional().openapi({ description: 'A whole request of /v1/chat/completions in the place of prompt, with its options in `megarouter`. Its model must ask for auto, or be left out.' }),
  tools: z.boolean().optional(), images: z.boolean().optional(), max_output_tokens: z.int().min(1).max(100_000_000).optional(), models: z.array(modelName).min(1).max(20).optional(), session: z.string().min(1).max(256).optional(),
  input_tokens: z.int().min(1).max(100_000_000).optional().openapi({ description: 'How long the prompt is to be taken for.' }),
}).refine(({ prompt, body }) => (prompt === undefined) !== (body === undefined), { message: 'either prompt or body must be there', path: ['prompt'] })
  .refine(({ body, tools, images, max_output_tokens: output, models, session }) => body === undefined || [tools, images, output, models, session].every((each) => each === undefined), { message: 'with body, tools, images, max_output_tokens, models and session stand in the body itself', path: ['body'] })
  .openapi('RoutingExplainRequest')

export const explainedSchema = z.object({
  policy: text, model: arm.nullable().openapi({ description: 'What would be chosen where nothing is tried; null: the request would be refused.' }), decision: z.object(decision).nullable(),
  removed, deployments: z.array(z.string()).openapi({ description: 'In the order in which they would be asked.' }),
  refused: z.object({ code: z.string(), message: z.string(), param: text }).nullable(),
}).openapi('RoutingExplained', { description: 'Nothing is dispatched, tried, learned or recorded.' })

const perMillion = nano.openapi({ description: 'Nano-dollars per million tokens.' })
const stage = z.enum(['candidate', 'adopted', 'rejected']).openapi({ description: 'candidate: new, its outcomes are still gathered. adopted: as any other. rejected: not used.' })
export const modelSchema = z.object({
  id: arm, model: z.string(), effort: text, domain: z.string(), deployments: z.array(z.string()), stage, approved: z.boolean(),
  general: z.boolean().openapi({ description: 'For every policy that names no models; else only for those that name it.' }),
  eligible: z.boolean(), reasons: z.array(reason).openapi({ description: 'Why no request can have it now, or only a few that try it.' }),
  outcomes: z.int(), taken: z.int().openapi({ description: 'How often it was chosen.' }), alarms: z.int().openapi({ description: 'How often its outcomes stopped being what was known, which was then mostly forgotten.' }),
  prices: z.object({ input: perMillion, output: perMillion, cache_read: perMillion, cache_write: perMillion }).nullable(),
  can: z.object({ tools: z.boolean(), schema: z.boolean(), images: z.boolean(), audio: z.boolean(), reasoning: z.boolean() }), context_tokens: z.int(), output_tokens: z.int(), released_on: text, region: text,
  first_token_ms: z.object({ expected: number, p95: number }), ms_per_token: number,
  tasks: z.array(z.object({ task: z.enum(taskTypes), quality: number, deviation: number, output_tokens: number, latency_ms: number })),
}).openapi('RoutingModel')
export const modelListSchema = listOf(modelSchema).extend({ requires_approval: z.boolean() }).openapi('RoutingModelList')
export const exportSchema = z.object({ exported_at: time, models: z.array(z.object({ model: arm, stage, approved: z.boolean(), state: z.record(z.string(), z.unknown()).nullable().openapi({ description: 'Null: nothing was learned.' }) })) }).openapi('RoutingModelExport', { description: 'All that was learned, as it is stored: what was learned last is written within seconds, with many models within minutes.' })

export const resetInput = z.strictObject({ model: z.string().min(1).max(280).nullable().optional().openapi({ description: 'Left out: all models.' }) }).openapi('RoutingReset')
export const resetSchema = z.object({ reset: z.int().openapi({ description: 'Models that forgot what was learned.' }) }).openapi('RoutingResetDone')

export const eventsQuery = pageQuery.extend({ model: z.string().max(280).optional() })
export const eventListSchema = listOf(z.object({ id: z.string(), at: time, model: arm, from: z.string(), to: z.string(), reason: z.string(), actor: z.string().openapi({ description: '`router`, or who did it.' }) }).openapi('RoutingEvent')).openapi('RoutingEventList')

export const savingsQuery = z.object({ ...range, group: z.enum(['policy', 'model', 'day', 'none']).default('none') })
const savings = {
  decisions: z.int(), counted: z.int().openapi({ description: 'Decisions whose request was answered and whose whole cost is known; the amounts are of these.' }),
  billed_nano: nano.openapi({ description: 'Measured: what was charged, all attempts together.' }), predicted_nano: nano.openapi({ description: 'What was predicted for the models that answered: how far predictions are off.' }),
  baseline_nano: nano.openapi({ description: 'What the model of the best quality would have cost. Where it answered itself, what was billed.' }), baseline_forecast_nano: nano.openapi({ description: 'The part of baseline_nano that is a forecast.' }), saved_nano: nano.openapi({ description: 'baseline_nano − billed_nano; negative: it cost more.' }),
}
export const savingsSchema = z.object({
  range: z.object({ from: time, to: time, time_zone: z.string() }), totals: z.object(savings), groups: z.array(z.object({ group: z.string(), ...savings })),
  more: z.boolean().openapi({ description: 'There were more decisions: the newest ones were counted.' }), as_of: time,
}).openapi('RoutingSavings')

export const previewQuery = z.object({ ...range, policy: policyName.openapi({ description: 'Only decisions that were made under this policy.' }) })
export const previewInput = newRoutingPolicySchema
const predicted = z.object({ cost_nano: money, quality: number.openapi({ description: 'The mean.' }) })
export const previewSchema = z.object({
  range: z.object({ from: time, to: time }), decisions: z.int(), more: z.boolean().openapi({ description: 'There were more: the newest ones were looked at.' }),
  compared: z.int(), changed: z.int().openapi({ description: 'Would have got another model.' }), tried: z.int().openapi({ description: 'Left out: something was tried.' }), undecided: z.int().openapi({ description: 'Left out: no recorded candidate meets the policy, or another version wrote the record.' }),
  before: predicted, after: predicted, models: z.array(z.object({ model: arm, before: z.int(), after: z.int() })), unseen: z.array(arm).openapi({ description: 'Models of the policy that no decision has figures of.' }),
  limits: z.array(z.string()).openapi({ description: 'What this cannot know, in sentences.' }),
}).openapi('RoutingPreview')
