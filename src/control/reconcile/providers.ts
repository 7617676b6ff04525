/**
 * Providers and their credentials, from the file and the environment. One that is no longer declared is switched off and left to the API.
 * Equal declarations write nothing, so that a restart makes no new versions.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Config, ProviderConfig } from '../../config.ts'
import type { Place } from '../../config/declared.ts'
import { wrongCredential } from '../../providers/auth/authority.ts'
import type { Vendor } from '../../providers/provider.ts'
import type { Write } from '../../store/database.ts'
import { newId } from '../../store/ids.ts'
import { addCredential, createProvider, deleteProvider, listProviders, removeCredential, updateProvider, type Credential, type Provider } from '../../store/providers.ts'
import { sealSecret, Secret } from '../../store/secrets.ts'
import { baseUrlOfProvider, ownServer, resolveSecret } from '../snapshot-data.ts'
import { readReference, vendorsInEnvironment, type Variables } from '../vendor-environment.ts'
import { everyRow, type Directory } from './directory.ts'
import type { Need, Run, View } from './run.ts'
import { lean } from './views.ts'

export const simulatedVendor = 'simulated'
export type SimulatedRule = 'on' | 'off' | 'automatic'

/** Of MEGAROUTER_SIMULATED. */
export function simulatedRule(text: string | undefined): SimulatedRule {
  if (text === undefined || text === '') return 'automatic'
  return ['on', 'true', '1'].includes(text.toLowerCase()) ? 'on' : 'off'
}

/** A row that is declared no longer belongs to the API, which can then change or delete it. */
export const released = { by: 'api', release: true } as const

/** `secret` null: what is stored stays. `at`: the path of the node that alone uses it. */
interface WantedCredential { name: string; reference: string | null; secret: string | null; at: string | null; place: Place | null }

interface WantedProvider {
  id: string
  vendor: string
  name: string
  baseUrl: string | null
  enabled: boolean
  managedBy: 'file' | 'environment'
  credentials: WantedCredential[]
  place: Place | null
}

/** What should be there, from both sources. The file wins over the environment for a provider that both name. */
export function wantedProviders(declarations: readonly ProviderConfig[], { vendors, variables }: { vendors: ReadonlyMap<string, Vendor>; variables: Variables }): { wanted: WantedProvider[]; problems: string[] } {
  const { on, problems } = vendorsInEnvironment(vendors.values(), variables)
  const wanted = new Map<string, WantedProvider>()
  for (const { vendor, baseUrl, keys } of on) {
    const credentials = keys.flatMap(({ text, name }) => {
      const read = readReference(text, variables)
      if ('secret' in read) return [{ name, reference: text, secret: read.secret, at: null, place: null }]
      problems.push(`${vendor.name} needs ${read.problem}.`)
      return []
    })
    if (credentials.length === 0 && keys.length > 0) continue
    wanted.set(vendor.id, { id: vendor.id, vendor: vendor.id, name: vendor.name, baseUrl, enabled: true, managedBy: 'environment', credentials, place: null })
  }
  for (const row of declarations) wanted.set(row.id, declared(row, vendors, wanted.get(row.id)))
  return { wanted: [...wanted.values()], problems }
}

function declared(row: ProviderConfig, vendors: ReadonlyMap<string, Vendor>, environment: WantedProvider | undefined): WantedProvider {
  const place = ['providers', row.id]
  const own = row.credentials.map(({ name, secret, at }, index) => ({ name: name ?? `key ${index + 1}`, reference: null, secret, at, place: [...place, 'credentials', index] }))
  const vendor = row.vendor ?? ownServer
  return {
    id: row.id, vendor, name: row.name ?? usualName({ id: row.id, vendor }, vendors), baseUrl: row.baseUrl ?? environment?.baseUrl ?? null, enabled: row.enabled, managedBy: 'file',
    // Those of a team are not those of everybody.
    credentials: own.some(({ at }) => at === null) ? own : [...environment?.credentials ?? [], ...own], place,
  }
}

const usualName = ({ id, vendor }: Pick<Provider, 'id' | 'vendor'>, vendors: ReadonlyMap<string, Vendor>): string => (vendor === id ? vendors.get(vendor)?.name ?? id : id)

/** Credentials that follow from the environment are not named: they are there again where the environment is. */
export function providerView(provider: Pick<Provider, 'id' | 'vendor' | 'name' | 'baseUrl' | 'enabled'>, credentials: readonly { name: string; at: string | null }[], vendors: ReadonlyMap<string, Vendor>): View {
  const { id, vendor, name, baseUrl, enabled } = provider
  return lean({
    vendor: vendor === ownServer || (vendor === id && baseUrl === null) ? null : vendor, base_url: baseUrl, name: name === usualName(provider, vendors) ? null : name,
    credentials: credentials.map(({ name: label, at }) => lean({ name: label, at })), enabled,
  }, { enabled: true })
}

const storedView = (directory: Directory, row: Provider, vendors: ReadonlyMap<string, Vendor>): View =>
  providerView(row, row.credentials.filter(({ secretRef }) => secretRef === null).map(({ name, node }) => ({ name, at: directory.path(node) })), vendors)

/** `config` null: its file is wrong or absent, and what it declared before stays. */
export async function providers(run: Run, config: Config | null, wanted: readonly WantedProvider[]): Promise<() => Promise<void>> {
  const { write, org, directory, settings: { vendors } } = run
  const existing = new Map((await everyRow((page) => listProviders(write, org, page))).map((row) => [row.id, row]))
  for (const want of wanted) {
    const row = existing.get(want.id)
    if (config === null && row?.managedBy === 'file') continue
    const replaced = row !== undefined && row.vendor !== want.vendor
    const plan = planCredentials(run, replaced ? undefined : row, want)
    const { id, vendor, name, baseUrl, enabled, managedBy } = want
    if (row !== undefined && isDeepStrictEqual([row.vendor, row.name, row.baseUrl, row.enabled, row.managedBy], [vendor, name, baseUrl, enabled, managedBy]) && plan.add.length + plan.remove.length === 0) continue
    const before = row === undefined ? null : { ...storedView(directory, row, vendors), ...(row.managedBy !== managedBy && { managed_by: row.managedBy }) }
    const credentials = want.credentials.filter(({ reference }) => reference === null)
    const after = { ...providerView(want, credentials, vendors), ...(row !== undefined && row.managedBy !== managedBy && { managed_by: managedBy }), ...(plan.add.length > 0 && { credentials_added: plan.add.map((each) => each.name) }) }
    await run.change({ kind: 'provider', name: id, action: row === undefined ? 'create' : 'update', before, after }, { id, place: want.place, needs: needsOf(run, row, want, plan) }, async () => {
      if (replaced) await deleteProvider(write, org, id, { by: managedBy })
      let now = row === undefined || replaced ? await createProvider(write, { id, org, vendor, name, baseUrl, enabled, managedBy }) : row
      if (now === row && !isDeepStrictEqual([row.name, row.baseUrl, row.enabled, row.managedBy], [name, baseUrl, enabled, managedBy])) now = await updateProvider(write, org, id, { name, baseUrl, enabled }, { by: managedBy }) ?? row
      await applyCredentials(run, now, want, plan)
      return now
    })
  }
  const ids = new Set(wanted.map((want) => want.id))
  return async () => {
    for (const row of existing.values()) {
      if ((config === null && row.managedBy === 'file') || row.managedBy === 'api' || ids.has(row.id) || row.vendor === simulatedVendor) continue
      await release(run, row)
    }
  }
}

async function release(run: Run, row: Provider): Promise<void> {
  const { write, org, directory, settings: { vendors } } = run
  const before = storedView(directory, row, vendors)
  const after = { ...providerView({ ...row, enabled: false }, row.credentials.filter(({ managedBy }) => managedBy === 'api').map(({ name, node }) => ({ name, at: directory.path(node) })), vendors), managed_by: 'api' }
  await run.change({ kind: 'provider', name: row.id, action: 'update', before: { ...before, managed_by: row.managedBy }, after }, { id: row.id, place: null, needs: [{ what: 'permission', permission: 'providers:write', node: null }] }, async () => {
    for (const { id, managedBy } of row.credentials) if (managedBy !== 'api') await removeCredential(write, org, row.id, id, { by: managedBy })
    return updateProvider(write, org, row.id, { enabled: false }, released)
  })
}

interface Plan { remove: Credential[]; add: (WantedCredential & { secret: string })[] }

/** Credentials are compared by name, place, and reference or opened secret; those of the API stay. */
function planCredentials(run: Run, row: Provider | undefined, wanted: WantedProvider): Plan {
  const { id, credentials } = wanted
  const { directory, org, settings } = run
  const same = (credential: Credential, want: WantedCredential): boolean => {
    if (credential.name !== want.name || credential.secretRef !== want.reference || credential.node !== (directory.node(want.at) ?? null)) return false
    if (want.secret === null) return true
    const stored = resolveSecret(org, credential, settings)
    return 'secret' in stored && stored.secret === want.secret && new Secret(want.secret).last4 === credential.last4
  }
  const present = row?.credentials ?? []
  const add = credentials.filter((want) => !present.some((credential) => same(credential, want))).map((want) => {
    const { secret, place, name } = want
    if (secret === null) run.refuse(place, `provider ${id} has no credential ${JSON.stringify(name)}${want.at === null ? '' : ` at ${want.at}`} yet, and the file does not say its secret: put it into a variable and write secret: \${VARIABLE}`)
    const wrong = want.reference === null ? wrongIn(run, wanted, secret) : null
    if (wrong !== null) run.refuse(place, `provider ${id}, credential ${JSON.stringify(name)}: ${wrong}`)
    return { ...want, secret }
  })
  return { add, remove: present.filter((credential) => credential.managedBy !== 'api' && !credentials.some((want) => same(credential, want))) }
}

function wrongIn({ settings: { vendors } }: Run, want: WantedProvider, secret: string): string | null {
  const vendor = vendors.get(want.vendor)
  const baseUrl = vendor === undefined ? null : baseUrlOfProvider(want, vendor)
  return vendor === undefined || baseUrl === null ? null : wrongCredential({ ...vendor, origin: baseUrl }, secret)
}

async function applyCredentials(run: Run, row: Provider, { managedBy }: WantedProvider, { remove, add }: Plan): Promise<void> {
  const { write, org, directory, settings: { kek, random } } = run
  for (const { id } of remove) await removeCredential(write, org, row.id, id, { by: managedBy })
  for (const [index, want] of add.entries()) {
    // Credentials are read in the order of their ids, which keeps the declared one: each is a millisecond younger.
    const id = newId('cred', Math.floor(write.at / 1000) + index, random(16))
    const secret = new Secret(want.secret)
    const stored = want.reference === null ? { ciphertext: sealSecret(kek, secret, { org, id, version: 1 }) } : { secretRef: want.reference }
    await addCredential(write, org, row.id, { id, name: want.name, last4: secret.last4, managedBy: want.reference === null ? 'file' : 'environment', node: directory.node(want.at) ?? null, ...stored }, { by: managedBy })
  }
}

/** Credentials of a team take the right there; everything else at a provider is the organisation's. */
function needsOf({ directory }: Run, row: Provider | undefined, want: WantedProvider, { add, remove }: Plan): Need[] {
  const places = [...add.map(({ at }) => directory.node(at) ?? null), ...remove.map(({ node }) => node)]
  const isWhole = row === undefined || !isDeepStrictEqual([row.name, row.baseUrl, row.enabled, row.managedBy], [want.name, want.baseUrl, want.enabled, want.managedBy])
  const needs: Need[] = (isWhole ? [null] : [...new Set(places)]).map((node) => ({ what: 'permission', permission: 'providers:write', node }))
  // Taken over from the API it is no longer dialled with care.
  const isNewAddress = want.baseUrl !== null && (row?.baseUrl !== want.baseUrl || row.managedBy === 'api')
  return isNewAddress ? [...needs, { what: 'address' }] : needs
}

/** The simulated provider follows the rule, until the operator decides in the console: then it is a row of the API and stays as it is. */
export async function reconcileSimulated(write: Write, { org, simulated, vendors }: { org: string; simulated: SimulatedRule; vendors: ReadonlyMap<string, Vendor> }): Promise<Provider | null> {
  const vendor = vendors.get(simulatedVendor)
  if (vendor === undefined) return null
  const rows = await everyRow((page) => listProviders(write, org, page))
  const row = rows.find((each) => each.vendor === simulatedVendor)
  if (row !== undefined && row.managedBy !== 'environment' && simulated === 'automatic') return null
  const enabled = simulated === 'automatic' ? !rows.some((each) => each.enabled && each.vendor !== simulatedVendor) : simulated === 'on'
  if (row === undefined) return createProvider(write, { id: simulatedVendor, org, vendor: simulatedVendor, name: vendor.name, baseUrl: null, enabled, managedBy: 'environment' })
  return row.enabled !== enabled || row.managedBy !== 'environment' ? updateProvider(write, org, row.id, { enabled }, { by: 'environment' }) : null
}
