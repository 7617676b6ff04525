/** The rules of changing providers: which addresses and vendors are allowed, how secrets are stored, what follows for the simulated one. */
import type { z } from '@hono/zod-openapi'
import { nearestNames } from '../../catalog/nearest.ts'
import { wrongCredential } from '../../providers/auth/authority.ts'
import type { Write } from '../../store/database.ts'
import { newId } from '../../store/ids.ts'
import { addCredential, createProvider, deleteProvider, findProvider, type Provider } from '../../store/providers.ts'
import { sealSecret, Secret } from '../../store/secrets.ts'
import { ControlError } from '../errors.ts'
import { reconcileSimulated, simulatedVendor } from '../reconcile/providers.ts'
import { without, type Services } from '../services.ts'
import { baseUrlOfProvider, isGuarded, ownServer, vendorOf } from '../snapshot-data.ts'
import { baseUrlOf } from '../vendor-environment.ts'
import { isPrivateLiteral } from './ask.ts'
import { checkCredential, type CredentialCheck } from './check.ts'
import type { newProviderSchema } from './schema.ts'

type NewProviderInput = z.output<typeof newProviderSchema>
interface NewSecret { text: string; name: string | undefined; check: CredentialCheck | null }

/** An address from the API: public hosts only. A name that leads inside is refused when it is dialled. */
export function checkedBaseUrl(text: string): string {
  const url = baseUrlOf(text)
  if (url === null) throw new ControlError('invalid_request', 'base_url must be an http:// or https:// address without credentials, query or fragment.', { param: 'base_url' })
  if (isPrivateLiteral(new URL(url))) {
    throw new ControlError('invalid_address', 'base_url leads into this network. Addresses inside are the operator’s: set them in megarouter.yaml or as <VENDOR>_BASE_URL.', { param: 'base_url' })
  }
  return url
}

export function checkedVendor({ vendors }: Services, { vendor, id, base_url: baseUrl }: NewProviderInput): void {
  if (vendor === ownServer) {
    if (id === undefined || baseUrl === undefined) throw new ControlError('invalid_request', 'A server of your own needs id and base_url.', { param: id === undefined ? 'id' : 'base_url' })
    if (vendors.has(id)) throw new ControlError('invalid_request', `${id} is the name of a vendor: choose another id for your server.`, { param: 'id' })
    return
  }
  const known = vendors.get(vendor)
  const [nearest] = known === undefined ? nearestNames(vendor, [...vendors.keys()], 1) : []
  if (known === undefined) throw new ControlError('unknown_vendor', `There is no vendor ${vendor}.${nearest === undefined ? '' : ` Did you mean ${nearest}?`} GET /api/v1/vendors lists all; a server of your own is ${ownServer}.`, { param: 'vendor' })
  if (known.places && baseUrl === undefined) throw new ControlError('invalid_request', `${known.name} has an address of your own: base_url is needed, in the form ${known.baseUrl}.`, { param: 'base_url' })
  if (known.baseUrl === undefined && known.simulated !== true && baseUrl === undefined) throw new ControlError('invalid_request', `${known.name} runs on machines of your own: base_url is needed.`, { param: 'base_url' })
}

/**
 * Tries a new credential against its vendor. One that is refused goes no further unless the operator insists; one that could not be
 * tried does, and what was found is kept with it. Null: nothing to try it against.
 */
export async function checkEntry({ ask, clock, vendors }: Services, provider: Pick<Provider, 'id' | 'vendor' | 'name' | 'baseUrl' | 'managedBy'>, secret: string, { force, param }: { force: boolean; param: string }): Promise<CredentialCheck | null> {
  const vendor = vendorOf({ ...provider, credentials: [secret] }, vendors)
  const baseUrl = vendor === null ? null : baseUrlOfProvider(provider, vendor)
  if (vendor === null || baseUrl === null || vendor.simulated === true) return null
  const wrong = wrongCredential({ ...vendor, origin: baseUrl }, secret)
  if (wrong !== null) throw new ControlError('invalid_request', wrong, { param })
  const check = await checkCredential(ask, { vendor, baseUrl, socketPath: null, guarded: isGuarded(provider) }, secret, clock.epochMs())
  if (check.state === 'refused' && !force) throw new ControlError('credential_refused', `${check.message} It was not saved; with "force": true it is saved all the same.`, { param })
  return check
}

export async function storeCredential(services: Services, write: Write, provider: Provider, { text, name, check }: NewSecret): Promise<Provider> {
  const { clock, random, kek } = services
  const id = newId('cred', clock.epochMs(), random(16))
  const secret = new Secret(text)
  const ciphertext = sealSecret(kek, secret, { org: provider.org, id, version: 1 })
  const stored = await addCredential(write, provider.org, provider.id, { id, name: name ?? `key ${provider.credentials.length + 1}`, last4: secret.last4, ciphertext })
  if (stored === null) throw new Error(`provider ${provider.id} vanished within its own transaction`)
  if (check !== null) services.checks.set(id, check)
  return stored
}

/** The rule for the simulated provider is asked again after each change, in the same transaction. It is of the environment, and so the operator's: others add that provider themselves. */
export async function followSimulated({ simulated, vendors, rights }: Services, write: Write, org: string): Promise<void> {
  if (org === rights.operator) await reconcileSimulated(write, { org, simulated, vendors })
}

/** What the rule switched, an operator may take over: the row becomes one of the API. With MEGAROUTER_SIMULATED set it stays the environment's. */
export async function takeOverSimulated({ simulated, vendors }: Services, write: Write, org: string, enabled: boolean): Promise<Provider | null> {
  const vendor = vendors.get(simulatedVendor)
  const row = await findProvider(write, org, simulatedVendor)
  if (vendor === undefined || simulated !== 'automatic' || row === null || row.managedBy !== 'environment') return null
  await deleteProvider(write, org, simulatedVendor, { by: 'environment' })
  return createProvider(write, { id: simulatedVendor, org, vendor: simulatedVendor, name: vendor.name, baseUrl: null, enabled })
}

export const resourceOf = ({ id, name }: Provider) => ({ kind: 'provider', id, name })
/** For the audit log: of credentials what the console shows, and never under that name, which is kept out. */
export const kept = (provider: Provider): object => ({ ...without(provider, 'credentials', 'revision', 'deleted'), keys_of_vendor: provider.credentials.map(({ id, name, last4, status }) => ({ id, name, last4, status })) })

/** What `createFromInput` will store, as far as its credential is concerned. */
export const checkInput = (services: Services, input: NewProviderInput): Promise<CredentialCheck | null> => {
  const { vendor, credential, force } = input
  const id = input.id ?? vendor
  const baseUrl = input.base_url === undefined ? null : checkedBaseUrl(input.base_url)
  const provider = { id, vendor, name: input.name ?? services.vendors.get(vendor)?.name ?? id, baseUrl, managedBy: 'api' as const }
  return credential === undefined ? Promise.resolve(null) : checkEntry(services, provider, credential, { force, param: 'credential' })
}

export async function createFromInput(services: Services, write: Write, org: string, input: NewProviderInput, check: CredentialCheck | null): Promise<Provider> {
  const vendor = services.vendors.get(input.vendor)
  const id = input.id ?? input.vendor
  if (vendor?.simulated === true) {
    const taken = await takeOverSimulated(services, write, org, true)
    if (taken !== null) return taken
  }
  const baseUrl = input.base_url === undefined ? null : checkedBaseUrl(input.base_url)
  const created = await createProvider(write, { id, org, vendor: input.vendor, name: input.name ?? vendor?.name ?? id, baseUrl })
  const provider = input.credential === undefined ? created : await storeCredential(services, write, created, { text: input.credential, name: undefined, check })
  await followSimulated(services, write, org)
  return provider
}
