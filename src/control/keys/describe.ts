/** A key with what it spent, as the API shows it. The hash of the key never leaves the store's rows. */
import type { z } from '@hono/zod-openapi'
import { periodStart } from '../../governance/periods.ts'
import { priorities } from '../../governance/priority.ts'
import type { ApiKey } from '../../store/keys.ts'
import { keyActivity } from '../../store/usage.ts'
import { showBudget, showRateLimit } from '../budgets.ts'
import { iso, isoOrNull } from '../schema.ts'
import type { Services } from '../services.ts'
import type { keySchema } from './schema.ts'

const standard = priorities.indexOf('standard')

export type KeyView = z.infer<typeof keySchema>

export async function describeKeys({ database, clock, publisher, rights }: Services, keys: readonly ApiKey[]): Promise<KeyView[]> {
  const now = clock.epochMs()
  const zoneOf = (key: ApiKey): string => publisher.rowsOf(key.org).settings?.timeZone ?? 'UTC'
  const [first] = keys
  if (first === undefined) return []
  const activity = await keyActivity(database, keys.map((key) => key.id), periodStart('month', now, zoneOf(first)) * 1000)
  const budgets = new Map<string, KeyView['budget']>()
  for (const key of keys) if (key.budget !== null) budgets.set(key.id, await showBudget(database, `key:${key.id}`, key.budget, zoneOf(key), now))
  return keys.map((key): KeyView => {
    const { id, name, prefix, last4, status, models, rateLimit, version, managedBy } = key
    const used = activity.get(id)
    const place = rights.tree.recall(key.org, key.node ?? key.org)
    const owner = (kind: 'user' | 'service_account', who: string | null) => (who === null ? null : { id: who, name: rights.holder(key.org, { kind, id: who })?.name ?? who })
    return {
      id, name, prefix, last4, status, models,
      budget: budgets.get(id) ?? null,
      rate_limit: showRateLimit(rateLimit), expires_at: isoOrNull(key.expiresAt), created_at: iso(key.createdAt), last_used_at: isoOrNull(used?.lastUsedAt ?? null),
      spent_month_nano: used?.costNano ?? 0, requests_month: used?.requests ?? 0,
      node: { kind: place?.kind === 'team' || place?.kind === 'project' ? place.kind : 'organisation', id: key.node ?? key.org, name: place?.name ?? key.node ?? key.org },
      user: owner('user', key.user), service_account: owner('service_account', key.serviceAccount),
      priority: priorities[key.priority ?? standard] ?? 'standard', tags: key.tags, ip_allow: key.ipAllow, routing_policy: key.routingPolicy,
      previous_until: key.previous === null || key.previous.until <= now * 1000 ? null : iso(key.previous.until), version, managed_by: managedBy,
    }
  })
}

export async function describeKey(services: Services, key: ApiKey): Promise<KeyView> {
  const [view] = await describeKeys(services, [key])
  if (view === undefined) throw new Error('one key has one description')
  return view
}
