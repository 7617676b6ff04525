/** Recorded streams through the canonical form and back, and what the official SDKs make of them then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import OpenAI7 from 'openai7'
import type { ChatAnswer, JsonObject, Part } from '../../src/protocols/canonical.ts'
import { codec, collected, decoded, drop, encoded, eventsIn, exchanges, source, type WireEvent } from './openai-responses.fixture.ts'

/** Its first and last events lack a brace. */
const damaged = 'e5b39b9982e07106'
/** Its deltas say other words than its end. */
const contradictory = 'e0e8b247a75223e2'
const streams = exchanges.filter(({ id, framing, status }) => status < 300 && framing !== 'json' && id !== damaged).map(({ id, body }) => ({ id, events: eventsIn(body) }))
const ends = new Set(['response.completed', 'response.incomplete', 'response.failed'])
const typeOf = (data: string): string => (/"type": ?"(response\.(?:completed|incomplete|failed))"/.exec(data)?.[1] ?? '')

function isRotating(events: readonly WireEvent[]): boolean {
  const ids = new Map<unknown, unknown>()
  for (const { data } of events) {
    const { output_index: index, item, item_id: other } = (data.startsWith('{') ? JSON.parse(data) : {}) as { output_index?: number; item?: { id?: string }; item_id?: string }
    const id = item?.id ?? other
    if (index === undefined || id === undefined) continue
    if (ids.has(index) && ids.get(index) !== id) return true
    ids.set(index, id)
  }
  return false
}

/** Without what a stream can't tell (extras), and without what is encrypted: OpenAI does that anew for each event. */
function told({ choices, usage }: ChatAnswer): unknown {
  const parts = choices[0]?.parts.map((part) => {
    const { extras: _, proof, ...rest } = part as Exclude<Part, { type: 'native' }> & { extras?: unknown; proof?: unknown }
    return part.type === 'native' ? { ...part.value, encrypted_content: null, fingerprint: null } : { ...rest, proof: proof !== undefined }
  })
  return drop({ parts, stop: choices[0]?.stop, nativeStop: choices[0]?.nativeStop, logprobs: choices[0]?.logprobs, usage } as unknown as JsonObject)
}

test('every recorded stream is the same answer after the canonical form', () => {
  assert.ok(streams.length > 200)
  for (const { id, events } of streams) {
    const first = collected(decoded(events))
    const again = collected(decoded(eventsIn(encoded(decoded(events)))))
    assert.deepEqual(again.answer, first.answer, id)
    assert.deepEqual(again.error, first.error, id)
    assert.ok(first.isOver, id)
  }
})

test('a stream amounts to the response that it ends with', () => {
  let compared = 0
  for (const { id, events } of streams) {
    const last = events.findLast(({ data }) => ends.has(typeOf(data)))
    if (!last || id === contradictory) continue
    const response = (JSON.parse(last.data) as { response: JsonObject }).response
    const items = events.filter(({ data }) => data.includes('"response.output_item.done"')).length
    // ChatGPT and some proxies end with a response without its output; GitHub's items have another id in each event.
    if ((response['output'] as unknown[]).length !== items || isRotating(events)) continue
    compared++
    assert.deepEqual(told(collected(decoded(events)).answer), told(codec.decodeAnswer(response, source)), id)
  }
  assert.ok(compared > 165, String(compared))
})

test('the official SDK takes every translated stream, of both majors, and gathers the same answer', async () => {
  for (const { id, events } of streams) {
    const first = collected(decoded(events))
    if (first.error) continue
    const bytes = encoded(decoded(events))
    for (const Sdk of [OpenAI, OpenAI7 as unknown as typeof OpenAI]) {
      const sdk = new Sdk({ apiKey: 'k', maxRetries: 0, fetch: () => Promise.resolve(new Response(bytes, { headers: { 'content-type': 'text/event-stream' } })) })
      const final = await sdk.responses.stream({ model: 'm', input: 'hi' }).finalResponse()
      assert.deepEqual(told(codec.decodeAnswer(JSON.parse(JSON.stringify(final)) as JsonObject, source)), told(first.answer), id)
    }
  }
})
