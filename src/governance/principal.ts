/**
 * Everything above a key that decides about its requests, from the outside in: whom they are charged to, budgets, limits, policies,
 * defaults. Worked out when the key is used, kept until something of it changes. A key whose place or owner is gone has a reason why it
 * is stopped, and nothing else of it matters then.
 */
import { failure, type Failure } from '../errors.ts'
import type { KeyEntry, OrganisationData, Snapshot } from '../gateway/snapshot.ts'
import type { Ancestor } from '../ledger/account.ts'
import type { Tenant } from '../ledger/records.ts'
import { PrincipalVariable } from './conditions.ts'
import { asksRequests, chainOf, type ModelPolicy, type PolicyChain, type PolicyNode } from './model-policy.ts'
import { resolveDefaults, type EffectiveDefaults, type NodeDefaults } from './node-defaults.ts'
import type { Scope } from './rate-limits.ts'
import { entityOf, type LimitRow, type NodeRow, type SubjectKind } from './rows.ts'
import type { BudgetRule, OrgState } from './state.ts'
import type { Threshold } from './thresholds.ts'

/** A budget whose thresholds are looked at. */
export interface Watched { readonly ancestor: Ancestor; readonly thresholds: readonly Threshold[] }

/** A limit of some models only. */
export type ModelScope = Scope & { readonly models: string }

export interface Principal {
  readonly tenant: Tenant
  readonly ancestors: readonly Ancestor[]
  readonly scopes: readonly Scope[]
  readonly modelScopes: readonly ModelScope[]
  readonly watched: readonly Watched[]
  readonly chain: PolicyChain
  /** Some budget refuses: then a price must be known. */
  readonly hasHardBudget: boolean
  /** Some policy asks for facts of the request. */
  readonly asksRequests: boolean
  readonly variable: PrincipalVariable
  readonly timeZone: string
  /** Null where no node sets any. */
  readonly defaults: EffectiveDefaults | null
  /** Teams and projects from the nearest outwards, for credentials of their own. */
  readonly nodes: readonly string[]
  /** Whose part of a vendor's quota it is: the outermost team or project, else the organisation. */
  readonly share: { readonly team: string; readonly name: string; readonly weight: number }
  /** Who can change what is set for the whole organisation, and for the key, within a sentence. */
  readonly whom: { readonly org: string; readonly key: string }
  /** Why no request of the key is served now. */
  readonly stopped: Failure | null
}

export type Policies = Pick<Snapshot, 'version'> & { organisations: ReadonlyMap<string, OrganisationData> }

const kindNames: Record<SubjectKind, string> = { org: 'Organisation', team: 'Team', project: 'Project', key: 'Key', user: 'User', service_account: 'Service account', model: 'Model', vendor: 'Vendor', tag: 'Tag', end_user: 'End user' }

/** As a refusal names it: `Team Search`; with the rule's own name where an entity may have several. */
export const labelOf = (kind: SubjectKind, name: string, rule = ''): string => `${kindNames[kind]} ${name}${rule === '' || rule === name ? '' : ` (${rule})`}`

/** One that a key has above it, or is. */
export interface Subject { kind: SubjectKind; id: string; name: string }

/** Steps of a limit through time are newer the later they are, and older than the next edit. */
const stepsPerRevision = 1024

export function ancestorOf(rule: BudgetRule, name: string, timeZone: string, zoneVersion: number, nowMs: number, whom = ''): Ancestor {
  const { row, steps, revision } = rule
  const limitNano = steps.limitNano(nowMs)
  return {
    whom, rule: row.id, entity: entityOf(row.org, row.subjectKind, row.subject), name, version: revision * stepsPerRevision + Math.min(steps.stepAt(nowMs), stepsPerRevision - 1),
    budget: row.deleted || !row.enabled ? null : { limitNano, period: row.period, mode: row.mode }, timeZone: row.timeZone ?? timeZone, zoneVersion, levels: rule.levels(limitNano),
  }
}

export const scopeOf = ({ id, name, subjectKind, limits }: LimitRow, subject: string, whom?: string): Scope => ({ entity: id, rule: id, name: labelOf(subjectKind, subject, name), limits, ...(whom !== undefined && { whom }) })

/**
 * Who sets what is set for a subject, as a refusal says it: of a team or project whoever manages what is above it, so that nobody raises
 * what he was given; of a key whoever manages the node that it is in. By role and not by name, since clients show refusals to their users.
 */
function managersOf(kind: SubjectKind, id: string, path: readonly NodeRow[], admin: string): string {
  const at = kind === 'key' ? path.at(-1) : kind === 'team' || kind === 'project' ? path[path.findIndex((node) => node.id === id) - 1] : undefined
  if (at === undefined) return admin
  const known = leads.get(at)
  if (known?.admin === admin) return known.text
  const text = `a lead of ${at.kind} ${at.name} or ${admin}`
  leads.set(at, { admin, text })
  return text
}

/** Said once for all keys of a node, since a principal is kept for each. */
const leads = new WeakMap<NodeRow, { admin: string; text: string }>()

/** The path from the organisation to the key, and whose key it is. */
export function subjectsOf(key: KeyEntry, path: readonly NodeRow[], organisation: OrganisationData | undefined, state: OrgState): Subject[] {
  const subjects: Subject[] = [{ kind: 'org', id: key.org, name: organisation?.name ?? key.org }]
  for (const { kind, id, name } of path) subjects.push({ kind, id, name })
  if (key.serviceAccount !== null) subjects.push({ kind: 'service_account', id: key.serviceAccount, name: state.people.get(key.serviceAccount)?.name ?? key.serviceAccount })
  if (key.user !== null) subjects.push({ kind: 'user', id: key.user, name: state.people.get(key.user)?.name ?? key.user })
  subjects.push({ kind: 'key', id: key.id, name: key.name })
  return subjects
}

const policyKinds = { org: 'organisation', team: 'team', project: 'project', key: 'key' } as const
const none: readonly never[] = []

/** Until when the amounts of its budgets hold, besides changes; Infinity where nothing is temporary. */
export interface Compiled { principal: Principal; untilMs: number }

export function principalOf(key: KeyEntry, state: OrgState, { version, organisations }: Policies, nowMs: number): Compiled {
  const organisation = organisations.get(key.org)
  const timeZone = organisation?.timeZone ?? 'UTC'
  const found = state.path(key.node)
  const path = found ?? none
  const subjects = subjectsOf(key, path, organisation, state)
  const admin = `an admin of ${organisation?.name ?? key.org}`
  const team = path.findLast(({ kind }) => kind === 'team')
  const project = path.findLast(({ kind }) => kind === 'project')
  const principal = {
    tenant: { org: key.org, team: team?.id ?? key.team, project: project?.id ?? key.project, user: key.user, key: key.id, serviceAccount: key.serviceAccount, path: path.map(({ org, kind, id }) => entityOf(org, kind, id)) },
    ancestors: [] as Ancestor[], scopes: [] as Scope[], modelScopes: [] as ModelScope[], watched: [] as Watched[],
  }
  let untilMs = Infinity
  for (const { kind, id, name } of subjects) {
    const entity = entityOf(key.org, kind, id)
    const own = ownOf(kind, key, organisation, version)
    const whom = managersOf(kind, id, path, admin)
    if (own !== null) {
      const label = labelOf(kind, name)
      principal.ancestors.push({ rule: `own:${entity}`, entity, name: label, version: own.version, budget: own.budget, timeZone, zoneVersion: version, whom })
      if (own.rateLimit !== null) principal.scopes.push({ entity, name: label, limits: own.rateLimit, whom })
    }
    for (const rule of state.budgetsOf(entity)) {
      const ancestor = ancestorOf(rule, labelOf(kind, name, rule.row.name), timeZone, version, nowMs, whom)
      principal.ancestors.push(ancestor)
      if (rule.row.thresholds.length > 0) principal.watched.push({ ancestor, thresholds: rule.row.thresholds })
      untilMs = Math.min(untilMs, rule.steps.changesAtMs(nowMs))
    }
    for (const row of state.limits.of(entity)) {
      if (row.models === null) principal.scopes.push(scopeOf(row, name, whom))
      else principal.modelScopes.push({ ...scopeOf(row, name, whom), models: row.models })
    }
  }
  const chain = chainOf(policiesOf(subjects, state, path, admin))
  const first = path[0]
  return {
    untilMs,
    principal: {
      ...principal, hasHardBudget: principal.ancestors.some(({ budget }) => budget !== null && budget.mode !== 'soft'), chain, asksRequests: asksRequests(chain), timeZone, variable: variableOf(key, path, state, nowMs),
      defaults: defaultsOf(path), nodes: path.map(({ id }) => id).reverse(),
      share: first === undefined ? { team: key.org, name: `organisation ${organisation?.name ?? key.org}`, weight: 1 } : { team: first.id, name: `${first.kind} ${first.name}`, weight: Math.max(1, first.weight) },
      whom: { org: admin, key: managersOf('key', key.id, path, admin) }, stopped: stoppedBy(key, found, organisation, state),
    },
  }
}

/** What a key and its organisation have as fields of their own; without a budget too, since one may have been taken away. */
export function ownOf(kind: SubjectKind, key: KeyEntry, organisation: OrganisationData | undefined, version: number) {
  if (kind === 'key') return { version: key.version, budget: key.budget, rateLimit: key.rateLimit }
  return kind === 'org' ? { version, budget: organisation?.budget ?? null, rateLimit: organisation?.rateLimit ?? null } : null
}

function policiesOf(subjects: readonly Subject[], state: OrgState, path: readonly NodeRow[], admin: string): ModelPolicy[] {
  return subjects.flatMap(({ kind, id, name }) => {
    if (kind !== 'org' && kind !== 'team' && kind !== 'project' && kind !== 'key') return none
    const node: PolicyNode = { kind: policyKinds[kind], id, name, askWhom: managersOf(kind, id, path, admin) }
    return state.policiesOf(entityOf(state.org, kind, id), node)
  })
}

function variableOf(key: KeyEntry, path: readonly NodeRow[], state: OrgState, nowMs: number): PrincipalVariable {
  return new PrincipalVariable({
    org: key.org, teams: path.flatMap(({ kind, id }) => (kind === 'team' ? [id] : [])), teamPath: path.flatMap(({ kind, name }) => (kind === 'team' ? [`/${name}`] : [])).join(''),
    project: path.findLast(({ kind }) => kind === 'project')?.id ?? '', user: key.user ?? '', serviceAccount: key.serviceAccount ?? '', key: key.id,
    roles: state.rolesOf(key.user ?? key.serviceAccount, path, nowMs),
  })
}

function defaultsOf(path: readonly NodeRow[]): EffectiveDefaults | null {
  const sets = path.flatMap(({ id, defaults }): NodeDefaults[] => (defaults === null ? [] : [{
    nodeId: id, model: defaults.model ?? null, fallbacks: defaults.fallbacks ?? null, policy: defaults.policy ?? null, aliases: defaults.aliases ?? none,
    credentials: (defaults.providersOff ?? none).map((provider) => ({ provider, credentialIds: none })),
  }]))
  return sets.length === 0 ? null : resolveDefaults(sets)
}

function stoppedBy(key: KeyEntry, path: readonly NodeRow[] | null, organisation: OrganisationData | undefined, state: OrgState): Failure | null {
  const stop = (why: string): Failure => failure('key_disabled', `Key ${key.name} is not served: ${why}`)
  if (organisation?.isSuspended === true) return stop(`organisation ${organisation.name} is suspended. The operator of this installation can lift that.`)
  if (path === null) return stop('the team or project that it belonged to was deleted. Make a new key where it is needed.')
  for (const [id, what] of [[key.user, 'user'], [key.serviceAccount, 'service account']] as const) {
    if (id === null) continue
    const person = state.people.get(id)
    if (person === undefined || (person.isActive && !person.deleted)) continue
    return stop(`${what} ${person.name}, whose key it is, was ${person.deleted ? 'deleted. Use another key' : `switched off. An admin of ${organisation?.name ?? key.org} can switch it on again; until then use another key`}.`)
  }
  return null
}
