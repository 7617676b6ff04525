/** What the router decided, newest first: under which policy, for which kind of work, which model, and against what. Filters live in the address. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { X } from 'lucide-react'
import type { MouseEvent } from 'react'
import { ago, type Clock, instant, money } from '../../format.ts'
import { useClock } from '../../queries.ts'
import { routed } from '../../routing/queries.ts'
import type { DecisionRow } from '../../routing/types.ts'
import { quality, taskWord, whyWord } from '../../routing/words.ts'
import { Page } from '../../shell/page.tsx'
import { type Columns, Head, right, td } from '../../ui/bits.tsx'
import { Button } from '../../ui/button.tsx'
import { ChipSelect } from '../../ui/field.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'
import { Empty, Load, More } from '../../ui/state.tsx'
import { dayAfter, dayStart } from '../audit/difference.ts'
import { RoutingHead } from './head.tsx'

type Filter = Partial<Record<'policy' | 'model' | 'session' | 'from' | 'to', string>>

const columns: Columns = [
  ['Time', 'w-[94px]'],
  ['Chosen', ''],
  ['Why', 'w-[142px] max-md:w-[124px]'],
  ['Policy', 'w-[12%] max-lg:hidden'],
  ['Looked like', 'w-[176px] max-xl:hidden'],
  ['Quality', `w-[76px] ${right} max-lg:hidden`],
  ['Cost', `w-[96px] ${right} max-md:hidden`],
  ['Best would cost', `w-[128px] ${right} max-lg:hidden`],
]

function Row({ row, clock, onOpen }: { row: DecisionRow; clock: Clock; onOpen: (event: MouseEvent) => void }) {
  const { told } = row
  const cell = `${td} truncate max-md:px-1.5`
  const isOther = told !== null && told.served !== row.model
  return (
    <tr className="group/row cursor-pointer" onClick={onOpen}>
      <td className={`${cell} num text-fg-2`} title={instant(row.at, clock.zone)}>
        <Link to="/routing/decisions/$id" params={{ id: row.id }} className="rounded-1" aria-label={`Decision of ${ago(row.at, clock)} for ${row.model}`}>
          {ago(row.at, clock)}
        </Link>
      </td>
      <td className={cell} title={told?.summary}>
        {row.model}
        {isOther && <span className="text-warn-fg">{told.served === null ? ', no answer' : ` → ${told.served}`}</span>}
      </td>
      <td className={cell}>{told === null ? <span className="text-fg-3">of another version</span> : told.why === 'best' ? <span className="text-fg-2">{whyWord(told.why)}</span> : <Pill tone={told.why === 'explored' ? 'accent' : 'idle'}>{whyWord(told.why)}</Pill>}</td>
      <td className={`${cell} mono max-lg:hidden`}>{row.policy}</td>
      <td className={`${cell} text-fg-2 max-xl:hidden`}>{told && `${taskWord(told.task)}, ${told.difficulty}`}</td>
      <td className={`${cell} ${right} max-lg:hidden`}>{told ? quality(told.quality) : '–'}</td>
      <td className={`${cell} ${right} max-md:hidden`}>{told ? `≈ ${money(told.cost_nano)}` : '–'}</td>
      <td className={`${cell} ${right} text-fg-2 max-lg:hidden`} title={told?.baseline.model}>
        {told ? `≈ ${money(told.baseline.cost_nano)}` : '–'}
      </td>
    </tr>
  )
}

const dateBox = 'inline-flex h-[30px] items-center overflow-hidden rounded-2 border border-line-2 bg-surface text-12 shadow-lift focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-focus max-md:h-9'

/** `models`: of what is shown. */
function FilterBar({ filter, models, set }: { filter: Filter; models: readonly string[]; set: (patch: Filter) => void }) {
  const policies = useQuery(routed.policies).data?.data.map(({ name }) => name) ?? []
  const choice = (name: 'policy' | 'model', label: string, known: readonly string[]) => (
    <ChipSelect label={label} className="max-w-[min(100%,260px)]" value={filter[name] ?? ''} onChange={(event) => set({ [name]: event.target.value })}>
      <option value="">any</option>
      {[...new Set([...(filter[name] ? [filter[name]] : []), ...known])].map((each) => (
        <option key={each} value={each}>
          {each}
        </option>
      ))}
    </ChipSelect>
  )
  return (
    <div className="mb-3.5 flex flex-wrap items-center gap-2">
      {choice('policy', 'Policy', policies)}
      {choice('model', 'Model', models)}
      {(['from', 'to'] as const).map((name) => (
        <label key={name} className={dateBox}>
          <span className="border-r border-line px-2 text-fg-2">{name === 'from' ? 'From' : 'To'}</span>
          <input type="date" className="h-full bg-surface px-2 outline-none" value={filter[name] ?? ''} onChange={(event) => set({ [name]: event.target.value })} />
        </label>
      ))}
      {filter.session && (
        <Button size="s" aria-label={`Remove session ${filter.session}`} onClick={() => set({ session: '' })}>
          Session {filter.session}
          <X className="size-3" aria-hidden />
        </Button>
      )}
    </div>
  )
}

const queryOf = ({ from, to, ...rest }: Filter, zone: string) => ({ ...rest, ...(from && { from: dayStart(from, zone) }), ...(to && { to: dayStart(dayAfter(to), zone) }) })

const Nothing = ({ isFiltered, isMore, onClear }: { isFiltered: boolean; isMore: boolean; onClear: () => void }) =>
  isMore ? (
    <Empty title="Nothing matches among the newest decisions">There are older ones that were not looked at yet.</Empty>
  ) : isFiltered ? (
    <Empty title="No decision matches these filters" action={<Button onClick={onClear}>Clear filters</Button>}>
      Decisions are kept for the days that Settings name.
    </Empty>
  ) : (
    <Empty title="Nothing was decided yet">
      Ask for the model <code className="mono">auto</code>, or for <code className="mono">auto:cheap</code>, and each decision stands here with all that it was made from.
    </Empty>
  )

export function Decisions() {
  const navigate = useNavigate()
  const clock = useClock()
  const filter: Filter = useSearch({ from: '/app/routing/decisions' })
  const decisions = useInfiniteQuery(routed.decisions(queryOf(filter, clock.zone)))
  const rows = decisions.data?.pages.flatMap(({ data }) => data) ?? []
  const set = (patch: Filter): void => void navigate({ to: '/routing/decisions', search: Object.fromEntries(Object.entries({ ...filter, ...patch }).filter(([, value]) => value !== '')), resetScroll: false })
  const open = (id: string) => (event: MouseEvent) => {
    if ((event.target as HTMLElement).closest('a') || getSelection()?.toString()) return
    if (event.metaKey || event.ctrlKey) window.open(`/routing/decisions/${id}`)
    else void navigate({ to: '/routing/decisions/$id', params: { id } })
  }
  return (
    <Page title="Decisions" wide>
      <RoutingHead tab="decisions" note="Which model auto chose, and why" />
      <FilterBar filter={filter} models={rows.map(({ model }) => model).toSorted()} set={set} />
      <Panel>
        <Load of={decisions} rows={10}>
          {() =>
            rows.length === 0 ? (
              <Nothing isFiltered={Object.keys(filter).length > 0} isMore={decisions.hasNextPage} onClear={() => void navigate({ to: '/routing/decisions', search: {} })} />
            ) : (
              <table className="table-fixed">
                <Head columns={columns} className="max-md:px-1.5" />
                <tbody>
                  {rows.map((row) => (
                    <Row key={row.id} row={row} clock={clock} onOpen={open(row.id)} />
                  ))}
                </tbody>
              </table>
            )
          }
        </Load>
        <More of={decisions} label="Show older" />
      </Panel>
    </Page>
  )
}
