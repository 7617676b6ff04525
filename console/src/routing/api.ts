/** The calls of the admin API about routing. Failures are as in `../api.ts`. */
import { base, call, type Query } from '../api.ts'
import type { Page } from '../api-types.ts'
import type { NodeKind } from '../govern/types.ts'
import type {
  Decision, DecisionRow, ExplainAsk, Explained, NewRoutingPolicy, NodeDefaults, NodeDefaultsInput, PolicyPreview, Reset, RoutedModel, RoutedModelList, RoutingEvent, RoutingPolicy, RoutingPolicyPatch, Savings,
} from './types.ts'

const id = encodeURIComponent
const defaultsOf = (kind: NodeKind, node: string): string => `/${kind}s/${id(node)}/defaults`

const mostPages = 5

export const routing = {
  policies: () => call<Page<RoutingPolicy>>('GET', '/routing/policies', { query: { limit: 200 } }),
  createPolicy: (body: NewRoutingPolicy) => call<RoutingPolicy>('POST', '/routing/policies', { body, create: true }),
  updatePolicy: (name: string, body: RoutingPolicyPatch, version?: number) => call<RoutingPolicy>('PATCH', `/routing/policies/${id(name)}`, { body, version }),
  deletePolicy: (name: string, version?: number) => call<void>('DELETE', `/routing/policies/${id(name)}`, { version }),
  /** What it would have made of last week's decisions. `of`: of one policy alone. */
  previewPolicy: (body: NewRoutingPolicy, of: string) => call<PolicyPreview>('POST', '/routing/policies/preview', { body, query: { policy: of } }),

  defaults: (kind: NodeKind, node: string) => call<NodeDefaults>('GET', defaultsOf(kind, node)),
  setDefaults: (kind: NodeKind, node: string, body: NodeDefaultsInput, version?: number) => call<NodeDefaults>('PUT', defaultsOf(kind, node), { body, version }),

  decisions: (query: Query, cursor: string | null) => call<Page<DecisionRow>>('GET', '/routing/decisions', { query: { ...query, limit: 100, cursor } }),
  decision: (request: string) => call<Decision>('GET', `/routing/decisions/${id(request)}`),
  explain: (body: ExplainAsk) => call<Explained>('POST', '/routing/explain', { body }),

  /** All of them, up to a bound; a cursor that is left says that there are more. */
  models: async (): Promise<RoutedModelList> => {
    const page = (cursor: string | null) => call<RoutedModelList>('GET', '/routing/models', { query: { limit: 200, cursor } })
    let list = await page(null)
    for (let more = 1; more < mostPages && list.next_cursor !== null; more++) {
      const next = await page(list.next_cursor)
      list = { ...next, data: [...list.data, ...next.data] }
    }
    return list
  },
  exportAddress: `${base}/routing/models/export`,
  /** Null: all. */
  reset: (model: string | null) => call<Reset>('POST', '/routing/models/reset', { body: model === null ? {} : { model } }),
  approve: (model: string) => call<RoutedModel>('POST', `/routing/models/${id(model)}/approve`),
  reject: (model: string) => call<RoutedModel>('POST', `/routing/models/${id(model)}/reject`),
  events: (query: Query, cursor: string | null) => call<Page<RoutingEvent>>('GET', '/routing/events', { query: { ...query, limit: 50, cursor } }),

  savings: (query: Query) => call<Savings>('GET', '/routing/savings', { query }),
}
