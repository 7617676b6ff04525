/** `/settings`: the organisation, its budget and limits, and what is kept for how long. */
import { createRoute, type z } from '@hono/zod-openapi'
import { budgetOf, rateLimitOf } from '../../config.ts'
import { findSettings, updateSettings, type Settings, type SettingsPatch } from '../../store/settings.ts'
import { may } from '../authorize.ts'
import { budgetWarnings, showBudget, showRateLimit } from '../budgets.ts'
import { errors } from '../errors.ts'
import { conditional, editOf, found, router } from '../router.ts'
import { body, etag, expectedVersion, ifMatch, json } from '../schema.ts'
import { edit, without, type Services } from '../services.ts'
import { changedSettingsSchema, settingsPatchSchema, settingsSchema } from './schema.ts'

const tags = ['Settings']
const get = createRoute({ ...may('settings:read'), method: 'get', path: '/settings', tags, summary: 'Settings', responses: { 200: json(settingsSchema, 'The settings'), ...errors(401) } })
const patch = createRoute({
  ...may('settings:write'), method: 'patch', path: '/settings', tags, summary: 'Change settings', request: { headers: ifMatch, body: body(settingsPatchSchema) },
  responses: { 200: json(changedSettingsSchema, 'Changed'), ...errors(400, 401, 403, 409, 412) },
})

async function describe({ database, clock }: Services, org: string, { organisation, timeZone, unknownPrice: policy, budget, rateLimit, content, responses, cache, retention: kept, newModels, version: number, managedBy: by }: Settings): Promise<z.infer<typeof settingsSchema>> {
  return {
    organisation, time_zone: timeZone, unknown_price: policy,
    budget: budget && await showBudget(database, `org:${org}`, budget, timeZone, clock.epochMs()), rate_limit: showRateLimit(rateLimit),
    content: shown(content), responses: shown(responses), cache: { ttl_s: cache.ttlS },
    retention: { requests_days: kept.requestsDays, usage_days: kept.usageDays, decisions_days: kept.decisionsDays }, new_models: newModels, version: number, managed_by: by,
  }
}

const shown = (stored: Settings['content']): { store: boolean; retention_days: number; quota_mb: number } => ({ store: stored.store, retention_days: stored.retentionDays, quota_mb: stored.quotaMb })

/** For the audit log. */
const kept = (current: Settings): object => without(current, 'org', 'revision')

const present = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> }

const storedOf = ({ store, retention_days: retentionDays, quota_mb: quotaMb }: NonNullable<z.output<typeof settingsPatchSchema>['content']>): Partial<Settings['content']> => present({ store, retentionDays, quotaMb })

const patchOf = (input: z.output<typeof settingsPatchSchema>): SettingsPatch => present({
  organisation: input.organisation, timeZone: input.time_zone, unknownPrice: input.unknown_price,
  budget: input.budget && budgetOf(input.budget), rateLimit: input.rate_limit && rateLimitOf(input.rate_limit),
  content: input.content && storedOf(input.content),
  responses: input.responses && storedOf(input.responses),
  cache: input.cache && { ttlS: input.cache.ttl_s },
  retention: input.retention && present({ requestsDays: input.retention.requests_days, usageDays: input.retention.usage_days, decisionsDays: input.retention.decisions_days }),
  newModels: input.new_models,
})

export const settings = (services: Services) => router()
  .openapi(get, async (c) => {
    const { org } = c.var.caller
    const current = found(await findSettings(services.database, org), 'organisation', org)
    c.header('etag', etag(current))
    return c.json(await describe(services, org, current), 200)
  })
  .openapi(patch, async (c) => {
    const { org } = c.var.caller
    const changes = patchOf(c.req.valid('json'))
    const ifVersion = expectedVersion(c.req.valid('header')['if-match'])
    const changed = found(await conditional(() => edit(services, c.var.caller, async (write, record) => {
      const before = found(await findSettings(write, org), 'organisation', org)
      const after = found(await updateSettings(write, org, changes, editOf(ifVersion)), 'organisation', org)
      await record({ action: 'settings.update', resource: { kind: 'settings', id: org, name: after.organisation }, before: kept(before), after: kept(after) })
      return after
    }), (current: Settings) => describe(services, org, current)), 'organisation', org)
    c.header('etag', etag(changed))
    const view = await describe(services, org, changed)
    return c.json({ ...view, warnings: changes.budget === undefined ? [] : budgetWarnings(`The organisation ${view.organisation}`, view.budget) }, 200)
  })
