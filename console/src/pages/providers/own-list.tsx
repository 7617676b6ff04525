/** The vendor's own list of models beside the catalogue, in three groups: both name it, the list alone, the catalogue alone. */
import { useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { RotateCw } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { api } from '../../api.ts'
import type { Provider, ProviderModels } from '../../api-types.ts'
import { ago, type Clock, countExact, plural, price } from '../../format.ts'
import { changed } from '../../queries.ts'
import { Segmented } from '../../ui/bits.tsx'
import { Button } from '../../ui/button.tsx'
import { CopyText } from '../../ui/copy.tsx'
import { FormError, SearchInput } from '../../ui/field.tsx'
import { Pill } from '../../ui/pill.tsx'
import { Empty, Failure, Skeleton } from '../../ui/state.tsx'

type Summary = NonNullable<Provider['models']>
type Row = ProviderModels['data'][number]
type Group = Row['state']

const about: Record<Group, string> = {
  live: 'In the vendor’s own list, and known here with price and limits.',
  unknown: 'In the vendor’s own list alone: usable by the name below, under the rule for unknown prices.',
  missing: 'Known here, but not in the vendor’s own list: not offered to applications, still usable by name.',
}

const Mark = ({ row }: { row: Row }) => {
  if (row.state === 'missing') return <Pill tone="warn">Not listed</Pill>
  if (row.price) return <span className="num text-12 whitespace-nowrap text-fg-2">{`${price(row.price.input)} in, ${price(row.price.output)} out`}</span>
  return <Pill tone="warn">Unknown price</Pill>
}

function Rows({ provider, group, search }: { provider: Provider; group: Group; search: string }) {
  const query = useInfiniteQuery({
    queryKey: ['providers', provider.id, 'models', group, search, provider.models?.succeeded_at],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) => api.providerModels(provider.id, { state: group, search, limit: 100, cursor: pageParam }),
    getNextPageParam: (page) => page.next_cursor,
  })
  const rows = query.data?.pages.flatMap((page) => page.data) ?? []
  if (query.isLoading) return <Skeleton rows={4} />
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />
  if (rows.length === 0) return <Empty title={search ? 'No model of this group matches' : 'No model is in this group'} />
  return (
    <>
      <ul aria-label="Models of this group">
        {rows.map((row) => (
          <li key={row.id} className="flex min-h-9 items-center gap-2 border-t border-line px-3 py-1 first:border-t-0">
            <span className="min-w-0 flex-1">
              <CopyText text={row.model}>
                <code className="mono text-12 wrap-anywhere">{row.model}</code>
              </CopyText>
            </span>
            {!row.text && <span className="text-12 whitespace-nowrap text-fg-3">not text</span>}
            <Mark row={row} />
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <div className="border-t border-line p-2">
          <Button size="s" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {query.isFetchingNextPage ? 'Loading…' : 'Show more'}
          </Button>
        </div>
      )}
    </>
  )
}

export function OwnList({ provider, summary, clock }: { provider: Provider; summary: Summary; clock: Clock }) {
  const [group, setGroup] = useState<Group>('live')
  const [search, setSearch] = useState('')
  const settled = useDeferredValue(search.trim())
  const refresh = useMutation({ mutationFn: () => api.refreshProviderModels(provider.id), onSettled: () => changed('providers', 'models') })
  const groups = [
    ['live', `Known ${countExact(summary.live)}`],
    ['unknown', `New ${countExact(summary.unknown)}`],
    ['missing', `Not listed ${countExact(summary.missing)}`],
  ] as const
  return (
    <section className="grid gap-2">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <h3 className="font-semibold whitespace-nowrap">Its own list of models</h3>
        <span className="text-12 text-fg-3">
          {summary.succeeded_at ? `${plural(summary.live + summary.unknown, 'model')}, read ${ago(summary.succeeded_at, clock)}` : 'not read yet'}
        </span>
        <Button className="ml-auto" size="s" disabled={refresh.isPending} onClick={() => refresh.mutate()}>
          <RotateCw className="size-3.5" aria-hidden />
          {refresh.isPending ? 'Reading…' : 'Read now'}
        </Button>
      </div>
      {summary.error && (
        <p className="rounded-2 bg-warn-bg px-3 py-2 text-12 wrap-anywhere text-warn-fg">
          {summary.error}
          {summary.succeeded_at && ' The last good list is shown.'}
        </p>
      )}
      <FormError>{refresh.error?.message}</FormError>
      {summary.succeeded_at && (
        <>
          <div className="flex flex-wrap items-center gap-2">
            <Segmented label="Group" value={group} options={groups} onChange={setGroup} />
            <span className="relative min-w-40 flex-1">
              <SearchInput aria-label="Search its models" placeholder="Search" value={search} onChange={(event) => setSearch(event.target.value)} />
            </span>
          </div>
          <p className="text-12 text-fg-2">
            {group === 'missing' && summary.partial
              ? 'The list names so few of the models that are known here that nothing follows from an absence: they are offered as before.'
              : about[group]}
          </p>
          <div className="rounded-3 border border-line">
            <Rows provider={provider} group={group} search={settled} />
          </div>
        </>
      )}
    </section>
  )
}
