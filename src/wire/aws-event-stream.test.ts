import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { recordings } from '../../test/fixtures/recorded.ts'
import { AwsEventScanner, encodeFrame, encodeHeaders, eventFrame, exceptionFrame, exceptionOf } from './aws-event-stream.ts'
import type { SseEvent } from './sse-scanner.ts'

interface Vector { name: string; frame: string; error?: string; decoded?: { payload: string } }
const { vectors } = JSON.parse(readFileSync(new URL('../../test/fixtures/aws-event-stream.json', import.meta.url), 'utf8')) as { vectors: Vector[] }

function scan(bytes: Buffer, sizes: () => number = () => bytes.length, max = 1 << 20, ends = true): SseEvent[] {
  const events: SseEvent[] = []
  const scanner = new AwsEventScanner(max, (event) => events.push(event))
  for (let i = 0; i < bytes.length; ) {
    const size = Math.max(1, sizes())
    scanner.push(bytes.subarray(i, i + size))
    i += size
  }
  assert.equal(scanner.offset, bytes.length)
  if (ends) scanner.end()
  return events
}
const errorOf = ({ name, data }: SseEvent): string => `${exceptionOf(name)}: ${(JSON.parse(data!) as { message: string }).message}`

test('the vectors of AWS: headers of every type are passed over, and each kind of damage is an error', () => {
  for (const { name, frame, error, decoded } of vectors) {
    const bytes = Buffer.from(frame, 'base64')
    const events = scan(bytes, () => 5)
    assert.equal(events.length, 1, name)
    if (decoded) assert.deepEqual([events[0]!.name, events[0]!.data ?? '', events[0]!.end], ['', Buffer.from(decoded.payload, 'base64').toString(), bytes.length], name)
    else assert.equal(errorOf(events[0]!), `damagedStream: The checksum of a frame${error === 'Prelude checksum mismatch' ? '\'s prelude' : ''} is wrong.`, name)
  }
})

const recorded = ['bedrock-converse', 'bedrock-invoke'] as const
const streams = recorded.flatMap((format) => [...recordings(format).values()]).filter(({ framing }) => framing === 'aws-eventstream').map(({ body }) => body)

test('recorded streams are frames that tile them, and are encoded again byte for byte', () => {
  assert.equal(streams.length, 31)
  for (const bytes of streams) {
    const events = scan(bytes)
    assert.ok(events.length > 1 && events.every(({ name, data, oversize }) => /^\w+$/.test(name) && data?.startsWith('{') && !oversize))
    assert.deepEqual(events.map(({ start }) => start), [0, ...events.slice(0, -1).map(({ end }) => end)])
    assert.equal(events.at(-1)!.end, bytes.length)
    assert.deepEqual(Buffer.concat(events.map(({ name, data }) => eventFrame(name, data!))), bytes)
  }
})

test('any chunking gives the same events, also of frames that are too long to keep', () => {
  fc.assert(fc.property(fc.constantFrom(...streams.filter(({ length }) => length < 9000)), fc.infiniteStream(fc.integer({ min: 1, max: 300 })), fc.constantFrom(1 << 20, 150, 20), (bytes, sizes, max) => {
    assert.deepEqual(scan(bytes, () => sizes.next().value as number, max), scan(bytes, undefined, max))
  }), { numRuns: 500 })
  assert.deepEqual(scan(streams[0]!, () => 1), scan(streams[0]!))
})

test('a frame beyond the bound is reported without its data, and the next one is read', () => {
  const bytes = Buffer.concat([eventFrame('a', `{"x":"${'x'.repeat(5000)}"}`), eventFrame('b', '{}')])
  for (const size of [1, 7, 100, bytes.length]) assert.deepEqual(scan(bytes, () => size, 1000).map(({ name, data, oversize }) => [name, data, oversize]), [['', null, true], ['b', '{}', false]])
  const damaged = Buffer.from(bytes)
  damaged[3000]! ^= 1
  for (const size of [1, 100, bytes.length]) assert.deepEqual(scan(damaged, () => size, 1000).map(errorOf), ['damagedStream: The checksum of a frame is wrong.'])
})

test('exceptions and errors are told by their names', () => {
  const events = scan(Buffer.concat([
    exceptionFrame('throttlingException', '{"message":"slow down"}'), exceptionFrame('x', ''),
    encodeFrame(encodeHeaders({ ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'An "internal" error' }), ''), eventFrame('throttlingException', '{}'),
  ]))
  assert.deepEqual(events.map(({ name, data }) => [exceptionOf(name), data]), [['throttlingException', '{"message":"slow down"}'], ['x', '{}'], ['InternalError', '{"message":"An \\"internal\\" error"}'], [null, '{}']])
})

test('no flipped bit passes, and after damage nothing is read', () => {
  const bytes = Buffer.concat([eventFrame('a', '{"a":1}'), eventFrame('b', '{"b":2}')])
  fc.assert(fc.property(fc.nat(bytes.length / 2 - 1), fc.nat(7), fc.constantFrom(1, 11, bytes.length), (at, bit, size) => {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1 << bit
    const events = scan(damaged, () => size)
    assert.deepEqual(events.map(({ name }) => exceptionOf(name)), ['damagedStream'])
  }), { numRuns: 1000 })
})

test('a stream that is cut within a frame ends with an error, between frames without one', () => {
  const frame = eventFrame('a', '{"a":1}')
  for (let length = 0; length <= frame.length; length++) {
    const names = scan(Buffer.concat([frame, frame.subarray(0, length)])).map(({ name }) => name)
    assert.deepEqual(names, length === 0 ? ['a'] : ['a', length === frame.length ? 'a' : ':damagedStream'], String(length))
  }
  assert.match(errorOf(scan(frame.subarray(0, 3))[0]!), /ended within a frame/)
})

test('a length that no frame has is refused before a byte of it is kept', () => {
  const events = scan(Buffer.concat([withPrelude(0xffff_ffff, 0), Buffer.alloc(100)]), () => 6)
  assert.deepEqual(events.map(errorOf), ['damagedStream: A frame of 4294967295 bytes with 0 bytes of headers is not possible.'])
  assert.match(errorOf(scan(Buffer.concat([withPrelude(20, 5), Buffer.alloc(100)]))[0]!), /20 bytes with 5 bytes of headers/)
  assert.match(errorOf(scan(withPrelude(15, 0))[0]!), /15 bytes/)
})

/** The first bytes of a frame that says so of itself. */
function withPrelude(frameBytes: number, headerBytes: number): Buffer {
  const frame = encodeFrame(encodeHeaders({}), '')
  const prelude = Buffer.from(frame.subarray(0, 12))
  prelude.writeUInt32BE(frameBytes, 0)
  prelude.writeUInt32BE(headerBytes, 4)
  prelude.writeUInt32BE(crcOf(prelude.subarray(0, 8)), 8)
  return prelude
}

/** By the definition of CRC-32, so that the test does not repeat the code. */
function crcOf(bytes: Buffer): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
  }
  return (crc ^ 0xffff_ffff) >>> 0
}
