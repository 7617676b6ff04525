/** Spend per day, stacked by model, vendor or key: at most seven and the others together, largest at the bottom. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Usage } from '../../api-types.ts'
import { day, money, moneyTick, weekday } from '../../format.ts'
import { queries, useZone } from '../../queries.ts'
import { Segmented, Swatch } from '../../ui/bits.tsx'
import { type Bar, type Series, StackedBars } from '../../ui/chart/stacked-bars.tsx'
import { coloursFor, otherColour, palette } from '../../ui/colours.ts'
import { PanelHead } from '../../ui/panel.tsx'
import { Load } from '../../ui/state.tsx'
import { monthDays } from './month.ts'

export type By = 'model' | 'vendor' | 'key'
const dayMs = 86_400_000

function shape(usage: Usage, by: By, zone: string): { bars: Bar[]; series: Series[] } {
  const ranked = [...usage.groups].filter((group) => group.cost_nano > 0).sort((a, b) => b.cost_nano - a.cost_nano)
  const shown = ranked.length > palette.length + 1 ? ranked.slice(0, palette.length) : ranked
  const colours = coloursFor(by, shown.map((group) => group.group ?? '').slice(0, palette.length))
  const series: Series[] = shown.map((group) => ({ name: group.label ?? group.group ?? 'unknown', color: colours.get(group.group ?? '') ?? otherColour }))
  if (shown.length < ranked.length) series.push({ name: `${ranked.length - shown.length} others`, color: otherColour })
  const bars = monthDays(usage, zone).map(({ date, at, today, points }): Bar => {
    const values = series.map(() => 0)
    for (const point of points) {
      const rank = shown.findIndex((group) => group.group === point.group)
      const slot = rank >= 0 ? rank : shown.length
      if (point.cost_nano > 0) values[slot] = (values[slot] ?? 0) + point.cost_nano
    }
    return { id: points.length ? at : date, label: today ? 'Today' : day(at, zone), title: weekday(at, zone), partial: today, values }
  })
  return { bars, series }
}

export function SpendChart({ by, onBy }: { by: By; onBy: (by: By) => void }) {
  const navigate = useNavigate()
  const zone = useZone()
  const usage = useQuery(queries.usage({ range: 'this-month', group_by: by, bucket: 'day' }))
  const height = window.innerWidth < 760 ? 210 : 330
  return (
    <>
      <PanelHead title={`Spend per day by ${by}`} note={<span className="max-md:hidden">USD, days in {zone}</span>}>
        <Segmented
          label="Stacked by"
          value={by}
          options={[
            ['model', 'Model'],
            ['vendor', 'Vendor'],
            ['key', 'Key'],
          ]}
          onChange={onBy}
        />
      </PanelHead>
      <div className="px-3.5 pb-3.5">
        <Load of={usage} rows={8}>
          {(data) => {
            const { bars, series } = shape(data, by, zone)
            const spent = money(data.totals.cost_nano)
            return (
              <>
                <StackedBars
                  bars={bars}
                  series={series}
                  height={height}
                  format={money}
                  tick={moneyTick}
                  summary={`${spent} spent this month, most on ${series[0]?.name ?? 'nothing'}.`}
                  onOpen={(bar) => void navigate({ to: '/requests', search: { from: bar.id, to: new Date(Date.parse(bar.id) + dayMs).toISOString() } })}
                />
                <div className="mt-2 flex flex-wrap gap-x-3.5 gap-y-1 text-12 leading-[18px] text-fg-2">
                  {series.map((one) => (
                    <span key={one.name} className="inline-flex items-center gap-1.5">
                      <Swatch color={one.color} />
                      {one.name}
                    </span>
                  ))}
                  {bars.some((bar) => bar.partial) && (
                    <span className="inline-flex items-center gap-1.5">
                      <i className="hatched size-2 rounded-[2px]" />
                      Today so far
                    </span>
                  )}
                </div>
              </>
            )
          }}
        </Load>
      </div>
    </>
  )
}
