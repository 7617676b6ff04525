import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bedrockConverse } from '../../src/protocols/bedrock-converse/index.ts'
import type { ChatEvent, JsonObject } from '../../src/protocols/canonical.ts'
import type { Client, Target } from '../../src/protocols/codec.ts'
import { Collector, spread } from '../../src/protocols/whole.ts'
import { AwsEventScanner, eventFrame } from '../../src/wire/aws-event-stream.ts'
import type { SseEvent } from '../../src/wire/sse-scanner.ts'
import { recordings, type RecordedExchange } from '../fixtures/recorded.ts'
import { answers, requests, streamedAnswers } from './bedrock-converse.arbitrary.ts'
import { faults } from './bedrock-shapes.ts'

const codec = bedrockConverse.codec!
const numRuns = process.env['MEGAROUTER_PROOF'] === '1' ? 10_000 : 500
const to = (model: string): Target => ({ model, proofs: 'anthropic', mostOutputTokens: 0, reasoning: null })
const client: Client = { request: { model: '', stream: true, messages: [] }, id: 'x', nowS: 0 }

function eventsOf(bytes: Buffer, size = bytes.length): SseEvent[] {
  const events: SseEvent[] = []
  const scanner = new AwsEventScanner(1 << 20, (event) => events.push(event))
  for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size))
  scanner.end()
  return events
}

function decoded(events: readonly Pick<SseEvent, 'name' | 'data'>[]): { out: ChatEvent[]; collected: Collector } {
  const out: ChatEvent[] = []
  const decoder = codec.decodeStream({ proofs: 'anthropic' })
  for (const { name, data } of events) decoder.event(name, data ?? '', out)
  decoder.end(out)
  const collected = new Collector()
  for (const event of out) collected.take(event)
  return { out, collected }
}

function encoded(events: Iterable<ChatEvent>): Buffer {
  const encoder = codec.encodeStream(client)
  let text = ''
  for (const event of events) text += encoder.write(event)
  return Buffer.from(text, 'latin1')
}

const recorded = [...recordings('bedrock-converse').values()]
const modelOf = ({ path }: RecordedExchange): string => decodeURIComponent(path.split('/')[2]!)

/** Streams of which only the payloads were kept are framed again. */
const streamOf = ({ framing, body }: RecordedExchange): Buffer =>
  (framing === 'aws-eventstream' ? body : Buffer.concat((JSON.parse(body.toString()) as Record<string, JsonObject>[]).map((event) => eventFrame(Object.keys(event)[0]!, JSON.stringify(Object.values(event)[0])))))
const streams = recorded.filter(({ framing, status }) => status === 200 && (framing === 'aws-eventstream' || framing === 'chunks'))

/** What a request is normalised to, each with its reason. */
function normalised(body: JsonObject & { messages: { role: string; content: JsonObject[] }[] }, model: string): JsonObject {
  // Models that want their turns to alternate refuse what others join themselves.
  const messages = body.messages.reduce<typeof body.messages>((turns, { role, content }) => {
    const last = turns.at(-1)
    return last?.role === role ? [...turns.slice(0, -1), { role, content: [...last.content, ...content] }] : [...turns, { role, content }]
  }, [])
  // Claude is asked which stop sequence it was.
  const stops = model.includes('anthropic.') && (body['inferenceConfig'] as JsonObject | undefined)?.['stopSequences'] !== undefined
  return { ...body, messages, ...(stops ? { additionalModelResponseFieldPaths: ['/stop_sequence', '/delta/stop_sequence'] } : {}) }
}

test('every recorded request is itself again, and nothing of it is lost', () => {
  const known = recorded.filter(({ requestBody }) => requestBody !== null)
  assert.equal(known.length, 62)
  for (const exchange of known) {
    const body = JSON.parse(exchange.requestBody!) as JsonObject & { messages: { role: string; content: JsonObject[] }[] }
    const model = modelOf(exchange)
    const request = codec.decodeRequest(body, { model, stream: exchange.stream })
    assert.deepEqual([request.model, request.stream], [model, exchange.stream])
    assert.deepEqual(codec.encodeRequest(request, to(model)), { body: normalised(body, model), losses: [] }, exchange.id)
  }
})

test('every recorded answer is itself again', () => {
  const known = recorded.filter(({ framing, status }) => framing === 'json' && status === 200)
  assert.equal(known.length, 45)
  for (const { id, body } of known) {
    const answer = JSON.parse(body.toString()) as JsonObject
    const usage = answer['usage'] as JsonObject | undefined
    // Counts that the vendor left out are written.
    if (usage && usage['inputTokens'] === undefined) Object.assign(usage, { inputTokens: 0, totalTokens: usage['outputTokens'] })
    assert.deepEqual(codec.encodeAnswer(codec.decodeAnswer(answer, { proofs: 'anthropic' }), client), answer, id)
  }
})

test('every recorded stream is complete, and written again means the same', () => {
  assert.equal(streams.length, 36)
  for (const exchange of streams) {
    const { out, collected } = decoded(eventsOf(streamOf(exchange)))
    const [choice] = collected.answer.choices
    assert.ok(collected.isOver && collected.error === null && choice?.stop !== undefined && choice.parts.length > 0, exchange.id)
    assert.equal(out.filter(({ type }) => type === 'start').length, 1)
    const again = decoded(eventsOf(encoded(out))).collected
    assert.deepEqual([again.answer, again.isOver], [collected.answer, true], exchange.id)
    for (const event of eventsOf(encoded(out))) assert.deepEqual(faults({ [event.name]: JSON.parse(event.data!) }, 'ConverseStreamOutput').filter((fault) => !fault.endsWith('metrics is missing')), [], exchange.id)
  }
})

test('a stream cut at any byte never stops by itself, and what was said of it is a beginning of the whole', () => {
  const bytes = streamOf(streams.find(({ id }) => id === 'd465121964c5fa4e')!)
  const whole = decoded(eventsOf(bytes)).out
  for (let length = 0; length < bytes.length; length += 7) {
    const { out } = decoded(eventsOf(bytes.subarray(0, length)))
    const said = out.filter(({ type }) => type !== 'partEnd' && type !== 'error' && type !== 'end')
    assert.deepEqual(said.filter(({ type }) => type !== 'delta').length <= whole.length, true)
    assert.equal(out.some(({ type }) => type === 'end'), out.some(({ type }) => type === 'stop'), String(length))
    if (out.some(({ type }) => type === 'error')) assert.match(JSON.stringify(out), /ended within a frame/)
  }
})

test('a request within what its model takes is itself again, and valid by the model of AWS', () => {
  fc.assert(fc.property(requests, (request) => {
    const { body, losses } = codec.encodeRequest(request, to(request.model))
    assert.deepEqual(losses, [])
    assert.deepEqual(codec.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject, { model: request.model, stream: request.stream }), request)
    // Members that are new are not in the model.
    const wrong = faults(body, 'ConverseRequest').filter((fault) => !/newMember/.test(fault))
    assert.deepEqual(wrong, [])
  }), { numRuns })
})

test('an answer is itself again, and valid by the model of AWS', () => {
  fc.assert(fc.property(answers, (answer) => {
    const body = codec.encodeAnswer(answer, client)
    assert.deepEqual(codec.decodeAnswer(JSON.parse(JSON.stringify(body)) as JsonObject, { proofs: 'anthropic' }), answer)
    assert.deepEqual(faults(body, 'ConverseResponse').filter((fault) => !/newMember|serverToolUsage|(metrics|usage) is missing/.test(fault)), [])
  }), { numRuns })
})

test('a stream amounts to the answer that it was made of, however its bytes come', () => {
  fc.assert(fc.property(streamedAnswers, fc.integer({ min: 1, max: 400 }), (answer, size) => {
    const bytes = encoded(spread(answer))
    const { collected, out } = decoded(eventsOf(bytes, size))
    assert.deepEqual(collected.answer, answer)
    assert.equal(collected.isOver, true)
    assert.equal(out.at(-1)!.type, 'end')
  }), { numRuns })
})

test('usage that was recorded gives classes whose sum is the vendor\'s own', async () => {
  const { normaliseUsage } = await import('../../src/catalog/usage.ts')
  const { JsonScanner, noUniqueKeys } = await import('../../src/wire/json-scanner.ts')
  const { EventShape } = await import('../../src/wire/event-shape.ts')
  let counted = 0
  const check = (usage: unknown, total: unknown, id: string): void => {
    const found = normaliseUsage(usage, bedrockConverse.usage!)
    assert.equal(found?.anomalous, false, id)
    const { input, cacheRead, cacheWrite5m, cacheWrite1h, output } = found.usage
    assert.equal(input + cacheRead + cacheWrite5m + cacheWrite1h + output, total, id)
    counted++
  }
  for (const { id, framing, status, body } of recorded) {
    if (status !== 200) continue
    if (framing === 'json') {
      const scan = new JsonScanner({ maxDepth: 64, maxKeys: 10_000, unique: noUniqueKeys })
      scan.push(body)
      scan.end()
      const total = ((JSON.parse(body.toString()) as JsonObject)['usage'] as JsonObject | undefined)?.['totalTokens']
      const facts = bedrockConverse.readAnswer(body, scan)
      assert.equal(facts.error, null)
      if (total !== undefined) check(facts.usage, total, id)
      else assert.ok(facts.outputChars > 0 || facts.usage !== null || body.includes('"text":""'), id)
    } else {
      const facts = eventsOf(streamOf(recorded.find((each) => each.id === id)!)).map((event) => ({ event, ...bedrockConverse.readEvent(event, new EventShape()) }))
      assert.equal(facts.filter(({ finished }) => finished).length, 1, id)
      const told = facts.filter(({ usage }) => usage !== null)
      for (const { usage, event } of told) check(usage, ((JSON.parse(event.data!) as JsonObject)['usage'] as JsonObject)['totalTokens'], id)
      const chars = decoded(facts.map(({ event }) => event)).out.reduce((sum, event) => sum + (event.type === 'delta' ? event.text.length : event.type === 'part' && event.part.type === 'toolCall' ? event.part.name.length : 0), 0)
      const made = facts.reduce((sum, { outputChars }) => sum + outputChars, 0)
      // A call without arguments is told as one with none.
      assert.ok(made <= chars && made >= chars - 2, `${id}: ${made} of ${chars}`)
    }
  }
  assert.equal(counted, 74)
})

test('what a vendor sends wrongly never breaks a reader', () => {
  const bodies = recorded.map(({ body, framing }) => (framing === 'json' ? body.toString() : '')).filter((text) => text !== '').map((text) => JSON.parse(text) as JsonObject)
  const payloads = streams.flatMap((exchange) => eventsOf(streamOf(exchange))).filter((_, index) => index % 17 === 0).map(({ name, data }) => ({ name, data: data! }))
  const junk = fc.jsonValue({ maxDepth: 3 })
  fc.assert(fc.property(fc.constantFrom(...bodies), fc.array(fc.tuple(fc.nat(), junk), { minLength: 1, maxLength: 3 }), (body, edits) => {
    const answer = codec.decodeAnswer(edits.reduce<JsonObject>((value, [at, put]) => mutated(value, at, put), body), { proofs: 'x' })
    assert.ok(Array.isArray(answer.choices))
    codec.encodeAnswer(answer, client)
  }), { numRuns })
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...payloads), fc.nat(), fc.option(junk)), { maxLength: 12 }), (list) => {
    const events = list.map(([{ name, data }, at, put]) => ({ name, data: put === null ? data.slice(0, at % (data.length + 1)) : JSON.stringify(mutated(JSON.parse(data) as JsonObject, at, put)) }))
    const { out } = decoded(events)
    let open = false
    for (const { type } of out) {
      // One part at a time, and nothing without one.
      if (type === 'part') assert.equal(open, false)
      if (type === 'delta' || type === 'proof' || type === 'partEnd') assert.equal(open, true)
      open = type === 'part' || (open && type !== 'partEnd')
    }
    assert.equal(open, false)
    encoded(out)
  }), { numRuns })
})

/** The same with another value at one place. */
function mutated(value: JsonObject, at: number, put: unknown): JsonObject {
  const copy = structuredClone(value)
  const places: [JsonObject, string][] = []
  const walk = (object: unknown): void => {
    if (typeof object !== 'object' || object === null) return
    for (const key of Object.keys(object)) {
      places.push([object as JsonObject, key])
      walk((object as JsonObject)[key])
    }
  }
  walk(copy)
  const place = places[at % Math.max(1, places.length)]
  if (place) place[0][place[1]] = put as JsonObject
  return copy
}
