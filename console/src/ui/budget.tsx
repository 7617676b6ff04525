/** A budget as it stands: what its period has spent, when it opens again, and whether it refuses requests now. */
import type { ReactNode } from 'react'
import { day, hourMinute, money, moneySummary, percent } from '../format.ts'
import { Share } from './bits.tsx'
import { type Budget, usedShare } from './budget-use.ts'
import { Pill } from './pill.tsx'

const color = (budget: Budget): string => (budget.blocked || usedShare(budget) > 1 ? 'var(--bad)' : usedShare(budget) > 0.8 ? 'var(--warn)' : 'var(--c0)')
const inPeriod = ({ period }: Budget): string => (period === 'total' ? 'in total' : `this ${period}`)
const shortDay = (iso: string, zone: string): string => `${day(iso, zone)}, ${hourMinute(iso, zone)}`
const opens = ({ resets_at: at }: Budget, zone: string): string => (at ? `opens again ${shortDay(at, zone)}` : 'does not reset')
const opensShort = ({ resets_at: at, period }: Budget, zone: string): string =>
  at ? `opens again ${period === 'hour' ? hourMinute(at, zone) : day(at, zone)}` : 'does not reset'

/** One line of a list, and what its budget does beneath. */
export const BudgetCell = ({ budget, zone }: { budget: Budget; zone: string }) => (
  <span className="flex items-center gap-2" title={`${money(budget.spent_nano)} of ${money(budget.limit_nano)} ${inPeriod(budget)} (${zone})`}>
    <span className="w-14 flex-none">
      <Share value={usedShare(budget)} color={color(budget)} />
    </span>
    <span className="num min-w-0">
      <span className="block truncate text-12 leading-[15px] text-fg-2">
        {moneySummary(budget.spent_nano)} of {moneySummary(budget.limit_nano)}
      </span>
      <span className="block truncate text-11 leading-[13px] text-fg-3">
        {budget.mode}, {opensShort(budget, zone)}
      </span>
    </span>
  </span>
)

/** `of`: whose it is, to begin a sentence with. */
export function BudgetState({ budget, zone, of }: { budget: Budget; zone: string; of: string }) {
  const used = usedShare(budget)
  const over = budget.spent_nano - budget.limit_nano
  return (
    <section aria-label="Budget" className="grid gap-1.5 rounded-3 border border-line px-3.5 py-2.5">
      <div className="num flex flex-wrap items-center gap-x-2 gap-y-1">
        <span>
          <b className="font-semibold">{money(budget.spent_nano)}</b> <span className="text-fg-2">of {money(budget.limit_nano)} spent {inPeriod(budget)}</span>
        </span>
        <span className="ml-auto flex items-center gap-2 text-12 text-fg-3">
          {over > 0 ? `${money(over)} over` : percent(used)}
          {budget.blocked ? <Pill tone="bad">Blocked</Pill> : over > 0 && <Pill tone="warn">Over</Pill>}
        </span>
      </div>
      <Share value={used} color={color(budget)} />
      <p className="num text-12 text-fg-3">
        {budget.blocked && <span className="text-bad-fg">{of} is refused with 402. </span>}
        <span className="capitalize">{budget.mode}</span>, {opens(budget, zone)}. What running requests hold comes on top.
      </p>
    </section>
  )
}

/** Consequences of a change that was just made, in the gateway's words. */
export const Warnings = ({ texts }: { texts: readonly string[] }): ReactNode =>
  texts.length > 0 && (
    <div role="status" className="grid gap-1 rounded-2 border border-line border-l-3 border-l-warn bg-surface px-3 py-2">
      {texts.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  )
