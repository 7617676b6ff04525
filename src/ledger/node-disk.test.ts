import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { Dice } from '../../test/simulation/dice.ts'
import { sampleEnd, sampleHold } from '../../test/simulation/sample-records.ts'
import { systemAfter, systemClock } from '../clock.ts'
import type { Disk, JournalFile } from './disk.ts'
import { Journal } from './journal.ts'
import { nodeDisk } from './node-disk.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'megarouter-journal-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'journal')
}
const create = (disk: Disk, name: string, bytes: number): Promise<JournalFile> => new Promise((resolve, reject) => disk.create(name, bytes, (error, file) => error ? reject(error) : resolve(file!)))

test('a new file is all zeros and takes its space at once; writes go to their place and nowhere else', async (t) => {
  const folder = folderOf(t)
  const disk = nodeDisk(folder)
  const bytes = 2_500_000
  const file = await create(disk, 'a', bytes)
  const stat = statSync(join(folder, 'a'))
  assert.equal(stat.size, bytes)
  assert.ok(stat.blocks * 512 >= bytes, 'the file has holes')
  assert.equal(stat.mode & 0o077, 0)
  assert.ok(readFileSync(join(folder, 'a')).equals(Buffer.alloc(bytes)))
  file.write(Buffer.from('abcdef'), 3, 1_000)
  await promisify((done: (error: Error | null) => void) => file.sync(done))()
  file.close()
  const expected = Buffer.alloc(bytes)
  expected.write('abc', 1_000)
  assert.ok(disk.read('a').equals(expected))
  const again = disk.open('a')
  again.write(Buffer.from('x'), 1, 0)
  again.close()
  assert.equal(disk.read('a')[0], 'x'.charCodeAt(0))
  assert.deepEqual(disk.list(), ['a'])
  disk.remove('a')
  assert.deepEqual(disk.list(), [])
})

test('an existing file is never made anew, and errors are the system\'s own', async (t) => {
  const folder = folderOf(t)
  const disk = nodeDisk(folder)
  writeFileSync(join(folder, 'a'), 'kept')
  await assert.rejects(create(disk, 'a', 10), { code: 'EEXIST' })
  assert.equal(disk.read('a').toString(), 'kept')
  assert.throws(() => disk.open('b'), { code: 'ENOENT' })
  const file = disk.open('a')
  file.close()
  assert.throws(() => file.write(Buffer.from('x'), 1, 0), { code: 'EBADF' })
})

test('a journal on a real disk is recovered by the next process', async (t) => {
  const folder = folderOf(t)
  const fatal: Error[] = []
  const open = () => Journal.open({ disk: nodeDisk(folder), clock: systemClock, after: systemAfter, onFatal: (error) => void fatal.push(error), segmentBytes: 65_536 })
  const dice = new Dice(1)
  const { journal } = await open()
  const ends = []
  for (let number = 0; number < 2_000; number++) {
    while (!journal.canAdmit()) {
      journal.tick()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const hold = sampleHold(dice, number)
    const lsn = journal.append(hold)
    journal.append({ kind: 'dispatch', hold: lsn })
    assert.equal(journal.flush(), true)
    const record = sampleEnd(dice, hold, lsn)
    ends.push({ lsn: journal.append(record), record })
    if (number % 100 === 0) await journal.whenSynced(lsn)
  }
  const left = sampleHold(dice, 2_000)
  const leftLsn = journal.append(left)
  assert.equal(await new Promise((resolve) => journal.close(resolve)), null)
  const second = await open()
  assert.ok(second.recovered.segments.length > 3)
  assert.deepEqual(second.recovered.terminals, ends)
  assert.deepEqual(second.recovered.open, [{ lsn: leftLsn, hold: left, dispatched: false, progress: null }])
  assert.equal(await new Promise((resolve) => second.journal.close(resolve)), null)
  assert.deepEqual(fatal, [])
})

test('writes that follow one another leave the bytes of all of them, zeros behind, and what a rewrite of an old file did not touch', async (t) => {
  const disk = nodeDisk(folderOf(t))
  const file = await create(disk, 'a', 64 * 1024)
  const expected = Buffer.alloc(64 * 1024)
  const dice = new Dice(7)
  let at = 0
  for (let i = 1; at < 50_000; i++) {
    const bytes = Buffer.alloc(9_000, i % 251 + 1)
    const length = dice.int(1, i % 9 === 0 ? 9_000 : 300)
    file.write(bytes, length, at)
    bytes.copy(expected, at, 0, length)
    at += length
    if (i % 10 === 0) assert.ok(disk.read('a').equals(expected), `after write ${i}`)
  }
  file.write(Buffer.alloc(64 * 1024 - at, 9), 64 * 1024 - at, at)
  expected.fill(9, at)
  file.close()
  const again = disk.open('a')
  again.write(Buffer.from('old'), 3, 4_090)
  expected.write('old', 4_090)
  again.close()
  assert.ok(disk.read('a').equals(expected))
})
