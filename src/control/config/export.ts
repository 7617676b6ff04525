/**
 * Everything of an organisation as the text of a megarouter.yaml, the same text for the same state. Secrets are variables, people have no
 * passwords, and what follows from the environment is left to it. Reads one state of the database, or fails.
 */
import { Document } from 'yaml'
import type { Config } from '../../config.ts'
import { splitPath } from '../../governance/name-path.ts'
import type { Vendor } from '../../providers/provider.ts'
import { listAliases } from '../../store/aliases.ts'
import { listChannels } from '../../store/alerts.ts'
import { listBudgets } from '../../store/budgets-defined.ts'
import { catalogState } from '../../store/catalog.ts'
import type { Write } from '../../store/database.ts'
import { listDeployments } from '../../store/deployments.ts'
import { listLimits } from '../../store/limits-defined.ts'
import { listMemberships } from '../../store/memberships.ts'
import { listUsers } from '../../store/people.ts'
import { listOidcProviders } from '../../store/oidc-providers.ts'
import { listPolicies } from '../../store/policies.ts'
import { listProviders } from '../../store/providers.ts'
import { listRoutingPolicies } from '../../store/routing-policies.ts'
import { listRoles } from '../../store/roles.ts'
import { listServiceAccounts } from '../../store/service-accounts.ts'
import { findSettings } from '../../store/settings.ts'
import { declaredChannel } from '../reconcile/channels.ts'
import { Directory, everyRow } from '../reconcile/directory.ts'
import { declaredKey, keyOfKey, livingKeys, renamedKey } from '../reconcile/keys.ts'
import { declaredOidc } from '../reconcile/oidc.ts'
import { declaredAccount, declaredMembership, declaredUser } from '../reconcile/people.ts'
import { providerView, simulatedVendor } from '../reconcile/providers.ts'
import { deploymentView, declaredDeployment, overrideView } from '../reconcile/routing.ts'
import { declaredBudget, declaredLimit, declaredPolicy, present } from '../reconcile/rules.ts'
import type { View } from '../reconcile/run.ts'
import { byKey, type Managed } from '../reconcile/settle.ts'
import { settingsView } from '../reconcile/settings.ts'
import { declaredNode, declaredRole } from '../reconcile/tree.ts'
import { accountView, aliasView, channelView, definedBudgetView, definedLimitView, keyView, lean, membershipView, nodeView, oidcView, policyView, roleView, routingPolicyView, userView } from '../reconcile/views.ts'
import { SecretNames } from './secret-names.ts'

export interface Exporting {
  org: string
  vendors: ReadonlyMap<string, Vendor>
  /** The organisation operates the installation: providers, models and prices are its own. */
  operates: boolean
  /** The file that the process runs with, for what is not in the database. */
  running: Config | null
}

/** A literal `${` is written `$${`. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${')
  if (Array.isArray(value)) return value.map(escaped)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, escaped(each)]))
}

const ordered = <Value>(rows: readonly Value[], key: (row: Value) => string): Value[] => [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1))
const mapped = <Value>(rows: readonly Value[], key: (row: Value) => string, view: (row: Value) => unknown): View => Object.fromEntries(ordered(rows, key).map((row) => [key(row), view(row)]))

interface Ruled { subject: { kind: string; name: string }; name: string }

/** What a section shows of rows whose names are not unique: a later one of the same name gets a number. */
const listed = <Row extends Managed, Own>(aggregate: Parameters<typeof byKey<Row, Own>>[0], view: (own: Own, row: Row) => unknown): unknown[] =>
  [...byKey(aggregate)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { own, row }]) => view(own, row))

export async function exportConfig(read: Write, exporting: Exporting): Promise<string> {
  const { org, operates } = exporting
  const names = new SecretNames()
  const directory = await Directory.load(read, org, { governed: true })
  const settings = await findSettings(read, org)
  if (settings === null) throw new Error(`there is no organisation ${org}`)
  const { new_models: newModels, ...ofSettings } = settingsView(settings)
  const sections: Record<string, unknown> = { settings: { ...escaped(ofSettings) as View, ...(operates && ofProcess(exporting.running)) } }
  if (operates) Object.assign(sections, await routing(read, exporting, directory, names))
  const policies = await everyRow((page) => listRoutingPolicies(read, org, page))
  sections['routing'] = { ...(policies.length > 0 && { policies: policies.map(({ data }) => escaped(routingPolicyView(data))) }), new_models: newModels }
  Object.assign(sections, await people(read, org, directory), await keysAndRules(read, org, directory, names), await connections(read, org, directory, names))
  const document = new Document(without(lean(sections)))
  document.commentBefore = header(settings.organisation, names)
  return document.toString({ lineWidth: 0, nullStr: 'null' })
}

function header(organisation: string, { provided }: SecretNames): string {
  const lines = [
    `Configuration of the organisation ${JSON.stringify(organisation)}.`,
    'Not in it: passwords, sessions, API tokens, increases of budgets, usage, the audit log.',
    ...(provided.length === 0 ? [] : [
      'Secrets are variables. Where one is not set, an installation that has the entity keeps what it has; a new installation needs:',
      ...provided.map(({ name, what }) => `  ${name}: ${what}`),
    ]),
  ]
  return lines.map((line) => ` ${line.replaceAll(/\p{Cc}/gu, ' ')}`).join('\n')
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** What only the file of a process holds. */
function ofProcess(running: Config | null): View {
  if (running === null) return {}
  const { deadlines, requestBodyBytes } = running.settings
  const own = Object.fromEntries(Object.entries(deadlines).map(([name, value]) => [snake(name), value]))
  return { ...(Object.keys(own).length > 0 && { deadlines: own }), ...(requestBodyBytes !== null && { limits: { request_body_bytes: requestBodyBytes } }) }
}

async function routing(read: Write, { org, vendors, running }: Exporting, directory: Directory, names: SecretNames): Promise<View> {
  const providers = (await everyRow((page) => listProviders(read, org, page))).filter(({ vendor, managedBy }) => vendor !== simulatedVendor || managedBy === 'api')
  const aliases = await everyRow((page) => listAliases(read, org, page))
  const deployments = await everyRow((page) => listDeployments(read, org, page))
  const { overrides } = await catalogState(read)
  const catalog = lean({ url: running?.catalog.url, every_hours: running?.catalog.url == null ? null : running.catalog.everyHours, overrides: escaped(overrides.map(overrideView)) })
  return lean({
    providers: mapped(providers, ({ id }) => id, (row) => {
      // They take turns, so their order is none of the configuration.
      const own = ordered(row.credentials.filter(({ secretRef }) => secretRef === null).map(({ name, node }) => ({ name, at: directory.path(node) })), ({ name, at }) => JSON.stringify([at ?? '', name]))
      const { credentials, ...view } = providerView(row, own, vendors)
      const secrets = own.map(({ name, at }) => ({ ...escaped(lean({ name, at })) as View, secret: names.reference(['credential', row.id, at ?? '', name], `secret of the credential ${name} of ${row.id}${at === null ? '' : ` at ${at}`}`) }))
      return { ...escaped(view) as View, ...(credentials !== undefined && { credentials: secrets }) }
    }),
    aliases: mapped(aliases, ({ name }) => name, (row) => escaped(aliasView(row))),
    deployments: ordered(deployments, ({ id }) => id).map((row) => escaped(deploymentView(declaredDeployment(row)))),
    catalog: Object.keys(catalog).length === 0 ? null : catalog,
  })
}

async function people(read: Write, org: string, directory: Directory): Promise<View> {
  const roles = await everyRow((page) => listRoles(read, org, page))
  const users = await everyRow((page) => listUsers(read, org, page))
  const accounts = await everyRow((page) => listServiceAccounts(read, org, page))
  const held = new Map<string, View[]>()
  // What the identity provider gave it gives again.
  for (const row of await everyRow((page) => listMemberships(read, org, page))) {
    const own = row.source === 'local' ? declaredMembership(directory, row) : null
    if (own !== null) held.set(`${own.kind} ${own.principal}`, [...held.get(`${own.kind} ${own.principal}`) ?? [], membershipView(own)])
  }
  const rolesOf = (who: string): unknown[] => ordered(held.get(who) ?? [], (view) => JSON.stringify([view.role, view.at ?? ''])).map((view) => (Object.keys(view).length === 1 ? view.role : view))
  return {
    roles: mapped(roles, ({ name }) => name, (row) => escaped(roleView(declaredRole(row)))),
    ...tree(directory),
    users: mapped(users, ({ email }) => email, (row) => escaped(lean({ ...userView(declaredUser(row)), roles: rolesOf(`user ${row.email}`) }))),
    service_accounts: mapped(accounts, ({ name }) => name, (row) => escaped(lean({ ...accountView(declaredAccount(directory, row)), roles: rolesOf(`service_account ${row.name}`) }))),
  }
}

function tree(directory: Directory): View {
  const below = (parent: string | null): View => {
    const children = [...directory.nodes.values()].filter((node) => node.parent === parent)
    const of = (kind: string) => children.filter((node) => node.kind === kind)
    return {
      teams: mapped(of('team'), ({ name }) => name, (node) => ({ ...escaped(nodeView(declaredNode(directory, node))) as View, ...without(below(node.id)) })),
      projects: mapped(of('project'), ({ name }) => name, (node) => escaped(nodeView(declaredNode(directory, node)))),
    }
  }
  return below(null)
}

/** Sections that hold nothing are left out. */
const without = (view: View): View => Object.fromEntries(Object.entries(view).filter(([, value]) => typeof value !== 'object' || value === null || Object.keys(value).length > 0))

async function keysAndRules(read: Write, org: string, directory: Directory, names: SecretNames): Promise<View> {
  const keys = { rows: await livingKeys({ write: read, org }), own: (row: Parameters<typeof declaredKey>[1]) => declaredKey(directory, row), keyOf: keyOfKey, renamed: renamedKey }
  for (const [path, { row }] of byKey(keys)) directory.keys.set(path, row.id)
  const named = (own: Ruled): string => JSON.stringify([own.subject.kind, own.subject.name, own.name])
  const budgets = present(await everyRow((page) => listBudgets(read, org, page)), (row) => declaredBudget(directory, row))
  const limits = present(await everyRow((page) => listLimits(read, org, page)), (row) => declaredLimit(directory, row))
  const policies = present(await everyRow((page) => listPolicies(read, org, page)), (row) => declaredPolicy(directory, row))
  return {
    keys: listed(keys, (own) => {
      const { name, at, ...rest } = escaped(keyView(own)) as View
      const { parent, name: last } = splitPath(keyOfKey(own))
      return { name, ...(at !== undefined && { at }), key: names.reference(['key', parent ?? '', last], `text of the key ${keyOfKey(own)}`), ...rest }
    }),
    budgets: listed({ ...budgets, keyOf: (own) => named(own), renamed: (own, name) => ({ ...own, name: name(own.name) }) }, (own) => escaped(definedBudgetView(own))),
    limits: listed({ ...limits, keyOf: (own) => named(own), renamed: (own, name) => ({ ...own, name: name(own.name) }) }, (own) => escaped(definedLimitView(own))),
    policies: listed({ ...policies, keyOf: (own) => named(own), renamed: (own, name) => ({ ...own, name: name(own.name) }) }, (own) => escaped(policyView(own))),
  }
}

async function connections(read: Write, org: string, directory: Directory, names: SecretNames): Promise<View> {
  const oidc = await everyRow((page) => listOidcProviders(read, org, page))
  const channels = await everyRow((page) => listChannels(read, org, page))
  return {
    alert_channels: mapped(channels, ({ name }) => name, (row) => {
      const secret = { webhook: 'secret', slack: 'url', smtp: 'password' }[row.kind]
      const view = escaped(channelView(declaredChannel(row))) as View
      return row.secret === null ? view : { ...view, [secret]: names.reference(['alert', row.name, secret], `${secret} of the alert channel ${row.name}`) }
    }),
    oidc_providers: mapped(oidc, ({ id }) => id, (row) => {
      const view = escaped(oidcView(declaredOidc(directory, row))) as View
      return row.clientSecret === null ? view : { ...view, client_secret: names.reference(['oidc', row.id, 'secret'], `client secret of the OpenID provider ${row.id}`) }
    }),
  }
}
