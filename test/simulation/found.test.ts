/** What the simulator found, each as small as it gets. Seeds of that time no longer give the same histories. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Attempt } from '../../src/gateway/attempt.ts'
import type { Metered } from '../../src/gateway/meter.ts'
import { Deadlines } from '../../src/gateway/deadlines.ts'
import type { Asked } from '../../src/gateway/exchange.ts'
import { settle } from '../../src/gateway/meter.ts'
import { noRateLimit, viewOf, type Deployment } from '../../src/gateway/snapshot.ts'
import { Calibration } from '../../src/ledger/calibration.ts'
import { endOfCrashed } from '../../src/ledger/crash.ts'
import type { Hold, HoldEnd } from '../../src/ledger/hold.ts'
import { openaiChat } from '../../src/protocols/openai-chat/index.ts'
import { usageFlags } from '../../src/store/records.ts'
import { startRig } from '../gateway/harness.ts'
import { Dice } from './dice.ts'
import { keyOf, snapshotOf } from './setup.ts'
import { swarm } from './swarm.ts'

const drawn = swarm(new Dice(1))
const snapshot = snapshotOf(1, [{ id: 'org', timeZone: 'UTC', budget: null, rateLimit: noRateLimit }], { ...drawn, holdTokens: 20, holdMs: 0 }, 'allow')
const deploymentOf = (model: string, at = 0): Deployment => viewOf(snapshot, 'org').declared.get(model)![at]!
const asked = { model: 'm', stream: true, choices: 1, bodyBytes: 100, size: { mayCarryMedia: () => false } } as unknown as Asked

/** A stream at a deployment, up to its dispatch, with the end that its hold will get. */
async function begin(deployment: Deployment, deadlines = snapshot.settings.deadlines): Promise<{ attempt: Attempt; end: () => HoldEnd; tick: (us: number) => void }> {
  const ends: HoldEnd[] = []
  const bound = { inputTokens: 50, maxOutputTokens: 1000, mostOutputTokens: 1000, sliced: false, fullNano: 1e9, holdNano: 1e9 }
  const hold = { bound, mode: 'none', amountNano: 5e9, record: { inputTokens: 50, inputNano: 5_000, heldAt: 0 }, dispatch: () => Promise.resolve(), isDispatched: true, deliver: () => null, end: (end: HoldEnd) => ends.push(end) } as unknown as Hold
  let nowUs = 0
  const running = new Deadlines()
  const options = { number: 1, deployment, credentialId: '', asked, protocol: openaiChat, hold, calibration: new Calibration(), stream: true, whole: false, bytes: false, deadlines, limitMs: 1e9, patienceMs: Infinity, plan: { mayGiveUp: () => false }, stripUsage: false, costOf: null, framings: { framing: 'sse', ownFraming: 'sse', clientFraming: 'sse' } as const, translation: null, errors: openaiChat, clientErrors: openaiChat.id }
  const attempt = new Attempt(options, { epochMs: () => nowUs / 1000, monotonicUs: () => nowUs }, running)
  const { promise: sent, resolve } = Promise.withResolvers<void>()
  void attempt.start((handler) => {
    handler.onSent()
    handler.onHead(200, { 'content-type': 'text/event-stream' })
    resolve()
    return { pause() {}, resume() {}, abort() {} }
  })
  await sent
  return { attempt, end: () => ends[0]!, tick: (us) => running.tick((nowUs += us)) }
}

const event = (json: object): Buffer => Buffer.from(`data: ${JSON.stringify(json)}\n\n`)
const output = (text: string, usage?: object): Buffer => event({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }], ...(usage ? { usage } : {}) })
const settled = (attempt: Attempt, followed = false): Metered => settle(attempt, followed)

test('usage that a vendor reports on the way is an estimate when the client leaves', async () => {
  const { attempt } = await begin(deploymentOf('odd'))
  attempt.onData(output('x'.repeat(40), { prompt_tokens: 30, completion_tokens: 10 }))
  attempt.leave(false)
  const { usage, flags } = settled(attempt)
  assert.ok(flags & usageFlags.estimated, 'the vendor may have made more before it noticed')
  assert.ok(usage.output > 10)
})

test('usage that a vendor reports on the way is an estimate when the connection breaks', async () => {
  const { attempt } = await begin(deploymentOf('odd'))
  attempt.onData(output('x'.repeat(40), { prompt_tokens: 30, completion_tokens: 10 }))
  attempt.onError(new Error('reset'))
  assert.ok(settled(attempt).flags & usageFlags.estimated)
})

test('usage that came with the end of an answer stays exact although the client leaves', async () => {
  const { attempt } = await begin(deploymentOf('odd'))
  attempt.onData(output('x'.repeat(40)))
  attempt.onData(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 30, completion_tokens: 10 } }))
  attempt.leave(false)
  assert.equal(settled(attempt).flags, 0)
})

test('usage on the way says nothing of the bill of a vendor that goes on billing: what was held is settled', async () => {
  const { attempt, end } = await begin(deploymentOf('large', 1))
  attempt.onData(output('x'.repeat(40), { prompt_tokens: 30, completion_tokens: 10 }))
  attempt.leave(false)
  settled(attempt)
  assert.equal(end().tenantNano, 5e9)
})

test('what a model may have thought unseen is estimated within the output limit that the vendor was given', async () => {
  const { attempt, tick } = await begin(deploymentOf('large'))
  tick(1_900_000)
  attempt.onData(output('x'.repeat(1900)))
  attempt.onError(new Error('reset'))
  const { usage } = settled(attempt)
  assert.deepEqual([usage.output, usage.reasoning], [950, 50], 'of 285 tokens at 150 a second only 50 are left')
})

test('output that was held back when its error came is on the overhead account, not free', async () => {
  const { attempt, end } = await begin(deploymentOf('large'))
  attempt.onData(output('x'.repeat(40)))
  attempt.onData(event({ error: { message: 'broken', type: 'server_error', code: null } }))
  assert.equal(attempt.outcome, 'upstream_error')
  assert.ok(settled(attempt).flags & usageFlags.estimated)
  assert.equal(end().kind, 'void')
  assert.ok(end().overheadNano > 0)
})

test('a short answer that is held back when its vendor says [DONE] and keeps the connection is passed on', async () => {
  const { attempt, tick } = await begin(deploymentOf('large'))
  attempt.onData(output('x'.repeat(4)))
  attempt.onData(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
  attempt.onData(Buffer.from('data: [DONE]\n\n'))
  tick(1_500_000)
  assert.equal(attempt.outcome, 'success')
  assert.equal(await attempt.replied, 'stream', 'there is no body to answer with')
})

test('an attempt at an unknown price that a crash cut off is marked as unpriced', () => {
  const plan = drawn.keys[0]!
  const { entry } = keyOf(plan, new Dice(1))
  const hold = {
    kind: 'hold' as const, requestId: 'req_1', attempt: 1, tenant: { org: entry.org, team: null, project: null, user: null, key: entry.id, serviceAccount: null, path: [] }, heldAt: 0, mode: 'none' as const, stream: true, holdNano: 0, inputTokens: 5, inputNano: 0, repeat: null, marks: [],
    target: { vendor: 'v', provider: 'v', deployment: 'v/m', model: 'm', upstreamModel: 'm', priceVersion: null },
  }
  assert.ok(endOfCrashed({ lsn: 1, hold, dispatched: true, progress: null }, 1).flags & usageFlags.unpriced)
  assert.equal(endOfCrashed({ lsn: 1, hold, dispatched: false, progress: null }, 1).flags, 0)
})

test('an upload that its client breaks off gives its bytes back', async () => {
  const rig = await startRig()
  const socket = connect(rig.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${rig.key}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"model":"`)
  while (rig.gateway.bodies.heldBytes === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  socket.destroy()
  await rig.recorded(1)
  assert.equal(rig.gateway.bodies.heldBytes, 0)
})
