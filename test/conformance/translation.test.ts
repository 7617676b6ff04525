/**
 * Every recorded answer of every format, as a client of every other format gets it from the real gateway: what the client's codec and its
 * official SDK read is what the vendor said, as far as the table in views.ts says that the client's format can say it, and it costs what it costs.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { costOf, noUnits } from '../upstream/bill.ts'
import { closeConnections, overAll, post, type RawAnswer } from './ask.ts'
import { clients, read, textOf, type Read } from './format-clients.ts'
import { formats, nameOf, vendorFor, recordedOf, sampled, startFormatRig, type Recorded, wireOf } from './format-rig.ts'
import { answerFaults } from './specifications.ts'
import { asFarAs, assertSame, noObject, squeezed, viewOf, type FullView, type View } from './views.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { proof } from './sample.ts'
import { answerOf, type Chunks } from './recorded-upstream.ts'

const atOnce = 8
function source(exchange: Recorded): Read {
  const vendor = vendorFor(exchange)
  return read(exchange.protocol, answerOf(exchange), exchange.stream, vendor, vendor.formats[0]!.framing)
}

/** Answers to their end; errors are another test's, and a stream of Google's is an array only for who does not want events. */
function isWhole(exchange: Recorded): boolean {
  if (exchange.status !== 200 || (exchange.protocol.id === 'gemini-generate' && exchange.stream && exchange.body[0] === 0x5b)) return false
  if (!exchange.stream && exchange.protocol.id === 'openai-responses' && exchange.body.includes('"status":"failed"')) return false
  const { error, isOver, answer } = source(exchange)
  return error === null && isOver && answer.choices.length > 0
}
const all = new Map(formats.map((protocol) => [protocol, sampled(recordedOf(protocol), 1).filter(isWhole)]))

const rig = await startFormatRig([...all.values()].flat())
after(closeConnections)

function ask(to: Protocol, { id, stream }: Recorded): Promise<RawAnswer> {
  const { path, headers, body } = clients[to.id]!.asks(nameOf(id), stream)
  return post({ url: rig.url, key: rig.key }, path, JSON.stringify(body), headers)
}

/** What the vendor said, as far as the client's format can say it. */
const said = (to: Protocol, exchange: Recorded): FullView => asFarAs(to.id, viewOf(source(exchange).answer))

function heard(to: Protocol, exchange: Recorded, { status, body }: RawAnswer): FullView {
  assert.equal(status, 200, body.toString('utf8', 0, 300))
  const { answer, error, isOver } = read(to, body, exchange.stream, { proofs: vendorFor(exchange).proofs })
  assert.equal(error, null, JSON.stringify(error))
  assert.ok(isOver, 'the stream has no end of the format')
  // What is of the same format, in another wrapping, is the vendor's own wording.
  if (exchange.protocol.codec!.format !== to.codec!.format) assert.deepEqual(answerFaults(to, body, exchange.stream).slice(0, 5), [])
  return asFarAs(to.id, viewOf(answer))
}

async function none(exchanges: readonly Recorded[], compare: (exchange: Recorded) => Promise<void>): Promise<void> {
  const failures: string[] = []
  await overAll(exchanges, atOnce, async (exchange) => {
    await compare(exchange).catch(({ message }: Error) => failures.push(`${exchange.provider} ${exchange.stream ? 'stream ' : ''}${exchange.id}: ${message.slice(0, 600)}`))
  })
  assert.ok(failures.length === 0, `${failures.length} of ${exchanges.length} differ:\n${failures.slice(0, 15).join('\n')}`)
}

/** What all of an answer costs by the prices of its model, computed by nobody's code but the tests'. */
function costNano({ id }: Recorded, { input = 0, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, audioIn = 0, imageIn = 0, output = 0, reasoning = 0, audioOut = 0, imageOut = 0 }: FullView['usage']): number {
  return costOf({ ...noUnits(), input, cachedInput: cacheRead, cacheWrite: cacheWrite5m + cacheWrite1h, audioInput: audioIn, imageInput: imageIn, output, reasoning, audioOutput: audioOut, imageOutput: imageOut }, rig.priceOf(id))
}

const toldNano = (to: Protocol, body: Buffer): number => Math.round(Number([...textOf(to, body).matchAll(/"cost_usd":([\d.e-]+)/g)].at(-1)?.[1]) * 1e9)

let pairs = 0
for (const to of formats.filter(({ id }) => id in clients)) {
  for (const [from, found] of all) {
    if (wireOf(from) === wireOf(to)) continue
    // In `npm test` each pair takes a third of them, and another one than the last.
    pairs += 1
    const exchanges = proof ? found : found.filter((_, index) => (index + pairs) % 3 === 0)
    describe(`${exchanges.length} answers in ${from.id} for clients of ${to.id}`, () => {
      const answers = new Map<Recorded, RawAnswer>()
      for (const [name, chunks] of [['random chunks', 'random'], ['1-byte chunks', 'bytes']] satisfies [string, Chunks][]) {
        it(`say text, thought, calls, order, reason, usage as the vendor did, in words of the format’s description, in ${name}`, async () => {
          rig.upstream.chunks = chunks
          await none(exchanges, async (exchange) => {
            const answer = await ask(to, exchange)
            if (chunks === 'random') answers.set(exchange, answer)
            assertSame(heard(to, exchange, answer), said(to, exchange))
          })
          rig.upstream.chunks = 'random'
        })
      }

      it('look so to the official SDK, and to its accumulator of streams', async () => {
        // The accumulator of chat completions knows no calls of custom tools in a stream.
        const isKnown = ({ stream, body }: Recorded): boolean => !(to.id === 'openai-chat' && stream && body.includes('"custom_tool_call"'))
        await none(exchanges.filter(isKnown), async (exchange) => {
          const { text, thought, refusal, calls, input, output } = said(to, exchange)
          const expected: View = { text, thought, refusal, calls, input, output }
          const { body } = clients[to.id]!.asks(nameOf(exchange.id), exchange.stream)
          const seen = await clients[to.id]!.sees({ url: rig.url, key: rig.key }, { model: nameOf(exchange.id), ...body }, exchange.stream)
          if (to.id === 'openai-chat' || to.id === 'ollama-chat') seen.thought = squeezed(seen.thought)
          // Of arguments that are cut off an accumulator shows what it can.
          seen.calls = seen.calls.map(([name, args], index) => [name, calls[index]?.[1] === noObject ? noObject : args])
          assertSame(seen, expected)
        })
      })

      it('cost what the vendor’s usage costs, beside the usage and in the header', async () => {
        await none(exchanges, async (exchange) => {
          const { usage } = viewOf(source(exchange).answer)
          // Without usage the gateway estimates; what an advisor or a compaction takes is billed besides, and counted beside the answer's own.
          if (Object.keys(usage).length === 0 || /"type":"(advisor_message|compaction)"/.test(exchange.body.toString())) return
          const { headers, body } = answers.get(exchange)!
          const expected = costNano(exchange, usage)
          assert.equal(toldNano(to, body), expected)
          if (!exchange.stream) assert.equal(Math.round(Number(headers['x-megarouter-cost-usd']) * 1e9), expected)
        })
      })
    })
  }
}
