/**
 * Turns the rows of the database into what the data plane reads: vendors resolved, secrets opened, addresses chosen. Pure but for
 * decryption. What cannot be used (a variable that is gone, a secret of another master key) is left out and named as a problem.
 */
import { noRateLimit, type KeyEntry, type OrganisationSnapshot, type ProviderData, type SettingsData, type SnapshotData } from '../gateway/snapshot.ts'
import { priorities } from '../governance/priority.ts'
import { limits } from '../limits.ts'
import { atBaseUrl, vendor as declareVendor, type Vendor } from '../providers/provider.ts'
import { compilePolicy } from '../routing/compile-policy.ts'
import type { RoutingPolicyData } from '../routing/policy-data.ts'
import type { Alias } from '../store/aliases.ts'
import type { Deployment } from '../store/deployments.ts'
import type { ApiKey } from '../store/keys.ts'
import type { Credential, Provider } from '../store/providers.ts'
import type { RoutingPolicy } from '../store/routing-policies.ts'
import { openSecret, type Kek } from '../store/secrets.ts'
import type { Settings } from '../store/settings.ts'
import { readReference, type Variables } from './vendor-environment.ts'

/** What an OpenAI-compatible server of the operator's own is stored as. */
export const ownServer = 'openai-compatible'
/** The simulated provider's address is its socket; this only gives its paths a prefix. */
const simulatedBaseUrl = 'http://127.0.0.1/v1'

export interface Resolving {
  vendors: ReadonlyMap<string, Vendor>
  variables: Variables
  kek: Kek
  simulatedSocket: string | null
}

/** Current rows of one organisation by id, deleted ones left out. */
export interface Rows {
  providers: ReadonlyMap<string, Provider>
  aliases: ReadonlyMap<string, Alias>
  deployments: ReadonlyMap<string, Deployment>
  routing: ReadonlyMap<string, RoutingPolicy>
  /** Null until they are read. */
  settings: Settings | null
}

/** Of the configuration file; not kept in the database, since they belong to the node. */
export interface FileLimits {
  deadlines: Partial<SettingsData['deadlines']>
  requestBodyBytes: number | null
}

export function vendorOf(provider: Pick<Provider, 'id' | 'vendor' | 'name'> & { credentials: readonly unknown[] }, vendors: ReadonlyMap<string, Vendor>): Vendor | null {
  if (provider.vendor !== ownServer) return vendors.get(provider.vendor) ?? null
  return declareVendor({
    id: provider.id, name: provider.name, docs: '', env: [], auth: provider.credentials.length > 0 ? 'bearer' : 'none',
    // What such a server does not serve, it says itself.
    endpoints: ['chat', 'completions', 'embeddings', 'images', 'image_edits', 'image_variations', 'speech', 'transcriptions', 'translations', 'moderations', 'rerank'],
    // The one limit that every such server reads: a server that refuses it says so, one that ignores the newer field would bill on.
    quirks: { maxTokensField: 'max_tokens' },
  })
}

export const baseUrlOfProvider = (provider: Pick<Provider, 'baseUrl'>, vendor: Vendor): string | null =>
  vendor.simulated === true ? simulatedBaseUrl : provider.baseUrl ?? (vendor.places ? null : vendor.baseUrl) ?? null

/** The operator's own addresses are trusted; one that came through the API may lead to public addresses only. */
export const isGuarded = (provider: Pick<Provider, 'managedBy' | 'baseUrl'>): boolean => provider.managedBy === 'api' && provider.baseUrl !== null

export function resolveSecret(org: string, credential: Credential, { variables, kek }: Pick<Resolving, 'variables' | 'kek'>): { secret: string } | { problem: string } {
  if (credential.secretRef !== null) {
    const read = readReference(credential.secretRef, variables)
    return 'secret' in read ? read : { problem: `Credential ${credential.name} needs ${read.problem}.` }
  }
  if (credential.ciphertext === null) return { problem: `Credential ${credential.name} holds no secret.` }
  try {
    return { secret: openSecret(kek, credential.ciphertext, { org, id: credential.id, version: credential.version }).reveal() }
  } catch (error) {
    return { problem: `Credential ${credential.name} cannot be opened: ${error instanceof Error ? error.message : String(error)}` }
  }
}

export function providerData(provider: Provider, resolving: Resolving, problems: string[]): ProviderData | null {
  const vendor = vendorOf(provider, resolving.vendors)
  if (vendor === null) {
    problems.push(`Provider ${provider.id} uses the vendor ${provider.vendor}, which this version does not know.`)
    return null
  }
  const baseUrl = baseUrlOfProvider(provider, vendor)
  if (baseUrl === null) {
    problems.push(`Provider ${provider.id} has no base URL: set ${vendor.baseUrlEnv}, or its base_url.`)
    return null
  }
  if (vendor.simulated === true && resolving.simulatedSocket === null) return null
  const credentials = provider.credentials.filter(({ status }) => status === 'active').flatMap((credential) => {
    const resolved = resolveSecret(provider.org, credential, resolving)
    if ('secret' in resolved) return [{ id: credential.id, secret: resolved.secret, last4: credential.last4, node: credential.node }]
    problems.push(resolved.problem)
    return []
  })
  if (credentials.length === 0 && vendor.auth !== 'none' && vendor.selfHosted !== true && provider.vendor !== ownServer) {
    problems.push(`Provider ${provider.id} has no usable credential.`)
    return null
  }
  return { id: provider.id, vendor: atBaseUrl(vendor, baseUrl), baseUrl, socketPath: vendor.simulated === true ? resolving.simulatedSocket : null, guarded: isGuarded(provider), credentials }
}

const { connectTimeoutMs: connectMs, firstTokenTimeoutMs: firstTokenMs, idleTimeoutMs: idleMs, totalTimeoutMs: totalMs, commitAfterMs, keepAliveMs, clientStallMs, holdTokens, holdMs } = limits

/** `problems`: by organisation. */
export function snapshotData(version: number, organisations: ReadonlyMap<string, Rows>, resolving: Resolving, file: FileLimits): { snapshot: SnapshotData; problems: Map<string, string[]> } {
  const problems = new Map<string, string[]>()
  const known = [...organisations].flatMap(([org, rows]) => {
    const found: string[] = []
    problems.set(org, found)
    return rows.settings === null ? [] : [organisationSnapshot(rows, rows.settings, resolving, found)]
  })
  const snapshot: SnapshotData = {
    version, organisations: known,
    settings: {
      deadlines: { connectMs, firstTokenMs, idleMs, totalMs, commitAfterMs, keepAliveMs, clientStallMs, holdTokens, holdMs, ...file.deadlines },
      requestBodyBytes: file.requestBodyBytes ?? limits.requestBodyBytes,
      soleOrg: known.length === 1 ? known[0]!.id : null,
    },
  }
  return { snapshot, problems }
}

function organisationSnapshot(rows: Rows, settings: Settings, resolving: Resolving, problems: string[]): OrganisationSnapshot {
  const { org, organisation, status, timeZone, budget, rateLimit, unknownPrice, content, responses, cache, newModels } = settings
  return {
    id: org, name: organisation, isSuspended: status !== 'active', timeZone, budget, rateLimit: rateLimit ?? noRateLimit, unknownPrice, storesContent: content.store, storesResponses: responses.store, cacheTtlMs: cache.ttlS * 1000, newModels,
    providers: [...rows.providers.values()].filter((provider) => provider.enabled).flatMap((provider) => providerData(provider, resolving, problems) ?? []),
    deployments: [...rows.deployments.values()].map(({ id, model, provider, upstreamModel, price, priceAs, facts }) => ({ id, model, provider, upstreamModel, price, priceAs, facts })),
    aliases: [...rows.aliases.values()].map(({ name, strategy, targets }) => ({ name, strategy, targets })),
    routing: [...rows.routing.values()].flatMap((policy) => routingData(policy, problems)),
  }
}

/** Rows do not change, and to compile conditions takes a while. */
const judged = new WeakMap<RoutingPolicy, string | null>()

/** One that was stored by a version with other limits may no longer be usable. */
function routingData(policy: RoutingPolicy, problems: string[]): RoutingPolicyData[] {
  let problem = judged.get(policy)
  if (problem === undefined) {
    const compiled = compilePolicy(policy.data)
    judged.set(policy, (problem = Array.isArray(compiled) ? `The routing policy ${policy.name} cannot be used: ${compiled[0]?.field} ${compiled[0]?.error}.` : null))
  }
  if (problem === null) return [policy.data]
  problems.push(problem)
  return []
}

export function keyEntry(key: ApiKey): KeyEntry {
  return {
    id: key.id, version: key.version, hash: key.hash, status: key.status, name: key.name,
    org: key.org, team: key.team, project: key.project, user: key.user, models: key.models, budget: key.budget,
    rateLimit: key.rateLimit ?? noRateLimit,
    node: key.node, serviceAccount: key.serviceAccount, priority: key.priority === null ? null : priorities[key.priority] ?? null, tags: key.tags, ipAllow: key.ipAllow, policy: key.routingPolicy,
    previous: key.previous === null ? null : { hash: key.previous.hash, untilMs: Math.floor(key.previous.until / 1000) },
    expiresAt: key.expiresAt === null ? null : Math.floor(key.expiresAt / 1000),
  }
}
