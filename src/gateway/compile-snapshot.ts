/** Builds the snapshot that requests read from the plain data that the control worker published. */
import type { Catalog, CatalogEntry } from '../catalog/catalog.ts'
import { dearestPrices, usageClasses, type PriceVector, type Prices } from '../catalog/price.ts'
import { matchesModel } from '../governance/model-patterns.ts'
import { compilePolicy, builtInCompiled, type CompiledPolicy } from '../routing/compile-policy.ts'
import type { RoutingPolicyData } from '../routing/policy-data.ts'
import { asServed, atBaseUrl, type Vendor } from '../providers/provider.ts'
import { identityOf, noRateLimit, type Deployment, type DeploymentData, type Made, type OrganisationSnapshot, type Provider, type ProviderData, type Snapshot, type SnapshotData, type View } from './snapshot.ts'

/** Names come from clients, so what is made for them is bounded, for all organisations together. */
const madeLimit = 50_000

/** Takes the place of `previous` under a higher version, also where the worker that numbers by its clock began anew and the clock was set back. */
export function compileSnapshot(data: SnapshotData, catalog: Catalog, previous: Snapshot | null = null): Snapshot {
  const made: Made = { pinned: new Map(), logical: new Map() }
  return {
    version: Math.max(data.version, (previous?.version ?? 0) + 1), catalog, settings: data.settings,
    organisations: new Map(data.organisations.map((each) => [each.id, compileView(each, catalog, made, previous?.organisations.get(each.id))])), bare: compileView(nobody, catalog, made),
  }
}

const nobody: OrganisationSnapshot = { id: '', name: '', timeZone: 'UTC', budget: null, rateLimit: noRateLimit, unknownPrice: 'block', storesContent: false, providers: [], deployments: [], aliases: [] }

function compileView({ providers, deployments, aliases, routing = [], lists = [], ...organisation }: OrganisationSnapshot, catalog: Catalog, made: Made, previous?: View): View {
  const view = {
    ...organisation, catalog, made,
    providers: new Map(providers.map((each) => [each.id, compileProvider(organisation.id, each)])),
    aliases: new Map(aliases.map((alias) => [alias.name, alias])),
    routing: compileRouting(routing, previous?.routing),
    lists: new Map(lists.map(({ provider, unknown, missing }) => [provider, { unknown: new Set(unknown), missing: missing === null ? null : new Set(missing) }])),
  }
  return { ...view, declared: compileDeclared(view, deployments) }
}

/** The control plane publishes only what compiles. A policy that did not change is not compiled again: its conditions take a while. */
function compileRouting(policies: readonly RoutingPolicyData[], previous: View['routing'] | undefined): View['routing'] {
  if (policies.length === 0) return builtInCompiled
  const compiled = new Map<string, CompiledPolicy>(builtInCompiled)
  for (const data of policies) {
    const policy = compilePolicy(data, previous?.get(data.name))
    if (!Array.isArray(policy)) compiled.set(data.name, policy)
  }
  return compiled
}

function compileDeclared(view: Pricing & Pick<View, 'providers'>, deployments: readonly DeploymentData[]): View['declared'] {
  const declared = new Map<string, Deployment[]>()
  for (const each of deployments) {
    const provider = view.providers.get(each.provider)
    if (!provider) continue
    const others = declared.get(each.model)
    const deployment = declaredDeployment(view, provider, each)
    if (others === undefined) declared.set(each.model, [deployment])
    else others.push(deployment)
  }
  return declared
}

type Pricing = Pick<View, 'id' | 'catalog' | 'unknownPrice'>

function compileProvider(org: string, data: ProviderData): Provider {
  const url = new URL(data.baseUrl)
  const pathPrefix = url.pathname.replace(/\/+$/, '')
  const credentials = data.credentials.filter(({ node }) => node === undefined || node === null)
  const owned = data.credentials.filter(({ node }) => node !== undefined && node !== null)
  return {
    id: data.id, identity: identityOf(org, data.id), vendor: atAddress(data.vendor, data.baseUrl), baseUrl: `${url.origin}${pathPrefix}`, origin: url.origin, pathPrefix, socketPath: data.socketPath, guarded: data.guarded, credentials,
    own: owned.length === 0 ? null : Map.groupBy(owned, ({ node }) => node!), isOpen: credentials.length > 0 || owned.length === 0,
  }
}

/** Behind another address than the vendor's own stands whatever the operator put there: chat completions are what all of it speaks. */
function atAddress(declared: Vendor, baseUrl: string): Vendor {
  const vendor = atBaseUrl(declared, baseUrl)
  const isOwn = vendor.baseUrl === undefined || vendor.baseUrl.includes('{') || vendor.baseUrl.replace(/\/$/, '') === baseUrl.replace(/\/$/, '')
  if (isOwn || !vendor.formats.some(({ protocol }) => protocol === 'openai-chat')) return vendor
  return { ...vendor, formats: vendor.formats.toSorted((a, b) => Number(b.protocol === 'openai-chat') - Number(a.protocol === 'openai-chat')) }
}

/** The provider with the rules that its vendor has for this model. */
function serving(provider: Provider, upstreamModel: string): Provider {
  const vendor = asServed(provider.vendor, (models) => matchesModel(models, upstreamModel))
  return vendor === provider.vendor ? provider : { ...provider, vendor }
}

/** The deployment `<provider>/<upstream model>`, with the catalogue's facts where it knows the model. */
export function deploymentOf(view: View, provider: Provider, upstreamModel: string): Deployment {
  const { made: { pinned }, catalog } = view
  const identity = `${provider.identity}/${upstreamModel}`
  let deployment = pinned.get(identity)
  if (!deployment) {
    const entry = known(catalog, provider, upstreamModel)
    deployment = {
      id: `${provider.id}/${upstreamModel}`, identity, provider: serving(provider, upstreamModel), upstreamModel,
      logicalModel: entry?.logicalModel ?? upstreamModel,
      group: null,
      price: entry?.price ?? defaultPrice(view, provider),
      contextTokens: entry?.contextTokens ?? 0,
      outputTokens: entry?.outputTokens ?? 0,
      reasoning: entry?.reasoning ?? null,
      outputModalities: entry?.outputModalities ?? null,
    }
    if (pinned.size >= madeLimit) pinned.clear()
    pinned.set(identity, deployment)
  }
  return deployment
}

const known = (catalog: Catalog, { vendor: { id, pricedAs } }: Provider, upstreamModel: string): CatalogEntry | undefined => catalog.find(id, upstreamModel) ?? (pricedAs === undefined ? undefined : catalog.find(pricedAs, upstreamModel))

/** Those that serve a logical model, in the order of the catalogue. Only its names are kept. */
export function logicalDeployments(view: View, name: string): Deployment[] {
  const { made: { logical }, catalog, providers } = view
  const key = identityOf(view.id, name)
  let deployments = logical.get(key)
  if (!deployments) {
    const entries = catalog.logical(name)
    deployments = entries.flatMap((entry) => [...providers.values()].filter(({ vendor }) => vendor.id === entry.vendor).map((each) => deploymentOf(view, each, entry.upstreamModel)))
    if (entries.length === 0) return deployments
    if (logical.size >= madeLimit) logical.clear()
    logical.set(key, deployments)
  }
  return deployments
}

function declaredDeployment(view: Pricing, provider: Provider, data: DeploymentData): Deployment {
  const like = data.priceAs === null ? undefined : view.catalog.logical(data.priceAs)[0]
  const entry = like ?? known(view.catalog, provider, data.upstreamModel)
  return {
    id: data.id, identity: identityOf(view.id, data.id), provider: serving(provider, data.upstreamModel), upstreamModel: data.upstreamModel, logicalModel: data.model, group: data.model,
    price: data.price ?? entry?.price ?? defaultPrice(view, provider),
    contextTokens: entry?.contextTokens ?? 0,
    outputTokens: entry?.outputTokens ?? 0,
    reasoning: entry?.reasoning ?? null,
    outputModalities: entry?.outputModalities ?? null, declared: data.facts ?? null,
  }
}

const pricesOf = (price: (name: (typeof usageClasses)[number]) => number): Prices => Object.fromEntries(usageClasses.map((name) => [name, price(name)])) as Prices

const selfHosted: PriceVector = { version: 'self-hosted', base: pricesOf(() => 0), tiers: [] }
/** What a token costs of a model that nothing is said of, by its vendor alone. */
export const priceOfUnknown = ({ selfHosted: isOwn }: Provider['vendor']): PriceVector | null => (isOwn === true ? selfHosted : null)

const conservative = new WeakMap<Catalog, PriceVector>()

/** Self-hosted models cost nothing per token; any other unknown price is unknown, or by policy the dearest of the catalogue. */
function defaultPrice({ catalog, unknownPrice }: Pricing, provider: Provider): PriceVector | null {
  const own = priceOfUnknown(provider.vendor)
  if (own !== null) return own
  if (unknownPrice !== 'conservative') return null
  let price = conservative.get(catalog)
  if (!price) {
    const all = catalog.entries.flatMap((entry) => (entry.price ? [dearestPrices(entry.price)] : []))
    price = { version: 'conservative', base: pricesOf((name) => all.reduce((most, prices) => Math.max(most, prices[name]), 0)), tiers: [] }
    conservative.set(catalog, price)
  }
  return price
}
