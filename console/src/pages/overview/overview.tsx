/** Are we well, what does it cost, what needs me? Every figure of the month comes from the same answer of the usage API. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useRef } from 'react'
import type { Usage } from '../../api-types.ts'
import { count, duration, money, moneySummary, percent } from '../../format.ts'
import { useRequestEvents } from '../../live.ts'
import { changed, queries, useZone } from '../../queries.ts'
import { Page } from '../../shell/page.tsx'
import { button, link } from '../../ui/button.tsx'
import { Spark } from '../../ui/chart/spark.tsx'
import { Band, Figure, PageHead, Panel } from '../../ui/panel.tsx'
import { Dot } from '../../ui/pill.tsx'
import { Empty, Load } from '../../ui/state.tsx'
import { monthDays, type Point } from './month.ts'
import { NeedsAttention } from './needs-attention.tsx'
import { type By, SpendChart } from './spend-chart.tsx'
import { SuccessStrips } from './success-strips.tsx'
import { success } from './success.ts'
import { ModelTable, TopKeys } from './tables.tsx'

function Figures({ usage }: { usage: Usage }) {
  const { totals } = usage
  const rate = success(totals)
  const days = monthDays(usage, useZone()).filter((day) => !day.later)
  const sums = (pick: (point: Point) => number) => days.map((day) => (day.points[0] ? pick(day.points[0]) : 0))
  const spark = (pick: (point: Point) => number | null) => days.map((day) => (day.points[0] ? pick(day.points[0]) : null))
  return (
    <Band count={5} label="Key figures">
      <Figure
        label="Spend this month"
        value={moneySummary(totals.cost_nano)}
        hint={money(totals.cost_nano)}
        note={
          totals.unpriced_requests
            ? `and ${count(totals.unpriced_requests)} unpriced requests`
            : totals.requests
              ? `${money(totals.cost_nano / Math.max(1, totals.succeeded))} a success`
              : 'nothing yet'
        }
      >
        <Spark values={sums((point) => point.cost_nano)} partial floor={0} />
      </Figure>
      <Figure label="Requests" value={count(totals.requests)} note={`${count(totals.input_tokens + totals.output_tokens)} tokens`}>
        <Spark values={sums((point) => point.requests)} partial floor={0} />
      </Figure>
      <Figure
        hint="Answers against failures. A fallback that worked is a success; refusals by MegaRouter and callers who left do not count."
        label="Success, as callers saw it"
        value={rate === null ? '–' : percent(rate)}
        note={`${count(totals.failed)} failed, ${count(totals.refused)} refused`}
      >
        <Spark values={spark(success)} color="var(--ok)" partial />
      </Figure>
      <Figure
        hint="95 of 100 requests had their first token within this time; p50: half of them."
        label="First token, p95"
        value={totals.p95_first_token_ms === null ? '–' : duration(totals.p95_first_token_ms)}
        note={totals.p50_first_token_ms === null ? 'from 20 requests on' : `p50 ${duration(totals.p50_first_token_ms)}`}
      >
        <Spark values={spark((point) => point.p95_first_token_ms)} partial />
      </Figure>
      <Figure
        hint="What MegaRouter itself added, for half of the requests at most this."
        label="Gateway overhead, p50"
        value={totals.overhead_p50_us === null ? '–' : duration(totals.overhead_p50_us / 1000)}
        note="added to each request"
      >
        <Spark values={spark((point) => point.overhead_p50_us)} partial />
      </Figure>
    </Band>
  )
}

/** Phone first: one sentence that says whether it serves. */
function Serving({ day }: { day: Usage | undefined }) {
  const rate = day ? success(day.totals) : null
  const good = rate === null || rate >= 0.99
  return (
    <div className="mb-3 hidden items-start gap-2.5 rounded-3 border border-line bg-surface px-3.5 py-2.5 max-md:flex">
      <span className="pt-1.5">
        <Dot tone={good ? 'ok' : 'bad'} />
      </span>
      <span>
        <b className="font-medium">{rate === null ? 'Ready.' : good ? 'Serving normally.' : 'Callers see failures.'}</b>{' '}
        <span className="text-fg-2">{rate === null ? 'No request came in the last 24 h.' : `Callers saw ${percent(rate)} success in 24 h.`}</span>
      </span>
    </div>
  )
}

const NothingYet = () => (
  <Panel>
    <Empty
      title="No request has come this month"
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
      Charts, models and success by provider appear with the first one. Point an SDK at this address with a key of yours, or try it from here.
    </Empty>
  </Panel>
)

export function Overview() {
  const navigate = useNavigate()
  const zone = useZone()
  const by = (useSearch({ from: '/app/' }).by ?? 'model') as By
  const month = useQuery(queries.usage({ range: 'this-month', group_by: 'none', bucket: 'day' }))
  const day = useQuery(queries.usage({ range: '24h', group_by: 'none', bucket: 'hour' }))
  const last = useRef(0)
  useRequestEvents(() => {
    if (Date.now() - last.current < 5_000) return
    last.current = Date.now()
    void changed('usage')
  })
  const monthName = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: zone }).format(
    month.data ? Date.parse(month.data.range.to) - 1 : Date.now(),
  )
  const silent = month.data?.totals.requests === 0 && day.data?.totals.requests === 0
  return (
    <Page title="Overview">
      <PageHead title="Overview" note={`${monthName} so far, days in ${zone}`}>
        <Link to="/requests" className={link}>
          All requests
        </Link>
      </PageHead>
      <Serving day={day.data} />
      <div className="grid grid-cols-12 gap-3.5 max-md:grid-cols-1 max-md:gap-3">
        <div className="col-span-12 max-md:order-2 max-md:col-span-1">
          <Load of={month} rows={4}>
            {(usage) => <Figures usage={usage} />}
          </Load>
        </div>
        {!silent && (
          <Panel label="Spend" className="col-span-8 max-xl:col-span-12 max-md:order-4 max-md:col-span-1">
            <SpendChart by={by} onBy={(next) => void navigate({ to: '/', search: next === 'model' ? {} : { by: next }, resetScroll: false })} />
          </Panel>
        )}
        <NeedsAttention day={day.data?.totals} className={`${silent ? 'col-span-12' : 'col-span-4'} max-xl:col-span-12 max-md:order-1 max-md:col-span-1`} />
        {silent ? (
          <div className="col-span-12 max-md:order-3 max-md:col-span-1">
            <NothingYet />
          </div>
        ) : (
          <>
            <TopKeys className="col-span-4 max-xl:col-span-6 max-md:order-5 max-md:col-span-1" />
            <ModelTable className="col-span-4 max-xl:col-span-6 max-md:order-6 max-md:col-span-1" />
            <SuccessStrips className="col-span-4 max-xl:col-span-12 max-md:order-3 max-md:col-span-1" />
          </>
        )}
      </div>
    </Page>
  )
}
