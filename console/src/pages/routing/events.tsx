/** The way of new models, step by step: from where to where, why, and who did it. Of one model without a panel of its own. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { ago, instant } from '../../format.ts'
import { governed } from '../../govern/queries.ts'
import { useClock } from '../../queries.ts'
import { routed } from '../../routing/queries.ts'
import type { RoutingEvent } from '../../routing/types.ts'
import { stageWord } from '../../routing/words.ts'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Dot } from '../../ui/pill.tsx'
import { Load, More } from '../../ui/state.tsx'

/** People by their id, as far as one may know them. */
function useNames(): (actor: string) => string {
  const members = useQuery(governed.memberships()).data?.data ?? []
  const names = new Map(members.map(({ principal }) => [principal.id, principal.name]))
  return (actor) => (actor === 'router' ? 'by the router' : `by ${names.get(actor) ?? actor}`)
}

const stageName = (stage: string): string => stageWord(stage)[0].toLowerCase()

function Step({ event, isOfOne }: { event: RoutingEvent; isOfOne: boolean }) {
  const clock = useClock()
  const name = useNames()
  const tone = stageWord(event.to)[1]
  const step = event.from === event.to ? `stays ${stageName(event.to)}` : `${stageName(event.from)} → ${stageName(event.to)}`
  return (
    <li className="grid grid-cols-[14px_minmax(0,1fr)] gap-x-2 py-1.5">
      <span className="pt-px">
        <Dot tone={tone} />
      </span>
      <div className="min-w-0">
        <p className="wrap-anywhere">
          {!isOfOne && <b className="font-medium">{event.model} </b>}
          {step} <span className="text-fg-2">{name(event.actor)}</span>
          <span className="num text-12 text-fg-3" title={instant(event.at, clock.zone)}>
            {' '}
            · {ago(event.at, clock)}
          </span>
        </p>
        <p className="text-12 text-fg-2 wrap-anywhere">{event.reason}</p>
      </div>
    </li>
  )
}

export function Events({ model }: { model: string | null }) {
  const events = useInfiniteQuery(routed.events(model))
  const rows = events.data?.pages.flatMap(({ data }) => data) ?? []
  const list = (
    <Load of={events} rows={3}>
      {() =>
        rows.length === 0 ? (
          <p className={`text-12 text-fg-3 ${model === null ? 'px-3.5 pb-3.5' : ''}`}>{model === null ? 'No model has come, been adopted or been stopped yet.' : 'It was there from the beginning.'}</p>
        ) : (
          <>
            <ol className={model === null ? 'px-3.5 pb-2' : ''}>
              {rows.map((event) => (
                <Step key={event.id} event={event} isOfOne={model !== null} />
              ))}
            </ol>
            <More of={events} label="Show older" />
          </>
        )
      }
    </Load>
  )
  if (model !== null) return list
  return (
    <Panel label="What became of new models" className="max-xl:order-first">
      <PanelHead title="What became of new models" />
      <div role="region" aria-label="Steps, newest first" tabIndex={0} className="max-h-[420px] overflow-y-auto max-xl:max-h-[220px]">
        {list}
      </div>
    </Panel>
  )
}
