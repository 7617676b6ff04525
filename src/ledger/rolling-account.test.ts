/** Random histories of a rolling budget against a list of charges that is summed anew for each window. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { quarterMs, type RollingPeriod } from '../governance/periods.ts'
import { keptQuarters, RollingAccount } from './rolling-account.ts'

const hour = 3_600_000
const start = Date.parse('2026-03-28T22:07:00Z')
const limit = 100

interface Charge { at: number; held: bigint; settled: bigint; isOpen: boolean }

/** By instants and in bigint, without quarters: what any span of the window's length has taken, and by quarters what the rule says. */
class Model {
  charges: Charge[] = []
  readonly spanMs: number
  constructor(hours: number) {
    this.spanMs = hours * hour
  }

  taken(from: number, to: number): bigint {
    let sum = 0n
    for (const { at, held, settled } of this.charges) if (at >= from && at < to) sum += held + settled
    return sum
  }

  /** The most of all windows that count an instant: taken, or of that what is settled. */
  most(at: number, what: 'taken' | 'settled' = 'taken'): bigint {
    let most = 0n
    for (let end = floor(at); end <= floor(at) + this.spanMs; end += quarterMs) {
      const sum = what === 'taken' ? this.taken(end - this.spanMs, end + quarterMs) : this.settled(end - this.spanMs, end + quarterMs)
      if (sum > most) most = sum
    }
    return most
  }

  settled(from: number, to: number): bigint {
    return this.charges.reduce((sum, { at, settled }) => (at >= from && at < to ? sum + settled : sum), 0n)
  }

  /** No span of the length, wherever it begins. */
  check(): void {
    for (const { at } of this.charges) assert.ok(this.taken(at, at + this.spanMs) <= BigInt(limit), `more than the limit from ${new Date(at).toISOString()}`)
  }
}

const floor = (ms: number): number => Math.floor(ms / quarterMs) * quarterMs
const opened = (period: RollingPeriod, at: number, charges: readonly Charge[] = []): RollingAccount => {
  const account = new RollingAccount('key:k', 'own:key:k', period, at)
  account.limitNano = limit
  const from = RollingAccount.readFromMs(period, at)
  const sums = new Map<number, number>()
  for (const charge of charges) if (charge.at >= from) sums.set(floor(charge.at), (sums.get(floor(charge.at)) ?? 0) + Number(charge.settled))
  account.open([...sums].map(([startMs, nano]) => ({ startMs, nano })))
  for (const charge of charges) if (charge.isOpen) account.hold(Number(charge.held), charge.at)
  return account
}

const steps = [0, 1, 10 * 60_000, quarterMs, hour, 3 * hour, 7 * hour, 26 * hour, -1, -20 * 60_000, -2 * hour, -25 * hour, -40 * hour]
const command = fc.record({ kind: fc.constantFrom('hold', 'hold', 'grow', 'end', 'end', 'pass', 'pass', 'reopen'), a: fc.nat(1000), b: fc.nat(1000) })

test('P1 of a rolling budget: no hours see more than the limit, and nothing is refused that fits, through growth, clocks that step and restarts', () => {
  let holds = 0
  let refused = 0
  let reopened = 0
  fc.assert(fc.property(fc.constantFrom(1, 2, 5, 24), fc.array(command, { minLength: 20, maxLength: 60, size: 'max' }), (hours, commands) => {
    const period: RollingPeriod = `rolling/PT${hours}H`
    const model = new Model(hours)
    let now = start
    let account = opened(period, now)
    for (const { kind, a, b } of commands) {
      const open = model.charges.filter(({ isOpen }) => isOpen)
      const charge = open[a % Math.max(1, open.length)]
      if (kind === 'pass') now += steps[a % steps.length]!
      else if (kind === 'reopen' || !account.covers(now)) {
        reopened++
        account = opened(period, now, model.charges)
        assert.ok(account.covers(now), 'it is not opened again and again')
      } else if (kind === 'hold') {
        const nano = 1 + (b % 60)
        const taken = account.takenNanoAt(now)
        assert.equal(BigInt(taken), model.most(now))
        if (taken + nano <= limit) {
          holds++
          account.hold(nano, now)
          model.charges.push({ at: now, held: BigInt(nano), settled: 0n, isOpen: true })
        } else refused++
      } else if (charge && kind === 'grow') {
        const more = 1 + (b % 30)
        const taken = account.takenNanoAt(charge.at)
        if (account.covers(charge.at)) assert.equal(BigInt(taken), model.most(charge.at))
        else assert.equal(taken, Infinity)
        if (taken + more <= limit) {
          account.hold(more, charge.at)
          charge.held += BigInt(more)
        }
      } else if (charge && kind === 'end') {
        const settled = Math.min(Number(charge.held), b % 61)
        account.settle(Number(charge.held), settled, charge.at)
        charge.isOpen = false
        charge.held = 0n
        charge.settled = BigInt(settled)
        // Also of windows that the present has left behind: whoever overran one is told.
        if (account.covers(charge.at)) assert.equal(BigInt(account.settledNanoAt(charge.at)), model.most(charge.at, 'settled'))
      }
      model.check()
      assert.ok(account.settledNano >= 0 && account.heldNano >= 0)
    }
    // P9: what is free is the limit less what is settled.
    for (const charge of model.charges) if (charge.isOpen) {
      account.settle(Number(charge.held), 0, charge.at)
      charge.held = 0n
    }
    assert.equal(account.heldNano, 0)
  }), { numRuns: 1500 })
  assert.ok(holds > 5000 && refused > 500 && reopened > 500, `${holds} ${refused} ${reopened}`)
})

test('an amount leaves a window of an hour after an hour and the rest of its quarter, and the refusal knows when', () => {
  const account = opened('rolling/PT1H', start)
  account.hold(80, start) // 22:07
  account.settle(80, 80, start)
  assert.equal(account.fitsAtMs(20, start), start)
  const fits = account.fitsAtMs(30, start)
  assert.equal(new Date(fits).toISOString(), '2026-03-28T23:15:00.000Z')
  assert.equal(account.fitsAtMs(101, start), Infinity)
  assert.equal(account.takenNanoAt(fits - 1), 80)
  assert.equal(account.takenNanoAt(fits), 0)
  assert.equal(account.fitsAtMs(30, fits), fits)
})

test('a stream that grows counts where it began: what has left the newest window is not spent again in an older one', () => {
  const account = opened('rolling/PT1H', start)
  account.hold(90, start)
  account.settle(90, 90, start)
  const later = start + hour
  account.hold(10, later)
  const now = start + hour + quarterMs
  assert.equal(account.takenNanoAt(now), 10, 'a new charge has room')
  assert.equal(account.takenNanoAt(later), 100, 'more for the old one has none: an hour of its quarters would have 110')
})

test('sums beyond 2^53 come back exact', () => {
  const account = opened('rolling/PT1H', start)
  account.settle(0, Number.MAX_SAFE_INTEGER, start)
  account.settle(0, 2, start + quarterMs)
  account.settle(0, 2, start + 2 * quarterMs)
  assert.ok(account.takenNano > limit)
  assert.equal(account.takenNanoAt(start + hour + quarterMs), 4)
})

test('memory is that of the quarters in use: what no window holds is forgotten', () => {
  const account = opened('rolling/P1D', start)
  for (let i = 0; i < 5000; i++) {
    account.advance(start + i * quarterMs)
    account.settle(0, 1, start + i * quarterMs)
  }
  assert.equal(account.takenNano, 97)
  const at = start + 4999 * quarterMs
  assert.equal(account.takenNanoAt(at - keptQuarters * quarterMs), 97, 'the oldest charge that may come is judged by whole windows')
  assert.equal(account.takenNanoAt(at - (keptQuarters + 1) * quarterMs), Infinity)
})
