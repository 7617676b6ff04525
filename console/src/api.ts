/**
 * The one client of the admin API. Every failure is an `ApiError` with the server's own words; a network failure has status 0.
 * Unsafe calls carry the CSRF token of the running session, creates an idempotency key, and edits the version they were based on.
 */
import type {
  Alias,
  ChangedKey,
  ChangedSettings,
  Claim,
  CreatedKey,
  Deployment,
  DeploymentPatch,
  GroupBy,
  Key,
  KeyInput,
  LedgerSummary,
  Model,
  NewKeyInput,
  Page,
  Provider,
  ProviderInput,
  ProviderModels,
  ProviderTest,
  RequestContent,
  RequestDetail,
  RequestRow,
  Session,
  Settings,
  SettingsInput,
  Setup,
  Status,
  Usage,
  Vendor,
} from './api-types.ts'

/** A rule is counted from 1; line and column are of its condition. */
export interface RuleProblem {
  rule?: number
  field: string
  message: string
  line?: number
  column?: number
}

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly param: string | null
  readonly requestId: string | null
  /** The entity as it is now, on 412. */
  readonly current: unknown
  /** Of a policy: everything that is wrong with its rules. */
  readonly problems: readonly RuleProblem[]
  constructor(status: number, code: string, message: string, more: { param?: string | null; requestId?: string | null; current?: unknown; problems?: readonly RuleProblem[] } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.param = more.param ?? null
    this.requestId = more.requestId ?? null
    this.current = more.current
    this.problems = more.problems ?? []
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>
interface Call {
  query?: Query
  body?: unknown
  version?: number | undefined
  create?: boolean
  signal?: AbortSignal
}

let csrf = ''
export const base = '/api/v1'

function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  const text = search.toString()
  return `${base}${path}${text ? `?${text}` : ''}`
}

function headersOf(method: string, call: Call): Headers {
  const headers = new Headers()
  if (call.body !== undefined) headers.set('content-type', 'application/json')
  if (method !== 'GET' && csrf) headers.set('x-megarouter-csrf', csrf)
  if (call.version !== undefined) headers.set('if-match', `"${call.version}"`)
  if (call.create) headers.set('idempotency-key', crypto.randomUUID())
  return headers
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  try {
    const { error, current } = JSON.parse(text) as {
      error: { code: string; message: string; param?: string; request_id?: string; current?: unknown; problems?: RuleProblem[] }
      current?: unknown
    }
    return new ApiError(response.status, error.code, error.message, {
      param: error.param ?? null,
      requestId: error.request_id ?? null,
      current: current ?? error.current,
      ...(error.problems && { problems: error.problems }),
    })
  } catch {
    return new ApiError(response.status, 'unreadable', `The gateway answered ${response.status} without an explanation. Its log has more.`)
  }
}

export async function call<T>(method: string, path: string, options: Call = {}): Promise<T> {
  const init: RequestInit = { method, headers: headersOf(method, options), credentials: 'same-origin' }
  if (options.body !== undefined) init.body = JSON.stringify(options.body)
  if (options.signal) init.signal = options.signal
  let response: Response
  try {
    response = await fetch(address(path, options.query), init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'unreachable', 'The gateway does not answer. Check that it is running; this page tries again by itself.')
  }
  if (!response.ok) throw await failure(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** Every answer that is a session: its proof goes with all calls that follow. */
export function keepSession(session: Session): Session {
  csrf = session.csrf
  return session
}
const id = encodeURIComponent

export interface RequestFilter {
  key?: string
  model?: string
  vendor?: string
  status?: string
  outcome?: string
  search?: string
  from?: string
  to?: string
  min_cost_nano?: number
}
export interface UsageQuery {
  range: string
  group_by: GroupBy
  bucket: 'hour' | 'day' | 'none'
}

export const api = {
  setup: () => call<Setup>('GET', '/setup'),
  claim: (body: Claim) => call<unknown>('POST', '/setup/claim', { body }),
  session: async () => keepSession(await call<Session>('GET', '/session')),
  signOut: () => call<void>('DELETE', '/session'),

  keys: (query: Query = { limit: 200 }) => call<Page<Key>>('GET', '/keys', { query }),
  key: (key: string) => call<Key>('GET', `/keys/${id(key)}`),
  createKey: (body: NewKeyInput) => call<CreatedKey>('POST', '/keys', { body, create: true }),
  updateKey: (key: string, body: KeyInput, version?: number) => call<ChangedKey>('PATCH', `/keys/${id(key)}`, { body, version }),
  moveKey: (key: string, node: string | null, version?: number) => call<Key>('POST', `/keys/${id(key)}/move`, { body: { node_id: node }, version }),
  rotateKey: (key: string, overlapSeconds: number, version?: number) => call<CreatedKey>('POST', `/keys/${id(key)}/rotate`, { body: { overlap_seconds: overlapSeconds }, version }),
  revokeKey: (key: string) => call<void>('DELETE', `/keys/${id(key)}`),
  playgroundToken: (key: string) => call<{ token: string; expires_at: string }>('POST', `/keys/${id(key)}/playground`),

  vendors: () => call<Page<Vendor>>('GET', '/vendors'),
  providers: () => call<Page<Provider>>('GET', '/providers'),
  createProvider: (body: ProviderInput) => call<Provider>('POST', '/providers', { body, create: true }),
  updateProvider: (provider: string, body: { enabled?: boolean; base_url?: string }, version?: number) =>
    call<Provider>('PATCH', `/providers/${id(provider)}`, { body, version }),
  deleteProvider: (provider: string) => call<void>('DELETE', `/providers/${id(provider)}`),
  addCredential: (provider: string, body: { secret: string; name?: string; force?: boolean }) =>
    call<Provider>('POST', `/providers/${id(provider)}/credentials`, { body, create: true }),
  deleteCredential: (provider: string, credential: string) => call<void>('DELETE', `/providers/${id(provider)}/credentials/${id(credential)}`),
  providerModels: (provider: string, query: Query) => call<ProviderModels>('GET', `/providers/${id(provider)}/models`, { query }),
  refreshProviderModels: (provider: string) => call<Pick<ProviderModels, 'summary'>>('POST', `/providers/${id(provider)}/models/refresh`),
  testProvider: (provider: string) => call<ProviderTest>('POST', `/providers/${id(provider)}/test`),

  aliases: () => call<Page<Alias>>('GET', '/aliases'),
  createAlias: (body: Pick<Alias, 'name' | 'strategy' | 'targets'>) => call<Alias>('POST', '/aliases', { body, create: true }),
  updateAlias: (name: string, body: Partial<Pick<Alias, 'strategy' | 'targets'>>, version?: number) =>
    call<Alias>('PATCH', `/aliases/${id(name)}`, { body, version }),
  deleteAlias: (name: string, version?: number) => call<void>('DELETE', `/aliases/${id(name)}`, { version }),

  deployments: (query: Query) => call<Page<Deployment>>('GET', '/deployments', { query: { limit: 200, ...query } }),
  updateDeployment: (deployment: string, body: DeploymentPatch, version?: number) => call<Deployment>('PATCH', `/deployments/${id(deployment)}`, { body, version }),

  models: (query: Query) => call<Page<Model>>('GET', '/models', { query }),
  usage: (query: UsageQuery) => call<Usage>('GET', '/usage', { query: { ...query } }),
  requests: (filter: RequestFilter, cursor?: string | null, limit = 100) => call<Page<RequestRow>>('GET', '/requests', { query: { ...filter, limit, cursor } }),
  request: (request: string) => call<RequestDetail>('GET', `/requests/${id(request)}`),
  requestContent: (request: string) => call<RequestContent>('GET', `/requests/${id(request)}/content`),

  status: () => call<Status>('GET', '/status'),
  ledger: () => call<LedgerSummary>('GET', '/ledger/summary'),
  settings: () => call<Settings>('GET', '/settings'),
  updateSettings: (body: SettingsInput, version?: number) => call<ChangedSettings>('PATCH', '/settings', { body, version }),
}
