import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { recordings } from '../../test/fixtures/recorded.ts'
import { JsonArrayScanner } from './json-array-scanner.ts'
import type { SseEvent } from './sse-scanner.ts'

function scan(bytes: Buffer, sizes: () => number = () => bytes.length, max = 1 << 20): SseEvent[] {
  const events: SseEvent[] = []
  const scanner = new JsonArrayScanner(max, (event) => events.push(event))
  for (let i = 0; i < bytes.length;) {
    const size = Math.max(1, sizes())
    scanner.push(bytes.subarray(i, i + size))
    i += size
  }
  scanner.end()
  return events
}

const space = fc.constantFrom('', ' ', '\n', '\r\n', '\t ')
const value = fc.oneof(fc.json({ maxDepth: 3 }), fc.constantFrom('{"a":"]"}', '"\\\\"', '"\\"],"', '[[]]', '{}', '[]', '-1.5e3', 'true', '{"é😀":"\\u00e9"}'))
const document = fc.tuple(fc.array(fc.tuple(space, value, space), { maxLength: 8 }), space, fc.boolean()).map(([elements, around, bom]) =>
  `${bom ? '\ufeff' : ''}${around}[${elements.map((each) => each.join('')).join(',') || around}]${around}`)

test('the elements are those that a parser finds, under any chunking', () => {
  fc.assert(fc.property(document, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (text, sizes) => {
    const bytes = Buffer.from(text)
    const got = scan(bytes, () => sizes.next().value as number)
    assert.deepEqual(got.map(({ data }) => JSON.parse(data!) as unknown), JSON.parse(text.replace('\ufeff', '')))
    assert.deepEqual(got, scan(bytes))
    for (const { start, end, data } of got) assert.equal(bytes.toString('utf8', start, end), data)
  }), { numRuns: 2000 })
})

test('an element is told at its last byte, without waiting for what separates it from the next', () => {
  const told: number[] = []
  const scanner = new JsonArrayScanner(1000, ({ end }) => told.push(end))
  for (const piece of ['[{"a":1}', ',\r\n', '{"b":[{}]}', '\n,3', ']']) {
    scanner.push(Buffer.from(piece))
    told.push(-scanner.offset)
  }
  assert.deepEqual(told, [8, -8, -11, 21, -21, -24, 24, -25])
})

test('a recorded stream without alt=sse gives the answers that are in it', () => {
  const recorded = [...recordings('gemini-generate').values()].find(({ stream, status, framing }) => stream && status === 200 && framing === 'json')!
  const whole = JSON.parse(recorded.body.toString()) as unknown[]
  for (const size of [1, 7, recorded.body.length]) assert.deepEqual(scan(recorded.body, () => size).map(({ data }) => JSON.parse(data!) as unknown), whole)
})

test('a document that is no array is one event, and what stands behind the end is none', () => {
  for (const text of ['{"error":{"code":400}}', ' "x" ', '7', '[1] {"late":true}', '[1],2']) {
    for (const size of [1, 100]) assert.deepEqual(scan(Buffer.from(text), () => size).map(({ data }) => data), [text.startsWith('[') ? '1' : text.trim()], text)
  }
})

test('what a broken stream leaves unfinished is no event', () => {
  for (const text of ['[{"a":1},{"b":', '[{"a":1},"b', '[{"a":1},12', '[{"a":1}', '[{"a":1},']) assert.deepEqual(scan(Buffer.from(text)).map(({ data }) => data), ['{"a":1}'], text)
})

test('an element beyond the bound is reported without its data, and the next one is read again', () => {
  const bytes = Buffer.from(`[{"a":"${'x'.repeat(5000)}"},{"b":"ok"}]`)
  for (const size of [1, 100, bytes.length]) {
    const events = scan(bytes, () => size, 1000)
    assert.deepEqual(events.map(({ data, oversize }) => ({ data, oversize })), [{ data: null, oversize: true }, { data: '{"b":"ok"}', oversize: false }])
    assert.equal(events[0]!.end - events[0]!.start, 5008)
  }
})

test('an endless element keeps memory bounded', () => {
  let told = 0
  const scanner = new JsonArrayScanner(1000, () => told++)
  scanner.push(Buffer.from('["'))
  for (let i = 0; i < 10_000; i++) scanner.push(Buffer.alloc(1000, 0x61))
  assert.equal(told, 0)
  assert.equal(scanner.offset, 10_000_002)
})

test('whole elements that are known can be passed over', () => {
  const events: SseEvent[] = []
  const scanner = new JsonArrayScanner(1000, (event) => events.push(event))
  scanner.push(Buffer.from('[1'))
  assert.equal(scanner.eventStart, 1)
  scanner.push(Buffer.from(','))
  assert.equal(scanner.eventStart, scanner.offset)
  scanner.skip(10)
  scanner.push(Buffer.from('{}]'))
  assert.deepEqual(events.map(({ start, end, data }) => [start, end, data]), [[1, 2, '1'], [13, 15, '{}']])
})
