/**
 * The list of requests: pages by cursor, newest first, and the live tail. New rows wait while the pointer is over the list or the reader has
 * scrolled, so that a row never moves from under the pointer.
 */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { api, type RequestFilter } from '../../api.ts'
import type { RequestRow } from '../../api-types.ts'
import { useRequestEvents } from '../../live.ts'

const mostLive = 500

/** Whether a live row belongs to the filtered list. Text search happens on the server only, so a searched list isn't live. */
export function matches(filter: RequestFilter, row: RequestRow): boolean {
  const same = (wanted: string | undefined, ...values: (string | null | undefined)[]): boolean => wanted === undefined || values.includes(wanted)
  return (
    filter.search === undefined &&
    filter.to === undefined &&
    same(filter.key, row.key?.id) &&
    same(filter.model, row.model, row.model_asked) &&
    same(filter.vendor, row.vendor) &&
    same(filter.outcome, row.outcome) &&
    same(filter.status, String(row.status)) &&
    (filter.min_cost_nano === undefined || row.cost_nano >= filter.min_cost_nano)
  )
}

export function useRequests(filter: RequestFilter, live: boolean) {
  const [waiting, setWaiting] = useState<RequestRow[]>([])
  const [shown, setShown] = useState<RequestRow[]>([])
  const [held, setHeld] = useState(false)
  const identity = JSON.stringify(filter)
  const [last, setLast] = useState(identity)
  if (last !== identity) {
    setLast(identity)
    setWaiting([])
    setShown([])
  }
  const query = useInfiniteQuery({
    queryKey: ['requests', filter],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => api.requests(filter, pageParam),
    getNextPageParam: (page) => page.next_cursor,
    refetchOnWindowFocus: false,
  })
  useRequestEvents((row) => {
    if (!live || !matches(filter, row)) return
    if (held) setWaiting((old) => [row, ...old].slice(0, mostLive))
    else setShown((old) => [row, ...old].slice(0, mostLive))
  })
  const release = () => {
    setShown((old) => [...waiting, ...old].slice(0, mostLive))
    setWaiting([])
  }
  const rows = useMemo(() => {
    const loaded = query.data?.pages.flatMap((page) => page.data) ?? []
    const seen = new Set(loaded.map((row) => row.id))
    return [...shown.filter((row) => !seen.has(row.id)), ...loaded]
  }, [query.data, shown])
  return { query, rows, waiting: waiting.length, fresh: shown.length, release, hold: setHeld }
}
