/**
 * Everything that can act on a key, for people: each budget, limit and policy with the node, user, tag or model that it hangs on and how
 * it stands now. The same sources and order as admission has them (principal.ts). Pure; balances are passed in, and null where unknown.
 */
import type { KeyEntry, RateLimit } from '../gateway/snapshot.ts'
import type { Account, Ancestor } from '../ledger/account.ts'
import type { PolicyRule } from './model-policy.ts'
import { ancestorOf, labelOf, ownOf, principalOf, scopeOf, subjectsOf, type Policies, type Principal } from './principal.ts'
import type { LimitUse, Scope } from './rate-limits.ts'
import { entityOf, type LimitRow, type SubjectKind } from './rows.ts'
import type { BudgetRule, OrgState } from './state.ts'
import { actionInForce, type InForce, type Threshold } from './thresholds.ts'

/** What a rule hangs on. `always`: it acts on each request of the key; otherwise on those of that model, vendor, tag or end user. */
export interface Source { kind: SubjectKind; id: string; name: string; always: boolean }

export interface EffectiveBudget {
  id: string
  source: Source
  name: string
  /** In force now, with increases. */
  limitNano: number
  baseNano: number
  /** When increases change the limit next, epoch ms; null: they do not. */
  changesAtMs: number | null
  period: string
  timeZone: string
  mode: 'strict' | 'standard' | 'soft'
  thresholds: readonly Threshold[]
  /** Null: what it has spent cannot be read now. */
  state: { spentNano: number; heldNano: number; freeNano: number; resetsAtMs: number | null; inForce: InForce } | null
}

export interface EffectiveLimit { id: string; source: Source; name: string; models: string | null; limits: RateLimit; used: LimitUse }
export interface EffectivePolicy { id: string; source: Source; name: string; rules: readonly PolicyRule[] }

export interface Effective {
  key: Pick<KeyEntry, 'id' | 'name' | 'status' | 'models' | 'ipAllow' | 'tags' | 'expiresAt'> & { priority: string }
  /** Why no request of it is served now; null: they are. */
  stopped: string | null
  /** From the organisation to the key. */
  path: Source[]
  budgets: EffectiveBudget[]
  limits: EffectiveLimit[]
  policies: EffectivePolicy[]
  defaults: { model: string | null; fallbacks: readonly string[] | null; policy: string | null; aliases: string[]; providersOff: string[] }
  share: Principal['share']
  /** Rules of single models, vendors, tags and end users beyond those that are listed. */
  more: number
}

/** Of models, vendors, tags and end users: an organisation may have very many. */
const mostConditional = 200
const conditional: ReadonlySet<SubjectKind> = new Set(['model', 'vendor', 'tag', 'end_user'])

interface Found { ancestor: Ancestor; rule: BudgetRule | null; source: Source; name: string }

/** All budgets, in the order in which they are listed. Those without an amount are left out. */
export function budgetsOfKey(key: KeyEntry, state: OrgState, policies: Policies, nowMs: number): Found[] {
  const organisation = policies.organisations.get(key.org)
  const timeZone = organisation?.timeZone ?? 'UTC'
  const found: Found[] = []
  for (const subject of subjectsOf(key, state.path(key.node) ?? [], organisation, state)) {
    const source = { ...subject, always: true }
    const label = labelOf(subject.kind, subject.name)
    const entity = entityOf(key.org, subject.kind, subject.id)
    const own = ownOf(subject.kind, key, organisation, policies.version)
    if (own?.budget) found.push({ ancestor: { rule: `own:${entity}`, entity, name: label, version: own.version, budget: own.budget, timeZone, zoneVersion: policies.version }, rule: null, source, name: '' })
    for (const rule of state.budgetsOf(entity)) found.push({ ancestor: ancestorOf(rule, labelOf(subject.kind, subject.name, rule.row.name), timeZone, policies.version, nowMs), rule, source, name: rule.row.name })
  }
  for (const row of conditionalRows(state.budgets.byId.values()).slice(0, mostConditional)) {
    const rule = state.ruleOf(row)
    found.push({ ancestor: ancestorOf(rule, labelOf(row.subjectKind, row.subject, row.name), timeZone, policies.version, nowMs), rule, source: sourceOf(row), name: row.name })
  }
  return found
}

export interface EffectiveTools {
  /** Open; null where it cannot be read now. */
  account(ancestor: Ancestor): Account | null
  used(scope: Scope): LimitUse
}

export function effectiveOf(key: KeyEntry, state: OrgState, policies: Policies, tools: EffectiveTools, nowMs: number): Effective {
  const { principal: { stopped, defaults, share } } = principalOf(key, state, policies, nowMs)
  const organisation = policies.organisations.get(key.org)
  const subjects = subjectsOf(key, state.path(key.node) ?? [], organisation, state)
  const limits: EffectiveLimit[] = []
  const limit = (id: string, source: Source, name: string, models: string | null, scope: Scope): void => void limits.push({ id, source, name, models, limits: scope.limits, used: tools.used(scope) })
  const effectivePolicies: EffectivePolicy[] = []
  for (const subject of subjects) {
    const source = { ...subject, always: true }
    const entity = entityOf(key.org, subject.kind, subject.id)
    const own = ownOf(subject.kind, key, organisation, policies.version)
    if (own !== null && own.rateLimit !== null && Object.values(own.rateLimit).some((each) => each !== null)) limit(`own:${entity}`, source, '', null, { entity, name: labelOf(subject.kind, subject.name), limits: own.rateLimit })
    for (const row of state.limits.of(entity)) limit(row.id, source, row.name, row.models, scopeOf(row, subject.name))
    for (const { id, name, rules } of state.policies.of(entity)) effectivePolicies.push({ id, source, name, rules })
  }
  const further = conditionalRows<LimitRow>(state.limits.byId.values())
  for (const row of further.slice(0, mostConditional)) limit(row.id, sourceOf(row), row.name, row.models, scopeOf(row, row.subject))
  const { id, name, status, models, ipAllow, tags, expiresAt, priority } = key
  return {
    key: { id, name, status, models, ipAllow, tags, expiresAt, priority: priority ?? 'standard' }, stopped: stopped?.message ?? null, path: subjects.map((subject) => ({ ...subject, always: true })),
    budgets: budgetsOfKey(key, state, policies, nowMs).map((found) => effectiveBudget(found, tools.account(found.ancestor), nowMs)),
    limits, policies: effectivePolicies, share,
    defaults: {
      model: defaults?.model?.value ?? null, fallbacks: defaults?.fallbacks?.value ?? null, policy: defaults?.policy?.value ?? null, aliases: [...defaults?.aliases.keys() ?? []],
      providersOff: [...defaults?.credentials ?? []].flatMap(([provider, { value }]) => (value.length === 0 ? [provider] : [])),
    },
    more: Math.max(0, further.length - mostConditional) + Math.max(0, conditionalRows(state.budgets.byId.values()).length - mostConditional),
  }
}

type Conditional = { subjectKind: SubjectKind; deleted: boolean; enabled: boolean }

function conditionalRows<Row extends Conditional>(rows: Iterable<Row>): Row[] {
  return [...rows].filter(({ subjectKind, deleted, enabled }) => conditional.has(subjectKind) && enabled && !deleted)
}

const sourceOf = ({ subjectKind, subject }: { subjectKind: SubjectKind; subject: string }): Source => ({ kind: subjectKind, id: subject, name: subject, always: false })

function effectiveBudget({ ancestor, rule, source, name }: Found, account: Account | null, nowMs: number): EffectiveBudget {
  const { limitNano, period, mode } = ancestor.budget!
  const thresholds = rule?.row.thresholds ?? []
  const changesAtMs = rule?.steps.changesAtMs(nowMs) ?? Infinity
  return {
    id: ancestor.rule, source, name, limitNano, baseNano: rule?.row.limitNano ?? limitNano, changesAtMs: Number.isFinite(changesAtMs) ? changesAtMs : null, period, timeZone: ancestor.timeZone, mode, thresholds,
    state: account === null ? null : {
      spentNano: account.settledNano, heldNano: account.heldNano, freeNano: Math.max(0, limitNano - account.takenNanoAt(nowMs)), resetsAtMs: Number.isFinite(account.endMs) ? account.endMs : null,
      inForce: actionInForce(thresholds, account.settledNano, account.heldNano, limitNano),
    },
  }
}
