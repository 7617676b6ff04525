import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { noUsage } from '../catalog/price.ts'
import { SegmentWriter } from './codec.ts'
import { batchRecords, Follower, type FollowerOptions, type SegmentFiles } from './follower.ts'
import type { JournalTail } from './journal.ts'
import type { Logged, Target, Tenant, TerminalRecord } from './records.ts'
import { nameOfSegment } from './recovery.ts'

const tenant: Tenant = { org: 'org', team: null, project: null, user: null, key: 'key' }
const target: Target = { vendor: 'v', provider: 'p', deployment: 'd', model: 'm', upstreamModel: 'u', priceVersion: null }
const segmentBytes = 400_000

/** A journal in memory: `append` returns the record's LSN, and nothing is readable before `tail` says so. */
class Written implements SegmentFiles {
  readonly files = new Map<string, Buffer>()
  readonly terminals: Logged<TerminalRecord>[] = []
  nextLsn = 1
  reads = 0
  failing: Error | null = null
  #writer = new SegmentWriter()
  #name = ''
  #follows = 1

  rotate(name = nameOfSegment(this.files.size + 1)): void {
    this.#name = name
    this.#writer = new SegmentWriter()
    this.#writer.start(this.nextLsn, this.#follows, 0)
    this.nextLsn += 1
    this.#store()
  }
  append(kind: 'settle' | 'void' | 'dispatch'): number {
    const id = `req_${String(this.nextLsn).padStart(26, '0')}`
    const record: TerminalRecord | null = kind === 'dispatch' ? null : { kind, hold: 1, requestId: id, attempt: 1, tenant, target, heldAt: 1, endedAt: 2, tenantNano: kind === 'void' ? 0 : this.nextLsn, overheadNano: 0, outcome: 'success', flags: 0, usage: noUsage(), repeat: null }
    const lsn = this.#writer.append(this.nextLsn, record ?? { kind: 'dispatch', hold: 1 })
    if (record !== null) this.terminals.push({ lsn, record })
    this.nextLsn = lsn + 1
    this.#store()
    return lsn
  }
  /** The next segment starts at a later LSN, as after a journal lost its tail. */
  raise(lsn: number): void {
    this.#follows = this.nextLsn
    this.nextLsn = lsn
  }
  #store(): void {
    const bytes = Buffer.alloc(segmentBytes)
    this.#writer.bytes.copy(bytes, 0, 0, this.#writer.length)
    this.files.set(this.#name, bytes)
    this.#follows = this.nextLsn
  }
  tail(): JournalTail { return { segment: this.#name, offset: this.#writer.length, lsn: this.nextLsn - 1 } }

  list(): string[] { return [...this.files.keys()].sort() }
  readAt(name: string, into: Buffer, position: number): number {
    this.reads += 1
    if (this.failing !== null) throw this.failing
    const bytes = this.files.get(name)
    if (bytes === undefined) throw new Error(`ENOENT ${name}`)
    return bytes.copy(into, 0, position)
  }
}

/** What a ledger is to the follower; the timers of the test's own. */
function ledger(files: SegmentFiles, appliedLsn = 0, more: Partial<FollowerOptions> = {}) {
  const seen = { records: [] as Logged<TerminalRecord>[], batches: [] as number[], said: [] as number[], failures: [] as string[], waits: [] as number[], position: appliedLsn }
  const timers = new Set<{ callback: () => void; ms: number }>()
  const follower = new Follower({
    files, appliedLsn,
    async apply(batch, uptoLsn) {
      await Promise.resolve()
      assert.ok(uptoLsn > seen.position && batch.every(({ lsn }) => lsn > seen.position && lsn <= uptoLsn), 'handed over what was applied before')
      seen.records.push(...batch)
      seen.batches.push(batch.length)
      return seen.position = uptoLsn
    },
    applied: (lsn) => void seen.said.push(lsn),
    failed: (error) => void seen.failures.push((error as Error).message),
    after(ms, callback) {
      if (ms > 0) seen.waits.push(ms)
      const timer = { callback, ms }
      timers.add(timer)
      if (ms === 0) setImmediate(() => timers.delete(timer) && callback())
      return () => void timers.delete(timer)
    },
    ...more,
  })
  /** Runs the thread until nothing moves; then timers of up to `ms` go off. */
  async function settle(ms = 0): Promise<void> {
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    for (const timer of [...timers].filter((each) => each.ms <= ms)) if (timers.delete(timer)) timer.callback()
    if (ms > 0) await settle()
  }
  return { follower, seen, settle }
}

test('every terminal record is applied once and in order, in batches of at most 512, across segments', async () => {
  const journal = new Written()
  for (let segment = 0; segment < 3; segment++) {
    journal.rotate()
    for (let index = 0; index < 700; index++) journal.append(index % 3 === 0 ? 'dispatch' : 'settle')
  }
  const { follower, seen, settle } = ledger(journal)
  follower.tail(journal.tail())
  await settle()
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
  await settle()
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
    await settle()
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
  await settle()
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
  await settle()
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
