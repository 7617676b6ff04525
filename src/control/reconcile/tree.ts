/** Roles, teams and projects. Nodes are found by their path, or by the path that they had, so that a move or a new name keeps their history. */
import { isDeepStrictEqual } from 'node:util'
import type { DeclaredDefaults, DeclaredNode, DeclaredRole, Governance } from '../../config/declared.ts'
import { createNode, deleteNode, moveNode, updateNode, type Defaults, type Node } from '../../store/nodes.ts'
import { createRole, deleteRole, listRoles, updateRole, type Role } from '../../store/roles.ts'
import { everyRow, type Directory } from './directory.ts'
import type { Need, Run } from './run.ts'
import { settle, type Aggregate, type Sweep } from './settle.ts'
import { nodeView, roleView } from './views.ts'

export const byFile = { by: 'file' } as const

export const declaredRole = ({ name, description, permissions }: Role): DeclaredRole => ({ name, description, permissions })

export async function roles(run: Run, wanted: Governance['roles']): Promise<Sweep> {
  const { write, org, directory } = run
  const aggregate: Aggregate<Role, DeclaredRole> = {
    kind: 'role', rows: await everyRow((page) => listRoles(write, org, page)), own: declaredRole, keyOf: ({ name }) => name, view: roleView,
    needs: (own, row) => [{ what: 'role', name: own.name, before: row?.permissions ?? null, after: wanted.some((each) => each.own === own) ? own.permissions : null }],
    async create(own) {
      const made = await createRole(write, { id: run.id('role'), org, ...own, managedBy: 'file' })
      directory.roles.set(own.name, made.id)
      return made
    },
    async update(row, own) {
      const made = await updateRole(write, org, row.id, own, byFile)
      directory.roles.set(own.name, row.id)
      return made
    },
    remove: ({ id }) => deleteRole(write, org, id, byFile),
  }
  return settle(run, aggregate, wanted)
}

/** Defaults that set nothing are none. */
function declaredDefaults({ model = null, fallbacks = null, policy = null, aliases = [], providersOff = [] }: Defaults): DeclaredDefaults | null {
  return model === null && fallbacks === null && policy === null && aliases.length === 0 && providersOff.length === 0 ? null : { model, fallbacks: fallbacks && [...fallbacks], policy, aliases: [...aliases], providersOff: [...providersOff] }
}

export function declaredNode(directory: Directory, { id, parent, kind, name, description, weight, defaults }: Node): DeclaredNode {
  return { path: directory.path(id) ?? '', parent: directory.path(parent), kind, name, description, weight, defaults: defaults && declaredDefaults(defaults) }
}

export async function nodes(run: Run, wanted: Governance['nodes']): Promise<Sweep> {
  const { write, org, directory } = run
  const before = new Map([...directory.nodes.keys()].map((id) => [directory.path(id)!, id]))
  const kept = new Set<string>()
  for (const { own, place, was } of wanted) {
    const parent = directory.node(own.parent)
    if (parent === undefined) throw new Error(`${own.path} was reached before what it belongs to`)
    const id = directory.node(own.path) ?? (was === null ? undefined : before.get(was))
    const row = id ? directory.nodes.get(id) : undefined
    const told = { kind: own.kind, name: own.path, after: nodeView(own) } as const
    if (row === undefined) {
      const needs: Need[] = [{ what: 'permission', permission: 'teams:write', node: parent }, ...defaultsNeeds(parent, null, own.defaults)]
      if (own.weight !== 1) needs.push({ what: 'permission', permission: 'limits:write', node: parent })
      const node = await run.change({ ...told, action: 'create', before: null }, { id: null, place, needs }, () =>
        createNode(write, { id: run.id(own.kind === 'team' ? 'team' : 'proj'), org, parent, kind: own.kind, name: own.name, description: own.description, weight: own.weight, defaults: own.defaults, managedBy: 'file' }))
      directory.place(node)
      kept.add(node.id)
      continue
    }
    if (row.kind !== own.kind) run.refuse(place, `${own.path} is a ${row.kind}, and a ${row.kind} does not become a ${own.kind}: choose another name, or delete it first`)
    if (kept.has(row.id)) run.refuse(place, `"was" names what is declared as ${directory.path(row.id)} already: remove it here`)
    kept.add(row.id)
    await update(run, row, parent, own, place)
  }
  return () => sweepNodes(run, kept)
}

function defaultsNeeds(node: string | null, before: DeclaredDefaults | null, after: DeclaredDefaults | null): Need[] {
  if (isDeepStrictEqual(before, after)) return []
  const needs: Need[] = [{ what: 'permission', permission: 'routing:write', node }]
  if (!isDeepStrictEqual(before?.providersOff ?? [], after?.providersOff ?? [])) needs.push({ what: 'permission', permission: 'providers:write', node })
  return needs
}

async function update(run: Run, row: Node, parent: string | null, own: DeclaredNode, place: readonly PropertyKey[]): Promise<void> {
  const { write, org, directory } = run
  const now = declaredNode(directory, row)
  const isMoved = row.parent !== parent
  if (row.managedBy === 'file' && !isMoved && row.name === own.name && isDeepStrictEqual(nodeView(now), nodeView(own))) return
  const before = { ...nodeView(now), ...(now.path !== own.path && { path: now.path }), ...(row.managedBy !== 'file' && { managed_by: row.managedBy }) }
  const after = { ...nodeView(own), ...(now.path !== own.path && { path: own.path }), ...(row.managedBy !== 'file' && { managed_by: 'file' }) }
  const needs: Need[] = [{ what: 'permission', permission: 'teams:write', node: row.id }, ...(isMoved ? [{ what: 'move', node: row.id, to: parent } as const] : []), ...defaultsNeeds(row.id, now.defaults, own.defaults)]
  if (row.weight !== own.weight) needs.push({ what: 'permission', permission: 'limits:write', node: row.parent })
  const changed = await run.change({ kind: own.kind, name: own.path, action: 'update', before, after }, { id: row.id, place, needs }, async () => {
    if (isMoved) await moveNode(write, org, row.id, parent, byFile)
    return updateNode(write, org, row.id, { name: own.name, description: own.description, weight: own.weight, defaults: own.defaults }, byFile)
  })
  if (changed !== null) directory.place(changed)
}

/** The deepest first. */
async function sweepNodes(run: Run, kept: ReadonlySet<string>): Promise<void> {
  const { write, org, directory } = run
  const depth = (id: string): number => directory.path(id)!.split('/').length
  const gone = [...directory.nodes.values()].filter(({ id, managedBy }) => managedBy === 'file' && !kept.has(id)).sort((a, b) => depth(b.id) - depth(a.id))
  for (const row of gone) {
    const path = directory.path(row.id)!
    await run.change({ kind: row.kind, name: path, action: 'delete', before: nodeView(declaredNode(directory, row)), after: null }, { id: row.id, place: null, needs: [{ what: 'permission', permission: 'teams:write', node: row.parent }] }, () => deleteNode(write, org, row.id, byFile))
    directory.lift(row.id)
  }
}
