/** What a configuration says of an organisation, checked and complete: every default filled in, every reference a name in its plain form. */
import type { AlertKind } from '../alerts/alerts.ts'
import type { AliasOfNode } from '../governance/node-defaults.ts'
import type { PolicyRule } from '../governance/model-policy.ts'
import type { PeriodRule } from '../governance/periods.ts'
import type { Priority } from '../governance/priority.ts'
import type { Threshold } from '../governance/thresholds.ts'
import type { Budget, RateLimit } from '../gateway/snapshot.ts'
import type { RoutingPolicyData } from '../routing/policy-data.ts'
import type { SubjectKind } from '../store/governance-tables.ts'
import type { ConfigSettings } from '../config.ts'

/** Where it stands in the file, for what only the database can refuse. */
export type Place = readonly PropertyKey[]

export interface DeclaredRole { name: string; description: string; permissions: string[] }

export interface DeclaredDefaults { model: string | null; fallbacks: string[] | null; policy: string | null; aliases: AliasOfNode[]; providersOff: string[] }
/** `parent`: a path; null: the organisation. */
export interface DeclaredNode { path: string; parent: string | null; kind: 'team' | 'project'; name: string; description: string; weight: number; defaults: DeclaredDefaults | null }

/** `at` here and below: the path of a team or project; null: the organisation. Instants in epoch µs. */
export interface DeclaredUser { email: string; name: string | null; disabled: boolean }
export interface DeclaredAccount { name: string; at: string | null; description: string; disabled: boolean }
export interface DeclaredMembership { kind: 'user' | 'service_account'; principal: string; role: string; at: string | null; expiresAt: number | null }

export interface DeclaredKey {
  name: string; at: string | null
  user: string | null; account: string | null
  models: string[] | null; budget: Budget | null; rateLimit: RateLimit | null; expiresAt: number | null
  priority: Priority | null; tags: string[]; ipAllow: string[] | null; routingPolicy: string | null; disabled: boolean
}
export interface DeclaredKeyText { text: string | null; overlapHours: number }

/** `name`: a path, address or name by the kind; empty for the organisation. */
export interface Subject { kind: SubjectKind; name: string }
export interface DeclaredBudget { subject: Subject; name: string; limitNano: number; period: PeriodRule; timeZone: string | null; mode: Budget['mode']; thresholds: readonly Threshold[]; enabled: boolean }
export interface DeclaredLimit extends RateLimit { subject: Subject; name: string; models: string | null; enabled: boolean }
export interface DeclaredPolicy { subject: Subject; name: string; rules: readonly PolicyRule[]; enabled: boolean }

export interface DeclaredChannel { name: string; kind: 'webhook' | 'slack' | 'smtp'; target: Record<string, unknown>; events: AlertKind[]; enabled: boolean }

export interface DeclaredOidc {
  id: string; name: string; issuer: string; clientId: string; scopes: string[]; groupsClaim: string; userinfo: boolean
  rules: { group: string; role: string; at: string | null }[]
  domains: string[]; createUsers: boolean; linkVerifiedEmail: boolean; trustEmail: boolean; enabled: boolean
}

/** One declaration. `was`: its natural key before, where it was renamed or moved; `secret`: what the database keeps sealed, null: what it has stays. */
export interface Wanted<Own, Secret = null> { own: Own; place: Place; was: string | null; secret: Secret }

export interface Governance {
  roles: Wanted<DeclaredRole>[]
  /** Parents before children. */
  nodes: Wanted<DeclaredNode>[]
  users: Wanted<DeclaredUser>[]
  accounts: Wanted<DeclaredAccount>[]
  memberships: Wanted<DeclaredMembership>[]
  keys: Wanted<DeclaredKey, DeclaredKeyText>[]
  budgets: Wanted<DeclaredBudget>[]
  limits: Wanted<DeclaredLimit>[]
  policies: Wanted<DeclaredPolicy>[]
  routing: Wanted<RoutingPolicyData>[]
  channels: Wanted<DeclaredChannel, string | null>[]
  oidc: Wanted<DeclaredOidc, string | null>[]
}

/** A further organisation of the installation. */
export interface DeclaredOrganisation extends Governance { slug: string; settings: ConfigSettings }

export const noGovernance = (): Governance => ({ roles: [], nodes: [], users: [], accounts: [], memberships: [], keys: [], budgets: [], limits: [], policies: [], routing: [], channels: [], oidc: [] })
