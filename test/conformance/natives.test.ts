/** Vendors that speak a format of their own, whichever the client speaks: each is asked at its documented address with its key, counted, and told its errors. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { vendorsInEnvironment } from '../../src/control/vendor-environment.ts'
import type { ProviderData } from '../../src/gateway/snapshot.ts'
import { vendors } from '../../src/providers/index.ts'
import type { Vendor } from '../../src/providers/provider.ts'
import { CredentialTurns } from '../../src/routing/credentials.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { startRig, testPrices } from '../gateway/harness.ts'
import { closeConnections, post, type RawAnswer } from './ask.ts'
import { read } from './format-clients.ts'
import { formats, recordedOf, type Recorded } from './format-rig.ts'
import { natives, type Native } from './natives.ts'
import { startRecordedUpstream } from './recorded-upstream.ts'
import { vendorErrors } from './vendor-errors.ts'

after(closeConnections)

const speaksChat = ({ formats: spoken }: Vendor): boolean => spoken.some(({ protocol }) => protocol === 'openai-chat')

it('every vendor of conversations is tried here or among those of chat completions', () => {
  const others = [...vendors.values()].filter((vendor) => vendor.simulated !== true && vendor.endpoints.includes('chat') && !speaksChat(vendor)).map(({ id }) => id)
  assert.deepEqual(Object.keys(natives).sort(), others.sort())
})

const pathOf = (url: string): string => new URL(url).pathname + new URL(url).search
/** Of what is joined to the base URL; the vendor's own part of it is asked for with the address. */
function basePathOf({ baseUrl = '', places = {} }: Vendor, native: Native): string {
  return new URL(Object.keys(places).reduce((url, name) => url.replaceAll(`{${name}}`, native.places[name]!), baseUrl)).pathname.replace(/\/$/, '')
}

function recordedFor(format: string, model: string): Record<'answer' | 'stream', Recorded> {
  const exchanges = recordedOf(formats.find(({ id }) => id === format)!).filter(({ status, body, framing }) => status === 200 && framing !== 'chunks' && body.length > 300 && body[0] !== 0x5b && !body.includes('"iterations"'))
  const find = (stream: boolean): Recorded => ({ ...exchanges.find((each) => each.stream === stream && (!stream || each.body.length > 1500))!, id: model })
  return { answer: find(false), stream: find(true) }
}

for (const [id, native] of Object.entries(natives)) {
  const vendor = vendors.get(id)!
  const { secret = 'sk-of-the-vendor' } = native
  const { answer, stream } = recordedFor(native.format, native.model)
  const upstream = await startRecordedUpstream([answer])
  const provider: ProviderData = { id, baseUrl: `${upstream.url}${basePathOf(vendor, native)}`, vendor, socketPath: null, guarded: false, credentials: [{ id: 'key', secret, last4: 'ndor' }] }
  const rig = await startRig({ providers: () => [provider], attempts: 1, closes: [() => upstream.close()] })
  rig.publish((organisation) => organisation.deployments.push({ id: 'm', model: 'm', provider: id, upstreamModel: native.model, price: { version: 't', base: testPrices, tiers: [] }, priceAs: null }))
  // Vendors that failed rest, which is right, but must not colour the next comparison.
  const rest = (): void => void Object.assign(rig.gateway.tools, { health: new HealthBook(() => 0.5), credentials: new CredentialTurns() })
  const ask = async (body: object): Promise<RawAnswer> => post(rig, '/v1/chat/completions', JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body }))
  const counted = async (exchange: Recorded): Promise<void> => {
    const records = rig.records.length
    upstream.serve(exchange)
    const { status, body } = await ask({ stream: exchange.stream })
    assert.equal(status, 200, body.toString())
    const { path, headers } = upstream.arrivalsOf(native.model).at(-1)!
    assert.equal(path, pathOf(exchange.stream ? native.streamUrl : native.url))
    assert.equal(headers[native.key[0]], native.key[1] + secret)
    for (const [name, value] of Object.entries(native.headers ?? {})) assert.equal(headers[name], value)
    const { usage } = (await rig.recorded(records + 1)).at(-1)!.attempts.at(-1)!
    const expected = read(exchange.protocol, exchange.body, exchange.stream, vendor).answer.usage!
    assert.deepEqual([usage.input, usage.cacheRead, usage.output, usage.reasoning], [expected.input, expected.cacheRead ?? 0, expected.output, expected.reasoning ?? 0])
  }

  describe(`vendor ${id}`, () => {
    it('is switched on by its variables, at the documented address', () => {
      for (const key of native.keys) {
        const { on, problems } = vendorsInEnvironment([vendor], { ...native.places, [key]: secret })
        assert.deepEqual(problems, [])
        assert.equal(on.length, 1)
        const base = on[0]!.baseUrl ?? vendor.baseUrl!
        assert.ok(native.url.startsWith(base), `${base} is no beginning of ${native.url}`)
      }
    })

    it('answers clients of chat completions, and its usage is counted', () => counted(answer))
    it('streams to them, and its usage is counted', () => counted(stream))

    it('an error is told in its words and billed nothing', async () => {
      for (const { status, body: said, headers } of vendorErrors.filter(({ format }) => format === native.format)) {
        rest()
        upstream.serve({ ...answer, status, framing: 'json', headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(JSON.stringify(said)) })
        const records = rig.records.length
        const { status: got, body } = await ask({})
        assert.equal(got, status, body.toString())
        assert.ok(body.includes(answer.protocol.readError(Buffer.from(JSON.stringify(said)), headers)!.message.replace(/\.$/, '').slice(0, 60)), body.toString())
        assert.equal((await rig.recorded(records + 1)).at(-1)!.attempts.at(-1)!.costNano, 0)
      }
    })

    it(native.billsAfterAbort ? 'goes on billing when the client leaves, so that its stream is read to the end' : 'stops billing when the client leaves, and is left too', async () => {
      const records = rig.records.length
      rest()
      upstream.serve(stream)
      const left = Promise.withResolvers<void>()
      upstream.halfway = () => left.promise
      upstream.chunks = 'bytes'
      const leaving = new AbortController()
      const response = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', signal: leaving.signal, headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: true }) })
      await response.body!.getReader().read()
      leaving.abort()
      setTimeout(() => left.resolve(), 100)
      const { outcome } = (await rig.recorded(records + 1)).at(-1)!.attempts.at(-1)!
      assert.equal(outcome, native.billsAfterAbort ? 'drained' : 'cancelled')
      Object.assign(upstream, { halfway: null, chunks: 'random' })
    })
  })
}
