import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nanoPrice } from './decimal.ts'

test('a price keeps every digit down to the nano-dollar', () => {
  const cases: [string, number][] = [
    ['0.0375', 37_500_000], ['0', 0], ['600', 600_000_000_000], ['600.0', 600_000_000_000], ['0.286705', 286_705_000],
    ['0.1', 100_000_000], ['0.000000001', 1], ['1e-7', 100], ['2.5E+1', 25_000_000_000],
  ]
  for (const [text, nano] of cases) assert.deepEqual(nanoPrice(text), { nano, exact: true }, text)
})

test('what is below a nano-dollar is rounded to the nearest and reported', () => {
  assert.deepEqual(nanoPrice('0.30000000000000004'), { nano: 300_000_000, exact: false })
  assert.deepEqual(nanoPrice('0.049999999999999996'), { nano: 50_000_000, exact: false })
  assert.deepEqual(nanoPrice('0.08333333333333334'), { nano: 83_333_333, exact: false })
  assert.deepEqual(nanoPrice('0.0000000005'), { nano: 1, exact: false })
})

test('text that is no price is refused', () => {
  for (const text of ['', '-1', '+1', '1,5', 'NaN', 'Infinity', '0x10', '1.', '.5', ' 1', '1e999', '99999999']) {
    assert.throws(() => nanoPrice(text), /Not a price|too large/, text)
  }
})

test('any price of up to nine decimals survives exactly', () => {
  fc.assert(fc.property(fc.nat(100_000), fc.nat(999_999_999), (whole, fraction) => {
    const text = `${whole}.${String(fraction).padStart(9, '0')}`
    assert.deepEqual(nanoPrice(text), { nano: whole * 1_000_000_000 + fraction, exact: true })
  }))
})
