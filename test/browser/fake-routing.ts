/** Invented answers about routing for the page tests: policies, decisions, arms, savings. Consistent with the models and requests of fake-data.ts. */
const list = <T>(data: T[]) => ({ data, next_cursor: null })

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

export const routingRoutes: Record<string, (query: URLSearchParams) => unknown> = {
  '/routing/policies': () => list(routingPolicyRows),
  '/teams/team_1/defaults': () => defaults,
  '/teams/team_2/defaults': () => ({ ...defaults, node_id: 'team_2', policy: null, fallbacks: null }),
  '/projects/proj_1/defaults': () => ({ ...defaults, node_id: 'proj_1', policy: null, fallbacks: null }),
}
