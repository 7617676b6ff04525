/** Ollama's chat against its canonical form: round trips, recorded exchanges, damaged ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normaliseUsage } from '../../src/catalog/usage.ts'
import type { ChatRequest, JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest } from '../../src/protocols/codec.ts'
import { ollamaChat } from '../../src/protocols/ollama-chat/index.ts'
import { EventShape } from '../../src/wire/event-shape.ts'
import { recordings, type RecordedExchange } from '../fixtures/recorded.ts'
import { answer, request, streamedAnswer } from './ollama-chat.arbitrary.ts'
import { asked, client, collected, damaged, decoded, encoded, eventsIn, grammarFault, mutated, runs, scanned, source, streamed, target } from './vendor-codec.ts'
import { fullRequest, silentMembers } from './full-request.ts'

const codec = ollamaChat.codec!
const exchanges = [...recordings('ollama-chat').values()]
const whole = exchanges.filter(({ framing, status }) => framing === 'json' && status === 200)
const streams = exchanges.filter(({ framing }) => framing === 'ndjson')
const bodyOf = (exchange: RecordedExchange): JsonObject => JSON.parse(exchange.body.toString()) as JsonObject
const requestOf = (exchange: RecordedExchange): JsonObject => JSON.parse(exchange.requestBody!) as JsonObject

test('a request survives its way to the wire and back', () => {
  fc.assert(fc.property(request, (each) => {
    const { body, losses } = codec.encodeRequest(each, { ...target, reasoning: 'effort' })
    assert.deepEqual(losses, [])
    assert.deepEqual(codec.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject, {}), each)
  }), { numRuns: runs })
})

test('an answer survives its way to the wire and back', () => {
  fc.assert(fc.property(answer, (each) => {
    assert.deepEqual(codec.decodeAnswer(JSON.parse(JSON.stringify(codec.encodeAnswer(each, client))) as JsonObject, source), each)
  }), { numRuns: runs })
})

test('a streamed answer survives its way through bytes, however they are cut', () => {
  fc.assert(fc.property(streamedAnswer, fc.integer({ min: 1, max: 50 }), (each, size) => {
    const { answer: got, error, isOver } = streamed(ollamaChat, each, size)
    assert.deepEqual({ ...got, error, isOver }, { ...each, error: null, isOver: true })
  }), { numRuns: runs })
})

test('every recorded request is written as it came, but that it says whether it streams', () => {
  for (const exchange of exchanges) {
    const body = requestOf(exchange)
    const { body: got, losses } = codec.encodeRequest(codec.decodeRequest(body, {}), { ...target, model: body['model'] as string })
    assert.deepEqual(got, { stream: true, ...body }, exchange.id)
    assert.deepEqual(losses, [], exchange.id)
  }
})

test('a request that does not say whether it streams does', () => {
  assert.equal(codec.decodeRequest({ model: 'm', messages: [] }, {}).stream, true)
  assert.equal(codec.decodeRequest({ model: 'm', messages: [] }, { stream: false }).stream, false)
})

test('every recorded answer is written as it came', () => {
  assert.equal(whole.length, 31)
  for (const exchange of whole) assert.deepEqual(codec.encodeAnswer(codec.decodeAnswer(bodyOf(exchange), source), client), bodyOf(exchange), exchange.id)
})

test('every recorded stream says the same after a second way through the wire, however its bytes are cut', () => {
  assert.equal(streams.length, 16)
  for (const exchange of streams) {
    const events = decoded(ollamaChat, exchange.body)
    assert.equal(grammarFault(events), null, exchange.id)
    const first = collected(events)
    assert.ok(first.isOver && first.error === null && first.answer.choices[0]!.stop && first.answer.usage, exchange.id)
    for (const size of [1, 7, 1000]) assert.deepEqual(decoded(ollamaChat, exchange.body, size), events, exchange.id)
    assert.deepEqual(collected(decoded(ollamaChat, encoded(ollamaChat, events))).answer, first.answer, exchange.id)
  }
})

test('a stream is the answer that its lines add up to', () => {
  for (const exchange of streams) {
    const lines = exchange.body.toString().trimEnd().split('\n').map((line) => JSON.parse(line) as { message: { content: string; thinking?: string; tool_calls?: JsonObject[] } } & JsonObject)
    const text = (key: 'content' | 'thinking'): string => lines.map(({ message }) => message[key] ?? '').join('')
    const { answer: got } = collected(decoded(ollamaChat, exchange.body))
    const calls = lines.flatMap(({ message }) => message.tool_calls ?? [])
    const joined = { ...lines.at(-1)!, message: { role: 'assistant', content: text('content'), ...(text('thinking') && { thinking: text('thinking') }), ...(calls.length > 0 && { tool_calls: calls }) } }
    const { extras: _extras, createdAt: _createdAt, ...expected } = codec.decodeAnswer(joined, source)
    const { createdAt, ...rest } = got
    assert.ok(createdAt! > 1_700_000_000)
    assert.deepEqual(rest, expected, exchange.id)
  }
})

test('tokens are counted once, at the end of a stream', () => {
  for (const exchange of [...whole, ...streams]) {
    const usages = exchange.framing === 'json'
      ? [ollamaChat.readAnswer(exchange.body, scanned(exchange.body)).usage]
      : eventsIn(exchange.body, 'ndjson').map((event) => ollamaChat.readEvent(event, new EventShape()).usage).filter((usage) => usage !== null)
    assert.equal(usages.length, 1, exchange.id)
    const found = normaliseUsage(usages[0], ollamaChat.usage!)!
    const last = JSON.parse(exchange.body.toString().trimEnd().split('\n').at(-1)!) as { prompt_eval_count: number; eval_count: number }
    assert.deepEqual([found.usage.input, found.usage.output, found.anomalous], [last.prompt_eval_count, last.eval_count, false], exchange.id)
  }
})

test('calls of servers that know no ids get ids, which are the same for their results and never sent', () => {
  const body = (version: string) => ({ model: 'm', created_at: version, message: { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }, { function: { name: 'f', arguments: {} } }] }, done: true, done_reason: 'stop' })
  const ids = (version: string) => codec.decodeAnswer(body(version), source).choices[0]!.parts.map((part) => (part.type === 'toolCall' ? part.id : null))
  assert.deepEqual(ids('2026-08-04T19:58:19.95975Z'), ['ollama-call-2026080419581995975-0', 'ollama-call-2026080419581995975-1'])
  assert.notDeepEqual(ids('2026-08-04T19:58:19.95975Z'), ids('2026-08-04T19:58:20.1Z'))
  const streamedIds = decoded(ollamaChat, Buffer.from(`${JSON.stringify(body('2026-08-04T19:58:19.95975Z'))}\n`)).flatMap((event) => (event.type === 'part' && event.part.type === 'toolCall' ? [event.part.id] : []))
  assert.deepEqual(streamedIds, ids('2026-08-04T19:58:19.95975Z'))

  const messages = [
    { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: {} } }, { function: { name: 'g', arguments: {} } }, { function: { name: 'g', arguments: {} } }] },
    { role: 'tool', content: 'of g', tool_name: 'g' }, { role: 'tool', content: 'of f', tool_name: 'f' }, { role: 'tool', content: 'of the other g' },
  ]
  const decodedMessages = codec.decodeRequest({ model: 'm', messages }, {}).messages
  assert.deepEqual(decodedMessages[1]!.parts.map((part) => (part.type === 'toolResult' ? part.callId : null)), ['ollama-call-1', 'ollama-call-0', 'ollama-call-2'])
  const written = codec.encodeRequest({ ...asked, messages: decodedMessages }, target).body['messages'] as JsonObject[]
  assert.deepEqual(written.slice(1).map(({ tool_name: name, tool_call_id: id }) => [name, id]), [['g', undefined], ['f', undefined], ['g', undefined]])
})

/** What need not be written, since it is so anyway. */
const understood = [
  'model', // the deployment's stands in its place
  'reasoning.mode', // a budget says as much
  'output.strict', // every schema is held strictly
  'tools.0.type', 'tools.1.type', // whatever is neither custom nor a server's is a function
  'messages.2.parts.0.mediaType', // its first bytes say it
  'messages.4.parts.1.custom', // as its call says
]

test('no member of a request disappears in silence', () => {
  for (const reasoning of ['effort', 'budget'] as const) assert.deepEqual(silentMembers(codec, fullRequest, { ...target, reasoning }), understood)
})

test('each member of a request that Ollama has none for is lost by name', () => {
  const lost = (more: Partial<ChatRequest>, to = target): string[] => codec.encodeRequest({ ...asked, ...more }, to).losses.map(({ what, kind }) => `${kind}: ${what}`)
  assert.deepEqual(lost({ usageInStream: true, choices: 1, toolChoice: { type: 'auto' }, output: { type: 'text' } }), [])
  assert.deepEqual(lost({ choices: 2, modalities: ['text'], audio: { voice: 'x' }, verbosity: 'low', parallelToolCalls: true }), ['meaning: audio', 'meaning: verbosity', 'meaning: n', 'hint: modalities', 'hint: parallel_tool_calls'])
  assert.deepEqual(lost({ serviceTier: 'flex', endUser: 'u', metadata: {}, store: true, cacheKey: 'k', cacheRetention: '24h', betas: ['b'] }), ['hint: service_tier', 'hint: user', 'hint: metadata', 'hint: store', 'hint: prompt_cache_key', 'hint: prompt_cache_retention', 'hint: betas'])
  assert.deepEqual(lost({ sampling: { logitBias: { 1: 1 } }, logprobs: { alternatives: 30 }, extras: { format: 'openai-chat', fields: { prediction: {} } } }), ['meaning: logit_bias', 'meaning: the field "prediction"', 'hint: top_logprobs above 20'])
  assert.deepEqual(lost({ reasoning: { mode: 'on', budgetTokens: 2000, summary: 'auto', wantsProof: true }, output: { type: 'schema', schema: {}, name: 'n', strict: true } }), ['hint: name of the output schema', 'hint: summary of reasoning', 'hint: proof of reasoning', 'hint: budget of reasoning'])
  assert.deepEqual(lost({ reasoning: { mode: 'on', effort: 'high' } }, { ...target, reasoning: 'none' }), ['meaning: reasoning'])
  assert.deepEqual(lost({ tools: [
    { type: 'function', name: 'a', strict: true, deferred: true, cache: {} }, { type: 'custom', name: 'patch' }, { type: 'server', kind: 'web_search', format: 'openai-responses', value: {} },
  ], toolChoice: { type: 'tool', name: 'a' } }), ['hint: tools that tool_choice leaves out', 'meaning: tool_choice', 'hint: strict of a tool', 'hint: defer_loading of a tool', 'hint: cache mark of a tool'])
  assert.deepEqual(lost({ tools: [{ type: 'custom', name: 'patch' }, { type: 'server', kind: 'web_search', format: 'openai-responses', value: {} }] }), ['meaning: the tool "patch", which takes free text', 'meaning: the tool of the type "web_search"'])
})

test('each part that Ollama has no place for is lost by name', () => {
  const lost = (...messages: ChatRequest['messages']): string[] => codec.encodeRequest({ ...asked, messages }, target).losses.map(({ what, kind }) => `${kind}: ${what}`)
  assert.deepEqual(lost({ role: 'user', name: 'bo', parts: [
    { type: 'text', text: 'a', cache: {}, id: 'i' }, { type: 'media', kind: 'image', source: { by: 'url', url: 'https://example.com/a.png' } }, { type: 'media', kind: 'video', source: { by: 'data', base64: '' } },
    { type: 'media', kind: 'document', source: { by: 'data', base64: '' }, mediaType: 'application/pdf' }, { type: 'native', format: 'gemini-generate', value: {} },
  ] }), ['hint: name of a message', 'hint: cache mark of a text', 'hint: id of a text', 'hint: the order of texts, thoughts and images in a message', 'meaning: an image by address in a message', 'meaning: a video in a message', 'meaning: a document in a message', 'meaning: a part of the type "native" in a message'])
  assert.deepEqual(lost({ role: 'assistant', parts: [{ type: 'reasoning', text: 't', id: 'i', proof: { by: 'anthropic', value: 'v' } }, { type: 'reasoning', proof: { by: 'x', value: 'y' }, redacted: true }, { type: 'toolCall', id: 'c', name: 'n', arguments: '[1]' }] }),
    ['hint: id of a thought', 'hint: proof of a thought', 'hint: a thought of an earlier answer', 'hint: arguments of a call that are no JSON object'])
  assert.deepEqual(lost({ role: 'tool', parts: [{ type: 'toolResult', callId: 'c', parts: [], isError: true }] }), ['hint: mark of an error of the result of a tool'])
})

test('what other formats say is written in Ollama\'s way', () => {
  const body = (more: Partial<ChatRequest>, to = target): JsonObject => codec.encodeRequest({ ...asked, ...more }, to).body
  assert.deepEqual(body({ tools: [{ type: 'function', name: 'f' }], toolChoice: { type: 'none' } }), { model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: false })
  const think = (reasoning: ChatRequest['reasoning'], kind: typeof target.reasoning = 'effort'): unknown => body({ reasoning: reasoning!, maxOutputTokens: 10_000 }, { ...target, reasoning: kind })['think']
  assert.deepEqual([think({ mode: 'on', effort: 'minimal' }), think({ mode: 'on', effort: 'xhigh' }), think({ mode: 'on', budgetTokens: 8000 }), think({ mode: 'adaptive' }), think({ mode: 'on', effort: 'constructor' })], ['low', 'max', 'high', undefined, true])
  // A model that is not known to think is asked for no more than it does by itself.
  assert.deepEqual([think({ mode: 'on', effort: 'medium' }, null), think({ mode: 'on', budgetTokens: 8000 }, null), think({ mode: 'on', effort: 'high' }, null), think({ mode: 'off' }, 'none')], [undefined, undefined, 'high', undefined])
  assert.deepEqual(body({ messages: [
    { role: 'developer', parts: [{ type: 'text', text: 'be brief' }, { type: 'text', text: 'be kind' }] },
    { role: 'user', parts: [{ type: 'media', kind: 'image', source: { by: 'data', base64: 'AAAA' }, mediaType: 'image/png' }, { type: 'media', kind: 'document', source: { by: 'text', text: 'All is well.' }, name: 'report' }, { type: 'text', text: 'How is it?' }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'I ' }, { type: 'text', text: 'look.' }, { type: 'toolCall', id: 'c', name: 'n', arguments: '' }, { type: 'toolCall', id: 'd', name: 'p', arguments: 'free', custom: true }] },
    { role: 'tool', parts: [{ type: 'toolResult', callId: 'd', parts: [{ type: 'text', text: 'ok' }] }] },
  ] })['messages'], [
    { role: 'system', content: 'be brief\nbe kind' }, { role: 'user', content: '<document name="report">\nAll is well.\n</document>\nHow is it?', images: ['AAAA'] },
    { role: 'assistant', content: 'I look.', tool_calls: [{ id: 'c', type: 'function', function: { name: 'n', arguments: {} } }, { id: 'd', type: 'function', function: { name: 'p', arguments: { input: 'free' } } }] },
    { role: 'tool', content: 'ok', tool_name: 'p', tool_call_id: 'd' },
  ])
})

test('a request that has no sense is refused in words', () => {
  for (const body of [{}, { messages: 'hi' }, { messages: ['hi'] }, { messages: [{ role: 'robot', content: 'x' }] }, { messages: [], tools: ['x'] }] as unknown as JsonObject[]) assert.throws(() => codec.decodeRequest(body, {}), BadRequest)
})

test('a stream that breaks off has no stop, and one that fails says so', () => {
  const broken = decoded(ollamaChat, streams[0]!.body.subarray(0, 300))
  assert.ok(broken.length > 0 && !broken.some(({ type }) => type === 'stop' || type === 'end'))
  const failed = Buffer.concat([streams[0]!.body.subarray(0, streams[0]!.body.indexOf(10) + 1), Buffer.from('{"error":"an error was encountered while running the model"}\n')])
  const events = decoded(ollamaChat, failed)
  assert.equal(grammarFault(events), null)
  assert.equal(collected(events).error?.message, 'an error was encountered while running the model')
  assert.equal(encoded(ollamaChat, events).toString().split('\n').at(-2), '{"error":"an error was encountered while running the model"}')
  assert.equal(ollamaChat.readEvent(eventsIn(failed, 'ndjson').at(-1)!, new EventShape()).error?.message, 'an error was encountered while running the model')
})

test('nothing that a vendor could answer by mistake throws', () => {
  const bodies = exchanges.filter(({ framing }) => framing === 'json').map(bodyOf)
  fc.assert(fc.property(mutated(bodies), (body) => {
    codec.encodeAnswer(codec.decodeAnswer(body, source), client)
    const bytes = Buffer.from(JSON.stringify(body))
    ollamaChat.readAnswer(bytes, scanned(bytes))
    ollamaChat.readError(bytes)
  }), { numRuns: runs })
  fc.assert(fc.property(damaged(streams.map(({ body }) => body.toString().slice(-4000))), (text) => {
    const events = decoded(ollamaChat, Buffer.from(text))
    assert.equal(grammarFault(events), null)
    encoded(ollamaChat, events)
    for (const event of eventsIn(Buffer.from(text), 'ndjson')) ollamaChat.readEvent(event, new EventShape())
  }), { numRuns: runs })
  fc.assert(fc.property(mutated(exchanges.map(requestOf)), (body) => {
    try {
      codec.encodeRequest(codec.decodeRequest(body, {}), target)
    } catch (error) {
      assert.ok(error instanceof BadRequest, String(error))
    }
  }), { numRuns: runs })
})
