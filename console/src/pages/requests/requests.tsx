/** Find that request: filters in the address, live tail, and as many rows as the cursor gives, drawn only where they are seen. */
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { ArrowUp, Pause, Play } from 'lucide-react'
import { type MouseEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { RequestRow } from '../../api-types.ts'
import { ago, type Clock, count, countExact, duration, instant } from '../../format.ts'
import { useClock } from '../../queries.ts'
import { Page } from '../../shell/page.tsx'
import { useKeys } from '../../shell/shortcuts.ts'
import { type Columns, Head, ModelName, right, td } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { PageHead, Panel } from '../../ui/panel.tsx'
import { Pill, StatusPill } from '../../ui/pill.tsx'
import { Empty, Failure, Skeleton } from '../../ui/state.tsx'
import { costWord } from './cost-word.ts'
import { filterOf, Filters, type RequestSearch } from './filters.tsx'
import { useRequests } from './use-requests.ts'

const columns: Columns = [
  ['Time', 'w-[94px]'],
  ['Status', 'w-[134px] max-md:w-[88px]'],
  ['Model', ''],
  ['Route', 'w-[17%] max-xl:hidden'],
  ['Key', 'w-[13%] max-lg:w-[20%] max-md:hidden'],
  ['Tokens', `w-[80px] ${right} max-lg:hidden`],
  ['Cost', `w-[104px] ${right} max-md:w-[92px]`],
  ['First token', `w-[90px] ${right} max-lg:hidden`],
  ['Total', `w-[84px] ${right} max-md:hidden`],
]

function Row({
  row,
  clock,
  height,
  current,
  index,
  onOpen,
}: {
  row: RequestRow
  clock: Clock
  height: number
  current: boolean
  index: number
  onOpen: (event: MouseEvent) => void
}) {
  const cell = `${td} truncate max-md:px-1.5 ${current ? 'bg-selected' : ''}`
  return (
    <tr className="group/row cursor-pointer" aria-rowindex={index + 2} style={{ height }} onClick={onOpen} data-id={row.id}>
      <td className={`${cell} num text-fg-2`} title={instant(row.at, clock.zone)}>
        <Link to="/requests/$id" params={{ id: row.id }} className="rounded-1" aria-label={`Request of ${ago(row.at, clock)}, ${row.outcome}`}>
          {ago(row.at, clock)}
        </Link>
      </td>
      <td className={cell} title={row.error_text ?? undefined}>
        <StatusPill status={row.status} outcome={row.outcome} attempts={row.attempts} />
      </td>
      <td className={cell}>
        <span className="flex min-w-0 items-center gap-2">
          {(row.model ?? row.model_asked) ? (
            <ModelName vendor={row.vendor} name={row.model ?? row.model_asked ?? ''} />
          ) : (
            <span className="text-fg-3">{row.error_code ?? row.endpoint}</span>
          )}
          {row.simulated && (
            <span className="max-md:hidden">
              <Pill tone="warn">Simulated</Pill>
            </span>
          )}
        </span>
      </td>
      <td className={`${cell} text-fg-2 max-xl:hidden`}>{row.error_code ? <span className="mono">{row.error_code}</span> : (row.route ?? '–')}</td>
      <td className={`${cell} max-md:hidden`} title={row.key?.name ?? undefined}>
        {row.key?.name ?? row.key?.id ?? <span className="text-fg-3">unknown</span>}
      </td>
      <td className={`${cell} ${right} max-lg:hidden`}>{count(row.input_tokens + row.output_tokens)}</td>
      <td className={`${cell} ${right}`}>{costWord(row)}</td>
      <td className={`${cell} ${right} max-lg:hidden`}>{row.first_token_ms === null ? '–' : duration(row.first_token_ms)}</td>
      <td className={`${cell} ${right} max-md:hidden`}>{duration(row.total_ms)}</td>
    </tr>
  )
}

/** Rows keep their places in the page; only those near the window are drawn. */
function useRows(rows: RequestRow[], height: number) {
  const ref = useRef<HTMLDivElement>(null)
  const [offset, setOffset] = useState(0)
  useLayoutEffect(() => setOffset((ref.current?.getBoundingClientRect().top ?? 0) + window.scrollY), [])
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: 12,
    scrollMargin: offset,
    getItemKey: (index) => rows[index]?.id ?? index,
  })
  const items = virtual.getVirtualItems()
  const before = Math.max(0, (items[0]?.start ?? offset) - offset)
  const after = Math.max(0, virtual.getTotalSize() - ((items.at(-1)?.end ?? offset) - offset))
  return { ref, items, before, after, scrollTo: (index: number) => virtual.scrollToIndex(index, { align: 'auto' }) }
}
const Gap = ({ height }: { height: number }) =>
  height > 0 && (
    <tr aria-hidden>
      <td style={{ height }} className="p-0" />
    </tr>
  )

function Table({ rows, onEnd, total }: { rows: RequestRow[]; onEnd: () => void; total: number }) {
  const navigate = useNavigate()
  const clock = useClock()
  const [cursor, setCursor] = useState(-1)
  const height = window.innerWidth < 761 ? 44 : 34
  const { ref, items, before, after, scrollTo } = useRows(rows, height)
  const lastShown = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length > 0 && lastShown >= rows.length - 20) onEnd()
  }, [lastShown, rows.length, onEnd])
  const open = (id: string) => void navigate({ to: '/requests/$id', params: { id } })
  const move = (by: number) =>
    setCursor((at) => {
      const next = Math.max(0, Math.min(rows.length - 1, at + by))
      scrollTo(next)
      return next
    })
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => {
      const row = rows[cursor]
      if (row && document.activeElement === document.body) open(row.id)
    },
  })
  const click = (row: RequestRow) => (event: MouseEvent) => {
    if ((event.target as HTMLElement).closest('a') || getSelection()?.toString()) return
    if (event.metaKey || event.ctrlKey) window.open(`/requests/${row.id}`)
    else open(row.id)
  }
  return (
    <div ref={ref}>
      <table className="table-fixed" aria-rowcount={total}>
        <Head columns={columns} className="max-md:px-1.5" />
        <tbody>
          <Gap height={before} />
          {items.map((item) => {
            const row = rows[item.index]
            return row && <Row key={row.id} row={row} clock={clock} height={height} index={item.index} current={item.index === cursor} onOpen={click(row)} />
          })}
          <Gap height={after} />
        </tbody>
      </table>
    </div>
  )
}

function Nothing({ search, onClear }: { search: RequestSearch; onClear: () => void }) {
  const filters = Object.keys(search).filter((name) => name !== 'live' && name !== 'to').length
  if (filters > 0)
    return (
      <Empty
        title={`No requests match ${filters === 1 ? 'this filter' : `these ${filters} filters`}`}
        action={<Button onClick={onClear}>Clear filters</Button>}
      >
        Rows are kept for the days that Settings name; older ones count in usage only.
      </Empty>
    )
  return (
    <Empty
      title="No request has come yet"
      action={
        <>
          <Link to="/welcome" search={{ step: 'key' }} className={button({ look: 'primary' })}>
            Send a first request
          </Link>
          <Link to="/playground" className={button()}>
            Open the playground
          </Link>
        </>
      }
    >
      Each request to <code className="mono">/v1</code> appears here within a second, also refused ones with the reason.
    </Empty>
  )
}

/** True after the reader has scrolled away from the top: new rows wait then. */
function useScrolled(onChange: (scrolled: boolean) => void): { current: boolean } {
  const scrolled = useRef(false)
  useEffect(() => {
    const listen = () => {
      const now = scrollY > 80
      if (now === scrolled.current) return
      scrolled.current = now
      onChange(now)
    }
    addEventListener('scroll', listen, { passive: true })
    return () => removeEventListener('scroll', listen)
  }, [onChange])
  return scrolled
}
const Pausing = ({ live, onToggle }: { live: boolean; onToggle: () => void }) => {
  const Icon = live ? Pause : Play
  return (
    <Button aria-pressed={live} onClick={onToggle}>
      <Icon className="size-3.5" aria-hidden />
      <span className="max-md:sr-only">{live ? 'Pause updates' : 'Resume updates'}</span>
    </Button>
  )
}

export function Requests() {
  const navigate = useNavigate()
  const search: RequestSearch = useSearch({ from: '/app/requests' })
  const live = search.live !== 'off'
  const { query, rows, waiting, fresh, release, hold } = useRequests(filterOf(search), live)
  const change = (next: RequestSearch) => void navigate({ to: '/requests', search: next, replace: true, resetScroll: false })
  const scrolled = useScrolled(hold)
  const { live: _, ...shown } = search
  const more = query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : () => undefined
  const clear = () => change(search.live ? { live: search.live } : {})
  return (
    <Page title="Requests" wide>
      <PageHead
        title="Requests"
        note={
          rows.length > 0 && (
            <span className="num">
              {countExact(rows.length)}
              {query.hasNextPage ? ' loaded, more below' : ' in all'}
              {fresh > 0 && `, ${countExact(fresh)} since you came`}
            </span>
          )
        }
      >
        {waiting > 0 && (
          <Button
            size="s"
            onClick={() => {
              release()
              scrollTo({ top: 0 })
            }}
          >
            <ArrowUp className="size-3.5" aria-hidden />
            {countExact(waiting)} new
          </Button>
        )}
        <Pausing live={live} onToggle={() => change(live ? { ...search, live: 'off' } : shown)} />
      </PageHead>
      <div className="mb-3.5">
        <Filters search={search} onChange={change} />
      </div>
      <div
        onPointerEnter={() => hold(true)}
        onPointerLeave={() => {
          if (!scrolled.current) {
            hold(false)
            release()
          }
        }}
      >
        <Panel className="relative">
          {query.isFetching && !query.isFetchingNextPage && query.data && (
            <div className="absolute inset-x-0 -top-px h-0.5 overflow-hidden">
              <div className="sweep h-full w-1/4 bg-accent" />
            </div>
          )}
          {rows.length > 0 ? (
            <Table rows={rows} onEnd={more} total={query.hasNextPage ? -1 : rows.length + 1} />
          ) : query.isLoading ? (
            <Skeleton rows={12} />
          ) : query.error ? (
            <Failure error={query.error} retry={() => void query.refetch()} />
          ) : (
            <Nothing search={search} onClear={clear} />
          )}
        </Panel>
      </div>
    </Page>
  )
}
