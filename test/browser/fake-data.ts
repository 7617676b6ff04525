/** Invented but consistent data for the console's pictures and page tests: every total is the sum of its parts. Seeded, so that two runs show the same. */

export const random = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** The instant of the pictures: Thursday 19 November 2026, 14:32:07 in Berlin. */
export const now = Date.parse('2026-11-19T13:32:07Z')
export const monthStart = Date.parse('2026-10-31T23:00:00Z')
const dayMs = 86_400_000
export const nano = (usd: number): number => Math.round(usd * 1e9)

export const keys = [
  { id: 'key_01', name: 'coding-agents', last4: '4Fyq', share: 0.37, limit: 24000, status: 'active' },
  { id: 'key_02', name: 'ci-review', last4: 'Qa27', share: 0.24, limit: 11500, status: 'active' },
  { id: 'key_03', name: 'agent-assist-prod', last4: 'n8Be', share: 0.18, limit: 20000, status: 'active' },
  { id: 'key_04', name: 'case-review-prod', last4: 'Xk2P', share: 0.13, limit: null, status: 'active' },
  { id: 'key_05', name: 'docs-bot', last4: 'w3Zd', share: 0.08, limit: 8000, status: 'active' },
  { id: 'key_06', name: 'laptop-mara', last4: 'e4Fy', share: 0, limit: 20, status: 'active' },
  { id: 'key_07', name: 'batch-eval-2025', last4: 'p0Lm', share: 0, limit: null, status: 'revoked' },
] as const
export const models = [
  { id: 'gpt-5.1', vendor: 'openai', share: 0.41, input: 1.25, output: 10, read: 0.125, ttft: 690 },
  { id: 'deepseek-v3.2', vendor: 'deepseek', share: 0.21, input: 0.28, output: 0.42, read: 0.028, ttft: 820 },
  { id: 'gpt-5-mini', vendor: 'openai', share: 0.16, input: 0.25, output: 2, read: 0.025, ttft: 310 },
  { id: 'mistral-medium-3', vendor: 'mistral', share: 0.12, input: 0.4, output: 2, read: null, ttft: 405 },
  { id: 'llama-4-maverick', vendor: 'groq', share: 0.06, input: 0.2, output: 0.6, read: null, ttft: 142 },
  { id: 'text-embedding-3-large', vendor: 'openai', share: 0.04, input: 0.13, output: 0, read: null, ttft: null },
  { id: 'onprem-llama', vendor: 'vllm', share: 0, input: null, output: null, read: null, ttft: 250 },
] as const

export interface Cell {
  at: number
  key: string
  model: string
  vendor: string
  requests: number
  failed: number
  refused: number
  cost: number
  input: number
  output: number
  partial: boolean
}

/** One cell per bucket × key × model; `scale` is the share of a workday that the bucket holds. */
function cellsOf(at: number, weight: number, partial: boolean, next: () => number, outage: number): Cell[] {
  const cells: Cell[] = []
  for (const key of keys)
    for (const model of models) {
      const base = key.share * (model.share || 0.01) * weight * (0.85 + next() * 0.3)
      const requests = Math.round((base * 19_000) / (0.004 + (model.input ?? 1) * 0.11))
      if (requests === 0) continue
      const rate = model.vendor === 'groq' ? outage : 0.0008 + next() * 0.0006
      const failed = Math.round(requests * rate)
      cells.push({
        at,
        key: key.id,
        model: model.id,
        vendor: model.vendor,
        requests,
        failed,
        refused: Math.round(requests * 0.0004),
        cost: model.share ? nano(base * 3_100) : 0,
        input: requests * 2_150,
        output: requests * 140,
        partial,
      })
    }
  return cells
}

export function monthCells(): Cell[] {
  const next = random(7)
  const cells: Cell[] = []
  for (let at = monthStart, index = 0; at < now; at += dayMs, index++) {
    const weekend = [0, 6].includes(new Date(at + 3_600_000).getUTCDay())
    cells.push(...cellsOf(at, (weekend ? 0.36 : 1) * (0.9 + index * 0.012) * (at + dayMs > now ? 0.6 : 1), at + dayMs > now, next, 0.004))
  }
  return cells
}
export function dayCells(): Cell[] {
  const next = random(9)
  const end = Math.floor(now / 3_600_000) * 3_600_000
  const cells: Cell[] = []
  for (let hour = 23; hour >= 0; hour--) {
    const at = end - hour * 3_600_000
    const local = new Date(at + 3_600_000).getUTCHours()
    cells.push(
      ...cellsOf(at, (local > 7 && local < 19 ? 0.075 : 0.015) * (hour === 0 ? 0.53 : 1), hour === 0, next, hour === 2 ? 0.31 : hour === 3 ? 0.09 : 0.002),
    )
  }
  return cells
}

export function measures(cells: Cell[]): Record<string, number | null> {
  const sum = (pick: (cell: Cell) => number): number => cells.reduce((total, cell) => total + pick(cell), 0)
  const requests = sum((cell) => cell.requests)
  const [failed, refused] = [sum((cell) => cell.failed), sum((cell) => cell.refused)]
  const ttft = cells.length ? (models.find((model) => model.id === cells[0]?.model)?.ttft ?? 300) : null
  const enough = requests >= 20 && ttft !== null
  const wobble = 1 + (random(Math.round((cells[0]?.at ?? 0) / 3_600_000) % 9973)() - 0.5) * 0.12
  return {
    requests,
    succeeded: requests - failed - refused,
    refused,
    failed,
    attempts: requests - refused + Math.round(failed * 0.9),
    input_tokens: sum((cell) => cell.input),
    cache_read_tokens: Math.round(sum((cell) => cell.input) * 0.41),
    output_tokens: sum((cell) => cell.output),
    reasoning_tokens: 0,
    cost_nano: sum((cell) => cell.cost),
    unpriced_requests: sum((cell) => (cell.model === 'onprem-llama' ? cell.requests : 0)),
    estimated_requests: Math.round(requests * 0.0002),
    p50_first_token_ms: enough ? ttft * 0.46 * wobble : null,
    p95_first_token_ms: enough ? ttft * 1.22 * wobble : null,
    p50_total_ms: enough ? ttft * 4 : null,
    p95_total_ms: enough ? ttft * 11 : null,
    overhead_p50_us: enough ? Math.round(412 * wobble) : null,
  }
}

const texts = {
  429: 'Rate limit reached for gpt-5.1 in organization org-7Qa2 on tokens per min. Try again in 11 s.',
  503: 'Service temporarily overloaded.',
  broke: 'The connection to OpenAI broke before its answer was complete (ECONNRESET).',
}

export function requestRow(index: number, at: number) {
  const next = random(1000 + index)
  const key = keys[Math.floor(next() * 5)] ?? keys[0]
  const model = models[Math.floor(next() * 6.3)] ?? models[0]
  const roll = next()
  const outcome = roll > 0.975 ? 'refused' : roll > 0.96 ? 'failed' : roll > 0.95 ? 'cancelled' : roll > 0.945 ? 'broken' : 'success'
  const fallback = outcome === 'success' && next() > 0.93
  const input = Math.round(200 + next() ** 3 * 48_000)
  const output = model.output === 0 || outcome === 'refused' ? 0 : Math.round(20 + next() ** 2 * 1800)
  const first = outcome === 'refused' || model.ttft === null ? null : Math.round(model.ttft * (0.6 + next() * 0.9)) + (fallback ? 412 : 0)
  const total = outcome === 'refused' ? 0.62 : (first ?? 90) + output * 9.4
  const refused = outcome === 'refused'
  return {
    id: `req_01kagq7v3f8m2c${String(100_000 - index).padStart(6, '0')}zt9w`,
    at: new Date(at).toISOString(),
    endpoint: model.ttft === null ? 'embeddings' : 'chat.completions',
    stream: model.ttft !== null && next() > 0.3,
    status: refused ? 402 : outcome === 'failed' ? 503 : outcome === 'cancelled' ? 499 : 200,
    outcome,
    error_code: refused ? 'budget_exceeded' : outcome === 'failed' ? 'upstream_overloaded' : outcome === 'broken' ? 'upstream_truncated' : null,
    error_text: refused
      ? `Key ${key.name} has used its budget of this month. It opens again on 1 Dec, 00:00 CET.`
      : outcome === 'failed'
        ? texts[503]
        : outcome === 'broken'
          ? 'The upstream closed the stream without a terminal event.'
          : null,
    key: { id: key.id, name: key.name },
    model_asked: next() > 0.7 ? 'fast' : model.id,
    model: model.id,
    vendor: refused ? null : model.vendor,
    provider: refused ? null : model.vendor,
    deployment: refused ? null : `${model.vendor}/${model.id}`,
    route: refused ? null : fallback ? 'alias+fallbacks' : 'alias',
    attempts: refused ? 0 : fallback ? 2 : outcome === 'failed' ? 3 : 1,
    input_tokens: refused ? 0 : input,
    output_tokens: outcome === 'failed' ? 0 : output,
    cost_nano: refused || outcome === 'failed' || model.input === null ? 0 : nano((input * model.input + output * model.output) / 1e6),
    flags: model.input === null ? ['unpriced'] : outcome === 'broken' ? ['estimated'] : [],
    first_token_ms: outcome === 'failed' ? null : first,
    total_ms: total,
    overhead_us: 380 + Math.round(next() * 300),
    simulated: false,
    session: next() > 0.6 ? 'ses_9fk2c8d01x71' : null,
    task: null,
    tags: next() > 0.7 ? ['tier:gold', 'case:eu'] : [],
    client: 'openai-python 2.8.0',
  }
}
export type Row = ReturnType<typeof requestRow>

export function requestDetail(row: Row) {
  const model = models.find((entry) => entry.id === row.model) ?? models[0]
  const usage = { input: Math.round(row.input_tokens * 0.3), cacheRead: row.input_tokens - Math.round(row.input_tokens * 0.3), output: row.output_tokens }
  const classes =
    model.input === null
      ? []
      : [
          { class: 'input', units: usage.input, price_nano_per_million: nano(model.input) },
          { class: 'cacheRead', units: usage.cacheRead, price_nano_per_million: nano(model.read ?? model.input) },
          { class: 'output', units: usage.output, price_nano_per_million: nano(model.output) },
        ]
          .filter((entry) => entry.units > 0)
          .map((entry) => ({ ...entry, cost_nano: Math.round((entry.units * entry.price_nano_per_million) / 1e6) }))
  const failed = row.outcome === 'failed'
  const cost = failed ? 0 : classes.reduce((sum, entry) => sum + entry.cost_nano, 0)
  const attempts = Array.from({ length: row.attempts }, (_, index) => {
    const last = index === row.attempts - 1
    const bad = !last || failed
    const start = 0.9 + index * 413
    return {
      number: index + 1,
      vendor: bad && !last ? 'openai' : row.vendor,
      provider: bad && !last ? 'openai' : row.provider,
      deployment: bad && !last ? 'openai/gpt-5.1' : row.deployment,
      upstream_model: bad && !last ? 'gpt-5.1' : row.model,
      outcome: bad ? 'upstream_error' : row.outcome === 'success' ? 'success' : row.outcome === 'broken' ? 'truncated' : 'cancelled',
      status: !bad ? 200 : last ? 429 : 0,
      error_code: !bad ? row.error_code : last ? 'rate_limit_exceeded' : 'upstream_truncated',
      error_text: !bad ? row.error_text : last ? texts[429] : texts.broke,
      upstream_request_id: 'req_8c1f0a2b97d4',
      started_ms: start,
      first_token_ms: bad ? null : row.first_token_ms,
      ended_ms: bad ? start + 412 : Math.max(row.total_ms, start + 50),
      usage: bad ? {} : usage,
      cost_nano: bad ? 0 : cost,
      price_version: 'models-dev-2026-11-03',
      flags: bad && !last ? ['estimated', 'uncertain'] : row.flags,
      final: last,
      ledger: bad ? { kind: 'void', tenant_nano: 0, overhead_nano: last ? 0 : nano(0.00412) } : { kind: 'settle', tenant_nano: cost, overhead_nano: 0 },
      cost_by_class: bad ? (last ? [] : [{ class: 'input', units: 3_296, price_nano_per_million: nano(1.25), cost_nano: nano(0.00412) }]) : classes,
    }
  })
  const names = ['receive', 'authenticate', 'admit', 'inspect', 'choose', 'translate', 'call', 'stream', 'meter', 'record']
  const us = row.outcome === 'refused' ? [180, 50, 310, 0, 0, 0, 0, 0, 0, 80] : [180, 52, 31, 60, 122, 22, 88, 41, 9, 54]
  return {
    ...row,
    cost_nano: cost,
    attempts,
    steps: names.map((name, index) => ({ name, us: us[index] ?? 0 })),
    client_address: '10.4.17.9',
    client_request_id: null,
    decision: row.model_asked === 'fast' && row.outcome !== 'refused' ? row.id : null,
    trace_id: '4bf92f3577b34da6a3ce929d0e0ec8e1',
    request_bytes: 41_208,
    response_bytes: 3_904,
    content: { stored: false },
  }
}
