/** The entities of the admin API as the console reads them. Money is integer nano-dollars, times are ISO 8601. */

export interface Page<T> { data: T[]; next_cursor: string | null }
export type ManagedBy = 'api' | 'file' | 'environment'
export type Period = 'hour' | 'day' | 'week' | 'month' | 'year' | 'total'
export type BudgetMode = 'strict' | 'standard' | 'soft'
export type Health = 'closed' | 'open' | 'half_open' | null

export interface Setup { claimed: boolean; organisation: { id: string; name: string } | null; version: string; base_url: string; simulated: boolean; https: boolean }
export interface Session {
  user: { id: string; name: string; email: string; role: 'owner' }
  organisation: { id: string; name: string; time_zone: string }
  csrf: string
}

export interface RateLimit { rpm?: number | null; tpm?: number | null; concurrency?: number | null }
export interface Key {
  id: string; name: string; prefix: string; last4: string; status: 'active' | 'disabled' | 'revoked'; models: string[] | null
  budget: { limit_nano: number; period: Period; mode: BudgetMode; spent_nano: number; resets_at: string | null } | null
  rate_limit: RateLimit | null; expires_at: string | null; created_at: string; last_used_at: string | null
  spent_month_nano: number; requests_month: number; version: number; managed_by: ManagedBy
}
export interface KeyInput {
  name?: string; models?: string[] | null; status?: 'active' | 'disabled'
  budget?: { limit_usd: number | string; period: Period; mode: BudgetMode } | null
  rate_limit?: RateLimit | null; expires_at?: string | null
}

export interface Vendor {
  id: string; name: string; docs: string; env: string[]; base_url_env: string; base_url: string | null
  self_hosted: boolean; simulated: boolean; state: 'on' | 'off' | 'error'; models: number
}
export interface Provider {
  id: string; vendor: string; name: string; base_url: string; enabled: boolean; simulated: boolean; managed_by: ManagedBy
  credentials: { id: string; name: string | null; last4: string; managed_by: ManagedBy; status: string; created_at: string | null }[]
  models_count: number; last_success_at: string | null; requests_24h: number; failures_24h: number; version: number
}
export interface ProviderTest { ok: boolean; status: number; latency_ms: number; message: string }

export interface Alias { name: string; strategy: 'ordered' | 'weighted'; targets: { model: string; weight: number }[]; version: number; managed_by: ManagedBy }
export interface Deployment { id: string; model: string; provider: string; upstream_model: string; price_as: string | null; version: number; managed_by: ManagedBy }

export interface ModelPrice { input: number; output: number; cache_read?: number | null }
export interface Model {
  id: string; name: string
  vendors: { vendor: string; name: string; upstream_model: string; enabled: boolean; price: ModelPrice | null }[]
  context_tokens: number; output_tokens: number
  capabilities: { tools: boolean; structured_output: boolean; reasoning: boolean; vision: boolean; audio: boolean }
  open_weights: boolean; released_on: string; deprecated: boolean; available: boolean; aliases: string[]; health: Health
}

export interface Measures {
  requests: number; succeeded: number; refused: number; failed: number; attempts: number
  input_tokens: number; cache_read_tokens: number; output_tokens: number; reasoning_tokens: number
  cost_nano: number; unpriced_requests: number; estimated_requests: number
  p50_first_token_ms: number | null; p95_first_token_ms: number | null; p50_total_ms: number | null; p95_total_ms: number | null; overhead_p50_us: number | null
}
export type GroupBy = 'key' | 'model' | 'vendor' | 'deployment' | 'status' | 'endpoint' | 'none'
export interface Usage {
  range: { from: string; to: string; time_zone: string; bucket: 'hour' | 'day' | 'none' }
  totals: Measures
  groups: ({ group: string | null; label: string | null; deleted: boolean } & Measures)[]
  series: ({ at: string; group: string | null; partial: boolean } & Measures)[]
  as_of: string
}

export type Outcome = 'success' | 'refused' | 'failed' | 'broken' | 'cancelled'
export interface RequestRow {
  id: string; at: string; endpoint: string; stream: boolean; status: number; outcome: Outcome
  error_code: string | null; error_text: string | null; key: { id: string; name: string } | null
  model_asked: string | null; model: string | null; vendor: string | null; provider: string | null; deployment: string | null
  route: string | null; attempts: number; input_tokens: number; output_tokens: number; cost_nano: number; flags: string[]
  first_token_ms: number | null; total_ms: number; overhead_us: number; simulated: boolean; session: string | null; tags: string[]; client: string | null
}
export interface Attempt {
  number: number; vendor: string | null; provider: string | null; deployment: string | null; upstream_model: string | null
  outcome: string | null; status: number; error_code: string | null; error_text: string | null; upstream_request_id: string | null
  started_ms: number; first_token_ms: number | null; ended_ms: number; usage: Record<string, number>; cost_nano: number
  price_version: string | null; flags: string[]; final: boolean
  cost_by_class: { class: string; units: number; price_nano_per_million: number; cost_nano: number }[]
}
export interface RequestDetail extends Omit<RequestRow, 'attempts'> {
  attempts: Attempt[]; steps: { name: string; us: number }[]; client_address: string | null; client_request_id: string | null
  trace_id: string | null; request_bytes: number; response_bytes: number; content: { stored: boolean }
}

export interface Status {
  version: string; started_at: string; uptime_s: number; node: string
  database: { kind: string; up: boolean; queued: number; dropped: number }
  config: { file: string | null; managed: boolean; loaded_at: string | null; error: string | null }
  catalog_version: string; providers_on: number
  health: { deployment: string; state: 'closed' | 'open' | 'half_open'; success_rate: number; in_flight: number }[]
}
export interface Settings {
  organisation: { name: string }; time_zone: string; unknown_price: 'allow' | 'block' | 'conservative'
  content: { store: boolean; retention_days: number; quota_mb: number }; retention: { requests_days: number; usage_days: number }; version?: number
}
export interface StateEvent { database_up: boolean; queued: number; config_error: string | null }
