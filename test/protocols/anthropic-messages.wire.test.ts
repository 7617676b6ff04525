/** What the gateway reads of Messages without translating them: usage, output, ends, errors, and what bounds the cost of a request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normaliseUsage } from '../../src/catalog/usage.ts'
import { messagesCodec } from '../../src/protocols/anthropic-messages/codec.ts'
import { anthropicMessages as protocol } from '../../src/protocols/anthropic-messages/index.ts'
import type { ChatEvent, ChatUsage, JsonObject } from '../../src/protocols/canonical.ts'
import type { EventFacts, RequestFacts, RequestShape, SaidError, Wrong } from '../../src/protocols/protocol.ts'
import { EventShape } from '../../src/wire/event-shape.ts'
import { splice } from '../../src/wire/json-edit.ts'
import { JsonScanner } from '../../src/wire/json-scanner.ts'
import { SseScanner, type SseEvent } from '../../src/wire/sse-scanner.ts'
import { recordings } from '../fixtures/recorded.ts'

const exchanges = [...recordings('anthropic-messages').values()]
const [endpoint] = protocol.endpoints

function scanned(bytes: Buffer): JsonScanner {
  const scan = new JsonScanner({ maxDepth: 10_000, maxKeys: 1_000_000, unique: new Set() })
  scan.push(bytes)
  scan.end()
  assert.equal(scan.fault, null)
  return scan
}

function eventsOf(body: Buffer): SseEvent[] {
  const events: SseEvent[] = []
  const scanner = new SseScanner(10_000_000, (event) => events.push(event))
  scanner.push(body)
  scanner.end()
  return events
}

/** Of the first answer, where a recording has several. */
function readStream(body: Buffer): { facts: EventFacts[]; last: EventFacts } {
  const shape = new EventShape()
  const facts: EventFacts[] = []
  for (const event of eventsOf(body)) {
    facts.push(protocol.readEvent(event, shape))
    if (facts.at(-1)!.done) break
  }
  return { facts, last: facts.findLast(({ usage }) => usage !== null)! }
}

const sumOf = (usage: object): number => Object.entries(usage).reduce((sum, [key, value]) => (/requests|toolCalls|searches/.test(key) ? sum : sum + (value as number)), 0)

/** Tokens that an answer says beside its own: made before it, or by another model. */
const besides = (usage: unknown): number =>
  ((usage as { iterations?: { type: string; input_tokens: number; output_tokens: number }[] } | null)?.iterations ?? []).reduce((sum, each) => sum + (/^(compaction|advisor_message)$/.test(each.type) ? each.input_tokens + each.output_tokens : 0), 0)

test('usage is the same whether an answer is streamed, read whole or translated, and nothing is counted twice', () => {
  let counted = 0
  for (const { id, body, status, stream } of exchanges) {
    if (status !== 200) continue
    const raw = stream ? readStream(body).last.usage : protocol.readAnswer(body, scanned(body)).usage
    const found = normaliseUsage(raw, protocol.usage!)
    if (!found) continue
    assert.equal(found.anomalous, false, id)
    const events: ChatEvent[] = []
    const decoder = messagesCodec.decodeStream({ proofs: 'anthropic' })
    if (stream) for (const { name, data } of eventsOf(body)) decoder.event(name, data ?? '', events)
    const translated = stream ? events.findLast((event) => event.type === 'usage')?.usage : messagesCodec.decodeAnswer(JSON.parse(body.toString()) as JsonObject, { proofs: 'anthropic' }).usage
    const said = stream ? eventsOf(body).map(({ data }) => (data?.startsWith('{') ? (JSON.parse(data) as { usage?: unknown }).usage : null)).find((usage) => besides(usage) > 0) : (JSON.parse(body.toString()) as { usage: unknown }).usage
    // The broken one has no end of its own.
    if (id === 'da82aff5f72ecac3') continue
    assert.equal(sumOf(found.usage), sumOf(translated!) + besides(said), id)
    const { cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, reasoning = 0 } = translated as ChatUsage
    if (besides(said) === 0) assert.deepEqual([found.usage.cacheRead, found.usage.cacheWrite5m, found.usage.cacheWrite1h, found.usage.reasoning], [cacheRead, cacheWrite5m, cacheWrite1h, reasoning], id)
    counted++
  }
  assert.ok(counted > 580, `${counted} answers`)
})

test('a last event that says the output alone is completed by the first one', () => {
  const body = recordings('anthropic-messages').get('7a2487bf7c25f9e0')!.body
  assert.deepEqual(normaliseUsage(readStream(body).last.usage, protocol.usage!)?.usage, { ...normaliseUsage({ prompt_tokens: 17, completion_tokens: 227 }, protocol.usage!)!.usage })
})

test('every recorded stream is finished and done, has output, and says its text in characters', () => {
  for (const { id, body, status, stream } of exchanges) {
    if (status !== 200 || !stream) continue
    const { facts } = readStream(body)
    assert.ok(facts.at(-1)!.done && facts.some(({ finished }) => finished), id)
    assert.equal(facts[0]!.meaningful, false, 'the beginning is no output')
    assert.ok(facts.every(({ error }) => error === null), id)
    const text = [...body.toString().matchAll(/^data: (.*"text_delta".*)$/gm)].reduce((sum, [, data]) => sum + ((JSON.parse(data!) as { delta: { text: string } }).delta.text.length), 0)
    if (!/tool|thinking|compaction/.test(body.toString()) && id !== '7a2487bf7c25f9e0') assert.equal(facts.reduce((sum, { outputChars }) => sum + outputChars, 0), text, id)
  }
})

test('an event says the same however it is spelt: padded, with blanks, with its members in another order', () => {
  let plain = 0
  for (const { body, status, stream } of exchanges) {
    if (status !== 200 || !stream) continue
    for (const event of eventsOf(body)) {
      if (!event.data?.includes('content_block_delta')) continue
      const value = JSON.parse(event.data) as { type: string; index: number; delta: JsonObject }
      const { type, ...said } = value.delta
      const read = (data: string): EventFacts => protocol.readEvent({ ...event, data }, new EventShape())
      const facts = read(JSON.stringify({ delta: { ...said, type }, index: value.index, type: value.type }))
      for (const data of [event.data, JSON.stringify({ type: value.type, index: value.index, delta: { type, ...said } }), JSON.stringify(value, null, 1)]) assert.deepEqual(read(data), facts, data)
      assert.deepEqual(read(JSON.stringify({ type: value.type, index: value.index, delta: { type, ...said } }).replace(/\}$/, '      }')), facts)
      if (facts.outputChars > 0) plain++
    }
  }
  assert.ok(plain > 4000, `${plain}`)
})

test('what only looks like a piece of text is read whole', () => {
  const event = (data: string): EventFacts => protocol.readEvent({ start: 0, end: 1, name: 'content_block_delta', data, oversize: false }, new EventShape())
  const piece = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc"}}'
  assert.equal(event(piece).outputChars, 3)
  assert.equal(event(piece.replace('abc', 'a\\"b')).outputChars, 3)
  assert.deepEqual([event(piece.slice(0, -1)), event(piece.replace('"abc"', '"a"b"')), event(piece.replace('abc', ''))].map(({ meaningful }) => meaningful), [false, false, false])
})

test('errors are known by class, in the words of the API and of the clouds that serve it', () => {
  const body = (type: string, message: string): string => JSON.stringify({ type: 'error', error: { type, message }, request_id: 'r' })
  for (const [status, text, expected] of [
    [400, body('invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'), 'context_window'],
    [413, body('request_too_large', 'Prompt is too long'), 'context_window'],
    [400, body('invalid_request_error', 'input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input length or `max_tokens` and try again'), 'context_window'],
    [400, '{"message":"Input is too long for requested model."}', 'context_window'],
    [413, body('request_too_large', 'Request exceeds the maximum allowed number of bytes.'), 'request'],
    [400, body('invalid_request_error', 'Output blocked by content filtering policy'), 'content_policy'],
    [400, body('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'), 'quota'],
    [400, body('invalid_request_error', 'You have reached your specified API usage limits. You will regain access on 2026-11-01.'), 'quota'],
    [402, body('billing_error', 'x'), 'quota'], [529, body('overloaded_error', 'Overloaded'), 'overloaded'], [0, body('overloaded_error', 'Overloaded'), 'overloaded'], [500, body('api_error', 'Internal server error'), 'server'],
    [0, body('api_error', 'Internal server error'), 'server'], [0, body('rate_limit_error', 'x'), 'rate_limit'], [429, body('rate_limit_error', 'This request would exceed the rate limit for your organization'), 'rate_limit'],
    [401, body('authentication_error', 'invalid x-api-key'), 'auth'], [403, body('permission_error', 'x'), 'auth'], [404, body('not_found_error', 'model: x'), 'not_found'], [504, body('timeout_error', 'x'), 'timeout'],
    [400, body('invalid_request_error', 'temperature: range: 0..1'), 'request'], [503, '{"message":"Model is getting throttled. Try your request again."}', 'overloaded'],
    [404, '[{"error":{"code":404,"message":"Publisher Model not found","status":"NOT_FOUND"}}]', 'not_found'], [502, '<html>', 'server'],
  ] as const) assert.equal(protocol.classify(status, protocol.readError(Buffer.from(text))), expected, `${status} ${text}`)
})

test('every recorded error is read, with its kind and its words', () => {
  for (const { id, body, status } of exchanges) {
    if (status === 200) continue
    const fault = protocol.readError(body)
    assert.ok(fault!.message.length > 5 && fault!.type!.endsWith('_error') && fault!.status === status, id)
  }
})

test('an error within a stream is seen, before and behind output', () => {
  const event = (data: string): SseEvent => ({ start: 0, end: data.length, name: 'error', data, oversize: false })
  assert.deepEqual(protocol.readEvent(event('{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}}'), new EventShape()).error, { code: null, type: 'overloaded_error', message: 'Overloaded', status: 529 })
  assert.equal(protocol.readEvent(event('upstream gone'), new EventShape()).error?.message, 'upstream gone')
  const answer = Buffer.from('{"type":"error","error":{"type":"api_error","message":"no"}}')
  assert.equal(protocol.readAnswer(answer, scanned(answer)).error?.status, 500)
})

test('our own errors have the kind that clients expect with the status', () => {
  const said: SaidError = { message: 'm', status: 402, type: 'budget', code: 'budget_exceeded', param: null, requestId: 'r', fault: null }
  assert.deepEqual(JSON.parse(protocol.errorBody(said)), { type: 'error', error: { type: 'billing_error', message: 'm', code: 'budget_exceeded' }, request_id: 'r' })
  const kinds = [400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 529].map((status) => (JSON.parse(protocol.errorBody({ ...said, status })) as { error: { type: string } }).error.type.replace('_error', ''))
  assert.deepEqual(kinds, ['invalid_request', 'authentication', 'billing', 'permission', 'not_found', 'conflict', 'request_too_large', 'invalid_request', 'rate_limit', 'api', 'api', 'overloaded', 'timeout', 'overloaded'])
  const [event] = eventsOf(Buffer.from(protocol.errorEvent({ ...said, param: 'model' })))
  assert.deepEqual([event!.name, (JSON.parse(event!.data!) as { error: { param: string } }).error.param], ['error', 'model'])
  assert.equal(eventsOf(Buffer.from(protocol.keepAlive))[0]!.name, 'ping')
})

const read = (body: unknown, place = {}): RequestFacts | Wrong => {
  const bytes = Buffer.from(JSON.stringify(body))
  return protocol.readRequest(endpoint!, bytes, scanned(bytes), place)
}

test('what the gateway reads of a request', () => {
  assert.deepEqual(read({ model: 'm', stream: true, max_tokens: 5, thinking: { type: 'disabled' } }), { model: 'm', stream: true, usageInStream: true, maxOutputTokens: 5, choices: 1, reasoningOff: true })
  assert.deepEqual(read({ max_tokens: null }, { model: 'p', stream: true }), { model: 'p', stream: true, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: false })
  for (const limit of [1.5, -1]) assert.deepEqual(read({ model: 'm', max_tokens: limit }), { message: 'The field "max_tokens" must be a whole number.', param: 'max_tokens' })
})

test('a lower output limit is written, and thinking stays below it', () => {
  const edited = (body: unknown, limit: number): unknown => {
    const bytes = Buffer.from(JSON.stringify(body))
    return JSON.parse(splice(bytes, protocol.limitEdits!(bytes, scanned(bytes), limit)).toString())
  }
  assert.deepEqual(edited({ model: 'm', max_tokens: 50 }, 100), { model: 'm', max_tokens: 50 })
  assert.deepEqual(edited({ model: 'm', max_tokens: null }, 100), { model: 'm', max_tokens: 100 })
  assert.deepEqual(edited({ model: 'm' }, 100), { model: 'm', max_tokens: 100 })
  assert.deepEqual(edited({ thinking: { type: 'enabled', budget_tokens: 31_999 }, max_tokens: 32_000 }, 8000), { thinking: { type: 'enabled', budget_tokens: 7999 }, max_tokens: 8000 })
  assert.deepEqual(edited({ thinking: { type: 'enabled', budget_tokens: 2000 }, max_tokens: 32_000 }, 8000), { thinking: { type: 'enabled', budget_tokens: 2000 }, max_tokens: 8000 })
  assert.deepEqual(edited({ max_tokens: 32_000, thinking: { budget_tokens: 2000, type: 'enabled' } }, 1000), { max_tokens: 1000, thinking: { type: 'disabled' } })
  assert.deepEqual(edited({ max_tokens: 32_000, thinking: { type: 'adaptive' } }, 10), { max_tokens: 10, thinking: { type: 'adaptive' } })
})

const shape = (body: unknown): RequestShape => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return protocol.shapeOf(endpoint!, bytes, scanned(bytes))
}
const user = (...content: unknown[]): unknown => ({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] })
const text = { type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } }
const data = 'A'.repeat(5000)
const png = { type: 'image', source: { type: 'base64', media_type: 'image/png', data } }

test('messages, instructions and tools are counted; images by their bytes or by reference, wherever they stand', () => {
  const counted = shape({ model: 'm', max_tokens: 9, system: [text], tools: [{ name: 'f', input_schema: {} }, { type: 'custom', name: 'g' }], messages: [{ role: 'user', content: 'a' }, { role: 'user', content: [text, png, { type: 'image', source: { type: 'url', url: 'https://a' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [text, png] }, { type: 'document', source: { type: 'content', content: [png] } }, { type: 'document', title: 't', source: { type: 'text', media_type: 'text/plain', data: 'x' } }] }] })
  assert.deepEqual(counted, { messages: 4, tools: 2, prompts: 1, choices: 1, images: 4, imageBytes: 3 * (data.length + 2), media: null, mediaBytes: 0, serviceTier: null, extra: null })
})

test('whatever may cost more than its bytes is named', () => {
  const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } }
  for (const block of [pdf, { type: 'document', source: { type: 'url', url: 'https://a' } }, { type: 'document', source: { type: 'file', file_id: 'f' } }, { type: 'container_upload', file_id: 'f' }, { type: 'tomorrow' }, {}, { ...png, video: 'x' }, { ...text, source: 1, audio: 'x' },
    { type: 'document', source: { type: 'text', data: 'x' }, alt: 'y' }, { type: 'tool_result', content: [pdf] }]) assert.notEqual(shape(user(block)).media, null, JSON.stringify(block).slice(0, 80))
  assert.notEqual(shape('{"messages":[{"content":[{"type":"text","type":"container_upload"}]}]}').media, null)
  assert.notEqual(shape('{"messages":[{"content":[{"type":"document","source":{"type":"text","type":"url"}}]}]}').media, null)
  assert.notEqual(shape({ messages: [{ role: 'user', content: 'a', audio: {} }] }).media, null)
  for (const types of ['"type":"custom","type":"web_search_20250305"', '"type":"web_search_20250305","type":"custom"']) assert.notEqual(shape(`{"tools":[{${types}}]}`).extra, null, types)
  for (const more of [{ mcp_servers: [{}] }, { container: 'c' }, { inference_geo: 'us' }, { speed: 'fast' }, { fallbacks: 'default' }, { tomorrow: 1 }, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, { context_management: { edits: [{ type: 'compact_20260112' }] } },
    { tools: [{ type: 'custom', name: 'x' }, { type: 'code_execution_20250825' }] }]) assert.notEqual(shape({ model: 'm', ...more }).extra, null, JSON.stringify(more))
  for (const more of [{ mcp_servers: [] }, { inference_geo: null }, { speed: 'standard' }, { inference_geo: 'global' }, { context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] } }]) assert.equal(shape({ model: 'm', ...more }).extra, null, JSON.stringify(more))
  assert.deepEqual([shape({ service_tier: 'auto' }).serviceTier, shape({ service_tier: 'standard_only' }).serviceTier], ['auto', null])
})

test('of recorded requests only those are named unbounded that have documents or tools of the vendor’s', () => {
  for (const { id, requestBody, status } of exchanges) {
    if (requestBody === null || status !== 200) continue
    const { media, extra } = shape(requestBody)
    const named = /"type":"(document|container_upload|web_search_tool_result)"/.test(requestBody)
    assert.ok(media === null || named, `${id}: ${media}`)
    assert.equal(extra !== null, /"type":"(web_search|code_execution|tool_search|web_fetch|advisor|memory|bash)\w*_20\d+"|"mcp_servers"|"container":/.test(requestBody), `${id}: ${extra}`)
  }
})
