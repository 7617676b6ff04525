/** Clients of several wire formats before vendors of several: what arrives, what comes back, what is held, billed, refused and left out. */
import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { sealProof } from '../../src/protocols/proof.ts'
import { providerAt, startRig, testPrices, type Rig } from './harness.ts'

interface Arrived { url: string; headers: IncomingHttpHeaders; body: Record<string, unknown> }
interface Vendor { url: string; arrived: Arrived[]; answers: { status?: number; type?: string; body: string }[] }

/** A vendor that answers what it is told to, one answer after the other. */
async function startVendor(): Promise<Vendor> {
  const arrived: Arrived[] = []
  const answers: Vendor['answers'] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      arrived.push({ url: request.url!, headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown> })
      const { status = 200, type = 'application/json', body } = answers.length > 1 ? answers.shift()! : answers[0]!
      response.writeHead(status, { 'content-type': type })
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => { server.closeAllConnections(); server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived, answers }
}

const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text: 'Hello' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 100, output_tokens: 20, cache_read_input_tokens: 50 } }
const streamed = [
  ['message_start', { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 100, output_tokens: 1 } } }],
  ['content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }],
  ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } }],
  ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'lo' } }],
  ['content_block_stop', { type: 'content_block_stop', index: 0 }],
  ['message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 20 } }],
  ['message_stop', { type: 'message_stop' }],
] as const
const events = (parts: readonly (readonly [string, object])[]): string => parts.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('')

/** With a vendor `claude` that speaks Messages alone. */
async function rigWithClaude(): Promise<{ rig: Rig; claude: Vendor }> {
  const claude = await startVendor()
  claude.answers.push({ body: JSON.stringify(message) })
  const rig = await startRig({ providers: () => [providerAt('claude', `${claude.url}/v1`, { formats: [{ protocol: 'anthropic-messages' }], endpoints: ['chat'], auth: { header: 'x-api-key' }, headers: { 'anthropic-version': '2023-06-01' }, proofs: 'anthropic' })] })
  rig.publish((organisation) => organisation.deployments.push({ id: 'sonnet', model: 'sonnet', provider: 'claude', upstreamModel: 'claude-sonnet-4-5', price: { version: 'test-1', base: testPrices, tiers: [] }, priceAs: null }))
  return { rig, claude }
}

async function send(rig: Rig, path: string, body: object | null, headers: Record<string, string> = {}): Promise<{ status: number; headers: Headers; text: string; json: Record<string, never> }> {
  const response = await fetch(`${rig.url}${path}`, { method: body === null ? 'GET' : 'POST', headers: { 'x-api-key': rig.key, 'content-type': 'application/json', ...headers }, ...(body && { body: JSON.stringify(body) }) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: /\/json\b/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) as Record<string, never> : {} }
}

const hi = { model: 'sonnet', messages: [{ role: 'user', content: 'hi' }] }

test('a chat completion is served by a vendor of Messages: request, answer and bill are the same in both formats', async () => {
  const { rig, claude } = await rigWithClaude()
  const { status, json, headers } = await send(rig, '/v1/chat/completions', { ...hi, messages: [{ role: 'system', content: 'Be brief.' }, ...hi.messages], max_tokens: 50, top_k: 5 })
  assert.equal(status, 200)
  const { url, body, headers: sent } = claude.arrived[0]!
  assert.deepEqual([url, sent['x-api-key'], sent['anthropic-version']], ['/v1/messages', 'sk-test-secret', '2023-06-01'])
  assert.deepEqual(body, { model: 'claude-sonnet-4-5', max_tokens: 50, system: 'Be brief.', messages: hi.messages, top_k: 5 })
  const { choices, usage } = json as unknown as { choices: { message: { content: string }; finish_reason: string }[]; usage: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details: { cached_tokens: number } } }
  assert.deepEqual([choices[0]!.message.content, choices[0]!.finish_reason, usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens], ['Hello', 'stop', 150, 20, 50])
  // 100 × $3 + 50 × $0.3 + 20 × $15 a million.
  assert.equal(headers.get('x-megarouter-cost-usd'), '0.000615')
  const [record] = await rig.recorded(1)
  assert.deepEqual([record!.endpoint, record!.attempts[0]!.usage.input, record!.attempts[0]!.usage.cacheRead, record!.attempts[0]!.usage.output, record!.attempts[0]!.costNano], ['chat.completions', 100, 50, 20, 615_000])
})

test('a stream of Messages reaches each client in its own format, with usage and end, for any cut of the bytes', async () => {
  const { rig, claude } = await rigWithClaude()
  claude.answers[0] = { type: 'text/event-stream', body: events(streamed) }
  const chat = await send(rig, '/v1/chat/completions', { ...hi, stream: true, stream_options: { include_usage: true } })
  assert.ok(chat.text.endsWith('data: [DONE]\n\n'), chat.text)
  const chunks = chat.text.split('\n\n').filter((each) => each.startsWith('data: {')).map((each) => JSON.parse(each.slice(6)) as { choices: { delta: { content?: string }; finish_reason: string | null }[]; usage?: { total_tokens: number } })
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), 'Hello')
  assert.equal(chunks.at(-1)!.usage!.total_tokens, 120)
  const responses = await send(rig, '/v1/responses', { model: 'sonnet', input: 'hi', stream: true })
  assert.match(responses.text, /event: response\.completed\ndata: .*"output_tokens":20/)
  const gemini = await send(rig, '/v1beta/models/sonnet:streamGenerateContent?alt=sse', { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] })
  assert.match(gemini.text, /"finishReason":"STOP"/)
  const array = await send(rig, '/v1beta/models/sonnet:streamGenerateContent', { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] })
  assert.equal((JSON.parse(array.text) as { candidates?: { content?: { parts?: { text?: string }[] } }[] }[]).map(({ candidates }) => candidates?.[0]?.content?.parts?.[0]?.text ?? '').join(''), 'Hello')
  const lines = await send(rig, '/api/chat', hi)
  assert.equal(lines.text.split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { message: { content: string } }).message.content).join(''), 'Hello')
  const cohere = await send(rig, '/v2/chat', { ...hi, stream: true })
  assert.match(cohere.text, /"type":"message-end"/)
  const same = await send(rig, '/v1/messages', { ...hi, max_tokens: 50, stream: true })
  assert.equal(same.text, events(streamed), 'the same format passes byte for byte')
  for (const { attempts: [attempt] } of await rig.recorded(7)) assert.deepEqual([attempt!.outcome, attempt!.usage.input, attempt!.usage.output, attempt!.costNano], ['success', 100, 20, 600_000])
})

test('a translated stream that breaks ends with an error of the client’s format, and with no end of its own', async () => {
  const { rig, claude } = await rigWithClaude()
  claude.answers[0] = { type: 'text/event-stream', body: events(streamed.slice(0, 4)) }
  const { text } = await send(rig, '/v1/chat/completions', { ...hi, stream: true })
  assert.match(text, /"code":"upstream_truncated"/)
  assert.doesNotMatch(text, /\[DONE\]|"finish_reason":"/)
  const [record] = await rig.recorded(1)
  assert.equal(record!.outcome, 'broken')
})

test('what a vendor refuses is said in the words of the client’s format, and what it answers without an answer is no success', async () => {
  const { rig, claude } = await rigWithClaude()
  const refusal = (status: number, type: string, text: string): void => void (claude.answers[0] = { status, body: JSON.stringify({ type: 'error', error: { type, message: text } }) })
  refusal(400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum')
  const long = await send(rig, '/v1/chat/completions', hi)
  assert.deepEqual([long.status, (long.json as unknown as { error: { code: string } }).error.code], [400, 'context_length_exceeded'])
  refusal(429, 'rate_limit_error', 'slow down')
  const slow = await send(rig, '/v1beta/models/sonnet:generateContent', { contents: [{ parts: [{ text: 'hi' }] }] })
  assert.deepEqual([slow.status, (slow.json as unknown as { error: { status: string } }).error.status], [429, 'RESOURCE_EXHAUSTED'])
  const own = await send(rig, '/v1/messages', { ...hi, max_tokens: 5 })
  assert.deepEqual([own.status, (own.json as unknown as { error: object }).error], [429, { type: 'rate_limit_error', message: 'slow down' }], 'the same format passes as it came')
  claude.answers[0] = { body: '{"unexpected":true}' }
  for (const [path, body] of [['/v1/chat/completions', hi], ['/v1/messages', { ...hi, max_tokens: 5 }]] as const) {
    const empty = await send(rig, path, body)
    assert.deepEqual([empty.status, /upstream_truncated|api_error/.test(empty.text)], [502, true], path)
  }
})

test('what a format cannot say is left out and named, or the request is refused before anything is sent', async () => {
  const { rig, claude } = await rigWithClaude()
  const odd = { ...hi, max_tokens: 50, logit_bias: { 5: 1 } }
  const warned = await send(rig, '/v1/chat/completions', odd)
  assert.match(warned.headers.get('x-megarouter-warnings')!, /^not said to claude: .*logit_bias/)
  const dropped = await send(rig, '/v1/chat/completions', { ...odd, megarouter: { on_unsupported: 'drop' } })
  assert.equal(dropped.headers.get('x-megarouter-warnings'), null)
  const refused = await send(rig, '/v1/chat/completions', odd, { 'x-megarouter-on-unsupported': 'reject' })
  assert.deepEqual([refused.status, (refused.json as unknown as { error: { code: string; message: string } }).error.code], [400, 'unsupported_feature'])
  assert.match(refused.text, /logit_bias/)
  assert.equal(claude.arrived.length, 2)
  const wrong = await send(rig, '/v1/chat/completions', { ...odd, megarouter: { on_unsupported: 'maybe' } })
  assert.equal(wrong.status, 400)
})

test('a thought that another vendor sealed never reaches this one, in a body of the vendor’s own format either', async () => {
  const { rig, claude } = await rigWithClaude()
  const foreign = sealProof({ by: 'google', value: 'secret-of-google' }, 'anthropic')
  const own = sealProof({ by: 'anthropic', value: 'own-signature' }, 'openai')
  const conversation = (data: string): object => ({ ...hi, max_tokens: 50, messages: [...hi.messages, { role: 'assistant', content: [{ type: 'redacted_thinking', data }, { type: 'text', text: 'Hm.' }] }, ...hi.messages] })
  await send(rig, '/v1/messages', conversation(foreign))
  assert.doesNotMatch(JSON.stringify(claude.arrived[0]!.body), /mrproof_|secret-of-google|redacted_thinking/)
  await send(rig, '/v1/messages', conversation(own))
  assert.match(JSON.stringify(claude.arrived[1]!.body), /own-signature/)
  assert.doesNotMatch(JSON.stringify(claude.arrived[1]!.body), /mrproof_/)
})

test('a strict hold bounds the translated request, and writes its limit where the vendor reads it', async () => {
  const { rig, claude } = await rigWithClaude()
  const { text } = rig.addKey({ budget: { limitNano: 30_000_000, period: 'total', mode: 'strict' } })
  const { status, headers } = await send(rig, '/v1/chat/completions', hi, { 'x-api-key': text })
  assert.equal(status, 200)
  const limit = claude.arrived[0]!.body['max_tokens'] as number
  assert.ok(limit > 0 && limit * 15_000 < 30_000_000, `${limit}`)
  assert.match(headers.get('x-megarouter-warnings')!, new RegExp(`output limited to ${limit} tokens`))
})

test('tokens are counted by the vendor where it can be asked, and estimated with a mark where not', async () => {
  const { rig, claude } = await rigWithClaude()
  claude.answers[0] = { body: '{"input_tokens":42}' }
  const counted = await send(rig, '/v1/messages/count_tokens', { ...hi, system: 'Be brief.' })
  assert.deepEqual([counted.status, counted.json], [200, { input_tokens: 42 }])
  assert.deepEqual([claude.arrived[0]!.url, claude.arrived[0]!.body['model'], claude.arrived[0]!.body['max_tokens']], ['/v1/messages/count_tokens', 'claude-sonnet-4-5', undefined])
  const translated = await send(rig, '/v1beta/models/sonnet:countTokens', { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] })
  assert.deepEqual(translated.json, { totalTokens: 42 })
  assert.deepEqual(claude.arrived[1]!.body['messages'], hi.messages)
  claude.answers[0] = { status: 500, body: '{}' }
  const estimated = await send(rig, '/v1/messages/count_tokens', hi)
  assert.ok((estimated.json as unknown as { input_tokens: number }).input_tokens > 0)
  assert.match(estimated.headers.get('x-megarouter-warnings')!, /^estimated/)
  const none = await send(rig, '/v1/messages/count_tokens', { model: 'up/echo-5', messages: hi.messages })
  assert.match(none.headers.get('x-megarouter-warnings')!, /^estimated/)
  for (const { attempts, outcome } of await rig.recorded(4)) assert.deepEqual([attempts.length, outcome], [0, 'success'])
})

test('lists of models and refusals have the form of the caller’s format', async () => {
  const { rig } = await rigWithClaude()
  const anthropic = await send(rig, '/v1/models?limit=1', null, { 'anthropic-version': '2023-06-01' })
  const { data, has_more: hasMore, last_id: last } = anthropic.json as unknown as { data: { type: string; id: string; display_name: string; created_at: string }[]; has_more: boolean; last_id: string }
  assert.deepEqual([data.length, data[0]!.type, hasMore, last], [1, 'model', true, data[0]!.id])
  const next = await send(rig, `/v1/models?limit=1&after_id=${last}`, null, { 'anthropic-version': '2023-06-01' })
  assert.notEqual((next.json as unknown as { data: { id: string }[] }).data[0]!.id, last)
  const gemini = await send(rig, '/v1beta/models?pageSize=1', null)
  const page = gemini.json as unknown as { models: { name: string; supportedGenerationMethods: string[] }[]; nextPageToken: string }
  assert.match(page.models[0]!.name, /^models\//)
  assert.ok(page.nextPageToken.length > 0)
  assert.equal((await send(rig, '/v1beta/models/sonnet', null)).json['name'], 'models/sonnet')
  const errors = [
    await send(rig, '/v1/messages', hi, { 'x-api-key': 'nonsense' }), await send(rig, '/v1beta/models/sonnet:generateContent', {}, { 'x-api-key': 'nonsense' }), await send(rig, '/v1/responses', { model: 'sonnet' }, { 'x-api-key': 'nonsense' }),
    await send(rig, '/v1beta/models/sonnet:embedNothing', {}),
  ].map(({ status, json }) => [status, (json as unknown as { type?: string; error: { type?: string; status?: string; code?: unknown } }).type ?? (json as unknown as { error: { status?: string } }).error.status ?? 'openai'])
  assert.deepEqual(errors, [[401, 'error'], [401, 'UNAUTHENTICATED'], [401, 'openai'], [404, 'NOT_FOUND']])
})

test('tools that look for a server, or for a WebSocket, are answered', async () => {
  const { rig } = await rigWithClaude()
  assert.equal((await fetch(rig.url, { method: 'HEAD' })).status, 200)
  const { createConnection } = await import('node:net')
  const answer = await new Promise<string>((resolve) => {
    const socket = createConnection(rig.port, '127.0.0.1', () => socket.write(`GET /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${rig.key}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n`))
    socket.once('data', (data: Buffer) => {
      resolve(data.toString())
      socket.destroy()
    })
  })
  assert.match(answer, /^HTTP\/1\.1 426 /)
})
