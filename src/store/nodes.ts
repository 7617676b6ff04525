/**
 * The tree of an organisation: teams, which nest, and projects, its leaves. A move keeps where the node stood before, and a deleted node
 * keeps its name. What would break the tree (a cycle, a parent that is none, more than 8 levels, deleting what is not empty) throws.
 */
import { sql } from 'kysely'
import type { AliasOfNode } from '../governance/node-defaults.ts'
import type { Read, Write } from './database.ts'
import type { Edit } from './edits.ts'
import { entities, type Entity, type New } from './entities.ts'
import type { NodeRow } from './governance-tables.ts'
import { removeBudgets } from './budgets-defined.ts'
import { removeLimits } from './limits-defined.ts'
import { removeMemberships } from './memberships.ts'
import { removePolicies } from './policies.ts'
import { removeCredentialsOf } from './providers.ts'

/** What a node sets for those below it. */
export interface Defaults {
  /** What a request without a model gets. */
  model?: string | null
  fallbacks?: readonly string[] | null
  /** Of requests for `auto`. */
  policy?: string | null
  aliases?: readonly AliasOfNode[]
  /** Providers that nobody below may use but with credentials of a node further down. */
  providersOff?: readonly string[]
}

export interface NodeFields {
  /** Null: directly below the organisation. */
  parent: string | null
  kind: 'team' | 'project'
  name: string
  description: string
  /** Share of a vendor's own quota among siblings, 1 and up. */
  weight: number
  /** What keys below it get when they say nothing. */
  defaults: Defaults | null
}
export type Node = NodeFields & Entity
export type NodePatch = Partial<Pick<NodeFields, 'name' | 'description' | 'weight' | 'defaults'>>

/** Levels below the organisation. */
export const maxDepth = 8

/** The change would break the tree; the text says what to do instead. */
export class TreeError extends Error {
  override name = 'TreeError'
  readonly code: 'misplaced' | 'not_empty'
  constructor(message: string, code: TreeError['code'] = 'misplaced') {
    super(message)
    this.code = code
  }
}

const table = entities<'node', NodeFields>('node', {
  label: 'team or project',
  toColumns: ({ parent, kind, name, description, weight, defaults }) => ({ parent_id: parent, kind, name, description, weight, defaults: defaults === null ? null : JSON.stringify(defaults) }),
  toOwn: (row: NodeRow) => ({
    parent: row.parent_id, kind: row.kind, name: row.name, description: row.description, weight: row.weight,
    defaults: row.defaults === null ? null : JSON.parse(row.defaults) as Defaults,
  }),
  unique: ['parent_id', 'name'],
})
export const { find: findNode, list: listNodes, since: nodesSince } = table

export async function createNode(write: Write, node: New<NodeFields>): Promise<Node> {
  await checkPlace(write, node.org, node.parent, 1)
  const made = await table.create(write, node)
  await write.kysely.insertInto('node_history').values({ node_id: made.id, parent_id: made.parent, from_at: write.at, to_at: null }).execute()
  return made
}

export const updateNode = (write: Write, org: string, id: string, patch: NodePatch, edit?: Edit): Promise<Node | null> => table.update(write, org, id, patch, edit)

/** Takes everything below along. */
export async function moveNode(write: Write, org: string, id: string, parent: string | null, edit?: Edit): Promise<Node | null> {
  const current = await findNode(write, org, id)
  if (current === null) return null
  const above = await checkPlace(write, org, parent, await height(write, org, id))
  if (above.includes(id)) throw new TreeError(`${current.name} cannot move below itself: choose a parent outside of it`)
  const moved = await table.update(write, org, id, { parent }, edit)
  if (moved === null || current.parent === parent) return moved
  const { from_at: since } = await write.kysely.selectFrom('node_history').select('from_at').where('node_id', '=', id).where('to_at', 'is', null).executeTakeFirstOrThrow()
  // A clock that went back must not make a stay end before it began.
  const at = Math.max(write.at, since + 1)
  await write.kysely.updateTable('node_history').set({ to_at: at }).where('node_id', '=', id).where('to_at', 'is', null).execute()
  await write.kysely.insertInto('node_history').values({ node_id: id, parent_id: parent, from_at: at, to_at: null }).execute()
  return moved
}

const singular = { 'teams and projects': 'team or project', keys: 'key', 'service accounts': 'service account' } as const

/** Only when it is empty. Rights, budgets, limits and policies at it go with it. */
export async function deleteNode(write: Write, org: string, id: string, edit?: Edit): Promise<Node | null> {
  const current = await findNode(write, org, id)
  if (current === null) return null
  const left = await contents(write, org, id)
  const held = Object.entries(left).filter(([, count]) => count > 0).map(([what, count]) => `${count} ${count === 1 ? singular[what as keyof typeof singular] : what}`)
  if (held.length > 0) throw new TreeError(`${current.name} still holds ${held.join(', ')}: move, delete or revoke what it holds first`, 'not_empty')
  const removed = await table.remove(write, org, id, edit)
  await removeAtNode(write, org, current)
  await write.kysely.updateTable('node_history').set((e) => ({ to_at: e.fn<number>(write.kind === 'sqlite' ? 'max' : 'greatest', [e.val(write.at), e('from_at', '+', 1)]) }))
    .where('node_id', '=', id).where('to_at', 'is', null).execute()
  return removed
}

async function removeAtNode(write: Write, org: string, { id, kind }: Node): Promise<void> {
  await removeMemberships(write, org, { node_id: id })
  const subject = { subject_kind: kind, subject_id: id }
  for (const remove of [removeBudgets, removeLimits, removePolicies]) await remove(write, org, subject)
  await removeCredentialsOf(write, org, id)
}

/** What is directly at a node and alive. */
export async function contents({ kysely }: Read, org: string, id: string): Promise<Record<'teams and projects' | 'keys' | 'service accounts', number>> {
  const { rows: [row] } = await sql<{ nodes: number; keys: number; accounts: number }>`select
    (select count(*) from node where org_id = ${org} and parent_id = ${id} and deleted_at is null) as nodes,
    (select count(*) from api_key where org_id = ${org} and node_id = ${id} and status <> 'revoked') as keys,
    (select count(*) from service_account where org_id = ${org} and node_id = ${id} and deleted_at is null) as accounts`.execute(kysely)
  return { 'teams and projects': Number(row?.nodes), keys: Number(row?.keys), 'service accounts': Number(row?.accounts) }
}

export interface Stay { parent: string | null; from: number; to: number | null }

/** Where a node stood, from its first place to its last. Deleted nodes have theirs. */
export async function nodeHistory({ kysely }: Read, org: string, id: string): Promise<Stay[]> {
  const rows = await kysely.selectFrom('node').innerJoin('node_history', 'node_history.node_id', 'node.id')
    .select(['node_history.parent_id', 'from_at', 'to_at']).where('node.org_id', '=', org).where('node.id', '=', id).orderBy('from_at').execute()
  return rows.map((row) => ({ parent: row.parent_id, from: row.from_at, to: row.to_at }))
}

/** Ids from the given node up to the top; throws when a node could not stand there with `levels` of its own. */
async function checkPlace(read: Read, org: string, parent: string | null, levels: number): Promise<string[]> {
  const above: string[] = []
  for (let id = parent; id !== null;) {
    const node = await findNode(read, org, id)
    if (node === null) throw new TreeError(`there is no team ${id}: choose an existing team or the organisation itself`)
    if (node.kind === 'project') throw new TreeError(`${node.name} is a project, and nothing stands below a project: choose a team`)
    above.push(id)
    if (above.length + levels > maxDepth) throw new TreeError(`the tree would get deeper than ${maxDepth} levels: choose a parent further up`)
    id = node.parent
  }
  return above
}

/** Levels that a node and what is below it take. */
async function height({ kysely }: Read, org: string, id: string): Promise<number> {
  const { rows: [row] } = await sql<{ levels: number }>`with recursive below (id, level) as (
    select id, 1 from node where org_id = ${org} and id = ${id}
    union all select node.id, level + 1 from node join below on node.parent_id = below.id where node.org_id = ${org} and node.deleted_at is null and level <= ${sql.lit(maxDepth)})
    select max(level) as levels from below`.execute(kysely)
  return Number(row?.levels ?? 1)
}
