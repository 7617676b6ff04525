/**
 * A small admin API and data plane with the invented month of fake-data.ts, for page tests and pictures: it serves console/dist under the
 * same content security policy as the gateway. It proves nothing about the gateway; onboarding.test.ts runs against the real one.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { accessRoutes } from './fake-access.ts'
import { budgetRoutes } from './fake-budgets.ts'
import { type Cell, dayCells, keys, measures, models, monthCells, monthStart, nano, now, requestDetail, requestRow } from './fake-data.ts'
import { keyRoutes } from './fake-keys.ts'
import { peopleRoutes } from './fake-people.ts'
import { routingRoutes } from './fake-routing.ts'

export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
const dist = fileURLToPath(new URL('../../console/dist/', import.meta.url))
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }

const rows = Array.from({ length: 900 }, (_, index) => requestRow(index, now - 900 - index ** 1.35 * 700))
const month = monthCells()
const day = dayCells()
const list = <T>(data: T[], next_cursor: string | null = null) => ({ data, next_cursor })

function grouped(cells: Cell[], by: string): Map<string, Cell[]> {
  const groups = new Map<string, Cell[]>()
  for (const cell of cells) {
    const group = by === 'key' ? cell.key : by === 'model' ? cell.model : by === 'vendor' ? cell.vendor : ''
    groups.set(group, [...(groups.get(group) ?? []), cell])
  }
  return groups
}
function usage(query: URLSearchParams) {
  const cells = query.get('range') === '24h' ? day : month
  const by = query.get('group_by') ?? 'none'
  const bucket = query.get('bucket') ?? 'none'
  const groups = [...grouped(cells, by)]
  const at = new Map<number, Cell[]>()
  for (const cell of cells) at.set(cell.at, [...(at.get(cell.at) ?? []), cell])
  const label = (group: string) => (by === 'key' ? keys.find((key) => key.id === group)?.name : group) ?? null
  return {
    range: { from: new Date(cells === day ? now - 86_400_000 : monthStart).toISOString(), to: new Date(now).toISOString(), time_zone: 'Europe/Berlin', bucket },
    totals: measures(cells),
    groups: by === 'none' ? [] : groups.map(([group, own]) => ({ group, label: label(group), deleted: false, ...measures(own) })),
    series:
      bucket === 'none'
        ? []
        : [...at].flatMap(([time, own]) =>
            [...grouped(own, by)].map(([group, part]) => ({
              at: new Date(time).toISOString(),
              group: by === 'none' ? null : group,
              partial: part[0]?.partial ?? false,
              ...measures(part),
            })),
          ),
    as_of: new Date(now).toISOString(),
  }
}
const organisationBudget = {
  limit_nano: nano(60_000),
  period: 'month',
  mode: 'standard',
  spent_nano: measures(month).cost_nano,
  resets_at: '2026-11-30T23:00:00Z',
  blocked: false,
}
const vendorNames: Record<string, string> = {
  openai: 'OpenAI',
  groq: 'Groq',
  deepseek: 'DeepSeek',
  mistral: 'Mistral',
  vllm: 'vLLM',
  together: 'Together',
  openrouter: 'OpenRouter',
  xai: 'xAI',
  ollama: 'Ollama',
  simulated: 'Simulated',
}
const checks: Record<string, object> = {
  accepted: { state: 'accepted', status: 200, message: 'Groq accepts the credential and offers 15 models.', checked_at: new Date(now - 90_000).toISOString() },
  groq: {
    state: 'refused',
    status: 401,
    message: 'Groq refused the credential (401): “Invalid API Key”. Check that it was copied whole and is active; see https://console.groq.com/docs/openai.',
    checked_at: new Date(now - 90_000).toISOString(),
  },
}
const ownModels = [
  ...Array.from({ length: 130 }, (_, index) => ({ id: `meta-llama/llama-4-maverick-17b-128e-instruct-${index}`, state: 'live' })),
  ...['allam-2-7b', 'qwen/qwen3.6-27b', 'moonshotai/kimi-k2-instruct-with-a-very-long-model-name-0905-preview'].map((id) => ({ id, state: 'unknown' })),
  ...['llama-3.3-70b-versatile', 'qwen/qwen3-32b'].map((id) => ({ id, state: 'missing' })),
].map(({ id, state }) => ({
  id,
  state,
  model: state === 'unknown' ? `groq/${id}` : (id.split('/').at(-1) ?? id),
  price: state === 'unknown' ? null : { input: nano(0.11), output: nano(0.34), cache_read: null },
  text: id !== 'allam-2-7b',
}))
const ownList = {
  live: 130,
  unknown: 3,
  missing: 2,
  partial: false,
  checked_at: new Date(now - 1_320_000).toISOString(),
  succeeded_at: new Date(now - 1_320_000).toISOString(),
  error: null,
}
const providerRows = ['openai', 'deepseek', 'mistral', 'groq', 'vllm'].map((vendor, index) => {
  const own = measures(day.filter((cell) => cell.vendor === vendor))
  return {
    id: vendor,
    vendor,
    name: vendorNames[vendor],
    base_url: vendor === 'vllm' ? 'http://10.4.0.12:8000/v1' : `https://api.${vendor}.com/v1`,
    enabled: true,
    simulated: false,
    managed_by: index < 2 ? 'environment' : 'api',
    credentials:
      vendor === 'vllm'
        ? []
        : [
            { id: `cred_${vendor}`, name: null, last4: '7Qa2', managed_by: index < 2 ? 'environment' : 'api', status: 'active', created_at: null, check: checks[vendor] ?? null },
            ...(vendor === 'groq'
              ? [{ id: 'cred_groq_2', name: 'second', last4: 'k91d', managed_by: 'api', status: 'active', created_at: null, check: checks.accepted }]
              : []),
          ],
    models_count: 42 - index * 7,
    models: { ...ownList, error: vendor === 'mistral' ? 'Mistral answered with status 503: “Service unavailable.”' : null },
    last_success_at: new Date(now - 4_000 - index * 9_000).toISOString(),
    requests_24h: own.requests,
    failures_24h: own.failed,
    version: 1,
  }
})
const vendorRows = Object.entries(vendorNames).map(([id, name]) => ({
  id,
  name,
  docs: `https://docs.example/${id}`,
  env: [`${id.toUpperCase()}_API_KEY`],
  credential: null,
  places: [],
  placed_urls: [],
  forms: [],
  base_url_env: `${id.toUpperCase()}_BASE_URL`,
  base_url: id === 'vllm' ? null : `https://api.${id}.com/v1`,
  self_hosted: id === 'vllm' || id === 'ollama',
  simulated: id === 'simulated',
  state: providerRows.some((row) => row.id === id) ? 'on' : 'off',
  models: id === 'openrouter' ? 312 : 24,
}))
const modelRows = [
  ...models,
  ...['gpt-4.1', 'mixtral-8x22b', 'grok-4-fast', 'qwen3-235b', 'kimi-k2-instruct-with-a-very-long-model-name-0905-preview'].map((id, index) => ({
    id,
    vendor: index === 2 ? 'xai' : 'together',
    input: 2,
    output: 8,
    read: 0.5,
    ttft: 600,
    share: 0,
  })),
].map((model, index) => ({
  id: model.id,
  name: model.id,
  vendors: [
    {
      vendor: model.vendor,
      name: vendorNames[model.vendor],
      upstream_model: model.id,
      enabled: index < 7,
      listing: index === 3 ? 'missing' : index === 4 ? 'unknown' : index < 7 ? 'live' : null,
      price: model.input === null ? null : { input: nano(model.input), output: nano(model.output), cache_read: model.read === null ? null : nano(model.read) },
    },
  ],
  kind: model.ttft === null ? 'embedding' : 'chat',
  context_tokens: index === 6 ? 0 : 128_000 * (1 + (index % 3)),
  output_tokens: 16_384,
  capabilities: { tools: model.ttft !== null, structured_output: index % 2 === 0, reasoning: index < 2, vision: index % 3 === 0, audio: false },
  open_weights: index % 4 === 3,
  released_on: '2026-05-01',
  deprecated: index === 8,
  available: index < 7,
  aliases: index === 2 ? ['fast'] : [],
  health: index < 7 ? (model.vendor === 'groq' ? 'half_open' : 'closed') : null,
}))

const deployments = ['api', 'file'].map((managed_by, index) => ({
  id: index === 0 ? 'mistral-eu/mistral-medium-3-2605' : 'mistral/mistral-medium-3', model: 'mistral-medium-3', provider: 'mistral', upstream_model: 'mistral-medium-3', price_as: null, price_nano_per_million: null,
  region: index === 0 ? 'eu' : null, retention_days: index === 0 ? 30 : 0, open_weights: null, version: 2, managed_by, health: null,
}))

const routes: Record<string, (query: URLSearchParams) => unknown> = {
  ...accessRoutes,
  '/setup': () => ({
    claimed: true,
    organisation: { id: 'org_1', name: 'Larkfield' },
    version: '0.1.0',
    base_url: 'http://localhost:8080',
    simulated: false,
    https: false,
  }),
  ...keyRoutes,
  ...budgetRoutes,
  '/vendors': () => list(vendorRows),
  '/providers': () => list(providerRows),
  '/providers/groq/models': (query) => {
    const own = ownModels.filter((model) => model.state === query.get('state') && model.model.includes(query.get('search') ?? ''))
    const start = Number(query.get('cursor') ?? 0)
    return { ...list(own.slice(start, start + 100), start + 100 < own.length ? String(start + 100) : null), summary: ownList }
  },
  '/providers/groq/models/refresh': () => ({ summary: ownList }),
  '/usage': usage,
  '/aliases': () =>
    list([
      {
        name: 'fast',
        strategy: 'ordered',
        targets: [
          { model: 'gpt-5-mini', weight: 1 },
          { model: 'llama-4-maverick', weight: 1 },
        ],
        version: 2,
        managed_by: 'api',
      },
      {
        name: 'summarise',
        strategy: 'weighted',
        targets: [
          { model: 'mistral-medium-3', weight: 80 },
          { model: 'gpt-5-mini', weight: 20 },
        ],
        version: 1,
        managed_by: 'file',
      },
    ]),
  '/deployments': (query) => list(query.get('model') === 'mistral-medium-3' ? deployments : []),
  '/models': (query) =>
    list(
      modelRows.filter(
        (model) =>
          (!query.get('search') || model.id.includes(query.get('search') ?? '')) &&
          (!query.get('available') || model.available) &&
          (!query.get('vendor') || model.vendors[0]?.vendor === query.get('vendor')),
      ),
    ),
  '/requests': (query) => {
    const own = rows.filter(
      (row) =>
        ['outcome', 'model', 'vendor', 'status'].every((name) => !query.get(name) || String(row[name as 'model']) === query.get(name)) &&
        (!query.get('key') || row.key.id === query.get('key')),
    )
    const start = Number(query.get('cursor') ?? 0)
    return list(own.slice(start, start + 100), start + 100 < own.length ? String(start + 100) : null)
  },
  '/status': () => ({
    version: '0.1.0',
    started_at: '2026-11-02T08:00:00Z',
    uptime_s: 1_488_000,
    node: 'gateway-1',
    database: { kind: 'sqlite', up: true, queued: 0, dropped: 0 },
    config: { file: 'megarouter.yaml', managed: 4, loaded_at: '2026-11-18T16:02:11Z', error: null },
    problems: [],
    catalog_version: 'models-dev-2026-11-03',
    providers_on: 5,
    health: [{ deployment: 'groq/llama-4-maverick', state: 'half_open', success_rate: 0.86, in_flight: 2 }],
  }),
  '/ledger/summary': () => ({
    settled_nano: measures(month).cost_nano,
    overhead_nano: nano(38.204118),
    held_nano: nano(1.930244),
    open_holds: 23,
    oldest_hold_ms: 41_200,
    entries: 3_204_118,
    outcomes: { success: { count: 3_180_004, settled_nano: measures(month).cost_nano, overhead_nano: 0 } },
    flags: { estimated: 640, uncertain: 91, unpriced: 210, anomalous: 3, simulated: 0, over_bound: 0, over_hold: 2 },
    applied_lsn: 9_604_331,
    lag_entries: 12,
    rejected: 0,
  }),
  ...peopleRoutes,
  ...routingRoutes,
  '/settings': () => ({
    organisation: 'Larkfield',
    time_zone: 'Europe/Berlin',
    unknown_price: 'allow',
    new_models: 'automatic',
    budget: organisationBudget,
    rate_limit: { rpm: null, tpm: 2_000_000, concurrency: null, spend_nano_per_minute: nano(25) },
    content: { store: false, retention_days: 7, quota_mb: 500 },
    retention: { requests_days: 30, usage_days: 400, decisions_days: 7 },
    version: 1,
    managed_by: 'api',
    warnings: [],
  }),
}

function events(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write(`event: heartbeat\ndata: ${JSON.stringify({ at: new Date(now).toISOString() })}\n\n`)
  const timer = setInterval(() => response.write(`event: heartbeat\ndata: ${JSON.stringify({ at: new Date().toISOString() })}\n\n`), 5_000)
  response.on('close', () => clearInterval(timer))
}
const answer =
  'Hello Ms Gruber,\n\nyou were charged twice for order **88213**. I am sorry about that. The second payment of **€64.90** is cancelled and goes back to your card.\n\n- Refund started today, 19 November\n- On your account within **3 working days**\n- Nothing for you to do\n\nYour order itself is not affected.\n\nKind regards\nLarkfield Support'
async function chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { model } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string }
  if (model === 'deepseek-v3.2') {
    response
      .writeHead(403, { 'content-type': 'application/json' })
      .end(
        JSON.stringify({
          error: {
            message: 'Key agent-assist-prod may not use deepseek-v3.2: its list of models is gpt-5.1, mistral-*. An owner can change it under Keys.',
            type: 'permission_error',
            code: 'policy_denied',
            request_id: rows[0]?.id,
          },
        }),
      )
    return
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'x-megarouter-request-id': rows[3]?.id,
    'x-megarouter-provider': 'openai',
    'x-megarouter-model': model,
  })
  for (const word of answer.split(/(?<= )/)) {
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: word } }] })}\n\n`)
    await new Promise((resolve) => setTimeout(resolve, model === 'gpt-5-mini' ? 4 : 9))
  }
  response.end(
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 96, completion_tokens: 118, cost_usd: model === 'gpt-5-mini' ? 0.00026 : 0.0013 } })}\n\ndata: [DONE]\n\n`,
  )
}
async function file(path: string, response: ServerResponse): Promise<void> {
  const name = extname(path) ? path : '/index.html'
  const body = await readFile(join(dist, name)).catch(() => null)
  response.writeHead(body ? 200 : 404, { 'content-type': types[extname(name)] ?? 'application/octet-stream', 'content-security-policy': policy }).end(body)
}

export interface FakeApi {
  url: string
  close: () => Promise<void>
}
/** `override` answers a path of the admin API otherwise: a status with a body. */
export async function startFakeApi(override: Record<string, { status: number; body: unknown }> = {}, port = 0): Promise<FakeApi> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const path = url.pathname.replace('/api/v1', '')
    if (url.pathname === '/v1/chat/completions') return void chat(request, response)
    if (!url.pathname.startsWith('/api/v1')) return void file(url.pathname, response)
    if (path === '/events') return events(response)
    const row = /^\/requests\/(.+)$/.exec(path) ? rows.find((candidate) => candidate.id === path.slice(10)) : undefined
    const fixed = override[path]
    const body = fixed
      ? fixed.body
      : row
        ? requestDetail(row)
        : path.endsWith('/playground')
          ? { token: 'mr-fake', expires_at: new Date(Date.now() + 600_000).toISOString() }
          : routes[path]?.(url.searchParams)
    response.writeHead(fixed?.status ?? (body === undefined ? 404 : 200), { 'content-type': 'application/json', etag: '"1"' })
    response.end(JSON.stringify(body ?? { error: { code: 'not_found', message: `Nothing here: ${path}`, request_id: 'req_fake' } }))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
