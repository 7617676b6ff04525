/** Responses that the gateway keeps, in the real process and its database: they outlive a restart, and the key that goes with the organisation's content. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startGateway } from '../gateway-process.ts'
import { startUpstream } from '../upstream/server.ts'

test('a kept response is gone on from at once and after a restart, is read and deleted, and its words stand nowhere in the database', async (t) => {
  const upstream = await startUpstream({})
  const config = 'settings:\n  responses: { store: true }\nproviders:\n  lab: { base_url: "' + upstream.url + '", credentials: [sk-test] }\n'
  const gateway = await startGateway({ config })
  t.after(async () => { await gateway.remove(); await upstream.close() })
  const { key } = await gateway.createKey()
  const call = async (method: string, path: string, body?: object): Promise<{ status: number; json: { id: string; code?: string; error?: { code: string }; data: { role: string }[] } }> => {
    const response = await fetch(`${gateway.url}/v1/responses${path}`, { method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) })
    return { status: response.status, json: await response.json() as never }
  }
  const first = await call('POST', '', { model: 'lab/echo-5', input: 'canary words of a person' })
  assert.equal(first.status, 200, JSON.stringify(first.json))
  const second = await call('POST', '', { model: 'lab/echo-5', input: 'and on', previous_response_id: first.json.id })
  assert.equal(second.status, 200, JSON.stringify(second.json))
  await gateway.stop()
  await gateway.start()
  const third = await call('POST', '', { model: 'lab/echo-5', input: 'and on', previous_response_id: second.json.id })
  assert.equal(third.status, 200, JSON.stringify(third.json))
  assert.deepEqual((await call('GET', `/${third.json.id}/input_items?order=asc`)).json.data.map(({ role }) => role), ['user', 'assistant', 'user', 'assistant', 'user'])
  assert.equal((await call('DELETE', `/${third.json.id}`)).status, 200)
  assert.equal((await call('GET', `/${third.json.id}`)).json.error!.code, 'response_not_found')
  await gateway.stop()
  for (const file of ['megarouter.db', 'megarouter.db-wal']) {
    let bytes = Buffer.alloc(0)
    try {
      bytes = readFileSync(join(gateway.dataDir, file))
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT')
    }
    assert.ok(!bytes.includes('canary words'), file)
  }
})
