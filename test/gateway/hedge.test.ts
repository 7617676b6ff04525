/** A second attempt beside a late one, with real sockets: who answers, what the other one costs and whom, and that both end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Budget } from '../../src/gateway/snapshot.ts'
import type { JournalFile } from '../../src/ledger/disk.ts'
import type { TerminalRecord } from '../../src/ledger/records.ts'
import { plainPolicy } from '../../src/routing/policy-data.ts'
import { unpackDecision } from '../../src/routing/record.ts'
import type { RequestRecord } from '../../src/store/records.ts'
import { chat, providerAt, startRig, testPrices, type Rig, type RigOptions } from './harness.ts'

const hedge = { policy: 'org_test/balanced', maxSpend: 0.1 }
const usualMs = 40
const price = { version: 'test-1', base: testPrices, tiers: [] }

interface Pair { rig: Rig; first: string; second: string; ends: TerminalRecord[]; late(): void }

/** Two models at two providers, in this order; of the first it is known how long it takes, and its policy has spent enough. */
async function startPair({ first = 'echo-3', second = 'echo-4', ...options }: RigOptions & { first?: string; second?: string } = {}): Promise<Pair> {
  const rig = await startRig({ hedge, providers: (upstream) => [providerAt('other', upstream.url)], ...options })
  rig.publish((organisation) => {
    organisation.deployments.push({ id: 'first', model: 'first', provider: 'up', upstreamModel: first, price, priceAs: null }, { id: 'second', model: 'second', provider: 'other', upstreamModel: second, price, priceAs: null })
    organisation.aliases = [{ name: 'two', strategy: 'ordered', targets: [{ model: 'first', weight: 1 }, { model: 'second', weight: 1 }] }]
  })
  const { health } = rig.gateway.tools
  for (const stream of [true, false]) for (let i = 0; i < 20; i++) {
    const visit = health.enter('org_test/first', stream, performance.now())!
    health.began(visit, usualMs, performance.now())
    health.done(visit, null, performance.now())
  }
  rig.gateway.hedges.over(hedge, 1e12, 0, 0, performance.now())
  const ends: TerminalRecord[] = []
  const { ledger } = rig.gateway.admission
  const end = ledger.end.bind(ledger)
  ledger.end = (hold, how) => {
    end(hold, how)
    const { requestId, attempt } = hold.record
    ends.push({ ...how, requestId, attempt } as TerminalRecord)
  }
  return { rig, first, second, ends, late: () => rig.upstream.script(first, 'delay:1200') }
}

const outcomes = ({ attempts }: RequestRecord): (string | null)[] => attempts.map(({ outcome }) => outcome)
const inFlight = (rig: Rig): number => rig.gateway.tools.health.all(performance.now()).reduce((sum, each) => sum + each.inFlight, 0)
const untilTrue = async (what: () => boolean): Promise<void> => {
  for (const until = performance.now() + 3_000; !what(); await new Promise((resolve) => setTimeout(resolve, 5))) assert.ok(performance.now() < until, `never: ${String(what)}`)
}

for (const stream of [false, true]) {
  const form = stream ? 'stream' : 'plain'

  test(`the second answers while the first is late: its client gets it, and the first is aborted and paid for by the gateway (${form})`, async () => {
    const { rig, first, second, ends, late } = await startPair()
    late()
    const began = performance.now()
    const reply = await chat(rig, { model: 'two', stream })
    assert.ok(performance.now() - began < 1_100, `took ${performance.now() - began} ms`)
    assert.deepEqual([reply.status, reply.headers.get('x-megarouter-attempts'), reply.headers.get('x-megarouter-route'), reply.headers.get('x-megarouter-model')], [200, '2', 'alias+hedged', 'second'])
    if (stream) assert.ok(reply.text.endsWith('data: [DONE]\n\n'))
    const [record] = await rig.recorded(1)
    assert.deepEqual([outcomes(record!), record!.attempts.map(({ final }) => final), record!.errorCode], [['cancelled', 'success'], [false, true], null])
    const [lost, won] = ends
    assert.deepEqual([lost!.attempt, lost!.kind, lost!.tenantNano, won!.attempt, won!.kind, won!.overheadNano], [1, 'void', 0, 2, 'settle', 0])
    assert.deepEqual([lost!.usage.output, lost!.overheadNano], [0, lost!.usage.input * 3_000], 'its input, and nothing of an answer that was not made')
    assert.ok(lost!.overheadNano > 0)
    await untilTrue(() => rig.upstream.arrivalsOf(first)[0]!.clientLeftAt !== null)
    assert.equal(rig.upstream.arrivalsOf(second).length, 1)
    assert.deepEqual([inFlight(rig), rig.money.ledger.held().openHolds, rig.gateway.hedges.counts, rig.gateway.hedges.spentNano], [0, 0, { started: 1, won: 1, lost: 0, refused: 0 }, lost!.overheadNano])
    const health = rig.gateway.tools.health.all(performance.now()).find(({ id }) => id === 'org_test/first')!
    assert.ok(health.state === 'closed' && health.successRate === 1, 'what was aborted is no fault')
    assert.ok((stream ? health.firstTokenMs : health.answerMs) > usualMs, 'it took at least as long as it was waited for')
  })

  test(`the first answers before the second: it is the one that the client gets (${form})`, async () => {
    const { rig, first, second, ends } = await startPair()
    rig.upstream.script(first, 'delay:150')
    rig.upstream.script(second, 'delay:1200')
    const reply = await chat(rig, { model: 'two', stream })
    assert.deepEqual([reply.status, reply.headers.get('x-megarouter-attempts'), reply.headers.get('x-megarouter-model')], [200, '2', 'first'])
    const [record] = await rig.recorded(1)
    assert.deepEqual([outcomes(record!), record!.attempts.map(({ final }) => final)], [['success', 'cancelled'], [true, false]])
    assert.deepEqual(ends.map(({ attempt, kind }) => [attempt, kind]), [[2, 'void'], [1, 'settle']])
    assert.deepEqual([inFlight(rig), rig.gateway.hedges.counts.lost], [0, 1])
  })

  test(`the first fails while both run: the second goes on in its place, and no third is made (${form})`, async () => {
    const { rig, first, second } = await startPair()
    rig.upstream.script(first, 'delay:100+status:500')
    rig.upstream.script(second, 'delay:200')
    const reply = await chat(rig, { model: 'two', stream })
    assert.deepEqual([reply.status, reply.headers.get('x-megarouter-attempts'), rig.upstream.log.length], [200, '2', 2])
    assert.deepEqual(outcomes((await rig.recorded(1))[0]!), ['upstream_error', 'success'])
    assert.deepEqual([...rig.gateway.tools.retries.made], [['hedge', 1]])
  })

  test(`the second fails while both run: the first goes on alone (${form})`, async () => {
    const { rig, first, second } = await startPair()
    rig.upstream.script(first, 'delay:300')
    rig.upstream.script(second, 'status:500')
    const reply = await chat(rig, { model: 'two', stream })
    assert.deepEqual([reply.status, reply.headers.get('x-megarouter-model'), rig.upstream.log.length], [200, 'first', 2])
    assert.deepEqual(outcomes((await rig.recorded(1))[0]!), ['success', 'upstream_error'])
  })
}

test('both fail: the client gets the error of the one that failed last, after the retry that is left', async () => {
  const { rig, first, second, ends } = await startPair()
  rig.upstream.script(first, 'delay:150+status:503')
  rig.upstream.script(second, 'status:500')
  const reply = await chat(rig, { model: 'two' })
  assert.equal(reply.status, 503)
  const [record] = await rig.recorded(1)
  assert.deepEqual(outcomes(record!), ['upstream_error', 'upstream_error', 'upstream_error'])
  assert.deepEqual([record!.attempts.map(({ model }) => model), ends.length, rig.money.ledger.held().openHolds, inFlight(rig)], [['first', 'second', 'first'], 3, 0, 0])
})

test('a client that leaves ends both, and only what was asked for first is its own', async () => {
  const { rig, first, second, ends, late } = await startPair()
  late()
  rig.upstream.script(second, 'delay:1200')
  const leaving = new AbortController()
  const asked = fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', signal: leaving.signal, headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'two', stream: true, messages: [{ role: 'user', content: 'hi' }] }) }).catch(() => null)
  await untilTrue(() => rig.upstream.arrivalsOf(second).length === 1)
  leaving.abort()
  await asked
  const [record] = await rig.recorded(1)
  assert.deepEqual([record!.outcome, outcomes(record!)], ['cancelled', ['cancelled', 'cancelled']])
  assert.deepEqual(ends.map(({ attempt, kind }) => [attempt, kind]), [[2, 'void'], [1, 'settle']])
  await untilTrue(() => rig.upstream.arrivalsOf(first)[0]!.clientLeftAt !== null && rig.upstream.arrivalsOf(second)[0]!.clientLeftAt !== null)
  assert.deepEqual([inFlight(rig), rig.money.ledger.held().openHolds], [0, 0])
})

for (const how of ['a revoked key', 'a shutdown'] as const) {
  test(`${how} ends both`, async () => {
    const { rig, second, late } = await startPair()
    late()
    rig.upstream.script(second, 'delay:1200')
    const { text, entry } = rig.addKey()
    const asked = chat(rig, { model: 'two' }, { authorization: `Bearer ${text}` })
    await untilTrue(() => rig.upstream.arrivalsOf(second).length === 1)
    if (how === 'a shutdown') rig.gateway.live.cutAll()
    else rig.gateway.live.cutKey(entry.id)
    assert.equal((await asked).status, how === 'a shutdown' ? 503 : 401)
    assert.deepEqual(outcomes((await rig.recorded(1))[0]!), ['cancelled', 'cancelled'])
    assert.deepEqual([inFlight(rig), rig.money.ledger.held().openHolds], [0, 0])
  })
}

test('the first holds back its headers while the second may still answer, and sends them once it is alone', async () => {
  const { rig, first, second } = await startPair({ deadlines: { commitAfterMs: 500, keepAliveMs: 20, firstTokenMs: 10_000 } })
  rig.upstream.script(first, 'delay:2500')
  rig.upstream.script(second, 'delay:1000')
  assert.equal((await chat(rig, { model: 'two', stream: true })).headers.get('x-megarouter-model'), 'second')
  rig.upstream.script(first, 'delay:2500')
  rig.upstream.script(second, 'delay:200+status:500')
  const began = performance.now()
  const reply = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'two', stream: true, messages: [{ role: 'user', content: 'hi' }] }) })
  const headersMs = performance.now() - began
  assert.ok((await reply.text()).endsWith('data: [DONE]\n\n'))
  assert.ok(reply.headers.get('x-megarouter-model') === 'first' && headersMs > 450 && headersMs < 2_000, `${headersMs} ms`)
})

test('no second attempt is made where the budget cannot carry both', async () => {
  const { rig, first, second } = await startPair()
  rig.upstream.script(first, 'delay:300')
  const budget: Budget = { limitNano: 2_000_000, period: 'day', mode: 'strict' }
  const { text } = rig.addKey({ budget })
  const reply = await chat(rig, { model: 'two', max_tokens: 50 }, { authorization: `Bearer ${text}` })
  assert.deepEqual([reply.status, reply.headers.get('x-megarouter-attempts'), rig.upstream.arrivalsOf(second).length], [200, '1', 0])
  const richer = rig.addKey({ budget: { ...budget, limitNano: 10_000_000 } })
  rig.upstream.script(first, 'delay:1200')
  assert.equal((await chat(rig, { model: 'two', max_tokens: 50 }, { authorization: `Bearer ${richer.text}` })).headers.get('x-megarouter-attempts'), '2')
  assert.equal(inFlight(rig), 0)
})

test('none is made before enough is known of the first, without a share of the spend, without room in the retry budget, or without another that can serve', async () => {
  const withoutSpend = await startPair()
  withoutSpend.rig.gateway.hedges.take(hedge, 1e12, performance.now())
  const withoutRetries = await startPair({ retryFloor: 0 })
  const unknown = await startPair({ first: 'echo-5' })
  unknown.rig.publish((organisation) => { organisation.aliases = [{ name: 'two', strategy: 'ordered', targets: [{ model: 'second', weight: 1 }, { model: 'first', weight: 1 }] }] })
  unknown.rig.upstream.script('echo-4', 'delay:300')
  const alone = await startPair()
  for (let i = 0; i < 5; i++) {
    const visit = alone.rig.gateway.tools.health.enter('org_test/second', true, performance.now())!
    alone.rig.gateway.tools.health.done(visit, 'server', performance.now())
  }
  for (const { rig, first } of [withoutSpend, withoutRetries, unknown, alone]) {
    rig.upstream.script(first, 'delay:300')
    const reply = await chat(rig, { model: 'two', stream: true })
    assert.deepEqual([reply.status, reply.headers.get('x-megarouter-attempts')], [200, '1'])
  }
  assert.equal(withoutSpend.rig.gateway.hedges.counts.refused, 1)
})

test('a request with an Idempotency-Key is hedged like any other, charged once, and repeated with the same bytes', async () => {
  const { rig, ends, late } = await startPair()
  late()
  const headers = { 'idempotency-key': 'one' }
  const reply = await chat(rig, { model: 'two' }, headers)
  assert.equal(reply.headers.get('x-megarouter-attempts'), '2')
  const again = await chat(rig, { model: 'two' }, headers)
  assert.deepEqual([again.text, again.headers.get('x-megarouter-replayed') !== null, rig.upstream.log.length], [reply.text, true, 2])
  assert.deepEqual(ends.filter(({ tenantNano }) => tenantNano > 0).map(({ attempt }) => attempt), [2])
})

test('a vendor that bills after an abort: what was lost is what was held, and counts against the share', async () => {
  const { rig, ends, late } = await startPair({ vendor: { billsAfterAbort: true } })
  late()
  assert.equal((await chat(rig, { model: 'two', max_tokens: 100 })).headers.get('x-megarouter-attempts'), '2')
  const [lost] = ends
  assert.ok(lost!.tenantNano === 0 && lost!.overheadNano >= 100 * 15_000, `${lost!.overheadNano}`)
  assert.equal(rig.gateway.hedges.spentNano, lost!.overheadNano)
})

test('a routing policy has its requests hedged within its own share, and what answers is what is learned from; requests of other policies wait', async () => {
  const { rig, first, second } = await startPair({ hedge: null })
  rig.publish((organisation) => {
    const candidates = ['first', 'second'].map((model) => ({ model, effort: null, when: null }))
    organisation.routing = [{ ...plainPolicy('quick', 'balanced'), candidates, exploreShare: 0, hedge: { maxSpend: 0.05 } }, { ...plainPolicy('patient', 'balanced'), candidates, exploreShare: 0 }]
  })
  const share = { policy: 'org_test\nquick', maxSpend: 0.05 }
  rig.gateway.hedges.over(share, 1e12, 0, 0, performance.now())
  const { understander } = rig.gateway.routing.of(rig.snapshot().organisations.get('org_test')!).router
  for (let i = 0; i < 60; i++) for (const [arm, value] of [['first', 1], ['second', 0.2]] as const) for (const tools of [false, true]) rig.gateway.routing.take('org_test', arm, '', understander.understand('hello', { tools, images: false }), { kind: 'feedback', value })
  rig.upstream.script(first, 'delay:400')
  const patient = await chat(rig, { model: 'auto:patient' })
  assert.deepEqual([patient.headers.get('x-megarouter-attempts'), patient.headers.get('x-megarouter-model')], ['1', 'first'])
  rig.upstream.script(first, 'delay:1200')
  const quick = await chat(rig, { model: 'auto:quick' })
  assert.deepEqual([quick.headers.get('x-megarouter-route'), quick.headers.get('x-megarouter-attempts'), quick.headers.get('x-megarouter-model'), rig.upstream.arrivalsOf(second).length], ['auto:quick+hedged', '2', 'second', 1])
  const messages = [{ role: 'user', content: 'hello' }, { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'call_1', content: '1' }]
  const looping = await chat(rig, { model: 'auto:quick', messages, tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }] })
  assert.deepEqual([looping.headers.get('x-megarouter-model'), looping.headers.get('x-megarouter-attempts'), rig.upstream.arrivalsOf(second).length], ['first', '1', 1], 'inside a loop of tools the model is not changed')
  await rig.recorded(2)
  rig.gateway.routing.flush()
  assert.deepEqual(rig.routed.decisions.slice(0, 2).map(({ body }) => unpackDecision(body)!).map(({ served, record }) => [record.chosen, served]), [['first', 'first'], ['first', 'second']])
})

test('the client gets nothing before both dispatches survive a loss of power', async () => {
  const syncMs = 250
  const slowly = (file: JournalFile): JournalFile => ({ write: (...all) => file.write(...all), sync: (done) => void setTimeout(() => file.sync(done), syncMs), close: () => file.close() })
  const { rig, first, second } = await startPair({ disk: (disk) => ({ ...disk, list: () => disk.list(), read: (name) => disk.read(name), remove: (name) => disk.remove(name), open: (name) => slowly(disk.open(name)), create: (name, bytes, done) => disk.create(name, bytes, (error, file) => done(error, file && slowly(file))) }) })
  rig.upstream.script(first, 'delay:100')
  rig.upstream.script(second, 'delay:1200')
  const began = performance.now()
  const reply = await chat(rig, { model: 'two', stream: true })
  // The sync that follows the second dispatch begins when that of the first has ended.
  assert.ok(reply.headers.get('x-megarouter-model') === 'first' && performance.now() - began >= 2 * syncMs, `${performance.now() - began} ms`)
})
