/** How the hold of each attempt ended, who paid for it, and what is in doubt: the ledger's own words. */
import type { RequestDetail } from '../../api-types.ts'
import { Fact } from '../../ui/bits.tsx'
import { flagWords, isAlarm } from '../../ui/flags.ts'
import { Panel, PanelHead } from '../../ui/panel.tsx'
import { chargeWords } from './verdict.ts'

export const Charges = ({ request }: { request: RequestDetail }) =>
  request.attempts.length > 0 && (
    <Panel label="Ledger">
      <PanelHead title="Ledger" note="who paid" />
      <dl className="px-3.5 pb-3.5">
        {request.attempts.map((attempt) => (
          <Fact key={attempt.number} name={`Attempt ${attempt.number}`}>
            <span className="num">{chargeWords(attempt)}</span>
            {attempt.flags
              .filter((flag) => flag !== 'simulated')
              .map((flag) => (
                <span key={flag} className={`block ${isAlarm(flag) ? 'text-warn-fg' : 'text-fg-3'}`}>
                  {flagWords[flag] ?? flag}
                </span>
              ))}
          </Fact>
        ))}
      </dl>
    </Panel>
  )
