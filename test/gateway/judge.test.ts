/** What the router learns of answers by itself: the vendor here answers as the model's name says. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Attempt } from '../../src/gateway/attempt.ts'
import type { Exchange } from '../../src/gateway/exchange.ts'
import { signalsOf } from '../../src/gateway/judge.ts'
import { Repeated } from '../../src/gateway/repeated.ts'
import type { Said } from '../../src/gateway/said.ts'
import { protocols } from '../../src/protocols/index.ts'
import { loadArtefact } from '../../src/routing/load.ts'
import { Understander } from '../../src/routing/understand.ts'
import { usageClasses, type Prices } from '../../src/catalog/price.ts'
import { chat, providerAt, startRig, type Rig } from './harness.ts'

const call = (name: string, args: string) => ({ content: null, tool_calls: [{ id: 'c', type: 'function', function: { name, arguments: args } }] })
const answers: Record<string, { message: object; finish: string }> = {
  cut: { message: { content: 'On and on' }, finish: 'length' },
  refusing: { message: { content: '' }, finish: 'content_filter' },
  fine: { message: { content: 'Here it is.' }, finish: 'stop' },
  calls: { message: call('weather', '{"city":"Rome"}'), finish: 'tool_calls' },
  invents: { message: call('whether', '{"city":"Rome"}'), finish: 'tool_calls' },
  breaks: { message: call('weather', '{"city":"Ro'), finish: 'tool_calls' },
  json: { message: { content: '{"a":1}' }, finish: 'stop' },
  prose: { message: { content: 'The answer is {"a":1}' }, finish: 'stop' },
}
const usage = { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 }

async function vendor(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { model, stream } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; stream?: boolean }
      const { message, finish } = answers[model]!
      if (stream !== true) return void response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model, choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }], usage }))
      const event = (delta: object, reason: string | null): string => `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`
      response.setHeader('content-type', 'text/event-stream').end(`${event({ role: 'assistant', content: 'On' }, null)}${event({}, finish)}data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model, choices: [], usage })}\n\ndata: [DONE]\n\n`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve()) }) }
}

async function start(): Promise<Rig> {
  const judged = await vendor()
  const rig = await startRig({ providers: () => [providerAt('judged', judged.url)], closes: [judged.close] })
  const base = Object.fromEntries(usageClasses.map((name) => [name, 1e9])) as Prices
  rig.publish((data) => { data.deployments = Object.keys(answers).map((model) => ({ id: model, model, provider: 'judged', upstreamModel: model, price: { version: 'v', base, tiers: [] }, priceAs: null })) })
  return rig
}

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }]
const schema = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } } }

/** Outcomes that one request to this model brought, and by how much they moved its quality. */
async function learned(rig: Rig, model: string, body: Record<string, unknown>): Promise<[number, number]> {
  const { router } = rig.gateway.routing.of(rig.snapshot().organisations.get('org_test')!)
  const text = `Tell me about the weather in Rome, ${Math.random()}.`
  const understanding = router.understander.understand(text, { tools: body['tools'] !== undefined, images: false })
  const { quality } = router.find(model)!
  const before = [quality.outcomes, quality.mean(understanding)] as const
  const count = rig.records.length
  const answer = await chat(rig, { model: 'auto', messages: [{ role: 'user', content: text }], megarouter: { models: [model] }, ...body })
  assert.equal(answer.status, 200, answer.text)
  await rig.recorded(count + 1)
  return [quality.outcomes - before[0], Math.sign(quality.mean(understanding) - before[1])]
}

test('what can be seen of an answer moves the quality of its model, in the right direction, and nothing else does', async () => {
  const rig = await start()
  const expected: [model: string, body: Record<string, unknown>, outcomes: number, direction: number][] = [
    ['fine', {}, 0, 0], ['fine', { stream: true }, 0, 0],
    ['cut', {}, 1, -1], ['cut', { stream: true }, 1, -1], ['cut', { max_tokens: 5 }, 0, 0], ['cut', { max_tokens: 5, stream: true }, 0, 0],
    ['refusing', {}, 1, -1], ['refusing', { stream: true }, 1, -1],
    ['calls', { tools }, 1, 1], ['invents', { tools }, 1, -1], ['breaks', { tools }, 1, -1], ['fine', { tools }, 0, 0],
    ['json', { response_format: schema }, 1, 1], ['prose', { response_format: schema }, 1, -1], ['prose', {}, 0, 0],
  ]
  for (const [model, body, outcomes, direction] of expected) assert.deepEqual(await learned(rig, model, body), [outcomes, direction], `${model} ${JSON.stringify(body)}`)
})

const ends: [format: string, name: string | null, data: string, kind: 'truncated' | 'refused'][] = [
  ['openai-chat', null, '{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}', 'truncated'],
  ['openai-responses', 'response.incomplete', '{"type":"response.incomplete","sequence_number":9,"response":{"id":"r","object":"response","created_at":1,"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"model":"m","output":[],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}', 'truncated'],
  ['anthropic-messages', 'message_delta', '{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"output_tokens":5}}', 'truncated'],
  ['anthropic-messages', 'message_delta', '{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"output_tokens":5}}', 'refused'],
  ['gemini-generate', null, '{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1,"totalTokenCount":2}}', 'truncated'],
  ['gemini-generate', null, '{"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"finishReason":"SAFETY","index":0}]}', 'refused'],
  ['cohere-chat', 'message-end', '{"type":"message-end","delta":{"finish_reason":"MAX_TOKENS","usage":{"tokens":{"input_tokens":1,"output_tokens":1}}}}', 'truncated'],
  ['ollama-chat', null, '{"model":"m","created_at":"2024-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"length"}', 'truncated'],
  ['bedrock-converse', 'messageStop', '{"stopReason":"max_tokens"}', 'truncated'],
  ['bedrock-converse', 'messageStop', '{"stopReason":"guardrail_intervened"}', 'refused'],
]

test('in each format the last event of a stream tells that it was cut off or withheld', () => {
  for (const [format, name, data, kind] of ends) {
    const attempt = { endEvent: { name, data }, body: null, options: { protocol: protocols.get(format), deployment: { provider: { vendor: { proofs: '' } } } } } as unknown as Attempt
    assert.deepEqual(signalsOf({ id: 'req_x', chat: null, asked: { maxOutputTokens: null } } as unknown as Exchange, attempt, { tools: false, schema: false }), [{ kind }], `${format} ${data}`)
  }
})

test('who asks the same again soon did not like the answer; at once, over and over, or later it says nothing', () => {
  const repeated = new Repeated()
  const understanding = new Understander(loadArtefact()).understand('Write a poem.')
  const said = (text: string, turns = 1) => ({ text, turns, prefix: 1, isToolLoop: false })
  /** The arm that is blamed. */
  const ask = (arm: string, words: Said, askedMs: number, session = 's'): string | null => repeated.answered(session, arm, words, understanding, askedMs, askedMs + 500)?.arm ?? null
  assert.equal(ask('a', said('Write a poem.'), 0), null)
  assert.equal(ask('b', said('Write a poem.'), 5_000), 'a')
  assert.equal(ask('c', said('Write a poem.'), 10_000), 'b')
  assert.equal(ask('d', said('Write a poem.'), 15_000), null, 'a program')
  assert.equal(ask('e', said('Write a letter.'), 20_000), null, 'another question')
  assert.equal(ask('f', said('Write a letter.', 3), 25_000), null, 'the conversation went on')
  assert.equal(ask('g', said('Write a letter.', 3), 26_000), null, 'before it could be read')
  assert.equal(ask('h', said('Write a letter.', 3), 27_000, 'other'), null, 'somebody else')
  assert.equal(ask('i', said('Write a letter.', 3), 26_000 + 20 * 60_000), null, 'long after')
  assert.equal(ask('j', said('', 3), 30_000 + 20 * 60_000), null)
})
