/** The calls of the admin API about routing. Failures are as in `../api.ts`. */
import { call } from '../api.ts'
import type { Page } from '../api-types.ts'
import type { NodeKind } from '../govern/types.ts'
import type { NewRoutingPolicy, NodeDefaults, NodeDefaultsInput, RoutingPolicy, RoutingPolicyPatch } from './types.ts'

const id = encodeURIComponent
const defaultsOf = (kind: NodeKind, node: string): string => `/${kind}s/${id(node)}/defaults`

export const routing = {
  policies: () => call<Page<RoutingPolicy>>('GET', '/routing/policies', { query: { limit: 200 } }),
  createPolicy: (body: NewRoutingPolicy) => call<RoutingPolicy>('POST', '/routing/policies', { body, create: true }),
  updatePolicy: (name: string, body: RoutingPolicyPatch, version?: number) => call<RoutingPolicy>('PATCH', `/routing/policies/${id(name)}`, { body, version }),
  deletePolicy: (name: string, version?: number) => call<void>('DELETE', `/routing/policies/${id(name)}`, { version }),

  defaults: (kind: NodeKind, node: string) => call<NodeDefaults>('GET', defaultsOf(kind, node)),
  setDefaults: (kind: NodeKind, node: string, body: NodeDefaultsInput, version?: number) => call<NodeDefaults>('PUT', defaultsOf(kind, node), { body, version }),
}
