/** What the pages of routing read, by name. */
import { queryOptions } from '@tanstack/react-query'
import type { NodeKind } from '../govern/types.ts'
import { ifHeld } from '../queries.ts'
import { routing } from './api.ts'

export const routed = {
  policies: queryOptions({ queryKey: ['routing-policies'], enabled: ifHeld('routing:read'), queryFn: routing.policies }),
  defaults: (kind: NodeKind, node: string) => queryOptions({ queryKey: ['tree', 'defaults', node], enabled: ifHeld('routing:read'), queryFn: () => routing.defaults(kind, node), placeholderData: () => undefined }),
}
