/** What changed after a revision: how the control worker sees edits of other processes (the CLI, another node) within one poll. */
import type { Read } from './database.ts'
import { aliasFromRow, type Alias } from './aliases.ts'
import { budgetsSince, increasesSince, type BudgetIncrease, type DefinedBudget } from './budgets-defined.ts'
import { deploymentFromRow, type Deployment } from './deployments.ts'
import { currentRevision } from './edits.ts'
import { tokensSince, type ApiToken } from './api-tokens.ts'
import { channelsSince, type AlertChannel } from './alerts.ts'
import { keyFromRow, type ApiKey } from './keys.ts'
import { limitsSince, type DefinedLimit } from './limits-defined.ts'
import { membershipsSince, type Membership } from './memberships.ts'
import { oidcProvidersSince, type OidcProvider } from './oidc-providers.ts'
import { nodesSince, type Node } from './nodes.ts'
import { usersSince } from './people.ts'
import { policiesSince, type ModelPolicy } from './policies.ts'
import { providersFromRows, type Provider } from './providers.ts'
import { routingPoliciesSince, type RoutingPolicy } from './routing-policies.ts'
import { rolesSince, type Role } from './roles.ts'
import { serviceAccountsSince, type ServiceAccount } from './service-accounts.ts'
import { allSettings, type Settings } from './settings.ts'
import { allOrganisations, type OrganisationState, type User } from './users.ts'

export interface Changes {
  /** Pass it to the next call. */
  revision: number
  /** More than `limit` rows of a kind changed: call again at once. */
  more: boolean
  keys: ApiKey[]
  /** Deleted rows of these four are included, with `deleted`. */
  providers: Provider[]
  aliases: Alias[]
  deployments: Deployment[]
  routingPolicies: RoutingPolicy[]
  /** From revision 0 those too that nobody edited yet. */
  settings: Settings[]
  /** All of them, whenever anything changed. */
  organisations: OrganisationState[]
  governance: GovernanceChanges
}

/** Deleted rows are included, with `deleted`. */
export interface GovernanceChanges {
  nodes: Node[]
  users: (User & { revision: number })[]
  serviceAccounts: ServiceAccount[]
  roles: Role[]
  memberships: Membership[]
  tokens: ApiToken[]
  budgets: DefinedBudget[]
  increases: BudgetIncrease[]
  limits: DefinedLimit[]
  policies: ModelPolicy[]
  channels: AlertChannel[]
  oidcProviders: OidcProvider[]
}

const nothing = (): GovernanceChanges => ({ nodes: [], users: [], serviceAccounts: [], roles: [], memberships: [], tokens: [], budgets: [], increases: [], limits: [], policies: [], channels: [], oidcProviders: [] })

async function governanceSince(read: Read, after: number, upTo: number, limit: number): Promise<GovernanceChanges> {
  const of = <Each>(since: (read: Read, after: number, upTo: number, limit: number) => Promise<Each[]>): Promise<Each[]> => since(read, after, upTo, limit)
  return {
    nodes: await of(nodesSince), users: await of(usersSince), serviceAccounts: await of(serviceAccountsSince), roles: await of(rolesSince), memberships: await of(membershipsSince), tokens: await of(tokensSince),
    budgets: await of(budgetsSince), increases: await of(increasesSince), limits: await of(limitsSince), policies: await of(policiesSince), channels: await of(channelsSince), oidcProviders: await of(oidcProvidersSince),
  }
}

const changesLimit = 5_000

/** From revision 0 it lists everything. With nothing new it costs one read of one row. */
export async function changesSince(read: Read, revision: number, limit: number = changesLimit): Promise<Changes> {
  const target = await currentRevision(read)
  if (target <= revision) return { revision, more: false, keys: [], providers: [], aliases: [], deployments: [], routingPolicies: [], settings: [], organisations: [], governance: nothing() }
  const { kysely } = read
  const keys = await kysely.selectFrom('api_key').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  const providers = await kysely.selectFrom('provider').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  const aliases = await kysely.selectFrom('alias').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  const deployments = await kysely.selectFrom('deployment').selectAll().where('revision', '>', revision).where('revision', '<=', target).orderBy('revision').limit(limit).execute()
  const routingPolicies = await routingPoliciesSince(read, revision, target, limit)
  const governance = await governanceSince(read, revision, target, limit)
  // A list that was cut short holds everything up to its last row only, and so does the answer.
  const reached = Math.min(target, ...[keys, providers, aliases, deployments, routingPolicies, ...Object.values(governance) as { revision: number }[][]].map((rows) => (rows.length === limit ? rows[limit - 1]!.revision : target)))
  const within = (row: { revision: number }): boolean => row.revision <= reached
  for (const [name, rows] of Object.entries(governance)) Object.assign(governance, { [name]: (rows as { revision: number }[]).filter(within) })
  return {
    revision: reached,
    more: reached < target,
    keys: keys.filter(within).map(keyFromRow),
    providers: await providersFromRows(read, providers.filter(within)),
    aliases: aliases.filter(within).map(aliasFromRow),
    deployments: deployments.filter(within).map(deploymentFromRow),
    routingPolicies: routingPolicies.filter(within),
    settings: (await allSettings(read)).filter((settings) => (settings.revision > revision || revision === 0) && settings.revision <= reached),
    organisations: await allOrganisations(read),
    governance,
  }
}
