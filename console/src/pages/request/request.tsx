/** What happened, why this deployment, what did it cost: one request, its verdict first. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Check, Copy, FlaskConical, Route, ShieldQuestion } from 'lucide-react'
import { useState } from 'react'
import { ApiError, api } from '../../api.ts'
import type { Page as ApiPage, RequestDetail, RequestRow } from '../../api-types.ts'
import { countExact, duration, instant, money, percent } from '../../format.ts'
import { useMay } from '../../govern/queries.ts'
import { client, queries, useZone } from '../../queries.ts'
import { Page } from '../../shell/page.tsx'
import { useKeys } from '../../shell/shortcuts.ts'
import { Kbd } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { Band, Figure, Panel } from '../../ui/panel.tsx'
import { SimulatedPill, StatusPill } from '../../ui/pill.tsx'
import { Empty, Failure, Skeleton } from '../../ui/state.tsx'
import { costWord } from '../requests/cost-word.ts'
import { Charges } from './charges.tsx'
import { RoutingDecision } from './decision.tsx'
import { Content, CostPanel, Details } from './side.tsx'
import { Timeline } from './timeline.tsx'
import { asCurl, verdict } from './verdict.ts'

/** The list that the reader came from, or else the newest requests. */
async function neighbour(id: string, by: 1 | -1): Promise<string | null> {
  const lists = client
    .getQueryCache()
    .findAll({ queryKey: ['requests'] })
    .map((query) => (query.state.data as { pages: ApiPage<RequestRow>[] } | undefined)?.pages.flatMap((page) => page.data) ?? [])
  const rows = lists.find((list) => list.some((row) => row.id === id)) ?? (await api.requests({}, null, 100)).data
  const at = rows.findIndex((row) => row.id === id)
  return at < 0 ? null : (rows[at + by]?.id ?? null)
}

const borders = { accent: 'border-l-accent', warn: 'border-l-warn', bad: 'border-l-bad' }
function VerdictBox({ request }: { request: RequestDetail }) {
  const { tone, parts } = verdict(request)
  return (
    <p className={`mb-3.5 flex gap-2.5 rounded-2 border border-l-3 border-line bg-surface px-3.5 py-2.5 ${borders[tone]}`}>
      <Route className={`mt-0.5 size-4 flex-none ${{ accent: 'text-accent', warn: 'text-warn', bad: 'text-bad' }[tone]}`} strokeWidth={1.75} aria-hidden />
      <span className="min-w-0 wrap-anywhere">
        {parts.map((part, index) =>
          part.strong ? (
            <b key={index} className="font-semibold">
              {part.text}
            </b>
          ) : (
            part.text
          ),
        )}
      </span>
    </p>
  )
}

function Figures({ request }: { request: RequestDetail }) {
  const final = request.attempts.find((attempt) => attempt.final)
  const lost = final ? final.started_ms - (request.attempts[0]?.started_ms ?? 0) : 0
  const streaming = request.first_token_ms === null ? 0 : request.total_ms - request.first_token_ms
  const cached = Object.entries(final?.usage ?? {}).find(([name]) => /^cache_?read$/i.test(name))?.[1] ?? 0
  return (
    <Band count={6} label="Key figures">
      <Figure
        small
        label="Cost"
        value={costWord(request)}
        hint={`${countExact(request.cost_nano)} nano-dollars`}
        note={
          request.simulated
            ? 'simulated, not billed'
            : request.cost_nano === 0
              ? 'nothing was due'
              : `${money((request.cost_nano / Math.max(1, request.input_tokens + request.output_tokens)) * 1e6)} / M tokens`
        }
      />
      <Figure
        small
        label="First token"
        value={request.first_token_ms === null ? '–' : duration(request.first_token_ms)}
        note={lost > 1 ? `${duration(lost)} lost to fallback` : request.first_token_ms === null ? 'none came' : 'after arrival'}
      />
      <Figure
        small
        label="Total"
        value={duration(request.total_ms)}
        note={request.stream && request.output_tokens > 1 && streaming > 0 ? `${Math.round(request.output_tokens / (streaming / 1000))} tokens/s` : ''}
      />
      <Figure
        small
        label="Tokens"
        value={countExact(request.input_tokens + request.output_tokens)}
        note={
          cached > 0 && request.input_tokens > 0
            ? `${percent(cached / request.input_tokens)} of input cached`
            : `${countExact(request.input_tokens)} in, ${countExact(request.output_tokens)} out`
        }
      />
      <Figure
        small
        label="Gateway overhead"
        value={duration(request.overhead_us / 1000)}
        note={request.total_ms > 0 ? `${percent(Math.min(1, request.overhead_us / 1000 / request.total_ms))} of total` : ''}
      />
      <Figure
        small
        label="Outcome"
        value={{ success: 'Success', refused: 'Refused', failed: 'Failed', broken: 'Cut\u00a0off', cancelled: 'Cancelled' }[request.outcome]}
        tone={{ success: 'text-ok-fg', refused: 'text-warn-fg', failed: 'text-bad-fg', broken: 'text-bad-fg', cancelled: '' }[request.outcome]}
        note={request.error_code ?? 'as the caller saw it'}
      />
    </Band>
  )
}

function Body({ request }: { request: RequestDetail }) {
  const zone = useZone()
  const setup = useQuery(queries.setup)
  const [copied, setCopied] = useState(false)
  const copy = () =>
    void navigator.clipboard.writeText(asCurl(request, setup.data?.base_url ?? location.origin)).then(() => {
      setCopied(true)
      setTimeout(() => setCopied(false), 1600)
    })
  const navigate = useNavigate()
  const canAskWhy = useMay()('policies:read') && request.key !== null
  const whySearch = { ...(request.key && { key: request.key.id }), ...(request.model_asked !== null && { model: request.model_asked }), request: request.id }
  useKeys({ c: copy, w: () => canAskWhy && void navigate({ to: '/access/why', search: whySearch }) })
  const canReplay = request.endpoint === 'chat.completions' && request.model_asked !== null
  return (
    <>
      <div className="mb-3.5 flex flex-wrap items-start gap-3">
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
            <h1 className="mono min-w-0 text-[18px] font-medium tracking-[-0.02em] wrap-anywhere max-md:text-[15px]">{request.id}</h1>
            <StatusPill status={request.status} outcome={request.outcome} attempts={request.attempts.length} icon />
            {request.simulated && <SimulatedPill />}
          </div>
          <p className="num text-12 leading-5 text-fg-2">
            {instant(request.at, zone)} · <span className="mono">POST /v1/{(request.endpoint ?? '').replace('.', '/')}</span>
            {request.stream && ' · streamed'}
          </p>
        </div>
        <div className="ml-auto flex gap-2 max-md:m-0 max-md:w-full max-md:*:flex-1">
          <Button onClick={copy}>
            {copied ? <Check className="size-3.5" aria-hidden /> : <Copy className="size-3.5" aria-hidden />}
            <span aria-live="polite">{copied ? 'Copied' : 'Copy as curl'}</span>
          </Button>
          {canAskWhy && (
            <Link to="/access/why" search={whySearch} className={button()}>
              <ShieldQuestion className="size-3.5" aria-hidden />
              Why
            </Link>
          )}
          {canReplay && (
            <Link
              to="/playground"
              search={{ models: request.model_asked ?? '', ...(request.key ? { key: request.key.id } : {}) }}
              className={button({ look: 'primary' })}
            >
              <FlaskConical className="size-3.5" aria-hidden />
              Try in playground
            </Link>
          )}
        </div>
      </div>
      <VerdictBox request={request} />
      <Figures request={request} />
      <div className="mt-3.5 grid items-start gap-3.5 xl:grid-cols-[minmax(0,1fr)_316px]">
        <div className="grid min-w-0 gap-3.5">
          <Timeline request={request} />
          <RoutingDecision id={request.decision} />
          <Content request={request} />
        </div>
        <div className="grid min-w-0 gap-3.5">
          <CostPanel request={request} />
          <Charges request={request} />
          <Details request={request} />
        </div>
      </div>
    </>
  )
}

export function Request() {
  const { id } = useParams({ from: '/app/requests/$id' })
  const navigate = useNavigate()
  const request = useQuery(queries.request(id))
  const step = (by: 1 | -1) => () =>
    void neighbour(id, by).then((next) => (next ? navigate({ to: '/requests/$id', params: { id: next }, replace: true }) : undefined))
  useKeys({ j: step(1), k: step(-1), Escape: () => void navigate({ to: '/requests' }) })
  const missing = request.error instanceof ApiError && request.error.status === 404
  return (
    <Page
      title="Request"
      crumbs={[{ name: 'Requests', to: '/requests' }, { name: id }]}
      top={
        <span className="flex items-center gap-1.5 text-12 text-fg-2 max-md:hidden">
          <Kbd>J</Kbd>
          <Kbd>K</Kbd>next, previous
          <span aria-hidden className="ml-1 h-4 w-px bg-line-2" />
        </span>
      }
    >
      {request.data ? (
        <Body key={request.data.id} request={request.data} />
      ) : missing ? (
        <Panel>
          <h1 className="px-3.5 pt-3.5">No such request</h1>
          <Empty
            title={`Nothing is stored under ${id}`}
            action={
              <Link to="/requests" className={button()}>
                All requests
              </Link>
            }
          >
            A request appears when it has ended, and is kept for the days that Settings name.
          </Empty>
        </Panel>
      ) : request.error ? (
        <Panel>
          <h1 className="px-3.5 pt-3.5">Request</h1>
          <Failure error={request.error} retry={() => void request.refetch()} />
        </Panel>
      ) : (
        <>
          <h1 className="sr-only">Request</h1>
          <Skeleton rows={10} />
        </>
      )}
    </Page>
  )
}
