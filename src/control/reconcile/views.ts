/** Declarations as the file writes them, defaults left out: what export prints and what differences show. Pure. */
import type {
  DeclaredAccount, DeclaredBudget, DeclaredChannel, DeclaredDefaults, DeclaredKey, DeclaredLimit, DeclaredMembership, DeclaredNode, DeclaredOidc, DeclaredPolicy, DeclaredRole, DeclaredUser, Subject,
} from '../../config/declared.ts'
import type { Budget, RateLimit } from '../../gateway/snapshot.ts'
import { usdText } from '../../governance/usd.ts'
import { writeRule } from '../../governance/written-rule.ts'
import type { PolicyCandidate, RoutingPolicyData } from '../../routing/policy-data.ts'
import { writePolicy } from '../../routing/written-policy.ts'
import type { View } from './run.ts'

/** Without what is absent, empty or as it is anyway. */
export function lean(fields: Record<string, unknown>, usual: Record<string, unknown> = {}): View {
  const kept = Object.entries(fields).filter(([name, value]) => value !== null && value !== undefined && value !== '' && value !== usual[name] && !(Array.isArray(value) && value.length === 0 && usual[name] !== 'keep'))
  return Object.fromEntries(kept)
}

export const timeText = (us: number | null): string | null => (us === null ? null : new Date(Math.floor(us / 1000)).toISOString())

export const budgetView = ({ limitNano, period, mode }: Budget): View => lean({ limit_usd: usdText(limitNano), period, mode }, { mode: 'standard' })
export const rateView = ({ rpm, tpm, concurrency, spendNano }: RateLimit): View => lean({ rpm, tpm, concurrency, spend_usd_per_minute: spendNano === null ? null : usdText(spendNano) })

export const targetsView = (targets: readonly { model: string; weight: number }[]): unknown[] => targets.map(({ model, weight }) => (weight === 1 ? model : { model, weight }))
export const aliasView = ({ strategy, targets }: { strategy: string; targets: readonly { model: string; weight: number }[] }): View => lean({ strategy, targets: targetsView(targets) }, { strategy: 'ordered' })

const byName = <Value>(rows: readonly Value[], name: (row: Value) => string, value: (row: Value) => unknown): View | null =>
  rows.length === 0 ? null : Object.fromEntries(rows.map((row) => [name(row), value(row)] as const).sort(([a], [b]) => (a < b ? -1 : 1)))

export const defaultsView = ({ model, fallbacks, policy, aliases, providersOff }: DeclaredDefaults): View =>
  lean({ model, fallbacks, policy, aliases: byName(aliases, ({ name }) => name, aliasView), providers_off: providersOff }, { fallbacks: 'keep' })

export const nodeView = ({ description, weight, defaults }: DeclaredNode): View => lean({ description, weight, defaults: defaults === null ? null : defaultsView(defaults) }, { weight: 1 })
export const roleView = ({ description, permissions }: DeclaredRole): View => lean({ description, permissions })
export const userView = ({ name, disabled }: DeclaredUser): View => lean({ name, disabled }, { disabled: false })
export const accountView = ({ at, description, disabled }: DeclaredAccount): View => lean({ at, description, disabled }, { disabled: false })
export const membershipView = ({ role, at, expiresAt }: DeclaredMembership): View => lean({ role, at, expires_at: timeText(expiresAt) })

export const keyView = (key: DeclaredKey): View => lean({
  name: key.name, at: key.at, user: key.user, service_account: key.account, models: key.models, budget: key.budget && budgetView(key.budget), rate_limit: key.rateLimit && rateView(key.rateLimit),
  expires_at: timeText(key.expiresAt), priority: key.priority, tags: key.tags, ip_allow: key.ipAllow, routing_policy: key.routingPolicy, disabled: key.disabled,
}, { disabled: false, models: 'keep', ip_allow: 'keep' })

export const subjectView = ({ kind, name }: Subject): unknown => (kind === 'org' ? 'organisation' : { [kind]: name })

export const definedBudgetView = (budget: DeclaredBudget): View => lean({
  name: budget.name, subject: subjectView(budget.subject), limit_usd: usdText(budget.limitNano), period: budget.period, time_zone: budget.timeZone, mode: budget.mode,
  thresholds: budget.thresholds.map(({ share, actions }) => ({ share, actions: actions.map((action) => (action.kind === 'downgrade' ? { downgrade: action.alias } : action.kind)) })), enabled: budget.enabled,
}, { mode: 'standard', enabled: true })

export const definedLimitView = (limit: DeclaredLimit): View => lean({ name: limit.name, subject: subjectView(limit.subject), models: limit.models, ...rateView(limit), enabled: limit.enabled }, { enabled: true })

export const policyView = ({ name, subject, rules, enabled }: DeclaredPolicy): View => lean({
  name, subject: subjectView(subject),
  rules: rules.map(writeRule).map(({ class: wanted, ...rule }) => lean({ ...rule, class: wanted && lean({ ...wanted }) })), enabled,
}, { enabled: true, rules: 'keep' })

const candidateView = ({ model, effort, when }: PolicyCandidate): unknown => (effort === null && when === null ? model : lean({ model, effort, when }))
export const routingPolicyView = (data: RoutingPolicyData): View => lean({ name: data.name, ...writePolicy(data), candidates: data.candidates?.map(candidateView) }, { base: 'balanced' })

export const channelView = ({ kind, target, events, enabled }: DeclaredChannel): View => lean({ kind, ...lean(target), events, enabled }, { enabled: true })

export const oidcView = (provider: DeclaredOidc): View => lean({
  name: provider.name, issuer: provider.issuer, client_id: provider.clientId, scopes: provider.scopes, groups_claim: provider.groupsClaim, userinfo: provider.userinfo,
  rules: provider.rules.map(({ group, role, at }) => lean({ group, role, at })), domains: provider.domains,
  create_users: provider.createUsers, link_verified_email: provider.linkVerifiedEmail, trust_email: provider.trustEmail, enabled: provider.enabled,
}, { scopes: 'keep', groups_claim: 'groups', userinfo: false, create_users: false, link_verified_email: false, trust_email: false, enabled: true })
