/** Histories of the whole money path under faults, by seed. A seed that fails is repeated with `node test/simulation/main.ts --seed N`. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { after, before, test } from 'node:test'
import { terminalOutcomes } from '../../src/store/ledger-entries.ts'
import { runSeeds } from './crew.ts'
import { simulate } from './history.ts'
import { openScratch, type Scratch } from './scratch.ts'
import { vendorFaults } from './swarm.ts'

const isProof = process.env['MEGAROUTER_PROOF'] === '1'
const seeds = isProof ? 50_000 : 500
const otherFaults = [
  'kill', 'killInWrite', 'powerLoss', 'stop', 'databaseLosesTail', 'startFails', 'storeCrash', 'outage', 'commitUnheard', 'diskFull', 'fatalDisk', 'clockStep', 'budgetChange', 'revoke', 'clientLeaves', 'hedged',
]

let scratch: Scratch
before(async () => {
  scratch = await openScratch()
})
after(() => scratch.close())

test('a seed repeats its history event by event', async () => {
  for (const seed of [1, 7, 4711]) {
    const [one, other] = [await simulate(seed, scratch.database), await simulate(seed, scratch.database)]
    ok(one.events > 100)
    deepEqual(one, other)
  }
})

test('other seeds are other histories', async () => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) hashes.add((await simulate(seed, scratch.database)).hash)
  equal(hashes.size, 20)
})

test('no fault makes money appear, vanish or count twice, and every request ends', { timeout: 3_600_000 }, async (t) => {
  const sum = await runSeeds(1, seeds, isProof ? availableParallelism() : 1)
  t.diagnostic(`${sum.seeds} seeds, ${sum.calls} calls, ${sum.attempts} attempts on the vendors' bill of $${(Number(sum.billedNano) / 1e9).toFixed(2)}: ${sum.met.get('exact')} compared to the nano-dollar, ${sum.met.get('estimated')} flagged and within their bounds; ${sum.kills} deaths of which ${sum.powerLosses} with the power, ${sum.events} events`)
  t.diagnostic(`exercised: ${sum.coverage()}`)
  deepEqual(sum.failed, [])
  equal(sum.seeds, seeds)
  for (const what of [...vendorFaults, ...otherFaults]) ok((sum.met.get(what) ?? 0) > 0, `no history met ${what}`)
  // What a defect leaves open is none of a history without defects.
  for (const outcome of terminalOutcomes) equal((sum.met.get(`ends ${outcome}`) ?? 0) > 0, outcome !== 'expired', `attempts ended as ${outcome}: ${sum.met.get(`ends ${outcome}`) ?? 0}`)
  ok(sum.met.get('exact')! > sum.attempts / 2 && sum.met.get('exact histories')! > seeds / 10)
  ok(sum.attempts > 10 * seeds)
  if (isProof) ok(sum.met.get('exact')! >= 100_000)
})
