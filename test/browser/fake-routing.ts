/** Invented answers about routing for the page tests: policies, decisions, arms, savings. Consistent with the models and requests of fake-data.ts. */
import { taskTypes } from '../../src/routing/tasks.ts'
import { nano, now, requestRow } from './fake-data.ts'

const list = <T>(data: T[]) => ({ data, next_cursor: null })
const at = (minutes: number): string => new Date(now - minutes * 60_000).toISOString()

const nothing = {
  candidates: null, cost: null, latency: null, tolerance: null, margin: null, min_quality: null, max_cost_usd: null, max_latency_ms: null, sticky: null, explore_share: null, explore_spend: null, hedge: null, cache: null,
}
const effective = { kind: 'weighted', cost: 0.05, latency: 0.01, tolerance: 0, margin: 0.03, min_quality: 0, max_cost_usd: null, max_latency_ms: null, sticky: true, explore_share: 0.03, explore_spend: 0.03 }
const builtIn = (name: string, own: Partial<Record<keyof typeof effective, unknown>>) => ({ name, built_in: true, base: name, ...nothing, effective: { ...effective, ...own }, version: 0, managed_by: 'api' })

export const routingPolicyRows = [
  builtIn('balanced', {}),
  builtIn('cheap', { kind: 'cheap', cost: 0, latency: 0, tolerance: 0.1 }),
  builtIn('best', { cost: 0.002, latency: 0, explore_share: 0.02, explore_spend: 0.02 }),
  builtIn('fast', { cost: 0.02, latency: 0.1 }),
  {
    name: 'agents', built_in: false, base: 'cheap', ...nothing, tolerance: 0.05, min_quality: 0.7, max_cost_usd: '0.05', hedge: { max_spend: 0.05 },
    candidates: [{ model: 'gpt-5.1', effort: 'high', when: '"hard" in request.tags' }, { model: 'gpt-5.1', effort: 'low', when: null }, { model: 'mistral-medium-3', effort: null, when: null }],
    effective: { ...effective, kind: 'cheap', cost: 0, latency: 0, tolerance: 0.05, min_quality: 0.7, max_cost_usd: '0.05' }, version: 4, managed_by: 'api',
  },
  { name: 'support-chat', built_in: false, base: 'fast', ...nothing, max_latency_ms: 8_000, cache: { ttl_seconds: 3_600 }, effective: { ...effective, cost: 0.02, latency: 0.1, max_latency_ms: 8_000 }, version: 1, managed_by: 'file' },
]

const defaults = { node_id: 'team_1', model: null, fallbacks: ['mistral-medium-3'], policy: 'agents', aliases: [], providers_off: [], version: 1 }


const candidate = (model: string, domain: string, quality: number, deviation: number, usd: number, latency: number, more: object = {}) => {
  const bonus = deviation > 0.05 ? 0.02 : 0
  return { model, domain, version: 12, available: true, on_trial: false, quality, deviation, bonus, cost_nano: nano(usd), latency_ms: latency, score: quality + bonus - usd * terms.quality_per_usd - (latency / 1e3) * terms.quality_per_second, chance: 0, ...more }
}
const terms = { kind: 'weighted', quality_per_usd: 8.2, quality_per_second: 0.0021, bar: 0, switch_cost: 0.01, margin: 0.03 }
const told = {
  why: 'best', summary: 'mistral-medium-3 under agents: the best score of 4; looks like coding, medium', propensity: 0.97,
  understood: { tasks: [{ task: 'coding', weight: 0.82 }, { task: 'reasoning', weight: 0.18 }], difficulty: { easy: 0.2, medium: 0.6, hard: 0.2 }, language: 'en', characters: 1_840 }, prompt_tokens: 512, terms,
  candidates: [
    candidate('mistral-medium-3', 'mistral', 0.84, 0.02, 0.0031, 4_200), candidate('gpt-5-mini', 'openai', 0.81, 0.02, 0.0024, 3_100), candidate('gpt-5.1@high', 'openai', 0.91, 0.03, 0.0214, 19_400),
    candidate('qwen/qwen3.6-27b-with-a-very-long-name-of-a-new-model', 'groq', 0.78, 0.09, 0.0008, 1_900, { available: false, on_trial: true, chance: 0.03 }),
  ].toSorted((a, b) => b.score - a.score),
  removed: [{ reason: 'context', models: ['onprem-llama'], more: 0 }, { reason: 'policy', models: ['deepseek-v3.2', 'deepseek-r1'], more: 0 }, { reason: 'not_approved', models: ['claude-opus-4.8'], more: 0 }], held: null, fallbacks: ['gpt-5-mini', 'gpt-5.1@high'],
  baseline: { model: 'gpt-5.1@high', cost_nano: nano(0.0214) }, saving_nano: nano(0.0183), artefact: '2026-11-02', reproduced: true,
}

/** The first stands for the newest request of fake-data.ts. */
export const decisionIds = Array.from({ length: 24 }, (_, index) => requestRow(index, now).id)
const head = (index: number) => ({ id: decisionIds[index]!, at: at(index * 7), policy: index % 3 === 0 ? 'agents' : 'balanced', model: index % 4 === 1 ? 'gpt-5-mini' : 'mistral-medium-3', session: index % 5 === 0 ? 'ses_9fk2c8d01x71' : null })
const whys = ['best', 'held', 'explored', 'tool_loop']
export const decisionRows = decisionIds.map((_, index) => {
  const own = head(index)
  const served = index === 3 ? 'gpt-5.1@high' : index === 6 ? null : own.model
  return { ...own, told: index === 9 ? null : { why: whys[index % 7 === 0 ? 0 : index % 4], summary: told.summary, task: index % 2 ? 'chat' : 'coding', difficulty: 'medium', served, quality: 0.84, cost_nano: nano(0.0031), baseline: told.baseline, candidates: 4, removed: 4 } }
})
const decisionOf = (index: number) => ({ ...head(index), model: 'mistral-medium-3', served: index === 3 ? 'gpt-5.1@high' : 'mistral-medium-3', ...told })

const arm = (id: string, domain: string, level: number, more: object) => {
  const [model = id, effort = null] = id.split('@')
  return {
    id, model, effort, domain, deployments: [`${domain}/${model}`], stage: 'adopted', approved: true, general: true, eligible: true, reasons: [], outcomes: 1_240, taken: 18_302, alarms: 0,
    prices: { input: nano(0.4), output: nano(2), cache_read: nano(0.1), cache_write: nano(0.4) }, can: { tools: true, schema: true, images: false, audio: false, reasoning: false }, context_tokens: 128_000, output_tokens: 16_000, released_on: '2026-05-07', region: 'eu',
    first_token_ms: { expected: 405, p95: 1_120 }, ms_per_token: 9.4,
    tasks: taskTypes.map((task, index) => ({ task, quality: level - (index % 5) * 0.03, deviation: 0.01 + (index % 4) * 0.015, output_tokens: 180 + index * 20, latency_ms: 2_100 + index * 150 })), ...more,
  }
}
export const armRows = [
  arm('claude-opus-4.8', 'anthropic', 0.9, { stage: 'candidate', approved: false, eligible: false, reasons: ['not_approved'], outcomes: 0, taken: 0 }),
  arm('deepseek-v3.2', 'deepseek', 0.79, { reasons: ['breaker'], eligible: false, alarms: 1 }),
  arm('gpt-5-mini', 'openai', 0.81, {}),
  arm('gpt-5.1@high', 'openai', 0.92, { general: false, can: { tools: true, schema: true, images: true, audio: false, reasoning: true } }),
  arm('mistral-medium-3', 'mistral', 0.85, {}),
  arm('onprem-llama', 'vllm', 0.7, { prices: null, eligible: false, reasons: ['price_unknown'], outcomes: 0, taken: 0, released_on: null, region: null }),
  arm('qwen/qwen3.6-27b-with-a-very-long-name-of-a-new-model', 'groq', 0.8, { stage: 'candidate', reasons: ['on_trial'], outcomes: 21, taken: 64 }),
  arm('llama-4-maverick', 'groq', 0.66, { stage: 'rejected', eligible: false, reasons: ['rejected'], outcomes: 44, taken: 82 }),
].toSorted((a, b) => (a.id < b.id ? -1 : 1))
const eventRows = [
  { id: 'ade_3', at: at(12), model: 'qwen/qwen3.6-27b-with-a-very-long-name-of-a-new-model', from: 'candidate', to: 'candidate', reason: 'approved (21 outcomes)', actor: 'usr_2' },
  { id: 'ade_4', at: at(60), model: 'claude-opus-4.8', from: 'none', to: 'candidate', reason: 'new, released on 2026-11-18, at $5.00 and $25.00 per million tokens of input and output; it is tried within the bounds of exploration', actor: 'router' },
  { id: 'ade_2', at: at(300), model: 'llama-4-maverick', from: 'candidate', to: 'rejected', reason: 'quality 0.62 ± 0.03 where one that costs no more has 0.81', actor: 'router' },
  { id: 'ade_1', at: at(4_000), model: 'mistral-medium-3', from: 'candidate', to: 'adopted', reason: 'quality 0.85 ± 0.02 after 150 outcomes', actor: 'router' },
]

const sums = (decisions: number, billed: number, saved: number) => ({
  decisions, counted: Math.round(decisions * 0.98), billed_nano: nano(billed), predicted_nano: nano(billed * 0.97), baseline_nano: nano(billed + saved), baseline_forecast_nano: nano((billed + saved) * 0.81), saved_nano: nano(saved),
})
const savingsGroups: Record<string, [string, number, number, number][]> = {
  day: [['2026-11-13', 1_900, 61.2, 33.1], ['2026-11-14', 700, 20.4, 11.8], ['2026-11-16', 2_050, 66.7, -4.2], ['2026-11-17', 2_100, 70.1, 40.9], ['2026-11-18', 2_180, 71.4, 41.2], ['2026-11-19', 1_090, 35.8, 20.1]],
  policy: [['agents', 7_300, 240.3, 118.6], ['support-chat', 2_720, 85.3, 24.3]],
  model: [['mistral-medium-3', 6_120, 180.1, 130.2], ['gpt-5-mini', 2_900, 69.3, 31.3], ['gpt-5.1@high', 1_000, 76.2, -18.6]],
}
const totals = sums(10_020, 325.6, 142.9)
const savings = (group: string) => ({
  range: { from: '2026-11-12T13:32:07Z', to: new Date(now).toISOString(), time_zone: 'Europe/Berlin' }, totals, groups: (savingsGroups[group] ?? []).map(([name, ...figures]) => ({ group: name, ...sums(...figures) })), more: false, as_of: new Date(now).toISOString(),
})
export const noSavings = { ...savings('day'), totals: sums(0, 0, 0), groups: [] }

export const previewOfPolicy = {
  range: { from: '2026-11-12T13:32:07Z', to: new Date(now).toISOString() }, decisions: 7_300, more: false, compared: 7_050, changed: 1_204, tried: 210, undecided: 40,
  before: { cost_nano: nano(231.4), quality: 0.846 }, after: { cost_nano: nano(198.2), quality: 0.839 }, models: [{ model: 'mistral-medium-3', before: 5_200, after: 4_400 }, { model: 'gpt-5-mini', before: 1_850, after: 2_650 }], unseen: ['gpt-5.1@low'],
  limits: ['Only candidates whose predictions were recorded are compared: of each decision the best few under the policy that made it.', 'Costs and qualities are those that were predicted then; what another model would have answered is not known.'],
}
export const explainedPrompt = { policy: 'agents', model: 'mistral-medium-3', decision: { ...told, propensity: 1 }, removed: told.removed, deployments: ['mistral/mistral-medium-3', 'openai/gpt-5-mini', 'openai/gpt-5.1'], refused: null }
export const refusedPrompt = { policy: 'agents', model: null, decision: null, removed: [{ reason: 'min_quality', models: ['gpt-5-mini', 'mistral-medium-3'], more: 0 }, { reason: 'context', models: ['onprem-llama'], more: 0 }], deployments: [], refused: { code: 'no_candidate', message: 'No model meets what is asked of it: min_quality removes gpt-5-mini, mistral-medium-3; context removes onprem-llama.', param: 'model' } }

export const routingRoutes: Record<string, (query: URLSearchParams) => unknown> = {
  '/routing/policies': () => list(routingPolicyRows),
  '/routing/policies/preview': () => previewOfPolicy,
  '/routing/decisions': (query) => list(decisionRows.filter(({ policy, model, session }) => [['policy', policy], ['model', model], ['session', session]].every(([name, value]) => !query.get(name!) || query.get(name!) === value))),
  ...Object.fromEntries(decisionIds.map((id, index) => [`/routing/decisions/${id}`, () => decisionOf(index)])),
  '/routing/models': () => ({ ...list(armRows), requires_approval: true }),
  '/routing/models/reset': () => ({ reset: armRows.length }),
  '/routing/events': (query) => list(eventRows.filter(({ model }) => !query.get('model') || query.get('model') === model)),
  '/routing/savings': (query) => savings(query.get('group') ?? 'none'),
  '/routing/explain': () => explainedPrompt,
  '/teams/team_1/defaults': () => defaults,
  '/teams/team_2/defaults': () => ({ ...defaults, node_id: 'team_2', policy: null, fallbacks: null }),
  '/projects/proj_1/defaults': () => ({ ...defaults, node_id: 'proj_1', policy: null, fallbacks: null }),
}
