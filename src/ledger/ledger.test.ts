import assert from 'node:assert/strict'
import test from 'node:test'
import { noUsage } from '../catalog/price.ts'
import type { Budget } from '../gateway/snapshot.ts'
import { usageFlags } from '../store/records.ts'
import { keyEntry, organisation } from '../../test/ledger/fixtures.ts'
import { settled, World } from '../../test/ledger/world.ts'
import type { Failure } from '../errors.ts'
import type { Account, Ancestor } from './account.ts'
import { LocalAuthority } from './authority.ts'
import type { Bound } from './bound.ts'
import { Hold, type HoldEnd } from './hold.ts'
import { Ledger, type HoldAsk } from './ledger.ts'

const noon = Date.parse('2026-07-01T12:00:00Z')
const hour = 3_600_000
const strict = (limitNano: number, period: Budget['period'] = 'day'): Budget => ({ limitNano, period, mode: 'strict' })
const standard = (limitNano: number, period: Budget['period'] = 'day'): Budget => ({ limitNano, period, mode: 'standard' })
const paid = (tenantNano: number, flags = 0): HoldEnd => ({ kind: 'settle', tenantNano, overheadNano: 0, outcome: 'success', flags, usage: noUsage() })

/** One organisation with one key. 2 bytes of a standard request are a token of 1 nano-dollar. */
function one(org: Budget | null, key: Budget | null, nowMs = noon): World {
  const world = new World(nowMs)
  world.organisations.set('o', organisation('o', org, 'UTC'))
  world.keys.set('k', keyEntry('k', 'o', 1, key))
  return world
}

/** Takes a hold of so many nano-dollars, or counts a refusal. */
async function take(world: World, nano: number): Promise<Hold | undefined> {
  const before = world.holds.length
  world.request(world.keys.get('k')!, 2 * nano)
  await settled()
  world.check()
  return world.holds[before]
}

function end(world: World, hold: Hold, nano: number): void {
  world.model.end(world.entryOf(hold), world.log.length + 1, BigInt(nano), () => true)
  hold.end(paid(nano))
}

const accountOf = (world: World, entity: string): Account => [...world.ledger.accounts.all()].find((account) => account.entity === entity)!

test('M1: a hold is taken on every ancestor at once or on none', async () => {
  const world = one(standard(1_000), standard(60))
  await take(world, 50)
  await take(world, 50)
  assert.deepEqual([world.admitted, world.refusals], [1, 1])
  assert.deepEqual([accountOf(world, 'org:o').heldNano, accountOf(world, 'key:k').heldNano], [50, 50])
})

test('M2: every attempt is held, however much is left', async () => {
  const world = one(null, standard(9_000_000_000_000))
  assert.equal((await take(world, 1))!.amountNano, 1)
  assert.equal(accountOf(world, 'key:k').heldNano, 1)
})

test('M3, M15: a hold that a defect left open ends by itself with what is known, and frees the rest', async () => {
  const world = one(null, standard(100))
  const hold = (await take(world, 20))!
  await hold.dispatch()
  hold.isSent = true
  hold.deliver(3, 35, 60)
  assert.equal(world.ledger.held().heldNano, 60)
  world.elapsedMs += hour - 1
  assert.equal(world.ledger.held().oldestHoldMs, hour - 1)
  world.ledger.sweep(hour)
  assert.equal(world.ledger.openHolds, 1)
  world.elapsedMs += 1
  world.ledger.sweep(hour)
  assert.deepEqual([world.ledger.openHolds, accountOf(world, 'key:k').heldNano, accountOf(world, 'key:k').settledNano, world.alarms.expired], [0, 0, 35, 1])
  hold.end(paid(9))
  assert.equal(accountOf(world, 'key:k').settledNano, 35, 'its late end changes nothing')
})

test('a hold that expires before it was dispatched costs nothing', async () => {
  const world = one(null, standard(100))
  await take(world, 20)
  world.elapsedMs += hour
  world.ledger.sweep(hour)
  assert.deepEqual([accountOf(world, 'key:k').takenNano, world.log.at(-1)!.record.kind], [0, 'void'])
})

test('M5: a hold settles in the period in which it was taken, and the next one begins at zero', async () => {
  const world = one(null, standard(100))
  const hold = (await take(world, 60))!
  const yesterday = accountOf(world, 'key:k')
  world.nowMs += 24 * hour
  await take(world, 90)
  const today = accountOf(world, 'key:k')
  end(world, hold, 55)
  world.check()
  assert.deepEqual([yesterday.settledNano, yesterday.heldNano, today.settledNano, today.heldNano], [55, 0, 0, 90])
})

test('a hold is charged to the period that admitted it, although the clock passed its end before it was written', async () => {
  const world = one(null, standard(100), Date.parse('2026-07-01T23:59:59.999Z'))
  await take(world, 1)
  world.skipMs = 1
  const hold = (await take(world, 60))!
  assert.equal(hold.record.heldAt, Date.parse('2026-07-01T23:59:59.999Z'))
  await take(world, 100)
  assert.equal(world.admitted, 3)
})

test('M6: without room for the journal, or without an answer about what was spent, nothing is admitted', async () => {
  const world = one(null, standard(100))
  world.isFull = true
  await take(world, 1)
  world.isFull = false
  world.isPrompt = false
  world.keys.set('k', keyEntry('k', 'o', 2, standard(100, 'month')))
  await take(world, 1)
  world.waiting[0]!.answer(true)
  await settled()
  assert.deepEqual([world.admitted, world.refusals, world.unavailable], [0, 0, 2])
})

test('M12: an attempt ends once, whatever is said afterwards', async () => {
  const world = one(null, standard(100))
  const hold = (await take(world, 50))!
  end(world, hold, 30)
  hold.end(paid(20))
  hold.void()
  assert.equal(accountOf(world, 'key:k').settledNano, 30)
  assert.equal(world.log.filter(({ record }) => record.kind === 'settle' || record.kind === 'void').length, 1)
  assert.equal(hold.deliver(1, 1, 99), null)
})

test('M14: an end is one record and one step: what is not settled is free in the same moment', async () => {
  const world = one(standard(100), standard(100))
  const hold = (await take(world, 100))!
  await take(world, 1)
  assert.equal(world.refusals, 1)
  end(world, hold, 40)
  const before = world.log.length
  await take(world, 60)
  assert.deepEqual([world.admitted, world.log.length - before], [2, 1])
})

test('M22: an amount that is not a whole number of nano-dollars changes nothing and is an error', async () => {
  const world = one(null, standard(100))
  const hold = (await take(world, 50))!
  for (const bad of [NaN, -1, 0.5, Infinity, 2 ** 53]) {
    assert.throws(() => hold.end(paid(bad)), RangeError)
    assert.throws(() => hold.end({ ...paid(0), overheadNano: bad }), RangeError)
    assert.throws(() => hold.deliver(1, bad, 60), RangeError)
    assert.throws(() => hold.deliver(1, 1, bad), RangeError)
    assert.throws(() => Ledger.prototype.hold.call(world.ledger, {} as HoldAsk, { holdNano: bad } as Bound, []), RangeError)
  }
  world.check()
  end(world, hold, 50)
  world.check()
})

test('M22: clients that ask for more tokens than there are leave sums exact', async () => {
  const world = one({ ...standard(1), mode: 'soft' }, null)
  const holds: Hold[] = []
  for (let i = 0; i < 4; i++) holds.push((await take(world, 4e15))!)
  holds.push((await take(world, 3))!)
  assert.equal(world.ledger.held().heldNano, accountOf(world, 'org:o').heldNano)
  for (const hold of holds) end(world, hold, 1)
  world.check()
  assert.deepEqual([accountOf(world, 'org:o').heldNano, accountOf(world, 'org:o').settledNano], [0, 5])
})

test('M23: a clock that steps back over the end of a period finds what was charged there', async () => {
  const world = one(null, standard(100, 'hour'))
  end(world, (await take(world, 90))!, 90)
  world.apply(99)
  await world.receive(99)
  world.nowMs += 9 * hour
  end(world, (await take(world, 80))!, 80)
  world.apply(99)
  await world.receive(99)
  world.ledger.sweep(1e12)
  world.nowMs -= 9 * hour
  await take(world, 11)
  world.nowMs += 9 * hour
  await take(world, 21)
  assert.deepEqual([world.admitted, world.refusals], [2, 2])
})

test('M23: a clock that is set forward ends no hold of a request that runs', async () => {
  const world = one(null, standard(100))
  const hold = (await take(world, 20))!
  world.nowMs += 24 * hour
  world.ledger.sweep(hour)
  assert.deepEqual([hold.isOpen, world.ledger.held().oldestHoldMs], [true, 0])
})

test('a limit that was lowered stops the next attempt of requests that were admitted before, and one that was raised lets streams go on', async () => {
  const world = one(null, standard(100))
  await take(world, 10)
  const [old] = world.leases
  world.keys.set('k', keyEntry('k', 'o', 2, standard(20)))
  await take(world, 5)
  world.attempt(old!, 2 * 50)
  assert.equal(world.refusals, 1)
  world.keys.set('k', keyEntry('k', 'o', 3, standard(1_000)))
  const stream = (await take(world, 5))!
  world.attempt(old!, 2)
  assert.equal(stream.deliver(1, 1, 500), null)
})

test('a budget that is spent refuses what costs nothing too; one that is not admits it', async () => {
  const world = one(null, strict(40))
  world.keys.set('k', keyEntry('k', 'o', 1, standard(40)))
  end(world, (await take(world, 40))!, 40)
  const free = Ledger.prototype.hold.call(world.ledger, { tenant: { org: 'o', team: null, project: null, user: null, key: 'k', serviceAccount: null, path: [] }, target: {}, marks: [] } as unknown as HoldAsk, { holdNano: 0, inputNano: 0, inputTokens: 0, maxTokens: null } as Bound, [accountOf(world, 'key:k')])
  assert.ok(!(free instanceof Hold) && !(free instanceof Promise) && free.code === 'budget_exceeded')
})

test('what a vendor charges beyond a hold is alarmed', async () => {
  const world = one(null, standard(100))
  const hold = (await take(world, 90))!
  hold.end(paid(130, usageFlags.overHold))
  assert.deepEqual([world.alarms.over_hold, world.alarms.overrun, accountOf(world, 'key:k').settledNano], [1, 1, 130])
  const more = one(null, strict(1_000))
  const strictHold = (await take(more, 90))!
  strictHold.end({ ...paid(strictHold.amountNano, usageFlags.overBound), overheadNano: 7 })
  assert.deepEqual([more.alarms.over_bound, more.alarms.overrun], [1, 0])
})

test('a charge that overran a budget of the last hours is alarmed when those hours have passed', async () => {
  // A key's own budget has no such period, those of rules do; to the ledger they are the same.
  const world = one(null, { ...standard(100), period: 'rolling/PT1H' } as unknown as Budget)
  const hold = (await take(world, 90))!
  // Another one: the account learns how late it is.
  world.nowMs += 3 * hour
  end(world, (await take(world, 10))!, 10)
  hold.end(paid(130, usageFlags.overHold))
  assert.deepEqual([world.alarms.overrun, accountOf(world, 'key:k').settledNano], [1, 10])
})

/** A ledger over a journal that says what it is told to, and takes holds until so many ends wait for the store. */
function over(journal: { canAdmit(): boolean; problem: string | null }, mostUnapplied = Infinity): { ledger: Ledger; take(): Hold | Failure } {
  let lsn = 0
  const port = { append: () => ++lsn, flush: () => true, whenSynced: () => null, syncSoon: () => {}, writtenLsn: Infinity, canAdmit: journal.canAdmit, get problem() { return journal.problem } }
  const ledger = new Ledger({ journal: port, authority: new LocalAuthority(() => Promise.reject(new Error('not asked'))), clock: { epochMs: () => noon, monotonicUs: () => 0 }, soon: setImmediate, alarm: () => {}, mostUnapplied })
  const ask: HoldAsk = { requestId: 'r', attempt: 1, tenant: { org: 'o', team: null, project: null, user: null, key: 'k', serviceAccount: null, path: [] }, target: {} as HoldAsk['target'], mode: 'none', stream: false, repeat: null, marks: [] }
  return { ledger, take: () => ledger.hold(ask, { holdNano: 1, inputNano: 1, inputTokens: 1, maxTokens: null } as Bound, []) as Hold | Failure }
}

test('ends that the database does not take stop new requests at a bound, and those go on once it takes them', () => {
  const { ledger, take } = over({ canAdmit: () => true, problem: null }, 3)
  const holds = [1, 2, 3, 4].map(() => take() as Hold)
  for (const hold of holds.slice(0, 3)) hold.end(paid(1))
  const refused = take() as Failure
  assert.equal(refused.code, 'ledger_unavailable')
  assert.match(refused.message, /3 ended attempts wait for the database/)
  assert.equal(ledger.closed, '3 ended attempts wait for the database, which does not take them')
  holds[3]!.end(paid(1))
  assert.equal(ledger.unapplied, 4, 'what runs is ended all the same')
  ledger.applied(holds[1]!.endLsn)
  assert.equal(ledger.closed, null)
  assert.ok(take() instanceof Hold)
})

test('a refusal names what keeps the journal from growing, and no path', () => {
  const journal = { canAdmit: () => false, problem: "EACCES: permission denied, open '/srv/data/journal/journal-7.log'" as string | null }
  const { ledger, take } = over(journal)
  assert.match((take() as Failure).message, /^Nothing can be charged now: the journal under the data directory cannot grow \(EACCES: permission denied\)\. Nothing was sent\./)
  journal.problem = 'EMFILE: too many open files, open'
  assert.equal(ledger.closed, 'the journal under the data directory cannot grow (EMFILE: too many open files)')
  journal.problem = 'ENOSPC: no space left on device, write'
  assert.equal(ledger.closed, 'the disk under the data directory has no room for its journal')
  journal.problem = null
  assert.match(ledger.closed!, /room that is being made/)
})

test('M16: processes that spend from what one authority granted them stay within the budget together', async () => {
  const limitNano = 1_000
  let leftNano = limitNano
  const nodes = Array.from({ length: 4 }, () => {
    const granted = new Map<Account, number>()
    return new Ledger({
      journal: { append: () => 1, flush: () => true, whenSynced: () => null, syncSoon: () => {}, writtenLsn: Infinity, canAdmit: () => true, problem: null }, clock: { epochMs: () => noon, monotonicUs: () => 0 }, soon: setImmediate, alarm: () => {},
      authority: {
        open: () => Promise.resolve({ nano: 0, lsn: 0 }), grantedNano: (account) => granted.get(account) ?? 0,
        async grow(account, moreNano) {
          await settled()
          if (moreNano > leftNano) return false
          leftNano -= moreNano
          granted.set(account, (granted.get(account) ?? 0) + moreNano)
          return true
        },
      },
    })
  })
  const ancestors = [{ rule: 'own:key:k', entity: 'key:k', name: 'Key k', budget: standard(limitNano), version: 1, timeZone: 'UTC', zoneVersion: 1 }]
  const tenant = { org: 'o', team: null, project: null, user: null, key: 'k', serviceAccount: null, path: [] }
  const admit = async (ledger: Ledger): Promise<boolean> => {
    const accounts = ledger.accountsOf(ancestors)
    if (accounts instanceof Promise) return (await accounts) === null && admit(ledger)
    const held = ledger.hold({ requestId: 'r', attempt: 1, tenant, target: {} as HoldAsk['target'], mode: 'standard', stream: false, repeat: null, marks: [] }, { holdNano: 7, inputNano: 1, inputTokens: 1, maxTokens: null } as Bound, accounts)
    if (held instanceof Promise) return (await held) === null && admit(ledger)
    return held instanceof Hold
  }
  const admitted = await Promise.all(Array.from({ length: 400 }, (_, i) => admit(nodes[i % 4]!)))
  const heldNano = nodes.reduce((sum, ledger) => sum + ledger.held().heldNano, 0)
  assert.equal(heldNano, 7 * admitted.filter(Boolean).length)
  assert.equal(heldNano, 7 * Math.floor(limitNano / 7))
})

test('who is told of levels is told once when what is spent reaches one, and not by what is only held', async () => {
  const world = one(null, null)
  const told: [string, number][] = []
  world.ledger.onTaken = ({ rule, settledNano }) => told.push([rule, settledNano])
  const rule = (limitNano: number, version: number): Ancestor => ({ rule: 'bud_1', entity: 'key:k', name: 'Budget', budget: standard(limitNano), version, timeZone: 'UTC', zoneVersion: 1, levels: [limitNano * 0.5, limitNano * 0.8] })
  world.rules.set('bud_1', { entity: 'key:k', budget: standard(100), version: 1, levels: [50, 80] })
  const holds = [(await take(world, 60))!, (await take(world, 30))!]
  assert.deepEqual(told, [])
  end(world, holds[0]!, 49)
  assert.deepEqual(told, [])
  end(world, holds[1]!, 1)
  end(world, (await take(world, 20))!, 10)
  assert.deepEqual(told, [['bud_1', 50]])
  world.ledger.changed(rule(70, 2))
  assert.deepEqual(told, [['bud_1', 50], ['bud_1', 60]], 'a limit that was lowered')
  world.ledger.changed(rule(70, 2))
  assert.equal(told.length, 2)
})

test('a budget that is removed lets a stream go on that it would have ended, and one that comes stops it, without another request', async () => {
  const world = one(null, null)
  world.changeRule('bud_1', 'vendor:o/up', standard(50))
  const hold = (await take(world, 40))!
  await hold.dispatch()
  assert.equal(hold.deliver(1, 1, 60)?.code, 'budget_exceeded')
  world.changeRule('bud_1', 'vendor:o/up', null)
  assert.equal(hold.deliver(1, 1, 60), null)
  world.changeRule('bud_1', 'vendor:o/up', standard(65))
  assert.equal(hold.deliver(1, 1, 66)?.code, 'budget_exceeded')
  assert.equal(hold.amountNano, 60)
})

test('an attempt that was admitted by a budget that it is not charged to is a defect, and changes nothing', async () => {
  const world = one(null, standard(100))
  await take(world, 1)
  const elsewhere = { tenant: { org: 'o', team: null, project: null, user: null, key: 'other', serviceAccount: null, path: [] }, target: {}, marks: [] } as unknown as HoldAsk
  assert.throws(() => Ledger.prototype.hold.call(world.ledger, elsewhere, { holdNano: 1 } as Bound, [accountOf(world, 'key:k')]), /admitted by own:key:k, and is not charged to key:k/)
  assert.equal(accountOf(world, 'key:k').heldNano, 1)
})
