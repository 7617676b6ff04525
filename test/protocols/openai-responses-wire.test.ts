/** What the gateway reads of this format without translating it: requests, events, usage, errors, limits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { normaliseUsage } from '../../src/catalog/usage.ts'
import type { UsageRules } from '../../src/providers/provider.ts'
import { openaiResponses } from '../../src/protocols/openai-responses/index.ts'
import type { EventFacts, SaidError } from '../../src/protocols/protocol.ts'
import { EventShape } from '../../src/wire/event-shape.ts'
import { splice } from '../../src/wire/json-edit.ts'
import { codec, collected, decoded, eventsIn, exchanges, scanned, source } from './openai-responses.fixture.ts'

const endpoint = openaiResponses.endpoints[0]!
const read = (name: string, data: unknown): EventFacts =>
  openaiResponses.readEvent({ start: 0, end: 0, name, data: typeof data === 'string' ? data : JSON.stringify(data), oversize: false }, new EventShape())
const rules = openaiResponses.usage as UsageRules
/** Its first and last events lack a brace. */
const damaged = 'e5b39b9982e07106'
const streams = exchanges.filter(({ id, framing, status, body }) => status < 300 && framing !== 'json' && id !== damaged && body.toString().split('"type":"response.created"').length <= 2)

test('a request is read by the names of this format', () => {
  const facts = (body: unknown): unknown => {
    const { bytes, scan } = scanned(body)
    return openaiResponses.readRequest(endpoint, bytes, scan, {})
  }
  assert.deepEqual(facts({ model: 'm', input: 'hi' }), { model: 'm', stream: false, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: false })
  assert.deepEqual(facts({ model: 'm', stream: true, max_output_tokens: 20, reasoning: { effort: 'none' } }), { model: 'm', stream: true, usageInStream: true, maxOutputTokens: 20, choices: 1, reasoningOff: true })
  assert.match((facts({ model: 'm', max_output_tokens: 1.5 }) as { message: string }).message, /whole number/)
})

test('a limit takes the place of a larger one, or of none', () => {
  const edited = (body: string): string => {
    const { bytes, scan } = scanned(body)
    return splice(bytes, openaiResponses.limitEdits!(bytes, scan, 100)).toString()
  }
  assert.equal(edited('{"model":"m"}'), '{"model":"m","max_output_tokens":100}')
  assert.equal(edited('{}'), '{"max_output_tokens":100}')
  assert.equal(edited('{"max_output_tokens":null}'), '{"max_output_tokens":100}')
  assert.equal(edited('{"max_output_tokens" : 4000 }'), '{"max_output_tokens" : 100 }')
  assert.equal(edited('{"max_output_tokens":99}'), '{"max_output_tokens":99}')
})

test('what comes before the first output is not meaningful', () => {
  const response = { id: 'resp_1', output: [] }
  for (const [name, data] of [
    ['response.created', { response }], ['response.in_progress', { response }], ['response.queued', { response }], ['response.output_item.added', { item: { type: 'message', content: [] } }],
    ['response.output_item.added', { item: { type: 'reasoning', summary: [] } }], ['response.content_part.added', { part: { type: 'output_text', text: '' } }],
    ['response.reasoning_summary_part.added', { part: {} }], ['keepalive', {}], ['response.output_text.delta', { delta: '' }],
  ] as const) {
    // Some servers name no event, others all of them alike.
    for (const said of [name, '', 'message']) assert.equal(read(said, { type: name, ...data }).meaningful, false, `${said} ${name}`)
  }
  assert.equal(read('', '').meaningful, false)
  for (const [name, data] of [['response.output_text.delta', { delta: 'a' }], ['response.output_item.added', { item: { type: 'function_call', name: 'f' } }], ['response.web_search_call.searching', {}], ['response.completed', { response }]] as const) {
    assert.equal(read('message', { type: name, ...data }).meaningful, true, name)
  }
})

test('the characters of a text are counted with and without escapes, and texts that look like events are texts', () => {
  const delta = (text: string, pretty = 0): number => read('', JSON.stringify({ type: 'response.output_text.delta', delta: text, obfuscation: 'xyz' }, null, pretty)).outputChars
  for (const text of ['a', 'äöü 東京 🙂', 'a "quoted" text', 'tab\t', '\\', '"type":"response.completed"', '{"type":"response.output_text.delta","delta":"a"}']) {
    assert.equal(delta(text), text.length, text)
    assert.equal(delta(text, 1), text.length, text)
  }
  const args = read('', { type: 'response.function_call_arguments.delta', delta: '{"type":"response.output_text.delta"' })
  assert.equal(args.outputChars, '{"type":"response.output_text.delta"'.length)
})

test('every recorded stream ends once, and its usage and output are those of its answer', () => {
  for (const { id, body } of streams) {
    const facts = eventsIn(body).map(({ name, data }) => read(name, data))
    const last = facts.filter(({ finished }) => finished)
    assert.equal(last.length, facts.some(({ error }) => error) ? 0 : 1, id)
    const answer = collected(decoded(eventsIn(body))).answer
    const usage = facts.find((each) => each.usage !== null)?.usage ?? null
    assert.equal(facts.filter((each) => each.usage !== null).length, answer.usage ? 1 : 0, id)
    assertSame(usage, answer.usage, id)
    // Deltas are counted, and what repeats them is not; a call is announced with its name.
    const deltas = eventsIn(body).filter(({ data }) => data.startsWith('{')).map(({ data }) => JSON.parse(data) as { delta?: unknown })
    const told = deltas.reduce((sum, { delta }) => sum + (typeof delta === 'string' ? delta.length : 0), 0)
    const announced = facts.reduce((sum, each, index) => sum + (typeof deltas[index]?.delta === 'string' ? 0 : each.outputChars), 0)
    assert.equal(facts.reduce((sum, each) => sum + each.outputChars, 0), told + announced, id)
    assert.ok(announced < 400, id)
  }
})

function assertSame(raw: unknown, usage: object | undefined, id: string): void {
  const normal = normaliseUsage(raw, rules)
  if (!usage) return assert.equal(normal, null, id)
  const { searches: toolCalls, ...classes } = usage as Record<string, number>
  const expected = { ...Object.fromEntries(Object.keys(normal!.usage).map((key) => [key, 0])), ...classes, requests: 1, toolCalls: toolCalls ?? 0 }
  assert.deepEqual({ ...normal!.usage }, expected, id)
  assert.equal(normal!.anomalous, false, id)
}

test('every recorded answer is read: usage in disjoint classes, errors as errors', () => {
  for (const { id, framing, status, body } of exchanges) {
    if (framing !== 'json' || status >= 300) continue
    const { bytes, scan } = scanned(body.toString())
    const facts = openaiResponses.readAnswer(bytes, scan)
    const parsed = JSON.parse(body.toString()) as { output?: unknown; error: { message: string } | null }
    if (parsed.output === undefined) {
      assert.equal(facts.error?.message, parsed.error!.message, id)
      continue
    }
    assert.equal(facts.error, null, id)
    assertSame(facts.usage, codec.decodeAnswer(parsed as never, source).usage, id)
  }
  const { bytes, scan } = scanned({ status: 'failed', output: [], error: { code: 'rate_limit_exceeded', message: 'Slow.' } })
  assert.equal(openaiResponses.readAnswer(bytes, scan).error?.status, 429)
})

test('cached, written and reasoned tokens are classes of their own, searches are counted', () => {
  const facts = read('', { type: 'response.completed', response: {
    usage: { input_tokens: 100, input_tokens_details: { cached_tokens: 40, cache_write_tokens: 30, cache_write_tokens_details: { ttl_30m_tokens: 20, ttl_12h_tokens: 10 } }, output_tokens: 50, output_tokens_details: { reasoning_tokens: 20 }, total_tokens: 150 },
    tool_usage: { web_search: { num_requests: 3 } },
  } })
  const { input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning, toolCalls } = normaliseUsage(facts.usage, rules)!.usage
  // As xAI counts them; and as older answers show them, where opening a page is no search.
  const searched = (response: object): number => normaliseUsage(read('', { type: 'response.completed', response }).usage, rules)!.usage.toolCalls
  const used = { input_tokens: 1, output_tokens: 1 }
  assert.equal(searched({ usage: { ...used, server_side_tool_usage_details: { web_search_calls: 2, x_search_calls: 1, mcp_calls: 5 } } }), 3)
  assert.equal(searched({ usage: used, output: [{ type: 'web_search_call', action: { type: 'search' } }, { type: 'web_search_call', action: { type: 'open_page' } }, { type: 'file_search_call' }] }), 1)
  assert.deepEqual({ input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning, toolCalls }, { input: 30, cacheRead: 40, cacheWrite5m: 20, cacheWrite1h: 10, output: 30, reasoning: 20, toolCalls: 3 })
})

test('recorded errors have their classes', () => {
  const classes = exchanges.filter(({ status }) => status >= 400).map(({ status, body }) => {
    const fault = openaiResponses.readError(body)
    return `${openaiResponses.classify(status, fault)}: ${fault?.message.replace(/'[^']*'/g, '*').slice(0, 36)}`
  })
  assert.deepEqual([...new Set(classes)].sort(), [
    'auth: Could not parse your authentication ', 'auth: Incorrect API key provided. You can ', 'auth: Incorrect API key provided: sk-inval',
    'not_found: Model not found: grok-nonexistent-mo', 'not_found: Previous response with id * not foun', 'not_found: The requested model * does not exist', 'not_found: The requested model * is not support',
    'request: Deep research models only support th', 'request: Invalid *: integer below minimum val', 'request: Invalid value: *. Supported values a', 'request: Missing required parameter: *.', 'request: Unsupported parameter: * is not supp',
  ])
})

test('errors in streams are recognised by their codes', () => {
  const said: [string, string, number][] = [
    ['rate_limit_exceeded', 'rate_limit', 429], ['insufficient_quota', 'quota', 429], ['usage_limit_reached', 'quota', 429], ['server_error', 'server', 500], ['server_is_overloaded', 'overloaded', 503], ['slow_down', 'overloaded', 503],
    ['context_length_exceeded', 'context_window', 400], ['image_content_policy_violation', 'content_policy', 400], ['cyber_policy', 'content_policy', 400], ['invalid_prompt', 'request', 400], ['invalid_image_url', 'request', 400],
  ]
  for (const [code, expected, status] of said) {
    for (const data of [{ type: 'error', code, message: 'm', param: null }, { type: 'error', error: { type: 'invalid_request_error', code, message: 'm' } }, { type: 'response.failed', response: { error: { code, message: 'm' } } }]) {
      const { error } = read('', data)
      assert.equal(error?.status, status, code)
      assert.equal(openaiResponses.classify(error!.status!, error), expected, code)
    }
  }
  assert.equal(openaiResponses.classify(500, { code: 'server_is_overloaded', type: null, message: 'm', status: null }), 'overloaded')
  assert.equal(openaiResponses.classify(400, { code: 'invalid_prompt', type: null, message: 'Invalid prompt: your prompt was flagged as potentially violating our usage policy.', status: null }), 'content_policy')
  assert.match(read('error', 'upstream died').error!.message, /upstream died/)
  assert.match(read('', { type: 'response.failed', response: {} }).error!.message, /without saying/)
})

const error: SaidError = { message: 'The budget is spent.', status: 402, type: 'invalid_request_error', code: 'budget_exceeded', param: null, fault: null, requestId: 'req_1' }

test('our own errors are what the official SDK and Codex understand', async () => {
  const sdk = (response: Response): OpenAI => new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: () => Promise.resolve(response) })
  await assert.rejects(sdk(new Response(openaiResponses.errorBody(error), { status: 402, headers: { 'content-type': 'application/json' } })).responses.create({ model: 'm', input: 'hi' }), (thrown: { status?: number; code?: string; message: string }) =>
    thrown.status === 402 && thrown.code === 'budget_exceeded' && thrown.message.includes('The budget is spent.'))
  const events = eventsIn(openaiResponses.errorEvent(error)).map(({ name, data }) => [name, JSON.parse(data) as { type: string; response?: { error: { code: string } } }] as const)
  assert.deepEqual(events.map(([name, { type }]) => [name, type]), [['error', 'error'], ['response.failed', 'response.failed']])
  assert.equal(events[1]![1].response!.error.code, 'budget_exceeded')
  const stream = await sdk(new Response(openaiResponses.errorEvent(error), { headers: { 'content-type': 'text/event-stream' } })).responses.create({ model: 'm', input: 'hi', stream: true })
  await assert.rejects(async () => { for await (const _ of stream) assert.fail('nothing comes before the error') }, /The budget is spent/)
})
