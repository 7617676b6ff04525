/**
 * A hit is what the miss was: recorded answers of every format, streamed and not, to clients of every format, asked for twice with the cache.
 * What is kept is judged by another reader of the answer than the gateway's hot path: its own end in the client's words.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { closeConnections, overAll, post } from './ask.ts'
import { clients, read, type Read } from './format-clients.ts'
import { formats, nameOf, recordedOf, sampled, startFormatRig, vendorFor, type Recorded } from './format-rig.ts'
import { answerOf } from './recorded-upstream.ts'
import { proof } from './sample.ts'

const found = formats.flatMap((protocol) => sampled(recordedOf(protocol), 1).filter(({ status, stream, body }) => status === 200 && !(protocol.id === 'gemini-generate' && stream && body[0] === 0x5b)))
const rig = await startFormatRig(found)
rig.publish((organisation) => { organisation.cacheTtlMs = 3_600_000 })
after(closeConnections)

const ends = new Set(['end', 'stop_sequence', 'tool_calls'])

/** What the vendor said, in its own words. */
function source(exchange: Recorded): Read {
  const vendor = vendorFor(exchange)
  return read(exchange.protocol, answerOf(exchange), exchange.stream, vendor, vendor.formats[0]!.framing)
}

/** What stands in the last event of formats whose vendors may leave it out: then nobody can tell whether more would have come. */
const lastEvents: Record<string, string> = { 'openai-chat': 'data: [DONE]', 'bedrock-converse': 'metadata' }

const endsItself = ({ answer: { choices }, error, isOver }: Read): boolean =>
  error === null && isOver && choices.length > 0 && choices.every(({ stop, parts }) => ends.has(stop ?? '') && !parts.some(({ type }) => type === 'refusal'))

for (const to of formats.filter(({ id }) => id in clients)) {
  // In `npm test` each client gets a quarter of them.
  const exchanges = found.filter((each, index) => proof || each.protocol.id === to.id || index % 4 === formats.indexOf(to) % 4)
  describe(`clients of ${to.id}`, () => {
    it(`get the bytes of the miss as a hit, of ${exchanges.length} answers those that are whole`, async () => {
      const kept = { stream: 0, plain: 0 }
      await overAll(exchanges, 4, async (exchange: Recorded) => {
        const { path, headers, body } = clients[to.id]!.asks(nameOf(exchange.id), exchange.stream)
        const asks = JSON.stringify({ ...body, megarouter: { cache: true }, ...(to.id === 'openai-responses' && { store: false }) })
        const ask = () => post({ url: rig.url, key: rig.key }, path, asks, headers)
        const [first, second] = [await ask(), await ask()]
        rig.forget()
        const what = `${exchange.id} (${exchange.protocol.id}${exchange.stream ? ', stream' : ''})`
        const answer = first.status === 200 ? read(to, first.body, exchange.stream, { proofs: vendorFor(exchange).proofs }) : null
        const isOver = !exchange.stream || !(to.id in lastEvents) || first.body.includes(lastEvents[to.id]!)
        const isWhole = answer !== null && isOver && endsItself(answer) && endsItself(source(exchange))
        const cached = second.headers['x-megarouter-cache']
        assert.equal(first.headers['x-megarouter-cache'], 'miss', what)
        assert.equal(cached, isWhole ? 'hit' : 'miss', `${what} ends with ${JSON.stringify(answer?.answer.choices.map(({ stop }) => stop))}`)
        if (!isWhole) return
        kept[exchange.stream ? 'stream' : 'plain']++
        assert.ok(second.body.equals(first.body), what)
        for (const name of ['content-type', 'cache-control', 'x-megarouter-model', 'x-megarouter-provider', 'x-megarouter-warnings']) assert.equal(second.headers[name], first.headers[name], `${what}: ${name}`)
        assert.equal(second.headers['x-megarouter-cost-usd'], '0')
      })
      assert.ok(kept.stream > 0 && kept.plain > 0, JSON.stringify(kept))
    })
  })
}

describe('a client that takes Google’s stream as an array', () => {
  it('gets the bytes of the miss as a hit', async () => {
    const own = found.filter(({ stream }) => stream).slice(0, 40)
    let hits = 0
    await overAll(own, 4, async ({ id }) => {
      const ask = () => post({ url: rig.url, key: rig.key }, `/v1beta/models/${nameOf(id)}:streamGenerateContent`, JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Say hello.' }] }], megarouter: { cache: true } }))
      const [first, second] = [await ask(), await ask()]
      rig.forget()
      if (second.headers['x-megarouter-cache'] !== 'hit') return
      hits++
      assert.equal(first.body[0], 0x5b)
      assert.ok(second.body.equals(first.body), id)
    })
    assert.ok(hits > own.length / 3, `${hits} of ${own.length}`)
  })
})
