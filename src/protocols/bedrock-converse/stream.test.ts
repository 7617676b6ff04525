import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exceptionName } from '../../wire/aws-event-stream.ts'
import type { ChatAnswer, ChatEvent, Part } from '../canonical.ts'
import { Collector } from '../whole.ts'
import { converseCodec } from './codec.ts'

type Event = readonly [name: string, body: unknown]

function run(...events: readonly Event[]): { out: ChatEvent[]; collected: Collector } {
  const out: ChatEvent[] = []
  const decoder = converseCodec.decodeStream({ proofs: 'anthropic' })
  for (const [name, body] of events) decoder.event(name, typeof body === 'string' ? body : JSON.stringify(body), out)
  decoder.end(out)
  const collected = new Collector()
  for (const event of out) collected.take(event)
  return { out, collected }
}
const parts = (...events: readonly Event[]): Part[] | undefined => run(...events).collected.answer.choices[0]?.parts
const start = (index: number, begin: unknown): Event => ['contentBlockStart', { contentBlockIndex: index, start: begin }]
const delta = (index: number, each: unknown): Event => ['contentBlockDelta', { contentBlockIndex: index, delta: each }]
const stop = (index: number): Event => ['contentBlockStop', { contentBlockIndex: index }]
const end = (stopReason: string, more: object = {}): Event => ['messageStop', { stopReason, ...more }]
const call = (id: string, name = 'f') => ({ toolUse: { toolUseId: id, name } })
const input = (text: string) => ({ toolUse: { input: text } })
const usage: Event = ['metadata', { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } }]

test('calls that are mixed are told one after the other, and lose nothing', () => {
  const mixed = [start(0, call('a')), delta(0, input('{"x"')), start(1, call('b')), delta(1, input('{"y"')), delta(0, input(':1}')), delta(2, { text: 'and' }), delta(1, input(':2}')), stop(1), stop(0), stop(2), end('tool_use'), usage]
  assert.deepEqual(parts(...mixed), [{ type: 'toolCall', id: 'a', name: 'f', arguments: '{"x":1}' }, { type: 'toolCall', id: 'b', name: 'f', arguments: '{"y":2}' }, { type: 'text', text: 'and' }])
  // What nobody ends is ended with the message.
  assert.deepEqual(parts(...mixed.filter(([name]) => name !== 'contentBlockStop')), parts(...mixed))
})

test('a text begins without notice and ends with the next block; one that comes back is another part', () => {
  assert.deepEqual(parts(delta(0, { text: 'a' }), delta(1, { text: 'b' }), delta(0, { text: 'c' })), ['a', 'b', 'c'].map((text) => ({ type: 'text', text })))
  assert.deepEqual(parts(start(0, {}), delta(0, { text: '' }), delta(0, { text: 'x' }), stop(0), delta(1, { text: '' }), stop(1)), [{ type: 'text', text: 'x' }])
})

test('a call without arguments has none, as in an answer that comes whole', () => {
  assert.deepEqual(parts(start(0, call('a')), delta(0, input('')), stop(0)), [{ type: 'toolCall', id: 'a', name: 'f', arguments: '{}' }])
})

test('thought with a signature in pieces, and encrypted thought whose pieces are bytes', () => {
  const hidden = Buffer.from('encrypted thought').toString('base64')
  const pieces = ['encr', 'ypted thought'].map((text) => delta(1, { reasoningContent: { redactedContent: Buffer.from(text).toString('base64') } }))
  assert.deepEqual(parts(delta(0, { reasoningContent: { text: 'so' } }), delta(0, { reasoningContent: { signature: 'ab' } }), delta(0, { reasoningContent: { signature: 'cd' } }), stop(0), ...pieces, stop(1)), [
    { type: 'reasoning', text: 'so', proof: { by: 'anthropic', value: 'abcd' } }, { type: 'reasoning', redacted: true, proof: { by: 'anthropic', value: 'encrypted thought' } },
  ])
  const whole = converseCodec.decodeAnswer({ output: { message: { role: 'assistant', content: [{ reasoningContent: { redactedContent: hidden } }] } } }, { proofs: 'anthropic' })
  assert.deepEqual(whole.choices[0]!.parts[0], { type: 'reasoning', redacted: true, proof: { by: 'anthropic', value: 'encrypted thought' } })
})

test('a stream and the answer that comes whole say the same', () => {
  const quoted = { title: 'Report', sourceContent: [{ text: 'so ' }, { text: 'it is' }], location: { documentPage: { documentIndex: 1, start: 2, end: 3 } } }
  const whole = converseCodec.decodeAnswer({
    output: { message: { role: 'assistant', content: [
      { reasoningContent: { reasoningText: { text: 'why', signature: 's' } } }, { citationsContent: { content: [{ text: 'It is.' }], citations: [quoted] } },
      { toolUse: { toolUseId: 's1', name: 'nova_grounding', type: 'server_tool_use', input: { q: 1 } } }, { toolResult: { toolUseId: 's1', type: 'nova_grounding_result', status: 'success', content: [{ text: 'found it' }, { json: [1] }] } },
      { image: { format: 'png', source: { bytes: 'AAECAwQ=' } } }, { toolUse: { toolUseId: 'c', name: 'mcp_x2e_f', input: { a: [1, 'b'] } } },
    ] } },
    stopReason: 'stop_sequence', additionalModelResponseFields: { stop_sequence: 'END' }, usage: { inputTokens: 1, outputTokens: 2, totalTokens: 16, cacheReadInputTokens: 6, cacheWriteInputTokens: 7, cacheDetails: [{ ttl: '1h', inputTokens: 3 }, { ttl: '5m', inputTokens: 4 }] }, serviceTier: { type: 'flex' },
  }, { proofs: 'anthropic' })
  const { collected } = run(
    ['messageStart', { role: 'assistant' }], delta(0, { reasoningContent: { text: 'why' } }), delta(0, { reasoningContent: { signature: 's' } }), stop(0), delta(1, { text: 'It is' }), delta(1, { citation: quoted }), delta(1, { text: '.' }), stop(1),
    start(2, { toolUse: { toolUseId: 's1', name: 'nova_grounding', type: 'server_tool_use' } }), delta(2, input('{"q"')), delta(2, input(':1}')), stop(2), start(3, { toolResult: { toolUseId: 's1', type: 'nova_grounding_result', status: 'success' } }), delta(3, { toolResult: [{ text: 'found ' }] }), delta(3, { toolResult: [{ text: 'it' }, { json: [1] }] }), stop(3),
    start(4, { image: { format: 'png' } }), delta(4, { image: { source: { bytes: 'AAEC' } } }), delta(4, { image: { source: { bytes: 'AwQ=' } } }), stop(4), start(5, call('c', 'mcp_x2e_f')), delta(5, input('{"a":[1,')), delta(5, input('"b"]}')), stop(5),
    end('stop_sequence', { additionalModelResponseFields: { delta: { stop_sequence: 'END' } } }), ['metadata', { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 16, cacheReadInputTokens: 6, cacheWriteInputTokens: 7, cacheDetails: [{ ttl: '1h', inputTokens: 3 }, { ttl: '5m', inputTokens: 4 }] }, serviceTier: { type: 'flex' }, metrics: { latencyMs: 1 } }],
  )
  assert.deepEqual(collected.answer, whole)
  const expected: Partial<ChatAnswer> = { usage: { input: 1, output: 2, cacheRead: 6, cacheWrite5m: 4, cacheWrite1h: 3 }, serviceTier: 'flex' }
  assert.deepEqual({ usage: whole.usage, serviceTier: whole.serviceTier }, expected)
  const [, text, server, , , toolCall] = whole.choices[0]!.parts
  assert.deepEqual(text, { type: 'text', text: 'It is.', citations: [{ title: 'Report', quote: 'so it is', document: 1, native: { format: 'bedrock-converse', value: quoted } }] })
  assert.deepEqual([server!.type, toolCall], ['native', { type: 'toolCall', id: 'c', name: 'mcp.f', arguments: '{"a":[1,"b"]}' }])
  assert.equal(whole.choices[0]!.stopSequence, 'END')
})

test('usage before the stop, or none, is tolerated; a stop is never invented', () => {
  const types = (...events: readonly Event[]): string[] => run(...events).out.map(({ type }) => type)
  assert.deepEqual(types(usage, end('end_turn')), ['start', 'usage', 'stop', 'end'])
  assert.deepEqual(types(end('end_turn'), usage, delta(0, { text: 'late' })), ['start', 'stop', 'usage', 'end'])
  assert.deepEqual(types(end('end_turn')), ['start', 'stop', 'end'])
  assert.deepEqual(types(delta(0, { text: 'a' }), usage), ['start', 'part', 'delta', 'usage', 'partEnd'])
  assert.deepEqual(types(['messageStart', { role: 'assistant' }], ['messageStart', { role: 'assistant' }], ['messageStop', {}], ['somethingNew', {}], ['contentBlockDelta', 'junk']), ['start'])
})

test('each reason to stop is kept, with its own name where another means more', () => {
  const reason = (stopReason: string): unknown => run(end(stopReason)).out.at(1)
  const told = (stop: string, nativeStop?: string): unknown => ({ type: 'stop', choice: 0, stop, ...(nativeStop && { nativeStop }) })
  for (const [stopReason, stopped, native] of [
    ['end_turn', 'end'], ['tool_use', 'tool_calls'], ['max_tokens', 'length'], ['stop_sequence', 'stop_sequence'], ['content_filtered', 'content_filter'], ['guardrail_intervened', 'content_filter', 'guardrail_intervened'],
    ['model_context_window_exceeded', 'context_window'], ['malformed_tool_use', 'other', 'malformed_tool_use'], ['malformed_model_output', 'other', 'malformed_model_output'], ['refusal', 'refusal', 'refusal'], ['pause_turn', 'pause', 'pause_turn'], ['constructor', 'other', 'constructor'],
  ] as const) assert.deepEqual(reason(stopReason), told(stopped, native), stopReason)
})

test('an exception on the way is an error behind what was said, and no stop', () => {
  const { out, collected } = run(delta(0, { text: 'half' }), [exceptionName('serviceUnavailableException'), { message: 'gone' }])
  assert.deepEqual(collected.error, { status: 503, code: 'serviceUnavailableException', kind: 'serviceUnavailableException', message: 'gone' })
  assert.deepEqual(out.map(({ type }) => type), ['start', 'part', 'delta', 'error', 'partEnd'])
})

test('summaries of thought are written below each other, an error as an exception', () => {
  const encoder = converseCodec.encodeStream({ request: { model: '', stream: true, messages: [] }, id: '', nowS: 0 })
  const text = [
    { type: 'part', choice: 0, part: { type: 'reasoning' } }, { type: 'summary', choice: 0, index: 0, text: 'a' }, { type: 'summary', choice: 0, index: 1, text: 'b' }, { type: 'summary', choice: 0, index: 1, text: 'c' }, { type: 'partEnd', choice: 0 },
    { type: 'error', error: { status: 429, code: null, kind: null, message: 'slow' } },
  ].map((event) => encoder.write(event as ChatEvent)).join('')
  assert.deepEqual([...text.matchAll(/"text":"(.*?)"\}/g)].map(([, said]) => said), ['a', '\\n\\nb', 'c'])
  assert.match(text, /throttlingException/)
})
