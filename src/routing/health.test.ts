import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultClass } from '../protocols/protocol.ts'
import { HealthBook, rememberedDeployments } from './health.ts'

const book = (): HealthBook => new HealthBook(() => 0.5)
function call(health: HealthBook, id: string, fault: FaultClass | null | undefined, nowMs: number, tookMs = 100): void {
  const visit = health.enter(id, true, nowMs - tookMs)!
  if (fault === null) health.began(visit, tookMs, nowMs)
  health.done(visit, fault, nowMs)
}
const stateOf = (health: HealthBook, nowMs: number, id = 'a') => health.all(nowMs).find((each) => each.id === id)!

test('however many names clients think of, the book stays bounded, and keeps what is in flight and what rests', () => {
  const health = book()
  health.enter('busy', true, 0)
  for (let failure = 0; failure < 5; failure++) call(health, 'resting', 'server', 0, 0)
  for (let index = 0; index < 3 * rememberedDeployments; index++) call(health, `made up ${index}`, index % 2 === 0 ? null : 'server', 1_000, 0)
  const all = health.all(1_000)
  assert.equal(all.length, rememberedDeployments)
  assert.deepEqual(all.slice(0, 2).map(({ id, state, inFlight }) => [id, state, inFlight]), [['busy', 'closed', 1], ['resting', 'open', 0]])
  assert.equal(health.enter('resting', true, 4_999), null)
  assert.equal(all.at(-1)!.id, `made up ${3 * rememberedDeployments - 1}`)
})

test('five failures in a row open the breaker, four and a success do not', () => {
  const health = book()
  for (const fault of ['connect', 'timeout', 'server', 'overloaded', null, 'truncated', 'server', 'server', 'server'] as const) call(health, 'a', fault, 1_000)
  assert.equal(health.state('a', 1_000), 'closed')
  call(health, 'a', 'server', 1_000)
  assert.equal(health.state('a', 1_000), 'open')
})

test('where hundreds of calls run, five failures in a row are chance, twenty are not', () => {
  const health = book()
  for (let i = 0; i < 200; i++) call(health, 'a', null, 1_000)
  for (let i = 0; i < 19; i++) call(health, 'a', 'server', 1_000)
  assert.equal(health.state('a', 1_000), 'closed')
  call(health, 'a', 'server', 1_000)
  assert.equal(health.state('a', 1_000), 'open')
})

test('what a client did wrong, a limited or refused credential, and a client that leaves say nothing about health', () => {
  const health = book()
  for (const fault of ['request', 'context_window', 'content_policy', 'rate_limit', 'auth', 'quota', 'not_found', undefined] as const) for (let i = 0; i < 50; i++) call(health, 'a', fault, 1_000)
  const { state, successRate, inFlight } = stateOf(health, 1_000)
  assert.deepEqual([state, successRate, inFlight], ['closed', 1, 0])
})

test('half-open lets exactly one probe through; its failure opens the breaker again, its first token closes it', () => {
  const health = book()
  for (let i = 0; i < 5; i++) call(health, 'a', 'server', 0)
  assert.equal(health.enter('a', true, 4_999), null)
  const probe = health.enter('a', true, 5_001)!
  assert.equal(probe.isProbe, true)
  assert.equal(health.enter('a', true, 5_002), null)
  health.done(probe, 'timeout', 5_100)
  assert.equal(health.enter('a', true, 15_000), null)
  const second = health.enter('a', true, 15_200)!
  health.began(second, 50, 15_250)
  assert.equal(health.state('a', 15_250), 'closed')
  assert.notEqual(health.enter('a', true, 15_250), null)
  // The old probe's stream ends while a new one runs: it is not a probe any more.
  for (let i = 0; i < 5; i++) call(health, 'a', 'server', 15_300)
  const third = health.enter('a', true, 40_000)!
  assert.equal(third.isProbe, true)
  health.done(second, null, 40_001)
  assert.equal(health.enter('a', true, 40_002), null)
})

test('a probe that was never sent, or whose client left, makes room for the next one', () => {
  const health = book()
  for (let i = 0; i < 5; i++) call(health, 'a', 'server', 0)
  health.leave(health.enter('a', true, 6_000)!)
  health.done(health.enter('a', true, 6_001)!, undefined, 6_002)
  assert.equal(health.enter('a', true, 6_003)!.isProbe, true)
})

test('a breaker is never open for more than 18 s, whatever chance says and however often it opens', () => {
  for (const random of [0, 0.999]) {
    const health = new HealthBook(() => random)
    let nowMs = 0
    for (let i = 0; i < 5; i++) call(health, 'a', 'server', nowMs)
    const spans: number[] = []
    for (let round = 0; round < 8; round++) {
      const { opensInMs } = stateOf(health, nowMs)
      spans.push(opensInMs)
      nowMs += opensInMs + 1
      call(health, 'a', 'server', nowMs, 0)
    }
    assert.ok(Math.max(...spans) <= 18_000 && Math.min(...spans) >= 4_000, spans.join())
    assert.ok(spans[1]! > spans[0]! && spans[2]! > spans[1]!)
  }
})

test('late ends of calls from before change nothing of an open breaker', () => {
  const health = book()
  const [late, early] = [health.enter('a', true, 0)!, health.enter('a', true, 0)!]
  for (let i = 0; i < 5; i++) call(health, 'a', 'server', 100)
  const { opensInMs } = stateOf(health, 100)
  health.done(late, 'server', 100)
  health.done(early, null, 100)
  assert.deepEqual([stateOf(health, 100).opensInMs, stateOf(health, 100).openings], [opensInMs, 1])
})

test('an outlier is put out only by enough calls, enough failures, and something better', () => {
  const failing = (calls: number, failures: number): HealthBook => {
    const health = book()
    for (let i = 0; i < calls; i++) call(health, 'a', i % Math.floor(calls / failures) === 0 && i / Math.floor(calls / failures) < failures ? 'server' : null, 1_000)
    return health
  }
  assert.equal(failing(9, 4).ejectOutlier('a', 1, 1_000), false)
  assert.equal(failing(20, 2).ejectOutlier('a', 1, 1_000), false)
  assert.equal(failing(20, 6).ejectOutlier('a', 0.75, 1_000), false)
  const health = failing(20, 6)
  assert.equal(health.ejectOutlier('a', 1, 1_000), true)
  assert.deepEqual([stateOf(health, 1_000).state, stateOf(health, 1_000).reason], ['open', 'outlier'])
  assert.equal(health.enter('a', true, 1_001), null)
  assert.notEqual(health.enter('a', true, 1_001, 1_001, 'anyway'), null, 'where there is nothing else it is still to be had')
})

test('old failures fade', () => {
  const health = book()
  for (let i = 0; i < 4; i++) call(health, 'a', 'server', 0)
  const before = stateOf(health, 0).successRate
  const after = stateOf(health, 60_000).successRate
  assert.ok(before < 0.4 && after > 0.9, `${before} ${after}`)
})

test('latency jumps up at once, comes down slowly, and fades where nothing is measured', () => {
  const health = book()
  for (let i = 0; i < 20; i++) call(health, 'a', null, 1_000 + i, 100)
  call(health, 'a', null, 1_100, 2_000)
  assert.ok(health.latencyMs('a', true, 1_100)! >= 2_000)
  for (let i = 1; i <= 10; i++) call(health, 'a', null, 1_100 + 100 * i, 100)
  const shortly = health.latencyMs('a', true, 2_100)!
  assert.ok(shortly > 1_500 && shortly < 2_000, `${shortly}`)
  assert.ok(health.latencyMs('a', true, 40_000)! < 100)
  assert.equal(health.latencyMs('a', false, 2_100), null, 'streams and plain answers are told apart')
})

test('a call that waits counts while it waits, and one whose first token came does not', () => {
  const health = book()
  const first = health.enter('a', true, 1_000)!
  const second = health.enter('a', true, 2_000)!
  const third = health.enter('a', true, 2_500)!
  assert.equal(health.waitedMs('a', 3_000), 2_000)
  health.began(second, 900, 3_000)
  assert.equal(health.waitedMs('a', 3_000), 2_000)
  health.began(first, 2_000, 3_000)
  assert.equal(health.waitedMs('a', 3_000), 500)
  health.done(third, undefined, 3_000)
  assert.equal(health.waitedMs('a', 9_000), 0)
  assert.equal(stateOf(health, 3_000).inFlight, 2)
  health.leave(first)
  health.leave(first)
  assert.equal(stateOf(health, 3_000).inFlight, 1)
})

test('who answered before and now answers nobody is silent; one answer ends it', () => {
  const health = book()
  for (let i = 0; i < 10; i++) call(health, 'a', null, 1_000, 300)
  const waiting = [1_100, 1_200, 1_300].map((sinceMs) => health.enter('a', true, sinceMs)!)
  assert.equal(health.isSilent('a', true, 3_000), false)
  assert.equal(health.isSilent('a', true, 3_600), true)
  health.began(waiting[2]!, 2_300, 3_600)
  assert.equal(health.isSilent('a', true, 3_700), false)
})
