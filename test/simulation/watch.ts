/**
 * Looks on while a history runs: keeps its own book of every record that the journal takes, and compares it with the accounts after
 * each event that changed something (P1, P6, P10, P13). What it finds it reports, with the property.
 */
import { periodEnd, periodStart } from '../../src/governance/periods.ts'
import type { Account } from '../../src/ledger/account.ts'
import type { OpenLedger } from '../../src/ledger/open.ts'
import type { JournalRecord, TerminalRecord } from '../../src/ledger/records.ts'

export interface Settled { org: string; key: string; heldAt: number; nano: number }
interface Held { org: string; key: string; heldAt: number; nano: number }

export type Report = (property: string, text: string) => void

export const attemptName = ({ requestId, attempt }: { requestId: string; attempt: number }): string => `${requestId}-${attempt}`

const concerns = (account: Account, { org, key, heldAt }: Held): boolean =>
  (account.entity === `org:${org}` || account.entity === `key:${key}`) && heldAt >= account.startMs && heldAt < account.endMs

export class Watch {
  readonly #report: Report
  /** Ends of attempts by name, of all processes. */
  #settled = new Map<string, Settled>()
  #held = new Map<number, Held>()
  #opened: OpenLedger | null = null
  #taken = new WeakMap<Account, number>()
  #tiled = new WeakSet<Account>()
  #isDirty = false
  /** Alarms so far: an overrun that was alarmed is none of the gateway's. */
  alarms = 0
  #alarmsSeen = 0
  /** Entities whose budget was changed: what is taken may then be above the limit. */
  readonly changed = new Set<string>()
  #terminals = 0

  constructor(report: Report) {
    this.#report = report
  }

  get terminals(): number {
    return this.#terminals
  }

  /** A process has opened the ledger; `applied` is what the database holds. */
  opened(opened: OpenLedger, applied: ReadonlyMap<string, Settled>): void {
    this.#opened = null
    this.#settled = new Map(applied)
    this.#held.clear()
    const { journal } = opened
    const append = journal.append.bind(journal)
    journal.append = (record) => {
      const lsn = append(record)
      this.#appended(lsn, record)
      return lsn
    }
  }

  /** Recovery is over: what it found in the journal beyond the database counts as settled. */
  recovered(opened: OpenLedger): void {
    for (const record of opened.ledger.beyond(0)) if (!this.#settled.has(attemptName(record))) this.#settle(record)
    this.#opened = opened
    this.#isDirty = true
  }

  died(): void {
    this.#opened = null
  }

  /** After each event. */
  check(): void {
    if (!this.#isDirty || this.#opened === null) return
    this.#isDirty = false
    for (const account of this.#opened.ledger.accounts.all()) if (account.isOpen) this.#compare(account)
    this.#alarmsSeen = this.alarms
  }

  #appended(lsn: number, record: JournalRecord): void {
    this.#isDirty = true
    switch (record.kind) {
      case 'hold':
        this.#amounts(record.holdNano, record.inputNano, record.inputTokens)
        this.#held.set(lsn, { org: record.tenant.org, key: record.tenant.key, heldAt: record.heldAt, nano: record.holdNano })
        break
      case 'progress': {
        this.#amounts(record.holdNano, record.costNano, record.outputTokens)
        const held = this.#held.get(record.hold)
        if (held) held.nano = record.holdNano
        break
      }
      case 'settle': case 'void':
        this.#amounts(record.tenantNano, record.overheadNano, ...Object.values(record.usage))
        this.#held.delete(record.hold)
        this.#terminals++
        if (this.#settled.has(attemptName(record))) this.#report('P2', `${attemptName(record)} ended a second time, as ${record.outcome}`)
        else this.#settle(record)
    }
  }

  #settle({ requestId, attempt, tenant, heldAt, tenantNano }: TerminalRecord): void {
    this.#settled.set(attemptName({ requestId, attempt }), { org: tenant.org, key: tenant.key, heldAt, nano: tenantNano })
  }

  #amounts(...amounts: number[]): void {
    for (const amount of amounts) if (!Number.isSafeInteger(amount) || amount < 0) this.#report('P13', `${amount} is no amount`)
  }

  #compare(account: Account): void {
    const where = `${account.entity} from ${new Date(account.startMs).toISOString()}`
    let held = 0
    for (const each of this.#held.values()) if (concerns(account, each)) held += each.nano
    if (held !== account.heldNano) this.#report('P6', `${where} holds ${account.heldNano}, and its open holds are ${held}`)
    let settled = 0
    for (const each of this.#settled.values()) if (concerns(account, each)) settled += each.nano
    if (settled !== account.settledNano) this.#report('P5', `${where} has ${account.settledNano} settled, and its attempts cost ${settled}`)
    const taken = held + settled
    const before = this.#taken.get(account)
    this.#taken.set(account, taken)
    const isOver = before !== undefined && taken > before && taken > account.limitNano
    if (isOver && account.mode !== 'soft' && this.alarms === this.#alarmsSeen && !this.changed.has(account.entity)) {
      this.#report('P1', `${where} has a ${account.mode} limit of ${account.limitNano}, and ${taken} is taken after ${before}`)
    }
    this.#tiles(account, where)
  }

  #tiles(account: Account, where: string): void {
    if (this.#tiled.has(account) || account.period === 'total') return
    this.#tiled.add(account)
    const { period, timeZone, startMs, endMs } = account
    if (periodStart(period, startMs, timeZone) !== startMs || periodEnd(period, startMs - 1, timeZone) !== startMs || periodStart(period, endMs, timeZone) !== endMs) this.#report('P10', `${where}: the ${period} does not tile`)
  }
}
