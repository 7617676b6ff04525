/**
 * The closed list of what can be allowed. A permission is `resource:action`; its reach says where it can be held: at a node of the tree
 * for all below, only for a whole organisation, or only by the organisation that operates the installation, since it touches all others.
 */
import { nearestNames } from '../catalog/nearest.ts'
import type { OrgTree } from './org-tree.ts'

export type Reach = 'node' | 'organisation' | 'installation'
interface Meaning { reach: Reach; text: string }

const node = (text: string): Meaning => ({ reach: 'node', text })
const organisation = (text: string): Meaning => ({ reach: 'organisation', text })
const installation = (text: string): Meaning => ({ reach: 'installation', text })

export const permissions = {
  'teams:read': node('See teams and projects and what is set for them.'),
  'teams:write': node('Create, rename, move and delete teams and projects. A move changes which budgets, limits and policies apply to them.'),
  'members:read': node('See who has which role.'),
  'members:write': node('Give and take roles, of those whose permissions one holds.'),
  'service_accounts:write': node('Create and delete service accounts and issue their API tokens.'),
  'tokens:write': node('Issue API tokens that act for oneself, and revoke them.'),
  'keys:read': node('See keys and what limits them, never their text.'),
  'keys:write': node('Create, change, move and revoke keys.'),
  'keys:use_any': node('Send requests as a key without having its text, as the playground does.'),
  'budgets:read': node('See budgets and what they have spent.'),
  'budgets:request': node('Ask for a higher budget.'),
  'budgets:write': node('Set the budgets of everything below. That of a node itself is set from above it.'),
  'budgets:approve': node('Approve or deny requests for higher budgets of everything below.'),
  'limits:read': node('See rate limits, priorities and shares.'),
  'limits:write': node('Set rate limits, priorities and shares of everything below.'),
  'policies:read': node('See which models are allowed, and ask why a request would be.'),
  'policies:write': node('Set which models are allowed to everything below.'),
  'providers:read': node('See providers and the hints of their credentials.'),
  'providers:write': node('Set providers and their credentials.'),
  'routing:read': node('See aliases, deployments, routing policies and defaults; what the router decided and knows.'),
  'routing:write': node('Set aliases, deployments, routing policies and defaults; approve, reject and reset models.'),
  'alerts:read': node('See alerts and where they are sent.'),
  'alerts:write': node('Set alerts and where they are sent.'),
  'usage:read': node('See usage and cost.'),
  'requests:read': node('See the log of requests, without their text.'),
  'content:read': node('Read the text of requests and answers where it is stored.'),
  'audit:read': organisation('Read, verify and export the record of changes and decisions.'),
  'settings:read': organisation('See the settings of the organisation.'),
  'settings:write': organisation('Change the settings of the organisation: retention, storing of content, time zone.'),
  'configuration:read': organisation('Export the configuration as a file.'),
  'configuration:write': organisation('Apply a configuration file, within what one may change by hand.'),
  'users:write': organisation('Invite people, end their sessions and tokens, reset their log-in, switch them off: of those whose permissions one holds.'),
  'roles:write': organisation('Create, change and delete custom roles of permissions that one holds.'),
  'identity:write': organisation('Set how people log in, and which groups of the identity provider have which role.'),
  'organisation:write': organisation('Rename and delete the organisation.'),
  'system:read': installation('See the state of the installation: threads, journal, ledger, database.'),
  'catalogue:write': installation('Update the catalogue of models and prices, and decide on changes that wait.'),
  'organisations:write': installation('Create and delete organisations.'),
} as const satisfies Record<`${string}:${string}`, Meaning>

export type Permission = keyof typeof permissions
export type Permissions = ReadonlySet<Permission>

export const allPermissions = Object.keys(permissions) as Permission[]
export const isPermission = (text: string): text is Permission => Object.hasOwn(permissions, text)
export const reachOf = (permission: Permission): Reach => permissions[permission].reach

/** Whether a permission that is given at a node of this organisation has any effect. */
export function reaches(permission: Permission, org: string, node: string, tree: Pick<OrgTree, 'operator'>): boolean {
  const reach = reachOf(permission)
  return reach === 'node' || (node === org && (reach === 'organisation' || org === tree.operator))
}

/** What of these has an effect when it is given there. */
export function effectiveAt(given: Permissions, org: string, node: string, tree: Pick<OrgTree, 'operator'>): Permissions {
  const found = new Set<Permission>()
  for (const permission of given) if (reaches(permission, org, node, tree)) found.add(permission)
  return found
}

/** A list as it came from outside; else a sentence that says what is wrong with it. */
export function parsePermissions(texts: readonly string[]): Permissions | { error: string } {
  if (texts.length === 0) return { error: 'No permission is named: choose at least one.' }
  const found = new Set<Permission>()
  for (const text of texts) {
    if (!isPermission(text)) {
      const [near] = nearestNames(text, allPermissions, 1)
      return { error: `There is no permission ${JSON.stringify(text.slice(0, 80))}.${near === undefined ? ' See the list of permissions in docs/roles.md.' : ` Did you mean ${near}?`}` }
    }
    if (found.has(text)) return { error: `The permission ${text} is named twice.` }
    found.add(text)
  }
  return found
}
