/** A column: model, state, first token, total and cost, the streaming text, and what can be done with it. */
import { Link } from '@tanstack/react-router'
import { ShieldX, Square, X } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { countExact, duration, money } from '../../format.ts'
import { Monogram } from '../../ui/bits.tsx'
import { Button, link } from '../../ui/button.tsx'
import { CopyButton } from '../../ui/copy.tsx'
import { Markdown } from '../../ui/markdown.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Pill } from '../../ui/pill.tsx'
import type { Column, Marks, Run } from './run.ts'

function State({ run, rate }: { run: Run; rate: number | null }) {
  if (run.state === 'waiting')
    return (
      <Pill>
        <i className="blink size-[7px] rounded-full bg-accent" aria-hidden />
        Waiting
      </Pill>
    )
  if (run.state === 'streaming')
    return (
      <Pill>
        <i className="blink size-[7px] rounded-full bg-accent" aria-hidden />
        {rate === null ? 'Streaming' : `≈ ${rate} tok/s`}
      </Pill>
    )
  if (run.state === 'done') return <Pill tone="ok">Done</Pill>
  if (run.state === 'cut') return <Pill tone="bad">Cut off</Pill>
  if (run.state === 'denied') return <Pill tone="bad">{run.end?.status || 'Refused'}</Pill>
  if (run.state === 'stopped') return <Pill>Stopped</Pill>
  return null
}
const Measure = ({ name, value, mark }: { name: string; value: string; mark?: ReactNode }) => (
  <div className="flex h-[62px] flex-col px-3 py-[7px] text-11 leading-[15px] whitespace-nowrap">
    <span className="text-fg-3">{name}</span>
    <b className="text-13 leading-[18px] font-semibold">{value}</b>
    {mark}
  </div>
)
const best = (text: string) => <span className="font-medium text-ok-fg">{text}</span>

/** The clock of a running answer; it stands still when the answer has ended. */
function useElapsed(running: boolean): number {
  const [elapsed, setElapsed] = useState(0)
  useEffect(() => {
    if (!running) return
    const began = performance.now()
    const timer = setInterval(() => setElapsed(performance.now() - began), 100)
    return () => clearInterval(timer)
  }, [running])
  return elapsed
}

/** Our own refusals come before anything is sent; other statuses come from upstream or from having tried everything. */
const deniedTitle = (status: number): string =>
  status === 0 ? 'The gateway could not be reached' : [400, 401, 402, 403, 404].includes(status) ? 'Refused: not sent, not billed' : 'No answer came'

function Denied({ run, onPick }: { run: Run; onPick: () => void }) {
  return (
    <div className="flex flex-1 flex-col items-start gap-2 border-t border-line px-3.5 py-4">
      <ShieldX className="size-4 text-bad" strokeWidth={1.75} aria-hidden />
      <p className="font-semibold">{deniedTitle(run.end?.status ?? 0)}</p>
      <p className="text-fg-2 wrap-anywhere">{run.end?.message}</p>
      {run.end?.code && (
        <dl className="my-1 w-full border-y border-line text-12">
          <div className="flex gap-2 py-[5px]">
            <dt className="w-20 text-fg-3">Code</dt>
            <dd className="mono">{run.end.code}</dd>
          </div>
        </dl>
      )}
      <div className="flex flex-wrap items-center gap-3">
        <Button size="s" onClick={onPick}>
          Pick another
        </Button>
        {run.end?.requestId && (
          <Link to="/requests/$id" params={{ id: run.end.requestId }} className={`${link} text-12`}>
            Open request
          </Link>
        )}
      </div>
    </div>
  )
}

function Answer({ run, model }: { run: Run; model: string }) {
  const ref = useRef<HTMLDivElement>(null)
  const [follow, setFollow] = useState(true)
  const streaming = run.state === 'streaming'
  useEffect(() => {
    const box = ref.current
    if (box && follow && streaming) box.scrollTop = box.scrollHeight
  }, [run.text, follow, streaming])
  const scrolled = () => {
    const box = ref.current
    if (box) setFollow(box.scrollHeight - box.scrollTop - box.clientHeight < 24)
  }
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div
        ref={ref}
        onScroll={scrolled}
        tabIndex={0}
        role="region"
        aria-label={`Answer of ${model}`}
        aria-busy={streaming}
        className="max-h-[min(62vh,720px)] min-h-[200px] flex-1 overflow-y-auto px-3.5 py-3 -outline-offset-2"
      >
        {run.state === 'idle' && <p className="text-fg-3">The answer appears here.</p>}
        <Markdown text={run.text} />
        {(streaming || run.state === 'waiting') && <i className="blink ml-0.5 inline-block h-[15px] w-[7px] bg-accent align-[-2px]" aria-hidden />}
        {(run.state === 'cut' || run.state === 'stopped') && (
          <p role="status" className={`mt-3 border-t border-line pt-2 text-12 ${run.state === 'cut' ? 'text-bad-fg' : 'text-fg-3'}`}>
            {run.end?.message}
            {run.end?.code && (
              <>
                {' '}
                <code className="mono">{run.end.code}</code>
              </>
            )}
          </p>
        )}
      </div>
      {!follow && streaming && (
        <span className="absolute bottom-2 left-1/2 -translate-x-1/2">
          <Button size="s" onClick={() => setFollow(true)}>
            Jump to end
          </Button>
        </span>
      )}
      <span className="sr-only" aria-live="polite">
        {streaming ? run.text.split('\n\n').slice(0, -1).at(-1) : run.state === 'done' ? 'Answer complete.' : ''}
      </span>
    </div>
  )
}

const isRunning = (run: Run): boolean => run.state === 'waiting' || run.state === 'streaming'
function Measures({ run, elapsed, marks }: { run: Run; elapsed: number; marks: Marks | undefined }) {
  const cost = run.end?.costUsd
  return (
    <div className="num grid grid-cols-3 border-y border-line bg-sunken">
      <Measure name="First token" value={run.firstMs === null ? '–' : duration(run.firstMs)} mark={marks?.fastestStart && best('fastest start')} />
      <Measure
        name="Total"
        value={run.totalMs !== null ? duration(run.totalMs) : isRunning(run) ? `${(elapsed / 1000).toFixed(1)} s …` : '–'}
        mark={marks?.fastest && best('fastest')}
      />
      <Measure
        name="Cost"
        value={cost == null ? (run.state === 'done' ? 'unpriced' : '–') : money(Math.round(cost * 1e9))}
        mark={marks?.cheapest && best('cheapest')}
      />
    </div>
  )
}
function Foot({ run, onStop }: { run: Run; onStop: () => void }) {
  const tokens = run.end?.outputTokens != null ? `${countExact(run.end.outputTokens)} tokens` : run.chunks > 0 ? `≈ ${countExact(run.chunks)} tokens` : ''
  return (
    <div className="flex min-h-[45px] flex-wrap items-center gap-1.5 border-t border-line px-3.5 py-[9px]">
      {isRunning(run) ? (
        <Button size="s" onClick={onStop}>
          <Square className="size-3.5" aria-hidden />
          Stop
        </Button>
      ) : (
        run.text && <CopyButton text={run.text} look="ghost" />
      )}
      <span className="num ml-auto text-12 text-fg-3">{tokens}</span>
      {run.end?.requestId && (
        <Link to="/requests/$id" params={{ id: run.end.requestId }} className={`${link} text-12`}>
          Open request
        </Link>
      )}
    </div>
  )
}

interface Props {
  column: Column
  marks: Marks | undefined
  options: string[]
  removable: boolean
  onModel: (model: string) => void
  onStop: () => void
  onRemove: () => void
}
export function ColumnView({ column: { model, run }, marks, options, removable, onModel, onStop, onRemove }: Props) {
  const select = useRef<HTMLSelectElement>(null)
  const elapsed = useElapsed(isRunning(run))
  const rate = run.firstMs !== null && elapsed - run.firstMs > 400 ? Math.round(run.chunks / ((elapsed - run.firstMs) / 1000)) : null
  const served = run.end?.model && run.end.model !== model ? `${run.end.provider ?? ''}${run.end.provider ? '/' : ''}${run.end.model}` : run.end?.provider
  return (
    <Panel label={model || 'Column'} className="flex min-h-[420px] flex-col overflow-hidden max-md:snap-center">
      <div className="px-3.5 pt-2.5 pb-2">
        <div className="flex min-h-7 items-center gap-1.5">
          <Monogram of={model || '?'} />
          <select
            ref={select}
            aria-label="Model"
            value={model}
            onChange={(event) => onModel(event.target.value)}
            className="min-w-0 flex-1 truncate rounded-1 bg-surface py-1 font-medium hover:bg-hover"
          >
            <option value="" disabled>
              Choose a model
            </option>
            {(options.includes(model) || !model ? options : [model, ...options]).map((option) => (
              <option key={option} value={option}>
                {option}
              </option>
            ))}
          </select>
          <State run={run} rate={rate} />
          {removable && (
            <Button look="ghost" size="s" aria-label={`Remove ${model || 'column'}`} onClick={onRemove}>
              <X className="size-3.5" aria-hidden />
            </Button>
          )}
        </div>
        <div className="min-h-4 truncate text-12 text-fg-3">{served ? `served by ${served}` : ''}</div>
      </div>
      {run.state === 'denied' ? (
        <Denied run={run} onPick={() => select.current?.focus()} />
      ) : (
        <>
          <Measures run={run} elapsed={elapsed} marks={marks} />
          <Answer run={run} model={model} />
          <Foot run={run} onStop={onStop} />
        </>
      )}
    </Panel>
  )
}
