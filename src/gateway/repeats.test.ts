import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { Repeats, Run, type PastRequest, type Replay, type RepeatOptions } from './repeats.ts'

/** A client: takes `room` bytes before it makes the writer wait; its close comes in a later turn, as a socket's does. */
class FakeResponse extends EventEmitter {
  destroyed = false
  writableFinished = false
  status = 0
  headers: Record<string, string> = {}
  room = Infinity
  #received: Buffer[] = []
  #ended = false

  get text(): string {
    return Buffer.concat(this.#received).toString('latin1')
  }

  writeHead(status: number, headers: Record<string, string>): void {
    assert.equal(this.status, 0, 'a head is sent once')
    this.status = status
    this.headers = headers
  }

  write(bytes: Buffer): boolean {
    assert.ok(!this.#ended && !this.destroyed && this.status > 0)
    this.#received.push(Buffer.from(bytes))
    this.room -= bytes.length
    return this.room > 0
  }

  end(): void {
    this.#ended = true
    if (this.room > 0) this.finish()
  }

  /** Reads on. */
  drain(room: number): void {
    this.room = room
    if (this.destroyed) return
    if (this.#ended) this.finish()
    else this.emit('drain')
  }

  finish(): void {
    this.writableFinished = this.destroyed = true
    setImmediate(() => this.emit('close'))
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    setImmediate(() => this.emit('close'))
  }
}

interface Fake { exchange: Exchange; response: FakeResponse }
const clock = { now: 1_000_000, epochMs: () => clock.now, monotonicUs: () => clock.now * 1000 }
const protocol = { keepAlive: ': alive\n\n' }
let requests = 0

function client(key: string, body = 'body', change: { keyId?: string; path?: string } = {}): Fake {
  const response = new FakeResponse()
  const exchange: unknown = {
    id: `req_${++requests}`, at: clock.now * 1000, clock, response, protocol, request: { headers: { 'idempotency-key': key } }, key: { id: change.keyId ?? 'key_1' },
    endpoint: { path: change.path ?? '/chat' }, inPath: {}, body: Buffer.from(body), snapshot: { settings: { deadlines: { clientStallMs: 1000, keepAliveMs: 500 } } },
    route: null, cutBy: null, status: 0, outcome: 'refused', responseBytes: 0, enter() {}, overheadUs: () => 0,
  }
  return { exchange: exchange as Exchange, response }
}

function repeatsWith(change: Partial<RepeatOptions['limits']> = {}, lookup: RepeatOptions['lookup'] = () => Promise.resolve(null)): Repeats {
  return new Repeats({ clock, lookup, limits: { replayBytes: 1 << 20, replayAnswerBytes: 1 << 16, replayMs: 1000, ...change } })
}
const deadlines = new Deadlines()
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function first(repeats: Repeats, { exchange }: Fake): Promise<Run> {
  const begun = await repeats.begin(exchange)
  assert.ok(begun instanceof Run, JSON.stringify(begun))
  return begun
}
async function repeat(repeats: Repeats, { exchange }: Fake): Promise<Replay> {
  const begun = await repeats.begin(exchange)
  assert.ok(begun && 'serve' in begun, JSON.stringify(begun))
  return begun
}
async function refusal(repeats: Repeats, { exchange }: Fake): Promise<string> {
  const begun = await repeats.begin(exchange)
  return begun && 'code' in begun ? begun.code : 'none'
}
const headers = (): Record<string, string> => ({ 'content-type': 'text/event-stream', 'x-request-id': 'upstream-1', 'x-ratelimit-limit-requests': '5', 'x-megarouter-request-id': 'wrong', 'x-megarouter-overhead-ms': '9' })

test('a repeat has the headers of the first answer and its own of the request', async () => {
  const repeats = repeatsWith()
  const origin = client('k')
  const run = await first(repeats, origin)
  run.answer(200, headers(), Buffer.from('whole'))
  run.finish(true)
  const again = client('k')
  assert.equal(await (await repeat(repeats, again)).serve(again.exchange, deadlines), null)
  assert.deepEqual([again.response.status, again.response.text], [200, 'whole'])
  assert.deepEqual(again.response.headers, {
    'content-type': 'text/event-stream', 'x-request-id': 'upstream-1', 'x-megarouter-request-id': again.exchange.id, 'x-megarouter-replayed': origin.exchange.id, 'x-megarouter-overhead-ms': '0.00',
  })
  assert.deepEqual([again.exchange.status, again.exchange.outcome, again.exchange.responseBytes], [200, 'success', 5])
})

test('a request id that is ours and not the upstream’s is the repeat’s own', async () => {
  const repeats = repeatsWith()
  const [origin, again] = [client('k'), client('k')]
  const run = await first(repeats, origin)
  run.answer(200, { 'x-request-id': origin.exchange.id }, Buffer.from('whole'))
  run.finish(true)
  await (await repeat(repeats, again)).serve(again.exchange, deadlines)
  assert.equal(again.response.headers['x-request-id'], again.exchange.id)
})

test('ten that come during the lookup ask once; one begins, the others follow it', async () => {
  let asked = 0
  const repeats = repeatsWith({}, () => new Promise((resolve) => { asked++; setTimeout(resolve, 20, null) }))
  const begun = await Promise.all(Array.from({ length: 10 }, () => repeats.begin(client('k').exchange)))
  assert.equal(asked, 1)
  assert.equal(begun.filter((each) => each instanceof Run).length, 1)
  assert.deepEqual([repeats.followed, repeats.replayed], [9, 0])
})

test('a lookup that fails refuses all that wait for it, and is asked again by the next', async () => {
  const answers: (PastRequest | null | Error)[] = [new Error('gone'), null]
  const repeats = repeatsWith({}, async () => {
    const answer = answers.shift()!
    if (answer instanceof Error) throw answer
    return answer
  })
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => refusal(repeats, client('k')))), Array(3).fill('ledger_unavailable'))
  await first(repeats, client('k'))
})

test('a client that left during the lookup begins nothing: the next one in line does', async () => {
  const repeats = repeatsWith({}, () => new Promise((resolve) => setTimeout(resolve, 20, null)))
  const [left, next] = [client('k'), client('k')]
  const both = [repeats.begin(left.exchange), repeats.begin(next.exchange)]
  left.response.destroy()
  const [leftBegun, nextBegun] = await Promise.all(both)
  assert.ok(leftBegun && 'code' in leftBegun)
  assert.ok(nextBegun instanceof Run)
})

test('keys are told apart by API key, key text and body by endpoint and bytes', async () => {
  const repeats = repeatsWith()
  const marks = new Set<string>()
  for (const [key, keyId] of [['a', 'key_1'], ['b', 'key_1'], ['a', 'key_2'], ['y\0', 'x'], ['y', 'x\0']] as const) {
    if (key.includes('\0')) continue
    marks.add(Buffer.from((await first(repeats, client(key, 'body', { keyId }))).mark.key).toString('hex'))
  }
  assert.equal(marks.size, 4)
  for (const other of [client('a', 'other'), client('a', 'body', { path: '/completions' }), client('a', '')]) assert.equal(await refusal(repeats, other), 'idempotency_key_reused')
  assert.equal(repeats.conflicts, 3)
})

test('a body of many slices is hashed whole', async () => {
  const repeats = repeatsWith()
  const large = 'x'.repeat(9 << 20)
  await first(repeats, client('k', large))
  await repeat(repeats, client('k', large))
  assert.equal(await refusal(repeats, client('k', `${large.slice(1)}y`)), 'idempotency_key_reused')
})

test('a follower of a stream that outgrows its recording gets all of it as long as it keeps up; a slow one is cut', async () => {
  const repeats = repeatsWith({ replayAnswerBytes: 1000 })
  const run = await first(repeats, client('k'))
  const [quick, slow] = [client('k'), client('k')]
  slow.response.room = 1
  const served = Promise.all([quick, slow].map(async (each) => (await repeat(repeats, each)).serve(each.exchange, deadlines)))
  await turn()
  run.head(200, headers())
  let text = ''
  for (let i = 0; i < 100; i++) {
    const chunk = `data: ${i} ${'x'.repeat(i * 20)}\n\n`
    text += chunk
    run.chunk(Buffer.from(chunk))
    assert.ok(repeats.heldBytes < 1000 + 1024)
    if (i === 50) assert.equal(await refusal(repeats, client('k')), 'idempotency_answer_gone', 'its beginning is gone')
  }
  assert.ok(run.wanted)
  slow.response.drain(Infinity)
  run.end(false)
  run.finish(true)
  assert.deepEqual(await served, [null, null])
  assert.equal(quick.response.text, text)
  assert.ok(text.startsWith(slow.response.text) && slow.response.text.length < text.length)
  assert.deepEqual([quick.exchange.outcome, slow.exchange.outcome, slow.response.writableFinished], ['success', 'broken', false])
  assert.equal(await refusal(repeats, client('k')), 'idempotency_answer_gone')
})

test('a stream that outgrows its recording with nobody following is not kept alive for a repeat', async () => {
  const repeats = repeatsWith({ replayAnswerBytes: 1000 })
  const run = await first(repeats, client('k'))
  run.head(200, headers())
  run.chunk(Buffer.alloc(900))
  assert.ok(run.wanted)
  run.chunk(Buffer.alloc(900))
  assert.ok(!run.wanted)
})

test('a request that ends without an answer: those that waited are told, and the key is free unless it cost something', async () => {
  for (const [pinned, code] of [[false, 'internal_error'], [true, 'idempotency_answer_gone']] as const) {
    const repeats = repeatsWith()
    const run = await first(repeats, client('k'))
    const waiting = client('k')
    const served = (await repeat(repeats, waiting)).serve(waiting.exchange, deadlines)
    run.finish(pinned)
    assert.equal((await served)!.code, code)
    assert.equal(waiting.response.status, 0)
    if (pinned) assert.equal(await refusal(repeats, client('k')), code)
    else await first(repeats, client('k'))
  }
})

test('an answer is dropped after its time; the ledger still knows the key', async () => {
  let past: PastRequest | null = null
  const repeats = repeatsWith({}, () => Promise.resolve(past))
  const run = await first(repeats, client('k'))
  run.answer(200, headers(), Buffer.from('whole'))
  run.finish(true)
  clock.now += 999
  repeats.sweep()
  await repeat(repeats, client('k'))
  past = { ...run.mark, requestId: 'req_1', at: clock.now }
  clock.now += 1
  repeats.sweep()
  assert.equal(repeats.heldBytes, 0)
  assert.equal(await refusal(repeats, client('k')), 'idempotency_answer_gone')
  past = null
  assert.equal(await refusal(repeats, client('k')), 'idempotency_answer_gone', 'the ledger is asked once')
  clock.now += 1000
  repeats.sweep()
  assert.equal(repeats.heldBytes, 0)
})

test('a reader that takes nothing for too long is cut, one that waits for the first gets keep-alives between events', async () => {
  const repeats = repeatsWith()
  const run = await first(repeats, client('k'))
  const [stalled, waiting] = [client('k'), client('k')]
  stalled.response.room = 1
  const served = Promise.all([stalled, waiting].map(async (each) => (await repeat(repeats, each)).serve(each.exchange, deadlines)))
  await turn()
  run.head(200, headers())
  run.chunk(Buffer.from('data: 1\n\n'))
  const wait = (ms: number): void => { clock.now += ms; deadlines.tick(clock.now * 1000) }
  wait(501)
  run.chunk(Buffer.from('data: '))
  wait(501)
  assert.ok(stalled.response.destroyed)
  run.chunk(Buffer.from('2\n\n'))
  run.end(false)
  run.finish(true)
  await served
  assert.equal(waiting.response.text, 'data: 1\n\n: alive\n\ndata: 2\n\n')
  assert.equal(stalled.exchange.outcome, 'cancelled')
})

test('errors of freed keys that slow clients still read count as memory, and make room', async () => {
  const repeats = repeatsWith({ replayBytes: 8 * 1024 })
  const readers: Promise<unknown>[] = []
  const slow: Fake[] = []
  for (let i = 0; i < 4; i++) {
    const run = await first(repeats, client(`k${i}`))
    const fake = client(`k${i}`)
    fake.response.room = 1
    slow.push(fake)
    readers.push((await repeat(repeats, fake)).serve(fake.exchange, deadlines))
    run.answer(500, headers(), Buffer.alloc(3000))
    run.finish(false)
    assert.ok(repeats.heldBytes <= 8 * 1024)
  }
  assert.equal(slow[3]!.response.status, 500, 'the newest is not the one to go')
  for (const { response } of slow) response.drain(Infinity)
  await Promise.all(readers)
  assert.equal(repeats.heldBytes, 0)
})

test('a reader whose key is revoked is told so where it still waits, else cut', async () => {
  const repeats = repeatsWith()
  const run = await first(repeats, client('k'))
  const [waiting, reading] = [client('k'), client('k')]
  const cut = async ({ exchange }: Fake, served: Promise<unknown>): Promise<unknown> => {
    exchange.cutBy = 'key'
    deadlines.tick(clock.now * 1000)
    return served
  }
  assert.equal((await cut(waiting, (await repeat(repeats, waiting)).serve(waiting.exchange, deadlines)) as { code: string }).code, 'key_revoked')
  const served = (await repeat(repeats, reading)).serve(reading.exchange, deadlines)
  run.head(200, headers())
  assert.equal(await cut(reading, served), null)
  assert.deepEqual([reading.response.destroyed, reading.response.writableFinished, reading.exchange.outcome], [true, false, 'broken'])
})

/** Answers that can be told apart at every byte. */
const content = (seed: number, length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => 97 + ((seed * 7 + i * 3 + (i >> 5)) % 26)))

test('whatever comes in whatever order: memory stays within its bound, nobody gets a wrong byte, nothing is left over', async () => {
  const replayBytes = 12 * 1024
  const step = fc.record({ do: fc.constantFrom('begin', 'begin', 'follow', 'follow', 'chunk', 'chunk', 'chunk', 'end', 'finish', 'drain', 'leave', 'sweep'), which: fc.nat(1000), size: fc.nat(3000), pinned: fc.boolean() })
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }), async (steps) => {
    const repeats = repeatsWith({ replayBytes, replayAnswerBytes: 4096 })
    const runs: { run: Run; key: string; told: string; open: boolean }[] = []
    const told = new Map<string, string>()
    const readers: { fake: Fake; served: Promise<unknown>; origin: string }[] = []
    const pick = <T>(list: T[], which: number): T | undefined => list[which % list.length]
    for (const [i, { do: what, which, size, pinned }] of steps.entries()) {
      const now = pick(runs, which)
      if (what === 'begin' && runs.length < 8) {
        const fake = client(`k${i}`)
        const run = await first(repeats, fake)
        runs.push({ run, key: `k${i}`, told: fake.exchange.id, open: true })
        told.set(fake.exchange.id, '')
        run.head(200, headers())
      } else if (what === 'follow' && now) {
        const fake = client(now.key)
        fake.response.room = size
        const begun = await repeats.begin(fake.exchange)
        if (begun && 'serve' in begun) readers.push({ fake, served: begun.serve(fake.exchange, deadlines), origin: now.told })
      } else if (what === 'chunk' && now?.open) {
        const bytes = content(i, size)
        told.set(now.told, told.get(now.told)! + bytes.toString())
        now.run.chunk(bytes)
      } else if (what === 'end' && now?.open) {
        now.run.end(false)
        now.open = false
      } else if (what === 'finish' && now) {
        now.run.finish(pinned)
        runs.splice(runs.indexOf(now), 1)
      } else if (what === 'drain') pick(readers, which)?.fake.response.drain(size)
      else if (what === 'leave') pick(readers, which)?.fake.response.destroy()
      else if (what === 'sweep') { clock.now += which; repeats.sweep() }
      assert.ok(repeats.heldBytes <= replayBytes, `${repeats.heldBytes} bytes held after ${what}`)
      await turn()
    }
    for (const { run, open } of runs) {
      if (open) run.end(false)
      run.finish(true)
    }
    for (const { fake } of readers) fake.response.drain(Infinity)
    await Promise.all(readers.map(({ served }) => served))
    for (const { fake: { response }, origin } of readers) {
      if (response.writableFinished) assert.equal(response.text, told.get(origin))
      else assert.ok(told.get(origin)!.startsWith(response.text))
    }
    clock.now += 10_000
    repeats.sweep()
    assert.equal(repeats.heldBytes, 0)
  }), { numRuns: 3_000 })
})

test('a flood of keys: memory stays within its bound, the newest answers stay', async () => {
  const repeats = repeatsWith({ replayBytes: 256 * 1024 })
  for (let i = 0; i < 5000; i++) {
    const run = await first(repeats, client(`k${i}`))
    run.answer(200, headers(), content(i, 500))
    run.finish(true)
    assert.ok(repeats.heldBytes <= 256 * 1024)
  }
  const again = client('k4999')
  await (await repeat(repeats, again)).serve(again.exchange, deadlines)
  assert.equal(again.response.text, content(4999, 500).toString())
  assert.equal(await refusal(repeats, client('k4780')), 'idempotency_answer_gone', 'keys are remembered longer than their answers')
})
