import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { recordedExchanges, requestBodyOf } from '../fixtures/recorded.ts'
import { rawRequest } from './raw-client.ts'
import { startUpstream, type Upstream } from './server.ts'

let upstream: Upstream
before(async () => { upstream = await startUpstream({ prices: { '*': { input: '1', output: '10' } } }) })
after(() => upstream.close())

const close = { headers: { connection: 'close' }, idleMs: 5000 }
const ask = (model: string, more: object = {}): object => ({ model, messages: [{ role: 'user', content: 'nonce-1' }], stream: true, ...more })
const withUsage = { stream_options: { include_usage: true } }
const lastCharge = (): { outcome: string; units: { input: number; output: number }; costNano: number | null } => upstream.bill.charges().at(-1)!

describe('recorded answers', () => {
  it('are replayed byte for byte in random chunks, every tenth in 1-byte chunks', async () => {
    const differing: string[] = []
    let count = 0
    for (const exchange of recordedExchanges().values()) {
      if (exchange.endpoint === 'models') continue
      count += 1
      const model = count % 10 === 0 ? `${exchange.id}+chunk:1` : exchange.id
      const body = { ...(JSON.parse(requestBodyOf(exchange)) as object), model, ...withUsage }
      const reply = await rawRequest(upstream, body, { ...close, path: `/v1/${exchange.endpoint.replace('.', '/')}` })
      assert.ok(reply.head.startsWith(`HTTP/1.1 ${exchange.status} `), reply.head)
      if (reply.body.equals(exchange.body)) continue
      differing.push(exchange.provider)
      const added = reply.body.toString().split('\n\n').filter((event) => !exchange.body.includes(event))
      assert.equal(added.length, 1, `${exchange.id} differs by one event`)
      assert.match(added[0]!, /"choices":\[\],"usage":/)
    }
    assert.ok(count > 2000, `${count} exchanges`)
    assert.deepEqual([...new Set(differing)].sort(), ['openai', 'openai-compatible'], 'only recordings older than include_usage get a usage chunk')
    assert.equal(differing.length, 14)
  })

  it('hide the usage chunk from a client that did not ask for it', async () => {
    const exchange = [...recordedExchanges().values()].find((each) => each.provider === 'openai' && each.stream && each.body.includes('"choices":[],"created"'))!
    const asked = await rawRequest(upstream, ask(exchange.id, withUsage), close)
    const plain = await rawRequest(upstream, ask(exchange.id), close)
    assert.ok(asked.body.equals(exchange.body))
    const removed = exchange.body.toString().split('\n\n').filter((event) => !plain.body.includes(event))
    assert.equal(removed.length, 1)
    assert.match(removed[0]!, /"choices":\[\].*"usage":\{/)
  })

  it('carry the recorded headers', async () => {
    const exchange = [...recordedExchanges().values()].find((each) => 'x-ratelimit-limit-requests' in each.headers)!
    const { head } = await rawRequest(upstream, ask(exchange.id), close)
    for (const [name, value] of Object.entries(exchange.headers)) assert.ok(head.includes(`${name}: ${value}`), name)
  })
})

describe('generated answers', () => {
  const client = (): OpenAI => new OpenAI({ apiKey: 'test', baseURL: upstream.url, maxRetries: 0 })

  it('echo-<n> streams n tokens that begin with the request’s own text, and usage when asked', async () => {
    const stream = await client().chat.completions.create({ model: 'echo-5', messages: [{ role: 'user', content: 'my nonce' }], stream: true, ...withUsage })
    let text = ''
    let usage: unknown = null
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    assert.equal(text, 'my nonce w1 w2 w3 w4 ')
    assert.deepEqual(usage, { prompt_tokens: 2, completion_tokens: 5, total_tokens: 7 })
  })

  it('max_tokens ends an echo early with the finish reason length', async () => {
    const answer = await client().chat.completions.create({ model: 'echo-50', messages: [{ role: 'user', content: 'x' }], max_tokens: 3 })
    assert.equal(answer.choices[0]!.finish_reason, 'length')
    assert.equal(answer.usage!.completion_tokens, 3)
  })

  it('embed, completions and the model list answer the official SDK', async () => {
    assert.equal((await client().embeddings.create({ model: 'embed', input: ['a', 'b'], encoding_format: 'float' })).data.length, 2)
    assert.equal((await client().completions.create({ model: 'echo-2', prompt: 'hey' })).choices[0]!.text, 'hey w1 ')
    assert.ok((await client().models.list()).data.length > 0)
  })

  it('an unknown model or fault is an error, not a healthy answer', async () => {
    assert.match((await rawRequest(upstream, ask('nothing'), close)).head, /^HTTP\/1.1 404/)
    const reply = await rawRequest(upstream, ask('echo-2+explode'), close)
    assert.match(reply.head, /^HTTP\/1.1 400/)
    assert.match(reply.body.toString(), /fault .*explode.* is unknown/)
  })
})

describe('faults on the wire', () => {
  const whole = async (model: string, more: object = {}): Promise<Buffer> => (await rawRequest(upstream, ask(model, more), close)).body

  it('chunk:1 frames every byte on its own; whole frames every event', async () => {
    const reply = await rawRequest(upstream, ask('echo-3+chunk:1'), close)
    assert.ok(reply.chunkSizes.slice(0, -1).every((size) => size === 1))
    assert.ok(reply.body.equals(await whole('echo-3')))
    assert.equal((await rawRequest(upstream, ask('echo-3'), close)).chunkSizes.length, 1 + 3 + 1 + 1 + 1, 'role, tokens, end, [DONE], last chunk')
  })

  it('the same seed cuts a recording in the same places', async () => {
    const id = [...recordedExchanges().values()].find((exchange) => exchange.stream && exchange.status === 200)!.id
    const sizes: number[][] = []
    for (let run = 0; run < 2; run++) {
      const own = await startUpstream({ seed: 7 })
      sizes.push((await rawRequest(own, ask(id), close)).chunkSizes)
      await own.close()
    }
    assert.deepEqual(sizes[0], sizes[1])
    assert.ok(sizes[0]!.length > 5)
  })

  for (const at of [0, 1, 57, 200]) {
    it(`cut@${at} closes after exactly ${at} body bytes, stream or not`, async () => {
      for (const stream of [true, false]) {
        const reply = await rawRequest(upstream, ask(`echo-50+cut@${at}`, { stream }), { idleMs: 5000 })
        assert.equal(reply.end, 'fin')
        assert.equal(reply.body.length, at)
      }
    })
    it(`reset@${at} resets after exactly ${at} body bytes`, async () => {
      const reply = await rawRequest(upstream, ask(`echo-50+reset@${at}`), { idleMs: 5000 })
      assert.equal(reply.end, 'reset')
      assert.equal(reply.body.length, at)
    })
    it(`stall@${at} without a time sends ${at} body bytes and then nothing`, async () => {
      const reply = await rawRequest(upstream, ask(`echo-50+stall@${at}`))
      assert.equal(reply.end, 'open')
      assert.equal(reply.body.length, at)
    })
    it(`trim@${at} ends the body after ${at} bytes in correct framing`, async () => {
      const reply = await rawRequest(upstream, ask(`echo-50+trim@${at}`))
      assert.equal(reply.body.length, at)
      assert.equal(reply.chunkSizes.at(-1), 0)
    })
  }

  it('a stall with a time goes on afterwards, and delays change no byte', async () => {
    const healthy = await whole('echo-20')
    for (const fault of ['stall@100:30', 'delay:30', 'first:30', 'pace:2']) assert.ok((await whole(`echo-20+${fault}`)).equals(healthy), fault)
  })

  it('error@2 and error-event@2 end the stream after two events with an error and no [DONE]', async () => {
    assert.match((await whole('echo-9+error@2')).toString(), /^data: .*\n\ndata: .*\n\ndata: {"error":{[^\n]*\n\n$/)
    assert.match((await whole('echo-9+error-event@2')).toString(), /\n\nevent: error\ndata: {"error":{[^\n]*\n\n$/)
  })

  it('usage faults say what their names say', async () => {
    const usages = async (fault: string): Promise<{ prompt_tokens: number; completion_tokens: number }[]> =>
      (await whole(`echo-4+usage:${fault}`, withUsage)).toString().split('\n').filter((line) => line.includes('"usage":{')).map((line) => (JSON.parse(line.slice(6)) as { usage: { prompt_tokens: number; completion_tokens: number } }).usage)
    assert.deepEqual(await usages('missing'), [])
    assert.equal((await usages('zero'))[0]!.completion_tokens, 0)
    assert.equal((await usages('negative'))[0]!.prompt_tokens, -7)
    assert.equal((await usages('huge'))[0]!.prompt_tokens, Number.MAX_SAFE_INTEGER)
    assert.deepEqual((await usages('cumulative')).map((usage) => usage.completion_tokens), [0, 1, 2, 3, 4, 4])
    const early = (await whole('echo-4+usage:early', withUsage)).toString()
    assert.ok(early.indexOf('"usage"') < early.indexOf('nonce-1'))
    const late = (await whole('echo-4+usage:late', withUsage)).toString()
    assert.ok(late.indexOf('"usage"') > late.indexOf('[DONE]'))
  })

  it('line ends, blank lines, ends and pings', async () => {
    const plain = (await whole('echo-3')).toString()
    assert.equal((await whole('echo-3+crlf')).toString(), plain.replaceAll('\n', '\r\n'))
    assert.equal((await whole('echo-3+cr')).toString(), plain.replaceAll('\n', '\r'))
    assert.equal((await whole('echo-3+noblank')).toString(), plain.trimEnd())
    assert.doesNotMatch((await whole('echo-3+noend')).toString(), /DONE|"finish_reason":"/)
    assert.match((await whole('echo-3+pings:4')).toString(), /^(: PROCESSING\n\n|data: [^\n]*"content":""[^\n]*\n\n){4}$/)
  })

  it('giant sends one line of that size; endless never ends one', async () => {
    assert.ok((await whole('echo-3+giant:2')).toString().split('\n').some((line) => line.length > 2 * 1024 * 1024))
    const reply = await rawRequest(upstream, ask('echo-3+endless:8'), { until: (bytes) => bytes > 3_000_000, idleMs: 5000 })
    assert.ok(!reply.body.subarray(0, 3_000_000).includes('\n'))
  })

  it('length:-5 and length:5 lie about the content-length', async () => {
    for (const delta of [-5, 5]) {
      const reply = await rawRequest(upstream, ask(`echo-3+length:${delta}`, { stream: false }))
      assert.equal(Number(/content-length: (\d+)/.exec(reply.head)![1]), reply.body.length + delta)
      assert.equal(reply.end, 'fin')
    }
  })

  it('poison sends a second whole response on the idle socket', async () => {
    const reply = await rawRequest(upstream, ask('echo-3+poison', { stream: false }))
    assert.equal(reply.text.match(/HTTP\/1.1 200/g)!.length, 2)
    assert.match(reply.text, /POISON/)
    assert.equal(reply.end, 'open')
  })

  it('statuses carry retry-after in seconds or as a date; html, ok-error, empty and gzip', async () => {
    assert.match((await rawRequest(upstream, ask('echo-3+status:429+retry-after:2'), close)).head, /429 Too Many Requests[^]*retry-after: 2\r/)
    assert.match((await rawRequest(upstream, ask('echo-3+status:503+retry-date:2'), close)).head, /503[^]*retry-after: \w{3}, \d\d/)
    assert.match((await rawRequest(upstream, ask('echo-3+status:502+html'), close)).text, /text\/html[^]*<h1>/)
    assert.match((await rawRequest(upstream, ask('echo-3+ok-error'), close)).text, /^HTTP\/1.1 200[^]*{"error":/)
    assert.equal((await rawRequest(upstream, ask('echo-3+empty', { stream: false }), close)).body.length, 0)
    const zipped = await rawRequest(upstream, ask('echo-3+gzip'), close)
    assert.match(zipped.head, /content-encoding: gzip/)
    assert.ok(gunzipSync(zipped.body).equals(await whole('echo-3')))
  })

  it('big and many headers', async () => {
    assert.ok((await rawRequest(upstream, ask('echo-3+header-kb:64'), close)).head.length > 65_536)
    assert.equal((await rawRequest(upstream, ask('echo-3+headers:300'), close)).head.match(/x-many-/g)!.length, 300)
  })

  it('a black hole takes the request and says nothing', async () => {
    const reply = await rawRequest(upstream, ask('echo-3+blackhole'))
    assert.equal(reply.text, '')
    assert.equal(reply.end, 'open')
  })

  it('fails:2 fails twice and then works', async () => {
    const statuses: string[] = []
    for (let call = 0; call < 3; call++) statuses.push((await rawRequest(upstream, ask('echo-3+status:500+fails:2'), close)).head.slice(9, 12))
    assert.deepEqual(statuses, ['500', '500', '200'])
  })

  it('a script adds faults to a model name, and takes them away', async () => {
    upstream.script('echo-3', 'status:503')
    assert.match((await rawRequest(upstream, ask('echo-3'), close)).head, /503/)
    upstream.script('echo-3', '')
    assert.match((await rawRequest(upstream, ask('echo-3'), close)).head, /200/)
    assert.throws(() => upstream.script('echo-3', 'explode'), /unknown/)
  })

  it('refuses connections and accepts them again on the same port', async () => {
    const own = await startUpstream()
    await own.refuse()
    assert.equal((await rawRequest(own, ask('echo-3'))).end, 'reset')
    await own.accept()
    assert.match((await rawRequest(own, ask('echo-3'), close)).head, /200/)
    await own.close()
  })
})

describe('the log', () => {
  it('keeps method, path, headers and the exact bytes of each request', async () => {
    const body = '{ "model" : "echo-1",\n "messages":[{"role":"user","content":"\\u00e9 é"}] }'
    await rawRequest(upstream, body, { headers: { connection: 'close', 'X-Client-Request-Id': 'att_1' } })
    const arrival = upstream.log.at(-1)!
    assert.equal(arrival.body.toString(), body)
    assert.equal(arrival.path, '/v1/chat/completions')
    assert.equal(arrival.attemptId, 'att_1')
    assert.ok(arrival.rawHeaders.some(([name]) => name === 'X-Client-Request-Id'))
  })

  it('says when a client left before the end, and never for one that stayed', async () => {
    const [gone, stayed] = ['echo-40+stall@300', 'echo-40+pace:1']
    await rawRequest(upstream, ask(gone!), { until: (bytes) => bytes > 300, idleMs: 5000 })
    const arrival = upstream.arrivalsOf(gone!)[0]!
    await arrival.ended
    assert.ok(arrival.clientLeftAt! >= arrival.arrivedAt)
    assert.equal(arrival.played!.end, 'left')
    await rawRequest(upstream, ask(stayed!), close)
    assert.equal(upstream.arrivalsOf(stayed!)[0]!.clientLeftAt, null)
  })
})

describe('what is charged', () => {
  it('a complete answer: all of it', async () => {
    await rawRequest(upstream, ask('echo-40'), close)
    assert.deepEqual({ outcome: lastCharge().outcome, output: lastCharge().units.output, cost: lastCharge().costNano }, { outcome: 'complete', output: 40, cost: 2 * 1000 + 40 * 10_000 })
  })

  it('a cut answer: the input and what had been generated', async () => {
    await rawRequest(upstream, ask('echo-40+cut@900'), { idleMs: 5000 })
    const { outcome, units } = lastCharge()
    assert.equal(outcome, 'partial')
    assert.ok(units.input === 2 && units.output > 0 && units.output < 40, `${units.output}`)
  })

  it('an answer whose client left: what was generated, or all of it where the vendor bills on', async () => {
    for (const [fault, outcome, output] of [['', 'partial', null], ['+bills', 'billed_after_abort', 40]] as const) {
      const model = `echo-40+stall@900${fault}`
      await rawRequest(upstream, ask(model), { until: (bytes) => bytes > 900, idleMs: 5000 })
      await upstream.arrivalsOf(model)[0]!.ended
      assert.equal(lastCharge().outcome, outcome)
      if (output !== null) assert.equal(lastCharge().units.output, output)
    }
  })

  it('an error, an empty answer and an error in the stream before any output: nothing', async () => {
    for (const fault of ['status:500', 'status:429', 'ok-error', 'empty', 'error@0']) {
      await rawRequest(upstream, ask(`echo-40+${fault}`), close)
      assert.deepEqual([fault, lastCharge().outcome, lastCharge().costNano], [fault, 'error', 0])
    }
  })
})
