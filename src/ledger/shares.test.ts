import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { attemptOutcomes, usageFlags, type AttemptOutcome } from '../store/records.ts'
import { holdModes } from './records.ts'
import { sharesOf, type Ended } from './shares.ts'

const ended = (change: Partial<Ended>): Ended => ({ outcome: 'success', costNano: 40, flags: 0, mode: 'standard', heldNano: 100, followed: false, ...change })

/** [outcome, change, who pays] as in the table of terminal outcomes. */
const outcomes: [string, Partial<Ended>, 'tenant' | 'overhead' | 'void'][] = [
  ['success', { outcome: 'success' }, 'tenant'],
  ['broken after output', { outcome: 'broken' }, 'tenant'],
  ['the client left', { outcome: 'cancelled' }, 'tenant'],
  ['the client left and the usage was waited for', { outcome: 'drained' }, 'tenant'],
  ['not sent', { outcome: 'connect_failed', costNano: 0 }, 'void'],
  ['an error of a vendor that bills nothing for it', { outcome: 'upstream_error', costNano: 0 }, 'void'],
  ['M13: an error of a vendor that bills it', { outcome: 'upstream_error' }, 'overhead'],
  ['sent, and nothing came back', { outcome: 'timeout', flags: usageFlags.uncertain }, 'tenant'],
  ['M13: a failed attempt before another one', { outcome: 'timeout', flags: usageFlags.uncertain, followed: true }, 'overhead'],
  ['M13: a truncated attempt before another one', { outcome: 'truncated', followed: true }, 'overhead'],
]
for (const [name, change, payer] of outcomes) {
  test(`${name}: ${payer === 'void' ? 'nobody pays' : `the ${payer} pays`}`, () => {
    const { kind, tenantNano, overheadNano } = sharesOf(ended(change))
    assert.deepEqual([kind, tenantNano, overheadNano], payer === 'tenant' ? ['settle', 40, 0] : ['void', 0, payer === 'overhead' ? 40 : 0])
  })
}

test('a strict tenant pays no more than was held; the rest is on the overhead account and flagged', () => {
  assert.deepEqual(sharesOf(ended({ mode: 'strict', costNano: 101 })), { kind: 'settle', tenantNano: 100, overheadNano: 1, flags: usageFlags.overBound })
  assert.equal(sharesOf(ended({ mode: 'strict', costNano: 100 })).flags, 0)
})

test('a standard tenant pays what it cost, flagged where more than was held', () => {
  assert.deepEqual(sharesOf(ended({ costNano: 101 })), { kind: 'settle', tenantNano: 101, overheadNano: 0, flags: usageFlags.overHold })
})

test('P7, P13: somebody pays for everything, once, whatever the outcome, and nobody less than nothing', () => {
  const nano = fc.nat(1_000_000)
  fc.assert(fc.property(fc.constantFrom<AttemptOutcome>(...attemptOutcomes), nano, nano, fc.constantFrom(...holdModes), fc.boolean(), fc.constantFrom(0, usageFlags.uncertain, usageFlags.estimated), (outcome, costNano, heldNano, mode, followed, flags) => {
    const shares = sharesOf({ outcome, costNano, heldNano, mode, followed, flags })
    assert.equal(shares.tenantNano + shares.overheadNano, costNano)
    assert.ok(shares.tenantNano >= 0 && shares.overheadNano >= 0)
    assert.ok(shares.kind === 'settle' || shares.tenantNano === 0)
    if (mode === 'strict') assert.ok(shares.tenantNano <= heldNano)
    assert.equal(shares.flags & flags, flags)
  }), { numRuns: 5_000 })
})
