/** What the pages of routing read, by name. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Query } from '../api.ts'
import type { NodeKind } from '../govern/types.ts'
import { ifHeld } from '../queries.ts'
import { routing } from './api.ts'
import type { SavingsGroup } from './types.ts'

/** One thing by its id: what stood there before was another one. */
const nothingBefore = { placeholderData: () => undefined }

/** Days until now; the server's own range is a week. */
const since = (days: number): Query => (days === 7 ? {} : { from: new Date(Date.now() - days * 86_400_000).toISOString() })

export const routed = {
  policies: queryOptions({ queryKey: ['routing-policies'], enabled: ifHeld('routing:read'), queryFn: routing.policies }),
  defaults: (kind: NodeKind, node: string) => queryOptions({ queryKey: ['tree', 'defaults', node], enabled: ifHeld('routing:read'), queryFn: () => routing.defaults(kind, node), ...nothingBefore }),
  decisions: (query: Query) =>
    infiniteQueryOptions({
      queryKey: ['decisions', query],
      enabled: ifHeld('routing:read'),
      queryFn: ({ pageParam }) => routing.decisions(query, pageParam),
      initialPageParam: null as string | null,
      getNextPageParam: ({ next_cursor: next }) => next,
    }),
  decision: (request: string) => queryOptions({ queryKey: ['decisions', 'one', request], enabled: ifHeld('routing:read'), queryFn: () => routing.decision(request), ...nothingBefore }),
  models: queryOptions({ queryKey: ['routing-models'], enabled: ifHeld('routing:read'), queryFn: routing.models, refetchInterval: 60_000 }),
  events: (model: string | null) =>
    infiniteQueryOptions({
      queryKey: ['routing-events', model],
      enabled: ifHeld('routing:read'),
      queryFn: ({ pageParam }) => routing.events({ model }, pageParam),
      initialPageParam: null as string | null,
      getNextPageParam: ({ next_cursor: next }) => next,
    }),
  savings: (days: number, group: SavingsGroup) => queryOptions({ queryKey: ['savings', days, group], enabled: ifHeld('usage:read'), queryFn: () => routing.savings({ ...since(days), group }), staleTime: 60_000 }),
}
