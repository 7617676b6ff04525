/** Gateway steps and attempts on one axis of seconds; the steps again, magnified on their own scale, so that microseconds are seen. */
import { CircleCheck, CircleX } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Attempt, RequestDetail } from '../../api-types.ts'
import { countExact, duration } from '../../format.ts'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { attemptName, wasBilled } from './verdict.ts'

/** A round end of the axis and its fifths. */
function axis(totalMs: number): { end: number; label: (part: number) => string } {
  const power = 10 ** Math.floor(Math.log10(Math.max(totalMs, 0.01)))
  const end = [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].map((step) => step * power).find((step) => step >= totalMs * 1.001) ?? 10 * power
  const inSeconds = end >= 1000
  return {
    end,
    label: (part) => {
      const value = (end * part) / 5
      const text = String(Number((inSeconds ? value / 1000 : value).toPrecision(3)))
      return `${text} ${inSeconds ? 's' : 'ms'}`
    },
  }
}

const rowStyle =
  'grid grid-cols-[168px_minmax(0,1fr)_66px] items-center gap-2.5 border-t border-line max-md:grid-cols-[minmax(0,1fr)_auto] max-md:gap-y-0.5 max-md:py-2'
const laneStyle = 'lane relative h-9 max-md:col-span-2 max-md:row-start-2 max-md:h-[26px]'
function Lane({ icon, title, note, children, took }: { icon?: ReactNode; title: string; note: string; children: ReactNode; took: string }) {
  return (
    <div className={rowStyle}>
      <div className="flex min-w-0 gap-1.5 text-12 leading-[15px]">
        {icon}
        <span className="min-w-0">
          <span className="block truncate font-medium" title={title}>
            {title}
          </span>
          <span className="block truncate text-11 text-fg-3 max-md:hidden">{note}</span>
        </span>
      </div>
      <div className={laneStyle}>{children}</div>
      <div className="num text-right text-12 max-md:col-start-2 max-md:row-start-1">{took}</div>
    </div>
  )
}
const bar = 'absolute top-[9px] h-[18px] min-w-[3px] max-md:top-1'
const words = 'num absolute top-[9px] overflow-hidden px-2 text-12 leading-[18px] text-ellipsis whitespace-nowrap max-md:top-1 max-md:text-11'

function AttemptLane({ attempt, end, outputTokens }: { attempt: Attempt; end: number; outputTokens: number }) {
  const at = (ms: number): number => Math.max(0, Math.min(100, (ms / end) * 100))
  const style = (from: number, to: number) => ({ left: `${at(from)}%`, width: `${Math.max(0.25, at(to) - at(from))}%` })
  const good = attempt.outcome === 'success' || attempt.outcome === 'drained' || attempt.outcome === 'cancelled'
  const first = attempt.first_token_ms
  const status = attempt.status ? String(attempt.status) : (attempt.error_code ?? attempt.outcome ?? 'failed')
  const told = good ? null : `${status}${attempt.error_code && attempt.status ? ` ${attempt.error_code}` : ''}. ${wasBilled(attempt)}.`
  const stop = at(attempt.ended_ms)
  const streamed = first === null ? '' : `first token ${duration(first)}, then ${countExact(outputTokens)} tokens in ${duration(attempt.ended_ms - first)}`
  const icon = good ? (
    <CircleCheck className="size-3.5 flex-none text-ok-fg" strokeWidth={1.9} aria-label="worked" />
  ) : (
    <CircleX className="size-3.5 flex-none text-bad-fg" strokeWidth={1.9} aria-label="failed" />
  )
  return (
    <Lane
      icon={icon}
      title={attemptName(attempt)}
      note={attempt.deployment === attemptName(attempt) ? `attempt ${attempt.number}` : (attempt.deployment ?? `attempt ${attempt.number}`)}
      took={duration(attempt.ended_ms - attempt.started_ms)}
    >
      {first === null ? (
        <i className={`${bar} rounded-[3px] ${good ? 'bg-c1' : 'bg-bad'}`} style={style(attempt.started_ms, attempt.ended_ms)} />
      ) : (
        <>
          <i className={`${bar} hatched rounded-l-[3px]`} style={style(attempt.started_ms, first)} />
          <i className={`${bar} rounded-r-[3px] ${good ? 'bg-c1' : 'bg-bad'}`} style={style(first, attempt.ended_ms)} />
          <i
            className="absolute top-[5px] h-[26px] w-0.5 bg-fg max-md:top-0"
            style={{ left: `${at(first)}%` }}
            title={`first token after ${duration(first)}`}
          />
          {good && stop - at(first) > 45 && (
            <span className={`${words} text-on-c1`} style={style(first, attempt.ended_ms)}>
              {streamed}
            </span>
          )}
        </>
      )}
      {told &&
        (stop < 55 ? (
          <span className={`${words} text-fg-2`} style={{ left: `${stop}%`, right: 0 }}>
            {told}
          </span>
        ) : (
          <span className={`${words} text-surface`} style={style(attempt.started_ms, attempt.ended_ms)}>
            {told}
          </span>
        ))}
      {good && first !== null && stop - at(first) <= 45 && stop < 60 && (
        <span className={`${words} text-fg-2`} style={{ left: `${stop}%`, right: 0 }}>
          {streamed}
        </span>
      )}
    </Lane>
  )
}

/** Steps that wait for the upstream are left out: their time is the attempts'. */
const own = new Set(['receive', 'authenticate', 'admit', 'inspect', 'choose', 'translate', 'meter', 'record'])
function Magnified({ request }: { request: RequestDetail }) {
  const steps = request.steps.filter((step) => own.has(step.name) && step.us > 0)
  const total = steps.reduce((sum, step) => sum + step.us, 0)
  const widest = [...steps].sort((a, b) => b.us - a.us)[0]
  if (total === 0) return null
  return (
    <div className="border-t border-line pt-[9px]">
      <div className="flex text-12">
        <span className="text-fg-2">Gateway steps, magnified</span>
        <span className="num ml-auto text-fg-3">total {duration(total / 1000)}</span>
      </div>
      <ol className="mt-1.5 flex gap-0.5">
        {steps.map((step) => (
          <li key={step.name} className="min-w-[5px]" style={{ flex: `${step.us} 1 0` }} title={`${step.name} ${duration(step.us / 1000)}`}>
            <i className={`block h-2 rounded-[2px] ${step === widest ? 'bg-accent' : 'bg-c0'}`} />
            <span
              className={
                step.us / total > 0.085 ? `num block text-11 leading-[14px] whitespace-nowrap ${step.us / total > 0.2 ? '' : 'max-md:sr-only'}` : 'sr-only'
              }
            >
              <span className="mt-1 block text-fg-2">{step.name}</span>
              <span className="block text-fg-3">{(step.us / 1000).toFixed(2)}</span>
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}

export function Timeline({ request }: { request: RequestDetail }) {
  const ends = [request.total_ms, ...request.attempts.map((attempt) => attempt.ended_ms)]
  const { end, label } = axis(Math.max(...ends, 0.1))
  const us = (names: string[]): number => request.steps.filter((step) => names.includes(step.name)).reduce((sum, step) => sum + step.us, 0) / 1000
  const before = us(['receive', 'authenticate', 'admit', 'inspect', 'choose', 'translate'])
  const after = us(['meter', 'record'])
  return (
    <Panel label="Timeline">
      <PanelHead
        title="Timeline"
        note={request.attempts.length === 0 ? 'never sent' : request.attempts.length === 1 ? '1 attempt' : `${request.attempts.length} attempts`}
      >
        <span className="num text-12 text-fg-3">{duration(request.total_ms)}</span>
      </PanelHead>
      <div className="px-3.5 pb-3.5">
        <div aria-hidden className="grid h-[22px] grid-cols-[168px_minmax(0,1fr)_66px] gap-2.5 max-md:grid-cols-1">
          <span className="max-md:hidden" />
          <div className="num relative text-11 leading-[22px] text-fg-3">
            {[0, 1, 2, 3, 4, 5].map((part) => (
              <span
                key={part}
                className={`absolute whitespace-nowrap ${part === 0 ? '' : part === 5 ? '-translate-x-full' : '-translate-x-1/2'}`}
                style={{ left: `${part * 20}%` }}
              >
                {label(part)}
              </span>
            ))}
          </div>
        </div>
        <Lane title="Gateway steps" note={request.attempts.length ? 'receive to translate' : 'to the refusal'} took={duration(before)}>
          <i className={`${bar} rounded-[3px] bg-fg-2`} style={{ left: 0, width: `${Math.min(100, (before / end) * 100)}%` }} />
        </Lane>
        {request.attempts.map((attempt) => (
          <AttemptLane key={attempt.number} attempt={attempt} end={end} outputTokens={request.output_tokens} />
        ))}
        {after > 0 && request.attempts.length > 0 && (
          <Lane title="Meter and record" note="after the last byte" took={duration(after)}>
            <i
              className={`${bar} rounded-[3px] bg-fg-2`}
              style={{ left: `${Math.min(99.4, (Math.max(...ends) / end) * 100)}%`, width: `${(after / end) * 100}%` }}
            />
          </Lane>
        )}
        <Magnified request={request} />
      </div>
    </Panel>
  )
}
