/** The ledger as it lies in the embedded database, read past the gateway's own code, and compared with the upstream's bill. */
import Sqlite from 'better-sqlite3'
import { join } from 'node:path'
import { encodeId } from '../../src/store/ids.ts'
import type { Charge } from '../upstream/bill.ts'

export interface LedgerRow {
  attemptId: string
  kind: 'settle' | 'void' | 'overhead'
  amountNano: number
  flags: number
  outcome: number
}

const kinds = ['settle', 'void', 'overhead'] as const
/** `estimated` and `uncertain` of usageFlags. */
const guessed = 1 | 2

export function ledgerRows(dataDir: string): LedgerRow[] {
  const database = new Sqlite(join(dataDir, 'megarouter.db'), { readonly: true })
  try {
    const rows = database.prepare('select request_id, attempt, kind, amount_nano, flags, outcome from ledger_entry order by node, lsn, kind').all() as
      { request_id: Buffer; attempt: number; kind: number; amount_nano: number; flags: number; outcome: number }[]
    return rows.map((row) => ({ attemptId: `${encodeId('req', row.request_id)}-${row.attempt}`, kind: kinds[row.kind]!, amountNano: row.amount_nano, flags: row.flags, outcome: row.outcome }))
  } finally {
    database.close()
  }
}

export interface Comparison {
  attempts: number
  /** Attempts whose ledger says itself that it is a guess. */
  flagged: string[]
  problems: string[]
}

/** Each attempt that the upstream saw has one end in the ledger, and costs what the bill says unless it is flagged; what it never saw costs nothing unless it is flagged. */
export function compareLedger(rows: readonly LedgerRow[], charges: readonly Charge[]): Comparison {
  const byAttempt = new Map<string, LedgerRow[]>()
  for (const row of rows) byAttempt.set(row.attemptId, [...(byAttempt.get(row.attemptId) ?? []), row])
  const flagged: string[] = []
  const problems: string[] = []
  for (const { attemptId, costNano, outcome, reported } of charges) {
    const own = byAttempt.get(attemptId!) ?? []
    const ends = own.filter(({ kind }) => kind !== 'overhead')
    if (ends.length !== 1) problems.push(`${attemptId} has ${ends.length} ends`)
    else if (ends[0]!.flags & guessed) flagged.push(attemptId!)
    else if (own.reduce((sum, { amountNano }) => sum + amountNano, 0) !== costNano) problems.push(`${attemptId} costs ${own.map(({ kind, amountNano }) => `${kind} ${amountNano}`).join(' + ')} and is charged ${costNano} (${outcome}${reported ? '' : ', not reported'})`)
  }
  const seen = new Set(charges.map(({ attemptId }) => attemptId))
  for (const [attemptId, own] of byAttempt) {
    if (seen.has(attemptId) || own.every(({ amountNano }) => amountNano === 0)) continue
    if (own.some(({ flags }) => flags & guessed)) flagged.push(attemptId)
    else problems.push(`${attemptId} costs ${own.map(({ kind, amountNano }) => `${kind} ${amountNano}`).join(' + ')}, and the upstream never saw it`)
  }
  return { attempts: charges.length, flagged, problems }
}
