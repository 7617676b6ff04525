import assert from 'node:assert/strict'
import test from 'node:test'
import type { OpenLedger } from '../ledger/open.ts'
import { World } from '../../test/ledger/world.ts'
import { heldNow, moneyGauges, watchJournal } from './money.ts'

test('a trouble of the journal is told once, however often it is tried again, and so is its end', () => {
  const journal = { problem: null as string | null, canAdmit: () => journal.problem === null }
  const said: unknown[] = []
  const look = watchJournal(journal, { error: (what) => said.push(what), info: (text) => said.push(text) })
  look()
  assert.deepEqual(said, [])
  for (const problem of ["EACCES: permission denied, open '/d/journal-1.log'", "EACCES: permission denied, open '/d/journal-2.log'", 'EMFILE: too many open files, open', null, null]) {
    journal.problem = problem
    look()
  }
  assert.deepEqual(said, [
    { problem: "EACCES: permission denied, open '/d/journal-1.log'", admitting: false }, { problem: 'EMFILE: too many open files, open', admitting: false }, 'the journal is in order again',
  ])
})

test('what is held is not known, and no defect, before the ledger is open', () => assert.equal(heldNow(null), null))

test('the gauges say whether the journal takes new requests, and what a full disk left out', () => {
  const world = new World(0)
  const stats = { bytes: 0, segments: 0, waiting: 0, lastSyncUs: 0, maxSyncUs: 0, progressLeftOut: 7 }
  const gauges = (): Record<string, number> => moneyGauges({ ledger: world.ledger, journal: { stats: () => stats } } as unknown as OpenLedger, { repeats: {} } as never)
  assert.deepEqual([gauges().megarouter_journal_admitting, gauges().megarouter_journal_progress_left_out_total], [1, 7])
  world.isFull = true
  assert.equal(gauges().megarouter_journal_admitting, 0)
})
