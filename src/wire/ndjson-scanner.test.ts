import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NdjsonScanner } from './ndjson-scanner.ts'
import type { SseEvent } from './sse-scanner.ts'

function scan(bytes: Buffer, sizes: () => number = () => bytes.length, max = 1 << 20): SseEvent[] {
  const events: SseEvent[] = []
  const scanner = new NdjsonScanner(max, (event) => events.push(event))
  for (let i = 0; i < bytes.length; ) {
    const size = Math.max(1, sizes())
    scanner.push(bytes.subarray(i, i + size))
    i += size
  }
  scanner.end()
  return events
}

const line = fc.oneof(fc.json(), fc.constantFrom('', ' ', '\t', '{"a":"é😀"}', '{"a":"\\r\\n"}', 'not json'))
const lineEnd = fc.constantFrom('\n', '\r\n')

test('events are the lines that are not blank, under any chunking', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(line, lineEnd)), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), fc.boolean(), (lines, sizes, bom) => {
      const bytes = Buffer.from(`${bom ? '\ufeff' : ''}${lines.map((each) => each.join('')).join('')}`)
      const got = scan(bytes, () => sizes.next().value as number)
      assert.deepEqual(got.map(({ data }) => data), lines.map(([text]) => text).filter((text) => text.trim() !== ''))
      assert.deepEqual(got, scan(bytes))
    }),
    { numRuns: 2000 },
  )
})

test('events tile the stream: each ends where the next one starts, but for blank lines', () => {
  const bytes = Buffer.from('{"a":1}\n\n{"b":2}\r\n\r\n{"c":3}\n')
  for (const size of [1, 3, bytes.length]) {
    assert.deepEqual(scan(bytes, () => size).map((event) => bytes.toString('utf8', event.start, event.end)), ['{"a":1}\n', '{"b":2}\r\n', '{"c":3}\n'])
  }
})

test('a last line without its line feed counts', () => {
  assert.equal(scan(Buffer.from('{"a":1}\n{"done":true}')).at(-1)?.data, '{"done":true}')
  assert.equal(scan(Buffer.from('{"done":true}\r')).at(-1)?.data, '{"done":true}')
  assert.deepEqual(scan(Buffer.from('{"a":1}\n \r')).map(({ data }) => data), ['{"a":1}'])
})

test('a line beyond the bound is reported without its data, and the next one is read again', () => {
  for (const lineFeed of ['\n', '\r\n']) {
    const bytes = Buffer.from(`${'x'.repeat(1001)}${lineFeed}${'y'.repeat(1000)}${lineFeed}${'z'.repeat(5000)}${lineFeed}ok`)
    for (const size of [1, 100, bytes.length]) {
      const events = scan(bytes, () => size, 1000)
      assert.deepEqual(events.map(({ data, oversize }) => ({ length: data?.length, oversize })), [{ length: undefined, oversize: true }, { length: 1000, oversize: false }, { length: undefined, oversize: true }, { length: 2, oversize: false }])
    }
  }
})

test('what was skipped is no event, and offsets go on behind it', () => {
  const events: SseEvent[] = []
  const scanner = new NdjsonScanner(1000, (event) => events.push(event))
  scanner.push(Buffer.from('{"a":1}\n'))
  scanner.skip(10)
  assert.equal(scanner.eventStart, 18)
  scanner.push(Buffer.from('{"b":2}\n'))
  assert.deepEqual(events.map(({ start, end }) => [start, end]), [[0, 8], [18, 26]])
})

test('an endless line keeps memory bounded', () => {
  let seen = 0
  const scanner = new NdjsonScanner(1000, () => seen++)
  const chunk = Buffer.alloc(1000, 0x61)
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 50_000; i++) scanner.push(chunk)
  assert.equal(seen, 0)
  assert.equal(scanner.offset, 50_000_000)
  assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000)
})
