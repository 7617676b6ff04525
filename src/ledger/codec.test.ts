import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { noUsage, usageClasses, type Usage } from '../catalog/price.ts'
import { attemptOutcomes } from '../store/records.ts'
import { SegmentWriter, frame, version } from './codec.ts'
import { crc32c } from './crc32c.ts'
import { holdModes, type JournalRecord, type Logged, type Target, type Tenant } from './records.ts'
import { SegmentReader, type Stop } from './segment-reader.ts'

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constant('x'.repeat(200)))
const optional = fc.option(text)
const count = fc.oneof(fc.nat(5_000), fc.maxSafeNat(), fc.constant(2 ** 32 - 1), fc.constant(2 ** 32))
const tenants: fc.Arbitrary<Tenant> = record({ org: text, team: optional, project: optional, user: optional, key: text, serviceAccount: optional, path: fc.array(text, { maxLength: 4 }) })
const targets: fc.Arbitrary<Target> = record({ vendor: text, provider: text, deployment: text, model: text, upstreamModel: text, priceVersion: optional })
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const marks = fc.oneof(fc.constant([]), fc.array(text, { maxLength: 4 }))
const repeat = fc.option(record({ key: bytes16, body: bytes16 }))
const requestId = fc.oneof(fc.stringMatching(/^req_[0-9a-z]{26}$/), fc.stringMatching(/^[!-~]{0,64}$/))
const usage = record(Object.fromEntries(usageClasses.map((name) => [name, fc.oneof(fc.constant(0), count)])) as Record<keyof Usage, fc.Arbitrary<number>>)

/** Records that share a few names, as those of one gateway do. */
const recordLists: fc.Arbitrary<JournalRecord[]> = fc.tuple(fc.array(tenants, { minLength: 1, maxLength: 3 }), fc.array(targets, { minLength: 1, maxLength: 3 })).chain(([whom, where]) => {
  const attempt = { requestId, attempt: fc.nat(65_535), tenant: fc.constantFrom(...whom), target: fc.constantFrom(...where), heldAt: count, repeat, marks }
  const hold = record({ kind: fc.constant('hold' as const), ...attempt, mode: fc.constantFrom(...holdModes), stream: fc.boolean(), holdNano: count, inputTokens: count, inputNano: count })
  const terminal = record({
    kind: fc.constantFrom('settle' as const, 'void' as const), ...attempt, hold: count, endedAt: count, tenantNano: count, overheadNano: count,
    outcome: fc.constantFrom(...attemptOutcomes, 'crashed' as const, 'expired' as const), flags: fc.nat(2 ** 32 - 1), usage,
  })
  const dispatch = record({ kind: fc.constant('dispatch' as const), hold: count })
  const progress = record({ kind: fc.constant('progress' as const), hold: count, outputTokens: count, costNano: count, holdNano: count })
  return fc.array(fc.oneof(hold, terminal, dispatch, progress), { maxLength: 12 })
})

interface Written { bytes: Buffer; records: Logged[] }

function write(records: readonly JournalRecord[], zeros = 64, first = 1): Written {
  const writer = new SegmentWriter()
  writer.start(first, first, 0)
  let next = first + 1
  const logged = records.map((record) => {
    const before = writer.length, most = writer.most(record)
    const lsn = writer.append(next, record)
    assert.ok(writer.length - before <= most, 'a record is longer than it was said to be')
    next = lsn + 1
    return { lsn, record }
  })
  return { bytes: Buffer.concat([writer.bytes.subarray(0, writer.length), Buffer.alloc(zeros)]), records: logged }
}

function read(bytes: Buffer): { records: Logged[]; stop: Stop; reader: SegmentReader } {
  const reader = new SegmentReader()
  const records: Logged[] = []
  const stop = reader.scan(bytes, (_kind, lsn, at) => void records.push({ lsn, record: reader.record(at) }))
  return { records, stop, reader }
}

/** What a damaged segment gives must be the beginning of what was written. */
function assertPrefix(bytes: Buffer, written: readonly Logged[]): Stop {
  const { records, stop } = read(bytes)
  assert.deepEqual(records, written.slice(0, records.length))
  return stop
}

/** A frame with a right checksum around any payload. */
function forge(lsn: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16 + payload.length)
  bytes.writeUInt32LE(payload.length, 0)
  bytes.writeUInt32LE(lsn, 8)
  bytes.set(payload, 16)
  bytes.writeUInt32LE(crc32c(bytes, 8, bytes.length, payload.length), 4)
  return bytes
}

test('what is written is read, field by field, at any LSN', () => {
  fc.assert(fc.property(recordLists, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 }), (records, first) => {
    const written = write(records, 64, first)
    const { records: found, stop, reader } = read(written.bytes)
    assert.deepEqual(found, written.records)
    assert.equal(stop, 'end')
    assert.equal(reader.firstLsn, first)
    assert.equal(reader.offset, written.bytes.length - 64)
  }), { numRuns: 300 })
})

test('a segment that is read in parts as it grows gives what it gives at once', () => {
  fc.assert(fc.property(recordLists, fc.array(fc.nat(4_000), { maxLength: 6 }), (records, cuts) => {
    const written = write(records)
    const reader = new SegmentReader()
    const found: Logged[] = []
    for (const end of [...cuts.sort((one, other) => one - other), written.bytes.length]) {
      const base = reader.offset
      reader.scan(written.bytes.subarray(base, Math.max(base, end)), (_kind, lsn, at) => void found.push({ lsn, record: reader.record(at) }), base)
    }
    assert.deepEqual(found, written.records)
  }))
})

test('a single flipped bit shortens the list of records and never changes one', () => {
  fc.assert(fc.property(recordLists, fc.nat(), (records, at) => {
    const written = write(records, 0)
    const bit = at % (written.bytes.length * 8)
    written.bytes[bit >> 3]! ^= 1 << (bit & 7)
    assert.notEqual(assertPrefix(written.bytes, written.records), 'version')
    const { reader } = read(written.bytes)
    assert.ok(reader.offset <= bit >> 3, 'the damaged frame counts as read')
  }), { numRuns: 2_000 })
})

test('a segment cut anywhere gives the records that are whole', () => {
  fc.assert(fc.property(recordLists, fc.nat(), (records, at) => {
    const written = write(records, 0)
    const cut = at % written.bytes.length
    assertPrefix(written.bytes.subarray(0, cut), written.records)
    // The rest is zeros: a torn write into prepared space.
    assertPrefix(Buffer.concat([written.bytes.subarray(0, cut), Buffer.alloc(512)]), written.records)
  }), { numRuns: 1_000 })
})

test('any bytes are read without an error, with right checksums too', () => {
  const payload = fc.tuple(fc.integer({ min: 0, max: 10 }), fc.uint8Array({ maxLength: 140 })).map(([kind, rest]) => Uint8Array.of(kind, ...rest))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => void read(Buffer.from(bytes))), { numRuns: 1_000 })
  fc.assert(fc.property(recordLists, fc.array(payload, { minLength: 1, maxLength: 4 }), (records, payloads) => {
    const written = write(records, 0)
    const next = read(written.bytes).reader.nextLsn
    assertForged(Buffer.concat([written.bytes, ...payloads.map((each, index) => forge(next + index, each))]), written.records)
  }), { numRuns: 2_000 })
})

function assertForged(bytes: Buffer, written: readonly Logged[]): void {
  assert.deepEqual(read(bytes).records.slice(0, written.length), written)
}

test('reading says why and where it ended', () => {
  const { bytes, records } = write([{ kind: 'dispatch', hold: 7 }, { kind: 'dispatch', hold: 8 }], 0)
  const reason = (changed: Buffer): [Stop, number, number] => {
    const { stop, reader, records: found } = read(changed)
    return [stop, reader.offset, found.length]
  }
  const frameLength = 25, start = bytes.length - 2 * frameLength
  assert.deepEqual(reason(bytes), ['end', bytes.length, 2])
  assert.deepEqual(reason(bytes.subarray(0, bytes.length - 1)), ['torn', start + frameLength, 1])
  const damaged = Buffer.from(bytes)
  damaged[start + 20]! ^= 1
  assert.deepEqual(reason(damaged), ['corrupt', start, 0])
  assert.deepEqual(reason(Buffer.concat([bytes, bytes.subarray(start)])), ['order', bytes.length, 2])
  assert.deepEqual(reason(Buffer.concat([bytes, forge(records.at(-1)!.lsn + 1, Uint8Array.of(99))])), ['corrupt', bytes.length, 2])
  const newer = Buffer.alloc(18)
  newer[0] = frame.start
  newer[1] = version + 1
  assert.deepEqual(reason(forge(1, newer)), ['version', 0, 0])
  assert.deepEqual(reason(forge(1, Uint8Array.of(frame.dispatch, 0, 0, 0, 0, 0, 0, 0, 0))), ['corrupt', 0, 0])
})

test('a name is written once per segment, however many records use it', () => {
  const tenant = { org: 'o'.repeat(100), team: null, project: null, user: null, key: 'k', serviceAccount: null, path: [] }
  const target = { vendor: 'v', provider: 'p', deployment: 'd', model: 'm', upstreamModel: 'u'.repeat(100), priceVersion: null }
  const hold = { kind: 'hold' as const, requestId: `req_${'0'.repeat(26)}`, attempt: 1, tenant, target, heldAt: 1, mode: 'strict' as const, stream: true, holdNano: 1, inputTokens: 1, inputNano: 1, repeat: null, marks: [] }
  const one = write([hold], 0), two = write([hold, hold], 0)
  assert.equal(two.bytes.length - one.bytes.length, 91)
  assert.equal(two.records[1]!.lsn, two.records[0]!.lsn + 1)
})

test('what has no form on the disk is refused before anything is written', () => {
  const tenant = { org: 'o', team: null, project: null, user: null, key: 'k', serviceAccount: null, path: [] }
  const target = { vendor: 'v', provider: 'p', deployment: 'd', model: 'm', upstreamModel: 'u', priceVersion: null }
  const hold = { kind: 'hold' as const, requestId: 'req_1', attempt: 1, tenant, target, heldAt: 1, mode: 'none' as const, stream: false, holdNano: 1, inputTokens: 1, inputNano: 1, repeat: null, marks: [] }
  const writer = new SegmentWriter()
  for (const wrong of [{ ...hold, requestId: 'x'.repeat(65) }, { ...hold, attempt: 65_536 }, { ...hold, tenant: { ...tenant, org: 'x'.repeat(20_000) } }, { ...hold, marks: ['x'.repeat(5_000)] }, { ...hold, marks: Array<string>(256).fill('') }]) assert.throws(() => writer.most(wrong), RangeError)
  assert.equal(writer.length, 0)
})

/** A segment of one attempt as the first version wrote it. */
const first = 'EgAAAG589RMBAAAAAAAAAAEBAAAAAAAA8D8AAAAAAAAAACAAAAC3+/jnAgAAAAAAAAADBQBvcmdfMQYAZ3Jvd3Ro//8FAHVzcl8xBQBrZXlfMRIAAABvstPtAwAAAAAAAAAEAQB2AQBwAQBkAQBtAQB1//9SAAAA1H07ZQQAAAAAAAAABQ4BAAAAAAAAAAAAAACASATneUIAAAAAAIBWQAAAAAAAABBAAAAAAAAAFEAFcmVxXzEBAQEBAQEBAQEBAQEBAQEBAgICAgICAgICAgICAgICAmcAAABBCJ3sBQAAAAAAAAAICAEAAAAAAAAAAAAAAAAAAAAQQAAAgEgE53lCAIC+SATneUIAAAAAAIBRQAAAAAAAAAhAAQAAAAAFAQAAAHJlcV8xBwAAAAEBAQEBAQEBAQEBAQEBAQECAgICAgICAgICAgICAgIC'

test('a segment of an older version is read: its attempts have no path, no service account and no marks', () => {
  const { records, stop } = read(Buffer.from(first, 'base64'))
  const named = {
    requestId: 'req_1', attempt: 1, tenant: { org: 'org_1', team: 'growth', project: null, user: 'usr_1', key: 'key_1', serviceAccount: null, path: [] },
    target: { vendor: 'v', provider: 'p', deployment: 'd', model: 'm', upstreamModel: 'u', priceVersion: null },
    heldAt: 1_780_000_000_000, repeat: { key: new Uint8Array(16).fill(1), body: new Uint8Array(16).fill(2) }, marks: [],
  }
  assert.deepEqual(records, [
    { lsn: 4, record: { kind: 'hold', ...named, mode: 'standard', stream: true, holdNano: 90, inputTokens: 4, inputNano: 5 } },
    { lsn: 5, record: { kind: 'settle', hold: 4, ...named, endedAt: 1_780_000_001_000, tenantNano: 70, overheadNano: 3, outcome: 'success', flags: 1, usage: { ...noUsage(), input: 7 } } },
  ])
  assert.equal(stop, 'end')
})
