/** One choice of the router, made or thought of: why, the candidates with all that their scores were made from, what was removed and why, what it looked like. */
import { Link } from '@tanstack/react-router'
import { duration, money, percent, plural } from '../../format.ts'
import type { Candidate, Told } from '../../routing/types.ts'
import { plusMinus, quality, reasonWord, score, taskWord, whyWord } from '../../routing/words.ts'
import { Whisker } from '../../routing/whisker.tsx'
import { type Columns, Fact, right, td, th } from '../../ui/bits.tsx'
import { link } from '../../ui/button.tsx'
import { Band, Figure, Panel, PanelHead } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'

export const chosenOf = (told: Told, model: string): Candidate | undefined => told.candidates.find((candidate) => candidate.model === model)

const points = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`

const columns: Columns = [
  ['Candidate', ''],
  ['Quality', `w-[196px] ${right} max-md:w-[96px]`],
  ['Cost', `w-[92px] ${right} max-md:w-[76px]`],
  ['Time', `w-[84px] ${right} max-lg:hidden`],
  ['Score', `w-[92px] ${right} max-md:w-[68px]`],
  ['Result', 'w-[132px] max-md:hidden'],
]

/** At `cheap` models above the bar differ by cost alone, and their number says nothing. */
const isGoodEnough = (candidate: Candidate, terms: Told['terms']): boolean => terms.kind === 'cheap' && candidate.score >= 10

interface RowProps {
  candidate: Candidate
  told: Told
  model: string
  served: string | null | undefined
}

function Results({ candidate, told, model, served }: RowProps) {
  const { model: own, on_trial: onTrial, available } = candidate
  return (
    <span className="flex flex-wrap gap-1">
      {own === model && <Pill tone="accent">Chosen</Pill>}
      {served !== undefined && served !== model && own === served && <Pill tone="ok">Answered</Pill>}
      {own === told.held?.model && <Pill>Of the session</Pill>}
      {own === told.baseline.model && <Pill title="What the saving is measured against">Baseline</Pill>}
      {onTrial ? <Pill>On trial</Pill> : !available && <Pill tone="warn">Removed</Pill>}
      {candidate.chance > 0 && <span className="num text-12 text-fg-3">tried with {percent(candidate.chance)}</span>}
    </span>
  )
}

function Row(props: RowProps) {
  const { candidate, told, model } = props
  const isChosen = candidate.model === model
  const cell = `${td} h-auto py-1.5 align-top ${isChosen ? 'bg-selected' : ''}`
  const { terms } = told
  const below = 'block text-11 text-fg-3'
  return (
    <tr className="group/row" aria-current={isChosen || undefined}>
      <th scope="row" className={`${cell} text-left font-medium`}>
        <span className="block wrap-anywhere whitespace-normal">{candidate.model}</span>
        <span className={`${below} font-normal`}>{candidate.domain}</span>
        <span className="mt-1 block font-normal whitespace-normal md:hidden">
          <Results {...props} />
        </span>
      </th>
      <td className={`${cell} ${right}`}>
        <span className="max-md:hidden">
          <Whisker value={candidate.quality} deviation={candidate.deviation} marked={isChosen} />{' '}
        </span>
        {plusMinus(candidate.quality, candidate.deviation)}
        {candidate.bonus > 0 && <span className={below} title="Granted while little is known of it">{points(candidate.bonus)} bonus</span>}
      </td>
      <td className={`${cell} ${right}`}>
        {money(candidate.cost_nano)}
        {terms.kind === 'weighted' && <span className={below}>{points((-candidate.cost_nano / 1e9) * terms.quality_per_usd)}</span>}
      </td>
      <td className={`${cell} ${right} max-lg:hidden`}>
        {duration(candidate.latency_ms)}
        {terms.kind === 'weighted' && <span className={below}>{points((-candidate.latency_ms / 1e3) * terms.quality_per_second)}</span>}
      </td>
      <td className={`${cell} ${right} font-medium`}>{isGoodEnough(candidate, terms) ? 'good enough' : score(candidate.score)}</td>
      <td className={`${cell} max-md:hidden`}>
        <span className="block whitespace-normal">
          <Results {...props} />
        </span>
      </td>
    </tr>
  )
}

/** `served`: what answered; null: nothing did; absent: nobody was asked. */
export function Candidates({ told, model, served }: { told: Told; model: string; served?: string | null }) {
  return (
    <table className="table-fixed">
      <thead>
        <tr>
          {columns.map(([name, className]) => (
            <th key={name} scope="col" className={`${th} ${className}`}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {told.candidates.map((candidate) => (
          <Row key={candidate.model} candidate={candidate} told={told} model={model} served={served} />
        ))}
      </tbody>
    </table>
  )
}

export function Removed({ removed }: { removed: Told['removed'] }) {
  const models = new Set(removed.flatMap(({ models: each }) => each)).size + Math.max(0, ...removed.map(({ more }) => more))
  return (
    <Panel label="Removed before the score">
      <PanelHead title="Removed before the score" note={removed.length === 0 ? 'none' : plural(models, 'model')} />
      <ul>
        {removed.map(({ reason, models: each, more }) => (
          <li key={reason} className="border-t border-line">
            <details>
              <summary className="flex min-h-[34px] cursor-pointer items-center gap-3 px-3.5 py-1 max-md:min-h-11">
                <span className="min-w-0 flex-1">{reasonWord(reason)}</span>
                <span className="num text-fg-2">{each.length + more}</span>
              </summary>
              <p className="px-3.5 pb-2.5 text-12 text-fg-2 wrap-anywhere">{each.join(', ')}{more > 0 && ` and ${more} more`}</p>
            </details>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function Formula({ terms, why, held, propensity }: Told) {
  const weighted = (
    <>
      score = quality + bonus − cost × {terms.quality_per_usd.toPrecision(3)} per USD − time × {terms.quality_per_second.toPrecision(3)} per s
    </>
  )
  return (
    <Panel label="How it was decided">
      <PanelHead title="How it was decided" />
      <div className="grid gap-1.5 px-3.5 pb-3.5 text-12 text-fg-2">
        <p className="mono">{terms.kind === 'cheap' ? `the cheapest with quality − 1.3 deviations ≥ ${quality(terms.bar)}` : weighted}</p>
        <p>
          {held === null
            ? 'No session held a model.'
            : held.tool_loop
              ? `${held.model} stays: its session waits for a tool’s answer.`
              : `${held.model} has the session: another one must be better by ${(terms.margin + terms.switch_cost).toFixed(3)}.`}{' '}
          {why === 'explored' && 'Something was tried out, to learn from it. '}
          Chance of this choice: {percent(propensity)}.
        </p>
      </div>
    </Panel>
  )
}

function Understood({ told }: { told: Told }) {
  const { tasks, difficulty, language, characters } = told.understood
  return (
    <Panel label="What it looked like">
      <PanelHead title="What it looked like" />
      <dl className="px-3.5 pb-3.5">
        <Fact name="Task">{tasks.map(({ task, weight }) => `${taskWord(task)} ${percent(weight)}`).join(', ')}</Fact>
        <Fact name="Difficulty">
          easy {percent(difficulty.easy)}, medium {percent(difficulty.medium)}, hard {percent(difficulty.hard)}
        </Fact>
        <Fact name="Length">
          {plural(characters, 'character')} of text, {plural(Math.round(told.prompt_tokens), 'token')} in all
        </Fact>
        <Fact name="Language">{language}</Fact>
        <Fact name="Asked next">{told.fallbacks.length === 0 ? 'nothing else' : told.fallbacks.join(', ')}</Fact>
      </dl>
    </Panel>
  )
}

const Figures = ({ told, model }: { told: Told; model: string }) => {
  const chosen = chosenOf(told, model)
  const { baseline, saving_nano: saving } = told
  return (
    <Band count={4} label="Key figures">
      <Figure small label="Predicted cost" value={chosen ? `≈\u00a0${money(chosen.cost_nano)}` : '–'} note="before it was sent" />
      <Figure
        small
        label="Best model would cost"
        value={`≈\u00a0${money(baseline.cost_nano)}`}
        note={baseline.model === model ? 'it is the best model' : saving >= 0 ? `≈ ${money(saving)} saved` : `≈ ${money(-saving)} less`}
      />
      <Figure small label="Expected quality" value={chosen ? quality(chosen.quality) : '–'} note={chosen ? `± ${quality(chosen.deviation)}, from 0 to 1` : ''} />
      <Figure small label="Expected time" value={chosen ? duration(chosen.latency_ms) : '–'} note={whyWord(told.why)} />
    </Band>
  )
}

/** All of it. */
export function ToldView({ told, model, served, children }: { told: Told; model: string; served?: string | null; children?: React.ReactNode }) {
  return (
    <>
      <Figures told={told} model={model} />
      <div className="mt-3.5 grid items-start gap-3.5 xl:grid-cols-[minmax(0,1fr)_316px]">
        <div className="grid min-w-0 gap-3.5">
          <Panel label="Candidates">
            <PanelHead title="Candidates" note="the best by score, with what was predicted, ± one deviation" />
            <Candidates told={told} model={model} {...(served === undefined ? {} : { served })} />
          </Panel>
          <Formula {...told} />
        </div>
        <div className="grid min-w-0 gap-3.5">
          <Removed removed={told.removed} />
          <Understood told={told} />
          {children}
        </div>
      </div>
    </>
  )
}

export const PolicyLink = ({ name }: { name: string }) => (
  <Link to="/routing/policies" search={{ policy: name }} className={`${link} mono`}>
    {name}
  </Link>
)
