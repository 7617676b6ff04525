/** Random histories of one journal: appends, rotations, full disks, failed syncs, kills and power cuts, checked against a list in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JournalRig } from '../../test/simulation/journal-rig.ts'
import { sampleEnd, sampleHold } from '../../test/simulation/sample-records.ts'
import type { HoldRecord, JournalRecord, Logged } from './records.ts'
import type { Recovered } from './recovery.ts'

class History {
  readonly rig: JournalRig
  /** Everything that was appended and not lost in a crash. */
  logged: Logged[] = []
  flushedLsn = 0
  syncedLsn = 0
  releasedTo = 0
  highestLsn = 0
  open = new Map<number, HoldRecord>()
  crashes = 0
  #requests = 0

  constructor(seed: number) {
    this.rig = new JournalRig(seed, { createMs: [0, 40], syncMs: [0, 10] }, { segmentBytes: 4_096 })
  }

  append(record: JournalRecord): number {
    const { journal } = this.rig
    const lsn = journal.append(record)
    // A full disk leaves PROGRESS out.
    if (record.kind === 'progress' && lsn <= this.highestLsn) return lsn
    assert.ok(lsn > this.highestLsn, 'an LSN is given twice')
    this.highestLsn = lsn
    this.logged.push({ lsn, record })
    return lsn
  }

  /** One random thing happens. */
  async step(): Promise<void> {
    const { dice, disk, journal } = this.rig
    const kind = dice.int(1, 100)
    if (kind <= 25) this.#attempt()
    else if (kind <= 50) this.#end()
    else if (kind <= 60 && this.open.size > 0) this.append({ kind: 'progress', hold: dice.pick([...this.open.keys()]), outputTokens: dice.int(0, 999), costNano: dice.int(0, 9_999), holdNano: dice.int(0, 9_999) })
    else if (kind <= 70) this.#flush()
    else if (kind <= 80) this.#await()
    else if (kind <= 90) await this.rig.pass(dice.pick([0, 1, 2, 5, 50]))
    else if (kind <= 94) journal.tick()
    else if (kind <= 96) this.#release()
    else if (kind === 97) disk.faults.writeFull = dice.pick([0, 0, 1, 0.5])
    else if (kind === 98) disk.faults.capacityBytes = dice.chance(0.5) ? disk.usedBytes : Infinity
    else if (kind === 99) disk.faults.syncError = dice.chance(0.2) ? 0.3 : 0
    else await this.crash()
    if (this.rig.journal.failed) await this.crash()
  }

  #attempt(): void {
    if (!this.rig.journal.canAdmit()) return
    const hold = sampleHold(this.rig.dice, this.#requests++)
    const lsn = this.append(hold)
    this.open.set(lsn, hold)
    if (this.rig.dice.chance(0.8)) this.append({ kind: 'dispatch', hold: lsn })
    this.#flush()
  }

  #end(): void {
    if (this.open.size === 0) return
    const lsn = this.rig.dice.pick([...this.open.keys()])
    this.append(sampleEnd(this.rig.dice, this.open.get(lsn)!, lsn))
    this.open.delete(lsn)
    if (this.rig.dice.chance(0.7)) this.#flush()
  }

  #flush(): void {
    if (this.rig.journal.flush()) this.flushedLsn = this.highestLsn
  }

  #await(): void {
    const lsn = this.highestLsn
    if (this.logged.at(-1)?.lsn !== lsn) return
    const { crashes } = this
    const reported = (): void => { if (crashes === this.crashes) this.syncedLsn = Math.max(this.syncedLsn, lsn) }
    const promise = this.rig.journal.whenSynced(lsn)
    if (promise === null) reported()
    else promise.then(reported, (error: Error & { code?: string }) => assert.equal(error.code, 'EIO'))
  }

  #release(): void {
    const { journal, dice } = this.rig
    const applied = dice.int(0, journal.tail().lsn)
    journal.release(applied, Math.min(Infinity, ...this.open.keys()))
    const first = this.rig.firstLsn()
    for (const { lsn, record } of this.logged) {
      if (lsn >= first || lsn <= this.releasedTo) continue
      assert.ok(!this.open.has(lsn), 'a segment with an open hold is removed')
      assert.ok(record.kind !== 'settle' && record.kind !== 'void' || lsn <= applied, 'a segment with an end that is not applied is removed')
    }
    this.releasedTo = Math.max(this.releasedTo, first - 1)
  }

  async crash(): Promise<void> {
    const { rig } = this
    const power = rig.dice.chance(0.5)
    this.crashes++
    assert.ok(rig.fatal.length <= this.crashes, 'one process reports two fatal errors')
    rig.crash(power)
    Object.assign(rig.disk.faults, { writeFull: 0, syncError: 0 })
    const recovered = await rig.open()
    this.#compare(recovered, power ? this.syncedLsn : this.flushedLsn)
    if (rig.dice.chance(0.3)) rig.journal.raiseLsn(this.highestLsn + rig.dice.int(0, 9))
    else if (recovered.nextLsn <= this.highestLsn) rig.journal.raiseLsn(this.highestLsn + 1)
  }

  /** What recovery found is all that was promised, nothing that was not written, and without a gap. */
  #compare(recovered: Recovered, promisedLsn: number): void {
    const { rig } = this
    const retained = rig.read()
    const first = rig.firstLsn()
    const last = retained.at(-1)?.lsn ?? 0
    assert.ok(this.logged.every(({ lsn }) => lsn > promisedLsn || lsn <= Math.max(last, this.releasedTo)), `records up to ${promisedLsn} were promised; ${last} is the last`)
    // A loss of power may bring removed segments back.
    const expected = this.logged.filter(({ lsn }) => lsn >= first && lsn <= last)
    assert.deepEqual(retained, expected)
    assert.ok(first <= this.releasedTo + 1 || this.logged.every(({ lsn }) => lsn <= this.releasedTo || lsn >= first || lsn > last), 'records before the first are missing')
    assert.deepEqual(recovered.terminals, expected.filter(({ record }) => record.kind === 'settle' || record.kind === 'void'))
    assert.equal(recovered.records, expected.length)
    assert.ok(recovered.nextLsn > last)
    this.logged = this.logged.filter(({ lsn }) => lsn <= last || lsn <= this.releasedTo)
    this.flushedLsn = this.syncedLsn = Math.min(last, this.highestLsn)
    this.open = openOf(this.logged)
    assert.deepEqual(recovered.open.map(({ lsn, hold }) => [lsn, hold]), [...this.open])
    for (const { lsn, dispatched, progress } of recovered.open) {
      const about = this.logged.filter(({ record }) => 'hold' in record && record.hold === lsn)
      assert.equal(dispatched, about.some(({ record }) => record.kind === 'dispatch'))
      assert.deepEqual(progress, about.findLast(({ record }) => record.kind === 'progress')?.record ?? null)
    }
  }

  /** Once the faults stop and the open holds have ended, everything becomes durable and admission opens. */
  async quiesce(): Promise<void> {
    const { rig } = this
    Object.assign(rig.disk.faults, { writeFull: 0, syncError: 0, capacityBytes: Infinity })
    while (this.open.size > 0) this.#end()
    await rig.passTicking(3_000)
    if (rig.journal.failed) return this.crash()
    assert.ok(rig.journal.canAdmit(), 'admission stays closed')
    assert.equal(rig.journal.stats().waiting, 0)
    assert.deepEqual(rig.read(), this.logged.filter(({ lsn }) => lsn >= rig.firstLsn()))
    assert.ok(rig.journal.syncedLsn >= (this.logged.at(-1)?.lsn ?? 0), 'a record is never made durable')
    this.flushedLsn = this.syncedLsn = this.highestLsn
    await this.crash()
  }
}

function openOf(logged: readonly Logged[]): Map<number, HoldRecord> {
  const open = new Map<number, HoldRecord>()
  for (const { lsn, record } of logged) {
    if (record.kind === 'hold') open.set(lsn, record)
    else if (record.kind === 'settle' || record.kind === 'void') open.delete(record.hold)
  }
  return open
}

const histories = Number(process.env.JOURNAL_HISTORIES ?? 250)
const firstSeed = Number(process.env.JOURNAL_SEED ?? 1)

test('through kills, power cuts, full disks and failed syncs no promised record is lost, none is invented, and LSNs stay in order', async () => {
  const seen = { crashes: 0, fatal: 0, segments: 0, released: 0 }
  for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
    const history = new History(seed)
    try {
      await history.rig.open()
      for (let step = 0; step < 200; step++) await history.step()
      await history.quiesce()
    } catch (cause) {
      throw new Error(`history of seed ${seed} (JOURNAL_SEED=${seed} JOURNAL_HISTORIES=1)`, { cause })
    }
    seen.crashes += history.crashes
    seen.fatal += history.rig.fatal.length
    seen.segments += history.rig.disk.names().length
    seen.released += history.releasedTo > 0 ? 1 : 0
  }
  // Faults that never happen prove nothing.
  if (histories >= 100) for (const [what, count] of Object.entries(seen)) assert.ok(count >= 20, `${what}: only ${count}`)
})
