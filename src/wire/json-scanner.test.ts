import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonScanner } from './json-scanner.ts'

const bounds = { maxDepth: 64, maxKeys: 1000, unique: new Set(['model', 'stream']) }
function scan(bytes: Uint8Array, cut: (length: number) => number = () => bytes.length): JsonScanner {
  const scanner = new JsonScanner(bounds)
  for (let i = 0; i < bytes.length; ) {
    const size = Math.max(1, cut(bytes.length - i))
    scanner.push(bytes.subarray(i, i + size))
    i += size
  }
  scanner.end()
  return scanner
}
const accepts = (text: string): boolean => scan(Buffer.from(text)).fault === null
const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('accepts exactly what JSON.parse accepts, on mutated documents', () => {
  const alphabet = [...'{}[]:,"\\ueE+-.0123tfn lras/\n\t\u0001é']
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), fc.array(fc.tuple(fc.nat(), fc.constantFrom(...alphabet), fc.boolean()), { maxLength: 3 }), (json, edits) => {
      let text = json
      for (const [at, character, insert] of edits) {
        const i = text.length === 0 ? 0 : at % text.length
        text = text.slice(0, i) + character + text.slice(insert ? i : i + 1)
      }
      assert.equal(accepts(text), parses(text), JSON.stringify(text))
    }),
    { numRuns: 3000 },
  )
})

test('the grammar corner by corner equals JSON.parse', () => {
  const samples = ['', ' ', '0', '-0', '-', '01', '1.', '.1', '1e', '1e+', '1E-2', '1e5 ', '[1,]', '[,1]', '{"a":1,}', '{,}', '{"a"}', '{"a":}', '[1 2]', 'tru', 'truex', 'nul', '"\\x"', '"\\u12"', '"\\u12g4"', '"\t"', '"\u007f"', '{}{}', '[]]', '\ufeff{}', '{"a":[{"b":null}]}', '[[[]]]', '"\\ud800"', '1 1', '-1.5e+10', '[-]', '{"a":01}']
  for (const sample of samples) assert.equal(accepts(sample), parses(sample), JSON.stringify(sample))
})

test('any chunking of the same bytes gives the same spans', () => {
  const text = '{ "model" : "gpt-é\\"x", "messages":[{"role":"user","content":"a{b}\\\\"}], "n":12 ,"t":-1.5e3,"o":{},"stream":true}'
  const bytes = Buffer.from(text)
  const whole = scan(bytes)
  assert.equal(whole.fault, null)
  const parsed = JSON.parse(text) as Record<string, unknown>
  for (const member of whole.members) assert.deepEqual(JSON.parse(bytes.toString('utf8', member.valueStart, member.valueEnd)), parsed[member.key])
  assert.deepEqual(whole.members.map((m) => m.key), Object.keys(parsed))
  fc.assert(fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (sizes) => {
    const cut = scan(bytes, () => sizes.next().value as number)
    assert.deepEqual(cut.members, whole.members)
  }), { numRuns: 200 })
})

test('a control field that stands twice is a fault, however it is spelt', () => {
  assert.equal(scan(Buffer.from('{"model":"a","mod\\u0065l":"b"}')).fault?.reason, 'duplicate')
  assert.equal(scan(Buffer.from('{"model":"a","x":{"model":"b"}}')).fault, null)
  assert.equal(scan(Buffer.from('{"other":1,"other":2}')).fault, null)
})

test('depth and key counts are bounded without recursion', () => {
  assert.equal(scan(Buffer.from('['.repeat(64) + ']'.repeat(64))).fault, null)
  assert.equal(scan(Buffer.from('['.repeat(65) + ']'.repeat(65))).fault?.reason, 'depth')
  assert.equal(scan(Buffer.from('['.repeat(5_000_000))).fault?.reason, 'depth')
  const many = `{${Array.from({ length: 1001 }, (_, i) => `"k${i}":0`).join(',')}}`
  assert.equal(scan(Buffer.from(many)).fault?.reason, 'keys')
})
