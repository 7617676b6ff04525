/** What is done with every codec under test: streams through bytes and back, damaged recordings, the bare minimum of clients and targets. */
import fc from 'fast-check'
import type { ChatAnswer, ChatEvent, ChatRequest, JsonObject } from '../../src/protocols/canonical.ts'
import type { Client, Target } from '../../src/protocols/codec.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { Collector, spread } from '../../src/protocols/whole.ts'
import { JsonScanner, noUniqueKeys } from '../../src/wire/json-scanner.ts'
import { NdjsonScanner } from '../../src/wire/ndjson-scanner.ts'
import { SseScanner, type SseEvent } from '../../src/wire/sse-scanner.ts'

export const runs = process.env['MEGAROUTER_PROOF'] === '1' ? 10_000 : 500

export const target: Target = { model: 'm', proofs: 'someone', mostOutputTokens: 0, reasoning: null }
export const source = { proofs: 'someone' }
export const client: Client = { request: { model: 'm', stream: true, messages: [] }, id: 'req_1', nowS: 1_700_000_000 }
export const asked: ChatRequest = { model: 'm', stream: false, messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }] }

export function scanned(body: Buffer): JsonScanner {
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 100_000, unique: noUniqueKeys })
  scan.push(body)
  scan.end()
  return scan
}

export function eventsIn(bytes: Buffer, framing: Protocol['framing'], size = bytes.length): SseEvent[] {
  const events: SseEvent[] = []
  const scanner = framing === 'ndjson' ? new NdjsonScanner(1 << 24, (event) => events.push(event)) : new SseScanner(1 << 24, (event) => events.push(event))
  for (let at = 0; at < bytes.length; at += Math.max(1, size)) scanner.push(bytes.subarray(at, at + Math.max(1, size)))
  scanner.end()
  return events
}

export function decoded(protocol: Protocol, bytes: Buffer, size?: number): ChatEvent[] {
  const decoder = protocol.codec!.decodeStream(source)
  const out: ChatEvent[] = []
  for (const { name, data } of eventsIn(bytes, protocol.framing, size)) if (data !== null) decoder.event(name, data, out)
  decoder.end(out)
  return out
}

export function collected(events: Iterable<ChatEvent>): Collector {
  const collector = new Collector()
  for (const event of events) collector.take(event)
  return collector
}

export function encoded(protocol: Protocol, events: Iterable<ChatEvent>): Buffer {
  const encoder = protocol.codec!.encodeStream(client)
  let text = ''
  for (const event of events) text += encoder.write(event)
  return Buffer.from(text)
}

/** What is left of an answer that went through a stream of the format. */
export const streamed = (protocol: Protocol, answer: ChatAnswer, size?: number): Collector => collected(decoded(protocol, encoded(protocol, spread(answer)), size))

/** Of one choice at most one part is open; nothing follows the end. Says what is wrong, or null. */
export function grammarFault(events: readonly ChatEvent[]): string | null {
  const open = new Set<number>()
  let isOver = false
  for (const event of events) {
    if (isOver) return `${event.type} behind the end`
    if (event.type === 'part' && open.has(event.choice)) return 'a part within a part'
    if (event.type === 'part') open.add(event.choice)
    if (['delta', 'summary', 'proof', 'citation', 'media', 'partEnd'].includes(event.type) && !open.has((event as { choice: number }).choice)) return `${event.type} outside of a part`
    if (event.type === 'partEnd') open.delete(event.choice)
    if (event.type === 'end') isOver = true
  }
  return open.size > 0 ? 'a part is left open' : null
}

/** A text as a real one, damaged: a piece cut out, doubled or replaced by something else. */
export const damaged = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 40 }), fc.constantFrom('', 'null', '[]', '{}', '"x"', '-1', 'true', '\n', '{"type":"x"}', '"text":')).map(([text, at, length, instead]) => {
    const from = text.length === 0 ? 0 : at % text.length
    return text.slice(0, from) + instead + text.slice(from + length)
  })

/** A whole JSON document in which some value was replaced by another. */
export const mutated = (bodies: readonly JsonObject[]): fc.Arbitrary<JsonObject> =>
  fc.tuple(fc.constantFrom(...bodies), fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), fc.jsonValue({ maxDepth: 2 })).map(([body, path, value]) => {
    const copy = structuredClone(body)
    let at: Record<string, unknown> = copy
    for (const [depth, step] of path.entries()) {
      const keys = Object.keys(at)
      if (keys.length === 0) break
      const key = keys[step % keys.length]!
      const next = at[key]
      if (depth === path.length - 1 || typeof next !== 'object' || next === null) {
        at[key] = value
        break
      }
      at = next as Record<string, unknown>
    }
    return copy
  })
