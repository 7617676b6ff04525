/**
 * Opens the ledger of this process: recovers the journal, ends what a crash left open, and only then lets anything be admitted.
 * Fails where the journal is damaged before its end, with the file and what to do.
 */
import { systemSoon, type After, type Clock, type Soon } from '../clock.ts'
import type { RequestRecord } from '../store/records.ts'
import { LocalAuthority, type AskBalance } from './authority.ts'
import { endOfCrashed, recordsOf } from './crash.ts'
import type { Disk } from './disk.ts'
import { Journal } from './journal.ts'
import { Ledger, type Alarm } from './ledger.ts'
import type { Recovered } from './recovery.ts'

/** Records of lost requests that are made in one go. */
const batchSize = 256

export interface LedgerSetup {
  disk: Disk
  clock: Clock
  after: After
  soon?: Soon
  ask: AskBalance
  segmentBytes?: number
  alarm(kind: Alarm, text: string): void
  /** The disk failed in a way that makes its content unknown: the process must end, and its successor recover. */
  onFatal(error: Error): void
}

export interface OpenLedger {
  journal: Journal
  ledger: Ledger
  /** Where the journal broke off, if it did. */
  tornTail: Recovered['tornTail']
  /** LSN at which what is left of the journal begins: an applied LSN before the one below it means that records in between are gone. */
  firstLsn: number
  /** Ends the attempts that the last process left open; from then on holds are taken. `newestChargeMs`: of the ledger in the database. Returns records of requests that the store may lack, by batches: they may be many. */
  recover(appliedLsn: number, newestChargeMs: number): Generator<RequestRecord[]>
}

export async function openLedger({ ask, alarm, soon = systemSoon, ...journaling }: LedgerSetup): Promise<OpenLedger> {
  const { journal, recovered } = await Journal.open(journaling)
  const { clock } = journaling
  const ledger = new Ledger({ journal, authority: new LocalAuthority(ask), clock, soon, alarm })
  return {
    journal, ledger, tornTail: recovered.tornTail, firstLsn: recovered.segments[0]?.firstLsn ?? recovered.nextLsn,
    recover(appliedLsn, newestChargeMs) {
      ledger.accounts.charges(newestChargeMs)
      // A journal that lost its tail with the machine must not give an LSN a second time.
      journal.raiseLsn(appliedLsn + 1)
      ledger.recovered(recovered.terminals)
      for (const open of recovered.open) {
        const record = endOfCrashed(open, clock.epochMs())
        ledger.recovered([{ lsn: journal.append(record), record }])
      }
      journal.flush()
      ledger.applied(appliedLsn)
      return recordsOf([...ledger.beyond(appliedLsn)], batchSize)
    },
  }
}
