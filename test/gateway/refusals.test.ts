/** A request that can't be served is refused with the right status and a stable code, nothing is dispatched, and it is on record. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noRateLimit } from '../../src/gateway/snapshot.ts'
import { createKey } from '../../src/governance/key-format.ts'
import { chat, startRig, type Rig } from './harness.ts'

interface Case { name: string; status: number; code: string; send(rig: Rig): Promise<{ status: number; text: string }> }

const raw = async (rig: Rig, body: string | Buffer, headers: Record<string, string> = {}, path = '/v1/chat/completions', method = 'POST'): Promise<{ status: number; text: string }> => {
  const response = await fetch(rig.url + path, { method, headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json', ...headers }, ...(method === 'GET' ? {} : { body }) })
  return { status: response.status, text: await response.text() }
}
const messages = '"messages":[{"role":"user","content":"hi"}]'

const cases: Case[] = [
  { name: 'invalid JSON', status: 400, code: 'invalid_json', send: (rig) => raw(rig, '{"model":') },
  { name: 'an array for a body', status: 400, code: 'invalid_json', send: (rig) => raw(rig, '[]') },
  { name: 'bytes that are not UTF-8', status: 400, code: 'invalid_json', send: (rig) => raw(rig, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])) },
  { name: 'a missing field', status: 400, code: 'invalid_request', send: (rig) => raw(rig, '{"model":"up/echo-1"}') },
  { name: 'a field of the wrong type', status: 400, code: 'invalid_request', send: (rig) => raw(rig, '{"model":7,"messages":[]}') },
  { name: 'an empty model', status: 400, code: 'invalid_request', send: (rig) => raw(rig, `{"model":"",${messages}}`) },
  { name: 'the name of a model longer than 256 bytes', status: 400, code: 'invalid_request', send: (rig) => raw(rig, `{"model":"up/${'é'.repeat(127)}",${messages}}`) },
  { name: 'a fallback longer than 256 bytes', status: 400, code: 'invalid_request', send: (rig) => raw(rig, `{"model":"up/echo-1",${messages},"megarouter":{"fallbacks":["up/${'x'.repeat(254)}"]}}`) },
  { name: 'tags that are too long together', status: 400, code: 'invalid_request', send: (rig) => raw(rig, `{"model":"up/echo-1",${messages},"megarouter":{"tags":${JSON.stringify(Array.from({ length: 16 }, () => '"'.repeat(128)))}}}`) },
  { name: 'a token limit that is no whole number', status: 400, code: 'invalid_request', send: (rig) => raw(rig, `{"model":"up/echo-1","max_tokens":1.5,${messages}}`) },
  { name: 'streamed embeddings', status: 400, code: 'invalid_request', send: (rig) => raw(rig, '{"model":"up/embed","input":"a","stream":true}', {}, '/v1/embeddings') },
  { name: 'an unknown option', status: 400, code: 'invalid_request', send: (rig) => raw(rig, `{"model":"up/echo-1",${messages},"megarouter":{"fallback":[]}}`) },
  { name: 'an option of the wrong type in a header', status: 400, code: 'invalid_request', send: (rig) => raw(rig, `{"model":"up/echo-1",${messages}}`, { 'x-megarouter-include-cost': 'perhaps' }) },
  { name: 'a repeated control field', status: 400, code: 'duplicate_field', send: (rig) => raw(rig, `{"model":"up/echo-1","model":"up/echo-9",${messages}}`) },
  { name: 'a body nested too deep', status: 400, code: 'request_too_deep', send: (rig) => raw(rig, `{"model":"up/echo-1","messages":${'['.repeat(100_000)}`) },
  { name: 'a vendor that is not switched on', status: 400, code: 'provider_not_enabled', send: (rig) => raw(rig, `{"model":"openai/gpt-5",${messages}}`) },
  { name: 'no key', status: 401, code: 'missing_api_key', send: (rig) => raw(rig, '{}', { authorization: '' }) },
  { name: 'a key that was cut off', status: 401, code: 'invalid_api_key', send: (rig) => raw(rig, '{}', { authorization: `Bearer ${rig.key.slice(0, 38)}` }) },
  { name: 'a key of nobody', status: 401, code: 'invalid_api_key', send: (rig) => raw(rig, '{}', { authorization: `Bearer ${createKey()}` }) },
  { name: 'a mistyped key', status: 401, code: 'invalid_api_key', send: (rig) => raw(rig, '{}', { authorization: `Bearer ${rig.key.slice(0, -1)}${rig.key.endsWith('x') ? 'y' : 'x'}` }) },
  { name: 'a revoked key', status: 401, code: 'key_revoked', send: (rig) => raw(rig, '{}', { authorization: `Bearer ${rig.addKey({ status: 'revoked' }).text}` }) },
  { name: 'a disabled key', status: 401, code: 'key_disabled', send: (rig) => raw(rig, '{}', { authorization: `Bearer ${rig.addKey({ status: 'disabled' }).text}` }) },
  { name: 'an expired key', status: 401, code: 'key_expired', send: (rig) => raw(rig, '{}', { authorization: `Bearer ${rig.addKey({ expiresAt: 1000 }).text}` }) },
  { name: 'a spent budget', status: 402, code: 'budget_exceeded', send: (rig) => raw(rig, `{"model":"priced",${messages}}`, { authorization: `Bearer ${rig.addKey({ budget: { limitNano: 0, period: 'month', mode: 'strict' } }).text}` }) },
  { name: 'a budget that the request may exceed', status: 402, code: 'budget_exceeded', send: (rig) => raw(rig, `{"model":"priced","max_tokens":1000,${messages}}`, { authorization: `Bearer ${rig.addKey({ budget: { limitNano: 1_000_000, period: 'total', mode: 'strict' } }).text}` }) },
  { name: 'a model that the key may not use', status: 403, code: 'policy_denied', send: (rig) => raw(rig, `{"model":"up/echo-1",${messages}}`, { authorization: `Bearer ${rig.addKey({ models: ['gpt-*'] }).text}` }) },
  { name: 'an unknown model', status: 404, code: 'model_not_found', send: (rig) => raw(rig, `{"model":"prised",${messages}}`) },
  { name: 'an endpoint that does not exist', status: 404, code: 'unsupported_endpoint', send: (rig) => raw(rig, '{}', {}, '/v1/fine_tuning/jobs') },
  { name: 'a path with a double slash', status: 404, code: 'unsupported_endpoint', send: (rig) => raw(rig, '{}', {}, '/v1//chat/completions') },
  { name: 'an encoded path', status: 404, code: 'unsupported_endpoint', send: (rig) => raw(rig, '{}', {}, '/v1/chat%2Fcompletions') },
  { name: 'the wrong method', status: 405, code: 'method_not_allowed', send: (rig) => raw(rig, '', {}, '/v1/chat/completions', 'GET') },
  { name: 'a body that is too large', status: 413, code: 'request_too_large', send: (rig) => raw(rig, `{"model":"up/echo-1","messages":["${'x'.repeat(1 << 20)}"]}`) },
  { name: 'a form instead of JSON', status: 415, code: 'unsupported_content_type', send: (rig) => raw(rig, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }) },
  { name: 'a compressed body', status: 415, code: 'unsupported_content_type', send: (rig) => raw(rig, '{}', { 'content-encoding': 'gzip' }) },
]

for (const { name, status, code, send } of cases) {
  test(`${status} ${code}: ${name}`, async () => {
    const rig = await startRig({ requestBodyBytes: 1 << 19 })
    const reply = await send(rig)
    assert.equal(reply.status, status, reply.text)
    const { error } = JSON.parse(reply.text) as { error: { code: string; message: string; type: string; request_id: string } }
    assert.equal(error.code, code)
    assert.match(error.message, /\(request req_[0-9a-z]{26}\)$/)
    assert.ok(!error.message.includes('sk-test-secret'))
    const [record] = await rig.recorded(1)
    assert.equal(record!.outcome, 'refused')
    assert.equal(record!.status, status)
    assert.equal(record!.errorCode, code)
    assert.deepEqual(record!.attempts, [])
    assert.equal(rig.upstream.log.length, 0, 'nothing was dispatched')
  })
}

test('429 rate_limit_exceeded: over requests per minute, with the time to wait', async () => {
  const rig = await startRig()
  const key = rig.addKey({ rateLimit: { ...noRateLimit, rpm: 2 } }).text
  const headers = { authorization: `Bearer ${key}` }
  assert.equal((await chat(rig, {}, headers)).status, 200)
  const second = await chat(rig, {}, headers)
  assert.equal(second.headers.get('x-ratelimit-remaining-requests'), '0')
  const third = await chat(rig, {}, headers)
  assert.equal(third.status, 429)
  assert.ok(Number(third.headers.get('retry-after')) >= 1)
  assert.match(third.text, /limit of 2 requests per minute/)
  assert.equal(rig.upstream.log.length, 2)
})

test('429 rate_limit_exceeded: over concurrent requests, free again when one ends', async () => {
  const rig = await startRig()
  const headers = { authorization: `Bearer ${rig.addKey({ rateLimit: { ...noRateLimit, concurrency: 1 } }).text}` }
  const slow = chat(rig, { model: 'up/echo-2+delay:300' }, headers)
  while (rig.upstream.log.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal((await chat(rig, {}, headers)).status, 429)
  assert.equal((await slow).status, 200)
  assert.equal((await chat(rig, {}, headers)).status, 200)
})

test('503, not 401, for an unknown key while the key table cannot be read; known keys go on', async () => {
  const rig = await startRig()
  const stranger = rig.key.slice(0, -7) + 'x'.repeat(7)
  rig.gateway.keys.complete = false
  const key = rig.addKey().text
  assert.equal((await chat(rig, {}, { authorization: `Bearer ${createKey()}` })).status, 503)
  assert.equal((await chat(rig, {}, { authorization: `Bearer ${stranger}` })).status, 401, 'a malformed key needs no table')
  assert.equal((await chat(rig, {}, { authorization: `Bearer ${key}` })).status, 200)
})

test('every credential carrier leads to the same key', async () => {
  const rig = await startRig()
  const body = JSON.stringify({ model: 'up/echo-1', messages: [] })
  const type = { 'content-type': 'application/json' }
  for (const headers of [{ authorization: `Bearer ${rig.key}` }, { authorization: `bearer ${rig.key}` }, { 'x-api-key': rig.key }, { 'x-goog-api-key': rig.key }]) {
    assert.equal((await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', body, headers: { ...type, ...headers } as Record<string, string> })).status, 200)
  }
  assert.equal((await fetch(`${rig.url}/v1/chat/completions?key=${rig.key}`, { method: 'POST', body, headers: type })).status, 200)
  const text = JSON.stringify(await rig.recorded(5))
  assert.ok(!text.includes(rig.key), 'the key is in no record')
})

test('503 overloaded: above the memory watermark new requests are shed', async () => {
  const rig = await startRig()
  rig.load.overloaded = true
  const shed = await chat(rig, {})
  assert.equal(shed.status, 503)
  assert.match(shed.text, /"code":"overloaded"/)
  assert.equal(shed.headers.get('retry-after'), '1')
  rig.load.overloaded = false
  assert.equal((await chat(rig, {})).status, 200)
})

test('options that have no effect on a request that names its model are told in a response header', async () => {
  const rig = await startRig()
  const { status, headers } = await chat(rig, { megarouter: { policy: 'cheap', max_cost_usd: 1, tags: ['a'] } })
  assert.equal(status, 200)
  assert.equal(headers.get('x-megarouter-warnings'), 'no effect on a request that names its model: policy, max_cost_usd')
})
