import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../errors.ts'
import { faultFrom } from '../gateway/fault.ts'
import type { Deployment, Provider, SettingsData } from '../gateway/snapshot.ts'
import type { FaultClass } from '../protocols/protocol.ts'
import { vendor } from '../providers/provider.ts'
import type { Headers } from './cooldown.ts'
import { CredentialTurns } from './credentials.ts'
import { HealthBook } from './health.ts'
import { Plan, type PlanTools, type Target } from './plan.ts'
import { RetryBudget } from './retry-budget.ts'

const deadlines: SettingsData['deadlines'] = { connectMs: 1_000, firstTokenMs: 20_000, idleMs: 1_500, totalMs: 900_000, commitAfterMs: 8_000, keepAliveMs: 15_000, clientStallMs: 60_000, holdTokens: 0, holdMs: 0 }
const providerOf = (id: string, credentials: string[]): Provider => ({
  id, identity: id, vendor: vendor({ id, name: id, docs: '' }), baseUrl: '', origin: '', pathPrefix: '', socketPath: null, guarded: false, own: null, isOpen: true, credentials: credentials.map((each) => ({ id: each, secret: each, last4: each })),
})
const deployment = (id: string, group: string | null = 'm', credentials: string[] = []): Deployment => ({
  id, identity: id, provider: providerOf(`of-${id}`, credentials), upstreamModel: 'up', logicalModel: 'm', group, price: null, contextTokens: 0, outputTokens: 0, reasoning: null, outputModalities: null,
})
const toolsOf = (change: Partial<PlanTools> = {}): PlanTools => ({ health: new HealthBook(() => 0.5), credentials: new CredentialTurns(), retries: new RetryBudget(0.1, 20), random: () => 0, maxAttempts: 4, maxRetryAfterMs: 1_000, ...change })
const planOf = (tools: PlanTools, deployments: Deployment[], isStream = true): Plan => new Plan(deployments, tools, isStream, deadlines)

function end(plan: Plan, target: Target, fault: FaultClass | null, nowMs: number, { headers = {}, status = 0, cooldownMs = null as number | null, retryAfterMs = null as number | null, tookMs = 100 }: { headers?: Headers; status?: number; cooldownMs?: number | null; retryAfterMs?: number | null; tookMs?: number } = {}): void {
  plan.ended(target, { startedUs: (nowMs - tookMs) * 1000, firstTokenUs: fault === null ? nowMs * 1000 : null, outcome: fault === null ? 'success' : 'upstream_error', fault: fault && { class: fault }, headers }, nowMs, nowMs)
  if (fault !== null) plan.failed(target, { ...faultFrom(fault, failure('upstream_error', 'x')), status, cooldownMs, retryAfterMs }, nowMs)
}
const served = (tools: PlanTools, deployments: Deployment[], nowMs: number, tookMs = 100): string => {
  const plan = planOf(tools, deployments)
  const target = plan.next(nowMs - tookMs)!
  end(plan, target, null, nowMs, { tookMs })
  return target.deployment.id
}
const idOf = (target: Target | null): string | undefined => target?.deployment.id

test('the order of preference is kept, however quick the next ones are; equals go by what a call would meet', () => {
  const tools = toolsOf()
  const ordered = [deployment('a', null), deployment('b', null)]
  for (let i = 0; i < 20; i++) assert.equal(served(tools, ordered, 1_000 + i, 900), 'a')
  const equal = [deployment('c'), deployment('d')]
  served(tools, [equal[0]!], 2_000, 900)
  served(tools, [equal[1]!], 2_000, 100)
  assert.equal(idOf(planOf(tools, equal).next(2_001)), 'd')
})

test('a group is only what stands together', () => {
  const tools = toolsOf()
  const mixed = [deployment('a'), deployment('x', null), deployment('b')]
  served(tools, [mixed[0]!], 1_000, 900)
  assert.equal(idOf(planOf(tools, mixed).next(1_001)), 'a')
})

test('a failed deployment is not asked again while another is left, and all of them are asked before one is repeated', () => {
  const tools = toolsOf()
  const plan = planOf(tools, [deployment('a'), deployment('b'), deployment('c')])
  const asked: string[] = []
  for (let nowMs = 1_000, target = plan.next(nowMs); target; target = plan.next(nowMs += 10)) {
    asked.push(target.deployment.id)
    end(plan, target, 'server', nowMs)
  }
  assert.deepEqual(asked.slice(0, 3).sort(), ['a', 'b', 'c'])
  assert.equal(asked[3], asked[2])
  assert.equal(asked.length, 4)
})

test('the retry budget counts failovers as well as repeats; without room the failure stands', () => {
  for (const deployments of [[deployment('a')], [deployment('a', null), deployment('b', null)]]) {
    const tools = toolsOf({ retries: new RetryBudget(0.1, 2) })
    let extra = 0
    for (let i = 0; i < 15; i++) {
      const plan = planOf(tools, deployments.map(({ id, group }) => deployment(`${id}${i}`, group)))
      end(plan, plan.next(1_000)!, 'server', 1_000)
      if (plan.next(1_000)) extra++
    }
    assert.deepEqual([extra, tools.retries.refused, tools.retries.made.get('server')], [2, 13, 2])
  }
})

test('a prompt that is too long for one, or refused by its policy, may go to the next without the budget', () => {
  for (const fault of ['context_window', 'content_policy'] as const) {
    const plan = planOf(toolsOf({ retries: new RetryBudget(0, 0) }), [deployment('a', null), deployment('b', null)])
    end(plan, plan.next(0)!, fault, 10)
    assert.equal(idOf(plan.next(10)), 'b')
  }
})

test('a fault of the request itself ends it', () => {
  const plan = planOf(toolsOf(), [deployment('a', null), deployment('b', null)])
  end(plan, plan.next(0)!, 'request', 10)
  assert.equal(plan.next(10), null)
})

test('attempts share the time of the request: what one took is not there for the next', () => {
  const plan = planOf(toolsOf(), [deployment('a', null), deployment('b', null)])
  const first = plan.next(1_000)!
  assert.equal(first.limitMs, 20_000)
  end(plan, first, 'connect', 16_000)
  assert.equal(plan.next(16_000)!.limitMs, 5_000)
  const late = planOf(toolsOf(), [deployment('a', null), deployment('b', null)])
  end(late, late.next(1_000)!, 'connect', 21_000)
  assert.equal(late.next(21_000), null)
})

test('a pause before a repeat takes at most a quarter of the time that is left', () => {
  const plan = new Plan([deployment('a')], toolsOf({ random: () => 0.99 }), true, { ...deadlines, firstTokenMs: 500 })
  end(plan, plan.next(1_000)!, 'server', 1_020)
  const repeat = plan.next(1_020)!
  assert.deepEqual([idOf(repeat), repeat.delayMs, repeat.limitMs], ['a', 120, 360])
})

test('who stands alone gets all of the time; with another one left it is half, or until the headers of a stream are due', () => {
  assert.equal(planOf(toolsOf(), [deployment('a')]).next(0)!.patienceMs, Infinity)
  assert.equal(planOf(toolsOf(), [deployment('a'), deployment('b')]).next(0)!.patienceMs, 8_000)
  assert.equal(planOf(toolsOf(), [deployment('a'), deployment('b')], false).next(0)!.patienceMs, 50_000)
})

test('where the usual time is known a call is overdue after eight times that, and never before two seconds', () => {
  const tools = toolsOf()
  const both = [deployment('a', null), deployment('b', null)]
  for (const [tookMs, patienceMs] of [[50, 2_000], [500, 4_000]] as const) {
    for (let i = 0; i < 300; i++) for (const each of both) served(tools, [each], 1_000 + i, tookMs)
    const plan = planOf(tools, both)
    assert.ok(Math.abs(plan.next(2_000)!.patienceMs - patienceMs) < 1)
    plan.close()
  }
})

test('one that usually thinks for long is not given up for that', () => {
  const tools = toolsOf()
  const both = [deployment('a', null), deployment('b', null)]
  for (let i = 0; i < 10; i++) served(tools, [both[0]!], 100_000 + i, 15_000)
  assert.ok(planOf(tools, both).next(100_100)!.patienceMs >= 20_000)
})

test('an overdue call is given up only for another one that can serve, within the budget, which is asked once', () => {
  const tools = toolsOf({ retries: new RetryBudget(0, 1) })
  const both = [deployment('a', null), deployment('b', null)]
  const plan = planOf(tools, both)
  const first = plan.next(0)!
  assert.equal(plan.mayGiveUp(9_000), true)
  end(plan, first, 'timeout', 9_000)
  assert.equal(idOf(plan.next(9_000)), 'b')
  assert.deepEqual([...tools.retries.made], [['timeout', 1]])
  const second = planOf(tools, both)
  second.next(10_000)
  assert.equal(second.mayGiveUp(19_000), false)
  const alone = planOf(toolsOf(), [deployment('a')])
  alone.next(0)
  assert.equal(alone.mayGiveUp(9_000), false)
})

test('half-open: the first request probes, no other does, and what follows a failed probe is not refused', () => {
  const tools = toolsOf({ retries: new RetryBudget(0, 0) })
  const both = [deployment('a'), deployment('b')]
  for (let i = 0; i < 5; i++) {
    const plan = planOf(tools, [both[0]!])
    end(plan, plan.next(1_000)!, 'server', 1_000)
  }
  assert.equal(idOf(planOf(tools, both).next(1_001)), 'b')
  const probing = planOf(tools, both)
  const probe = probing.next(7_000)!
  assert.deepEqual([probe.deployment.id, probe.visit.isProbe], ['a', true])
  assert.equal(idOf(planOf(tools, both).next(7_001)), 'b')
  end(probing, probe, 'server', 7_100)
  assert.equal(idOf(probing.next(7_100)), 'b')
})

test('while all breakers are open after failures nothing is sent', () => {
  const tools = toolsOf()
  const both = [deployment('a'), deployment('b')]
  for (const each of both) for (let i = 0; i < 5; i++) {
    const plan = planOf(tools, [each])
    end(plan, plan.next(1_000)!, 'server', 1_000)
  }
  assert.equal(planOf(tools, both).next(1_001), null)
})

test('one that is only worse than others serves where there is no other', () => {
  const tools = toolsOf()
  const [bad, good] = [deployment('bad'), deployment('good')]
  for (let i = 0; i < 20; i++) served(tools, [good], 1_000)
  for (let i = 0; i < 20; i++) {
    const plan = planOf(tools, [bad, good].filter((each) => each === bad || i === 19))
    const target = plan.next(1_000)!
    if (target.deployment.id === 'bad') end(plan, target, i % 2 === 0 ? 'server' : null, 1_000)
    else plan.close()
  }
  const plan = planOf(tools, [bad, good])
  tools.health.ejectOutlier('bad', 1, 1_000)
  assert.equal(idOf(plan.next(1_001)), 'good')
  assert.equal(idOf(planOf(tools, [bad]).next(1_001)), 'bad')
})

test('401, 402 and 429 go to the next credential, then to the next deployment; the limited one is passed over from then on', () => {
  for (const [fault, status] of [['auth', 401], ['quota', 402], ['rate_limit', 429]] as const) {
    const tools = toolsOf()
    const both = [deployment('a', null, ['one', 'two']), deployment('b', null, ['three'])]
    const plan = planOf(tools, both)
    const used: string[] = []
    for (let target = plan.next(0); target && used.length < 3; target = plan.next(10)) {
      used.push(target.credential.id)
      end(plan, target, fault, 10, { status, cooldownMs: 60_000 })
    }
    assert.deepEqual(used, ['one', 'two', 'three'], fault)
    assert.equal(tools.health.all(10).every(({ state, successRate }) => state === 'closed' && successRate === 1), true)
    tools.credentials.worked('three')
    const next = planOf(tools, both).next(1_000)
    if (fault !== 'rate_limit') assert.equal(next?.credential.id, 'three')
  }
})

test('an answer that says that nothing is left rests its credential before it is refused', () => {
  const tools = toolsOf()
  const both = [deployment('a', null, ['one']), deployment('b', null, ['two'])]
  const plan = planOf(tools, both)
  end(plan, plan.next(0)!, null, 100, { headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '20s' } })
  assert.equal(idOf(planOf(tools, both).next(19_000)), 'b')
  assert.equal(idOf(planOf(tools, [both[0]!]).next(19_000)), 'a', 'alone it is tried all the same')
  assert.equal(idOf(planOf(tools, both).next(20_200)), 'a')
})

test('a target that the budget cannot carry costs no attempt, no retry and no place', () => {
  const tools = toolsOf({ retries: new RetryBudget(0, 0), maxAttempts: 1 })
  const plan = planOf(tools, [deployment('a', null), deployment('b', null)])
  plan.next(0)
  plan.unfit()
  assert.equal(idOf(plan.next(0)), 'b')
  plan.close()
  assert.deepEqual(tools.health.all(0).map(({ inFlight }) => inFlight), [0, 0])
})

test('of two that are equally quick the one that fails a tenth gets less than half', () => {
  const tools = toolsOf({ random: () => 0.99 })
  const both = [deployment('fails'), deployment('well')]
  for (let i = 0; i < 60; i++) {
    for (const each of both) {
      const plan = planOf(tools, [each])
      end(plan, plan.next(1_000)!, each === both[0] && i % 10 === 0 ? 'server' : null, 1_100)
    }
  }
  const counts = { fails: 0, well: 0 }
  for (let i = 0; i < 30; i++) counts[planOf(tools, both).next(1_101)!.deployment.id as keyof typeof counts]++
  assert.ok(counts.fails > 0 && counts.fails < 0.5 * counts.well, `${counts.fails} ${counts.well}`)
})

test('one that never answered gets five calls at a time while a proven one, however slow, can take the rest', () => {
  const tools = toolsOf()
  const both = [deployment('new'), deployment('slow')]
  served(tools, [both[1]!], 5_000, 4_000)
  const counts = { new: 0, slow: 0 }
  for (let i = 0; i < 20; i++) counts[planOf(tools, both).next(5_001)!.deployment.id as keyof typeof counts]++
  assert.deepEqual(counts, { new: 5, slow: 15 })
})

test('one that was passed over for 15 s is tried by one request in five, one at a time; what it did before is forgotten when that works', () => {
  for (const [chance, tried] of [[0.1, 'late'], [0.3, 'quick']] as const) {
    const tools = toolsOf({ random: () => chance })
    const both = [deployment('late'), deployment('quick')]
    for (let i = 0; i < 3; i++) {
      const plan = planOf(tools, [both[0]!])
      end(plan, plan.next(1_000)!, 'timeout', 11_000)
    }
    for (let nowMs = 11_000; nowMs < 28_000; nowMs += 500) served(tools, both.slice(1), nowMs)
    assert.equal(idOf(planOf(tools, both).next(25_500)), 'quick')
    const plan = planOf(tools, both)
    const target = plan.next(28_000)!
    assert.equal(target.deployment.id, tried)
    assert.equal(idOf(planOf(tools, both).next(28_000)), 'quick')
    if (tried !== 'late') continue
    end(plan, target, null, 28_100)
    assert.deepEqual(tools.health.all(28_100).filter(({ id }) => id === 'late').map(({ successRate, firstTokenMs }) => [successRate, firstTokenMs < 200]), [[1, true]])
  }
})

const bothAt = (provider: string, ...ids: string[]): Deployment[] => ids.map((id) => ({ ...deployment(id, null), provider: providerOf(provider, []) }))
function knownTimes({ health }: PlanTools, id: string, ms = 100): void {
  for (let i = 0; i < 20; i++) {
    const visit = health.enter(id, true, i)!
    health.began(visit, ms, i)
    health.done(visit, null, i)
  }
}

test('a second target goes to another provider, to another deployment of the same where there is none, and never where a breaker is open', () => {
  const [a1, a2] = bothAt('one', 'a1', 'a2')
  const b = deployment('b', null)
  const second = (tools: PlanTools, ...deployments: Deployment[]): string | undefined => {
    const plan = planOf(tools, deployments)
    plan.next(1_000)
    return idOf(plan.second(1_100))
  }
  assert.equal(second(toolsOf(), a1!, a2!, b), 'b')
  assert.equal(second(toolsOf(), a1!, a2!), 'a2')
  assert.equal(second(toolsOf(), a1!), undefined)
  const tools = toolsOf()
  for (let i = 0; i < 5; i++) tools.health.done(tools.health.enter('b', true, 1_000)!, 'server', 1_000)
  assert.equal(second(tools, a1!, a2!, b), 'a2')
  assert.equal(second(tools, a1!, b), undefined)
})

test('for a conversation that goes on a second target is one of the same model', () => {
  const [a, other, same] = [deployment('a', null), { ...deployment('other', null), logicalModel: 'another' }, deployment('same', null)]
  for (const [keepsModel, id] of [[false, 'other'], [true, 'same']] as const) {
    const plan = planOf(toolsOf(), [a, other, same])
    plan.next(1_000)
    assert.equal(idOf(plan.second(1_100, keepsModel)), id)
  }
  const alone = planOf(toolsOf(), [a, other])
  alone.next(1_000)
  assert.equal(alone.second(1_100, true), null)
})

test('a target is late after what is known of it, never within 20 ms, and not when its headers are due sooner', () => {
  const tools = toolsOf()
  for (const [id, ms] of [['a', 100], ['quick', 2], ['slow', 8_000]] as const) knownTimes(tools, id, ms)
  const lateMs = (...ids: string[]): number => {
    const plan = planOf(tools, ids.map((id) => deployment(id, null)))
    return plan.lateMs(plan.next(1_000)!)
  }
  assert.deepEqual([lateMs('a', 'b'), lateMs('quick', 'b'), lateMs('slow', 'b'), lateMs('unknown', 'b'), lateMs('a')], [100, 20, Infinity, Infinity, Infinity])
})

test('a second target counts as an attempt and in the retry budget, and a place that it did not use is given back', () => {
  const tools = toolsOf({ retries: new RetryBudget(0, 1), maxAttempts: 2 })
  const plan = planOf(tools, [deployment('a', null), deployment('b', null), deployment('c', null)])
  plan.next(1_000)
  plan.second(1_050)
  plan.unfitSecond()
  const second = plan.second(1_100)!
  assert.equal(plan.second(1_100), null)
  plan.doubled(1_100)
  assert.deepEqual([[...tools.retries.made], tools.health.all(1_100).map(({ inFlight }) => inFlight)], [[['hedge', 1]], [1, 1]])
  assert.equal(plan.mayGiveUp(9_000), false)
  plan.dropped(second, null, 1_200)
  plan.close()
  const next = planOf(tools, [deployment('a', null), deployment('b', null)])
  next.next(2_000)
  assert.equal(next.second(2_100), null)
})

test('of two that run at once one may fail; when the other fails too, neither is asked again while a third is left', () => {
  for (const firstFails of [true, false]) {
    const tools = toolsOf()
    const plan = planOf(tools, [deployment('a', null), deployment('b', null), deployment('c', null)])
    const first = plan.next(1_000)!
    const second = plan.second(1_100)!
    plan.doubled(1_100)
    const [gone, left] = firstFails ? [first, second] : [second, first]
    const fault = faultFrom('server', failure('upstream_error', 'x'))
    plan.ended(gone, { startedUs: 0, firstTokenUs: null, outcome: 'upstream_error', fault: { class: 'server' }, headers: {} }, 1_200, 1_200)
    plan.dropped(gone, fault, 1_200)
    end(plan, left, 'server', 1_300)
    assert.equal(idOf(plan.next(1_300)), 'c')
    plan.close()
    assert.deepEqual(tools.health.all(1_300).map(({ inFlight }) => inFlight), [0, 0, 0])
  }
})

test('a target that lost is neither a failure nor a success, may be asked again, and counts as late as it was waited for', () => {
  const tools = toolsOf()
  const plan = planOf(tools, [deployment('a', null), deployment('b', null)])
  const first = plan.next(1_000)!
  const second = plan.second(1_400)!
  plan.doubled(1_400)
  plan.ended(first, { startedUs: 1_000_000, firstTokenUs: null, outcome: 'cancelled', fault: null, headers: {} }, 1_500, 1_500)
  plan.dropped(first, null, 1_500)
  const [a] = tools.health.all(1_500)
  assert.deepEqual([a!.id, a!.successRate, a!.state, a!.firstTokenMs, a!.inFlight], ['a', 1, 'closed', 500, 0])
  end(plan, second, 'truncated', 1_600)
  assert.equal(idOf(plan.next(1_600)), 'a')
})
