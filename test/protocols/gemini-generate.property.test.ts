/** What Gemini's format can carry comes back whole, under any chunking, and nothing that a vendor may send breaks a reader. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChatEvent, JsonObject } from '../../src/protocols/canonical.ts'
import type { Client, StreamEncoder } from '../../src/protocols/codec.ts'
import { geminiGenerate } from '../../src/protocols/gemini-generate/index.ts'
import { Encoder } from '../../src/protocols/gemini-generate/write-stream.ts'
import { Collector, spread } from '../../src/protocols/whole.ts'
import { EventShape } from '../../src/wire/event-shape.ts'
import { JsonArrayScanner } from '../../src/wire/json-array-scanner.ts'
import { JsonScanner, noUniqueKeys } from '../../src/wire/json-scanner.ts'
import { SseScanner } from '../../src/wire/sse-scanner.ts'
import { recordings } from '../fixtures/recorded.ts'
import { answer, request, streamed } from './gemini-generate.arbitrary.ts'

const numRuns = process.env['MEGAROUTER_PROOF'] ? 10_000 : 500
const codec = geminiGenerate.codec!
const source = { proofs: 'google' }
const client: Client = { request: { model: 'm', stream: true, messages: [] }, id: 'req_1', nowS: 0 }
/** As on the wire. */
const sent = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

test('a request comes back from the wire as it was', () => {
  fc.assert(fc.property(request, (asked) => {
    const { body, losses } = codec.encodeRequest(asked, { model: asked.model, proofs: 'google', mostOutputTokens: 0, reasoning: null })
    assert.deepEqual(losses, [])
    assert.deepEqual(codec.decodeRequest(sent(body), { model: asked.model, stream: asked.stream }), asked)
  }), { numRuns })
})

test('an answer comes back from the wire as it was', () => {
  fc.assert(fc.property(answer, (given) => assert.deepEqual(codec.decodeAnswer(sent(codec.encodeAnswer(given, client)), source), given)), { numRuns })
})

function written(encoder: StreamEncoder, events: Iterable<ChatEvent>): Buffer {
  let text = ''
  for (const event of events) text += encoder.write(event)
  return Buffer.from(text)
}

function read(bytes: Buffer, isArray: boolean, sizes: () => number): Collector {
  const decoder = codec.decodeStream(source)
  const out: ChatEvent[] = []
  const take = ({ name, data }: { name: string; data: string | null }): void => decoder.event(name, data!, out)
  const scanner = isArray ? new JsonArrayScanner(1 << 24, take) : new SseScanner(1 << 24, take)
  for (let i = 0; i < bytes.length;) {
    const size = Math.max(1, sizes())
    scanner.push(bytes.subarray(i, i + size))
    i += size
  }
  scanner.end()
  decoder.end(out)
  const collector = new Collector()
  for (const event of out) collector.take(event)
  return collector
}

test('a stream comes back from the wire as it was, as events or as an array, under any chunking', () => {
  fc.assert(fc.property(streamed, fc.boolean(), fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (given, isArray, sizes) => {
    const bytes = written(new Encoder(client, isArray), spread(given))
    if (isArray) JSON.parse(bytes.toString())
    const { answer: got, isOver, error } = read(bytes, isArray, () => sizes.next().value as number)
    assert.deepEqual(got, given)
    assert.ok(isOver && error === null)
  }), { numRuns })
})

/** Real exchanges in which something is another value, or gone. */
const wholes = [...recordings('gemini-generate').values()].filter(({ status, framing }) => status === 200 && framing === 'json').map(({ body }) => body.toString())
const damaged = fc.tuple(fc.constantFrom(...wholes), fc.infiniteStream(fc.nat(40)), fc.jsonValue()).map(([text, picks, other]) => JSON.parse(text, (_key, value: unknown) => {
  const pick = picks.next().value as number
  return pick === 0 ? other : pick === 1 ? null : pick === 2 ? [value] : pick === 3 ? undefined : value
}) as unknown)

test('nothing that a vendor may answer breaks a reader', () => {
  fc.assert(fc.property(fc.oneof(damaged, fc.jsonValue()), (value) => {
    const body = JSON.stringify(value) ?? 'null'
    const json = JSON.parse(body) as unknown
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      const given = codec.decodeAnswer(json as JsonObject, source)
      JSON.stringify(codec.encodeAnswer(given, client))
      written(codec.encodeStream(client), spread(given))
    }
    const out: ChatEvent[] = []
    const decoder = codec.decodeStream(source)
    decoder.event('', body, out)
    decoder.event('', body.slice(0, -1), out)
    decoder.end(out)
    written(codec.encodeStream(client), out)
    geminiGenerate.readEvent({ start: 0, end: 1, name: '', data: body, oversize: false }, new EventShape())
    geminiGenerate.readError(Buffer.from(body))
    const scan = new JsonScanner({ maxDepth: 1000, maxKeys: 100_000, unique: noUniqueKeys })
    scan.push(Buffer.from(body))
    scan.end()
    if (scan.isObject) geminiGenerate.readAnswer(Buffer.from(body), scan)
  }), { numRuns: numRuns * 4 })
})

test('what is no answer has no choices', () => {
  for (const body of [{}, { candidates: null }, { candidates: 7 }, { candidates: [null, 'x'] }, { error: { code: 500 } }, { usageMetadata: { promptTokenCount: 3 } }] as JsonObject[]) assert.deepEqual(codec.decodeAnswer(body, source).choices, [])
})
