/** Words for a state: pills are coloured only when the state is not ordinary, and always carry a word or an icon. */
import { Check, CircleX, FlaskConical } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Outcome } from '../api-types.ts'

export type Tone = 'idle' | 'ok' | 'warn' | 'bad' | 'accent'
const tones: Record<Tone, string> = {
  idle: 'bg-idle text-idle-fg',
  ok: 'bg-ok-bg text-ok-fg',
  warn: 'bg-warn-bg text-warn-fg',
  bad: 'bg-bad-bg text-bad-fg',
  accent: 'bg-accent-bg text-accent-fg',
}

export const Pill = ({ tone = 'idle', children, title }: { tone?: Tone; children: ReactNode; title?: string }) => (
  <span title={title} className={`num inline-flex h-5 items-center gap-1 rounded-full px-[7px] text-11 font-medium whitespace-nowrap ${tones[tone]}`}>
    {children}
  </span>
)
export const Tag = ({ children }: { children: ReactNode }) => (
  <span className="inline-flex h-[18px] items-center rounded-1 border border-line-2 px-[5px] text-11 whitespace-nowrap text-fg-2">{children}</span>
)
export const SimulatedPill = () => (
  <Pill tone="warn">
    <FlaskConical className="size-3" aria-hidden />
    Simulated
  </Pill>
)

const dots: Record<Tone, string> = { ok: 'bg-ok', warn: 'bg-warn', bad: 'bg-bad', idle: 'bg-c0', accent: 'bg-accent' }
export const Dot = ({ tone }: { tone: Tone }) => <i className={`inline-block size-[7px] flex-none rounded-full ${dots[tone]}`} />

export const outcomeTone: Record<Outcome, Tone> = { success: 'ok', refused: 'warn', failed: 'bad', broken: 'bad', cancelled: 'idle' }
const outcomeWords: Record<Outcome, string> = { success: '', refused: 'refused', failed: 'failed', broken: 'cut off', cancelled: 'cancelled' }

/** Status as the caller saw it, with the one word that matters. */
export function StatusPill({ status, outcome, attempts, icon }: { status: number; outcome: Outcome; attempts: number; icon?: boolean }) {
  const word = outcome === 'success' && attempts > 1 ? 'after fallback' : outcomeWords[outcome]
  const Icon = outcome === 'success' ? Check : CircleX
  return (
    <Pill tone={outcomeTone[outcome]}>
      {icon && <Icon className="size-3" aria-hidden />}
      {status}
      {word && ' '}
      {word && <span className={outcome === 'success' && !icon ? 'max-md:hidden' : ''}>{word}</span>}
    </Pill>
  )
}
