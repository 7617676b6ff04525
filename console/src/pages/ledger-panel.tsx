/** The ledger in a few lines: what was charged, what is held, what the gateway paid itself, and whether the books are up to date. */
import { useQuery } from '@tanstack/react-query'
import type { LedgerSummary } from '../api-types.ts'
import { countExact, duration, money, plural } from '../format.ts'
import { queries } from '../queries.ts'
import { Fact } from '../ui/bits.tsx'
import { link } from '../ui/button.tsx'
import { flagWords } from '../ui/flags.ts'
import { Panel, PanelHead } from '../ui/panel.tsx'
import { Dot } from '../ui/pill.tsx'
import { Load } from '../ui/state.tsx'

/** Sums beyond 2^53 come as text; what a person reads of them is right all the same. */
const amount = (nano: number | string): string => money(Number(nano))
/** A few records are always on their way. */
const manyWaiting = 10_000

const line = 'border-t border-line px-3.5 py-2'
function Facts({ ledger }: { ledger: LedgerSummary }) {
  const { held_nano: held, open_holds: open, oldest_hold_ms: oldest, lag_entries: lag, applied_lsn: applied, rejected, flags } = ledger
  const marked = Object.entries(flags).filter(([name, attempts]) => attempts > 0 && name !== 'simulated')
  return (
    <dl>
      <Fact className={line} name="Settled">
        {amount(ledger.settled_nano)}, all time
      </Fact>
      <Fact className={line} name="Held now">
        {held === null || open === null ? (
          <span className="text-warn-fg">not known: the data plane does not answer</span>
        ) : open === 0 ? (
          'nothing'
        ) : (
          <>
            {money(held)} by {plural(open, 'open attempt')}
            {oldest !== null && `, the oldest for ${duration(oldest)}`}
          </>
        )}
      </Fact>
      <Fact className={line} name="Paid by the gateway">
        {amount(ledger.overhead_nano)}
        <span className="block text-fg-3">Attempts that failed before a fallback, and bills above a strict bound.</span>
      </Fact>
      <Fact className={line} name="Flagged, all time">
        {marked.length === 0
          ? 'no attempt'
          : marked.map(([name, attempts]) => (
              <span key={name} className="block">
                {countExact(attempts)} {flagWords[name] ?? name}
              </span>
            ))}
      </Fact>
      <Fact className={line} name="Applied">
        {applied === null ? (
          'no journal yet'
        ) : (
          <>
            up to LSN {countExact(applied)}
            {lag !== null && lag > 0 && <span className={lag > manyWaiting ? 'text-warn-fg' : ''}>, {plural(lag, 'record')} to go</span>}
          </>
        )}
        {rejected > 0 && <span className="block text-bad-fg">{plural(rejected, 'record')} could not be applied: a defect of MegaRouter; its log says which</span>}
      </Fact>
    </dl>
  )
}

export function LedgerPanel() {
  const ledger = useQuery(queries.ledger)
  const good = ledger.data?.rejected === 0
  return (
    <Panel label="Ledger">
      <PanelHead title="Ledger">
        {ledger.data && (
          <span className="inline-flex items-center gap-1.5 text-12">
            <Dot tone={good ? 'ok' : 'bad'} />
            {good ? 'In order' : 'Needs attention'}
          </span>
        )}
      </PanelHead>
      <Load of={ledger}>{(data) => <Facts ledger={data} />}</Load>
      <p className="border-t border-line px-3.5 pt-2 pb-[11px] text-12 text-fg-3">
        <a href="/api/docs#schema-LedgerSummary" className={link}>
          What each figure is
        </a>
        ; the guide docs/guides/budgets.md says who pays what. <code className="mono">megarouter ledger verify</code> proves it.
      </p>
    </Panel>
  )
}
