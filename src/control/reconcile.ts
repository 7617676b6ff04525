/**
 * Brings what the environment and megarouter.yaml declare into the database, in one transaction: it is the one run-time truth. Rows of the
 * API are left alone unless a declaration takes them over. Equal declarations write nothing; a declaration that the database does not
 * take (RefusedError) changes nothing.
 */
import type { Pepper } from '../governance/key-format.ts'
import { emptyConfig, type Config } from '../config.ts'
import { noGovernance, type DeclaredOrganisation, type Governance } from '../config/declared.ts'
import type { Acting, RecordEvent } from '../store/audit.ts'
import type { Write } from '../store/database.ts'
import { newId } from '../store/ids.ts'
import { isGovernedByFile } from '../store/managed.ts'
import { createOrganisation, organisationsBySlug } from '../store/organisations.ts'
import type { Kek } from '../store/secrets.ts'
import type { Vendor } from '../providers/provider.ts'
import { channels } from './reconcile/channels.ts'
import { Directory } from './reconcile/directory.ts'
import { oidcProviders } from './reconcile/oidc.ts'
import { keys } from './reconcile/keys.ts'
import { accounts, memberships, users } from './reconcile/people.ts'
import { providers, reconcileSimulated, wantedProviders, type SimulatedRule } from './reconcile/providers.ts'
import { aliases, deployments, overrides } from './reconcile/routing.ts'
import { budgets, limits, policies } from './reconcile/rules.ts'
import { routingPolicies } from './reconcile/routing-policies.ts'
import { Run, type Change, type Permit, type RunSettings } from './reconcile/run.ts'
import type { Sweep } from './reconcile/settle.ts'
import { settings } from './reconcile/settings.ts'
import { nodes, roles } from './reconcile/tree.ts'
import type { Variables } from './vendor-environment.ts'

export interface Reconciling {
  org: string
  vendors: ReadonlyMap<string, Vendor>
  /** Of this process. */
  variables: Variables
  kek: Kek
  pepper: Pepper
  random: (bytes: number) => Uint8Array
  /** MEGAROUTER_SIMULATED; automatic: on while nothing else is. */
  simulated: SimulatedRule
  /** The organisation operates the installation: providers, models and prices are its own. */
  operates: boolean
  /** Null: the operator, who may do everything. */
  permit: Permit | null
  /** Keeps each change for the audit log. */
  record: RecordEvent
}

export interface Reconciled {
  changes: Change[]
  /** Declarations that could not be used; they do not stop the rest. */
  problems: string[]
}

/** Who acts when the file or the environment does. */
export const actingByFile = (org: string, config: Config | null): Acting =>
  ({ org, actor: { kind: 'file', id: null, name: config === null ? 'environment' : 'megarouter.yaml' }, address: null, requestId: null })

/** Without a configuration (its file is wrong, or there is none) only the environment is applied, and what the file declared before stays. */
export async function reconcile(write: Write, config: Config | null, reconciling: Reconciling): Promise<Reconciled> {
  const { org, vendors, variables, simulated, operates, record } = reconciling
  const { wanted, problems } = wantedProviders(config?.providers ?? [], { vendors, variables: operates ? variables : {} })
  const governance = config?.governance ?? null
  const run = await startRun(write, config, governance, reconciling)
  const sweeps: Sweep[] = []
  if (config !== null) await settings(run, config.settings, ['settings'])
  if (governance !== null && run.governed) sweeps.push(await roles(run, governance.roles), await nodes(run, governance.nodes))
  if (operates) sweeps.push(await providers(run, config, wanted))
  if (operates && config !== null) {
    sweeps.push(await aliases(run, config), await deployments(run, config))
    await overrides(run, config)
  }
  if (governance !== null && run.governed) {
    sweeps.push(...await govern(run, governance))
    // Deleted last of all: keys and nodes that go with it may name one.
    sweeps.unshift(await routingPolicies(run, governance.routing))
  }
  for (const sweep of sweeps.reverse()) await sweep()
  if (operates) {
    const followed = await reconcileSimulated(write, { org, simulated, vendors })
    if (followed !== null) await record({ action: 'provider.update', resource: { kind: 'provider', id: followed.id, name: followed.name }, after: { enabled: followed.enabled } })
  }
  return { changes: run.changes, problems }
}

/** In the order in which they refer to each other. */
async function govern(run: Run, governance: Governance): Promise<Sweep[]> {
  return [
    await users(run, governance.users), await accounts(run, governance.accounts), await memberships(run, governance.memberships), await keys(run, governance.keys),
    await budgets(run, governance.budgets), await limits(run, governance.limits), await policies(run, governance.policies), await channels(run, governance.channels),
    await oidcProviders(run, governance.oidc),
  ]
}

const isEmpty = (governance: Governance): boolean => Object.values(governance).every((rows) => !Array.isArray(rows) || rows.length === 0)

async function startRun(write: Write, config: Config | null, governance: Governance | null, reconciling: Reconciling): Promise<Run> {
  const { org, record } = reconciling
  const governed = governance !== null && (!isEmpty(governance) || await isGovernedByFile(write, org))
  const settings: RunSettings = {
    ...reconciling, record: (event) => record(event, org),
    locate: (place, message) => config?.locate(place, message) ?? { path: place.join('.'), line: null, column: null, message },
  }
  return new Run(write, settings, await Directory.load(write, org, { governed }), governed)
}

/** Those of the file beside the one that operates the installation: they are made, and governed, but never deleted by it. */
export async function reconcileOrganisations(write: Write, config: Config, reconciling: Reconciling): Promise<Change[]> {
  const changes: Change[] = []
  const declared = new Map(config.organisations.map((each) => [each.slug, each]))
  const known = new Map((await organisationsBySlug(write)).map(({ slug, id }) => [slug, id]))
  for (const [slug, id] of known) {
    if (id === reconciling.org || (!declared.has(slug) && !await isGovernedByFile(write, id))) continue
    changes.push(...await reconcileOne(write, config, declared.get(slug) ?? { ...noGovernance(), slug, settings: emptyConfig().settings }, id, reconciling))
  }
  for (const [slug, organisation] of declared) {
    if (known.has(slug)) continue
    const { organisation: name, timeZone } = organisation.settings
    const made = await createOrganisation(write, { id: newId('org', Math.floor(write.at / 1000), reconciling.random(16)), slug, name: name ?? slug, timeZone: timeZone ?? 'UTC' })
    await reconciling.record({ action: 'organisation.create', resource: { kind: 'organisation', id: made.org, name: made.organisation }, after: { slug, name: made.organisation } }, made.org)
    changes.push({ kind: 'organisation', name: slug, action: 'create', before: null, after: { name: made.organisation } }, ...await reconcileOne(write, config, organisation, made.org, reconciling))
  }
  return changes
}

async function reconcileOne(write: Write, config: Config, organisation: DeclaredOrganisation, org: string, reconciling: Reconciling): Promise<Change[]> {
  const { slug } = organisation
  const own = { ...emptyConfig(), settings: organisation.settings, governance: organisation, locate: config.locate }
  const { changes } = await reconcile(write, own, { ...reconciling, org, operates: false })
  return changes.map((change) => ({ ...change, name: `${slug}: ${change.name}` }))
}
