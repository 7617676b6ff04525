/** `/settings`: of the organisation, and what is kept for how long. */
import { createRoute, z } from '@hono/zod-openapi'
import { findSettings, updateSettings, type Settings, type SettingsPatch } from '../../store/settings.ts'
import { owner } from '../authorize.ts'
import { errors } from '../errors.ts'
import { conditional, editOf, found, router } from '../router.ts'
import { body, displayName, etag, expectedVersion, ifMatch, json, managedBy, version } from '../schema.ts'
import { edit, type Services } from '../services.ts'

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false // RangeError: an unknown zone
  }
}

const unknownPrice = z.enum(['allow', 'block', 'conservative'])
const days = (most: number) => z.int().min(1).max(most)
const content = { store: z.boolean(), retention_days: days(3_650), quota_mb: z.int().min(1).max(10_000_000) }
const retention = { requests_days: days(3_650), usage_days: days(36_500) }

const settingsSchema = z.object({
  organisation: z.string(), time_zone: z.string(), unknown_price: unknownPrice, content: z.object(content), retention: z.object(retention), version, managed_by: managedBy,
}).openapi('Settings')

const patchSchema = z.strictObject({
  organisation: displayName.optional(),
  time_zone: z.string().max(64).refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin').optional(),
  unknown_price: unknownPrice.optional(),
  content: z.strictObject(content).partial().optional(),
  retention: z.strictObject(retention).partial().optional(),
}).openapi('SettingsPatch')

const tags = ['Settings']
const get = createRoute({ ...owner, method: 'get', path: '/settings', tags, summary: 'Settings', responses: { 200: json(settingsSchema, 'The settings'), ...errors(401) } })
const patch = createRoute({
  ...owner, method: 'patch', path: '/settings', tags, summary: 'Change settings', request: { headers: ifMatch, body: body(patchSchema) },
  responses: { 200: json(settingsSchema, 'Changed'), ...errors(400, 401, 403, 409, 412) },
})

const describe = ({ organisation, timeZone, unknownPrice: policy, content: stored, retention: kept, version: number, managedBy: by }: Settings): z.infer<typeof settingsSchema> => ({
  organisation, time_zone: timeZone, unknown_price: policy,
  content: { store: stored.store, retention_days: stored.retentionDays, quota_mb: stored.quotaMb },
  retention: { requests_days: kept.requestsDays, usage_days: kept.usageDays }, version: number, managed_by: by,
})

const present = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> }

const patchOf = (input: z.output<typeof patchSchema>): SettingsPatch => present({
  organisation: input.organisation, timeZone: input.time_zone, unknownPrice: input.unknown_price,
  content: input.content && present({ store: input.content.store, retentionDays: input.content.retention_days, quotaMb: input.content.quota_mb }),
  retention: input.retention && present({ requestsDays: input.retention.requests_days, usageDays: input.retention.usage_days }),
})

export const settings = (services: Services) => router()
  .openapi(get, async (c) => {
    const { org } = c.var.caller
    const current = found(await findSettings(services.database, org), 'organisation', org)
    c.header('etag', etag(current))
    return c.json(describe(current), 200)
  })
  .openapi(patch, async (c) => {
    const { org } = c.var.caller
    const changes = patchOf(c.req.valid('json'))
    const ifVersion = expectedVersion(c.req.valid('header')['if-match'])
    const changed = found(await conditional(() => edit(services, (write) => updateSettings(write, org, changes, editOf(ifVersion))), describe), 'organisation', org)
    c.header('etag', etag(changed))
    return c.json(describe(changed), 200)
  })
