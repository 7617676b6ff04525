/** What the router knows of each model: how good at what and how sure that is, price, times, how far it may go, and what became of new ones. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download } from 'lucide-react'
import { useState } from 'react'
import { count, plural, price } from '../../format.ts'
import { useMay } from '../../govern/queries.ts'
import { queries } from '../../queries.ts'
import { routing } from '../../routing/api.ts'
import { routed } from '../../routing/queries.ts'
import type { RoutedModel } from '../../routing/types.ts'
import { plusMinus, quality, reasonWord, stageWord, taskWord } from '../../routing/words.ts'
import { Whisker } from '../../routing/whisker.tsx'
import { Page } from '../../shell/page.tsx'
import { type Columns, Head, right, td } from '../../ui/bits.tsx'
import { Button, button } from '../../ui/button.tsx'
import { ChipSelect, FindInput } from '../../ui/field.tsx'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'
import { Empty, Load } from '../../ui/state.tsx'
import { ArmSheet, Judge, type Judgement } from './arm-sheet.tsx'
import { Events } from './events.tsx'
import { RoutingHead } from './head.tsx'

const columns: Columns = [
  ['Model', ''],
  ['State', 'w-[150px] max-md:w-[124px]'],
  ['Quality', `w-[208px] ${right} max-md:w-[104px]`],
  ['Outcomes', `w-[84px] ${right} max-md:hidden`],
  ['Chosen', `w-[76px] ${right} max-lg:hidden`],
  ['Input', `w-[76px] ${right} max-lg:hidden`],
  ['Output', `w-[76px] ${right} max-lg:hidden`],
]

/** The first thing that stands against it, else its stage. */
export function ArmState({ arm }: { arm: RoutedModel }) {
  const [word, tone] = stageWord(arm.stage)
  const [reason] = arm.reasons
  const about = arm.reasons.map(reasonWord).join(', ')
  if (arm.stage === 'adopted' && reason !== undefined) return <Pill tone="warn" title={about}>{reasonWord(reason)}</Pill>
  if (arm.reasons.includes('not_approved')) return <Pill tone="warn">Waits for approval</Pill>
  return (
    <Pill tone={tone} title={about}>
      {arm.reasons.includes('on_trial') ? 'On trial' : word}
    </Pill>
  )
}

/** Those in use first, then by name. */
const ordered = (arms: readonly RoutedModel[]): RoutedModel[] => arms.toSorted((a, b) => b.taken - a.taken || a.id.localeCompare(b.id))

/** Of a task, or the mean of all, which has no deviation of its own. */
function Known({ arm, task }: { arm: RoutedModel; task: string }) {
  const own = arm.tasks.find((each) => each.task === task)
  if (own === undefined) return <>{quality(arm.tasks.reduce((sum, each) => sum + each.quality, 0) / Math.max(1, arm.tasks.length))}</>
  return (
    <>
      <span className="max-md:hidden">
        <Whisker value={own.quality} deviation={own.deviation} />{' '}
      </span>
      {plusMinus(own.quality, own.deviation)}
    </>
  )
}

function Row({ arm, task, onOpen }: { arm: RoutedModel; task: string; onOpen: () => void }) {
  return (
    <tr className={`group/row cursor-pointer ${arm.stage === 'rejected' ? 'text-fg-3' : ''}`} onClick={onOpen}>
      <th scope="row" className={`${td} truncate text-left font-medium`} title={arm.id}>
        <button type="button" aria-haspopup="dialog" className="max-w-full truncate rounded-1 align-middle" onClick={onOpen}>
          {arm.model}
          {arm.effort !== null && <span className="text-fg-3">@{arm.effort}</span>}
        </button>
      </th>
      <td className={td}>
        <ArmState arm={arm} />
      </td>
      <td className={`${td} ${right}`}>
        <Known arm={arm} task={task} />
      </td>
      <td className={`${td} ${right} max-md:hidden`}>{count(arm.outcomes)}</td>
      <td className={`${td} ${right} max-lg:hidden`}>{count(arm.taken)}</td>
      <td className={`${td} ${right} max-lg:hidden`}>{arm.prices ? price(arm.prices.input) : <span className="text-warn-fg">unknown</span>}</td>
      <td className={`${td} ${right} max-lg:hidden`}>{arm.prices ? price(arm.prices.output) : '–'}</td>
    </tr>
  )
}

const shownFirst = 100

function Table({ arms, task, onOpen, onClear }: { arms: readonly RoutedModel[]; task: string; onOpen: (id: string) => void; onClear: () => void }) {
  const [isWhole, setIsWhole] = useState(false)
  if (arms.length === 0) return <Empty title="No model has such a name" action={<Button onClick={onClear}>Clear search</Button>} />
  return (
    <>
      <table className="table-fixed">
        <Head columns={columns} />
        <tbody>
          {arms.slice(0, isWhole ? arms.length : shownFirst).map((arm) => (
            <Row key={arm.id} arm={arm} task={task} onOpen={() => onOpen(arm.id)} />
          ))}
        </tbody>
      </table>
      {!isWhole && arms.length > shownFirst && (
        <div className="border-t border-line px-3.5 py-2">
          <Button size="s" onClick={() => setIsWhole(true)}>
            Show all {arms.length}
          </Button>
        </div>
      )}
    </>
  )
}

function Waiting({ arms, onOpen, onJudge }: { arms: readonly RoutedModel[]; onOpen: (id: string) => void; onJudge: (judgement: Judgement) => void }) {
  const mayWrite = useMay()('routing:write')
  if (arms.length === 0) return null
  return (
    <Panel label="Waiting for approval" className="mb-3.5">
      <PanelHead title="Waiting for approval" note={plural(arms.length, 'new model')} line />
      <ul>
        {arms.map((arm) => (
          <li key={arm.id} className="flex min-h-[42px] flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3.5 py-1.5 last:border-b-0">
            <button type="button" aria-haspopup="dialog" className="min-w-0 truncate rounded-1 font-medium" onClick={() => onOpen(arm.id)}>
              {arm.id}
            </button>
            <span className="num text-12 text-fg-2">{arm.prices ? `${price(arm.prices.input)} in, ${price(arm.prices.output)} out per million tokens` : 'price unknown'}</span>
            {mayWrite && (
              <span className="ml-auto flex gap-2">
                <Button size="s" onClick={() => onJudge({ what: 'approve', arm })}>
                  Approve…
                </Button>
                <Button size="s" look="ghost" onClick={() => onJudge({ what: 'reject', arm })}>
                  Reject…
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function Actions({ onReset }: { onReset: () => void }) {
  const session = useQuery(queries.session).data
  const mayWrite = useMay()('routing:write')
  return (
    <>
      {session?.permissions.includes('routing:read') && (
        <a href={routing.exportAddress} download="routing-models.json" className={button()}>
          <Download className="size-3.5" aria-hidden />
          Export
        </a>
      )}
      {mayWrite && <Button onClick={onReset}>Reset all…</Button>}
    </>
  )
}

interface Search {
  model?: string
  task?: string
  find?: string
}

export function RoutedModels() {
  const navigate = useNavigate()
  const search: Search = useSearch({ from: '/app/routing/models' })
  const { model: opened, task = '', find = '' } = search
  const [judgement, setJudgement] = useState<Judgement | null>(null)
  const models = useQuery(routed.models)
  const go = (patch: Search, replace = false): void => void navigate({ to: '/routing/models', search: Object.fromEntries(Object.entries({ ...search, ...patch }).filter(([, value]) => value !== '')), resetScroll: false, replace })
  const open = (model = ''): void => go({ model })
  const arms = models.data?.data ?? []
  const chosen = arms.find(({ id }) => id === opened)
  const tasks = arms[0]?.tasks.map((each) => each.task) ?? []
  return (
    <Page title="Routed models" wide>
      <RoutingHead tab="models" note="What auto knows of each model, and how sure that is">
        <Actions onReset={() => setJudgement({ what: 'reset', arm: null })} />
      </RoutingHead>
      <Waiting arms={arms.filter(({ reasons }) => reasons.includes('not_approved'))} onOpen={open} onJudge={setJudgement} />
      <div className="mb-3.5 flex flex-wrap items-center gap-2">
        <div className="relative min-w-[200px] flex-1 md:max-w-[280px]">
          <FindInput aria-label="Search models" placeholder="Name of a model" value={find} onFind={(text) => go({ find: text }, true)} />
        </div>
        <ChipSelect label="Quality at" value={task} onChange={(event) => go({ task: event.target.value })}>
          <option value="">all tasks, mean</option>
          {tasks.map((each) => (
            <option key={each} value={each}>
              {taskWord(each)}
            </option>
          ))}
        </ChipSelect>
        <span className="text-12 text-fg-3">From 0 to 1{task && ', ± one deviation'}. Prices in USD per million tokens.</span>
      </div>
      <div className="grid items-start gap-3.5 xl:grid-cols-[minmax(0,1fr)_316px]">
        <Panel>
          <Load of={models} rows={8}>
            {({ next_cursor: more }) =>
              arms.length === 0 ? (
                <Empty title="There is no model to choose from">Switch a provider on, and its models for conversations stand here.</Empty>
              ) : (
                <>
                  <Table arms={ordered(arms).filter(({ id }) => id.includes(find.trim().toLowerCase()))} task={task} onOpen={open} onClear={() => go({ find: '' })} />
                  {more !== null && <p className="border-t border-line px-3.5 py-2 text-12 text-fg-3">The first {arms.length} by name. The export has all.</p>}
                </>
              )
            }
          </Load>
        </Panel>
        <Events model={null} />
      </div>
      {chosen && judgement === null && <ArmSheet key={chosen.id} arm={chosen} onClose={() => open()} onJudge={setJudgement} />}
      {judgement && <Judge judgement={judgement} all={arms} onClose={() => setJudgement(null)} />}
    </Page>
  )
}
