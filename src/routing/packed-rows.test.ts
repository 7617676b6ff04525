import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PackedRows, rowWidth } from './packed-rows.ts'

test('sums of packed rows are those of their values, for rows of any width and however many are added', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: rowWidth }), fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 26 * 8, maxLength: 26 * 8 }), fc.array(fc.nat(7), { maxLength: 900 }), (width, values, picked) => {
    const rows = Int8Array.from(values.slice(0, width * 8))
    const from = picked.length >> 2
    const sums = new Float64Array(width)
    new PackedRows(rows, width).add(Uint16Array.from(picked), from, picked.length, 0.5, sums)
    const expected = Array.from({ length: width }, (_, column) => picked.slice(from).reduce((sum, row) => sum + 0.5 * rows[row * width + column]!, 0))
    assert.deepEqual([...sums], expected)
  }), { numRuns: 200 })
  assert.throws(() => new PackedRows(new Int8Array(27), 27), /27 values/)
})
