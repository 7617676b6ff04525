/** What the format can carry survives it, and what it can't read never breaks it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChatEvent, JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest } from '../../src/protocols/codec.ts'
import { spread } from '../../src/protocols/whole.ts'
import { answers, requests } from './openai-responses.arbitrary.ts'
import { client, codec, collected, decoded, encoded, eventsIn, exchanges, source, target } from './openai-responses.fixture.ts'

const numRuns = process.env['MEGAROUTER_PROOF'] === '1' ? 10_000 : 500

test('a request that the format can carry survives it', () => {
  fc.assert(fc.property(requests, (request) => {
    const { body, losses } = codec.encodeRequest(request, target(request.model))
    assert.deepEqual(losses, [])
    assert.deepEqual(codec.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject, {}), request)
  }), { numRuns })
})

test('an answer that the format can carry survives it', () => {
  fc.assert(fc.property(answers(true), requests, (answer, request) => {
    const { extras, ...again } = codec.decodeAnswer(JSON.parse(JSON.stringify(codec.encodeAnswer(answer, client(request)))) as JsonObject, source)
    // Without extras of its own it repeats the request.
    assert.deepEqual(answer.extras ? { ...again, extras } : again, answer)
  }), { numRuns })
})

/** Deltas cut into pieces. */
function* cutUp(events: Iterable<ChatEvent>, size: number): Generator<ChatEvent> {
  for (const event of events) {
    if (event.type !== 'delta') yield event
    else for (let at = 0; at < event.text.length; at += size) yield { ...event, text: event.text.slice(at, at + size) }
  }
}

test('a stream that the format can carry survives it, however its texts are cut', () => {
  fc.assert(fc.property(answers(false), fc.integer({ min: 1, max: 9 }), (answer, size) => {
    const again = collected(decoded(eventsIn(encoded(cutUp(spread(answer), size)))))
    assert.deepEqual(again.answer, answer)
    assert.ok(again.isOver)
  }), { numRuns })
})

test('a stream that never stopped is not ended', () => {
  fc.assert(fc.property(answers(false), (answer) => {
    const { stop: _, nativeStop: __, ...choice } = answer.choices[0]!
    const bytes = encoded(spread({ ...answer, choices: [choice] }))
    assert.ok(!/response\.(completed|incomplete|failed)/.test(bytes))
    const again = collected(decoded(eventsIn(bytes)))
    assert.equal(again.isOver, false)
    assert.deepEqual(again.answer.choices[0]?.parts ?? [], choice.parts)
  }), { numRuns: 200 })
})

/** Another value somewhere in a body. */
function mutated(body: JsonObject, path: readonly number[], value: unknown): JsonObject {
  const copy = structuredClone(body)
  let place: Record<string, unknown> = copy
  for (const [depth, step] of path.entries()) {
    const keys = Object.keys(place)
    if (keys.length === 0) break
    const key = keys[step % keys.length]!
    const next = place[key]
    if (depth === path.length - 1 || typeof next !== 'object' || next === null) place[key] = structuredClone(value)
    else place = next as Record<string, unknown>
  }
  return copy
}

const path = fc.array(fc.nat(40), { minLength: 1, maxLength: 6 })
const junk = fc.constantFrom<unknown>(null, 0, -1, '', 'x', true, [], {}, [null], [[]], { type: 'message' }, { type: 'reasoning', summary: 3 }, { type: 7 }, 'data:,', { text: 1 })
const bodies = exchanges.filter(({ requestBody }) => requestBody !== null).map(({ requestBody }) => JSON.parse(requestBody!) as JsonObject)
const replies = exchanges.filter(({ framing, status }) => framing === 'json' && status < 300).map(({ body }) => JSON.parse(body.toString()) as JsonObject)
function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
const streams = exchanges.filter(({ framing, status, body }) => framing !== 'json' && status < 300 && body.length < 60_000).map(({ body }) => eventsIn(body)).filter((events) => events.every(({ data }) => data === '[DONE]' || isJson(data)))

test('a damaged request is translated or refused in words, never a crash', () => {
  fc.assert(fc.property(fc.nat(), path, junk, (index, where, value) => {
    let request
    try {
      request = codec.decodeRequest(mutated(bodies[index % bodies.length]!, where, value), {})
    } catch (error) {
      assert.ok(error instanceof BadRequest, String(error))
      return
    }
    codec.encodeRequest(request, target('m'))
  }), { numRuns: numRuns * 4 })
})

test('a damaged answer is read as far as it can be, and written whole', () => {
  fc.assert(fc.property(fc.nat(), path, junk, (index, where, value) => {
    const answer = codec.decodeAnswer(mutated(replies[index % replies.length]!, where, value), source)
    assert.doesNotMatch(JSON.stringify(codec.encodeAnswer(answer, client())), /undefined/)
  }), { numRuns: numRuns * 4 })
  for (const garbage of [null, [], 'x', 7, {}, { output: 'x' }, { output: null, id: 3 }]) assert.deepEqual(codec.decodeAnswer(garbage as unknown as JsonObject, source).choices, [])
})

test('a damaged stream keeps the order of parts: one is open at a time, each is closed', () => {
  fc.assert(fc.property(fc.nat(), fc.array(fc.tuple(fc.nat(500), fc.constantFrom('drop', 'twice', 'damage', 'swap')), { maxLength: 6 }), path, junk, (index, edits, where, value) => {
    const events = [...streams[index % streams.length]!]
    for (const [at, edit] of edits) {
      const place = at % events.length
      const event = events[place]!
      if (edit === 'drop') events.splice(place, 1)
      else if (edit === 'twice') events.splice(place, 0, event)
      else if (edit === 'swap' && place > 0) events.splice(place - 1, 2, event, events[place - 1]!)
      else if (edit === 'damage' && event.data.startsWith('{')) events[place] = { ...event, data: JSON.stringify(mutated(JSON.parse(event.data) as JsonObject, where, value)) }
      if (events.length === 0) return
    }
    const told = decoded(events)
    let isOpen = false
    let isOver = false
    for (const each of told) {
      assert.ok(!isOver, 'nothing follows the end')
      if (each.type === 'part') assert.ok(!isOpen)
      if (each.type === 'part') isOpen = true
      else if (each.type === 'partEnd') isOpen = false
      else if (each.type === 'delta' || each.type === 'summary' || each.type === 'citation') assert.ok(isOpen, each.type)
      isOver = each.type === 'end'
    }
    assert.ok(!isOpen)
    encoded(told)
  }), { numRuns: numRuns * 4 })
})
