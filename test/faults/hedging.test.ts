/** What hedging gains and costs where one request of twenty is slow: with the real data plane, and on a clock of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deployment, Provider } from '../../src/gateway/snapshot.ts'
import { vendor } from '../../src/providers/provider.ts'
import { CredentialTurns } from '../../src/routing/credentials.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { HedgeBudget, type Hedging } from '../../src/routing/hedge-budget.ts'
import { Plan, type PlanTools, type Target } from '../../src/routing/plan.ts'
import { RetryBudget } from '../../src/routing/retry-budget.ts'
import { seeded } from '../../src/simulated/random.ts'
import { fastDeadlines, providerAt, startRig, testPrices, type Rig } from '../gateway/harness.ts'

const isProof = process.env['MEGAROUTER_PROOF'] === '1'
const slowMs = 1_000
const mostSpend = 0.06
const hedge: Hedging = { policy: 'org_test/balanced', maxSpend: mostSpend }
const p99 = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1]!

/** Long enough for the input, which is what an aborted attempt costs, to be most of the cost. */
const prompt = 'What is served, and by whom? '.repeat(70)

/** Until the first token of one streamed answer. */
async function firstTokenMs(rig: Rig): Promise<number> {
  const began = performance.now()
  const response = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'two', stream: true, messages: [{ role: 'user', content: prompt }] }) })
  assert.equal(response.status, 200)
  let firstMs = 0
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (firstMs === 0 && text.includes('"content":')) firstMs = performance.now() - began
  }
  assert.ok(text.endsWith('data: [DONE]\n\n'))
  return firstMs
}

interface Measured { p99Ms: number; extraSpend: number; extraRequests: number; hedges: number }

/** Two providers of one model in an order, the first of which is slow once in twenty times. */
async function measured(hedging: Hedging | undefined, requests: number): Promise<Measured> {
  const rig = await startRig({ ...(hedging && { hedge: hedging }), deadlines: { firstTokenMs: 20_000 }, providers: (upstream) => [providerAt('other', upstream.url)] })
  rig.publish((organisation) => {
    const price = { version: 'test-1', base: testPrices, tiers: [] }
    organisation.deployments.push(...(['up', 'other'] as const).map((provider) => ({ id: provider, model: provider, provider, upstreamModel: provider === 'up' ? 'echo-40' : 'echo-41', price, priceAs: null })))
    organisation.aliases = [{ name: 'two', strategy: 'ordered', targets: [{ model: 'up', weight: 1 }, { model: 'other', weight: 1 }] }]
  })
  rig.upstream.script('echo-40', `delay:${slowMs}+percent:5`)
  const spend = { tenant: 0, overhead: 0 }
  const { ledger } = rig.gateway.admission
  const end = ledger.end.bind(ledger)
  ledger.end = (hold, how) => {
    end(hold, how)
    spend.tenant += how.tenantNano
    spend.overhead += how.overheadNano
  }
  const times: number[] = []
  let left = requests
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (left-- > 0) times.push(await firstTokenMs(rig))
  }))
  await rig.recorded(requests)
  // What a process meets before it knows how long answers take is not what this is about.
  const warm = times.slice(Math.floor(requests / 5))
  return { p99Ms: p99(warm), extraSpend: spend.overhead / spend.tenant, extraRequests: rig.upstream.log.length / requests - 1, hedges: rig.gateway.hedges.counts.started }
}

test('with one slow request of twenty hedging halves the p99 of the time to the first token at least, for six percent of the spend at most', { timeout: 300_000 }, async (t) => {
  const requests = isProof ? 4_000 : 700
  const [without, hedged] = [await measured(undefined, requests), await measured(hedge, requests)]
  t.diagnostic(`p99 of the time to the first token: ${without.p99Ms.toFixed(0)} ms without, ${hedged.p99Ms.toFixed(0)} ms with hedging; ${(100 * hedged.extraSpend).toFixed(2)} % more spend, ${(100 * hedged.extraRequests).toFixed(2)} % more requests, ${hedged.hedges} hedges of ${requests} requests`)
  assert.ok(without.p99Ms >= slowMs && without.hedges === 0, JSON.stringify(without))
  assert.ok(hedged.p99Ms <= without.p99Ms / 2, JSON.stringify(hedged))
  assert.ok(hedged.extraSpend <= mostSpend && hedged.extraRequests <= 0.1, JSON.stringify(hedged))
})

const providerOf = (id: string): Provider => ({ id, identity: id, vendor: vendor({ id, name: id, docs: '' }), baseUrl: '', origin: '', pathPrefix: '', socketPath: null, guarded: false, own: null, isOpen: true, credentials: [] })
const deploymentAt = (id: string): Deployment => ({ id, identity: id, provider: providerOf(id), upstreamModel: 'up', logicalModel: 'm', group: null, price: null, contextTokens: 0, outputTokens: 0, reasoning: null, outputModalities: null })

/** Requests one after another on a clock of their own; an answer costs `answerNano`, of which the input is `inputNano`. */
class World {
  readonly tools: PlanTools = { health: new HealthBook(() => 0.5), credentials: new CredentialTurns(), retries: new RetryBudget(0.1, 30), random: () => 0.01, maxAttempts: 4, maxRetryAfterMs: 1_000 }
  readonly hedges = new HedgeBudget()
  readonly times: number[] = []
  readonly #both = [deploymentAt('a'), deploymentAt('b')]
  readonly #random: () => number
  readonly #slowShare: number
  readonly #inputNano: number
  #nowMs = 0
  spentNano = 0

  constructor(seed: number, slowShare: number, inputNano: number) {
    this.#random = seeded(seed)
    this.#slowShare = slowShare
    this.#inputNano = inputNano
  }

  ask(hedging: Hedging | null): void {
    const plan = new Plan(this.#both, this.tools, true, { ...fastDeadlines, firstTokenMs: 20_000 })
    const atMs = (this.#nowMs += 100)
    const first = plan.next(atMs)!
    const tookMs = this.#takes(this.#slowShare)
    const lateMs = hedging === null ? Infinity : plan.lateMs(first)
    const second = tookMs > lateMs && this.hedges.hasRoom(hedging!, this.#inputNano, atMs + lateMs) ? plan.second(atMs + lateMs) : null
    if (second === null) this.#answered(plan, first, atMs, tookMs)
    else this.#raced(plan, hedging!, first, second, atMs, tookMs, lateMs)
    plan.close()
    this.spentNano += 1_000
    if (hedging !== null) this.hedges.over(hedging, 1_000, second === null ? 0 : this.#inputNano, second === null ? 0 : this.#inputNano, this.#nowMs)
  }

  #raced(plan: Plan, hedging: Hedging, first: Target, second: Target, atMs: number, tookMs: number, lateMs: number): void {
    plan.doubled(atMs + lateMs)
    this.hedges.take(hedging, this.#inputNano, atMs + lateMs)
    const secondMs = lateMs + this.#takes(0)
    const [winner, loser, ms] = tookMs < secondMs ? [first, second, tookMs] : [second, first, secondMs]
    plan.ended(loser, { startedUs: 0, firstTokenUs: null, outcome: 'cancelled', fault: null, headers: {} }, atMs + ms, atMs + ms)
    plan.dropped(loser, null, atMs + ms)
    this.#answered(plan, winner, winner === first ? atMs : atMs + lateMs, winner === first ? ms : ms - lateMs)
    this.times[this.times.length - 1] = ms
  }

  #answered(plan: Plan, target: Target, atMs: number, tookMs: number): void {
    plan.ended(target, { startedUs: atMs * 1000, firstTokenUs: (atMs + tookMs) * 1000, outcome: 'success', fault: null, headers: {} }, atMs + tookMs, atMs + tookMs)
    this.times.push(tookMs)
    this.#nowMs = Math.max(this.#nowMs, atMs + tookMs)
  }

  #takes(slowShare: number): number {
    const usualMs = 200 * Math.exp(0.3 * (this.#random() + this.#random() + this.#random() - 1.5))
    return this.#random() < slowShare ? 10 * usualMs : usualMs
  }
}

test('the same on a clock of its own, for many seeds, shares of slow answers and prices; where all are slow the share of the spend and the retry budget hold', () => {
  for (const [slowShare, inputNano] of [[0.02, 300], [0.05, 300], [0.05, 900], [0.07, 500], [1, 300], [1, 900]] as const) {
    for (let seed = 1; seed <= 5; seed++) {
      const [without, hedged] = [new World(seed, slowShare, inputNano), new World(seed, slowShare, inputNano)]
      for (let i = 0; i < 3_000; i++) {
        without.ask(null)
        hedged.ask(hedge)
      }
      const extra = hedged.hedges.spentNano / hedged.spentNano
      const told = `${slowShare} ${inputNano} ${seed}: ${p99(without.times)} to ${p99(hedged.times)} for ${extra}`
      assert.ok(extra <= mostSpend, told)
      assert.ok(hedged.hedges.counts.started <= 0.1 * 3_000 + 30, told)
      if (slowShare < 1 && inputNano < 900) assert.ok(p99(hedged.times.slice(500)) <= p99(without.times.slice(500)) / 2, told)
    }
  }
})
