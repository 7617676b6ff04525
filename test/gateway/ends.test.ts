/** What an attempt costs and what its client sees when it does not end as it should, and in which order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Attempt } from '../../src/gateway/attempt.ts'
import type { AttemptOptions } from '../../src/gateway/attempt-options.ts'
import { Deadlines } from '../../src/gateway/deadlines.ts'
import type { Exchange } from '../../src/gateway/exchange.ts'
import type { Fault } from '../../src/gateway/fault.ts'
import { settle } from '../../src/gateway/meter.ts'
import type { Deployment } from '../../src/gateway/snapshot.ts'
import type { UpstreamHandler } from '../../src/gateway/transport.ts'
import { Calibration } from '../../src/ledger/calibration.ts'
import type { Hold } from '../../src/ledger/hold.ts'
import { ledgerUnavailable } from '../../src/ledger/refusals.ts'
import { limits } from '../../src/limits.ts'
import { openaiChat } from '../../src/protocols/openai-chat/index.ts'
import type { Vendor } from '../../src/providers/provider.ts'
import { usageFlags } from '../../src/store/records.ts'
import { chat, fastDeadlines, providerAt, startRig, testPrices } from './harness.ts'

const asked = { model: 'm', stream: true, choices: 1, bodyBytes: 100, size: { mayCarryMedia: () => false } } as unknown as NonNullable<Exchange['asked']>
const heldNano = 7_000_000

interface Begun { attempt: Attempt; handler: UpstreamHandler; aborts: { count: number }; tick(us: number): void }

/** An attempt whose request has reached the vendor, up to the head of its answer. */
async function begin(contentType: string, change: Partial<Vendor> = {}, model: Partial<Deployment> = {}, asks = asked): Promise<Begun> {
  const { vendor } = providerAt('up', 'http://127.0.0.1', change)
  const provider = { id: 'up', identity: 'up', vendor, baseUrl: '', origin: '', pathPrefix: '', socketPath: null, guarded: false, credentials: [], own: null, isOpen: true }
  const deployment: Deployment = { id: 'up/m', identity: 'up/m', provider, upstreamModel: 'm', logicalModel: 'm', group: null, price: { version: 'v', base: testPrices, tiers: [] }, contextTokens: 100_000, outputTokens: 8000, reasoning: false, outputModalities: ['text'], ...model }
  const bound = { inputTokens: 50, maxOutputTokens: 400, mostOutputTokens: 8000, sliced: false, fullNano: heldNano, holdNano: heldNano }
  const hold = { bound, mode: 'standard', amountNano: heldNano, record: { inputTokens: 50, inputNano: 150_000, heldAt: 0 }, dispatch: () => null, isDispatched: true, deliver: () => null, end() {} } as unknown as Hold
  const running = new Deadlines()
  let nowUs = 0
  const options: AttemptOptions = { number: 1, deployment, credentialId: '', asked: asks, protocol: openaiChat, hold, calibration: new Calibration(), stream: /event-stream/.test(contentType), whole: false, bytes: false, deadlines: fastDeadlines, limitMs: 1e9, patienceMs: Infinity, plan: { mayGiveUp: () => false }, stripUsage: false, costOf: null, framings: { framing: 'sse', ownFraming: 'sse', clientFraming: 'sse' }, translation: null, errors: openaiChat, clientErrors: openaiChat.id }
  const attempt = new Attempt(options, { epochMs: () => nowUs / 1000, monotonicUs: () => nowUs }, running)
  const aborts = { count: 0 }
  const handler = await new Promise<UpstreamHandler>((sent) => {
    void attempt.start((given) => {
      given.onSent()
      sent(given)
      return { pause() {}, resume() {}, abort: () => void aborts.count++ }
    })
  })
  handler.onHead(200, { 'content-type': contentType })
  return { attempt, handler, aborts, tick: (us) => running.tick((nowUs += us)) }
}

const event = (json: object | string): Buffer => Buffer.from(`data: ${typeof json === 'string' ? json : JSON.stringify(json)}\n\n`)
const output = event({ choices: [{ index: 0, delta: { content: 'Good morning' }, finish_reason: null }] })
const finish = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 } })

function sinkOf(told: string[]) {
  return { write: (chunk: Buffer) => { told.push(chunk.includes('[DONE]') ? 'DONE' : 'data'); return true }, onDrain: null, settle: () => void told.push('settled'), end: () => void told.push('end') }
}

for (const late of [false, true]) {
  test(`a stream is settled before its [DONE] is sent${late ? ', also when all of it was held back until then' : ''}, and its connection may be used again`, async () => {
    const { attempt, handler, aborts, tick } = await begin('text/event-stream')
    const told: string[] = []
    if (!late) {
      handler.onData(output)
      attempt.attach(sinkOf(told))
      handler.onData(Buffer.concat([finish, event('[DONE]')]))
    } else {
      handler.onData(Buffer.concat([output, finish, event('[DONE]')]))
      attempt.attach(sinkOf(told))
    }
    assert.ok(told.indexOf('settled') >= 0 && told.indexOf('settled') < told.indexOf('DONE'), told.join())
    assert.equal(told.at(-1), 'end')
    assert.equal(attempt.outcome, 'success')
    tick(900_000)
    assert.equal(aborts.count, 0)
    tick(200_000)
    assert.equal(aborts.count, 1, 'a vendor that never ends its answer is left')
    handler.onEnd()
    tick(5_000_000)
    assert.equal(aborts.count, 1)
  })
}

test('a plain answer that is cut off costs what came of it, at most what was held for', async () => {
  const { attempt, handler } = await begin('application/json')
  handler.onData(Buffer.from(`{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"${'word '.repeat(100)}`))
  handler.onError(new Error('ECONNRESET'))
  const { usage, flags } = settle(attempt)
  assert.equal(attempt.outcome, 'truncated')
  assert.ok(usage.output > 200 && usage.output <= 400, String(usage.output))
  assert.ok(flags & usageFlags.estimated)
})

test('a page that is no JSON is no answer: it costs its input only', async () => {
  const { attempt, handler } = await begin('application/json')
  handler.onData(Buffer.from(`<html>${'word '.repeat(100)}</html>`))
  handler.onEnd()
  assert.deepEqual([attempt.outcome, settle(attempt).usage.output], ['truncated', 0])
})

test('a plain answer that is too large is not asked for again, and costs all that was held for', async () => {
  const { attempt, handler } = await begin('application/json')
  handler.onData(Buffer.from('{"data":"'))
  handler.onData(Buffer.alloc(limits.responseBodyBytes, 'a'))
  assert.deepEqual([attempt.outcome, attempt.fault!.class, settle(attempt).usage.output], ['broken', 'request', 400])
})

for (const billsAfterAbort of [true, false]) {
  test(`a stream that a deadline cuts at a vendor that ${billsAfterAbort ? 'bills on costs what was held' : 'stops billing costs what was delivered'}`, async () => {
    const { attempt, handler, tick } = await begin('text/event-stream', { billsAfterAbort })
    handler.onData(output)
    attempt.attach(sinkOf([]))
    tick((fastDeadlines.idleMs + 100) * 1000)
    assert.equal(attempt.outcome, 'broken')
    const { costNano, flags } = settle(attempt)
    assert.equal(costNano >= heldNano, billsAfterAbort, String(costNano))
    assert.equal((flags & usageFlags.uncertain) > 0, billsAfterAbort)
  })
}

test('reasoning counts as output whatever its field is called, and once where it stands under several names', async () => {
  const thought = 'Let me see. '.repeat(40)
  const outputOf = async (delta: object): Promise<number> => {
    const { attempt, handler } = await begin('text/event-stream')
    handler.onData(event({ choices: [{ index: 0, delta, finish_reason: null }] }))
    attempt.leave(false)
    return settle(attempt).usage.output
  }
  const once = await outputOf({ content: thought })
  assert.ok(once > 50)
  for (const delta of [{ reasoning_content: thought }, { reasoning: thought }, { reasoning_details: [{ type: '', text: thought }] }, { reasoning: thought, reasoning_content: thought, content: '' }]) {
    assert.equal(await outputOf(delta), once, JSON.stringify(Object.keys(delta)))
  }
})

test('hidden reasoning of an answer without usage is estimated by its time', async () => {
  const { bounds } = providerAt('up', 'http://127.0.0.1').vendor
  for (const [contentType, body] of [['application/json', '{"choices":[{"message":{"content":"Good morning"}}]}'], ['text/event-stream', '']] as const) {
    const reasoningOf = async (hidesReasoning: boolean, reasoningOff: boolean): Promise<number> => {
      const { attempt, handler, tick } = await begin(contentType, { bounds: { ...bounds, hidesReasoning } }, { reasoning: true }, { ...asked, reasoningOff })
      tick(1_000_000)
      handler.onData(body === '' ? Buffer.concat([output, event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })]) : Buffer.from(body))
      handler.onEnd()
      assert.equal(attempt.outcome, 'success')
      return settle(attempt).usage.reasoning
    }
    assert.ok(await reasoningOf(true, false) > 100, contentType)
    assert.deepEqual([await reasoningOf(true, true), await reasoningOf(false, false)], [0, 0])
  }
})

test('of errors those are billed whose status the vendor bills; an error inside a 200 was processed', async () => {
  for (const [billsErrors, billed] of [[[400], true], [[], false]] as const) {
    const { attempt, handler } = await begin('text/event-stream', { billsErrors })
    handler.onData(event({ error: { message: 'no', code: 500 } }))
    assert.equal(attempt.outcome, 'upstream_error')
    assert.equal(settle(attempt).usage.input > 0, billed, String(billsErrors))
  }
})

test('after a failed attempt the client is told its fault, although a budget refused another one', async () => {
  const rig = await startRig({ aliases: [{ name: 'either', strategy: 'ordered', targets: [{ model: 'cheap', weight: 1 }, { model: 'dear', weight: 1 }] }] })
  rig.publish((organisation) => {
    const [first] = organisation.deployments
    organisation.deployments = [
      { ...first!, id: 'cheap', model: 'cheap', upstreamModel: 'echo-5+status:500' },
      { ...first!, id: 'dear', model: 'dear', upstreamModel: 'echo-5', price: { version: 'dear', base: { ...testPrices, input: 9e15, output: 9e15 }, tiers: [] } },
    ]
  })
  const { text } = rig.addKey({ budget: { limitNano: 1e9, period: 'day', mode: 'strict' } })
  const { status, text: body } = await chat(rig, { model: 'either', max_tokens: 20 }, { authorization: `Bearer ${text}` })
  assert.equal(status, 500, body)
})

test('a ledger that is not available is asked once, not by every deployment', async () => {
  const rig = await startRig({ aliases: [{ name: 'either', strategy: 'ordered', targets: [{ model: 'priced', weight: 1 }, { model: 'up/echo-5', weight: 1 }] }] })
  let asks = 0
  rig.gateway.admission.ledger.hold = () => {
    asks++
    return ledgerUnavailable('the database does not answer')
  }
  const { status } = await chat(rig, { model: 'either' })
  assert.deepEqual([status, asks], [503, 1])
})

test('a [DONE] before the usage is kept until the usage has come, for at most a second', async () => {
  for (const comes of [true, false]) {
    const { attempt, handler, tick } = await begin('text/event-stream')
    const told: string[] = []
    handler.onData(output)
    attempt.attach(sinkOf(told))
    handler.onData(Buffer.concat([event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }), event('[DONE]')]))
    assert.deepEqual([attempt.outcome, told.includes('DONE')], [null, false])
    if (comes) handler.onData(event({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 } }))
    else tick(1_100_000)
    assert.deepEqual([attempt.outcome, settle(attempt).flags & usageFlags.estimated], ['success', comes ? 0 : usageFlags.estimated])
    assert.ok(told.indexOf('settled') < told.indexOf('DONE'), told.join())
  }
})

test('a failure is told once no power cut can undo its attempt', async () => {
  const rig = await startRig()
  const synced = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  rig.gateway.admission.ledger.whenDurable = () => {
    asked.resolve()
    return synced.promise
  }
  let told = false
  const answer = chat(rig, { model: 'up/echo-5+status:400' }).then((reply) => {
    told = true
    return reply
  })
  await asked.promise
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(told, false)
  synced.resolve()
  assert.equal((await answer).status, 400)
})

for (const [what, tail] of [['an event', 'data: {"error":{"message":"overloaded","code":503}}'], ['plain JSON, as Google does', '{\n  "error": {\n    "code": 503,\n    "message": "overloaded"\n  }\n}\n']] as const) {
  test(`an error that ends a stream without a blank line is told to the client in an event of ours (${what})`, async () => {
    const { attempt, handler } = await begin('text/event-stream')
    const sent: string[] = []
    let fault: Fault | null = null
    handler.onData(output)
    attempt.attach({ write: (chunk) => sent.push(chunk.toString()) > 0, onDrain: null, settle() {}, end: (given) => void (fault = given) })
    handler.onData(Buffer.from(tail))
    handler.onEnd()
    assert.equal(attempt.outcome, 'broken')
    assert.equal(sent.join(''), output.toString())
    assert.deepEqual([fault!.text, fault!.class], ['overloaded', 'overloaded'])
  })

  test(`an error that is all of a stream is the outcome before anything is sent (${what})`, async () => {
    const { attempt, handler } = await begin('text/event-stream')
    handler.onData(Buffer.from(tail))
    handler.onEnd()
    assert.deepEqual([attempt.outcome, attempt.fault?.text, attempt.fault?.status], ['upstream_error', 'overloaded', 503])
  })
}
