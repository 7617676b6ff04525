/** JSON may name a member `toString`: what a client or a vendor writes in the place of any member, in any format, breaks no codec. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatAnswer, ChatEvent, JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest, type Client, type Source } from '../../src/protocols/codec.ts'
import { spread } from '../../src/protocols/whole.ts'
import { recordings, type RecordedFormat } from '../fixtures/recorded.ts'
import { sides, type Side } from './pairs.ts'

const odd: readonly unknown[] = [{ toString: 1, valueOf: 1 }, [{ toString: 1, valueOf: 1 }], { length: 1, toString: null }, null, -1.5, '']
const mostPlaces = 400

type Place = (string | number)[]
/** Places of one kind are one place: where they stand, without positions in lists. */
function places(value: unknown, at: Place, found: Map<string, Place>): Map<string, Place> {
  if (at.length > 0) found.set(at.map((step) => (typeof step === 'number' ? '#' : step)).join('.'), at)
  if (typeof value === 'object' && value !== null && at.length < 12) for (const [name, each] of Object.entries(value)) places(each, [...at, Array.isArray(value) ? Number(name) : name], found)
  return found
}

function withOdd(body: unknown, place: Place, value: unknown): JsonObject {
  const copy = structuredClone(body) as JsonObject
  let at = copy as Record<string | number, unknown>
  for (const step of place.slice(0, -1)) at = at[step] as Record<string | number, unknown>
  at[place.at(-1)!] = structuredClone(value)
  return copy
}

/** One body for each kind of place of each recording of a format, with something odd there. */
function* damaged(bodies: Iterable<unknown>): Generator<[JsonObject, string]> {
  const seen = new Set<string>()
  for (const body of bodies) {
    for (const [kind, place] of places(body, [], new Map())) {
      if (seen.has(kind) || seen.size >= mostPlaces) continue
      seen.add(kind)
      for (const value of odd) yield [withOdd(body, place, value), `${kind} is ${JSON.stringify(value)}`]
    }
  }
}

const json = (text: string): JsonObject[] => {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? [value as JsonObject] : []
  } catch {
    return []
  }
}
const recorded: Record<string, RecordedFormat> = { 'openai-chat': 'openai' }
const exchanges = ({ protocol }: Side) => [...recordings(recorded[protocol.id] ?? protocol.id as RecordedFormat).values()].filter(({ endpoint }) => !/embed|models|completions$/.test(endpoint) || endpoint === 'chat.completions')
const names = (data: JsonObject): string => (typeof data['type'] === 'string' ? data['type'] : '')

const client = (side: Side): Client => ({ request: { model: side.model, stream: true, messages: [] }, id: 'req_1', nowS: 1_700_000_000 })
/** What broke: each place in the source once, with what broke it. */
class Broken {
  readonly #found = new Map<string, string>()

  try(what: string, run: () => void): void {
    try {
      run()
    } catch (error) {
      if (error instanceof BadRequest) return
      const { message, stack = '' } = error as Error
      const where = /src\/\S+:\d+/.exec(stack)?.[0] ?? stack
      if (!this.#found.has(where)) this.#found.set(where, `${where}: ${message} (${what})`)
    }
  }

  none(): void {
    assert.deepEqual([...this.#found.values()], [])
  }
}

for (const side of sides) {
  const { codec } = side.protocol
  test(`${side.title}: a request with anything in the place of any member is understood or refused, and said in every format`, () => {
    const broken = new Broken()
    let count = 0
    for (const [body, what] of damaged(exchanges(side).flatMap(({ requestBody }) => json(requestBody ?? '')))) {
      broken.try(what, () => {
        const request = codec!.decodeRequest(body, { model: side.model, stream: false })
        for (const other of sides) broken.try(`${what}, to ${other.title}`, () => JSON.stringify(other.protocol.codec!.encodeRequest(request, other.target)))
      })
      count++
    }
    assert.ok(count > 50, `${count}`)
    broken.none()
  })

  test(`${side.title}: an answer with anything in the place of any member is read, or is none, and said in every format`, () => {
    const broken = new Broken()
    const source: Source = { proofs: side.target.proofs }
    const written = (answer: ChatAnswer | null, events: Iterable<ChatEvent>, what: string): void => {
      const all = [...events]
      for (const other of sides) broken.try(`${what}, to ${other.title}`, () => {
        if (answer) JSON.stringify(other.protocol.codec!.encodeAnswer(answer, client(other)))
        const encoder = other.protocol.codec!.encodeStream(client(other))
        for (const event of all) encoder.write(event)
      })
    }
    const ok = exchanges(side).filter(({ status }) => status === 200)
    for (const [body, what] of damaged(ok.flatMap((exchange) => (exchange.framing === 'json' ? json(exchange.body.toString()) : [])))) {
      broken.try(what, () => {
        const answer = codec!.decodeAnswer(body, source)
        written(answer, spread(answer), what)
      })
    }
    const chunks = ok.filter(({ framing }) => framing === 'sse' || framing === 'ndjson').flatMap(({ body }) => body.toString().split('\n').flatMap((line) => json(line.replace(/^data: ?/, ''))))
    for (const [chunk, what] of damaged(chunks)) {
      broken.try(what, () => {
        const out: ChatEvent[] = []
        const decoder = codec!.decodeStream(source)
        decoder.event(names(chunk), JSON.stringify(chunk), out)
        decoder.event(names(chunk), JSON.stringify(chunk), out)
        decoder.end(out)
        written(null, out, what)
      })
    }
    broken.none()
  })
}
