/**
 * Every recorded exchange through the real gateway: what a client reads from the gateway is what it reads from the vendor, in
 * bytes and through the official SDKs, and what the vendor gets is what the client sent but for the edits that are listed.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { recordedRequests, requestBodyOf, type RecordedExchange } from '../fixtures/recorded.ts'
import { vendorRules } from '../upstream/vendors.ts'
import { compareRaw, failsInBand, firstDifference, isReadable } from './compare.ts'
import { closeConnections, overAll, pathOf, post, see, type Seen, type Target } from './ask.ts'
import { expectedRequest, withModel } from './edits.ts'
import { modelOf, nameOf, startRig, type Rig } from './rig.ts'
import { sample } from './sample.ts'

const exchanges = sample()
const atOnce = 8
/** Models of the requests of real clients, which are no recordings of an answer. */
const echoes = ['echo-3', 'embed']

let rig: Rig
let gateway: Target
let direct: Target

before(async () => {
  rig = await startRig({ models: [...exchanges.map(modelOf), ...echoes.map((upstreamModel) => ({ upstreamModel, provider: 'openai', vendor: 'openai' }))] })
  direct = { url: rig.upstream.url, key: 'sk-direct' }
})
after(async () => {
  closeConnections()
  await rig?.close()
})

function compareSeen(exchange: RecordedExchange, theirs: Seen, ours: Seen): string | null {
  try {
    // Before any output there is still a status line, so the same error comes as an HTTP error.
    if (failsInBand(exchange) !== null) assert.deepEqual({ ...ours.error, kind: '', status: 0 }, { ...theirs.error, kind: '', status: 0 })
    else if (exchange.status >= 400 && !isReadable(exchange.body)) assert.deepEqual([ours.error?.status, ours.error?.kind], [theirs.error?.status, theirs.error?.kind])
    else assert.deepEqual(ours, theirs)
    return null
  } catch (error) {
    return (error as Error).message.slice(0, 600)
  }
}

async function collect(compare: (exchange: RecordedExchange, index: number) => Promise<string | null>): Promise<string[]> {
  const failures: string[] = []
  await overAll(exchanges, atOnce, async (exchange, index) => {
    const problem = await compare(exchange, index).catch((error: unknown) => String(error))
    if (problem !== null) failures.push(`${exchange.provider} ${exchange.endpoint} ${exchange.stream ? 'stream ' : ''}${exchange.status} ${exchange.id}: ${problem}`)
  })
  return failures
}

const none = (failures: string[]): void => assert.ok(failures.length === 0, `${failures.length} of ${exchanges.length} differ:\n${failures.slice(0, 25).join('\n')}`)

const askedOf = (exchange: RecordedExchange, model: string): string => withModel(requestBodyOf(exchange), model)
const setChunks = (fault: string): void => { for (const { id } of exchanges) rig.upstream.script(id, fault) }

/** Recorded outages open breakers, which is right, but must not colour the next comparison: each begins with a fresh process. */
async function freshGateway(): Promise<void> {
  await rig.gateway.stop()
  await rig.gateway.start()
  gateway = { url: `${rig.gateway.url}/v1`, key: (await rig.gateway.createKey()).key }
}

describe(`${exchanges.length} recorded exchanges through the gateway`, () => {
  beforeEach(freshGateway)

  for (const [name, fault] of [['random chunks', ''], ['1-byte chunks', 'chunk:1'], ['whole events', 'chunk:whole']] as const) {
    it(`answer with the vendor’s status, bytes and headers, in ${name}`, async () => {
      setChunks(fault)
      none(await collect(async (exchange) => {
        const theirs = await post(direct, pathOf(exchange), askedOf(exchange, exchange.id))
        return compareRaw(exchange, theirs, await post(gateway, pathOf(exchange), askedOf(exchange, nameOf(exchange.id))))
      }))
      setChunks('')
    })
  }

  for (const version of [6, 7] as const) {
    it(`look to the openai SDK ${version} as if it had asked the vendor`, async () => {
      none(await collect(async (exchange) => {
        const theirs = await see(version, direct, exchange, askedOf(exchange, exchange.id))
        return compareSeen(exchange, theirs, await see(version, gateway, exchange, askedOf(exchange, nameOf(exchange.id))))
      }))
    })
  }

  it('reach the vendor as the client sent them, but for the model and the wish for usage', async () => {
    none(await collect(async (exchange) => {
      const arrivals = rig.upstream.arrivalsOf(exchange.id)
      const sent = askedOf(exchange, nameOf(exchange.id))
      const answer = await post(gateway, pathOf(exchange), sent)
      const arrival = rig.upstream.arrivalsOf(exchange.id)[arrivals.length]
      if (arrival === undefined) return `nothing arrived, the client got ${answer.status}`
      const { usageOnRequest, keyHeader } = vendorRules(exchange.provider)
      const expected = expectedRequest(sent, exchange.id, { usage: usageOnRequest ? 'asked' : 'unasked' })
      if (arrival.body.toString() !== expected) return firstDifference(expected, arrival.body.toString())
      const { authorization, 'api-key': apiKey, 'accept-encoding': coding } = arrival.headers
      if (authorization !== (keyHeader === 'authorization' ? 'Bearer sk-test-upstream' : undefined)) return `authorization was ${authorization}`
      if (apiKey !== (keyHeader === 'api-key' ? 'sk-test-upstream' : undefined)) return `api-key was ${String(apiKey)}`
      if (coding !== undefined && coding !== 'identity') return `accept-encoding was ${coding}`
      if (arrival.attemptId === null) return 'no attempt id'
      return JSON.stringify(arrival.rawHeaders).includes(gateway.key) ? 'the client’s key arrived' : null
    }))
  })
})

describe('requests of real SDKs and tools', () => {
  before(freshGateway)

  const hostile = [
    { id: 'odd white space', path: '/v1/chat/completions', body: ' {\n\t"messages" : [ {"content":"\\u00e9 é 😀 \\ud83d\\ude00","role":"user"} ] ,\r\n "model"\n:\n"MODEL" , "temperature" : 1.0e0 }\n' },
    { id: 'unknown and own fields', path: '/v1/chat/completions', body: '{"x_vendor":{"model":"inner"},"megarouter":{"tags":["a"]},"messages":[{"role":"user","content":"{\\"model\\":\\"quoted\\"}"}],"stream":true,"model":"MODEL","big":123456789012345678901234567890}' },
    { id: 'own fields last', path: '/v1/chat/completions', body: '{"model":"MODEL","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_obfuscation":false},"megarouter":{}}' },
    { id: 'only own fields last', path: '/v1/chat/completions', body: '{"model":"MODEL","messages":[{"role":"user","content":"x"}],"stream":true,"megarouter":{}}' },
    { id: 'usage refused', path: '/v1/chat/completions', body: '{"model":"MODEL","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":false},"stream":true}' },
  ]
  const clients = [...recordedRequests().filter(({ path }) => path.startsWith('/v1/')), ...hostile]

  for (const { id, path, body } of clients) {
    it(`${id}: the bytes arrive but for the listed edits, and the answer is the vendor’s`, async () => {
      const upstreamModel = path.endsWith('embeddings') ? 'embed' : 'echo-3'
      const sent = withModel(body, nameOf(upstreamModel))
      const ours = await post(gateway, path.slice(3), sent)
      const arrival = rig.upstream.log.at(-1)!
      assert.equal(arrival.body.toString(), expectedRequest(sent, upstreamModel))
      const theirs = await post(direct, path.slice(3), withModel(body, upstreamModel))
      assert.equal(ours.status, 200)
      assert.equal(ours.body.toString(), theirs.body.toString())
    })
  }
})
