import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noUnits, type Charge } from '../upstream/bill.ts'
import { compareLedger, type LedgerRow } from './ledger-rows.ts'

const row = (more: Partial<LedgerRow>): LedgerRow => ({ attemptId: 'req_a-1', kind: 'settle', amountNano: 500, flags: 0, outcome: 0, ...more })
const charge: Charge = { number: 1, attemptId: 'req_a-1', model: 'm', vendor: 'v', outcome: 'complete', units: noUnits(), costNano: 500, reported: true }
const uncertain = 2

test('the comparison of ledger and bill tells each difference that no flag of the ledger admits', () => {
  const cases: [string, LedgerRow[], Charge[], { flagged: number; problems: number }][] = [
    ['equal', [row({})], [charge], { flagged: 0, problems: 0 }],
    ['shared with the gateway', [row({ amountNano: 400 }), row({ kind: 'overhead', amountNano: 100 })], [charge], { flagged: 0, problems: 0 }],
    ['another amount', [row({ amountNano: 501 })], [charge], { flagged: 0, problems: 1 }],
    ['another amount, flagged', [row({ amountNano: 501, flags: uncertain })], [charge], { flagged: 1, problems: 0 }],
    ['no end', [], [charge], { flagged: 0, problems: 1 }],
    ['two ends', [row({}), row({})], [charge], { flagged: 0, problems: 1 }],
    ['charged for what the upstream never saw', [row({})], [], { flagged: 0, problems: 1 }],
    ['the same, flagged', [row({ flags: uncertain })], [], { flagged: 1, problems: 0 }],
    ['free and never seen', [row({ kind: 'void', amountNano: 0 })], [], { flagged: 0, problems: 0 }],
  ]
  for (const [name, rows, charges, expected] of cases) {
    const { flagged, problems } = compareLedger(rows, charges)
    assert.deepEqual({ flagged: flagged.length, problems: problems.length }, expected, name)
  }
})
