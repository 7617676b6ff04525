import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elementsOf } from './json-elements.ts'

function parsed(text: string, from = 0, to = Buffer.byteLength(text)): unknown[] {
  const bytes = Buffer.from(text)
  const spans = elementsOf(bytes, from, to)
  const found: unknown[] = []
  for (let at = 0; at < spans.length; at += 2) found.push(JSON.parse(bytes.toString('utf8', spans[at], spans[at + 1])))
  return found
}

test('each element of an array is found, whatever stands in it', () => {
  const lists = [[], [1], ['a', 'b'], [[], {}], [{ a: [1, 2, { b: ']' }] }, '\\', '"', 'x\\"],[', null, -1.5e3, true], [['[', ['{"']], { ',': '}' }], ['ü€😀', '\u2028']]
  for (const list of lists) for (const text of [JSON.stringify(list), JSON.stringify(list, null, 2)]) assert.deepEqual(parsed(text), list, text)
})

test('an array in the middle of a document is read to its own end', () => {
  const text = '{"a":"[","messages":[{"x":1},{"y":"]"}],"z":[3]}'
  const from = text.indexOf('[{')
  assert.deepEqual(parsed(text, from, text.indexOf(',"z"')), [{ x: 1 }, { y: ']' }])
})
