/** What may be written of a key by whom. What limits it is set from the node above it, as with teams; who it belongs to is no free choice either. */
import { isDeepStrictEqual } from 'node:util'
import type { z } from '@hono/zod-openapi'
import { budgetOf, rateLimitOf } from '../../config.ts'
import type { Permission } from '../../governance/permissions.ts'
import { priorities } from '../../governance/priority.ts'
import type { ApiKey, KeyPatch } from '../../store/keys.ts'
import { findServiceAccount } from '../../store/service-accounts.ts'
import type { Caller } from '../context.ts'
import { ControlError } from '../errors.ts'
import { toUs } from '../schema.ts'
import { checkPolicyExists } from '../routing-policies/check.ts'
import type { Services } from '../services.ts'
import type { keyPatchSchema } from './schema.ts'

type KeyInput = z.output<typeof keyPatchSchema>

/** Only what is present, so that a change leaves the rest alone. */
export function policyOf({ name, status, models, budget, rate_limit: rateLimit, expires_at: expiresAt, priority, tags, ip_allow: ipAllow, routing_policy: routingPolicy, user_id: user, service_account_id: serviceAccount }: KeyInput, nowMs: number): KeyPatch {
  if (expiresAt && Date.parse(expiresAt) <= nowMs) throw new ControlError('invalid_request', 'expires_at lies in the past. To end a key now, revoke it.', { param: 'expires_at' })
  return {
    ...(name !== undefined && { name }),
    ...(status !== undefined && { status }),
    ...(models !== undefined && { models }),
    ...(budget !== undefined && { budget: budget && budgetOf(budget) }),
    ...(rateLimit !== undefined && { rateLimit: rateLimit && rateLimitOf(rateLimit) }),
    ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : toUs(expiresAt) }),
    ...(priority !== undefined && { priority: priority === 'standard' ? null : priorities.indexOf(priority) }),
    ...(tags !== undefined && { tags }),
    ...(ipAllow !== undefined && { ipAllow }),
    ...(routingPolicy !== undefined && { routingPolicy }),
    ...(user !== undefined && { user }),
    ...(serviceAccount !== undefined && { serviceAccount }),
  }
}

/** The nearest team and the project of a place in the tree, which usage is counted for. */
export function placeOf({ rights: { tree } }: Pick<Services, 'rights'>, org: string, node: string | null): Pick<ApiKey, 'node' | 'team' | 'project'> {
  const path = tree.path(org, node ?? org)
  return { node: node === org ? null : node, team: path.findLast(({ kind }) => kind === 'team')?.id ?? null, project: path.findLast(({ kind }) => kind === 'project')?.id ?? null }
}

const interactive = priorities.indexOf('interactive')
const above: readonly (readonly [keyof KeyPatch, Permission])[] = [['budget', 'budgets:write'], ['rateLimit', 'limits:write'], ['priority', 'limits:write'], ['models', 'policies:write']]

/** Whoever makes a key may limit it; to change a limit that is there takes the right that sets limits. `at`: the node that it is in. */
export async function checkPatch(services: Services, caller: Caller, before: ApiKey | null, patch: KeyPatch, at: string): Promise<void> {
  const { rights, publisher } = services
  if (patch.routingPolicy !== before?.routingPolicy) checkPolicyExists(patch.routingPolicy, publisher.rowsOf(caller.org).routing, 'routing_policy')
  for (const [field, permission] of above) {
    if (patch[field] === undefined || (before !== null && isDeepStrictEqual(patch[field], before[field]))) continue
    if (before !== null || (field === 'priority' && patch.priority === interactive)) rights.ensure(caller, permission, at)
  }
  await checkOwner(services, caller, before, patch, at)
}

async function checkOwner({ rights, database }: Services, caller: Caller, before: ApiKey | null, { user, serviceAccount }: KeyPatch, at: string): Promise<void> {
  const { org, principal } = caller
  if (serviceAccount && serviceAccount !== before?.serviceAccount) {
    const account = await findServiceAccount(database, org, serviceAccount)
    if (account === null || account.status !== 'active') throw new ControlError('not_found', `There is no active service account ${serviceAccount} in this organisation.`, { param: 'service_account_id' })
    rights.ensure(caller, 'service_accounts:write', account.node ?? org)
  }
  if (!user || user === before?.user) return
  if (rights.holder(org, { kind: 'user', id: user })?.active !== true) throw new ControlError('not_found', `There is no active user ${user} in this organisation.`, { param: 'user_id' })
  // What it spends counts for the person too.
  if (!(principal.kind === 'user' && principal.id === user)) rights.ensure(caller, 'keys:use_any', at)
  const account = serviceAccount === undefined ? before?.serviceAccount ?? null : serviceAccount
  if (account !== null) throw new ControlError('invalid_request', 'A key belongs to a person or to a service account, not to both. Set the other one to null.', { param: 'user_id' })
}
