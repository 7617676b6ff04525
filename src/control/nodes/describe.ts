/** Teams and projects as the API shows them. */
import type { z } from '@hono/zod-openapi'
import { nodeHistory, type Node } from '../../store/nodes.ts'
import { iso, isoOrNull } from '../schema.ts'
import type { Services } from '../services.ts'
import type { defaultsSchema, historySchema, nodeSchema } from './schema.ts'

export type NodeView = z.infer<typeof nodeSchema>

export function describeNode({ rights: { tree } }: Pick<Services, 'rights'>, node: Node): NodeView {
  const { id, org, kind, name, description, parent, weight, version, managedBy, createdAt } = node
  const path = tree.ancestors(org, id).filter((each) => each.kind !== 'organisation').map((each) => ({ id: each.id, name: each.name }))
  return { id, kind, name, description, parent_id: parent, weight, path, parts: tree.parts(org, id).length, keys: tree.keysBelow(org, id).length, created_at: iso(createdAt), version, managed_by: managedBy }
}

export async function describeHistory({ database, rights: { tree } }: Pick<Services, 'database' | 'rights'>, org: string, id: string): Promise<z.infer<typeof historySchema>> {
  const stays = await nodeHistory(database, org, id)
  return { data: stays.map(({ parent, from, to }) => ({ parent: parent === null ? null : { id: parent, name: tree.recall(org, parent)?.name ?? parent }, from: iso(from), to: isoOrNull(to) })) }
}

export function describeDefaults({ id, defaults, version }: Node): z.infer<typeof defaultsSchema> {
  const { model = null, fallbacks = null, policy = null, aliases = [], providersOff = [] } = defaults ?? {}
  return {
    node_id: id, model, fallbacks: fallbacks && [...fallbacks], policy, aliases: aliases.map(({ name, strategy, targets }) => ({ name, strategy, targets: targets.map((target) => ({ ...target })) })),
    providers_off: [...providersOff], version,
  }
}
