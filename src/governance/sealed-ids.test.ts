import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SealedIds } from './sealed-ids.ts'

const pepper = (fill: number): { version: number; key: Buffer } => ({ version: fill, key: Buffer.alloc(32, fill) })
const ids = new SealedIds(pepper(1))
const word = fc.stringMatching(/^[A-Za-z0-9_.-]{1,40}$/)
const object = fc.record({ provider: word, credential: fc.oneof(word, fc.constant('')), id: fc.oneof(word, word.map((text) => `file-${text}`), word.map((text) => `batch_${text}`)) }, { noNullPrototype: true })

test('an id opens for the organisation that it was sealed for, to what was sealed', () => {
  fc.assert(fc.property(word, object, (org, each) => assert.deepEqual(ids.open(org, ids.seal(org, each)), each)))
})

test('for another organisation, another installation, or changed by one character it opens to nothing', () => {
  fc.assert(fc.property(word, word, object, fc.nat(), fc.constantFrom(...'AZaz09_-'), (org, other, each, at, char) => {
    const text = ids.seal(org, each)
    if (other !== org) assert.equal(ids.open(other, text), null)
    assert.equal(new SealedIds(pepper(2)).open(org, text), null)
    const from = text.indexOf('mr-') + 3
    const place = from + at % (text.length - from)
    const changed = text.slice(0, place) + char + text.slice(place + 1)
    const opened = ids.open(org, changed)
    // The last character of base64 may have bits that say nothing.
    if (changed !== text && opened !== null) assert.deepEqual([opened, place], [each, text.length - 1])
  }), { numRuns: 1000 })
})

test('what was sealed before a rotation of the master key still opens', () => {
  const text = ids.seal('o', { provider: 'p', credential: 'c', id: 'file-1' })
  assert.equal(new SealedIds({ ...pepper(2), others: [pepper(1)] }).open('o', text)?.id, 'file-1')
  assert.match(text, /^file-mr-/)
})

test('any other text opens to nothing', () => {
  for (const text of ['', 'file-abc', 'mr-', 'file-mr-', 'x'.repeat(5000), `file-mr-${'A'.repeat(100)}`]) assert.equal(ids.open('o', text), null)
})
