import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JournalRig } from '../../test/simulation/journal-rig.ts'
import { sampleEnd, sampleHold } from '../../test/simulation/sample-records.ts'
import type { HoldRecord } from './records.ts'

interface Held { lsn: number; hold: HoldRecord }

function take(rig: JournalRig, number: number): Held {
  const hold = sampleHold(rig.dice, number)
  return { lsn: rig.journal.append(hold), hold }
}
const end = (rig: JournalRig, { lsn, hold }: Held): number => rig.journal.append(sampleEnd(rig.dice, hold, lsn))

async function opened(...given: ConstructorParameters<typeof JournalRig>): Promise<JournalRig> {
  const rig = new JournalRig(...given)
  await rig.open()
  return rig
}

/** Attempts that begin and end, until `count` more segments exist. */
async function fillSegments(rig: JournalRig, count: number): Promise<void> {
  const { segments } = rig.journal.stats()
  for (let number = 0; rig.journal.stats().segments < segments + count; number++) {
    end(rig, take(rig, number))
    await rig.passTicking(50)
    assert.ok(number < 10_000, 'no segment is filled')
  }
}

test('what was flushed survives a kill, what was synced survives a power cut, what was only appended survives neither', async () => {
  for (const power of [false, true]) {
    const rig = await opened(1, { syncMs: [1, 1] })
    const synced = take(rig, 1)
    await rig.until(rig.journal.whenSynced(synced.lsn)!)
    assert.equal(rig.journal.whenSynced(synced.lsn), null)
    if (!power) take(rig, 2)
    assert.equal(rig.journal.flush(), true)
    take(rig, 3)
    rig.crash(power)
    const { open, nextLsn } = await rig.open()
    assert.equal(open.length, power ? 1 : 2)
    assert.deepEqual(open[0], { lsn: synced.lsn, hold: synced.hold, dispatched: false, progress: null })
    assert.ok(nextLsn > open.at(-1)!.lsn)
  }
})

test('a sync starts at once where few wait, else up to two milliseconds after the last start, and one covers all who wait', async () => {
  const rig = await opened(2, { syncMs: [1, 1] })
  const startedUs = rig.scheduler.nowUs
  const doneUs: number[] = []
  const wait = (number: number): Promise<void> => rig.journal.whenSynced(take(rig, number).lsn)!
  const first = wait(1)
  void first.then(() => doneUs.push(rig.scheduler.nowUs - startedUs))
  const second = wait(2), third = wait(3)
  assert.equal(second, third, 'waiters of one sync have promises of their own')
  assert.notEqual(first, second)
  assert.equal(rig.journal.stats().waiting, 3)
  void second.then(() => doneUs.push(rig.scheduler.nowUs - startedUs))
  await rig.pass(20)
  assert.deepEqual(doneUs, [1_000, 2_000])
  assert.equal(rig.journal.stats().waiting, 0)
  assert.equal(rig.journal.stats().lastSyncUs, 1_000)
  void wait(4).then(() => doneUs.push(rig.scheduler.nowUs - startedUs))
  await rig.pass(20)
  assert.deepEqual(doneUs, [1_000, 2_000, 21_000])
  // Those that one sync made wait are so many that the next one waits for more.
  const begunUs = rig.scheduler.nowUs
  const alone = wait(5)
  const crowd = Array.from({ length: 12 }, (_, index) => wait(6 + index))
  await rig.until(alone)
  await rig.until(crowd[0]!)
  const after = wait(20)
  void after.then(() => doneUs.push(rig.scheduler.nowUs - begunUs))
  await rig.pass(20)
  assert.equal(doneUs.at(-1), 4_000, 'the crowd’s sync began after 1 ms, the next one 2 ms later, and took 1 ms')
})

test('a record that comes while a sync runs waits for the next one, and one that the running sync covers rides along', async () => {
  const rig = await opened(3, { syncMs: [10, 10] })
  const covered = take(rig, 1)
  const running = rig.journal.whenSynced(covered.lsn)!
  await rig.pass(5)
  assert.equal(rig.journal.tail().lsn, 0, 'what is not durable may be read')
  const late = take(rig, 2)
  rig.journal.flush()
  assert.equal(rig.journal.whenSynced(covered.lsn), running)
  let lateIsDurable = false
  void rig.journal.whenSynced(late.lsn)!.then(() => { lateIsDurable = true })
  await rig.until(running)
  assert.equal(lateIsDurable, false)
  assert.equal(rig.journal.syncedLsn, covered.lsn)
  await rig.pass(15)
  assert.equal(lateIsDurable, true)
})

test('records that nobody waits for are durable within two ticks', async () => {
  const rig = await opened(4)
  const { lsn } = take(rig, 1)
  await rig.passTicking(100)
  assert.equal(rig.journal.syncedLsn, lsn)
  assert.equal(rig.journal.tail().lsn, lsn)
})

test('others may read up to what is durable and no further', async () => {
  const rig = await opened(5, { syncMs: [4, 4] })
  const first = take(rig, 1)
  await rig.until(rig.journal.whenSynced(first.lsn)!)
  const tail = rig.journal.tail()
  take(rig, 2)
  rig.journal.flush()
  assert.deepEqual(rig.journal.tail(), tail)
  rig.disk.bytes(tail.segment).fill(0, tail.offset)
  assert.deepEqual(rig.read().map(({ lsn }) => lsn), [first.lsn])
})

test('records of a new segment count as durable only with those of the segment before', async () => {
  const rig = await opened(6, { syncMs: [3, 3], createMs: [0, 0] })
  const held: Held[] = []
  while (rig.disk.names().length < 2) {
    held.push(take(rig, held.length))
    rig.journal.flush()
    await rig.pass(0)
  }
  // Nothing was synced so far; the last of these lies in the second segment.
  while (rig.disk.bytes(rig.disk.names()[1]!)[0] === 0) {
    held.push(take(rig, held.length))
    rig.journal.flush()
  }
  assert.equal(rig.journal.syncedLsn, 0)
  await rig.until(rig.journal.whenSynced(held.at(-1)!.lsn)!)
  rig.crash(true)
  assert.equal((await rig.open()).open.length, held.length)
})

test('a full disk closes admission while every open attempt can still be ended on the disk, and admission opens when there is space', async () => {
  const rig = await opened(7, { createMs: [1, 1] }, { segmentBytes: 16_384 })
  rig.disk.faults.capacityBytes = rig.disk.usedBytes
  const held: Held[] = []
  while (rig.journal.canAdmit()) {
    held.push(take(rig, held.length))
    assert.equal(rig.journal.flush(), true)
    await rig.passTicking(50)
  }
  assert.ok(held.length > 10)
  assert.match(rig.journal.stats().problem ?? '', /ENOSPC/)
  const ends = held.map((each) => {
    rig.journal.append({ kind: 'dispatch', hold: each.lsn })
    rig.journal.append({ kind: 'progress', hold: each.lsn, outputTokens: 1, costNano: 2, holdNano: 3 })
    // More than one PROGRESS for each would take the room of ends.
    for (let more = 0; more < 20; more++) rig.journal.append({ kind: 'progress', hold: each.lsn, outputTokens: 2, costNano: 3, holdNano: 4 })
    return end(rig, each)
  })
  assert.equal(rig.journal.flush(), true)
  assert.ok(rig.journal.stats().progressLeftOut > 0)
  assert.equal(rig.disk.names().length, 1)
  await rig.until(rig.journal.whenSynced(ends.at(-1)!)!)
  await rig.passTicking(2_000)
  assert.equal(rig.journal.canAdmit(), false)
  rig.disk.faults.capacityBytes = Infinity
  await rig.passTicking(1_100)
  assert.equal(rig.journal.canAdmit(), true)
  assert.equal(rig.journal.stats().problem, null)
  rig.crash(true)
  const recovered = await rig.open()
  assert.deepEqual(recovered.terminals.map(({ lsn }) => lsn), ends)
  assert.deepEqual(recovered.open, [])
})

test('a segment that cannot be made is asked for once a second', async () => {
  const rig = await opened(8, { createMs: [0, 0] })
  rig.disk.faults.capacityBytes = 0
  let asked = 0
  rig.scheduler.onEvent = () => { if (rig.disk.names().length > 1) asked++ }
  for (let number = 0; rig.journal.canAdmit(); number++) take(rig, number)
  await rig.passTicking(5_000)
  rig.scheduler.onEvent = null
  assert.ok(asked >= 4 && asked <= 12, `${asked}`)
})

test('a refused write is kept and written by a later flush, at its place, and admission is closed until then', async () => {
  const rig = await opened(9)
  const before = take(rig, 1)
  rig.journal.flush()
  rig.disk.faults.writeFull = 1
  const refused = take(rig, 2)
  for (let tries = 0; tries < 5; tries++) assert.equal(rig.journal.flush(), false)
  assert.equal(rig.journal.canAdmit(), false)
  let isDurable = false
  void rig.journal.whenSynced(refused.lsn)!.then(() => { isDurable = true })
  await rig.passTicking(200)
  assert.equal(isDurable, false)
  assert.equal(rig.journal.syncedLsn, before.lsn)
  rig.disk.faults.writeFull = 0
  await rig.passTicking(100)
  assert.equal(isDurable, true)
  assert.equal(rig.journal.canAdmit(), true)
  assert.deepEqual(rig.read().map(({ lsn }) => lsn), [before.lsn, refused.lsn])
  assert.deepEqual(rig.fatal, [])
})

test('a failed sync is fatal exactly once, and whoever waits is told', async () => {
  const rig = await opened(10, { syncMs: [1, 1] })
  rig.disk.faults.syncError = 1
  const waits = [take(rig, 1), take(rig, 2)].map(({ lsn }) => rig.journal.whenSynced(lsn)!)
  const outcomes = Promise.allSettled(waits)
  await rig.passTicking(500)
  for (const outcome of await outcomes) assert.equal(outcome.status, 'rejected')
  assert.deepEqual(rig.fatal.map((error) => 'code' in error && error.code), ['EIO'])
  assert.equal(rig.journal.failed, true)
  assert.equal(rig.journal.canAdmit(), false)
  const late = take(rig, 3)
  assert.equal(rig.journal.flush(), false)
  await assert.rejects(rig.journal.whenSynced(late.lsn)!, /EIO/)
  assert.match(String(await rig.close()), /EIO/)
  assert.equal(rig.fatal.length, 1)
})

test('a write that fails for another reason than space is fatal exactly once', async () => {
  const rig = await opened(11)
  take(rig, 1)
  rig.disk.faults.writeError = 1
  for (let tries = 0; tries < 3; tries++) assert.equal(rig.journal.flush(), false)
  await rig.passTicking(200)
  assert.equal(rig.fatal.length, 1)
})

test('after a failed sync recovery keeps only what it has written again, so that a later power cut loses nothing of it', async () => {
  const rig = await opened(12, { syncMs: [1, 1] })
  rig.disk.faults.syncError = 1
  rig.journal.whenSynced(take(rig, 1).lsn)!.catch(() => {})
  await rig.pass(5)
  assert.equal(rig.journal.failed, true)
  rig.crash(false)
  rig.disk.faults.syncError = 0
  const { open } = await rig.open()
  rig.crash(true)
  assert.deepEqual((await rig.open()).open, open)
})

test('segments with an open hold, an end that is not applied, or anything newer stay', async () => {
  const rig = await opened(13, { createMs: [1, 1] })
  const release = async (applied: number, oldest: number): Promise<number> => {
    // What one call says is acted upon when all that was appended before it is durable.
    for (let calls = 0; calls < 2; calls++) {
      rig.journal.release(applied, oldest)
      await rig.passTicking(100)
    }
    rig.journal.release(applied, oldest)
    return rig.firstLsn()
  }
  const first = take(rig, 0)
  await fillSegments(rig, 4)
  const applied = rig.journal.tail().lsn
  const start = rig.firstLsn()
  assert.equal(await release(applied, first.lsn), start)
  assert.equal(await release(0, Infinity), start)
  const ended = end(rig, first)
  await rig.passTicking(100)
  const middle = rig.read().filter(({ record }) => record.kind === 'settle')[10]!.lsn
  const kept = await release(middle, Infinity)
  assert.ok(kept > start || rig.disk.names().length > 1)
  assert.ok(rig.read().some(({ lsn }) => lsn > middle))
  assert.ok(await release(ended, Infinity) > kept)
  assert.ok(rig.disk.names().length <= 2, 'segments that nobody needs stay')
  assert.ok(rig.read().some(({ lsn }) => lsn === ended), 'the current segment is removed')
})

test('the end of a hold is durable before the segment of its HOLD goes', async () => {
  const rig = await opened(14, { createMs: [1, 1], syncMs: [1, 1] })
  const held = take(rig, 0)
  await fillSegments(rig, 3)
  const applied = rig.journal.tail().lsn
  rig.journal.release(applied, held.lsn)
  end(rig, held)
  rig.journal.flush()
  for (let calls = 0; calls < 5; calls++) rig.journal.release(applied, Infinity)
  rig.crash(true)
  const { open, terminals } = await rig.open()
  assert.ok(open.some(({ lsn }) => lsn === held.lsn) || terminals.some(({ record }) => record.hold === held.lsn), 'an attempt is lost')
})

test('an LSN is not given twice after a restart, and a raised one stands', async () => {
  const rig = await opened(15)
  const first = take(rig, 1)
  await rig.passTicking(100)
  rig.crash(true)
  await rig.open()
  rig.journal.raiseLsn(5)
  rig.journal.raiseLsn(1_000)
  const raised = take(rig, 2)
  assert.ok(raised.lsn >= 1_000)
  assert.throws(() => rig.journal.raiseLsn(2_000), /stands/)
  await rig.passTicking(100)
  rig.crash(true)
  assert.deepEqual((await rig.open()).open.map(({ lsn }) => lsn), [first.lsn, raised.lsn])
  assert.ok(take(rig, 3).lsn > raised.lsn)
})

test('a journal opens on a full disk, takes the ends of recovered attempts, and writes them when there is space', async () => {
  const rig = await opened(16)
  const held = take(rig, 1)
  await rig.passTicking(100)
  rig.crash(false)
  rig.disk.faults.capacityBytes = 0
  const { open } = await rig.open()
  assert.equal(open.length, 1)
  assert.equal(rig.journal.canAdmit(), false)
  end(rig, held)
  assert.equal(rig.journal.flush(), false)
  rig.disk.faults.capacityBytes = Infinity
  await rig.passTicking(1_200)
  assert.equal(rig.journal.canAdmit(), true)
  rig.crash(true)
  const recovered = await rig.open()
  assert.equal(recovered.open.length, 0)
  assert.equal(recovered.terminals.length, 1)
})

test('closing makes everything durable and says what it could not write', async () => {
  const rig = await opened(17, { syncMs: [2, 2] })
  const held = take(rig, 1)
  void rig.journal.whenSynced(held.lsn)
  end(rig, held)
  assert.equal(await rig.close(), null)
  assert.equal(rig.journal.tail().lsn, rig.journal.syncedLsn)
  rig.crash(true)
  assert.equal((await rig.open()).terminals.length, 1)
  rig.disk.faults.writeFull = 1
  take(rig, 2)
  assert.match(String(await rig.close()), /ENOSPC/)
})
