import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ledger, segmentBytes, Written } from '../../test/ledger/followed.ts'
import { batchRecords, lingerMs } from './follower.ts'
import type { Logged, TerminalRecord } from './records.ts'
import { nameOfSegment } from './recovery.ts'

test('every terminal record is applied once and in order, in batches of at most 512, across segments', async () => {
  const journal = new Written()
  for (let segment = 0; segment < 3; segment++) {
    journal.rotate()
    for (let index = 0; index < 700; index++) journal.append(index % 3 === 0 ? 'dispatch' : 'settle')
  }
  const { follower, seen, settle } = ledger(journal)
  follower.tail(journal.tail())
  await settle(lingerMs)
  assert.deepEqual(seen.records, journal.terminals)
  assert.ok(seen.batches.every((size) => size <= batchRecords) && seen.batches.length < 8, String(seen.batches))
  assert.deepEqual([follower.appliedLsn, follower.lag, seen.said.at(-1)], [journal.tail().lsn, 0, journal.tail().lsn])
  assert.deepEqual(seen.said, [...seen.said].sort((a, b) => a - b))
})

test('nothing is read that is not durable', async () => {
  const journal = new Written()
  journal.rotate()
  journal.append('settle')
  const durable = journal.tail()
  journal.append('settle')
  journal.rotate()
  journal.append('settle')
  const { follower, seen, settle } = ledger(journal)
  follower.tail(durable)
  await settle(5_000)
  assert.deepEqual(seen.records, journal.terminals.slice(0, 1))
  assert.equal(follower.appliedLsn, durable.lsn)
  follower.tail(journal.tail())
  await settle(lingerMs)
  assert.deepEqual(seen.records, journal.terminals)
})

test('however a journal grows and followers are replaced, each record is applied once', async () => {
  const step = fc.oneof(fc.constantFrom('settle' as const, 'void' as const, 'dispatch' as const, 'rotate' as const, 'tail' as const, 'restart' as const), fc.constant('settle' as const))
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const journal = new Written()
    journal.rotate()
    const applied: Logged<TerminalRecord>[] = []
    let { follower, seen, settle } = ledger(journal)
    for (const each of [...steps, 'tail' as const]) {
      if (each === 'rotate') journal.rotate()
      else if (each === 'tail') {
        follower.tail(journal.tail())
        await settle(1_000)
      } else if (each === 'restart') {
        applied.push(...seen.records)
        ;({ follower, seen, settle } = ledger(journal, seen.position))
      } else journal.append(each)
    }
    assert.deepEqual([...applied, ...seen.records], journal.terminals)
    assert.equal(follower.appliedLsn, journal.tail().lsn)
    assert.deepEqual(seen.failures, [])
  }), { numRuns: 60 })
})

test('a new follower begins at the ledger\'s position, in the segment that holds it', async () => {
  const journal = new Written()
  for (let segment = 0; segment < 5; segment++) {
    journal.rotate()
    for (let index = 0; index < 10; index++) journal.append('settle')
  }
  const position = journal.terminals[34]!.lsn
  for (const [released, left] of [[0, 35], [3, 35], [4, 40]] as const) {
    for (const name of journal.list().slice(0, released - (5 - journal.files.size))) journal.files.delete(name)
    const { follower, seen, settle } = ledger(journal, position)
    follower.tail(journal.tail())
    await settle(lingerMs)
    assert.deepEqual(seen.records, journal.terminals.slice(left))
  }
})

test('a database that is gone is waited for with growing pauses; nothing is read meanwhile and nothing is lost', async () => {
  const journal = new Written()
  journal.rotate()
  for (let index = 0; index < 1_200; index++) journal.append('settle')
  let gone = true
  const applied: Logged<TerminalRecord>[] = []
  const { follower, seen, settle } = ledger(journal, 0, {
    async apply(batch, uptoLsn) {
      if (gone) throw new Error('gone')
      applied.push(...batch)
      return uptoLsn
    },
  })
  follower.tail(journal.tail())
  await settle()
  const { reads } = journal
  for (let round = 0; round < 8; round++) await settle(5_000)
  assert.deepEqual([journal.reads, seen.said], [reads, []])
  assert.deepEqual(seen.waits.slice(0, 8), [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  gone = false
  await settle(5_000)
  await settle(lingerMs)
  assert.deepEqual(applied, journal.terminals)
  assert.ok(seen.failures.length >= 8)
})

test('a transaction whose commit was not confirmed is handed over again and the ledger\'s word counts', async () => {
  const journal = new Written()
  journal.rotate()
  for (let index = 0; index < 3; index++) journal.append('settle')
  let position = 0
  let confirmed = false
  const { follower, seen, settle } = ledger(journal, 0, {
    async apply(_, uptoLsn) {
      position = Math.max(position, uptoLsn)
      if (confirmed) return position
      confirmed = true
      throw new Error('connection lost')
    },
  })
  follower.tail(journal.tail())
  await settle(5_000)
  await settle(lingerMs)
  assert.deepEqual([follower.appliedLsn, seen.said, seen.failures], [journal.tail().lsn, [journal.tail().lsn], ['connection lost']])
})

test('a file that cannot be read is tried again from the ledger\'s position', async () => {
  const journal = new Written()
  journal.rotate()
  for (let index = 0; index < 5; index++) journal.append('settle')
  const { follower, seen, settle } = ledger(journal)
  journal.failing = new Error('EIO')
  follower.tail(journal.tail())
  await settle()
  journal.failing = null
  await settle(5_000)
  await settle(lingerMs)
  assert.deepEqual([seen.records, seen.failures], [journal.terminals, ['EIO']])
})

test('damage before the durable end is told and never passed over', async () => {
  const journal = new Written()
  journal.rotate()
  journal.append('settle')
  const place = journal.tail().offset
  journal.append('settle')
  journal.append('settle')
  journal.files.get(nameOfSegment(1))![place + 30]! ^= 1
  const { follower, seen, settle } = ledger(journal)
  follower.tail(journal.tail())
  for (let round = 0; round < 3; round++) await settle(5_000)
  assert.deepEqual(seen.records, journal.terminals.slice(0, 1))
  assert.match(seen.failures[0]!, /journal-0000000000000001.log cannot be read at byte \d+ \(corrupt\), although it is durable up to byte \d+/)
  assert.ok(follower.lag > 0 && seen.failures.length > 1)
})

test('a segment that does not follow the one before is told and never passed over', async () => {
  const journal = new Written()
  journal.rotate()
  journal.append('settle')
  journal.rotate()
  journal.append('settle')
  journal.rotate()
  journal.append('settle')
  journal.files.delete(nameOfSegment(2))
  const { follower, seen, settle } = ledger(journal)
  follower.tail(journal.tail())
  for (let round = 0; round < 3; round++) await settle(5_000)
  assert.deepEqual(seen.records, journal.terminals.slice(0, 1))
  assert.match(seen.failures[0]!, /journal-0000000000000003.log follows LSN \d+, and the segment before ends at \d+/)
})

test('what a crash left behind is passed over: a torn end, a segment torn at its first frame, an LSN that was raised', async () => {
  const journal = new Written()
  journal.rotate()
  journal.append('settle')
  const torn = journal.files.get(nameOfSegment(1))!
  torn.fill(0xff, journal.tail().offset, journal.tail().offset + 40)
  journal.files.set(nameOfSegment(2), Buffer.alloc(segmentBytes, 0xee))
  journal.raise(500)
  journal.rotate(nameOfSegment(3))
  journal.append('settle')
  const { follower, seen, settle } = ledger(journal)
  follower.tail(journal.tail())
  await settle(lingerMs)
  assert.deepEqual([seen.records, seen.failures], [journal.terminals, []])
  assert.equal(journal.terminals[1]!.lsn > 500, true)
})

test('an empty journal whose LSN was raised is noted without reading anything', async () => {
  const journal = new Written()
  const { follower, seen, settle } = ledger(journal, 90)
  follower.tail({ segment: '', offset: 0, lsn: 100 })
  await settle(1_000)
  assert.deepEqual([follower.appliedLsn, seen.batches, journal.reads], [100, [0], 0])
  follower.tail({ segment: '', offset: 0, lsn: 40 })
  await settle(1_000)
  assert.deepEqual([follower.appliedLsn, follower.lag], [100, 0])
})

test('what comes in a trickle waits for company a quarter of a second, a full batch and a drain for nothing', async () => {
  const journal = new Written()
  journal.rotate()
  journal.append('settle')
  const { follower, seen, settle } = ledger(journal)
  follower.tail(journal.tail())
  await settle()
  assert.deepEqual(seen.batches, [1], 'what an earlier process left waits for nobody')
  for (let tick = 0; tick < 5; tick++) {
    journal.append('settle')
    follower.tail(journal.tail())
    await settle(lingerMs - 1)
  }
  assert.deepEqual(seen.batches, [1])
  await settle(lingerMs)
  assert.deepEqual(seen.batches, [1, 5])
  for (let index = 0; index < batchRecords + 1; index++) journal.append('settle')
  follower.tail(journal.tail())
  await settle()
  assert.deepEqual(seen.batches, [1, 5, batchRecords])
  assert.equal(await follower.drain(1_000), 0)
  assert.deepEqual(seen.batches, [1, 5, batchRecords, 1])
  assert.deepEqual(seen.records, journal.terminals)
})

test('a part of a batch that could be applied is not handed over again', async () => {
  const journal = new Written()
  journal.rotate()
  for (let index = 0; index < 5; index++) journal.append('settle')
  const handed: number[][] = []
  const { follower, seen, settle } = ledger(journal, 0, {
    async apply(batch, uptoLsn) {
      handed.push(batch.map(({ lsn }) => lsn))
      return batch.length > 2 ? batch[1]!.lsn : uptoLsn
    },
  })
  follower.tail(journal.tail())
  for (let round = 0; round < 3; round++) await settle(lingerMs)
  const lsns = journal.terminals.map(({ lsn }) => lsn)
  assert.deepEqual(handed, [lsns, lsns.slice(2), lsns.slice(4)])
  assert.deepEqual(seen.said, [lsns[1], lsns[3], journal.tail().lsn])
})

for (const released of [0, 2]) {
  test(`a database that went back gets the journal again from its position; ${released} segments that are gone are told`, async () => {
    const journal = new Written()
    const firsts: number[] = []
    for (let segment = 0; segment < 4; segment++) {
      firsts.push(journal.nextLsn)
      journal.rotate()
      for (let index = 0; index < 10; index++) journal.append('settle')
    }
    const back: number[][] = []
    let records: Logged<TerminalRecord>[] = []
    let position = 0
    const { follower, seen, settle } = ledger(journal, 0, {
      async apply(batch, uptoLsn, afterLsn) {
        if (position < afterLsn) return position
        records.push(...batch)
        return position = uptoLsn
      },
      wentBack: (...args) => void back.push(args),
    })
    follower.tail(journal.tail())
    await settle(lingerMs)
    const had = follower.appliedLsn
    const kept = journal.terminals[4]!.lsn
    records = records.filter(({ lsn }) => lsn <= (position = kept))
    for (const name of journal.list().slice(0, released)) journal.files.delete(name)
    journal.append('settle')
    follower.tail(journal.tail())
    await settle(lingerMs)
    const left = journal.terminals.slice(10 * released)
    assert.deepEqual(records, [...new Set([...journal.terminals.slice(0, 5), ...left])])
    assert.deepEqual(back, [[kept, had, released === 0 ? 0 : firsts[released]! - 1]])
    assert.deepEqual([follower.appliedLsn, follower.isBehind, seen.said], [journal.tail().lsn, false, [had, kept, journal.tail().lsn]])

    // A question finds out, too.
    records = records.filter(({ lsn }) => lsn <= (position = left.at(-2)!.lsn))
    await follower.exclusively(async () => follower.stands(position))
    assert.equal(follower.isBehind, true)
    await settle(lingerMs)
    assert.deepEqual([records.at(-1), follower.isBehind], [left.at(-1), false])
  })
}

test('LSNs without a terminal record cost one transaction a second, at once when the thread is to end', async () => {
  const journal = new Written()
  journal.rotate()
  const { follower, seen, settle } = ledger(journal)
  for (let index = 0; index < 5; index++) {
    journal.append('dispatch')
    follower.tail(journal.tail())
    await settle()
  }
  assert.deepEqual([seen.batches, seen.said], [[], []])
  await settle(1_000)
  assert.deepEqual([seen.batches, seen.said], [[0], [journal.tail().lsn]])
  journal.append('dispatch')
  follower.tail(journal.tail())
  await settle()
  assert.equal(await follower.drain(1_000), 0)
  assert.deepEqual(seen.batches, [0, 0])
})

test('a drain applies what is left, and gives up in time when the database is gone', async () => {
  const journal = new Written()
  journal.rotate()
  for (let index = 0; index < 2_000; index++) journal.append('settle')
  const { follower, seen } = ledger(journal)
  follower.tail(journal.tail())
  assert.equal(await follower.drain(60_000), 0)
  assert.deepEqual(seen.records, journal.terminals)

  const stuck = ledger(journal, 0, { apply: () => Promise.reject(new Error('gone')) })
  stuck.follower.tail(journal.tail())
  const left = stuck.follower.drain(700)
  for (let round = 0; round < 6; round++) await stuck.settle(round < 3 ? 200 : 700)
  assert.equal(await left, journal.tail().lsn)
})

test('an answer stands between what was applied before it and what is applied after it', async () => {
  const journal = new Written()
  journal.rotate()
  const order: string[] = []
  let position = 0
  const { follower, settle } = ledger(journal, 0, {
    async apply(_, uptoLsn) {
      await new Promise((resolve) => setImmediate(resolve))
      position = uptoLsn
      await new Promise((resolve) => setImmediate(resolve))
      return uptoLsn
    },
    applied: (lsn) => void order.push(`applied ${lsn}`),
    // Nothing lingers.
    after(_, callback) {
      const timer = setImmediate(callback)
      return () => clearImmediate(timer)
    },
  })
  const asked: Promise<void>[] = []
  for (let index = 0; index < 30; index++) {
    journal.append('settle')
    follower.tail(journal.tail())
    asked.push(follower.exclusively(async () => {
      const lsn = position
      for (let turn = 0; turn < index % 4; turn++) await new Promise((resolve) => setImmediate(resolve))
      order.push(`balance ${lsn}`)
    }))
    if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await assert.rejects(follower.exclusively(() => Promise.reject(new Error('gone'))), /gone/)
  await Promise.all(asked)
  await settle()
  let applied = 0
  for (const each of order) {
    const [kind, lsn] = each.split(' ')
    if (kind === 'applied') applied = Number(lsn)
    else assert.equal(Number(lsn), applied, order.join(', '))
  }
  assert.ok(order.filter((each) => each.startsWith('applied')).length > 1)
})
