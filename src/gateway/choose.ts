/**
 * From the name that was asked for to the deployments that may serve it, in the order they are tried: an alias, a declared
 * model, `vendor/model`, or a logical model of the catalogue, then the request's own fallbacks. Filters say why they removed.
 */
import { nearestNames } from '../catalog/nearest.ts'
import { failure, type Failure } from '../errors.ts'
import type { AliasOfNode } from '../governance/node-defaults.ts'
import type { Principal } from '../governance/principal.ts'
import type { Ancestor } from '../ledger/account.ts'
import { priceUnknown } from '../ledger/refusals.ts'
import { limits } from '../limits.ts'
import { vendors } from '../providers/index.ts'
import { deploymentOf, logicalDeployments } from './compile-snapshot.ts'
import { chooseAuto, policyNameOf } from './auto.ts'
import type { Exchange } from './exchange.ts'
import type { Gateway } from './pipeline.ts'
import { asUsedBy, factsFor, isAllowed, isListed, policyDenial } from './policy.ts'
import type { AliasData, Deployment, View } from './snapshot.ts'

export interface Choice {
  deployments: Deployment[]
  route: string
}

/** A name that means the router goes there; others mean models. */
export function choose(exchange: Exchange, gateway: Pick<Gateway, 'routing' | 'admission' | 'kept' | 'tools'>): Choice | Failure {
  exchange.enter('choose')
  if (exchange.routed !== null) forget(exchange)
  const policy = policyNameOf(exchange.asked!.model, exchange.view!)
  if (policy === null) return chooseNamed(exchange, gateway.tools.random)
  const choice = chooseAuto(exchange, policy, gateway)
  if ('code' in choice || !exchange.options!.fallbacks) return choice
  const others = chooseNamed(exchange, gateway.tools.random, exchange.options!.fallbacks)
  return 'code' in others ? others : { deployments: [...choice.deployments, ...others.deployments.filter(({ id }) => !choice.deployments.some((each) => each.id === id))], route: `${choice.route}+fallbacks` }
}

/** What the router said of a request that goes elsewhere after all. */
function forget(exchange: Exchange): void {
  exchange.routed = exchange.hedge = null
  exchange.cachePolicy = undefined
}

/** `random` in [0, 1) draws weighted aliases. */
function chooseNamed(exchange: Exchange, random: () => number, names: readonly string[] | null = null): Choice | Failure {
  const { endpoint } = exchange
  const view = exchange.view!
  const principal = exchange.principal!
  const { model } = exchange.asked!
  const fallbacks = exchange.downgraded ? null : exchange.options!.fallbacks ?? principal.defaults?.fallbacks?.value ?? null
  const candidates: Deployment[] = []
  for (const name of names ?? (fallbacks === null ? [model] : [model, ...fallbacks])) {
    const named = resolve(view, name, random, principal)
    const deployments = named.length > 0 || exchange.home === null ? named : atHome(view, exchange.home, name)
    if (deployments.length === 0 && !isKnown(view, name) && !(exchange.home !== null && view.catalog.find(exchange.home, name))) return unknownModel(view, name)
    for (const deployment of deployments) if (!candidates.some(({ id }) => id === deployment.id)) candidates.push(deployment)
  }
  if (candidates.length === 0) return notEnabled(view, (exchange.home && view.catalog.find(exchange.home, model)?.logicalModel) ?? model)
  const able = candidates.filter(({ provider }) => provider.vendor.endpoints.includes(endpoint.capability))
  if (able.length === 0) return failure('invalid_request', `${candidates[0]!.provider.vendor.name} does not serve ${endpoint.path}. GET /v1/models shows what each model can do.`, { param: 'model' })
  const usable = able.flatMap((deployment) => asUsedBy(deployment, principal) ?? [])
  if (usable.length === 0) return failure('provider_not_enabled', `Key ${exchange.key!.name} has no credential at ${able[0]!.provider.vendor.name}, where ${model} is served: those that are there belong to other teams. Use another model, or ask ${principal.whom.key} to add one.`, { param: 'model' })
  const facts = factsFor(exchange, principal)
  const allowed = usable.filter((deployment) => isListed(exchange.key!, model, deployment) && isAllowed(view, principal, deployment, facts))
  if (allowed.length === 0) return policyDenial(view, exchange.key!, principal, { model, capability: endpoint.capability }, usable, facts)
  const priced = allowed.filter((deployment) => deployment.price !== null || !unpricedIsBlocked(view, principal))
  if (priced.length === 0) return priceUnknown(model, hardBudgetOf(principal))
  return { deployments: priced, route: routeOf(view, model, principal, exchange.downgraded, fallbacks !== null && fallbacks.length > 0) }
}

/** Aliases of the nodes above a key go before those of the organisation. */
const aliasOf = (view: View, name: string, principal: Principal | null): AliasData | AliasOfNode | undefined =>
  principal?.defaults?.aliases.get(name)?.value ?? view.aliases.get(name)

export function resolve(view: View, name: string, random: () => number, principal: Principal | null, depth = 0): Deployment[] {
  const alias = aliasOf(view, name, principal)
  if (alias && depth < limits.aliasDepth) return ordered(alias, random).flatMap((target) => resolve(view, target, random, principal, depth + 1))
  const declared = view.declared.get(name)
  if (declared) return [...declared]
  const slash = name.indexOf('/')
  const provider = slash > 0 ? view.providers.get(name.slice(0, slash)) : undefined
  if (provider && slash + 1 < name.length) return [deploymentOf(view, provider, name.slice(slash + 1))]
  return logicalDeployments(view, name)
}

/** What a vendor's own clients call a model: there, where it is switched on, else wherever else the same model is served. */
function atHome(view: View, home: string, name: string): Deployment[] {
  if (name.includes('/') && !name.startsWith('arn:')) return []
  const own = [...view.providers.values()].filter(({ vendor }) => vendor.id === home)
  if (own.length > 0) return own.map((provider) => deploymentOf(view, provider, name))
  const entry = view.catalog.find(home, name)
  return entry ? logicalDeployments(view, entry.logicalModel) : []
}

function ordered(alias: AliasData | AliasOfNode, random: () => number): string[] {
  if (alias.strategy === 'ordered') return alias.targets.map(({ model }) => model)
  const targets: readonly { model: string; weight: number }[] = alias.targets
  const total = targets.reduce((sum, { weight }) => sum + weight, 0)
  let left = random() * total
  const drawn = targets.find(({ weight }) => (left -= weight) < 0) ?? targets[0]!
  return [drawn.model, ...targets.filter((target) => target !== drawn).map(({ model }) => model)]
}

/** A name that exists, although nothing that is switched on may serve it. */
function isKnown(view: View, name: string): boolean {
  const slash = name.indexOf('/')
  return view.aliases.has(name) || view.catalog.logical(name).length > 0 || (slash > 0 && vendors.has(name.slice(0, slash)))
}

export const unpricedIsBlocked = (view: View, { hasHardBudget }: Principal): boolean => view.unknownPrice === 'block' && hasHardBudget
/** The innermost budget that refuses. */
export const hardBudgetOf = ({ ancestors }: Principal): Ancestor | null => ancestors.findLast(({ budget }) => budget !== null && budget.mode !== 'soft') ?? null

/** Names that were asked for and are unknown → what they may have meant. The search takes milliseconds, and a wrong client repeats itself. */
const meant = new WeakMap<View, Map<string, string[]>>()
const meantLimit = 1_000

function nearestServed(view: View, name: string): string[] {
  let known = meant.get(view)
  if (!known) meant.set(view, (known = new Map()))
  let nearest = known.get(name)
  if (!nearest) {
    const own = [...new Set([...view.aliases.keys(), ...view.declared.keys()])]
    const spelt = own.filter((known) => known.includes(name) || name.includes(known))
    const ofCatalog = view.catalog.nearest(name.slice(0, 100), 5, (logicalModel) => resolve(view, logicalModel, () => 0, null).length > 0)
    nearest = [...new Set([...nearestNames(name.slice(0, 100), own, 5), ...spelt, ...ofCatalog])].slice(0, 5)
    if (known.size >= meantLimit) known.clear()
    known.set(name, nearest)
  }
  return nearest
}

function unknownModel(view: View, name: string): Failure {
  const nearest = nearestServed(view, name)
  const hint = nearest.length > 0 ? ` Nearest names: ${nearest.join(', ')}.` : ''
  return failure('model_not_found', `There is no model "${name.slice(0, 100)}".${hint} GET /v1/models lists what this key may use.`, { param: 'model' })
}

function notEnabled(view: View, name: string): Failure {
  const slash = name.indexOf('/')
  const ids = slash > 0 && vendors.has(name.slice(0, slash)) ? [name.slice(0, slash)] : view.catalog.logical(name).map(({ vendor }) => vendor)
  const known = [...new Set(ids)].flatMap((id) => vendors.get(id) ?? [])
  const how = known.slice(0, 4).map((vendor) => `${vendor.name} (${vendor.env[0] ?? vendor.baseUrlEnv})`)
  const what = how.length > 0 ? ` It can be had from ${how.join(', ')}: have the operator set that variable, or an admin add a credential in the console under Providers.` : ''
  return failure('provider_not_enabled', `No provider that is switched on serves ${name}.${what} GET /v1/models lists what this key may use.`, { param: 'model' })
}

function routeOf(view: View, name: string, principal: Principal, downgraded: boolean, hasFallbacks: boolean): string {
  const kind = aliasOf(view, name, principal) ? 'alias' : view.declared.has(name) ? 'declared' : view.providers.has(name.split('/', 1)[0]!) ? 'pinned' : 'logical'
  return `${downgraded ? 'downgraded+' : ''}${kind}${hasFallbacks ? '+fallbacks' : ''}`
}
