/** A killed gateway starts again and has lost no usage that was older than a second; a stopped one cuts nobody. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../gateway-process.ts'
import { startUpstream } from '../upstream/server.ts'
import { recordedIds, startLoad } from './load.ts'

const proof = process.env['MEGAROUTER_PROOF'] === '1'
const kills = proof ? 20 : 2
const streams = proof ? 500 : 50

test(`kill -9 under load × ${kills}: no accepted usage older than 1 s is lost`, async (t) => {
  const upstream = await startUpstream({})
  const gateway = await startGateway({ env: { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: upstream.url } })
  t.after(async () => { await gateway.remove(); await upstream.close() })
  const { key } = await gateway.createKey()
  let accepted = 0
  const restartMs: number[] = []
  for (let round = 0; round < kills; round++) {
    const load = startLoad(gateway.url, key, 'openai/echo-5', 8)
    await new Promise((resolve) => setTimeout(resolve, 1800 + 40 * round))
    const killedAt = Date.now()
    await gateway.kill()
    await load.stop()
    await gateway.start()
    restartMs.push(Math.round(gateway.readyAfterMs))
    const recorded = await recordedIds((method, path) => gateway.admin(method, path))
    const due = load.answered.filter(({ at }) => at < killedAt - 1000)
    accepted += due.length
    assert.ok(due.length > 0, 'the load reached the gateway')
    assert.deepEqual(due.filter(({ id }) => !recorded.has(id)), [], `lost after kill ${round + 1}`)
  }
  if (proof) assert.ok(Math.max(...restartMs) <= 2000, `ready after ${Math.max(...restartMs)} ms`)
  t.diagnostic(`${kills} kills, ${accepted} requests due, 0 lost, ready after ${Math.min(...restartMs)}–${Math.max(...restartMs)} ms`)
})

test(`SIGTERM with ${streams} open streams: none is cut, new requests are refused, all are recorded`, async (t) => {
  const upstream = await startUpstream({})
  const gateway = await startGateway({ env: { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: upstream.url } })
  t.after(async () => { await gateway.remove(); await upstream.close() })
  const { key } = await gateway.createKey()
  const open = (): Promise<Response> => fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'openai/echo-40+pace:60', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  })
  const responses = await Promise.all(Array.from({ length: streams }, open))
  const texts = responses.map((response) => response.text())
  const ended = gateway.stop('SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const late = await open().then((response) => response.status, () => 'refused')
  assert.ok(late === 503 || late === 'refused', `a request after SIGTERM got ${late}`)
  const whole = (await Promise.all(texts)).filter((text) => text.endsWith('data: [DONE]\n\n')).length
  assert.equal(whole, streams)
  assert.deepEqual(await ended, { code: 0, signal: null })
  await gateway.start()
  const recorded = await recordedIds((method, path) => gateway.admin(method, path))
  assert.ok(responses.every(({ headers }) => recorded.has(headers.get('x-megarouter-request-id')!)))
})
