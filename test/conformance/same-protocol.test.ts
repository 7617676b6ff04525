/**
 * Every recorded conversation in another format than chat completions, which have replay.test.ts, through the real gateway: what a client reads is what the
 * vendor said, in bytes and through the official SDKs, and what the vendor gets is what the client sent, under the model's own name.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { closeConnections, overAll, post, type RawAnswer } from './ask.ts'
import { compareRaw, failsInBand, firstDifference, isReadable } from './compare.ts'
import { withModel } from './edits.ts'
import { clients } from './format-clients.ts'
import { formats, nameOf, recordedOf, sampled, startFormatRig, type Recorded } from './format-rig.ts'
import type { Chunks } from './recorded-upstream.ts'
import { answered, sdks, type Answered } from './sdk-answers.ts'

const atOnce = 8
const replayed = formats.filter(({ id }) => id in sdks)
const all = new Map(replayed.map((protocol) => [protocol.id, sampled(recordedOf(protocol))]))

const rig = await startFormatRig([...all.values()].flat())
after(closeConnections)

/** A stream of Google's is one JSON array unless the client wants events. */
const isArray = ({ protocol, stream, body }: Pick<Recorded, 'protocol' | 'stream' | 'body'>): boolean => protocol.id === 'gemini-generate' && stream && body[0] === 0x5b

/** As it was recorded, or the smallest that asks for it; the path, too, says the model in Google's format. */
function askedFor({ id, protocol, stream, requestBody, body: answer }: Recorded, model: string): { path: string; body: string; headers: Record<string, string> } {
  const { path, body, headers } = clients[protocol.id]!.asks(model, stream)
  const { megarouter: _, ...bare } = body
  // Ids of responses that were taken out are all the same, and would be answers of others here.
  const recorded = (requestBody ?? JSON.stringify(bare)).replace(/resp_REDACTED_\d+/g, `resp_${id}`)
  const isNamed = 'model' in body
  if (!isNamed) return { path: isArray({ protocol, stream, body: answer }) ? path.replace('?alt=sse', '') : path, headers, body: recorded }
  const named = 'model' in (JSON.parse(recorded) as object) ? recorded : recorded.replace('{', '{"model":"",')
  return { path, headers, body: withModel(named, model) }
}

const direct = (exchange: Recorded): Promise<RawAnswer> => asks(rig.upstream.url, exchange, exchange.id)
const gateway = (exchange: Recorded): Promise<RawAnswer> => asks(rig.url, exchange, nameOf(exchange.id))
function asks(url: string, exchange: Recorded, model: string): Promise<RawAnswer> {
  const { path, body, headers } = askedFor(exchange, model)
  return post({ url, key: rig.key }, path, body, headers)
}

/** Before any output there is still a status line, so an error event comes as an HTTP error. */
function compareAnswers(exchange: Recorded, theirs: Answered, ours: Answered): string | null {
  try {
    if (failsInBand(exchange) !== null) assert.equal(ours.error !== null && (theirs.error !== null || !exchange.stream), true, 'no error')
    else if (exchange.status >= 400 && !isReadable(exchange.body)) assert.deepEqual([ours.error?.['status'], ours.error?.['kind']], [theirs.error?.['status'], theirs.error?.['kind']])
    else assert.deepEqual(ours, theirs)
    return null
  } catch (error) {
    return (error as Error).message.slice(0, 600)
  }
}

async function none(exchanges: readonly Recorded[], compare: (exchange: Recorded) => Promise<string | null>): Promise<void> {
  const failures: string[] = []
  await overAll(exchanges, atOnce, async (exchange) => {
    // Recordings that fail by themselves are many; what else the vendor answers is looked at all the same.
    rig.forget()
    const problem = await compare(exchange).catch((error: unknown) => String(error))
    if (problem !== null) failures.push(`${exchange.provider} ${exchange.stream ? 'stream ' : ''}${exchange.status} ${exchange.id}: ${problem}`)
  })
  assert.ok(failures.length === 0, `${failures.length} of ${exchanges.length} differ:\n${failures.slice(0, 25).join('\n')}`)
}

for (const [id, exchanges] of all) {
  describe(`${exchanges.length} recorded exchanges of ${id}`, () => {
    for (const [name, chunks] of [['random chunks', 'random'], ['1-byte chunks', 'bytes'], ['whole events', 'events']] satisfies [string, Chunks][]) {
      it(`answer with the vendor’s status, bytes and headers, in ${name}`, async () => {
        rig.upstream.chunks = chunks
        await none(exchanges, async (exchange) => compareRaw(exchange, await direct(exchange), await gateway(exchange)))
        rig.upstream.chunks = 'random'
      })
    }

    for (const [sdk, ask] of sdks[id]!) {
      it(`look to ${sdk} as if it had asked the vendor`, async () => {
        // It always wants events.
        await none(exchanges.filter((exchange) => !isArray(exchange)), async (exchange) => {
          const body = JSON.parse(askedFor(exchange, '').body) as object
          const theirs = await answered(ask, { url: rig.upstream.url, key: 'sk-direct' }, exchange, exchange.id, body)
          return compareAnswers(exchange, theirs, await answered(ask, { url: rig.url, key: rig.key }, exchange, nameOf(exchange.id), body))
        })
      })
    }

    it('reach the vendor as the client sent them, but for the model’s name', async () => {
      await none(exchanges, async (exchange) => {
        const before = rig.upstream.arrivalsOf(exchange.id).length
        const answer = await gateway(exchange)
        const arrival = rig.upstream.arrivalsOf(exchange.id)[before]
        if (arrival === undefined) return `nothing arrived, the client got ${answer.status} ${answer.body.toString('utf8', 0, 200)}`
        const expected = askedFor(exchange, exchange.id).body
        if (arrival.body.toString() !== expected) return firstDifference(expected, arrival.body.toString())
        return JSON.stringify([arrival.headers, arrival.path]).includes(rig.key) ? 'the client’s key arrived' : null
      })
    })
  })
}
