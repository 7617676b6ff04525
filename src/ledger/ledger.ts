/**
 * Money of the running process: takes each attempt's hold on every ancestor at once or on none, writes it to the journal, and
 * ends it exactly once. What is settled here and not yet applied to the database is remembered for accounts that open later.
 */
import { noUsage } from '../catalog/price.ts'
import type { Clock, Soon } from '../clock.ts'
import type { Failure } from '../errors.ts'
import { Roster } from '../gateway/roster.ts'
import { limits } from '../limits.ts'
import { usageFlags } from '../store/records.ts'
import type { Account, Ancestor } from './account.ts'
import { Accounts } from './accounts.ts'
import type { Authority } from './authority.ts'
import type { Bound } from './bound.ts'
import { entitiesOf, isChargedTo } from './entities.ts'
import { Hold, type HoldEnd, type HoldKeeper } from './hold.ts'
import type { HoldMode, HoldRecord, JournalRecord, Logged, TerminalRecord } from './records.ts'
import { budgetRefusal, growthRefusal, journalRefusal, ledgerUnavailable } from './refusals.ts'
import { Unapplied } from './unapplied.ts'

/** What the ledger needs of the journal. */
export interface JournalPort {
  append(record: JournalRecord): number
  flush(): boolean
  /** Of the newest record that survives the process. */
  readonly writtenLsn: number
  syncSoon(): void
  whenSynced(lsn: number): Promise<void> | null
  canAdmit(): boolean
  /** What keeps it from growing, in the words of the operating system; null where nothing does. */
  readonly problem: string | null
}

/** Something that must not happen with honest upstreams and a correct gateway; each is counted and logged. */
export type Alarm = 'overrun' | 'over_bound' | 'over_hold' | 'expired'

export interface LedgerOptions {
  journal: JournalPort
  authority: Authority
  clock: Clock
  soon: Soon
  alarm(kind: Alarm, text: string): void
  /** Ends that may wait for the store before no more holds are taken. */
  mostUnapplied?: number
}

/** What accounts ask of a hold: the strictest mode, what is left for one more, and whose mode it is. */
export interface Terms { mode: HoldMode; freeNano: number; by: Account | null }

export type HoldAsk = Omit<HoldRecord, 'kind' | 'heldAt' | 'holdNano' | 'inputTokens' | 'inputNano'>

/** Up to so many running attempts don't wait for company when they write. */
const few = 4
/** Of a hold that nothing depends on: a client may ask for any number of tokens, and sums have to stay exact. */
const mostSoftNano = 100e9

/** The present, kept within the periods that the accounts were chosen for: the clock may have left one since. */
function instantWithin(accounts: readonly Account[], nowMs: number): number {
  for (const { startMs, endMs } of accounts) nowMs = Math.min(Math.max(nowMs, startMs), endMs - 1)
  return nowMs
}

/** One that is not would make every comparison with a budget true. */
function checkNano(nano: number): void {
  if (!Number.isSafeInteger(nano) || nano < 0) throw new RangeError(`Not an amount of nano-dollars: ${nano}`)
}

export class Ledger implements HoldKeeper {
  readonly accounts: Accounts
  readonly alarms: Record<Alarm, number> = { overrun: 0, over_bound: 0, over_hold: 0, expired: 0 }
  readonly #options: LedgerOptions
  readonly #open = new Roster<Hold>()
  readonly #unapplied = new Unapplied()
  #appliedLsn = 0
  #writing: PromiseWithResolvers<void> | null = null
  /** A dispatch is in the next write. */
  #dispatches = false
  /** Told when what a budget has spent reaches one of its levels (`Ancestor.levels`), once for each time. */
  onTaken: ((account: Account) => void) | null = null
  readonly #waits = new Float64Array(1_000)
  #waitCount = 0

  constructor(options: LedgerOptions) {
    this.#options = options
    this.accounts = new Accounts({
      authority: options.authority,
      addSettled: (account, lsn) => this.#addSettled(account, lsn),
      attachHolds: (account) => this.#attachHolds(account),
      reached: (account) => this.onTaken?.(account),
    })
  }

  get openHolds(): number { return this.#open.size }
  get appliedLsn(): number { return this.#appliedLsn }
  get unapplied(): number { return this.#unapplied.size }
  /** Why no hold is taken now, whatever its budgets; else null. */
  get closed(): string | null {
    const { journal, mostUnapplied = limits.unappliedEnds } = this.#options
    if (!journal.canAdmit()) return journalRefusal(journal.problem)
    return this.unapplied < mostUnapplied ? null : `${this.unapplied} ended attempts wait for the database, which does not take them`
  }

  /** Accounts of all budgets above a request, each open. A promise where one must be opened first; null: they are open, so ask again. */
  accountsOf(ancestors: readonly Ancestor[]): Account[] | Promise<Failure | null> {
    const now = this.#options.clock.epochMs()
    const accounts: Account[] = []
    let isOpen = true
    for (const ancestor of ancestors) {
      const account = this.accounts.at(ancestor, now)
      if (account === null) continue
      accounts.push(account)
      isOpen &&= account.isOpen
    }
    return isOpen ? accounts : this.#openAll(accounts)
  }

  /** A budget was changed, or removed (its `budget` is null): streams that run feel it now, and not with the next request. */
  changed(ancestor: Ancestor): void {
    if (this.accounts.ofRule(ancestor.entity, ancestor.rule) === null) return
    const account = this.accounts.at(ancestor, this.#options.clock.epochMs())
    if (account?.isOpen && account.takeNotice()) this.onTaken?.(account)
  }

  async #openAll(accounts: readonly Account[]): Promise<Failure | null> {
    try {
      for (const account of accounts) await this.accounts.open(account)
    } catch {
      return ledgerUnavailable('what its budgets have spent cannot be read from the database')
    }
    return null
  }

  /** The strictest mode of the accounts, and what is left for one more hold. */
  static terms(accounts: readonly Account[], authority: Authority, atMs: number): Terms {
    let by: Account | null = null
    let freeNano = Infinity
    for (const account of accounts) {
      if (by === null || (account.mode === 'strict' && by.mode !== 'strict') || (account.mode === 'standard' && by.mode === 'soft')) by = account
      if (account.mode !== 'soft') freeNano = Math.min(freeNano, Math.max(0, authority.grantedNano(account) - account.takenNanoAt(atMs)))
    }
    return { mode: by === null ? 'none' : by.mode, freeNano, by }
  }

  terms(accounts: readonly Account[]): Terms {
    return Ledger.terms(accounts, this.#options.authority, instantWithin(accounts, this.#options.clock.epochMs()))
  }

  /** Reserves on all accounts or on none. They must be open. A promise where the authority is asked for more; null: it granted something, so try again. */
  hold(ask: HoldAsk, bound: Bound, accounts: readonly Account[]): Hold | Failure | Promise<Failure | null> {
    checkNano(bound.holdNano)
    const { closed } = this
    if (closed !== null) return ledgerUnavailable(closed)
    const heldAt = instantWithin(accounts, this.#options.clock.epochMs())
    const { requestId, attempt, tenant, target, mode, stream, repeat, marks } = ask
    const record: HoldRecord = {
      kind: 'hold', requestId, attempt, tenant, target, heldAt, mode, stream,
      holdNano: mode === 'standard' || mode === 'strict' ? bound.holdNano : Math.min(bound.holdNano, mostSoftNano), inputTokens: bound.inputTokens, inputNano: bound.inputNano, repeat, marks,
    }
    const charged = this.#charged(record)
    for (const account of accounts) if (!charged.includes(account)) throw new Error(`an attempt was admitted by ${account.rule}, and is not charged to ${account.entity}`)
    // Also those of budgets that came since the request was admitted.
    const over = this.#over(charged, bound.holdNano, heldAt)
    if (over) {
      const { authority } = this.#options
      const refuse = (): Failure => budgetRefusal(over, bound, authority.grantedNano(over), heldAt)
      const more = authority.grow(over, Math.max(1, over.takenNanoAt(heldAt) + bound.holdNano - authority.grantedNano(over)))
      return more === false ? refuse() : more.then((granted) => (granted ? null : refuse()), () => ledgerUnavailable('whoever grants its budgets does not answer'))
    }
    const hold = new Hold(this, this.#options.journal.append(record), record, bound, charged, this.#options.clock.monotonicUs())
    for (const account of charged) account.hold(hold.amountNano, heldAt)
    this.#open.add(hold)
    return hold
  }

  /** All accounts that an attempt counts in. */
  #charged({ tenant, target, marks, heldAt }: HoldRecord): Account[] {
    const charged: Account[] = []
    const entities = entitiesOf(tenant, target)
    for (const entity of entities) this.accounts.charged(entity, heldAt, charged)
    for (let i = 0; i < marks.length; i++) if (marks.indexOf(marks[i]!) === i && !entities.includes(marks[i]!)) this.accounts.charged(marks[i]!, heldAt, charged)
    return charged
  }

  dispatch(hold: Hold): Promise<void> | null {
    const { journal } = this.#options
    hold.dispatchLsn = journal.append({ kind: 'dispatch', hold: hold.lsn })
    if (this.#open.size > few) return this.#nextWrite(true)
    this.#flush(true)
    return null
  }

  isWritten(lsn: number): boolean {
    return lsn <= this.#options.journal.writtenLsn
  }

  whenDurable(hold: Hold): Promise<void> | null {
    return hold.dispatchLsn === 0 ? null : this.#options.journal.whenSynced(hold.dispatchLsn)
  }

  write(hold: Hold): void {
    if (!this.isWritten(hold.endLsn)) this.#options.journal.flush()
  }

  whenWritten(hold: Hold): Promise<void> | null {
    if (this.isWritten(hold.endLsn)) return null
    if (this.#open.size > few) return this.#nextWrite(false)
    this.#flush(false)
    return null
  }

  /** Dispatches and ends that come together are written together. */
  #nextWrite(isDispatch: boolean): Promise<void> {
    this.#dispatches ||= isDispatch
    if (this.#writing === null) {
      const { promise, resolve } = this.#writing = Promise.withResolvers()
      this.#options.soon(() => {
        this.#writing = null
        try {
          this.#flush(this.#dispatches)
        } finally {
          this.#dispatches = false
          resolve()
        }
      })
      return promise
    }
    return this.#writing.promise
  }

  #flush(isDispatch: boolean): void {
    this.#options.journal.flush()
    // Runs beside the upstreams' own latency. For an end alone nobody waits.
    if (isDispatch) this.#options.journal.syncSoon()
  }

  deliver(hold: Hold, outputTokens: number, costNano: number, wantedNano: number): Failure | null {
    checkNano(costNano)
    checkNano(wantedNano)
    hold.deliveredNano = Math.max(hold.deliveredNano, costNano)
    const moreNano = Math.max(0, wantedNano - hold.amountNano)
    const { heldAt } = hold.record
    const over = moreNano > 0 ? this.#over(hold.accounts, moreNano, heldAt) : null
    if (!over) {
      hold.amountNano += moreNano
      for (const account of hold.accounts) account.hold(moreNano, heldAt)
    }
    this.#options.journal.append({ kind: 'progress', hold: hold.lsn, outputTokens, costNano, holdNano: hold.amountNano })
    return over ? growthRefusal(over, moreNano, this.#options.authority.grantedNano(over), heldAt) : null
  }

  end(hold: Hold, { kind, tenantNano, overheadNano, outcome, flags, usage }: HoldEnd): void {
    checkNano(tenantNano)
    checkNano(overheadNano)
    hold.isOpen = false
    this.#open.delete(hold)
    const { requestId, attempt, tenant, target, heldAt, repeat, marks } = hold.record
    const record: TerminalRecord = {
      kind, hold: hold.lsn, requestId, attempt, tenant, target, heldAt, endedAt: this.#options.clock.epochMs(), tenantNano, overheadNano, outcome, flags, usage, repeat, marks,
    }
    hold.endLsn = this.#options.journal.append(record)
    this.#unapplied.add({ lsn: hold.endLsn, record })
    for (const account of hold.accounts) {
      const before = account.settledNanoAt(heldAt)
      account.settle(hold.amountNano, tenantNano, heldAt)
      if (account.takeNotice()) this.onTaken?.(account)
      // The window may have passed meanwhile: it was overrun all the same.
      const settledNano = account.settledNanoAt(heldAt)
      if (account.mode !== 'soft' && settledNano > account.limitNano && before <= account.limitNano) {
        this.#alarm('overrun', `${account.name} has spent ${settledNano - account.limitNano} nano-dollars more than its budget with attempt ${requestId}-${attempt}`)
      }
    }
    if (flags & usageFlags.overBound) this.#alarm('over_bound', `${target.provider} charges ${overheadNano} nano-dollars more for ${requestId}-${attempt} than its bound allows; they are on gateway_overhead`)
    if (flags & usageFlags.overHold) this.#alarm('over_hold', `attempt ${requestId}-${attempt} at ${target.deployment} cost ${tenantNano} nano-dollars and had reserved ${hold.amountNano}`)
  }

  /** How long a request and its answer waited for the journal: to be told, and until the disk was as fast as the upstream. */
  waited(us: number): void {
    this.#waits[this.#waitCount++ % this.#waits.length] = us
  }

  /** Of the last waits, µs. */
  get waitP99Us(): number {
    const count = Math.min(this.#waitCount, this.#waits.length)
    return count === 0 ? 0 : this.#waits.slice(0, count).sort()[Math.ceil(count * 0.99) - 1]!
  }

  /** Takes in terminal records that recovery found or wrote. */
  recovered(terminals: readonly Logged<TerminalRecord>[]): void {
    for (const each of terminals) {
      this.#unapplied.add(each)
      this.accounts.charges(each.record.heldAt)
    }
  }

  /** The store has applied everything up to `lsn`. */
  applied(lsn: number): void {
    this.#appliedLsn = Math.max(this.#appliedLsn, lsn)
    // An account that is being opened adds what was not applied when the store answered it.
    if (this.accounts.opening === 0) this.#unapplied.applied(this.#appliedLsn)
  }

  /** Terminal records beyond what the store had applied when it started: their usage rows may be missing. */
  beyond(lsn: number): Iterable<TerminalRecord> {
    return this.#unapplied.beyond(lsn)
  }

  /** A charged request of this idempotency key that the store may not know yet. */
  findRepeat(key: Uint8Array): { body: Uint8Array; requestId: string; at: number } | null {
    const found = this.#unapplied.ofRepeat(key)
    return found && { body: found.repeat!.body, requestId: found.requestId, at: found.endedAt }
  }

  /** What is held now, for the summary and metrics. */
  held(): { heldNano: number; openHolds: number; oldestHoldMs: number; byOrg: Record<string, number>; oldestLsn: number } {
    const nowUs = this.#options.clock.monotonicUs()
    const sum = { heldNano: 0, openHolds: this.#open.size, oldestHoldMs: 0, byOrg: {} as Record<string, number>, oldestLsn: Infinity }
    this.#open.forEach(({ lsn, amountNano, sinceUs, record: { tenant: { org } } }) => {
      sum.heldNano += amountNano
      sum.oldestHoldMs = Math.max(sum.oldestHoldMs, (nowUs - sinceUs) / 1000)
      sum.oldestLsn = Math.min(sum.oldestLsn, lsn)
      sum.byOrg[org] = (sum.byOrg[org] ?? 0) + amountNano
    })
    return sum
  }

  /** Ends holds older than `holdMs`, which a defect left open, so that they don't block a budget for ever; called once a minute. */
  sweep(holdMs: number): void {
    const nowUs = this.#options.clock.monotonicUs()
    this.#open.forEach((hold) => {
      if (nowUs - hold.sinceUs < holdMs * 1000) return
      const { isSent, record: { requestId, attempt, inputNano, inputTokens } } = hold
      this.#alarm('expired', `attempt ${requestId}-${attempt} was never ended; its input and what is known to be delivered are settled`)
      const tenantNano = isSent ? Math.min(Math.max(inputNano, hold.deliveredNano), hold.mode === 'strict' ? hold.amountNano : Infinity) : 0
      hold.end({ kind: isSent ? 'settle' : 'void', tenantNano, overheadNano: 0, outcome: 'expired', flags: isSent ? usageFlags.uncertain : 0, usage: { ...noUsage(), input: isSent ? inputTokens : 0 } })
    })
    this.accounts.sweep(this.#options.clock.epochMs())
    // What could not be forgotten while an account was being opened.
    this.applied(this.#appliedLsn)
  }

  /** The first hard account without room for `moreNano`. A budget that is spent refuses even what costs nothing. */
  #over(accounts: readonly Account[], moreNano: number, atMs: number): Account | null {
    for (const account of accounts) {
      if (account.mode === 'soft') continue
      const granted = this.#options.authority.grantedNano(account)
      if (account.takenNanoAt(atMs) + moreNano > granted || (moreNano === 0 && account.settledNano >= granted)) return account
    }
    return null
  }

  #addSettled(account: Account, lsn: number): void {
    for (const record of this.#unapplied.beyond(lsn)) if (record.tenantNano > 0 && account.counts(record.heldAt) && isChargedTo(record, account.entity)) account.settle(0, record.tenantNano, record.heldAt)
  }

  #attachHolds(account: Account): void {
    this.#open.forEach((hold) => {
      if (!account.counts(hold.record.heldAt) || !isChargedTo(hold.record, account.entity)) return
      hold.accounts.push(account)
      account.hold(hold.amountNano, hold.record.heldAt)
    })
  }

  #alarm(kind: Alarm, text: string): void {
    this.alarms[kind]++
    this.#options.alarm(kind, text)
  }
}
