/** What an operator sees of money: the gauges in `/metrics`, what is held now, and the journal's troubles in the log. */
import type { Gateway } from '../gateway/pipeline.ts'
import type { Journal } from '../ledger/journal.ts'
import type { OpenLedger } from '../ledger/open.ts'
import { causeOf } from '../ledger/refusals.ts'
import type { HeldNow } from '../threads/messages.ts'

export function moneyGauges({ journal, ledger }: OpenLedger, { repeats }: Pick<Gateway, 'repeats'>): Record<string, number> {
  const { bytes, segments, waiting, lastSyncUs, maxSyncUs, progressLeftOut } = journal.stats()
  const { heldNano, openHolds, oldestHoldMs } = ledger.held()
  return {
    megarouter_open_holds: openHolds, megarouter_held_usd: heldNano / 1e9, megarouter_oldest_hold_seconds: oldestHoldMs / 1000, megarouter_ledger_unapplied: ledger.unapplied,
    megarouter_journal_admitting: ledger.closed === null ? 1 : 0, megarouter_journal_progress_left_out_total: progressLeftOut,
    megarouter_journal_bytes: bytes, megarouter_journal_segments: segments, megarouter_journal_waiting: waiting, megarouter_journal_wait_p99_seconds: ledger.waitP99Us / 1e6, megarouter_journal_sync_seconds: lastSyncUs / 1e6, megarouter_journal_sync_max_seconds: maxSyncUs / 1e6,
    megarouter_budget_overruns_total: ledger.alarms.overrun, megarouter_over_bound_total: ledger.alarms.over_bound, megarouter_over_hold_total: ledger.alarms.over_hold, megarouter_expired_holds_total: ledger.alarms.expired,
    megarouter_replays_total: repeats.replayed, megarouter_replays_followed_total: repeats.followed, megarouter_replay_conflicts_total: repeats.conflicts, megarouter_replays_gone_total: repeats.gone, megarouter_replay_bytes: repeats.heldBytes,
  }
}

/** Null while the ledger is being opened. */
export function heldNow(opened: OpenLedger | null): HeldNow | null {
  if (opened === null) return null
  const { openHolds, oldestHoldMs, byOrg } = opened.ledger.held()
  return { openHolds, oldestHoldMs, byOrg, lsn: opened.journal.lastLsn }
}

interface Log {
  error(what: object, text: string): void
  info(text: string): void
}

/** What it returns tells each trouble of the journal once, and its end. A segment that is tried again has another name, but not another trouble. */
export function watchJournal(journal: Pick<Journal, 'problem' | 'canAdmit'>, log: Log): () => void {
  let told: string | null = null
  return () => {
    const { problem } = journal
    const cause = problem === null ? null : causeOf(problem)
    if (cause === told) return
    told = cause
    if (problem === null) log.info('the journal is in order again')
    else log.error({ problem, admitting: journal.canAdmit() }, 'the journal cannot make or remove its segments; it is tried again. Without room for the next one new requests are refused')
  }
}
