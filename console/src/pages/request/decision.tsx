/** Why this model: the decision of the router for this request, as long as it is kept. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ApiError } from '../../api.ts'
import { useMay } from '../../govern/queries.ts'
import { routed } from '../../routing/queries.ts'
import { link } from '../../ui/button.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Load } from '../../ui/state.tsx'
import { servedText } from '../routing/decision.tsx'
import { Candidates } from '../routing/told.tsx'

function Shown({ id }: { id: string }) {
  const decision = useQuery(routed.decision(id))
  const isGone = decision.error instanceof ApiError && decision.error.status === 404
  return (
    <Panel label="Routing decision">
      <PanelHead title="Routing decision" note={decision.data && `under ${decision.data.policy}`}>
        {decision.data && (
          <Link to="/routing/decisions/$id" params={{ id }} className={`${link} text-12`}>
            All that it was made from
          </Link>
        )}
      </PanelHead>
      {isGone ? (
        <p className="px-3.5 pb-3.5 text-fg-2">It is kept no longer: decisions have days of their own under Settings, Privacy.</p>
      ) : (
        <Load of={decision} rows={3}>
          {(data) => (
            <>
              <p className="px-3.5 pb-2.5 wrap-anywhere text-fg-2">
                {data.summary}.{servedText(data)}
              </p>
              <Candidates told={data} model={data.model} served={data.served} />
            </>
          )}
        </Load>
      )}
    </Panel>
  )
}

/** `id`: of the decision; null: the model was named. */
export const RoutingDecision = ({ id }: { id: string | null }) => (useMay()('routing:read') && id !== null ? <Shown id={id} /> : null)
