/** One decision of the router, by the id of its request: which model, why, and what the others would have been worth. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { Route } from 'lucide-react'
import { ApiError } from '../../api.ts'
import { instant } from '../../format.ts'
import { useMay } from '../../govern/queries.ts'
import { useZone } from '../../queries.ts'
import { routed } from '../../routing/queries.ts'
import type { Decision as DecisionData } from '../../routing/types.ts'
import { Page } from '../../shell/page.tsx'
import { useKeys } from '../../shell/shortcuts.ts'
import { Fact } from '../../ui/bits.tsx'
import { button, link } from '../../ui/button.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Empty, Failure, Skeleton } from '../../ui/state.tsx'
import { PolicyLink, ToldView } from './told.tsx'

/** What answered is said where it is another one, or nothing. */
export const servedText = ({ model, served }: Pick<DecisionData, 'model' | 'served'>): string => (served === null ? ' No model answered.' : served === model ? '' : ` It did not answer: ${served} did.`)

export const Summary = ({ decision }: { decision: DecisionData }) => (
  <p className={`mb-3.5 flex gap-2.5 rounded-2 border border-l-3 border-line bg-surface px-3.5 py-2.5 ${decision.served === decision.model ? 'border-l-accent' : 'border-l-warn'}`}>
    <Route className="mt-0.5 size-4 flex-none text-accent" strokeWidth={1.75} aria-hidden />
    <span className="min-w-0 wrap-anywhere">
      {decision.summary}.{servedText(decision)}
    </span>
  </p>
)

function Details({ decision }: { decision: DecisionData }) {
  return (
    <Panel label="Details">
      <PanelHead title="Details" />
      <dl className="px-3.5 pb-3.5">
        <Fact name="Policy">
          <PolicyLink name={decision.policy} />
        </Fact>
        {decision.session !== null && (
          <Fact name="Session">
            <Link to="/routing/decisions" search={{ session: decision.session }} className={`${link} mono`}>
              {decision.session}
            </Link>
          </Fact>
        )}
        <Fact name="Made again">{decision.reproduced ? 'its record alone gives the same choice' : <span className="text-bad-fg">its record gives another choice: report this as a bug</span>}</Fact>
        <Fact name="Trained as">
          <span className="mono">{decision.artefact}</span>
        </Fact>
      </dl>
    </Panel>
  )
}

function Body({ decision }: { decision: DecisionData }) {
  const zone = useZone()
  const may = useMay()
  return (
    <>
      <div className="mb-3.5 flex flex-wrap items-start gap-3">
        <div className="min-w-0">
          <h1 className="min-w-0 wrap-anywhere">{decision.model}</h1>
          <p className="num text-12 leading-5 text-fg-2">
            {instant(decision.at, zone)} · <span className="mono wrap-anywhere">{decision.id}</span>
          </p>
        </div>
        {may('requests:read') && (
          <Link to="/requests/$id" params={{ id: decision.id }} className={`${button()} ml-auto max-md:ml-0`}>
            Its request
          </Link>
        )}
      </div>
      <Summary decision={decision} />
      <ToldView told={decision} model={decision.model} served={decision.served}>
        <Details decision={decision} />
      </ToldView>
    </>
  )
}

export function Decision() {
  const { id } = useParams({ from: '/app/routing/decisions/$id' })
  const navigate = useNavigate()
  const decision = useQuery(routed.decision(id))
  useKeys({ Escape: () => void navigate({ to: '/routing/decisions' }) })
  const missing = decision.error instanceof ApiError && decision.error.status === 404
  return (
    <Page title="Decision" crumbs={[{ name: 'Decisions', to: '/routing/decisions' }, { name: id }]}>
      {decision.data ? (
        <Body key={decision.data.id} decision={decision.data} />
      ) : missing ? (
        <Panel>
          <h1 className="px-3.5 pt-3.5">No such decision</h1>
          <Empty
            title={`Nothing is stored under ${id}`}
            action={
              <Link to="/routing/decisions" className={button()}>
                All decisions
              </Link>
            }
          >
            Requests for auto have one. It is kept for the days that Settings name, mostly fewer than the request itself.
          </Empty>
        </Panel>
      ) : decision.error ? (
        <Panel>
          <h1 className="px-3.5 pt-3.5">Decision</h1>
          <Failure error={decision.error} retry={() => void decision.refetch()} />
        </Panel>
      ) : (
        <>
          <h1 className="sr-only">Decision</h1>
          <Skeleton rows={10} />
        </>
      )}
    </Page>
  )
}
