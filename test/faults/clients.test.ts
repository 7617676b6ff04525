/** Clients that leave, stall or ask wrongly: the upstream is closed or drained by its billing rule, memory stays bounded, refusals cost nothing. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { closeConnections, post, type Target } from '../conformance/ask.ts'
import { compareWithBill, recordOf } from '../conformance/ledger.ts'
import { nameOf, startRig, type Rig } from '../conformance/rig.ts'
import { proof } from '../conformance/sample.ts'
import type { Arrival } from '../upstream/server.ts'

/** A vendor that stops billing when a stream is aborted, and one that does not. */
const stops = { provider: 'openai', vendor: 'openai' }
const bills = { provider: 'groq', vendor: 'groq' }
const models = [
  ...['echo-2000+pace:5', 'echo-2000+delay:20000', 'echo-2000+first:20000', 'echo-3+endless:64', 'echo-4+endless:64', 'echo-9'].map((upstreamModel) => ({ upstreamModel, ...stops })),
  ...['echo-90+pace:5+bills', 'echo-91+delay:300+bills'].map((upstreamModel) => ({ upstreamModel, ...bills })),
]

let rig: Rig
let gateway: Target

before(async () => {
  rig = await startRig({ models, settings: { deadlines: { client_stall_ms: proof ? 20_000 : 1000 } } })
  gateway = { url: `${rig.gateway.url}/v1`, key: rig.key }
})
after(async () => {
  closeConnections()
  await rig?.close()
})

const now = (): number => performance.timeOrigin + performance.now()
const patienceMs = 30_000

async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const end = performance.now() + patienceMs
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`${what} did not happen within ${patienceMs / 1000} s.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

interface Client {
  socket: Socket
  received(): string
  requestId(): string
}

/** Sends a request on a bare socket that can leave or stop reading at any moment. */
function ask(model: string, stream = true): Client {
  const body = JSON.stringify({ model: nameOf(model), messages: [{ role: 'user', content: 'hello' }], stream })
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => { if (text.length < 100_000) text += chunk.toString('latin1') })
  socket.on('error', () => {})
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${gateway.key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  return { socket, received: () => text, requestId: () => /x-megarouter-request-id: (\S+)/i.exec(text)?.[1] ?? '' }
}

/** The newest arrival of a model beyond those there were. */
const nextArrival = (model: string, before: number): Promise<Arrival> => until(`the arrival of ${model}`, () => rig.upstream.arrivalsOf(model)[before])
const requestIdOf = (arrival: Arrival): string => arrival.attemptId!.replace(/-\d+$/, '')

describe('a client that leaves', () => {
  const delays: number[] = []

  for (const [when, model, stream] of [
    ['in the middle of a stream', 'echo-2000+pace:5', true],
    ['before the upstream answers', 'echo-2000+delay:20000', true],
    ['after the upstream’s headers, before the first token', 'echo-2000+first:20000', true],
    ['before a plain answer', 'echo-2000+delay:20000', false],
  ] as const) {
    it(`${when} closes an upstream that then stops billing, and is settled`, async () => {
      for (const end of ['destroy', 'reset'] as const) {
        const before = rig.upstream.arrivalsOf(model).length
        const client = ask(model, stream)
        const arrival = await nextArrival(model, before)
        if (model.includes('pace')) await until('output', () => client.received().includes('w5 '))
        const leftAt = now()
        if (end === 'reset') client.socket.resetAndDestroy()
        else client.socket.destroy()
        await until('the close of the upstream', () => arrival.clientLeftAt !== null)
        delays.push(arrival.clientLeftAt! - leftAt)
        const record = await recordOf(rig.gateway, requestIdOf(arrival))
        assert.equal(record.outcome, 'cancelled')
        const [attempt] = record.attempts
        assert.ok(attempt!.cost_nano > 0 && attempt!.flags.includes('estimated'), JSON.stringify(attempt))
        if (model.includes('pace')) assert.ok(attempt!.cost_nano >= rig.upstream.bill.charge(arrival.attemptId!)!.costNano! * 0.5, 'what was delivered is settled')
      }
    })
  }

  it('is noticed at once', (test) => {
    test.diagnostic(`upstreams were closed after ${delays.map((ms) => ms.toFixed(1)).join(', ')} ms`)
    assert.equal(delays.length, 8)
    if (proof) assert.ok(Math.max(...delays) <= 200, `${Math.max(...delays)} ms`)
  })

  for (const model of ['echo-90+pace:5+bills', 'echo-91+delay:300+bills']) {
    it(`does not stop a vendor that bills on: the answer is read to its end and the bill is exact (${model})`, async () => {
      const client = ask(model)
      const arrival = await nextArrival(model, 0)
      if (model.includes('pace')) await until('output', () => client.received().includes('w5 '))
      client.socket.destroy()
      await arrival.ended
      const record = await recordOf(rig.gateway, requestIdOf(arrival))
      assert.equal(record.outcome, 'cancelled')
      assert.equal(record.attempts[0]!.outcome, 'drained')
      assert.equal(compareWithBill(record.attempts[0]!, rig.upstream.bill.charge(arrival.attemptId!)), null)
    })
  }
})

const residentBytes = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

describe('a client that stops reading', () => {
  it('pauses its upstream, is cut after the stall time and settled', async () => {
    const model = 'echo-3+endless:64'
    const client = ask(model)
    const arrival = await nextArrival(model, 0)
    client.socket.pause()
    await until('the cut', () => arrival.clientLeftAt !== null)
    await arrival.ended
    assert.ok(arrival.played!.bodyBytes < 32 * 1024 * 1024, `the upstream could send ${arrival.played!.bodyBytes} of 64 MiB`)
    const record = await recordOf(rig.gateway, requestIdOf(arrival))
    assert.equal(record.outcome, 'cancelled')
    client.socket.destroy()
  })

  // Resident memory is a measurement: it belongs to the proof run.
  if (proof) it('costs at most 256 KiB of memory', async (test) => {
    const count = 100
    const model = 'echo-4+endless:64'
    const clients: Client[] = []
    /** Resident memory with so many more stalled clients. The first round also pays for the growth of the heap. */
    const round = async (): Promise<number> => {
      const arrived = rig.upstream.arrivalsOf(model).length
      const more = Array.from({ length: count }, () => ask(model))
      for (const { socket } of more) socket.once('data', () => socket.pause())
      clients.push(...more)
      await until('all arrivals', () => rig.upstream.arrivalsOf(model).length >= arrived + count)
      await new Promise((resolve) => setTimeout(resolve, 1000))
      return residentBytes(rig.gateway.pid)
    }
    await round()
    const before = await round()
    // Several rounds, since the collector keeps some of what only passed through.
    const rounds = 3
    let after = before
    for (let i = 0; i < rounds; i++) after = await round()
    const each = (after - before) / (rounds * count)
    const running = rig.upstream.arrivalsOf(model).filter(({ played }) => played === null).length
    for (const { socket } of clients) socket.destroy()
    await Promise.all(rig.upstream.arrivalsOf(model).map((arrival) => arrival.ended))
    test.diagnostic(`a stalled client costs ${Math.round(each / 1024)} KiB (${rounds * count} more, ${running} running)`)
    assert.equal(running, (2 + rounds) * count, 'all of them are stalled, none was cut yet')
    assert.ok(each <= 256 * 1024, `${Math.round(each / 1024)} KiB each`)
  })
})

describe('a refused request', () => {
  const message = { messages: [{ role: 'user', content: 'x' }] }
  const deep = `{"model":"${nameOf('echo-9')}","messages":${'['.repeat(100)}${']'.repeat(100)}}`
  const refusals: [string, string, number, Record<string, string>][] = [
    ['invalid JSON', '{"model":', 400, {}],
    ['no JSON object', '[]', 400, {}],
    ['a model of the wrong type', JSON.stringify({ ...message, model: 5 }), 400, {}],
    ['messages of the wrong type', JSON.stringify({ model: nameOf('echo-9'), messages: 'x' }), 400, {}],
    ['a model twice', `{"model":"${nameOf('echo-9')}","messages":[],"model":"x"}`, 400, {}],
    ['too deep nesting', deep, 400, {}],
    ['an unknown model', JSON.stringify({ ...message, model: 'at-echo-8' }), 404, {}],
    ['a body over the limit', JSON.stringify({ ...message, model: nameOf('echo-9'), pad: 'x'.repeat(21 * 1024 * 1024) }), 413, {}],
    ['no key', JSON.stringify({ ...message, model: nameOf('echo-9') }), 401, { authorization: '' }],
    ['a wrong key', JSON.stringify({ ...message, model: nameOf('echo-9') }), 401, { authorization: 'Bearer mr-wrong' }],
    ['another content type', 'model=x', 415, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a coded body', 'x', 415, { 'content-encoding': 'gzip' }],
  ]

  for (const [what, body, status, headers] of refusals) {
    it(`${what}: ${status} in OpenAI's form, nothing is dispatched, nothing is billed`, async () => {
      const arrivals = rig.upstream.log.length
      const answer = await post(gateway, '/chat/completions', body, headers)
      assert.equal(answer.status, status, answer.body.toString('utf8', 0, 300))
      const { error } = JSON.parse(answer.body.toString()) as { error: { message: string; code: string; type: string } }
      assert.ok(error.message.length > 10 && error.code !== '' && error.type !== '', answer.body.toString())
      assert.equal(rig.upstream.log.length, arrivals)
    })
  }

  it('and a connection that the upstream refuses cost nothing, and the next request works again', async () => {
    const body = JSON.stringify({ ...message, model: nameOf('echo-9') })
    await rig.upstream.refuse()
    const refused = await post(gateway, '/chat/completions', body)
    await rig.upstream.accept()
    assert.ok([502, 503].includes(refused.status), refused.body.toString())
    const record = await recordOf(rig.gateway, String(refused.headers['x-megarouter-request-id']))
    for (const attempt of record.attempts) assert.deepEqual([attempt.outcome, attempt.cost_nano], ['connect_failed', 0])
    assert.equal((await post(gateway, '/chat/completions', body)).status, 200)
  })
})
