/** API keys. Only the HMAC of a key is stored; a revoked key keeps its row, so that its usage keeps its name. */
import { sql, type RawBuilder } from 'kysely'
import type { Budget, BudgetPeriod, RateLimit } from '../gateway/snapshot.ts'
import type { Read, Write } from './database.ts'
import { boundedLimit, checkEdit, decodeCursor, nextRevision, pageOf, type Edit, type Page, type PageRequest } from './edits.ts'
import type { ApiKeyRow, ManagedBy } from './tables.ts'

export interface ApiKey {
  id: string
  org: string
  team: string | null
  project: string | null
  user: string | null
  name: string
  /** The first characters of the key and its last four, to recognise it by. */
  prefix: string
  last4: string
  hash: Uint8Array
  pepperVersion: number
  status: 'active' | 'disabled' | 'revoked'
  models: string[] | null
  budget: Budget | null
  rateLimit: RateLimit | null
  /** Epoch µs. */
  expiresAt: number | null
  /** Of the tree; null: directly below the organisation. */
  node: string | null
  serviceAccount: string | null
  /** Null: normal. */
  priority: number | null
  tags: string[]
  /** Addresses and networks that may use it; null: any. */
  ipAllow: string[] | null
  /** Of its requests for `auto`; null: as the nearest team or project has it. */
  routingPolicy: string | null
  /** The key before the last rotation, while both work. */
  previous: PreviousKey | null
  version: number
  revision: number
  managedBy: ManagedBy
  createdAt: number
  updatedAt: number
}

export interface PreviousKey { hash: Uint8Array; pepperVersion: number; until: number }

type Placed = Pick<ApiKey, 'node' | 'serviceAccount' | 'priority' | 'tags' | 'ipAllow' | 'routingPolicy'>

/** What an operator may change. */
export type KeyPatch = Partial<Pick<ApiKey, 'name' | 'models' | 'budget' | 'rateLimit' | 'expiresAt' | 'team' | 'project' | 'user'> & Placed & { status: 'active' | 'disabled' }>

export type NewKey = Pick<ApiKey, 'id' | 'org' | 'name' | 'prefix' | 'last4' | 'hash' | 'pepperVersion'>
  & Partial<Pick<ApiKey, 'team' | 'project' | 'user' | 'models' | 'budget' | 'rateLimit' | 'expiresAt' | 'managedBy'> & Placed>

export function keyFromRow(row: ApiKeyRow): ApiKey {
  const { rate_rpm: rpm, rate_tpm: tpm, rate_concurrency: concurrency, rate_spend_nano: spendNano } = row
  return {
    id: row.id, org: row.org_id, team: row.team_id, project: row.project_id, user: row.user_id,
    name: row.name, prefix: row.prefix, last4: row.last4, hash: row.hash, pepperVersion: row.pepper_version, status: row.status,
    models: row.models === null ? null : JSON.parse(row.models) as string[],
    budget: row.budget_limit_nano === null ? null : {
      limitNano: row.budget_limit_nano, period: row.budget_period as BudgetPeriod, mode: row.budget_mode as Budget['mode'],
    },
    rateLimit: rpm === null && tpm === null && concurrency === null && spendNano === null ? null : { rpm, tpm, concurrency, spendNano },
    node: row.node_id ?? row.project_id ?? row.team_id, serviceAccount: row.service_account_id, priority: row.priority,
    tags: row.tags === null ? [] : JSON.parse(row.tags) as string[], ipAllow: row.ip_allow === null ? null : JSON.parse(row.ip_allow) as string[], routingPolicy: row.routing_policy,
    previous: row.previous_hash === null ? null : { hash: row.previous_hash, pepperVersion: row.previous_pepper_version ?? 0, until: row.previous_until ?? 0 },
    expiresAt: row.expires_at, version: row.version, revision: row.revision, managedBy: row.managed_by,
    createdAt: row.created_at, updatedAt: row.updated_at,
  }
}

type Policy = Pick<ApiKey, 'name' | 'models' | 'budget' | 'rateLimit' | 'expiresAt' | 'team' | 'project' | 'user'> & Placed

const policyColumns = ({ name, models, budget, rateLimit, expiresAt, team, project, user, node, serviceAccount, priority, tags, ipAllow, routingPolicy }: Policy) => ({
  name, user_id: user, team_id: team, project_id: project, node_id: node, service_account_id: serviceAccount, priority,
  tags: tags.length === 0 ? null : JSON.stringify(tags), ip_allow: ipAllow === null ? null : JSON.stringify(ipAllow), routing_policy: routingPolicy,
  models: models === null ? null : JSON.stringify(models),
  budget_limit_nano: budget?.limitNano ?? null, budget_period: budget?.period ?? null, budget_mode: budget?.mode ?? null,
  rate_rpm: rateLimit?.rpm ?? null, rate_tpm: rateLimit?.tpm ?? null, rate_concurrency: rateLimit?.concurrency ?? null, rate_spend_nano: rateLimit?.spendNano ?? null,
  expires_at: expiresAt,
})

export async function createKey(write: Write, key: NewKey): Promise<ApiKey> {
  const row: ApiKeyRow = {
    id: key.id, org_id: key.org,
    prefix: key.prefix, last4: key.last4, hash: key.hash, pepper_version: key.pepperVersion, status: 'active', previous_hash: null, previous_pepper_version: null, previous_until: null,
    ...policyColumns({
      name: key.name, models: key.models ?? null, budget: key.budget ?? null, rateLimit: key.rateLimit ?? null, expiresAt: key.expiresAt ?? null, team: key.team ?? null, project: key.project ?? null, user: key.user ?? null,
      node: key.node ?? key.project ?? key.team ?? null, serviceAccount: key.serviceAccount ?? null, priority: key.priority ?? null, tags: key.tags ?? [], ipAllow: key.ipAllow ?? null, routingPolicy: key.routingPolicy ?? null,
    }),
    version: 1, revision: await nextRevision(write), managed_by: key.managedBy ?? 'api', created_at: write.at, updated_at: write.at,
  }
  await write.kysely.insertInto('api_key').values(row).execute()
  return keyFromRow(row)
}

export async function findKey({ kysely }: Read, org: string, id: string): Promise<ApiKey | null> {
  const row = await kysely.selectFrom('api_key').selectAll().where('org_id', '=', org).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : keyFromRow(row)
}

/** True when some key of the installation has or had this text, also a revoked one. `hashes`: the text under each pepper. */
export async function isKnownHash({ kysely }: Read, hashes: readonly Uint8Array[]): Promise<boolean> {
  return await kysely.selectFrom('api_key').select('id').where((e) => e.or([e('hash', 'in', hashes), e('previous_hash', 'in', hashes)])).limit(1).executeTakeFirst() !== undefined
}

export interface KeyFilter {
  status?: ApiKey['status'] | undefined
  /** False: revoked ones are left out. */
  revoked?: boolean | undefined
  user?: string | undefined
  serviceAccount?: string | undefined
  /** Directly there; null: at the organisation itself. */
  node?: string | null | undefined
  /** At one of these teams and projects or anywhere below; null: in the whole organisation. */
  below?: readonly string[] | null | undefined
}

/** The database walks down the tree itself: a tree of any size is a few parameters. Deleted nodes are walked too, since revoked keys stay at them. */
const isBelow = (org: string, nodes: readonly string[]): RawBuilder<boolean> => sql`coalesce(node_id, project_id, team_id) in (
  with recursive below (id) as (select id from node where org_id = ${org} and id in (${sql.join(['', ...nodes])})
    union select node.id from node join below on node.parent_id = below.id where node.org_id = ${org}) select id from below)`

/** Newest first, revoked keys included unless `status` or `revoked` says otherwise. */
export async function listKeys({ kysely }: Read, org: string, page: PageRequest & KeyFilter): Promise<Page<ApiKey>> {
  const limit = boundedLimit(page.limit)
  let query = kysely.selectFrom('api_key').selectAll().where('org_id', '=', org).orderBy('id', 'desc').limit(limit + 1)
  if (page.cursor) query = query.where('id', '<', decodeCursor(page.cursor))
  if (page.below) query = query.where(isBelow(org, page.below))
  if (page.status) query = query.where('status', '=', page.status)
  if (page.revoked === false) query = query.where('status', '<>', 'revoked')
  if (page.user !== undefined) query = query.where('user_id', '=', page.user)
  if (page.serviceAccount !== undefined) query = query.where('service_account_id', '=', page.serviceAccount)
  if (page.node !== undefined) query = query.where((e) => e(e.fn.coalesce('node_id', 'project_id', 'team_id'), page.node === null ? 'is' : '=', page.node!))
  return pageOf((await query.execute()).map(keyFromRow), limit, (key) => key.id)
}

/** Null when there is no such key. A revoked key stays revoked. */
export async function updateKey(write: Write, org: string, id: string, patch: KeyPatch, edit: Edit = {}): Promise<ApiKey | null> {
  const current = await findKey(write, org, id)
  if (current === null || current.status === 'revoked') return current
  checkEdit(current, edit)
  return save(write, { ...current, ...patch, managedBy: edit.by ?? current.managedBy })
}

/** A new secret; the one before works until `until` (epoch µs), one before that ends now. */
export async function rotateKey(write: Write, org: string, id: string, next: Pick<ApiKey, 'hash' | 'pepperVersion' | 'prefix' | 'last4'>, until: number, edit: Edit = {}): Promise<ApiKey | null> {
  const current = await findKey(write, org, id)
  if (current === null || current.status === 'revoked') return current
  checkEdit(current, edit)
  const previous: PreviousKey = { hash: current.hash, pepperVersion: current.pepperVersion, until }
  await write.kysely.updateTable('api_key')
    .set({ hash: next.hash, pepper_version: next.pepperVersion, prefix: next.prefix, last4: next.last4, previous_hash: previous.hash, previous_pepper_version: previous.pepperVersion, previous_until: until })
    .where('org_id', '=', org).where('id', '=', id).execute()
  return save(write, { ...current, hash: next.hash, pepperVersion: next.pepperVersion, prefix: next.prefix, last4: next.last4, previous })
}

export async function revokeKey(write: Write, org: string, id: string, edit: Edit = {}): Promise<ApiKey | null> {
  const current = await findKey(write, org, id)
  if (current === null || current.status === 'revoked') return current
  checkEdit(current, edit)
  return save(write, { ...current, status: 'revoked' })
}

async function save(write: Write, key: ApiKey): Promise<ApiKey> {
  const changed = { version: key.version + 1, revision: await nextRevision(write) }
  await write.kysely.updateTable('api_key')
    .set({ ...policyColumns(key), status: key.status, managed_by: key.managedBy, updated_at: write.at, ...changed })
    .where('id', '=', key.id).execute()
  return { ...key, ...changed, updatedAt: write.at }
}
