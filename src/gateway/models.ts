/**
 * `GET /v1/models`: what this key may use, in OpenAI's form with prices, capabilities and live health beside it. Models that only a
 * vendor's own list names are there as `<provider>/<model>`; one that no list of its vendors names any more is not offered.
 */
import type { CatalogEntry } from '../catalog/catalog.ts'
import { RequestVariable, type Facts } from '../governance/conditions.ts'
import { noFacts } from '../governance/model-policy.ts'
import type { Principal } from '../governance/principal.ts'
import type { HealthBook } from '../routing/health.ts'
import { policyNameOf } from './auto.ts'
import { resolve, unpricedIsBlocked } from './choose.ts'
import { localTime } from './local-time.ts'
import { asUsedBy, isAllowed, isListed } from './policy.ts'
import type { Deployment, KeyEntry, View } from './snapshot.ts'

export interface ListedModel {
  id: string
  object: 'model'
  created: number
  owned_by: string
  megarouter: {
    providers: string[]
    context_tokens: number | null
    output_tokens: number | null
    /** Whether the vendor's own list names it: `live`, `unknown` (the list alone, the catalogue does not know it) or `missing`; null: not known. */
    listing: Listing | null
    /** USD per million tokens; null: unknown. */
    price_usd_per_million: { input: number; output: number; cache_read: number } | null
    capabilities: string[]
    health: 'closed' | 'open' | 'half_open'
    simulated: boolean
  }
}

type Listing = 'live' | 'unknown' | 'missing'

const listed = new WeakMap<View, string[]>()

/** Names of all models that a provider of this view serves. */
function names(view: View): string[] {
  let all = listed.get(view)
  if (!all) {
    const served = new Set([...view.providers.values()].map(({ vendor }) => vendor.id))
    const logical = view.catalog.entries.filter((entry) => served.has(entry.vendor) && isServed(entry)).map(({ logicalModel }) => logicalModel)
    const unknown = [...view.lists].flatMap(([provider, list]) => (view.providers.has(provider) ? [...list.unknown].map((model) => `${provider}/${model}`) : []))
    all = [...new Set([...view.aliases.keys(), ...view.declared.keys(), ...logical, ...unknown])]
    listed.set(view, all)
  }
  return all
}

const isServed = ({ kind }: CatalogEntry): boolean => kind === 'chat' || kind === 'completion' || kind === 'embedding'

/** Who asks, and with what. */
export interface Asking { view: View; key: KeyEntry; principal: Principal; health: HealthBook; nowMs: number; epochMs: number }

export function listModels(asking: Asking): ListedModel[] {
  const { view, principal: { defaults } } = asking
  const own: readonly string[] = defaults === null ? none : [...defaults.aliases.keys()]
  const models = [...new Set([...own, ...names(view)])].flatMap((name) => {
    const model = describeModel(asking, name)
    const isOperators = own.includes(name) || view.aliases.has(name) || view.declared.has(name)
    return model === null || (model.megarouter.listing === 'missing' && !isOperators) ? [] : [model]
  })
  return models.length === 0 ? models : [...models, ...['auto', ...[...view.routing.keys()].map((name) => `auto:${name}`)].map(chooser)]
}

/** A name for which the gateway chooses the model. */
const chooser = (id: string): ListedModel => ({
  id, object: 'model', created: 0, owned_by: 'megarouter',
  megarouter: { providers: [], context_tokens: null, output_tokens: null, listing: null, price_usd_per_million: null, capabilities: [], health: 'closed', simulated: false },
})

const none: readonly never[] = []

/** A request of which nothing is known but who asks, and when: what depends on more is not offered. */
function factsOf({ principal: { asksRequests, variable, timeZone }, epochMs }: Asking): Facts {
  if (!asksRequests) return noFacts()
  const { hour, weekday } = localTime(timeZone, epochMs)
  const request = new RequestVariable({ tags: none, session: '', endpoint: 'models', stream: false, hasTools: null, hasImages: null, hasJson: null, inputTokens: null, maxOutputTokens: null, hour, weekday })
  return { principal: variable, request, model: null }
}

/** Null when there is no such model for this key. */
export function describeModel(asking: Asking, name: string): ListedModel | null {
  const { view, key, principal, health, nowMs } = asking
  const policy = policyNameOf(name, view)
  if (policy !== null) return policy === '' || view.routing.has(policy) ? chooser(name) : null
  const facts = factsOf(asking)
  const blocked = unpricedIsBlocked(view, principal)
  const deployments = resolve(view, name, () => 0, principal).flatMap((each) => asUsedBy(each, principal) ?? [])
    .filter((each) => (each.price !== null || !blocked) && isListed(key, name, each) && isAllowed(view, principal, each, facts))
  const first = deployments[0]
  if (!first) return null
  const { vendor } = first.provider
  const entry = view.catalog.find(vendor.id, first.upstreamModel) ?? view.catalog.logical(first.logicalModel)[0]
  return {
    id: name, object: 'model',
    created: entry?.releasedOn ? Math.floor(Date.parse(entry.releasedOn) / 1000) || 0 : 0,
    owned_by: vendor.id,
    megarouter: {
      providers: [...new Set(deployments.map(({ provider }) => provider.id))],
      context_tokens: first.contextTokens || null,
      output_tokens: first.outputTokens || null,
      listing: bestListing(view, deployments),
      price_usd_per_million: first.price && { input: first.price.base.input / 1e9, output: first.price.base.output / 1e9, cache_read: first.price.base.cacheRead / 1e9 },
      capabilities: capabilities(entry),
      health: best(deployments, health, nowMs),
      simulated: vendor.simulated === true,
    },
  }
}

function capabilities(entry: CatalogEntry | undefined): string[] {
  if (!entry) return []
  const has = { tools: entry.toolCalls, structured_output: entry.structuredOutput, reasoning: entry.reasoning, vision: entry.inputModalities.includes('image'), audio: entry.inputModalities.includes('audio'), embeddings: entry.kind === 'embedding' }
  return Object.entries(has).flatMap(([name, present]) => (present ? [name] : []))
}

/** A model is as healthy as its healthiest deployment. */
function best(deployments: readonly Deployment[], health: HealthBook, nowMs: number): 'closed' | 'open' | 'half_open' {
  const states = deployments.map(({ identity }) => health.state(identity, nowMs))
  return states.includes('closed') ? 'closed' : states.includes('half_open') ? 'half_open' : 'open'
}

/** Of several deployments the most certain one: a model is missing only where all of them are. */
function bestListing({ lists }: View, deployments: readonly Deployment[]): Listing | null {
  const states = deployments.map(({ provider, upstreamModel }): Listing | null => {
    const list = lists.get(provider.id)
    if (list?.unknown.has(upstreamModel)) return 'unknown'
    return list === undefined || list.missing === null ? null : list.missing.has(upstreamModel) ? 'missing' : 'live'
  })
  return states.includes('live') ? 'live' : states.includes(null) ? null : states.includes('unknown') ? 'unknown' : 'missing'
}
