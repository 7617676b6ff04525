import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonCursor } from './json-cursor.ts'

/** Builds the value by the cursor's moves alone. */
function rebuilt(cursor: JsonCursor, source: string): unknown {
  const first = cursor.peek()
  if (first === 0x5b) {
    const items: unknown[] = []
    for (cursor.enter(); cursor.more();) items.push(rebuilt(cursor, source))
    return items
  }
  if (first === 0x7b) {
    const members: [string, unknown][] = []
    for (cursor.enter(); cursor.more();) members.push([cursor.key(), rebuilt(cursor, source)])
    return Object.fromEntries(members)
  }
  const start = cursor.at
  cursor.skip()
  return JSON.parse(Buffer.from(source).toString('utf8', start, cursor.at)) as unknown
}

const strings = fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.stringMatching(/^[\\"a]{0,120}$/), fc.constantFrom('\\', '"', 'x'.repeat(47) + '"', 'x'.repeat(48) + '\\', 'x'.repeat(300)))
const { value: values } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, strings, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(true, false, null), fc.array(tie('value'), { maxLength: 5 }), fc.dictionary(fc.string({ maxLength: 20 }).filter((key) => key !== '__proto__'), tie('value'), { maxKeys: 5 })),
}))

test('what is walked is what JSON.parse reads, with and without spaces', () => {
  fc.assert(fc.property(values, fc.constantFrom(undefined, '\t', 2), (value, space) => {
    const source = ` ${JSON.stringify(value, null, space)} `
    assert.deepEqual(rebuilt(new JsonCursor(Buffer.from(source), 0), source), JSON.parse(source))
  }), { numRuns: 300 })
})

test('a skipped value ends where the next one begins', () => {
  fc.assert(fc.property(values, (value) => {
    const source = `[${JSON.stringify(value)},"next"]`
    const cursor = new JsonCursor(Buffer.from(source), 0)
    cursor.enter()
    cursor.more()
    cursor.skip()
    assert.ok(cursor.more())
    assert.equal(cursor.text(), 'next')
    assert.ok(!cursor.more())
    assert.equal(cursor.at, Buffer.byteLength(source))
  }), { numRuns: 300 })
})

test('escaped spellings of a key are that key, and long texts are cut', () => {
  const cursor = new JsonCursor(Buffer.from(`{"t\\u0079pe":"${'y'.repeat(1000)}","n":7}`), 0)
  cursor.enter()
  cursor.more()
  assert.equal(cursor.key(), 'type')
  assert.equal(cursor.text(), 'y'.repeat(256))
  assert.ok(cursor.more())
  assert.equal(cursor.key(), 'n')
  assert.equal(cursor.text(), '')
  assert.ok(!cursor.more())
})

test('a walk over bytes that are no JSON ends', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const cursor = new JsonCursor(Buffer.from(bytes), 0)
    cursor.enter()
    for (let steps = 0; cursor.more() && steps < 200; steps++) {
      const before = cursor.at
      cursor.skip()
      if (cursor.at === before) break
    }
    assert.ok(cursor.at <= bytes.length + 2)
  }))
})
