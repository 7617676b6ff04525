/**
 * The policy, price and provider state that the data plane reads: immutable, built completely from one message of the
 * control worker and swapped by one pointer. A request keeps the snapshot it started with, and reads of it the view of its own
 * organisation alone. Keys live apart (key-index.ts), since they change singly.
 */
import type { Catalog, Modality } from '../catalog/catalog.ts'
import type { PriceVector } from '../catalog/price.ts'
import type { DeclaredFacts } from '../governance/model-class.ts'
import type { Priority } from '../governance/priority.ts'
import type { Vendor } from '../providers/provider.ts'
import type { Effort } from '../routing/policy-data.ts'
import type { CompiledPolicy } from '../routing/compile-policy.ts'
import type { RoutingPolicyData } from '../routing/policy-data.ts'

/** What the control worker publishes: structured-cloneable, no functions. */
export interface SnapshotData {
  /** Monotonic; a lower version never replaces a higher one. */
  version: number
  organisations: OrganisationSnapshot[]
  settings: SettingsData
}

/** All that one organisation has; no other sees anything of it. */
export interface OrganisationSnapshot extends OrganisationData, OrganisationSettings {
  providers: ProviderData[]
  /** Deployments that it declared, besides those that follow from the catalogue. */
  deployments: DeploymentData[]
  aliases: AliasData[]
  /** Routing policies of its own; absent: none. */
  routing?: RoutingPolicyData[]
  /** Of the providers whose vendor's own list of models is known. */
  lists?: ListData[]
}

/** Where a vendor's own list of models differs from the catalogue. */
export interface ListData {
  provider: string
  /** Upstream models that only the vendor's list names. */
  unknown: string[]
  /** Upstream models that the vendor's list does not name; null: the list is too small a part for that to mean anything. */
  missing: string[] | null
}

export interface ProviderData {
  /** The vendor id, or the operator's own id of an OpenAI-compatible server. Another organisation may have one of the same id. */
  id: string
  vendor: Vendor
  baseUrl: string
  /** Set for the simulated provider, which listens on a socket of this process. */
  socketPath: string | null
  /** True where the base URL came from the API and not from the operator's environment or file: the egress guard applies. */
  guarded: boolean
  /** Those without a node are for everyone. */
  credentials: CredentialData[]
}

/** `node`: the team or project whose keys alone use it; null: everyone's. */
export interface CredentialData { id: string; secret: string; last4: string; node?: string | null }

export interface DeploymentData {
  id: string
  /** The name clients use. */
  model: string
  provider: string
  upstreamModel: string
  /** Null: the catalogue's price of `priceAs` (or of the upstream model) applies. */
  price: PriceVector | null
  /** A logical model whose catalogue facts and price apply. */
  priceAs: string | null
  /** What the operator states of it, for policies. */
  facts?: DeclaredFacts | null
}

export interface AliasData {
  name: string
  /** `ordered`: first healthy target wins; `weighted`: drawn by weight, the others are fallbacks in declared order. */
  strategy: 'ordered' | 'weighted'
  targets: { model: string; weight: number }[]
}

/** What applies to all keys of an organisation together. */
export interface OrganisationData {
  id: string
  name: string
  /** Its keys are refused while it is. */
  isSuspended?: boolean
  /** Zone of budget periods, IANA name. */
  timeZone: string
  budget: Budget | null
  rateLimit: RateLimit
}

export interface OrganisationSettings {
  unknownPrice: 'allow' | 'block' | 'conservative'
  /** Whether what its requests and answers say is stored. */
  storesContent: boolean
  /** Whether translated conversations of the Responses API are stored, so that one may go on by its id. */
  storesResponses?: boolean
  /** How long answers are kept for requests that ask for the cache; 0: they are not. */
  cacheTtlMs?: number
  /** Whether `auto` may come to choose models that it has not used yet by itself, or asks first; absent: automatic. */
  newModels?: 'automatic' | 'approval'
}

/** Of the node, for all organisations. */
export interface SettingsData {
  deadlines: {
    connectMs: number
    firstTokenMs: number
    idleMs: number
    totalMs: number
    commitAfterMs: number
    keepAliveMs: number
    clientStallMs: number
    /** The pre-commit window: a stream is held back until so many tokens or so much time after its first one, whichever comes first, so that an early failure can still be mended. 0 and 0: not at all. */
    holdTokens: number
    holdMs: number
  }
  requestBodyBytes: number
  /** The organisation that refusals without a known key are shown to; null when there are several. */
  soleOrg: string | null
}

/** A place to send a request to, resolved and priced. */
export interface Deployment {
  /** Stable: `<provider>/<upstream model>` unless the operator named it. */
  id: string
  /** With the organisation before it, so that there is one in the installation: health, breakers and what is learnt hang on it. */
  identity: string
  provider: Provider
  upstreamModel: string
  logicalModel: string
  /** Deployments of one group are of equal preference and share the load; null: it stands alone, in its place in the order. */
  group: string | null
  /** Null: unknown price. */
  price: PriceVector | null
  /** Tokens; 0 where unknown. */
  contextTokens: number
  outputTokens: number
  /** Null: the catalogue does not know the model. */
  reasoning: boolean | null
  outputModalities: readonly Modality[] | null
  /** What the operator states of it goes before the catalogue where policies ask. */
  declared?: DeclaredFacts | null
  /** Of reasoning, where the router asks for one; a request that says its own keeps it. */
  effort?: Effort
}

export interface Provider {
  id: string
  /** With the organisation before it. */
  identity: string
  vendor: Vendor
  /** Without a trailing slash. */
  baseUrl: string
  /** Path prefix of the base URL, for example `/v1`. */
  origin: string
  pathPrefix: string
  socketPath: string | null
  guarded: boolean
  /** For everyone who has none of their own. */
  credentials: readonly CredentialData[]
  /** By the node that they belong to; null where there are none. */
  own: ReadonlyMap<string, readonly CredentialData[]> | null
  /** False where only nodes with credentials of their own can use it. */
  isOpen: boolean
}

export interface Snapshot {
  version: number
  catalog: Catalog
  organisations: ReadonlyMap<string, View>
  /** Of an organisation that is not known (any more): nothing. */
  bare: View
  settings: SettingsData
}

/** All that requests of one organisation see. */
export interface View extends OrganisationData, OrganisationSettings {
  catalog: Catalog
  providers: ReadonlyMap<string, Provider>
  aliases: ReadonlyMap<string, AliasData>
  /** The built-in policies, and those of the organisation, which go before them. */
  routing: ReadonlyMap<string, CompiledPolicy>
  /** Operator-declared deployments by the model name that clients use. */
  declared: ReadonlyMap<string, readonly Deployment[]>
  /** By provider; see `ListData`. */
  lists: ReadonlyMap<string, { unknown: ReadonlySet<string>; missing: ReadonlySet<string> | null }>
  made: Made
}

/** Deployments that follow from the catalogue or a pinned name, made when first asked for. One for all views, so that one bound holds. */
export interface Made {
  /** By identity. */
  pinned: Map<string, Deployment>
  /** By organisation and logical model. */
  logical: Map<string, Deployment[]>
}

export const viewOf = (snapshot: Snapshot, org: string): View => snapshot.organisations.get(org) ?? snapshot.bare
export const identityOf = (org: string, id: string): string => `${org}/${id}`
/** What it is called within its organisation. */
export const idIn = (identity: string): string => identity.slice(identity.indexOf('/') + 1)

/** What a key may do and whom it belongs to. Immutable; replaced whole when anything changes. */
export interface KeyEntry {
  id: string
  /** Higher wins, so that a late message never resurrects an old state. */
  version: number
  /** HMAC-SHA-256 of the key under the pepper. */
  hash: Uint8Array
  status: 'active' | 'disabled' | 'revoked'
  name: string
  org: string
  /** Of an older version, which knows no tree. */
  team: string | null
  project: string | null
  user: string | null
  /** The team or project that it is in; null: directly below the organisation. */
  node: string | null
  serviceAccount: string | null
  /** Null: standard. */
  priority: Priority | null
  /** Besides those of each request. */
  tags: readonly string[]
  /** Addresses and networks that may use it; null: any. */
  ipAllow: readonly string[] | null
  /** The hash before the last rotation, which works until then (epoch ms). */
  previous: { hash: Uint8Array; untilMs: number } | null
  /** Null: every model. Otherwise names and patterns with `*`. */
  models: readonly string[] | null
  /** The routing policy of its requests for `auto`; null or absent: as its team has it. */
  policy?: string | null
  budget: Budget | null
  rateLimit: RateLimit
  /** Epoch ms. */
  expiresAt: number | null
}

/** A key directly below its organisation, and nothing special. */
export const unplaced = { node: null, serviceAccount: null, priority: null, tags: [] as readonly string[], ipAllow: null, previous: null } as const satisfies Partial<KeyEntry>

export interface Budget { limitNano: number; period: BudgetPeriod; mode: 'strict' | 'standard' | 'soft' }

/** Null: no limit. */
export interface RateLimit {
  /** Requests per minute. */
  rpm: number | null
  /** Tokens per minute, input and output. */
  tpm: number | null
  /** Requests that run at the same time. */
  concurrency: number | null
  /** Nano-dollars per minute. */
  spendNano: number | null
}

export const noRateLimit: RateLimit = { rpm: null, tpm: null, concurrency: null, spendNano: null }

export type BudgetPeriod = 'hour' | 'day' | 'week' | 'month' | 'year' | 'total'
