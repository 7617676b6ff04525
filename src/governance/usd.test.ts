import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isUsd, maxUsd, usdText, usdToNano } from './usd.ts'

test('every nano-dollar up to the largest amount survives the way to text and back', () => {
  fc.assert(fc.property(fc.maxSafeNat().filter((nano) => nano <= maxUsd * 1e9), (nano) => {
    assert.equal(usdToNano(usdText(nano)), nano)
  }), { numRuns: 2000 })
  assert.deepEqual([0, 1, 10_000_000, 500_000_000, 12_500_000_000, 9e15].map(usdText), ['0.00', '0.000000001', '0.01', '0.50', '12.50', '9000000.00'])
})

test('a number means its shortest decimal, and becomes exact nano-dollars', () => {
  assert.deepEqual([0.1, '25', 1e-7, 0, '0.000000001', 9_000_000, 1.005].map(usdToNano), [100_000_000, 25_000_000_000, 100, 0, 1, 9e15, 1_005_000_000])
  fc.assert(fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 999_999_999 }), (whole, nano) => {
    assert.equal(usdToNano(Number(`${whole}.${String(nano).padStart(9, '0')}`)), whole * 1e9 + nano)
  }))
})

test('what is no exact amount is refused and never rounded', () => {
  const refused = [0.1 + 0.2, 1e-10, '0.0000000001', '9000000.000000001', '9000001', -1, '-1', '1e3', '', ' 1', '1.', '.5', 'NaN', NaN, Infinity, 1e21]
  for (const value of refused) {
    assert.equal(isUsd(value), false, String(value))
    assert.throws(() => usdToNano(value), RangeError)
  }
})
