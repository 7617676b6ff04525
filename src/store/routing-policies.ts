/** Routing policies. The store keeps them as they are; what they mean, and whether their models exist, is checked by the control plane. */
import { plainPolicy, type RoutingPolicyData } from '../routing/policy-data.ts'
import type { Read, Write } from './database.ts'
import { boundedLimit, checkEdit, decodeCursor, NameTakenError, nextRevision, pageOf, type Edit, type Page, type PageRequest } from './edits.ts'
import type { RoutingTables } from './routing-tables.ts'
import type { ManagedBy } from './tables.ts'

export interface RoutingPolicy {
  name: string
  org: string
  data: RoutingPolicyData
  version: number
  revision: number
  managedBy: ManagedBy
  createdAt: number
  updatedAt: number
  /** True only in `changesSince`. */
  deleted: boolean
}

/** Keys, teams or projects still name it. */
export class PolicyInUseError extends Error {
  override name = 'PolicyInUseError'
}

type Row = RoutingTables['routing_policy']

/** A field that an older version did not know is as its base has it. */
export const routingPolicyFromRow = (row: Row): RoutingPolicy => ({
  name: row.name, org: row.org_id, data: { ...plainPolicy(row.name), ...JSON.parse(row.body) as Omit<RoutingPolicyData, 'name'> },
  version: row.version, revision: row.revision, managedBy: row.managed_by, createdAt: row.created_at, updatedAt: row.updated_at, deleted: row.deleted_at !== null,
})

function bodyOf({ name: _name, ...rest }: RoutingPolicyData): string {
  return JSON.stringify(rest)
}

/** Creates the policy, or revives a deleted one of that name. */
export async function createRoutingPolicy(write: Write, org: string, data: RoutingPolicyData, managedBy: ManagedBy = 'api'): Promise<RoutingPolicy> {
  const known = await write.kysely.selectFrom('routing_policy').selectAll().where('org_id', '=', org).where('name', '=', data.name).executeTakeFirst()
  if (known !== undefined && known.deleted_at === null) throw new NameTakenError('routing policy', data.name)
  const row: Row = {
    name: data.name, org_id: org, body: bodyOf(data), version: (known?.version ?? 0) + 1, revision: await nextRevision(write), managed_by: managedBy,
    created_at: known?.created_at ?? write.at, updated_at: write.at, deleted_at: null,
  }
  await write.kysely.insertInto('routing_policy').values(row).onConflict((conflict) => conflict.columns(['org_id', 'name']).doUpdateSet(row)).execute()
  return routingPolicyFromRow(row)
}

export async function findRoutingPolicy({ kysely }: Read, org: string, name: string): Promise<RoutingPolicy | null> {
  const row = await kysely.selectFrom('routing_policy').selectAll().where('org_id', '=', org).where('name', '=', name).where('deleted_at', 'is', null).executeTakeFirst()
  return row === undefined ? null : routingPolicyFromRow(row)
}

/** By name. */
export async function listRoutingPolicies({ kysely }: Read, org: string, page: PageRequest): Promise<Page<RoutingPolicy>> {
  const limit = boundedLimit(page.limit)
  let query = kysely.selectFrom('routing_policy').selectAll().where('org_id', '=', org).where('deleted_at', 'is', null).orderBy('name').limit(limit + 1)
  if (page.cursor) query = query.where('name', '>', decodeCursor(page.cursor))
  return pageOf((await query.execute()).map(routingPolicyFromRow), limit, (policy) => policy.name)
}

export async function updateRoutingPolicy(write: Write, org: string, data: RoutingPolicyData, edit: Edit = {}): Promise<RoutingPolicy | null> {
  const current = await findRoutingPolicy(write, org, data.name)
  if (current === null) return null
  checkEdit(current, edit)
  return save(write, { ...current, data, managedBy: edit.by ?? current.managedBy })
}

/** `isBuiltIn`: there is one of that name without it too, so whoever names it goes on with that. */
export async function deleteRoutingPolicy(write: Write, org: string, name: string, { isBuiltIn, ...edit }: Edit & { isBuiltIn: boolean }): Promise<RoutingPolicy | null> {
  const current = await findRoutingPolicy(write, org, name)
  if (current === null) return null
  checkEdit(current, edit)
  const users = isBuiltIn ? [] : await usersOf(write, org, name)
  if (users.length > 0) throw new PolicyInUseError(`the routing policy ${name} is still that of ${users.slice(0, 5).join(', ')}${users.length > 5 ? ' and others' : ''}: give them another one first`)
  return save(write, { ...current, deleted: true })
}

/** Living keys and nodes that name it, as people call them; a few of many. */
async function usersOf({ kysely }: Read, org: string, name: string): Promise<string[]> {
  const keys = await kysely.selectFrom('api_key').select('name').where('org_id', '=', org).where('routing_policy', '=', name).where('status', '<>', 'revoked').limit(6).execute()
  const nodes = await kysely.selectFrom('node').select(['kind', 'name', 'defaults']).where('org_id', '=', org).where('deleted_at', 'is', null).where('defaults', 'like', '%"policy"%').execute()
  const named = nodes.filter(({ defaults }) => defaults !== null && (JSON.parse(defaults) as { policy?: string | null }).policy === name)
  return [...keys.map((key) => `the key ${key.name}`), ...named.slice(0, 6).map((node) => `the ${node.kind} ${node.name}`)]
}

async function save(write: Write, policy: RoutingPolicy): Promise<RoutingPolicy> {
  const changed = { version: policy.version + 1, revision: await nextRevision(write) }
  await write.kysely.updateTable('routing_policy')
    .set({ body: bodyOf(policy.data), managed_by: policy.managedBy, updated_at: write.at, deleted_at: policy.deleted ? write.at : null, ...changed })
    .where('org_id', '=', policy.org).where('name', '=', policy.name).execute()
  return { ...policy, ...changed, updatedAt: write.at }
}

/** Deleted ones too. */
export async function routingPoliciesSince({ kysely }: Read, after: number, upTo: number, limit: number): Promise<RoutingPolicy[]> {
  const rows = await kysely.selectFrom('routing_policy').selectAll().where('revision', '>', after).where('revision', '<=', upTo).orderBy('revision').limit(limit).execute()
  return rows.map(routingPolicyFromRow)
}
