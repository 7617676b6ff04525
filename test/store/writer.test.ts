import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestRecord } from '../../src/store/records.ts'
import { BatchWriter, batchSize } from '../../src/store/writer.ts'
import { record } from './fixtures.ts'

class Gone extends Error {}

/** A writer over a made-up database and a clock that only `pass` moves. */
function bench({ queueLimit = 10_000, weigh = () => 1 }: { queueLimit?: number; weigh?: (record: RequestRecord) => number } = {}) {
  const timers: { at: number; callback: () => void }[] = []
  let now = 0
  const saved: string[] = []
  const commits: { at: number; count: number }[] = []
  const lost: string[] = []
  const failures: unknown[] = []
  const database = { up: true, poison: new Set<string>(), hold: null as Promise<void> | null, confirm: true }
  const writer = new BatchWriter<RequestRecord>({
    async save(records) {
      await database.hold
      if (!database.up) throw new Gone()
      for (const { id } of records) if (database.poison.has(id)) throw new RangeError(`no integer in ${id}`)
      const fresh = records.filter(({ id }) => !saved.includes(id))
      saved.push(...fresh.map(({ id }) => id))
      if (!database.confirm) throw new Gone()
      commits.push({ at: now, count: records.length })
    },
    isTransient: (error) => error instanceof Gone,
    failed: (error, one: RequestRecord | null) => {
      failures.push(error)
      if (one) lost.push(one.id)
    },
    nowMs: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback }
      timers.push(timer)
      return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1))
    },
    queueLimit, weigh,
  })
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const pass = async (ms: number): Promise<void> => {
    for (const end = now + ms; ;) {
      await settle()
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) {
        now = end
        return
      }
      now = next.at
      timers.splice(timers.indexOf(next), 1)
      next.callback()
    }
  }
  return { writer, database, saved, commits, lost, failures, pass, settle }
}

const some = (count: number): RequestRecord[] => Array.from({ length: count }, () => record())
const ids = (records: RequestRecord[]): string[] => records.map(({ id }) => id)

test('a record is saved within 100 ms, and those of one interval share a commit', async () => {
  const { writer, commits, saved, pass } = bench()
  const records = some(30)
  for (const one of records) {
    writer.push([one])
    await pass(3)
  }
  await pass(200)
  assert.deepEqual(saved, ids(records))
  assert.deepEqual(commits, [{ at: 100, count: 30 }])
  assert.equal(writer.state().queued, 0)
})

test('a full batch does not wait, and no commit holds more than a batch', async () => {
  const { writer, commits, settle, pass } = bench()
  writer.push(some(batchSize * 2 + 1))
  await settle()
  assert.deepEqual(commits.map(({ count }) => count), [batchSize, batchSize])
  await pass(100)
  assert.deepEqual(commits.map(({ count }) => count), [batchSize, batchSize, 1])
})

test('while the database is gone nothing is lost, and all is saved once when it is back', async () => {
  const { writer, database, saved, pass } = bench()
  database.up = false
  const records = some(700)
  writer.push(records.slice(0, 10))
  await pass(5_000)
  writer.push(records.slice(10))
  await pass(60_000)
  assert.deepEqual(writer.state(), { queued: 700, dropped: 0, databaseUp: false, oldestQueuedMs: 65_000 })
  database.up = true
  await pass(6_000)
  assert.deepEqual(saved, ids(records))
  assert.deepEqual(writer.state(), { queued: 0, dropped: 0, databaseUp: true, oldestQueuedMs: 0 })
})

test('attempts at a database that is gone become rarer', async () => {
  const { writer, database, failures, pass } = bench()
  database.up = false
  writer.push(some(1))
  await pass(60_000)
  assert.ok(failures.length > 10 && failures.length < 25, `${failures.length} attempts in a minute`)
})

test('a commit that happened but was not confirmed is repeated without a loss', async () => {
  const { writer, database, saved, pass } = bench()
  database.confirm = false
  const records = some(20)
  writer.push(records)
  await pass(150)
  database.confirm = true
  await pass(5_000)
  assert.deepEqual(saved, ids(records))
  assert.equal(writer.state().queued, 0)
})

test('beyond its limit the queue drops the oldest, counts them and says that the database is down', async () => {
  const { writer, database, saved, pass } = bench({ queueLimit: 100 })
  database.up = false
  const records = some(130)
  writer.push(records)
  assert.deepEqual([writer.state().queued, writer.state().dropped, writer.state().databaseUp], [100, 30, false])
  database.up = true
  await pass(6_000)
  assert.deepEqual(saved, ids(records.slice(30)))
})

test('records dropped while their batch is being saved are neither saved twice nor lost from the rest', async () => {
  const { writer, database, saved, pass, settle } = bench({ queueLimit: 100 })
  let release = (): void => {}
  database.hold = new Promise((resolve) => (release = resolve))
  const records = some(150)
  writer.push(records.slice(0, 90))
  await pass(100)
  writer.push(records.slice(90))
  release()
  database.hold = null
  await settle()
  await pass(1_000)
  assert.deepEqual([...new Set(saved)].sort(), ids(records).sort())
  assert.equal(writer.state().queued, 0)
})

test('a record that cannot be stored is lost alone, counted and named', async () => {
  const { writer, database, saved, lost, pass } = bench()
  const records = some(33)
  database.poison.add(records[7]!.id).add(records[20]!.id)
  writer.push(records)
  await pass(200)
  assert.deepEqual(saved.toSorted(), ids(records.filter((_, index) => index !== 7 && index !== 20)).sort())
  assert.deepEqual(lost, [records[7]!.id, records[20]!.id])
  assert.deepEqual([writer.state().dropped, writer.state().queued, writer.state().databaseUp], [2, 0, true])
})

test('drain saves everything at once', async () => {
  const { writer, saved, settle } = bench()
  const records = some(1_500)
  writer.push(records)
  const left = writer.drain(30_000)
  await settle()
  assert.equal(await left, 0)
  assert.deepEqual(saved, ids(records))
})

test('drain of an idle writer ends at once, and drain of a dead database ends at its deadline with the rest counted', async () => {
  assert.equal(await bench().writer.drain(1_000), 0)
  const { writer, database, pass } = bench()
  database.up = false
  writer.push(some(5))
  const left = writer.drain(3_000)
  await pass(3_000)
  assert.equal(await left, 5)
})

test('who waits for what is queued is told when it is saved or lost, and no later', async () => {
  const { writer, database, saved, pass, settle } = bench()
  assert.equal(await writer.written(0), true, 'nothing is queued')
  const records = some(3)
  database.poison.add(records[1]!.id)
  writer.push(records)
  const heard: boolean[] = []
  void writer.written(1_000).then((isWritten) => heard.push(isWritten))
  await pass(99)
  writer.push(some(1))
  database.hold = settle()
  await pass(50)
  assert.deepEqual([heard, saved.slice(0, 2)], [[true], [records[0]!.id, records[2]!.id]])
})

test('while the database is gone waiting ends in its time, and what is queued stays', async () => {
  const { writer, database, pass } = bench()
  database.up = false
  writer.push(some(1))
  const heard: boolean[] = []
  void writer.written(500).then((isWritten) => heard.push(isWritten))
  await pass(499)
  assert.deepEqual(heard, [])
  await pass(1)
  assert.deepEqual([heard, writer.state().queued], [[false], 1])
  database.up = true
  await pass(6_000)
  assert.deepEqual([heard, writer.state().queued], [[false], 0])
})

test('a queue that weighs its records drops the oldest beyond its weight, and has room again when they are saved', async () => {
  const { writer, database, saved, pass } = bench({ queueLimit: 10, weigh: ({ requestBytes }) => requestBytes })
  database.up = false
  const records = [4, 3, 5, 2].map((requestBytes) => record({ requestBytes }))
  writer.push(records)
  assert.deepEqual([writer.state().queued, writer.state().dropped], [3, 1])
  database.up = true
  await pass(6_000)
  const more = [6, 4].map((requestBytes) => record({ requestBytes }))
  writer.push(more)
  await pass(200)
  assert.deepEqual(saved, ids([...records.slice(1), ...more]))
  assert.equal(writer.state().dropped, 1)
})
