/** `/keys/{id}/effective` and `/explain`: answered by the data plane, which alone knows what is held and used now. Nothing is taken or dispatched. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Effective } from '../../governance/effective.ts'
import type { Explained, ExplainAsk } from '../../governance/explain-request.ts'
import { priorities } from '../../governance/priority.ts'
import { writeRule } from '../../governance/written-rule.ts'
import { findKey } from '../../store/keys.ts'
import { may, type Place } from '../authorize.ts'
import { ControlError, errors } from '../errors.ts'
import { atKey } from '../places.ts'
import { found, router } from '../router.ts'
import { body, iso, json } from '../schema.ts'
import type { Services } from '../services.ts'
import { effectiveSchema, explainedSchema, explainInput } from './schema.ts'

const tags = ['Explain']
const params = z.object({ id: z.string().max(64) })
const jsonType = /^application\/([a-z-.]+\+)?json\b/i

/** What the check of the body will refuse is asked for at the organisation. */
export const atKeyInBody: Place = async function atKeyInBody(c) {
  const { caller: { org }, rights } = c.var
  const given: unknown = jsonType.test(c.req.header('content-type') ?? '') ? await c.req.json().catch(() => null) : null
  const parsed = z.object({ key_id: z.string() }).safeParse(given)
  if (!parsed.success) return org
  return rights.tree.recall(org, parsed.data.key_id)?.kind === 'key' ? rights.placeOf(org, parsed.data.key_id) : null
}

const effective = createRoute({
  ...may('keys:read', atKey), method: 'get', path: '/keys/{id}/effective', tags, summary: 'Every policy, budget and limit that can act on a key, with its source and state', request: { params },
  responses: { 200: json(effectiveSchema, 'What acts on it'), ...errors(401, 403, 404, 503) },
})
const explain = createRoute({
  ...may('policies:read', atKeyInBody), method: 'post', path: '/explain', tags, summary: 'Would this request be allowed, by which rule, what would it cost, which models remain', request: { body: body(explainInput) },
  responses: { 200: json(explainedSchema, 'What would become of it'), ...errors(400, 401, 403, 404, 503) },
})

const time = (ms: number | null): string | null => (ms === null ? null : iso(ms * 1000))

export function silent(): ControlError {
  return new ControlError('data_plane_silent', 'The data plane did not answer within a second, or does not know the key yet. Try again in a moment.', { retryAfterMs: 1_000 })
}

function showEffective({ key, stopped, path, budgets, limits, policies, defaults, share, more }: Effective): z.infer<typeof effectiveSchema> {
  const { id, name, status, tags: keyTags, models, ipAllow, expiresAt } = key
  return {
    key: { id, name, status, priority: priorities.find((each) => each === key.priority) ?? 'standard', tags: [...keyTags], expires_at: time(expiresAt), models: models && [...models], ip_allow: ipAllow && [...ipAllow] },
    stopped, path, more,
    budgets: budgets.map((each) => ({
      id: each.id, name: each.name, source: each.source, limit_nano: each.limitNano, base_nano: each.baseNano, changes_at: time(each.changesAtMs), period: each.period, time_zone: each.timeZone, mode: each.mode,
      thresholds: each.thresholds.map(({ share: part, actions }) => ({ share: part, actions: actions.map((action) => ({ ...action })) })),
      state: each.state && {
        spent_nano: each.state.spentNano, held_nano: each.state.heldNano, free_nano: each.state.freeNano, resets_at: time(each.state.resetsAtMs), downgraded_to: each.state.inForce.alias, blocked: each.state.inForce.blocked || (each.mode !== 'soft' && each.state.spentNano >= each.limitNano),
      },
    })),
    limits: limits.map(({ id: limitId, name: limitName, source, models: pattern, limits: set, used }) => ({ id: limitId, name: limitName, source, models: pattern, limits: { rpm: set.rpm, tpm: set.tpm, concurrency: set.concurrency, spend_nano_per_minute: set.spendNano }, used: { running: used.running, requests: used.requests, tokens: used.tokens, spend_nano: used.spendNano } })),
    policies: policies.map(({ id: policyId, name: policyName, source, rules }) => ({ id: policyId, name: policyName, source, rules: rules.map(writeRule) })),
    defaults: { model: defaults.model, fallbacks: defaults.fallbacks && [...defaults.fallbacks], policy: defaults.policy, aliases: defaults.aliases, providers_off: defaults.providersOff },
    share: { id: share.team, weight: share.weight },
  }
}

const showExplained = ({ candidates, ...rest }: Explained): z.infer<typeof explainedSchema> => ({
  ...rest,
  candidates: candidates.map(({ holdNano, inputNano, policies, ...each }) => ({
    ...each, hold_nano: holdNano, input_nano: inputNano,
    policies: policies.map(({ node: { kind, id, name }, allowed, rule, reason }) => ({ node: { kind, id, name }, allowed, rule, reason })),
  })),
})

function askOf({ key_id: key, model, capability, stream, tags: named, session, ...rest }: z.output<typeof explainInput>): ExplainAsk {
  const { input_tokens: inputTokens, max_output_tokens: maxOutputTokens, end_user: endUser, has_tools: hasTools, has_images: hasImages, has_json: hasJson } = rest
  return {
    key, model, capability,
    ...(stream !== undefined && { stream }), ...(named !== undefined && { tags: named }), ...(session !== undefined && { session }), ...(inputTokens !== undefined && { inputTokens }), ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(endUser !== undefined && { endUser }), ...(hasTools !== undefined && { hasTools }), ...(hasImages !== undefined && { hasImages }), ...(hasJson !== undefined && { hasJson }),
  }
}

export const explanations = (services: Services) => router()
  .openapi(effective, async (c) => {
    const { id } = c.req.valid('param')
    found(await findKey(services.database, c.var.caller.org, id), 'key', id)
    const answer = await services.question.effective(id)
    if (answer === null) throw silent()
    return c.json(showEffective(answer), 200)
  })
  .openapi(explain, async (c) => {
    const input = c.req.valid('json')
    found(await findKey(services.database, c.var.caller.org, input.key_id), 'key', input.key_id)
    const answer = await services.question.explain(askOf(input))
    if (answer === null) throw silent()
    return c.json(showExplained(answer), 200)
  })
