/** Settings of the organisation. What the file leaves out stays as it is; a file that says nothing leaves them to the API. */
import { isDeepStrictEqual } from 'node:util'
import type { ConfigSettings } from '../../config.ts'
import type { Place } from '../../config/declared.ts'
import { findSettings, updateSettings, type Settings, type SettingsPatch } from '../../store/settings.ts'
import { released } from './providers.ts'
import type { Run, View } from './run.ts'
import { byFile } from './tree.ts'
import { budgetView, rateView } from './views.ts'

const withoutNulls = <T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as { [K in keyof T]?: NonNullable<T[K]> }

const storedView = ({ store, retentionDays, quotaMb }: Settings['content']): View => ({ store, retention_days: retentionDays, quota_mb: quotaMb })

export const settingsView = ({ organisation, timeZone, unknownPrice, budget, rateLimit, content, responses, cache, retention, newModels }: Settings): View => ({
  organisation, time_zone: timeZone, unknown_price: unknownPrice, budget: budget && budgetView(budget), rate_limit: rateLimit && rateView(rateLimit),
  content: storedView(content), responses: storedView(responses), cache: { ttl_s: cache.ttlS }, retention: { requests_days: retention.requestsDays, usage_days: retention.usageDays, decisions_days: retention.decisionsDays }, new_models: newModels,
})

export async function settings(run: Run, declared: ConfigSettings, place: Place): Promise<void> {
  const { write, org } = run
  const current = await findSettings(write, org)
  if (current === null) return
  const { organisation, timeZone, unknownPrice, newModels = null, budget, rateLimit } = declared
  // A budget or limit that is null is declared: there shall be none.
  const top = { ...withoutNulls({ organisation, timeZone, unknownPrice, newModels }), ...(budget !== undefined && { budget }), ...(rateLimit !== undefined && { rateLimit }) }
  const content = withoutNulls(declared.content)
  const responses = withoutNulls(declared.responses)
  const cache = withoutNulls(declared.cache)
  const retention = withoutNulls(declared.retention)
  const declares = [top, content, responses, cache, retention].some((part) => Object.keys(part).length > 0)
  if (!declares && current.managedBy !== 'file') return
  const next: SettingsPatch = declares ? { ...top, content: { ...current.content, ...content }, responses: { ...current.responses, ...responses }, cache: { ...current.cache, ...cache }, retention: { ...current.retention, ...retention } } : {}
  const now: SettingsPatch = Object.fromEntries(Object.keys(next).map((name) => [name, current[name as keyof SettingsPatch]]))
  const manager = declares ? 'file' : 'api'
  if (current.managedBy === manager && isDeepStrictEqual(next, now)) return
  const by = (managedBy: string): View => (current.managedBy === manager ? {} : { managed_by: managedBy })
  const after = { ...settingsView({ ...current, ...next } as Settings), ...by(manager) }
  await run.change({ kind: 'settings', name: current.organisation, action: 'update', before: { ...settingsView(current), ...by(current.managedBy) }, after }, { id: org, place, needs: [{ what: 'permission', permission: 'settings:write', node: null }] }, () =>
    updateSettings(write, org, next, declares ? byFile : released))
}
