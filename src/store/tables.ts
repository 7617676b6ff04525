/**
 * The rows of every table, as the newest migration leaves them. Times are integer epoch µs, money is integer nano-dollars,
 * JSON is text, and 0/1 stand for booleans, since these are what both databases hold exactly.
 */
import type { Generated } from 'kysely'
import type { GovernanceTables } from './governance-tables.ts'
import type { RoutingTables } from './routing-tables.ts'

export type DatabaseKind = 'sqlite' | 'postgres'
export type UserStatus = 'active' | 'invited' | 'disabled'
export type ManagedBy = 'api' | 'file' | 'environment'

export interface Tables extends GovernanceTables, RoutingTables {
  /** One row; every edit of a key, provider, alias, deployment or setting takes the next value in its own transaction. */
  revision: { id: number; value: number }
  organisation: { id: string; slug: string; name: string; time_zone: string; created_at: number; status: Generated<'active' | 'suspended'>; deleted_at: Generated<number | null> }
  user_account: {
    id: string; org_id: string; email: string; name: string; role: string; password_hash: string | null
    version: number; created_at: number; updated_at: number; deleted_at: number | null
    status: UserStatus
    /** Null for a user that an older version made and no one edited since. */
    revision: number | null; last_login_at: number | null; managed_by: ManagedBy
    /** The password of who is no owner: an older version, which knows owners only, finds none and lets nobody in. */
    login_hash: string | null
  }
  session: { id_hash: Uint8Array; user_id: string; user_version: number; csrf: string; created_at: number; expires_at: number }
  bootstrap: { id: number; token_hash: Uint8Array; created_at: number; expires_at: number; used_at: number | null }
  api_key: ApiKeyRow
  provider: ProviderRow
  credential: CredentialRow
  deployment: DeploymentRow
  alias: AliasRow
  setting: { org_id: string; value: string; version: number; revision: number; managed_by: ManagedBy; updated_at: number }
  /** One row: which master key is in use, that is, seals and hashes what is new. */
  installation: { id: number; kek_id: Uint8Array; created_at: number }
  idempotency: { scope: string; key: string; body_hash: Uint8Array; result_id: string; created_at: number }
  dimension: { id: Generated<number>; kind: string; value: string }
  usage: UsageRow
  request_log: RequestLogRow
  data_key: { id: string; org_id: string; wrapped: Uint8Array; created_at: number }
  content_index: { request_id: Uint8Array; org_id: string; data_key_id: string; day: string; position: number; bytes: number }
  /** `sealed`: a compressed `StoredResponse`, encrypted under the organisation's data key of that id. */
  stored_response: { id: string; org_id: string; owner: string; previous_id: string | null; at: number; bytes: number; data_key_id: string; sealed: Uint8Array }
  ledger_entry: LedgerEntryRow
  /** The entries of one transaction of a node's follower: those with `first_lsn ≤ lsn ≤ applied_lsn`. Batches of a node tile its LSNs. */
  ledger_batch: { node: string; number: number; first_lsn: number; applied_lsn: number; entries: number; prev_hash: Uint8Array; hash: Uint8Array }
  /** How far a node's journal was applied, written with the entries. `rejected`: records that could not be applied, each a defect. */
  ledger_position: { node: string; applied_lsn: number; batch: number; hash: Uint8Array; rejected: number }
  /** Sum of the entries of an `org:<id>`, a `key:<id>` (kind settle) or `overhead`, by the quarter of an hour of `held_at`. */
  account_balance: { entity: string; quarter: number; settled_nano: number; attempts: number }
  /** Sum of all entries; `amount_nano` may exceed 2^53. */
  ledger_total: { org: number; kind: number; outcome: number; flags: number; entries: number; amount_nano: number }
  /** Catalogues in the order in which they took effect; the highest number is in force. `artefact`: compressed, null once it is old. */
  catalog_version: CatalogVersionRow
  /** What an update wanted to change beyond the bounds: `held` until a person decides, or until a later update wants something else. */
  catalog_change: CatalogChangeRow
  /** Appended when a price in force changes, never rewritten. `price` is JSON of a `RowPrice`. */
  catalog_price: { vendor: string; model: string; valid_from: number; version: string; price: string }
  /** One row: the operator's overrides as JSON, and how the last look at the feed of the configuration ended. */
  catalog_state: { id: number; overrides: string; checked_at: number | null; check_error: string | null; failures: number }
  repeat_mark: { key_digest: Uint8Array; body_digest: Uint8Array; request_id: Uint8Array; at: number }
}

export interface Managed {
  version: number
  revision: number
  managed_by: ManagedBy
  created_at: number
  updated_at: number
}

export interface ApiKeyRow extends Managed {
  id: string; org_id: string; team_id: string | null; project_id: string | null; user_id: string | null
  name: string; prefix: string; last4: string; hash: Uint8Array; pepper_version: number; status: 'active' | 'disabled' | 'revoked'
  models: string | null
  budget_limit_nano: number | null; budget_period: string | null; budget_mode: string | null
  rate_rpm: number | null; rate_tpm: number | null; rate_concurrency: number | null
  /** Nano-dollars per minute. */
  rate_spend_nano: number | null
  expires_at: number | null
  /** Of the tree; `team_id` and `project_id` are what an older version reads. */
  node_id: string | null; service_account_id: string | null
  priority: number | null; tags: string | null; ip_allow: string | null
  /** The key that this one replaced; it works until `previous_until`. */
  previous_hash: Uint8Array | null; previous_pepper_version: number | null; previous_until: number | null
  /** What `auto` means to it; null: what its node says. */
  routing_policy: string | null
}

export interface CatalogVersionRow {
  number: number; version: string; date: string; origin: 'built-in' | 'update' | 'decision'; source: string
  applied_by: string; applied_at: number; summary: string; digest: Uint8Array; artefact: Uint8Array | null
}

export interface CatalogChangeRow {
  id: string; number: number; vendor: string; model: string; kind: string; reason: string; factor: string | null
  before_value: string; after_value: string; state: 'held' | 'approved' | 'rejected' | 'superseded'; decided_by: string | null; decided_at: number | null; created_at: number
}

export interface ProviderRow extends Managed {
  id: string; org_id: string; vendor: string; name: string; base_url: string | null; enabled: number; deleted_at: number | null
}

export interface CredentialRow {
  id: string; org_id: string; provider_id: string; name: string; last4: string; ciphertext: Uint8Array | null; secret_ref: string | null
  version: number; status: 'active' | 'disabled'; managed_by: ManagedBy; created_at: number; deleted_at: number | null
  /** The node that alone may use it; null: everyone. */
  node_id: string | null
}

export interface DeploymentRow extends Managed {
  id: string; org_id: string; model: string; provider_id: string; upstream_model: string; price: string | null; price_as: string | null; deleted_at: number | null
  /** JSON of what the operator states of it. */
  facts: string | null
}

export interface AliasRow extends Managed {
  name: string; org_id: string; strategy: 'ordered' | 'weighted'; targets: string; deleted_at: number | null
}

/** Columns of `usage` that hold an id of `dimension`. */
export interface UsageDimensions {
  org: number | null; team: number | null; project: number | null; user_id: number | null; key_id: number | null; session: number | null; tags: number | null
  vendor: number | null; provider: number | null; model: number | null; deployment: number | null; task: number | null; endpoint: number | null
  error_code: number | null; price_version: number | null
}

/** One attempt, or attempt 0 of a request that was never dispatched. A missing number is 0. */
export interface UsageRow extends UsageDimensions {
  request_id: Uint8Array; attempt: number; at: number
  /** Of the request, as its caller saw it; `outcome` is an index of `requestOutcomes`. */
  status: number | null; outcome: number | null
  /** Of the attempt; `attempt_outcome` is an index of `attemptOutcomes` plus 1. */
  attempt_status: number | null; attempt_outcome: number | null
  /** 1 miss, 2 hit. */
  cache: number | null
  stream: number | null; decision: string | null
  input: number | null; cache_read: number | null; cache_write_5m: number | null; cache_write_1h: number | null; output: number | null; reasoning: number | null
  audio_in: number | null; audio_out: number | null; image_in: number | null; image_out: number | null; tool_calls: number | null; requests: number | null
  images: number | null; audio_ms: number | null; characters: number | null; searches: number | null
  cost_nano: number | null; flags: number | null
  /** 1 on exactly one row of a request: the one that counts it. */
  final: number | null
  /** Of the request on its final row, of the attempt on others. */
  first_token_us: number | null; total_us: number | null
  overhead_us: number | null
  /** Varints by `stepNames`, only on the final row. */
  steps: Uint8Array | null
}

export interface RequestLogRow {
  /** In the order of writing: what the live view follows. */
  seq: Generated<number>
  request_id: Uint8Array; at: number; org: number | null
  model_asked: string | null; route: string | null; error_text: string | null
  client: string | null; client_address: string | null; client_request_id: string | null; traceparent: string | null
  request_bytes: number | null; response_bytes: number | null
  /** JSON of `LoggedAttempt[]` (requests.ts), null when nothing was dispatched. */
  attempts: string | null
}

/**
 * A balanced transfer of `amount_nano` ≥ 0: the organisation (kinds settle and void) or the account `gateway_overhead` (kind overhead)
 * pays the provider. `kind` is an index of `entryKinds`, `outcome` of `terminalOutcomes`; texts are ids of `dimension`, `node` too.
 */
export interface LedgerEntryRow {
  node: number; lsn: number; kind: number; request_id: Uint8Array; attempt: number
  org: number; team: number | null; project: number | null; user_id: number | null; key_id: number
  vendor: number; provider: number; deployment: number; model: number; upstream_model: number; price_version: number | null
  amount_nano: number; outcome: number; flags: number
  /** Varints by `usageClasses`, without zeros at the end; null when all are 0. */
  usage: Uint8Array | null
  held_at: number; ended_at: number
  /** Varints, each an id of `dimension`: what the entry counts for beyond organisation, key, user, model and vendor. Null: nothing. */
  entities: Uint8Array | null
}
