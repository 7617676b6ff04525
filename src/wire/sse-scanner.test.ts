import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { SseScanner, type SseEvent } from './sse-scanner.ts'

function scan(bytes: Buffer, sizes: () => number = () => bytes.length, max = 1 << 20): SseEvent[] {
  const events: SseEvent[] = []
  const scanner = new SseScanner(max, (event) => events.push(event))
  for (let i = 0; i < bytes.length; ) {
    const size = Math.max(1, sizes())
    scanner.push(bytes.subarray(i, i + size))
    i += size
  }
  scanner.end()
  return events
}

const line = fc.oneof(
  fc.constantFrom('data: {"a":1}', 'data:{"b":"é😀"}', 'data', 'data:', 'data:  two', ': comment', ':', 'event: error', 'event:x', 'id: 7', 'retry: 3', 'junk', 'dataset: no', 'data: [DONE]'),
  fc.string({ maxLength: 12 }).map((text) => `data: ${text.replace(/[\r\n]/g, '')}`),
)
const lineEnd = fc.constantFrom('\n', '\r', '\r\n')
const stream = fc.array(fc.tuple(fc.oneof(line, fc.constant('')), lineEnd), { maxLength: 30 }).map((parts) => parts.map((p) => p.join('')).join(''))

test('events equal those of eventsource-parser, under any chunking', () => {
  fc.assert(
    fc.property(stream, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), fc.boolean(), (text, sizes, bom) => {
      // eventsource-parser drops an unfinished last event; ours counts it, so both get a finished one.
      const bytes = Buffer.from(`${bom ? '\ufeff' : ''}${text}\n\n`)
      const expected: { name: string; data: string }[] = []
      const parser = createParser({ onEvent: (event) => expected.push({ name: event.event ?? '', data: event.data }) })
      parser.feed(bytes.toString())
      const got = scan(bytes, () => sizes.next().value as number)
      assert.deepEqual(got.filter((event) => event.data !== null).map(({ name, data }) => ({ name, data })), expected)
      assert.deepEqual(got, scan(bytes))
    }),
    { numRuns: 2000 },
  )
})

test('events tile the stream: each ends where the next one starts, but for blank lines', () => {
  const bytes = Buffer.from(': hello\n\ndata: 1\n\n\n\nevent: e\r\ndata: 2\r\n\r\ndata: [DONE]\n\n')
  const events = scan(bytes, () => 1)
  assert.deepEqual(events.map((event) => bytes.toString('utf8', event.start, event.end)), [': hello\n\n', 'data: 1\n\n', 'event: e\r\ndata: 2\r\n\r\n', 'data: [DONE]\n\n'])
})

test('a last event without its blank line counts', () => {
  assert.equal(scan(Buffer.from('data: [DONE]')).at(-1)?.data, '[DONE]')
  assert.equal(scan(Buffer.from('data: a\ndata: b\r')).at(-1)?.data, 'a\nb')
})

test('an event beyond the bound is reported without its data, and the next one is read again', () => {
  const bytes = Buffer.from(`data: ${'x'.repeat(5000)}\n\ndata: ok\n\n`)
  for (const size of [1, 100, bytes.length]) {
    const events = scan(bytes, () => size, 1000)
    assert.deepEqual(events.map(({ data, oversize }) => ({ data, oversize })), [{ data: null, oversize: true }, { data: 'ok', oversize: false }])
  }
})

test('plain JSON in the place of an event is read whole, under any chunking', () => {
  const json = '{\n  "error": {\n    "code": 503\n  }\n}'
  for (const [text, expected] of [[`data: 1\n\n${json}\n`, ['1', json]], [`${json}\r\n\r\ndata: 2\n\n`.replaceAll(/(?<!\r)\n(?!\r)/g, '\r\n'), [json, '2']], [`[${json}]`, [`[${json}]`]], ['data: 1\n{"no": "beginning"}\n\n', ['1']]] as const) {
    for (const size of [1, 5, 1000]) assert.deepEqual(scan(Buffer.from(text), () => size).map(({ data }) => data), expected, text)
  }
  assert.deepEqual(scan(Buffer.from(`{"a":"${'x'.repeat(2000)}\n${'y'.repeat(2000)}"}\n\ndata: ok\n\n`), () => 100, 3000).map(({ data, oversize }) => ({ data, oversize })), [{ data: null, oversize: true }, { data: 'ok', oversize: false }])
})

test('an endless line keeps memory bounded', () => {
  let kept = 0
  const scanner = new SseScanner(1000, () => kept++)
  for (let i = 0; i < 10_000; i++) scanner.push(Buffer.alloc(1000, 0x61))
  assert.equal(kept, 0)
  assert.equal(scanner.offset, 10_000_000)
})
