import assert from 'node:assert/strict'
import test from 'node:test'
import type { Budget } from '../gateway/snapshot.ts'
import type { Account, Ancestor } from './account.ts'
import { Accounts, keptSweeps } from './accounts.ts'
import type { Balance } from './authority.ts'

const hour = 3_600_000
const noon = Date.parse('2026-07-01T12:00:00Z')
const daily: Budget = { limitNano: 100, period: 'day', mode: 'strict' }
const ancestor = (version: number, budget: Budget | null, timeZone = 'UTC', zoneVersion = 1): Ancestor => ({ entity: 'key:k', name: 'Key k', budget, version, timeZone, zoneVersion })

/** Accounts whose authority answers when it is told to. */
function opening(settledAfter = 0) {
  const asked: { account: Account; resolve(balance: Balance): void; reject(error: Error): void }[] = []
  const accounts = new Accounts({
    authority: { open: (account) => new Promise((resolve, reject) => asked.push({ account, resolve, reject })), grantedNano: ({ limitNano }) => limitNano, grow: () => false },
    settledAfter: () => settledAfter, attachHolds: () => {},
  })
  return { accounts, asked }
}

test('many requests that wait for one account ask once', async () => {
  const { accounts, asked } = opening(3)
  const account = accounts.at(ancestor(1, daily), noon)!
  const waiting = Array.from({ length: 1000 }, () => accounts.open(account))
  assert.equal(asked.length, 1)
  assert.equal(accounts.opening, 1)
  asked[0]!.resolve({ nano: 40, lsn: 7 })
  await Promise.all(waiting)
  assert.deepEqual([account.isOpen, account.settledNano, accounts.opening], [true, 43, 0], 'what the store has, and what it had not applied')
})

test('an authority that fails leaves the account closed, and the next request asks again', async () => {
  const { accounts, asked } = opening()
  const account = accounts.at(ancestor(1, daily), noon)!
  const failing = accounts.open(account)
  asked[0]!.reject(new Error('away'))
  await assert.rejects(failing!, /away/)
  assert.equal(account.isOpen, false)
  const again = accounts.open(account)
  asked[1]!.resolve({ nano: 9, lsn: 1 })
  await again
  assert.equal(account.settledNano, 9)
})

test('M19: a period that begins while the process runs starts at zero, without a question and without a job', () => {
  const { accounts } = opening()
  accounts.at(ancestor(1, daily), noon)
  const next = accounts.at(ancestor(1, daily), noon + 24 * hour)!
  assert.deepEqual([next.isOpen, next.settledNano, next.startMs], [true, 0, Date.parse('2026-07-02T00:00:00Z')])
})

test('M23: a period that was charged before the clock stepped back is asked for, however long ago that was', () => {
  const { accounts } = opening()
  accounts.at(ancestor(1, { ...daily, period: 'hour' }), noon)
  const charged: Account[] = []
  accounts.charged('key:k', noon + 2 * hour, charged)
  const later = accounts.at(ancestor(1, { ...daily, period: 'hour' }), noon + 2 * hour)!
  assert.equal(later.isOpen, false, 'it may hold the charge that came before it')
  accounts.at(ancestor(1, { ...daily, period: 'hour' }), noon + 9 * hour)
  accounts.sweep(noon + 9 * hour)
  assert.equal([...accounts.all()].length, 1)
  assert.equal(accounts.at(ancestor(1, { ...daily, period: 'hour' }), noon + 2 * hour)!.isOpen, false)
})

test('M23: a charge of an entity that had no budget then counts when it gets one', () => {
  const { accounts } = opening()
  accounts.charged('key:k', noon + 48 * hour, [])
  accounts.at(ancestor(1, daily), noon)
  assert.equal(accounts.at(ancestor(1, daily), noon + 48 * hour)!.isOpen, false)
})

test('an older budget never takes the place of a newer one', () => {
  const { accounts } = opening()
  const lowered = accounts.at(ancestor(2, { ...daily, limitNano: 50 }), noon)!
  assert.equal(accounts.at(ancestor(1, daily), noon), lowered)
  assert.equal(lowered.limitNano, 50)
  accounts.at(ancestor(3, null), noon)
  assert.equal(accounts.at(ancestor(2, daily), noon), null, 'a budget that was removed stays removed')
  assert.equal(accounts.at(ancestor(4, daily, 'Asia/Tokyo', 1), noon)!.timeZone, 'Asia/Tokyo')
  accounts.at(ancestor(4, daily, 'Europe/Berlin', 2), noon)
  assert.equal(accounts.at(ancestor(4, daily, 'Asia/Tokyo', 1), noon)!.timeZone, 'Europe/Berlin')
})

test('two requests under two rules that wait for their accounts both end', async () => {
  const { accounts, asked } = opening()
  const day = accounts.at(ancestor(1, daily), noon)!
  const first = accounts.open(day)
  const month = accounts.at(ancestor(2, { ...daily, period: 'month' }), noon)!
  const second = accounts.open(month)
  asked[0]!.resolve({ nano: 1, lsn: 1 })
  await first
  assert.equal(accounts.at(ancestor(1, daily), noon), month, 'the newer rule holds for both')
  asked[1]!.resolve({ nano: 2, lsn: 1 })
  await second
  assert.deepEqual([day.isOpen, month.isOpen, asked.length], [true, true, 2])
})

test('M17: a budget that is removed, changed and added again has lost nothing that was charged meanwhile', () => {
  const { accounts } = opening()
  accounts.at(ancestor(1, daily), noon)
  const day = accounts.at(ancestor(1, daily), noon + 24 * hour)!
  accounts.at(ancestor(2, null), noon + 24 * hour)
  const charged: Account[] = []
  accounts.charged('key:k', noon + 24 * hour, charged)
  assert.deepEqual(charged, [day])
  assert.equal(day.mode, 'soft', 'without a budget it only counts')
  assert.equal(accounts.at(ancestor(3, daily), noon + 24 * hour), day)
  assert.equal(day.mode, 'strict')
})

test('accounts of periods that are over are forgotten after an hour, unless something is held in them', () => {
  const { accounts } = opening()
  const first = accounts.at(ancestor(1, daily), noon)!
  first.heldNano = 1
  accounts.at(ancestor(1, daily), noon + 24 * hour)
  accounts.sweep(noon + 48 * hour)
  assert.equal([...accounts.all()].length, 2)
  first.heldNano = 0
  accounts.sweep(noon + 12.5 * hour)
  assert.equal([...accounts.all()].length, 2)
  accounts.sweep(noon + 13 * hour)
  assert.equal([...accounts.all()].length, 1)
})

/** So many minutes. */
function sweep(accounts: Accounts, nowMs: number, count: number): void {
  for (let i = 0; i < count; i++) accounts.sweep(nowMs)
}

test('an entity that is used no more is forgotten with its last period, and asked for again when it comes back', () => {
  const { accounts } = opening()
  const first = accounts.at(ancestor(1, daily), noon)!
  first.isOpen = true
  first.heldNano = 1
  sweep(accounts, noon + 13 * hour, keptSweeps + 1)
  assert.deepEqual([...accounts.all()], [first], 'it holds something')
  first.heldNano = 0
  sweep(accounts, noon + 13 * hour - 1, 1)
  assert.deepEqual([...accounts.all()], [first], 'its period was just over')
  sweep(accounts, noon + 13 * hour, 1)
  assert.deepEqual([...accounts.all()], [])
  const charged: Account[] = []
  accounts.charged('key:k', noon + 13 * hour, charged)
  assert.deepEqual(charged, [])
  assert.equal(accounts.at(ancestor(1, daily), noon + 13 * hour)!.isOpen, false, 'it was charged meanwhile')
  assert.equal(accounts.at(ancestor(1, daily), noon)!.isOpen, false, 'the clock stepped back')
})

test('a request that was admitted by an older budget finds the newest one, however far the clock went meanwhile', () => {
  const { accounts } = opening()
  accounts.at(ancestor(1, daily), noon)
  accounts.at(ancestor(2, null), noon)
  sweep(accounts, noon + 1_000 * hour, keptSweeps)
  assert.equal(accounts.at(ancestor(1, daily), noon + 1_000 * hour), null)
  sweep(accounts, noon + 1_000 * hour, keptSweeps)
  assert.equal(accounts.at(ancestor(1, daily), noon + 1_000 * hour), null, 'it was asked for since')
})

test('a total budget is never forgotten', () => {
  const { accounts } = opening()
  const total = accounts.at(ancestor(1, { ...daily, period: 'total' }), noon)!
  sweep(accounts, noon + 100_000 * hour, keptSweeps + 1)
  assert.deepEqual([...accounts.all()], [total])
})

test('an account is not forgotten while it is being opened: it may hold what began before its budget', async () => {
  const { accounts, asked } = opening()
  const first = accounts.at(ancestor(1, daily), noon)!
  const waiting = accounts.open(first)
  accounts.at(ancestor(1, daily), noon + 24 * hour)
  accounts.sweep(noon + 48 * hour)
  assert.ok([...accounts.all()].includes(first))
  asked[0]!.resolve({ nano: 0, lsn: 1 })
  await waiting
  accounts.sweep(noon + 48 * hour)
  assert.ok(![...accounts.all()].includes(first))
})
