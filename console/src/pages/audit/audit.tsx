/** Audit: who changed what, from what to what, and from where. Filters live in the address; a row opens the event. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, X } from 'lucide-react'
import { base } from '../../api.ts'
import { ago, type Clock, instant } from '../../format.ts'
import { governed } from '../../govern/queries.ts'
import type { AuditEvent } from '../../govern/types.ts'
import { useClock, useZone } from '../../queries.ts'
import { Page } from '../../shell/page.tsx'
import { type Columns, Head, td } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { ChipSelect } from '../../ui/field.tsx'
import { PageHead, Panel } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'
import { Empty, Load, More } from '../../ui/state.tsx'
import { Chain } from './chain.tsx'
import { dayAfter, dayStart, differences, eventText } from './difference.ts'
import { EventSheet } from './event-sheet.tsx'

type Filter = Partial<Record<'kind' | 'id' | 'actor' | 'action' | 'outcome' | 'from' | 'to', string>>

const kinds = [
  'alert_channel', 'alias', 'api_token', 'audit', 'budget', 'budget_increase', 'configuration', 'content', 'credential', 'deployment', 'key', 'limit', 'membership', 'oidc_provider', 'organisation', 'policy', 'project', 'provider', 'role',
  'routing_model', 'routing_policy', 'service_account', 'session', 'settings', 'team', 'user',
]

const columns: Columns = [
  ['When', 'w-[116px] max-md:w-[96px]'],
  ['Who', 'w-[210px] max-md:hidden'],
  ['What', ''],
  ['Change', 'w-[30%] max-lg:hidden'],
  ['From', 'w-[130px] max-xl:hidden'],
]

/** The first changes in one line. */
function Change({ event }: { event: AuditEvent }) {
  if (event.outcome === 'denied') return <span className="text-fg-2">{event.reason}</span>
  if (event.before === null || event.after === null) return null
  const found = differences(event.before, event.after)
  return (
    <>
      {found.slice(0, 2).map(({ field, before, after }, index) => (
        <span key={field}>
          {index > 0 && '; '}
          <span className="text-fg-3">{field}</span> {before ?? 'none'} → {after ?? 'none'}
        </span>
      ))}
      {found.length > 2 && <span className="text-fg-3"> and {found.length - 2} more</span>}
    </>
  )
}

function Row({ event, clock, onOpen }: { event: AuditEvent; clock: Clock; onOpen: () => void }) {
  const text = eventText(event.action, event.resource)
  return (
    <tr className="group/row cursor-pointer" onClick={onOpen}>
      <td className={`${td} num text-fg-2`} title={instant(event.at, clock.zone)}>
        {ago(event.at, clock)}
      </td>
      <td className={`${td} truncate max-md:hidden`} title={event.actor.name}>
        {event.actor.name}
      </td>
      <th scope="row" className={`${td} truncate text-left font-normal`}>
        <span className="flex items-center gap-2">
          <button type="button" aria-haspopup="dialog" className="min-w-0 truncate rounded-1 font-medium" title={text} onClick={onOpen}>
            {text}
          </button>
          {event.outcome === 'denied' && <Pill tone="bad">Denied</Pill>}
        </span>
      </th>
      <td className={`${td} truncate max-lg:hidden`}>
        <Change event={event} />
      </td>
      <td className={`${td} mono truncate text-12 text-fg-2 max-xl:hidden`}>{event.address}</td>
    </tr>
  )
}

interface BarProps {
  filter: Filter
  set: (patch: Filter) => void
  actorName: string | undefined
}

const dateBox = 'inline-flex h-[30px] items-center overflow-hidden rounded-2 border border-line-2 bg-surface text-12 shadow-lift focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-focus max-md:h-9'

function FilterBar({ filter, set, actorName }: BarProps) {
  const chips: [keyof Filter, string][] = [
    ...(filter.actor ? [['actor', `By ${actorName ?? filter.actor}`] satisfies [keyof Filter, string]] : []),
    ...(filter.action ? [['action', `Action ${filter.action}`] satisfies [keyof Filter, string]] : []),
    ...(filter.id ? [['id', `History of ${filter.id}`] satisfies [keyof Filter, string]] : []),
  ]
  return (
    <div className="mb-3.5 flex flex-wrap items-center gap-2">
      <ChipSelect label="On" value={filter.kind ?? ''} onChange={(event) => set({ kind: event.target.value, id: '' })}>
        <option value="">anything</option>
        {kinds.map((kind) => (
          <option key={kind} value={kind}>
            {kind.replaceAll('_', ' ')}
          </option>
        ))}
      </ChipSelect>
      <ChipSelect label="Outcome" value={filter.outcome ?? ''} onChange={(event) => set({ outcome: event.target.value })}>
        <option value="">any</option>
        <option value="allowed">allowed</option>
        <option value="denied">denied</option>
      </ChipSelect>
      {(['from', 'to'] as const).map((name) => (
        <label key={name} className={dateBox}>
          <span className="border-r border-line px-2 text-fg-2">{name === 'from' ? 'From' : 'To'}</span>
          <input type="date" className="h-full bg-surface px-2 outline-none" value={filter[name] ?? ''} onChange={(event) => set({ [name]: event.target.value })} />
        </label>
      ))}
      {chips.map(([name, text]) => (
        <Button key={name} size="s" aria-label={`Remove ${text}`} onClick={() => set({ [name]: '' })}>
          {text}
          <X className="size-3" aria-hidden />
        </Button>
      ))}
    </div>
  )
}

const rangeOf = ({ from, to }: Filter, zone: string) => ({ ...(from && { from: dayStart(from, zone) }), ...(to && { to: dayStart(dayAfter(to), zone) }) })
const queryOf = ({ kind, id, actor, action, outcome, ...range }: Filter, zone: string) => ({ resource_kind: kind, resource_id: id, actor_id: actor, action, outcome, ...rangeOf(range, zone) })

function Export({ filter }: { filter: Filter }) {
  const range = new URLSearchParams(rangeOf(filter, useZone()))
  return (['csv', 'jsonl'] as const).map((format) => (
    <a key={format} href={`${base}/audit/export?${new URLSearchParams([...range, ['format', format]])}`} download={`audit.${format}`} className={button()}>
      <Download className="size-3.5" aria-hidden />
      {format === 'csv' ? 'CSV' : 'JSON lines'}
    </a>
  ))
}

export function Audit() {
  const navigate = useNavigate()
  const clock = useClock()
  const { event: chosen, ...filter }: Filter & { event?: string } = useSearch({ from: '/app/audit' })
  const events = useInfiniteQuery(governed.audit(queryOf(filter, clock.zone)))
  const rows = events.data?.pages.flatMap(({ data }) => data) ?? []
  const go = (next: Filter & { event?: string }): void => void navigate({ to: '/audit', search: Object.fromEntries(Object.entries(next).filter(([, value]) => value !== '' && value !== undefined)), resetScroll: false })
  const open = rows.find(({ seq }) => String(seq) === chosen)
  const isFiltered = Object.keys(filter).length > 0
  return (
    <Page title="Audit" wide>
      <PageHead title="Audit" note="Every change and every denied attempt">
        <Export filter={filter} />
      </PageHead>
      <Chain />
      <FilterBar filter={filter} set={(patch) => go({ ...filter, ...patch })} actorName={rows.find(({ actor }) => actor.id === filter.actor)?.actor.name} />
      <Panel>
        <Load of={events} rows={10}>
          {() =>
            rows.length === 0 ? (
              <Empty title={isFiltered ? 'No event matches these filters' : 'There is no event yet'} action={isFiltered && <Button onClick={() => go({})}>Clear filters</Button>} />
            ) : (
              <table className="table-fixed">
                <Head columns={columns} />
                <tbody>
                  {rows.map((event) => (
                    <Row key={event.seq} event={event} clock={clock} onOpen={() => go({ ...filter, event: String(event.seq) })} />
                  ))}
                </tbody>
              </table>
            )
          }
        </Load>
        <More of={events} label="Show older" />
      </Panel>
      {open && <EventSheet key={open.seq} event={open} onClose={() => go(filter)} />}
    </Page>
  )
}
