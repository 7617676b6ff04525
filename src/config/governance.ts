/**
 * Checks what the sections of governance say, and brings it into the shapes of declared.ts. A name that is declared twice, a reference to
 * what the file does not declare, and a rule that could not be applied are reported with their place, all at once.
 */
import { pathBelow, plainPath } from '../governance/name-path.ts'
import { parsePermissions } from '../governance/permissions.ts'
import { builtInRoles, maxCustomRoles } from '../governance/roles.ts'
import { checkKeyFormat } from '../governance/key-format.ts'
import { maxDepth } from '../governance/org-tree.ts'
import { budgetOf, rateLimitOf } from './amounts.ts'
import { channelsOf, oidcOf } from './connections.ts'
import type { DeclaredDefaults, DeclaredKey, Governance, Place } from './declared.ts'
import type { FileAlias, FileDefaults, FileGovernance, FileProject, FileRoleAt, FileTeam } from './governance-schema.ts'
import type { Source } from './parse.ts'
import { plainEmail, Reader, us, type Surroundings } from './reader.ts'
import { bareNames, notPolicy, routingOf } from './routing.ts'
import { budgetsOf, limitsOf, policiesOf } from './rules.ts'

/** `base`: where its sections stand in the file. */
export function readGovernance(source: Source, base: Place, file: FileGovernance, around: Surroundings): Governance {
  const reader = new Reader(source, base, file, around)
  const roles = rolesOf(reader)
  const routing = routingOf(reader)
  const nodes = nodesOf(reader)
  for (const email of Object.keys(file.users ?? {})) {
    if (!reader.users.add(plainEmail(email))) reader.report(['users', email], `${plainEmail(email)} is declared above: an address counts without regard to capitals`)
  }
  for (const name of Object.keys(file.service_accounts ?? {})) reader.accounts.add(name)
  const keys = keysOf(reader)
  return {
    roles, nodes, keys, routing,
    users: Object.entries(file.users ?? {}).map(([email, row]) => ({
      own: { email: plainEmail(email), name: row?.name ?? null, disabled: row?.disabled ?? false }, place: reader.at(['users', email]), was: null, secret: null,
    })),
    accounts: Object.entries(file.service_accounts ?? {}).map(([name, row]) => ({
      own: { name, at: reader.node(['service_accounts', name, 'at'], row?.at), description: row?.description ?? '', disabled: row?.disabled ?? false },
      place: reader.at(['service_accounts', name]), was: row?.was ?? null, secret: null,
    })),
    memberships: [
      ...Object.entries(file.users ?? {}).flatMap(([email, row]) => membershipsOf(reader, 'user', plainEmail(email), ['users', email, 'roles'], row?.roles ?? [])),
      ...Object.entries(file.service_accounts ?? {}).flatMap(([name, row]) => membershipsOf(reader, 'service_account', name, ['service_accounts', name, 'roles'], row?.roles ?? [])),
    ],
    budgets: budgetsOf(reader), limits: limitsOf(reader), policies: policiesOf(reader), channels: channelsOf(reader), oidc: oidcOf(reader),
  }
}

function rolesOf(reader: Reader): Governance['roles'] {
  const rows = Object.entries(reader.file.roles ?? {})
  const taken = new Map(builtInRoles.flatMap(({ id, name }) => [[id, name], [name.toLowerCase(), name]] as const))
  return rows.map(([name, { description = '', permissions, was = null }], index) => {
    const same = taken.get(name.toLowerCase())
    if (same !== undefined) reader.report(['roles', name], `there is a role named ${same} already: choose another name`)
    if (index === maxCustomRoles) reader.report(['roles', name], `an organisation can have ${maxCustomRoles} roles of its own: remove some`)
    taken.set(name.toLowerCase(), name)
    reader.roles.add(name)
    const parsed = parsePermissions(permissions)
    if ('error' in parsed) reader.report(['roles', name, 'permissions', Math.max(0, permissions.findIndex((each) => parsed.error.includes(each)))], parsed.error)
    return { own: { name, description, permissions }, place: reader.at(['roles', name]), was, secret: null }
  })
}

function nodesOf(reader: Reader): Governance['nodes'] {
  const found: Governance['nodes'] = []
  const visit = (kind: 'team' | 'project', parent: string | null, at: Place, rows: Record<string, FileTeam | FileProject | null> | undefined, depth: number): void => {
    for (const [name, row] of Object.entries(rows ?? {})) {
      const place = [...at, name]
      const path = pathBelow(parent, name)
      if (!reader.nodes.add(path)) reader.report(place, `there is a ${kind === 'team' ? 'project' : 'team'} ${path} too: names are used once below a team`)
      if (depth > maxDepth) return reader.report(place, `the tree is deeper than ${maxDepth} levels: move it further up`)
      ;(kind === 'team' ? reader.teams : reader.projects).add(path)
      const { was, description = '', weight = 1, defaults } = row ?? {}
      found.push({
        own: { path, parent, kind, name, description, weight, defaults: defaults === undefined ? null : defaultsOf(reader, [...place, 'defaults'], defaults) },
        place: reader.at(place), was: was === undefined ? null : plainPath(was), secret: null,
      })
      if (kind !== 'team' || row === null) continue
      const team = row as FileTeam
      visit('team', path, [...place, 'teams'], team.teams, depth + 1)
      visit('project', path, [...place, 'projects'], team.projects, depth + 1)
    }
  }
  visit('team', null, ['teams'], reader.file.teams, 1)
  visit('project', null, ['projects'], reader.file.projects, 1)
  return found
}

export const aliasOf = (name: string, { strategy = 'ordered', targets }: FileAlias) =>
  ({ name, strategy, targets: targets.map((target) => (typeof target === 'string' ? { model: target, weight: 1 } : target)) })

export function allWeightsZero({ strategy, targets }: FileAlias): boolean {
  return strategy === 'weighted' && targets.every((target) => typeof target !== 'string' && target.weight === 0)
}

function defaultsOf(reader: Reader, place: Place, { model, fallbacks, policy, aliases = {}, providers_off: off = [] }: FileDefaults): DeclaredDefaults {
  const policies = bareNames(reader.file)
  for (const [name, alias] of Object.entries(aliases)) {
    reader.aliases.add(name)
    const clash = notPolicy(name, policies)
    if (clash !== null) reader.report([...place, 'aliases', name], clash)
    if (allWeightsZero(alias)) reader.report([...place, 'aliases', name, 'targets'], 'all weights are 0: give at least one target a weight')
  }
  if (reader.around.vendors !== null) for (const [index, name] of off.entries()) reader.refer(reader.providers, [...place, 'providers_off', index], name)
  return { model: model ?? null, fallbacks: fallbacks ?? null, policy: policy === undefined ? null : reader.refer(reader.policies, [...place, 'policy'], policy), aliases: Object.entries(aliases).map(([name, row]) => aliasOf(name, row)), providersOff: off }
}

function membershipsOf(reader: Reader, kind: 'user' | 'service_account', principal: string, at: Place, rows: readonly FileRoleAt[]): Governance['memberships'] {
  const seen = new Set<string>()
  return rows.map((row, index) => {
    const place = [...at, index]
    const given = typeof row === 'string' ? { role: row } : row
    const rolePlace = typeof row === 'string' ? place : [...place, 'role']
    const role = reader.refer(reader.roles, rolePlace, given.role)
    const node = reader.node([...place, 'at'], given.at)
    const builtIn = builtInRoles.find(({ id }) => id === role)
    if (node !== null && builtIn?.wholeOrganisation === true) reader.report(rolePlace, `${role} can be given for the whole organisation only: leave out "at", or choose admin or team_lead`)
    if (kind === 'service_account' && role === 'owner') reader.report(rolePlace, 'owners are people: give the service account another role')
    const name = JSON.stringify([role, node])
    if (seen.has(name)) reader.report(place, 'this role is given above already')
    seen.add(name)
    return { own: { kind, principal, role, at: node, expiresAt: us(given.expires_at) }, place: reader.at(place), was: null, secret: null }
  })
}

function keysOf(reader: Reader): Governance['keys'] {
  const texts = new Set<string>()
  return (reader.file.keys ?? []).map((row, index) => {
    const place: Place = ['keys', index]
    const at = reader.node([...place, 'at'], row.at)
    const path = pathBelow(at, row.name)
    if (!reader.keys.add(path)) reader.report([...place, 'name'], `a key ${JSON.stringify(path)} is declared above: a name is used once at a node`)
    const text = row.key || null
    const format = text === null ? 'ok' : checkKeyFormat(text)
    if (format !== 'ok') reader.report([...place, 'key'], `is no key of MegaRouter: ${format.reason} Make one with: megarouter keys generate`)
    if (text !== null && texts.has(text)) reader.report([...place, 'key'], 'another key above has the same text: each needs its own')
    if (text !== null) texts.add(text)
    if (row.user !== undefined && row.service_account !== undefined) reader.report([...place, 'user'], 'a key belongs to a person or to a service account, not to both: leave one out')
    const own: DeclaredKey = {
      name: row.name, at,
      user: row.user === undefined ? null : reader.refer(reader.users, [...place, 'user'], plainEmail(row.user)),
      account: row.service_account === undefined ? null : reader.refer(reader.accounts, [...place, 'service_account'], row.service_account),
      models: row.models ?? null, budget: row.budget === undefined ? null : budgetOf(row.budget), rateLimit: row.rate_limit === undefined ? null : rateLimitOf(row.rate_limit), expiresAt: us(row.expires_at),
      priority: row.priority === undefined || row.priority === 'standard' ? null : row.priority, tags: row.tags ?? [], ipAllow: row.ip_allow ?? null,
      routingPolicy: row.routing_policy === undefined ? null : reader.refer(reader.policies, [...place, 'routing_policy'], row.routing_policy), disabled: row.disabled ?? false,
    }
    return { own, place: reader.at(place), was: row.was === undefined ? null : plainPath(row.was), secret: { text, overlapHours: row.overlap_hours ?? 0 } }
  })
}
