/** The codec of the Messages format: what it carries comes back as it was, in requests, answers and streams. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { messagesCodec as codec } from '../../src/protocols/anthropic-messages/codec.ts'
import { readId, readName, writeId, writeName } from '../../src/protocols/anthropic-messages/names.ts'
import type { ChatEvent, ChatRequest, JsonObject } from '../../src/protocols/canonical.ts'
import type { Client, Target } from '../../src/protocols/codec.ts'
import { Collector, spread } from '../../src/protocols/whole.ts'
import { SseScanner } from '../../src/wire/sse-scanner.ts'
import { messageOf } from './anthropic-grammar.ts'
import { answerExtras, carriedAnswer, carriedRequest, everything } from './anthropic-messages.arbitrary.ts'

const numRuns = process.env['MEGAROUTER_PROOF'] === '1' ? 10_000 : 500
const target = (model: string, more: Partial<Target> = {}): Target => ({ model, proofs: 'anthropic', mostOutputTokens: 0, reasoning: null, ...more })
const request: ChatRequest = { model: 'm', stream: false, messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }] }
const client: Client = { request, id: 'x1', nowS: 0 }
const source = { proofs: 'anthropic' }
const asWire = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject

test('a request that the format carries survives encoding and decoding, and loses nothing', () => {
  fc.assert(fc.property(carriedRequest, (sent) => {
    const { body, losses } = codec.encodeRequest(sent, target(modelFor(sent)))
    assert.deepEqual(losses, [])
    assert.deepEqual(codec.decodeRequest(asWire(body), {}), { ...sent, model: modelFor(sent) })
  }), { numRuns })
})

/** An imitator's model takes all but instructions in mid-conversation. */
const modelFor = ({ messages }: ChatRequest): string => (messages.some(({ role }, index) => role === 'system' && index > 0) ? 'claude-opus-4-8' : 'imitator')

test('an answer survives encoding and decoding', () => {
  fc.assert(fc.property(carriedAnswer, answerExtras, (answer, extras) => {
    const whole = { ...answer, ...extras }
    assert.deepEqual(codec.decodeAnswer(asWire(codec.encodeAnswer(whole, client)), source), whole)
  }), { numRuns })
})

const written = (events: Iterable<ChatEvent>): string => {
  const encoder = codec.encodeStream(client)
  let text = ''
  for (const event of events) text += encoder.write(event)
  return text
}

function collected(stream: string, sizes: Iterator<number> = [].values()): Collector {
  const decoder = codec.decodeStream(source)
  const out: ChatEvent[] = []
  const scanner = new SseScanner(10_000_000, ({ name, data }) => decoder.event(name, data ?? '', out))
  const bytes = Buffer.from(stream)
  for (let at = 0; at < bytes.length;) {
    const size = sizes.next().value ?? bytes.length
    scanner.push(bytes.subarray(at, at + size))
    at += size
  }
  scanner.end()
  decoder.end(out)
  const collector = new Collector()
  for (const event of out) collector.take(event)
  return collector
}

test('a stream amounts to the answer it was made of, in the grammar of the official SDK, however its bytes are cut', () => {
  fc.assert(fc.property(carriedAnswer, fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (answer, sizes) => {
    const stream = written(spread(answer))
    const { answer: read, isOver, error } = collected(stream, sizes)
    assert.deepEqual(read, answer)
    assert.deepEqual([isOver, error], [true, null])
    assert.deepEqual(messageOf(stream), asWire(codec.encodeAnswer(answer, client)))
  }), { numRuns })
})

test('blocks that a vendor interleaves are put one behind the other', () => {
  fc.assert(fc.property(carriedAnswer, fc.infiniteStream(fc.nat(9)), (answer, picks) => {
    const events = written(spread(answer)).split(/(?<=\n\n)/)
    const lanes: string[][] = []
    for (const event of events) {
      const index = /^event: content_block.*\ndata: \{"type":"content_block_\w+","index":(\d+)/.exec(event)?.[1]
      if (index !== undefined) (lanes[Number(index)] ??= []).push(event)
    }
    const mixed = lanes[0]!.splice(0, 1)
    for (let begun = 1; lanes.some((lane) => lane.length > 0);) {
      const pick = (picks.next().value as number) % (begun + 1)
      // Blocks begin in the order of their numbers.
      if (pick === begun && begun < lanes.length) begun++
      mixed.push(...lanes[Math.min(pick, begun - 1)]!.splice(0, 1))
    }
    assert.deepEqual(collected([events[0], ...mixed, ...events.slice(-2)].join('')).answer, answer)
  }), { numRuns: 200 })
})

test('names and ids of any letters are written in those of the format and read back', () => {
  const any = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }), fc.stringMatching(/^[_0xaf./]{1,9}$/))
  fc.assert(fc.property(any, fc.option(any, { nil: undefined }), (name, namespace) => {
    assert.match(writeName(name, namespace), /^[a-zA-Z0-9_-]{1,128}$/)
    assert.deepEqual(readName(writeName(name, namespace)), namespace === undefined ? { name } : { name, namespace })
    assert.match(writeId(name), /^[a-zA-Z0-9_-]+$/)
    assert.equal(readId(writeId(name)), name)
  }), { numRuns })
  assert.equal(writeName('get_weather-2', undefined), 'get_weather-2')
  assert.equal(writeName('x'.repeat(300), undefined).length, 128)
})

/** What the newest clients may send, and what no recording has. */
const newest: JsonObject = {
  model: 'claude-opus-4-8', max_tokens: 9000, stream: true, cache_control: { type: 'ephemeral' }, container: { id: 'c', skills: [] }, inference_geo: 'eu', speed: 'fast', user_profile_id: 'p', fallbacks: [{ model: 'm' }], diagnostics: { a: 1 },
  mcp_servers: [{ type: 'url', name: 'm', url: 'https://m' }], context_management: { edits: [{ type: 'compact_20260112' }] }, metadata: { user_id: 'u', team: 't' }, service_tier: 'auto', stop_sequences: ['a'],
  output_config: { effort: 'xhigh', task_budget: { type: 'tokens', total: 2000 }, format: { type: 'json_schema', schema: { type: 'object', properties: {}, additionalProperties: false } } },
  thinking: { type: 'adaptive', display: 'omitted', block_binding: { prefix_mismatch_behavior: 'drop_block' } },
  system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral', ttl: '1h', scope: 'global' } }],
  tools: [
    { name: 'f', description: 'd', input_schema: { type: 'object', properties: { a: {} } }, input_examples: [{ a: 1 }], allowed_callers: ['direct'], eager_input_streaming: true, defer_loading: true, strict: false, cache_control: { type: 'ephemeral', ttl: '5m' } },
    { type: 'tool_search_tool_bm25_20251119', name: 'tool_search_tool_bm25' }, { type: 'mcp_toolset', mcp_server_name: 'm', default_config: { enabled: true } }, { type: 'memory_20250818', name: 'memory' }, { type: 'computer_20251124', name: 'computer', display_width_px: 1, display_height_px: 1 },
  ],
  tool_choice: { type: 'auto', disable_parallel_tool_use: false },
  messages: [
    { role: 'user', content: [
      { type: 'search_result', source: 'https://s', title: 't', content: [{ type: 'text', text: 'x' }], citations: { enabled: true } },
      { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'a' }, { type: 'image', source: { type: 'url', url: 'https://i' } }] }, title: 't', context: 'c', citations: { enabled: false } },
      { type: 'image', source: { type: 'file', file_id: 'f' }, transformations: { rotate: 1 } }, { type: 'container_upload', file_id: 'f' },
    ] },
    { role: 'system', content: [{ type: 'tool_addition', tool: { type: 'tool_reference', name: 'f' } }, { type: 'text', text: 'now' }], output_config: { effort: 'low' } },
    { role: 'assistant', content: [
      { type: 'thinking', thinking: '', signature: 'sig' }, { type: 'redacted_thinking', data: 'd' }, { type: 'fallback', from: { model: 'a' }, to: { model: 'b' } }, { type: 'compaction', content: 'c', encrypted_content: 'e' },
      { type: 'mcp_tool_use', id: 'm', name: 'n', server_name: 's', input: {} }, { type: 'mcp_tool_result', tool_use_id: 'm', content: [], is_error: false },
      { type: 'tool_use', id: 't', name: 'f', input: { a: [1, { b: null }] }, caller: { type: 'code_execution_20260120', tool_id: 'srvtoolu_1' }, cache_control: { type: 'ephemeral' } },
    ] },
    { role: 'system', content: [], output_config: { effort: 'high' } },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', is_error: true, toolset_name: 'x', content: [{ type: 'tool_reference', tool_name: 'f' }, { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi' } }] }] },
  ],
}

test('members that only this format knows stay beside those that all know', () => {
  const { body, losses } = codec.encodeRequest(codec.decodeRequest(newest, {}), target('claude-opus-4-8'))
  assert.deepEqual([body, losses], [newest, []])
  const former = codec.decodeRequest({ messages: [], output_format: { type: 'json_schema', schema: {} }, anthropic_version: 'bedrock-2023-05-31', anthropic_beta: ['b'] }, { model: 'p', stream: true })
  assert.deepEqual([former.output, former.betas, former.model, former.stream], [{ type: 'schema', schema: {} }, ['b'], 'p', true])
  assert.deepEqual(codec.encodeRequest(former, target('m')).body['anthropic_beta'], ['b'])
})

/** Deletes a member anywhere below, one at a time. */
function* without(value: unknown, path = ''): Generator<{ path: string; copy: unknown }> {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    const here = `${path}.${key}`
    if (!required.has(key) && !(key === 'name' && named.has((value as Record<string, unknown>)['type']))) {
      const copy = (Array.isArray(value) ? value.toSpliced(Number(key), 1) : { ...value }) as Record<string, unknown>
      if (!Array.isArray(value)) delete copy[key]
      yield { path: here, copy }
    }
    if (leaves.has(key)) continue
    for (const { path: inner, copy } of without(member, here)) yield { path: inner, copy: Array.isArray(value) ? value.with(Number(key), copy) : { ...value, [key]: copy } }
  }
}
const required = new Set(['model', 'messages', 'stream', 'type', 'role', 'parts', 'kind', 'source', 'text', 'id', 'callId', 'arguments', 'by', 'value', 'format', 'fields', 'mode', 'names', 'schema'])
const named: ReadonlySet<unknown> = new Set(['function', 'custom', 'toolCall'])
const leaves = new Set(['value', 'source', 'schema', 'parameters', 'proof', 'logitBias', 'citations', 'grammar', 'logprobs', 'audio', 'summary', 'fields'])

test('no member of a request disappears: it is written, or told as a loss', () => {
  const whole = codec.encodeRequest(everything(), target('claude-sonnet-4-5', { mostOutputTokens: 64_000 }))
  const silent: string[] = []
  let members = 0
  for (const { path, copy } of without(everything())) {
    members++
    const { body, losses } = codec.encodeRequest(copy as ChatRequest, target('claude-sonnet-4-5', { mostOutputTokens: 64_000 }))
    const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
    if (same(body, whole.body) && same(losses, whole.losses) && !sharesLoss.has(path)) silent.push(path)
  }
  assert.ok(members > 80, `${members} members`)
  assert.deepEqual(silent, [])
})

/** Told together: the part is lost as a whole. The name and the kind of a result are those of its call. */
const sharesLoss = new Set([
  '.modalities.0', '.messages.1.parts.4.mediaType', '.messages.1.parts.5.mediaType', '.messages.1.parts.6.name', '.messages.3.parts.0.summary', '.messages.3.parts.0.proof', '.messages.3.parts.0.id',
  '.messages.4.parts.0.name', '.messages.4.parts.1.custom',
])

test('a piece of text is the same to a decoder however its event is spelt', () => {
  const start = ['{"type":"message_start","message":{"id":"i","model":"m","content":[]}}', '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}']
  fc.assert(fc.property(fc.string(), fc.nat(9), (text, blanks) => {
    const said = JSON.stringify(text)
    const spelt = [
      `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${said}}${' '.repeat(blanks)}}`, `{"delta":{"text":${said},"type":"text_delta"},"index":0,"type":"content_block_delta"}`,
      `{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ${said}}}`,
    ]
    for (const data of spelt) {
      const decoder = codec.decodeStream(source)
      const out: ChatEvent[] = []
      for (const event of [...start, data]) decoder.event('', event, out)
      assert.deepEqual(out.slice(2), text === '' ? [] : [{ type: 'delta', choice: 0, text }], data)
    }
  }), { numRuns })
})
