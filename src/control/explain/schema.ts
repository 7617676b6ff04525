/** What acts on a key, and what would become of a request, as the admin API shows it. */
import { z } from '@hono/zod-openapi'
import { priorities } from '../../governance/priority.ts'
import { ruleSchema } from '../policies/schema.ts'
import { modelName, nano, time } from '../schema.ts'
import { subjectView } from '../subjects.ts'

const source = subjectView.extend({ always: z.boolean().openapi({ description: 'It acts on each request of the key; false: on those of that model, vendor, tag or end user.' }) })
const action = z.object({ kind: z.enum(['warn', 'downgrade', 'block']), alias: z.string().optional() })
const perMinute = z.object({ rpm: z.int().nullable(), tpm: z.int().nullable(), concurrency: z.int().nullable(), spend_nano_per_minute: nano.nullable() })

export const effectiveSchema = z.object({
  key: z.object({
    id: z.string(), name: z.string(), status: z.enum(['active', 'disabled', 'revoked']), priority: z.enum(priorities), tags: z.array(z.string()), expires_at: time.nullable(),
    models: z.array(z.string()).nullable(), ip_allow: z.array(z.string()).nullable(),
  }),
  stopped: z.string().nullable().openapi({ description: 'Why no request of it is served now; null: they are.' }),
  path: z.array(source).openapi({ description: 'From the organisation to the key.' }),
  budgets: z.array(z.object({
    id: z.string().openapi({ description: 'Of /budgets, or `own:…` where it is a field of the key or the organisation.' }), name: z.string(), source, limit_nano: nano.openapi({ description: 'In force now, with increases.' }), base_nano: nano,
    changes_at: time.nullable().openapi({ description: 'When an increase begins or ends next.' }), period: z.string(), time_zone: z.string(), mode: z.enum(['strict', 'standard', 'soft']), thresholds: z.array(z.object({ share: z.number(), actions: z.array(action) })),
    state: z.object({ spent_nano: nano, held_nano: nano.openapi({ description: 'Reserved for requests that run now.' }), free_nano: nano, resets_at: time.nullable(), downgraded_to: z.string().nullable(), blocked: z.boolean() }).nullable()
      .openapi({ description: 'Null: what it has spent cannot be read now.' }),
  })),
  limits: z.array(z.object({ id: z.string(), name: z.string(), source, models: z.string().nullable(), limits: perMinute, used: z.object({ running: z.int(), requests: z.int(), tokens: z.int(), spend_nano: nano }).openapi({ description: 'What runs, and what the last minute has seen of what is limited.' }) })),
  policies: z.array(z.object({ id: z.string(), name: z.string(), source, rules: z.array(ruleSchema) })),
  defaults: z.object({ model: z.string().nullable(), fallbacks: z.array(z.string()).nullable(), policy: z.string().nullable(), aliases: z.array(z.string()), providers_off: z.array(z.string()) }),
  share: z.object({ id: z.string(), weight: z.int() }).openapi({ description: 'Whose part of a vendor’s own quota its requests take.' }),
  more: z.int().openapi({ description: 'Rules of single models, vendors, tags and end users beyond those that are listed.' }),
}).openapi('Effective')

export const explainInput = z.strictObject({
  key_id: z.string().min(1).max(64),
  model: modelName.nullable().default(null).openapi({ description: 'As a request would name it; null: the default of the key’s team or project.' }),
  capability: z.enum(['chat', 'completions', 'embeddings']).default('chat'),
  input_tokens: z.int().min(0).max(100_000_000).optional(), max_output_tokens: z.int().min(0).max(100_000_000).nullable().optional(), stream: z.boolean().optional(),
  tags: z.array(z.string().max(64)).max(20).optional(), end_user: z.string().max(256).nullable().optional(), session: z.string().max(256).optional(),
  has_tools: z.boolean().optional(), has_images: z.boolean().optional(), has_json: z.boolean().optional(),
}).openapi('ExplainRequest', { description: 'What is left out is not known, or usual.' })

export const explainedSchema = z.object({
  allowed: z.boolean(), code: z.string().nullable().openapi({ description: 'Of the refusal that the request would meet.' }), message: z.string().nullable(),
  candidates: z.array(z.object({
    deployment: z.string(), provider: z.string(), model: z.string(), allowed: z.boolean(), code: z.string().nullable(), message: z.string().nullable(),
    policies: z.array(z.object({ node: z.object({ kind: z.string(), id: z.string(), name: z.string() }), allowed: z.boolean(), rule: z.int().nullable().openapi({ description: 'From 1; null: none held.' }), reason: z.string() })),
    hold_nano: nano.nullable().openapi({ description: 'What would be reserved.' }), input_nano: nano.nullable(),
  })).openapi({ description: 'In the order in which they would be tried.' }),
  models: z.array(z.string()).openapi({ description: 'That the key may use.' }), warnings: z.array(z.string()), downgrade: z.string().nullable().openapi({ description: 'The cheaper alias that would be served instead.' }),
}).openapi('Explained')
