/** Feedback in the real process and its database: for a request that has just ended, and long after, through a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../gateway-process.ts'
import { startUpstream } from '../upstream/server.ts'

test('a request is known to feedback as soon as it has ended and after a restart, and what is told twice is kept once', async (t) => {
  const upstream = await startUpstream({})
  const gateway = await startGateway({ config: `providers:\n  lab: { base_url: "${upstream.url}", credentials: [sk-test] }\n` })
  t.after(async () => { await gateway.remove(); await upstream.close() })
  const { key } = await gateway.createKey()
  const post = (path: string, body: object) => fetch(gateway.url + path, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const served = await post('/v1/chat/completions', { model: 'lab/echo-5', messages: [{ role: 'user', content: 'hi' }], megarouter: { session: 'order-7' } })
  await served.text()
  const requestId = served.headers.get('x-megarouter-request-id')
  const tell = async (target: object): Promise<{ status: number; body: { id: string; requests: number; learned: number; replaced: boolean } }> => {
    const response = await post('/v1/feedback', { target, metric: 'quality', value: true })
    return { status: response.status, body: await response.json() as never }
  }
  const first = await tell({ request_id: requestId })
  assert.deepEqual([first.status, first.body.requests, first.body.replaced], [202, 1, false])
  await gateway.stop()
  await gateway.start()
  const again = await tell({ request_id: requestId })
  assert.deepEqual([again.status, again.body], [202, { id: first.body.id, requests: 1, learned: 0, replaced: true }])
  assert.deepEqual((await tell({ session: 'order-7' })).body.requests, 1)
  assert.equal((await tell({ session: 'order-8' })).status, 404)
})

test('a judgement of what the router chose teaches it after a restart as at once', async (t) => {
  const upstream = await startUpstream({})
  const gateway = await startGateway({ config: `providers:
  lab: { base_url: "${upstream.url}", credentials: [sk-test] }
deployments:
  - { model: large, provider: lab, upstream_model: echo-20, price: { input: 10, output: 40 } }
  - { model: small, provider: lab, upstream_model: echo-3, price: { input: 0.1, output: 0.4 } }
` })
  t.after(async () => { await gateway.remove(); await upstream.close() })
  const { key } = await gateway.createKey()
  const post = (path: string, body: object) => fetch(gateway.url + path, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const auto = async (): Promise<string | null> => {
    const served = await post('/v1/chat/completions', { model: 'auto', messages: [{ role: 'user', content: 'hi' }] })
    assert.equal(served.status, 200, await served.text())
    return served.headers.get('x-megarouter-request-id')
  }
  const learned = async (id: string | null): Promise<number> => (await (await post('/v1/feedback', { target: { request_id: id }, metric: 'quality', value: true })).json() as { learned: number }).learned
  const [early, late] = [await auto(), await auto()]
  assert.equal(await learned(early), 1)
  await gateway.stop()
  await gateway.start()
  assert.equal(await learned(late), 1)
  assert.equal(await learned(late), 0, 'and only once')
  assert.equal(upstream.log.length, 2)
})
