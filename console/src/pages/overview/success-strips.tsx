/** What callers saw stands above what providers did, so that a fallback that worked looks like one. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Measures, Usage } from '../../api-types.ts'
import { count, hourMinute, percent } from '../../format.ts'
import { queries, useZone } from '../../queries.ts'
import { link } from '../../ui/button.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Load } from '../../ui/state.tsx'
import { success } from './success.ts'

const hourMs = 3_600_000
const steps: [number, string, string][] = [
  [0.995, 'bg-[color-mix(in_srgb,var(--ok)_42%,var(--surface))]', '≥ 99.5 %'],
  [0.95, 'bg-[color-mix(in_srgb,var(--c5)_55%,var(--surface))]', '95 – 99.5'],
  [0.8, 'bg-c2', '80 – 95'],
  [0, 'bg-bad', '< 80'],
]
const colour = (rate: number | null): string => (rate === null ? 'bg-idle' : (steps.find(([least]) => rate >= least)?.[1] ?? 'bg-bad'))
/** Of a provider: answers against attempts, so that an attempt that a fallback made good still counts as its failure. */
const served = (measures: Measures): number | null => (measures.attempts === 0 ? null : Math.min(1, measures.succeeded / measures.attempts))

function Strip({
  name,
  note,
  points,
  rate,
  of,
  first,
  height,
}: {
  name: string
  note?: string
  points: Usage['series']
  rate: (measures: Measures) => number | null
  of: Measures
  first: number
  height: string
}) {
  const total = rate(of)
  const cells = Array.from({ length: 24 }, (_, hour) => points.find((point) => Math.round((Date.parse(point.at) - first) / hourMs) === hour))
  const worst = Math.min(1, ...cells.map((cell) => (cell ? (rate(cell) ?? 1) : 1)))
  return (
    <>
      <span className="min-w-0 leading-[15px]">
        <span className="block truncate">{name}</span>
        {note && <span className="block font-normal">{note}</span>}
      </span>
      <span
        role="img"
        aria-label={`${name}: ${total === null ? 'no attempts' : percent(total)} in 24 h, worst hour ${percent(worst)}`}
        className={`flex gap-px ${height}`}
      >
        {cells.map((cell, hour) => (
          <i
            key={hour}
            className={`flex-1 rounded-[1px] ${colour(cell ? rate(cell) : null)}`}
            title={cell ? `${percent(rate(cell) ?? 1)} of ${count(cell.requests)}` : 'no requests'}
          />
        ))}
      </span>
      <span className={`num text-right ${total !== null && total < 0.99 ? 'font-medium text-warn-fg' : ''}`}>{total === null ? '–' : percent(total)}</span>
    </>
  )
}
const row = 'grid grid-cols-[104px_minmax(0,1fr)_54px] items-center gap-2 text-12'

export function SuccessStrips({ className }: { className: string }) {
  const zone = useZone()
  const all = useQuery(queries.usage({ range: '24h', group_by: 'none', bucket: 'hour' }))
  const vendors = useQuery(queries.usage({ range: '24h', group_by: 'vendor', bucket: 'hour' }))
  return (
    <Panel label="Success by provider" className={className}>
      <PanelHead title="Success by provider" note="last 24 h by hour">
        <Link to="/requests" search={{ outcome: 'failed' }} className={`${link} text-12`}>
          Failures
        </Link>
      </PanelHead>
      <div className="px-3.5 pb-3.5">
        <Load of={all} rows={6}>
          {(seen) => {
            const first = Math.floor(Date.parse(seen.range.to) / hourMs) * hourMs - 23 * hourMs
            const own = (vendors.data?.groups ?? []).filter((group) => group.group !== null).sort((a, b) => b.requests - a.requests)
            return (
              <>
                <div className={`${row} mb-[5px] h-10 border-b border-line font-medium`}>
                  <Strip name="What callers saw" note="after fallback" points={seen.series} rate={success} of={seen.totals} first={first} height="h-[22px]" />
                </div>
                {own.slice(0, 6).map((group) => (
                  <div key={group.group} className={`${row} h-7`}>
                    <Strip
                      name={group.label ?? group.group ?? ''}
                      points={vendors.data?.series.filter((point) => point.group === group.group) ?? []}
                      rate={served}
                      of={group}
                      first={first}
                      height="h-4"
                    />
                  </div>
                ))}
                <div className={`${row} h-4`} aria-hidden>
                  <span />
                  <span className="num flex justify-between text-11 text-fg-3">
                    {[0, 6, 12, 18].map((hour) => (
                      <span key={hour}>{hourMinute(new Date(first + hour * hourMs).toISOString(), zone)}</span>
                    ))}
                    <span>now</span>
                  </span>
                  <span />
                </div>
                <div className="num mt-2.5 flex flex-wrap gap-x-3.5 gap-y-1 text-12 leading-[18px] text-fg-2">
                  {steps.map(([, color, text]) => (
                    <span key={text} className="inline-flex items-center gap-1.5">
                      <i className={`size-2 rounded-[2px] ${color}`} />
                      {text}
                    </span>
                  ))}
                </div>
              </>
            )
          }}
        </Load>
      </div>
    </Panel>
  )
}
