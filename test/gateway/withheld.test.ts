/** What a client is told while the disk refuses the end of its attempt. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Exchange } from '../../src/gateway/exchange.ts'
import { untilEndWritten } from '../../src/gateway/secure.ts'
import type { Hold } from '../../src/ledger/hold.ts'
import { limits } from '../../src/limits.ts'
import { startRig, type Rig } from './harness.ts'
import { tightDisk } from './tight-disk.ts'

interface Waiting { rig: Rig; disk: ReturnType<typeof tightDisk>; status: () => number; text: () => string; isOver: () => boolean; over: Promise<void>; leave(): void }

/** A request whose attempt has ended, on a disk that has been full since its dispatch. */
async function ended(stream: boolean, headers: Record<string, string> = {}): Promise<Waiting> {
  const disk = tightDisk()
  const rig = await startRig({ disk: disk.over })
  rig.upstream.script('echo-20', stream ? 'pace:10' : 'delay:200')
  const leaving = new AbortController()
  let status = 0
  let text = ''
  let isOver = false
  const over = fetch(`${rig.url}/v1/chat/completions`, {
    method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json', ...headers }, signal: leaving.signal,
    body: JSON.stringify({ model: 'priced', stream, max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] }),
  }).then(async (response) => {
    status = response.status
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString()
  }).catch(() => {}).finally(() => { isOver = true })
  while (rig.upstream.log.length === 0) await wait(5)
  disk.isFull = true
  while (rig.money.ledger.openHolds > 0) await wait(5)
  // Many a turn of the event loop, in which it could have been told.
  await wait(150)
  return { rig, disk, status: () => status, text: () => text, isOver: () => isOver, over, leave: () => leaving.abort() }
}

const complete = (stream: boolean, text: string): boolean => text.includes(stream ? '[DONE]' : '"finish_reason"')

for (const stream of [false, true]) {
  const what = stream ? 'the end of a stream' : 'a plain answer'

  test(`${what} waits until the disk takes the end of its attempt`, async () => {
    const { rig, disk, status, text, isOver, over } = await ended(stream)
    assert.deepEqual([isOver(), complete(stream, text()), disk.refused > 0], [false, false, true])
    const { journal } = rig.money
    assert.ok(journal.writtenLsn < journal.lastLsn, 'the end is not written')
    disk.isFull = false
    await over
    assert.deepEqual([status(), complete(stream, text()), text().includes('"error"')], [200, true, false])
    assert.equal(journal.writtenLsn, journal.lastLsn)
    assert.equal((await rig.recorded(1))[0]!.outcome, 'success')
  })

  test(`${what} that the disk refuses until the gateway shuts down is withheld`, async () => {
    const { rig, disk, status, text, over } = await ended(stream)
    rig.gateway.live.cutAll()
    await over
    assert.deepEqual([status(), complete(stream, text())], [stream ? 200 : 503, false])
    assert.match(text(), /"code":"ledger_unavailable"/)
    const [record] = await rig.recorded(1)
    assert.deepEqual([record!.outcome, record!.errorCode], ['broken', 'ledger_unavailable'])
    assert.ok(record!.attempts[0]!.costNano > 0, 'the vendor charges it')
    disk.isFull = false
  })

  test(`${what} that waits for the disk ends with its client`, async () => {
    const { rig, disk, leave } = await ended(stream)
    leave()
    while (rig.gateway.live.count > 0) await wait(5)
    assert.equal((await rig.recorded(1))[0]!.outcome, 'cancelled')
    disk.isFull = false
  })

  test(`who repeats the request meanwhile gets ${what} when the first one does`, async () => {
    const key = { 'idempotency-key': 'once' }
    const { rig, disk, text, over } = await ended(stream, key)
    let isOver = false
    const repeat = fetch(`${rig.url}/v1/chat/completions`, {
      method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json', ...key },
      body: JSON.stringify({ model: 'priced', stream, max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] }),
    }).then((response) => response.text()).finally(() => { isOver = true })
    await wait(100)
    assert.equal(isOver, false)
    disk.isFull = false
    await over
    assert.deepEqual([await repeat, rig.upstream.log.length], [text(), 1])
  })
}

test('a disk gets half a minute to take an end', async () => {
  let nowUs = 0
  let writes = 0
  const exchange = { clock: { monotonicUs: () => nowUs, epochMs: () => 0 }, clientGone: false, cutBy: null, wake: null } as unknown as Exchange
  const refused = { write: () => void writes++, isEndWritten: false } as unknown as Hold
  const failed = await untilEndWritten(exchange, refused, (ms, run) => {
    nowUs += ms * 1000
    queueMicrotask(run)
    return () => {}
  })
  assert.deepEqual([failed?.code, nowUs], ['ledger_unavailable', limits.endRefusedMs * 1000])
  assert.ok(writes > 100, `tried ${writes} times`)
})
