/** The whole process on PostgreSQL: it serves, survives the loss of its database, and has lost nothing when that comes back. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createKey } from '../../src/governance/key-format.ts'
import { startGateway } from '../gateway-process.ts'
import { findPostgres, startPostgres } from '../store/postgres.ts'
import { startUpstream } from '../upstream/server.ts'
import { recordedIds } from './load.ts'

const bin = findPostgres()

test('without its database known keys go on, unknown ones get 503 and not 401, and nothing is lost', { skip: bin === null && 'PostgreSQL is not installed' }, async (t) => {
  const postgres = await startPostgres(bin!)
  const upstream = await startUpstream({})
  const gateway = await startGateway({
    env: { DATABASE_URL: await postgres.create(), MEGAROUTER_MASTER_KEY: randomBytes(32).toString('hex'), OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: upstream.url },
  })
  t.after(async () => {
    await gateway.remove()
    await upstream.close()
    await postgres.stop()
  })
  const { key } = await gateway.createKey()
  const answered: string[] = []
  const ask = async (bearer: string): Promise<number> => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST', headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'openai/echo-3', messages: [{ role: 'user', content: 'hi' }] }),
    })
    await response.arrayBuffer()
    if (response.status === 200) answered.push(response.headers.get('x-megarouter-request-id')!)
    return response.status
  }
  assert.equal(await ask(key), 200)
  assert.equal(await ask(createKey()), 401)

  await postgres.halt()
  let unknown = 401
  while (unknown === 401) {
    assert.equal(await ask(key), 200)
    await new Promise((resolve) => setTimeout(resolve, 250))
    unknown = await ask(createKey())
  }
  assert.equal(unknown, 503)

  await postgres.start()
  while ((await ask(createKey())) !== 401) await new Promise((resolve) => setTimeout(resolve, 250))
  let recorded = new Set<string>()
  while (answered.some((id) => !recorded.has(id))) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    recorded = await recordedIds((method, path) => gateway.admin(method, path))
  }
  t.diagnostic(`${answered.length} requests answered around the outage, all recorded`)
})
