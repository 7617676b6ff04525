import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nameForCohere, nameFromCohere } from './tool-names.ts'

test('names that are allowed stay as they are, others are written in what is allowed', () => {
  assert.equal(nameForCohere('get_weather'), 'get_weather')
  assert.equal(nameForCohere('get-weather'), 'get_x2d_weather')
  assert.equal(nameForCohere('mcp.files/read'), 'mcp_x2e_files_x2f_read')
})

test('every name comes back, also one that looks as if it had been rewritten', () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom('_', 'x', '_x', '2d', '_x2d_', '-', '0', '_x2-', 'x5f_', '😀'))
  fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join('')).filter((name) => name !== ''), (name) => {
    const written = nameForCohere(name)
    assert.match(written, /^[A-Za-z_][A-Za-z0-9_]*$/)
    assert.equal(nameFromCohere(written), name)
  }), { numRuns: 5000 })
})
