/**
 * Admission by the process itself: rate limits and one budget per key, counted in memory. Spend starts from what the key's
 * entry says was spent when it was loaded; holds are kept apart from spend, so that a released hold leaves no trace.
 */
import type { Clock } from '../clock.ts'
import { failure, type Failure } from '../errors.ts'
import type { BudgetPeriod, KeyEntry } from '../gateway/snapshot.ts'
import type { Admission, Lease } from './lease.ts'
import { periodEnd, periodStart } from './periods.ts'
import { SlidingWindow } from './sliding-window.ts'

interface KeyState {
  requests: SlidingWindow
  tokens: SlidingWindow
  running: number
  /** The period that `settledNano` belongs to, epoch ms; kept because finding it costs more than the rest of admission. */
  period: BudgetPeriod | null
  periodStart: number
  periodEnd: number
  settledNano: number
  heldNano: number
}

const dollars = (nano: number): string => `$${(nano / 1e9).toFixed(nano < 10_000_000 && nano > 0 ? 6 : 2)}`

export class LocalAdmission implements Admission {
  readonly #clock: Clock
  readonly #states = new Map<string, KeyState>()
  readonly #timeZone: () => string

  constructor(clock: Clock, timeZone: () => string = () => 'UTC') {
    this.#clock = clock
    this.#timeZone = timeZone
  }

  admit(key: KeyEntry, tokens: number): Lease | Failure {
    const now = this.#clock.epochMs()
    const state = this.#state(key, now)
    const { rpm, tpm, concurrency } = key.rateLimit
    if (rpm !== null && state.requests.used(now) + 1 > rpm) return limited(key, 'requests per minute', rpm, state.requests.waitMs(1, rpm, now))
    if (tpm !== null && state.tokens.used(now) + tokens > tpm) return limited(key, 'tokens per minute', tpm, state.tokens.waitMs(tokens, tpm, now))
    if (concurrency !== null && state.running + 1 > concurrency) return limited(key, 'concurrent requests', concurrency, 1000)
    const refused = this.#overBudget(key, state, 0, now)
    if (refused) return refused
    if (rpm !== null) state.requests.add(1, now)
    if (tpm !== null) state.tokens.add(tokens, now)
    state.running++
    return new LocalLease(this, key, state, tokens)
  }

  /** Null when `amountNano` more fits the key's budget. */
  fits(key: KeyEntry, state: KeyState, amountNano: number): Failure | null {
    return this.#overBudget(key, state, amountNano, this.#clock.epochMs())
  }

  nowMs(): number {
    return this.#clock.epochMs()
  }

  #overBudget(key: KeyEntry, state: KeyState, amountNano: number, now: number): Failure | null {
    if (!key.budget || key.budget.mode === 'soft') return null
    this.#turnPeriod(key, state, now)
    const { limitNano, period } = key.budget
    const takenNano = state.settledNano + state.heldNano
    // A budget that is spent refuses even a call that costs nothing.
    if (takenNano + amountNano <= limitNano && takenNano < limitNano) return null
    const reset = state.periodEnd
    const when = Number.isFinite(reset) ? ` It opens again at ${new Date(reset).toISOString()}.` : ' It does not reset.'
    const left = dollars(Math.max(0, limitNano - takenNano))
    return failure('budget_exceeded', `Key ${key.name} has used or reserved ${dollars(takenNano)} of ${dollars(limitNano)} for this ${period}; ${left} is left, this request may need ${dollars(amountNano)}.${when} Whoever manages the key can raise its budget.`)
  }

  #state(key: KeyEntry, now: number): KeyState {
    let state = this.#states.get(key.id)
    if (!state) {
      state = { requests: new SlidingWindow(), tokens: new SlidingWindow(), running: 0, period: null, periodStart: key.spent?.periodStart ?? 0, periodEnd: 0, settledNano: key.spent?.nano ?? 0, heldNano: 0 }
      this.#states.set(key.id, state)
    }
    this.#turnPeriod(key, state, now)
    return state
  }

  #turnPeriod(key: KeyEntry, state: KeyState, now: number): void {
    if (!key.budget || (now < state.periodEnd && state.period === key.budget.period)) return
    const start = periodStart(key.budget.period, now, this.#timeZone())
    if (start > state.periodStart) state.settledNano = 0
    state.period = key.budget.period
    state.periodStart = start
    state.periodEnd = periodEnd(key.budget.period, now, this.#timeZone())
  }
}

class LocalLease implements Lease {
  readonly #admission: LocalAdmission
  readonly #key: KeyEntry
  readonly #state: KeyState
  readonly #tokens: number
  readonly #holds = new Map<number, number>()
  #released = false

  constructor(admission: LocalAdmission, key: KeyEntry, state: KeyState, tokens: number) {
    this.#admission = admission
    this.#key = key
    this.#state = state
    this.#tokens = tokens
  }

  hold(attempt: number, amountNano: number): Failure | null {
    const refused = this.#admission.fits(this.#key, this.#state, amountNano)
    if (refused) return refused
    this.#holds.set(attempt, amountNano)
    this.#state.heldNano += amountNano
    return null
  }

  settle(attempt: number, costNano: number): void {
    if (this.#end(attempt)) this.#state.settledNano += costNano
  }

  void(attempt: number): void {
    this.#end(attempt)
  }

  release(actualTokens: number): void {
    if (this.#released) return
    this.#released = true
    this.#state.running--
    if (this.#key.rateLimit.tpm !== null) this.#state.tokens.add(actualTokens - this.#tokens, this.#admission.nowMs())
  }

  headers(): Record<string, string> {
    const { rpm, tpm } = this.#key.rateLimit
    const now = this.#admission.nowMs()
    const headers: Record<string, string> = {}
    const say = (unit: string, limit: number, used: number, waitMs: number): void => {
      headers[`x-ratelimit-limit-${unit}`] = String(limit)
      headers[`x-ratelimit-remaining-${unit}`] = String(Math.max(0, Math.floor(limit - used)))
      headers[`x-ratelimit-reset-${unit}`] = `${(waitMs / 1000).toFixed(3)}s`
    }
    if (rpm !== null) say('requests', rpm, this.#state.requests.used(now), this.#state.requests.waitMs(rpm, rpm, now))
    if (tpm !== null) say('tokens', tpm, this.#state.tokens.used(now), this.#state.tokens.waitMs(tpm, tpm, now))
    return headers
  }

  #end(attempt: number): boolean {
    const amount = this.#holds.get(attempt)
    if (amount === undefined) return false
    this.#holds.delete(attempt)
    this.#state.heldNano -= amount
    return true
  }
}

function limited(key: KeyEntry, what: string, limit: number, waitMs: number): Failure {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  return failure('rate_limit_exceeded', `Key ${key.name} has reached its limit of ${limit} ${what}. The next request fits in about ${seconds} s.`, { retryAfterMs: seconds * 1000 })
}
