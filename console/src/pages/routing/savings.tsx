/** What routing saved: what was charged against what the model of the best quality would have cost, most of which is a forecast, and is said to be one. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { countExact, day, money, moneySummary, moneyTick, percent, plural, weekday } from '../../format.ts'
import { useMay } from '../../govern/queries.ts'
import { useZone } from '../../queries.ts'
import { routed } from '../../routing/queries.ts'
import type { Savings as Report } from '../../routing/types.ts'
import { NoPermission } from '../../shell/no-permission.tsx'
import { Page } from '../../shell/page.tsx'
import { type Columns, Head, right, Segmented, Swatch, td } from '../../ui/bits.tsx'
import { link } from '../../ui/button.tsx'
import { type Bar, StackedBars } from '../../ui/chart/stacked-bars.tsx'
import { Band, Figure, Panel, PanelHead } from '../../ui/panel.tsx'
import { Empty, Load } from '../../ui/state.tsx'
import { dayAfter, dayStart } from '../audit/difference.ts'
import { RoutingHead } from './head.tsx'

type Sums = Report['totals']

const ranges = { '1': '24 h', '7': '7 days', '30': '30 days' } as const
type Range = keyof typeof ranges
const isRange = (text: string): text is Range => text in ranges

const share = (part: number, of: number): string => (of <= 0 ? '–' : part < 0 ? `−${percent(-part / of)}` : percent(part / of))
const signed = (nano: number): string => (nano < 0 ? `−${money(-nano)}` : money(nano))

function Verdict({ totals }: { totals: Sums }) {
  const { saved_nano: saved, baseline_nano: baseline, baseline_forecast_nano: forecast } = totals
  return (
    <p className={`mb-3.5 rounded-2 border border-l-3 border-line bg-surface px-3.5 py-2.5 ${saved < 0 ? 'border-l-warn' : 'border-l-ok'}`}>
      <b className="font-semibold">{saved < 0 ? `Routing cost ≈ ${money(-saved)} more` : `Routing saved ≈ ${money(saved)}`}</b> ({share(Math.abs(saved), baseline)}){saved < 0 ? ' than' : ' against'} always asking the model of the best quality. What was billed is measured; of what the best model would have cost, {share(forecast, baseline)} is a
      forecast, since it was not asked. What quality was given up is not in here.
    </p>
  )
}

function Figures({ totals }: { totals: Sums }) {
  const { decisions, counted, billed_nano: billed, predicted_nano: predicted, baseline_nano: baseline, baseline_forecast_nano: forecast, saved_nano: saved } = totals
  return (
    <Band count={5} label="Key figures">
      <Figure label="Saved, forecast" value={saved < 0 ? `−${moneySummary(-saved)}` : `≈\u00a0${moneySummary(saved)}`} note={`${share(saved, baseline)} of the best model’s cost`} />
      <Figure label="Billed" value={moneySummary(billed)} note="measured" />
      <Figure label="Best model would cost" value={`≈\u00a0${moneySummary(baseline)}`} note={`${share(forecast, baseline)} of it forecast`} />
      <Figure label="Predictions" value={predicted <= 0 ? '–' : `${billed >= predicted ? '+' : '−'}${percent(Math.abs(billed / predicted - 1))}`} note="billed against predicted" />
      <Figure label="Decisions counted" value={countExact(counted)} note={counted === decisions ? 'all' : `of ${countExact(decisions)}`} hint="The requests of the others failed, came from a cache, or have no known cost" />
    </Band>
  )
}

const series = [{ name: 'Billed', color: 'var(--c1)' }, { name: 'Saved, forecast', color: 'color-mix(in srgb, var(--c3) 65%, var(--surface))' }]

/** Days without a saving have no second part; those without a decision are drawn empty. */
function barsOf({ groups, range }: Report, zone: string): Bar[] {
  const days = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
  const last = days.format(new Date(range.to))
  const bars: Bar[] = []
  for (let date = days.format(new Date(range.from)); date <= last; date = dayAfter(date)) {
    const sums = groups.find(({ group }) => group === date)
    const at = dayStart(date, zone)
    const isToday = date === last
    bars.push({ id: date, label: isToday ? 'Today' : day(at, zone), title: weekday(at, zone), partial: isToday, values: sums ? [sums.billed_nano, Math.max(0, sums.saved_nano)] : [0, 0] })
  }
  return bars
}

function Days({ report }: { report: Report }) {
  const navigate = useNavigate()
  const zone = report.range.time_zone
  const lost = report.groups.filter(({ saved_nano: saved }) => saved < 0).length
  return (
    <Panel className="mt-3.5" label="By day">
      <PanelHead title="Billed and saved by day" note={<span className="max-md:hidden">USD, days in {zone}; both together are what the best model would have cost</span>} />
      <div className="px-3.5 pb-3.5">
        <StackedBars bars={barsOf(report, zone)} series={series} height={window.innerWidth < 760 ? 200 : 260} format={money} tick={moneyTick} summary={`Routing saved ${money(Math.max(0, report.totals.saved_nano))} in all.`} onOpen={(bar) => void navigate({ to: '/routing/decisions', search: { from: bar.id, to: bar.id } })} />
        <ul className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-12 text-fg-2">
          {series.map(({ name, color }) => (
            <li key={name} className="inline-flex items-center gap-1.5">
              <Swatch color={color} />
              {name}
            </li>
          ))}
          {lost > 0 && <li className="text-warn-fg">On {plural(lost, 'day')} routing cost more than the best model would have.</li>}
        </ul>
      </div>
    </Panel>
  )
}

const columns: Columns = [
  ['', ''],
  ['Decisions', `w-[104px] ${right} max-md:hidden`],
  ['Billed', `w-[110px] ${right} max-md:w-[88px]`],
  ['Best would cost', `w-[132px] ${right} max-md:hidden`],
  ['of it forecast', `w-[116px] ${right} max-lg:hidden`],
  ['Saved', `w-[110px] ${right} max-md:w-[88px]`],
  ['Share', `w-[84px] ${right} max-md:hidden`],
]

function Groups({ days, group }: { days: number; group: 'policy' | 'model' }) {
  const report = useQuery(routed.savings(days, group))
  const named = columns.map(([name, className], index) => [index === 0 ? (group === 'policy' ? 'Policy' : 'Model that answered') : name, className] as const)
  return (
    <Load of={report} rows={4}>
      {({ groups, totals }) => (
        <table className="table-fixed">
          <Head columns={named} />
          <tbody>
            {[{ group: null, ...totals }, ...groups].map((sums) => (
              <tr key={sums.group ?? ''} className={`group/row ${sums.group === null ? 'font-semibold' : ''}`}>
                <th scope="row" className={`${td} truncate text-left font-[inherit]`}>
                  {sums.group === null ? (
                    'All'
                  ) : (
                    <Link to="/routing/decisions" search={group === 'policy' ? { policy: sums.group } : { model: sums.group }} className={link}>
                      {sums.group}
                    </Link>
                  )}
                </th>
                <td className={`${td} ${right} max-md:hidden`}>{countExact(sums.counted)}</td>
                <td className={`${td} ${right}`}>{money(sums.billed_nano)}</td>
                <td className={`${td} ${right} max-md:hidden`}>≈ {money(sums.baseline_nano)}</td>
                <td className={`${td} ${right} max-lg:hidden`}>{share(sums.baseline_forecast_nano, sums.baseline_nano)}</td>
                <td className={`${td} ${right} ${sums.saved_nano < 0 ? 'text-warn-fg' : ''}`}>{signed(sums.saved_nano)}</td>
                <td className={`${td} ${right} max-md:hidden`}>{share(sums.saved_nano, sums.baseline_nano)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Load>
  )
}

/** Who may see routing may not see amounts by that alone. */
export function Savings() {
  return useMay()('usage:read') ? <Shown /> : <NoPermission page="Savings" permission="usage:read" />
}

function Shown() {
  const navigate = useNavigate()
  const zone = useZone()
  const search: { range?: string; group?: string } = useSearch({ from: '/app/routing/savings' })
  const range: Range = search.range !== undefined && isRange(search.range) ? search.range : '7'
  const group = search.group === 'model' ? 'model' : 'policy'
  const go = (next: { range?: string; group?: string }): void => {
    const { range: days, group: by } = { range, group, ...next }
    void navigate({ to: '/routing/savings', search: { ...(days !== '7' && { range: days }), ...(by !== 'policy' && { group: by }) }, resetScroll: false, replace: true })
  }
  const byDay = useQuery(routed.savings(Number(range), 'day'))
  return (
    <Page title="Savings" wide>
      <RoutingHead tab="savings" note="Against always asking the model of the best quality">
        <Segmented label="Time" value={range} options={Object.entries(ranges) as [Range, string][]} onChange={(next) => go({ range: next })} />
      </RoutingHead>
      <Load of={byDay} rows={8}>
        {(report) =>
          report.totals.counted === 0 ? (
            <Panel>
              <Empty title={report.totals.decisions === 0 ? 'Nothing was routed in this time' : `None of ${plural(report.totals.decisions, 'decision')} can be counted`}>
                {report.totals.decisions === 0 ? 'Decisions are kept for the days that Settings name. ' : 'Their requests failed, came from a cache, or have no known cost. '}
                Ask for the model <code className="mono">auto</code>, and what it saves stands here.
              </Empty>
            </Panel>
          ) : (
            <>
              <Verdict totals={report.totals} />
              <Figures totals={report.totals} />
              {report.more && <p className="mt-2 text-12 text-warn-fg">There were more decisions in this time: the newest {countExact(report.totals.decisions)} were counted.</p>}
              <Days report={report} />
              <Panel className="mt-3.5" label="By part">
                <PanelHead title={group === 'policy' ? 'By policy' : 'By model'} note={<span className="max-md:hidden">as of {weekday(report.as_of, zone)}</span>}>
                  <Segmented label="By" value={group} options={[['policy', 'Policy'], ['model', 'Model']]} onChange={(next) => go({ group: next })} />
                </PanelHead>
                <Groups days={Number(range)} group={group} />
              </Panel>
            </>
          )
        }
      </Load>
    </Page>
  )
}
