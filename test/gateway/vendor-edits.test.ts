/** What a vendor needs beyond its format, and what stands beside a body: ids of calls, thoughts with calls, members that it refuses, names of beta features; and ends of streams before their beginning. */
import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { Vendor as Declared } from '../../src/providers/provider.ts'
import { vendors } from '../../src/providers/index.ts'
import { providerAt, startRig, testPrices, type Rig, type RigOptions } from './harness.ts'

interface Arrived { headers: IncomingHttpHeaders; body: { messages: { role: string; content?: unknown; tool_calls?: { id: string }[]; tool_call_id?: string; reasoning_content?: string }[]; store?: boolean } }

async function start(change: Partial<Declared>, reply: (response: ServerResponse) => void, options: RigOptions = {}): Promise<{ rig: Rig; arrived: Arrived[] }> {
  const arrived: Arrived[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      arrived.push({ headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) as Arrived['body'] })
      reply(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => { server.closeAllConnections(); server.close() })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const rig = await startRig({ ...options, attempts: 1, providers: () => [providerAt('lab', url, { endpoints: ['chat'], ...change })] })
  rig.publish((organisation) => organisation.deployments.push({ id: 'm', model: 'm', provider: 'lab', upstreamModel: 'm', price: { version: 'test-1', base: testPrices, tiers: [] }, priceAs: null }))
  return { rig, arrived }
}

const send = async (rig: Rig, path: string, body: object, headers: Record<string, string> = {}): Promise<{ status: number; headers: Headers; text: string }> => {
  const response = await fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const json = (body: object) => (response: ServerResponse): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const chatAnswer = json({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })
const claudeAnswer = json({ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text: 'Hello' }], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } })

const tool = { name: 'look', description: 'd', input_schema: { type: 'object', properties: {} } }
/** As Claude Code would. */
const loop = { model: 'm', max_tokens: 50, tools: [tool], messages: [
  { role: 'user', content: 'hi' }, { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_0123456789abcdef', name: 'look', input: {} }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_0123456789abcdef', content: 'seen' }] },
] }

test('Mistral gets ids of nine letters, from its own clients and from others; the answer is the client’s as ever', async () => {
  const { rig, arrived } = await start({ quirks: vendors.get('mistral')!.quirks }, chatAnswer)
  await send(rig, '/v1/messages', loop)
  await send(rig, '/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'hi' }, { role: 'assistant', content: null, tool_calls: [{ id: 'call_of_openai_1', type: 'function', function: { name: 'look', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'call_of_openai_1', content: 'seen' }] })
  for (const { body: { messages } } of arrived) {
    const id = messages.find(({ tool_calls: calls }) => calls)!.tool_calls![0]!.id
    assert.match(id, /^[a-zA-Z0-9]{9}$/)
    assert.equal(messages.find(({ role }) => role === 'tool')!.tool_call_id, id)
  }
})

test('DeepSeek and Moonshot get a thought beside earlier calls of translated conversations, the real one where there is one', async () => {
  for (const id of ['deepseek', 'moonshot']) {
    const { rig, arrived } = await start({ quirks: vendors.get(id)!.quirks }, chatAnswer)
    await send(rig, '/v1/messages', loop)
    const thinking = structuredClone(loop)
    ;(thinking.messages[1]!.content as object[]).unshift({ type: 'thinking', thinking: 'I must look', signature: 'sig' })
    await send(rig, '/v1/messages', thinking)
    await send(rig, '/v1/messages', { ...loop, thinking: { type: 'disabled' } })
    assert.deepEqual(arrived.map(({ body }) => body.messages.find(({ tool_calls: calls }) => calls)!.reasoning_content), ['.', 'I must look', undefined])
  }
})

test('a member that a vendor refuses is left out and named', async () => {
  const { rig, arrived } = await start({ quirks: { ...vendors.get('openai')!.quirks, drops: ['store'] } }, chatAnswer)
  const { headers } = await send(rig, '/v1/chat/completions', { model: 'm', store: true, messages: [{ role: 'user', content: 'hi' }] })
  assert.equal(arrived[0]!.body.store, undefined)
  assert.equal(headers.get('x-megarouter-warnings'), 'not said to lab: store')
})

test('beta features go along where the vendor is Anthropic’s, with those that parts of a request need, and are named elsewhere', async () => {
  const claude = await start({ formats: [{ protocol: 'anthropic-messages' }], proofs: 'anthropic' }, claudeAnswer)
  await send(claude.rig, '/v1/responses', { model: 'm', input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }, { type: 'input_text', text: 'hi' }] }] })
  assert.equal(claude.arrived[0]!.headers['anthropic-beta'], 'files-api-2025-04-14')
  await send(claude.rig, '/v1/responses', { model: 'm', input: 'hi' })
  assert.equal(claude.arrived[1]!.headers['anthropic-beta'], undefined)
  const other = await start({}, chatAnswer)
  const { headers } = await send(other.rig, '/v1/messages', { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }, { 'anthropic-beta': 'context-1m-2025-08-07, other' })
  assert.match(headers.get('x-megarouter-warnings')!, /beta features context-1m-2025-08-07, other/)
  assert.equal(other.arrived[0]!.headers['anthropic-beta'], undefined)
})

test('an answer that names no model names the one that was asked for', async () => {
  const { rig } = await start({ formats: [{ protocol: 'cohere-chat' }] }, json({ id: 'c', message: { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] }, finish_reason: 'COMPLETE', usage: { tokens: { input_tokens: 1, output_tokens: 1 } } }))
  for (const [path, body, key] of [['/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'hi' }] }, 'model'], ['/v1/messages', { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }, 'model'], ['/v1beta/models/m:generateContent', { contents: [{ parts: [{ text: 'hi' }] }] }, 'modelVersion']] as const) {
    assert.equal((JSON.parse((await send(rig, path, body)).text) as Record<string, string>)[key], 'm', path)
  }
})

test('Gemini’s array that fails before its first element is an array of the error alone', async () => {
  // Committed with nothing said: the vendor's stream is silent, then it is gone.
  const { rig } = await start({ formats: [{ protocol: 'anthropic-messages' }] }, (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: ping\ndata: {"type":"ping"}\n\n')
    setTimeout(() => response.destroy(), 300)
  }, { deadlines: { commitAfterMs: 50 } })
  const { status, text } = await send(rig, '/v1beta/models/m:streamGenerateContent', { contents: [{ parts: [{ text: 'hi' }] }] })
  assert.equal(status, 200)
  const said = JSON.parse(text) as { error: { code: number } }[]
  assert.deepEqual([said.length, said[0]!.error.code], [1, 502])
})
