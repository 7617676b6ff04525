/** Cohere's chat against its canonical form: round trips, recorded exchanges, damaged ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normaliseUsage } from '../../src/catalog/usage.ts'
import type { ChatRequest, JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest } from '../../src/protocols/codec.ts'
import { cohereChat } from '../../src/protocols/cohere-chat/index.ts'
import { EventShape } from '../../src/wire/event-shape.ts'
import { recordings, type RecordedExchange } from '../fixtures/recorded.ts'
import { answer, request, streamedAnswer } from './cohere-chat.arbitrary.ts'
import { asked, client, collected, damaged, decoded, encoded, eventsIn, grammarFault, mutated, runs, scanned, source, streamed, target } from './vendor-codec.ts'
import { fullRequest, silentMembers } from './full-request.ts'

const codec = cohereChat.codec!
const exchanges = [...recordings('cohere-chat').values()]
const whole = exchanges.filter(({ framing, status }) => framing === 'json' && status === 200)
const streams = exchanges.filter(({ framing }) => framing === 'sse' || framing === 'chunks')
const requests = exchanges.filter(({ requestBody }) => requestBody !== null)
const bodyOf = (exchange: RecordedExchange): JsonObject => JSON.parse(exchange.body.toString()) as JsonObject
const requestOf = (exchange: RecordedExchange): JsonObject => JSON.parse(exchange.requestBody!) as JsonObject

/** What is written in another way that means the same. */
function normal(body: JsonObject): JsonObject {
  const messages = (body['messages'] as JsonObject[]).map((message) => {
    const [first, second] = Array.isArray(message['content']) ? message['content'] as JsonObject[] : []
    // A single text may stand as such or as a list of one.
    return first?.['type'] === 'text' && second === undefined ? { ...message, content: first['text']! } : message
  })
  return { ...body, messages }
}

test('a request survives its way to the wire and back', () => {
  fc.assert(fc.property(request, (each) => {
    const { body, losses } = codec.encodeRequest(each, target)
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
    const { answer: got, error, isOver } = streamed(cohereChat, each, size)
    assert.deepEqual({ ...got, error, isOver }, { ...each, error: null, isOver: true })
  }), { numRuns: runs })
})

test('every recorded request is written as it came, but for how a single text stands', () => {
  assert.equal(requests.length, 39)
  for (const exchange of requests) {
    const body = requestOf(exchange)
    const { body: got, losses } = codec.encodeRequest(codec.decodeRequest(body, {}), { ...target, model: body['model'] as string })
    assert.deepEqual(normal(got), normal(body), exchange.id)
    assert.deepEqual(losses, [], exchange.id)
  }
})

test('every recorded answer is written as it came, but for arguments that are none', () => {
  assert.equal(whole.length, 31)
  for (const exchange of whole) {
    const text = exchange.body.toString().replace('"arguments":"null"', '"arguments":"{}"')
    assert.deepEqual(codec.encodeAnswer(codec.decodeAnswer(bodyOf(exchange), source), client), JSON.parse(text), exchange.id)
  }
})

test('every recorded stream says the same after a second way through the wire, however its bytes are cut', () => {
  assert.equal(streams.length, 17)
  for (const exchange of streams) {
    const events = decoded(cohereChat, exchange.body)
    assert.equal(grammarFault(events), null, exchange.id)
    const first = collected(events)
    assert.ok(first.isOver && first.error === null && first.answer.choices[0]!.stop && first.answer.usage, exchange.id)
    for (const size of [1, 7, 1000]) assert.deepEqual(decoded(cohereChat, exchange.body, size), events, exchange.id)
    assert.deepEqual(collected(decoded(cohereChat, encoded(cohereChat, events))).answer, first.answer, exchange.id)
  }
})

test('thoughts, text, plan, calls and citations of recorded streams are what they were', () => {
  const of = (id: string) => collected(decoded(cohereChat, recordings('cohere-chat').get(id)!.body)).answer
  const kinds = (id: string) => of(id).choices[0]!.parts.map(({ type }) => type)
  assert.deepEqual(kinds('a13caca8aa430e5a'), ['reasoning', 'toolCall'])
  assert.deepEqual(kinds('8b63a52c19010a6e'), ['reasoning', 'text'])
  assert.deepEqual(kinds('aac9c8358e0b045b'), ['text', 'toolCall', 'toolCall'])
  assert.deepEqual(of('c4a2a08e35864c36').choices[0], {
    index: 0, stop: 'tool_calls',
    parts: [{ type: 'text', text: 'I will use the currentTime tool to find the current time.' }, { type: 'toolCall', id: 'currentTime_y46ar19t5gvw', name: 'currentTime', arguments: '{}' }],
  })
  const [text] = of('4caa2088db364f98').choices[0]!.parts
  assert.ok(text?.type === 'text')
  assert.equal(text.text.slice(text.citations![0]!.start, text.citations![0]!.end), '-3.')
  assert.deepEqual(of('a13caca8aa430e5a').usage, { input: 84, output: 10, reasoning: 304 })
})

interface Wire { id?: string; type?: string; index?: number; delta?: { finish_reason?: string; usage?: JsonObject; message?: { content?: Record<string, string>; tool_plan?: string; tool_calls?: { id?: string; function: { name?: string; arguments?: string } }; citations?: JsonObject } } }

/** The whole answer that the events add up to, made without the decoder. */
function addedUp(exchange: RecordedExchange): JsonObject {
  const content: Record<string, string>[] = []
  const calls: { id: string; type: string; function: { name: string; arguments: string } }[] = []
  const body: Record<string, unknown> = {}
  const message: Record<string, unknown> = { role: 'assistant' }
  for (const { data } of eventsIn(exchange.body, 'sse')) {
    if (data === '[DONE]') continue
    const { id, type, index = 0, delta } = JSON.parse(data!) as Wire
    const { content: piece, tool_plan: plan, tool_calls: call, citations } = delta?.message ?? {}
    if (type === 'message-start') body['id'] = id
    else if (type === 'content-start') content[index] = { ...piece }
    else if (type === 'content-delta') for (const key in piece) content[index]![key] += piece[key]!
    else if (type === 'tool-plan-delta') message['tool_plan'] = `${(message['tool_plan'] as string | undefined) ?? ''}${plan}`
    else if (type === 'tool-call-start') calls[index] = { id: call!.id!, type: 'function', function: { name: call!.function.name!, arguments: call!.function.arguments! } }
    else if (type === 'tool-call-delta') calls[index]!.function.arguments += call!.function.arguments
    else if (type === 'citation-start') message['citations'] = [...(message['citations'] as JsonObject[] | undefined) ?? [], citations]
    else if (type === 'message-end') Object.assign(body, delta)
  }
  return { ...body, message: { ...message, ...(content.length > 0 && { content }), ...(calls.length > 0 && { tool_calls: calls }) } } as unknown as JsonObject
}

test('a stream is the answer that its events add up to', () => {
  for (const exchange of streams) {
    const { extras: _extras, ...expected } = codec.decodeAnswer(addedUp(exchange), source)
    assert.deepEqual(collected(decoded(cohereChat, exchange.body)).answer, expected, exchange.id)
  }
})

test('what is billed counts, whatever else was processed or found in a cache', () => {
  for (const exchange of [...whole, ...streams]) {
    const usages = exchange.framing === 'json'
      ? [cohereChat.readAnswer(exchange.body, scanned(exchange.body)).usage]
      : eventsIn(exchange.body, 'sse').map((event) => cohereChat.readEvent(event, new EventShape()).usage).filter((usage) => usage !== null)
    assert.equal(usages.length, 1, exchange.id)
    const found = normaliseUsage(usages[0], cohereChat.usage!)!
    const { input_tokens: input, output_tokens: output } = (/"billed_units":(\{.*?\})/.exec(exchange.body.toString())!.slice(1).map((text) => JSON.parse(text) as { input_tokens: number; output_tokens: number }))[0]!
    assert.equal(found.anomalous, false, exchange.id)
    assert.deepEqual([found.usage.input, found.usage.cacheRead, found.usage.output + found.usage.reasoning], [input, 0, output], exchange.id)
    const { usage } = exchange.framing === 'json' ? codec.decodeAnswer(bodyOf(exchange), source) : collected(decoded(cohereChat, exchange.body)).answer
    assert.deepEqual([usage!.input, usage!.output, usage!.reasoning ?? 0], [found.usage.input, found.usage.output, found.usage.reasoning], exchange.id)
  }
})

test('every recorded event says the same whether the events before it are remembered or not', () => {
  let remembered = 0
  for (const exchange of streams) {
    const shape = new EventShape()
    for (const event of eventsIn(exchange.body, 'sse')) {
      if (event.data !== null && shape.textLength(event.data) > 0) remembered++
      assert.deepEqual(cohereChat.readEvent(event, shape), cohereChat.readEvent(event, new EventShape()), `${exchange.id}: ${event.data}`)
    }
  }
  assert.ok(remembered > 400, String(remembered))
})

test('a stream is finished by its last event and done by the marker behind it, which is written as well', () => {
  for (const exchange of streams.filter(({ framing }) => framing === 'sse')) {
    const facts = eventsIn(exchange.body, 'sse').map((event) => cohereChat.readEvent(event, new EventShape()))
    assert.deepEqual(facts.map(({ finished, done }) => [finished, done]).filter(([finished, done]) => finished || done), [[true, false], [false, true]], exchange.id)
    assert.ok(encoded(cohereChat, decoded(cohereChat, exchange.body)).toString().endsWith('\n\ndata: [DONE]\n\n'), exchange.id)
  }
})

/** What need not be written, since it is so anyway. */
const understood = [
  'model', // the deployment's stands in its place
  'reasoning.mode', // a budget says as much
  'output.strict', // every schema is held strictly
  'messages.2.parts.4.cites', // every document is cited
  'messages.4.parts.0.name', 'messages.4.parts.1.custom', // as their calls say
]

test('no member of a request disappears in silence', () => {
  for (const reasoning of ['effort', 'budget'] as const) assert.deepEqual(silentMembers(codec, fullRequest, { ...target, reasoning }), understood)
})

test('each member of a request that Cohere has none for is lost by name', () => {
  const lost = (more: Partial<ChatRequest>): string[] => codec.encodeRequest({ ...asked, ...more }, target).losses.map(({ what, kind }) => `${kind}: ${what}`)
  assert.deepEqual(lost({ usageInStream: true, choices: 1 }), [])
  assert.deepEqual(lost({ choices: 2, modalities: ['text', 'audio'], audio: { voice: 'x' }, verbosity: 'low', parallelToolCalls: false }), ['meaning: audio', 'meaning: verbosity', 'meaning: n', 'meaning: modalities', 'meaning: parallel_tool_calls'])
  assert.deepEqual(lost({ serviceTier: 'flex', endUser: 'u', metadata: {}, store: true, cacheKey: 'k', cacheRetention: '24h', betas: ['b'] }), ['hint: service_tier', 'hint: user', 'hint: metadata', 'hint: store', 'hint: prompt_cache_key', 'hint: prompt_cache_retention', 'hint: betas'])
  assert.deepEqual(lost({ sampling: { minP: 0.1, repetitionPenalty: 1.1, logitBias: { 1: 1 }, temperature: 1.5, topP: 1, presencePenalty: -1 } }), ['meaning: min_p', 'meaning: repetition_penalty', 'meaning: logit_bias', 'meaning: temperature above 1', 'meaning: top_p above 0.99', 'meaning: presence_penalty below 0'])
  assert.deepEqual(lost({ stop: ['1', '2', '3', '4', '5', '6'], logprobs: { alternatives: 3 }, extras: { format: 'openai-chat', fields: { prediction: {} } } }), ['meaning: the field "prediction"', 'meaning: stop sequences beyond 5', 'meaning: top_logprobs'])
  assert.deepEqual(lost({ reasoning: { mode: 'on', summary: 'auto', wantsProof: true }, output: { type: 'schema', schema: {}, name: 'n', description: 'd', strict: true } }), ['hint: name of the output schema', 'meaning: description of the output schema', 'hint: summary of reasoning', 'hint: proof of reasoning'])
  assert.deepEqual(lost({ tools: [
    { type: 'function', name: 'a', deferred: true, namespace: 'n', cache: {}, strict: true, extras: { format: 'anthropic-messages', fields: { eager: true } } }, { type: 'function', name: 'b' },
    { type: 'custom', name: 'patch' }, { type: 'server', kind: 'web_search', format: 'anthropic-messages', value: { type: 'web_search_20250305' } },
  ] }), ['hint: defer_loading of a tool', 'hint: namespace of a tool', 'hint: cache mark of a tool', 'meaning: the field "eager" of a tool', 'meaning: the tool "patch", which takes free text', 'meaning: the tool of the type "web_search_20250305"', 'hint: strict of some tools'])
})

test('each part that Cohere has no place for is lost by name', () => {
  const lost = (...messages: ChatRequest['messages']): string[] => codec.encodeRequest({ ...asked, messages }, target).losses.map(({ what, kind }) => `${kind}: ${what}`)
  const png = { type: 'media', kind: 'image', source: { by: 'data', base64: 'AAAA' } } as const
  assert.deepEqual(lost({ role: 'user', name: 'bo', parts: [{ type: 'text', text: 'a', cache: {}, id: 'i', phase: 'commentary' }] }), ['hint: name of a message', 'hint: cache mark of a text', 'hint: id of a text', 'hint: phase of a text'])
  assert.deepEqual(lost({ role: 'user', parts: [
    { type: 'media', kind: 'audio', source: { by: 'data', base64: '' } }, { type: 'media', kind: 'video', source: { by: 'url', url: 'u' } }, { type: 'media', kind: 'document', source: { by: 'data', base64: '' }, mediaType: 'application/pdf' },
    { type: 'media', kind: 'image', source: { by: 'file', id: 'f' } }, { type: 'native', format: 'gemini-generate', value: {} },
  ] }), ['meaning: audio in a message', 'meaning: a video in a message', 'meaning: a document in a message', 'meaning: an image in a message', 'meaning: a part of the type "native" in a message'])
  assert.deepEqual(lost({ role: 'tool', parts: [{ type: 'toolResult', callId: 'c', parts: [png], isError: true, cache: {}, id: 'i' }] }), ['hint: mark of an error of the result of a tool', 'hint: cache mark of the result of a tool', 'hint: id of the result of a tool', 'meaning: an image in the result of a tool'])
  assert.deepEqual(lost({ role: 'assistant', parts: [{ type: 'reasoning', proof: { by: 'anthropic', value: 'v' }, redacted: true }] }), ['hint: a thought of an earlier answer', 'hint: an empty message of the assistant'])
  assert.deepEqual(lost({ role: 'assistant', parts: [{ type: 'reasoning', text: 't', id: 'i', proof: { by: 'anthropic', value: 'v' } }, { type: 'toolCall', id: 'c', name: 'n', arguments: '{', itemId: 'x', namespace: 'n', proof: { by: 'x', value: 'y' } }] }),
    ['hint: id of the item of a call', 'hint: namespace of a call', 'hint: proof of a call', 'hint: arguments of a call that are no JSON object', 'hint: id of a thought', 'hint: proof of a thought'])
})

test('what other formats say is written in Cohere\'s way', () => {
  const body = (more: Partial<ChatRequest>, to = target): JsonObject => codec.encodeRequest({ ...asked, ...more }, to).body
  const tools: ChatRequest['tools'] = [{ type: 'function', name: 'get-weather' }, { type: 'function', name: 'other', parameters: { type: 'object' } }]
  assert.deepEqual(body({ tools, toolChoice: { type: 'tool', name: 'get-weather' } }), {
    model: 'm', messages: [{ role: 'user', content: 'hi' }], tool_choice: 'REQUIRED', tools: [{ type: 'function', function: { name: 'get_x2d_weather', parameters: { type: 'object', properties: {} } } }],
  })
  assert.deepEqual(body({ tools, toolChoice: { type: 'some', names: ['other'], mode: 'auto' } })['tool_choice'], undefined)
  assert.deepEqual(body({ reasoning: { mode: 'on', effort: 'low' }, maxOutputTokens: 10_000 })['thinking'], { type: 'enabled', token_budget: 2000 })
  assert.deepEqual(body({ reasoning: { mode: 'on', effort: 'high' } })['thinking'], undefined)
  assert.deepEqual(body({ reasoning: { mode: 'on', effort: 'high' } }, { ...target, reasoning: 'budget' })['thinking'], { type: 'enabled' })
  assert.deepEqual(body({ messages: [
    { role: 'developer', parts: [{ type: 'text', text: 'be brief' }] },
    { role: 'user', parts: [{ type: 'media', kind: 'document', source: { by: 'text', text: 'All is well.' }, name: 'report' }, { type: 'text', text: 'How is it?' }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'I look.' }, { type: 'toolCall', id: 'c', name: 'n', arguments: '' }, { type: 'toolCall', id: 'd', name: 'p', arguments: 'free', custom: true }] },
    { role: 'tool', parts: [{ type: 'toolResult', callId: 'c', parts: [] }, { type: 'toolResult', callId: 'd', parts: [{ type: 'text', text: 'ok' }] }] },
  ] }), {
    model: 'm',
    documents: [{ data: { text: 'All is well.', title: 'report' }, id: 'doc:0' }],
    messages: [
      { role: 'system', content: 'be brief' }, { role: 'user', content: 'How is it?' },
      { role: 'assistant', tool_plan: 'I look.', tool_calls: [{ id: 'c', type: 'function', function: { name: 'n', arguments: '{}' } }, { id: 'd', type: 'function', function: { name: 'p', arguments: '{"input":"free"}' } }] },
      { role: 'tool', tool_call_id: 'c', content: '' }, { role: 'tool', tool_call_id: 'd', content: 'ok' },
    ],
  })
})

test('a request that has no sense is refused in words', () => {
  for (const body of [{}, { messages: 'hi' }, { messages: ['hi'] }, { messages: [{ role: 'robot', content: 'x' }] }, { messages: [], tools: ['x'] }] as unknown as JsonObject[]) assert.throws(() => codec.decodeRequest(body, {}), BadRequest)
})

test('calls that come at once are told one after another, and none of them is lost', () => {
  const event = (type: string, index: number, call: object): string => `data: ${JSON.stringify({ type, index, delta: { message: { tool_calls: call } } })}\n\n`
  const start = (index: number) => event('tool-call-start', index, { id: `c${index}`, type: 'function', function: { name: `n${index}`, arguments: '' } })
  const more = (index: number, text: string) => event('tool-call-delta', index, { function: { arguments: text } })
  const events = decoded(cohereChat, Buffer.from([start(0), more(0, '{"a"'), start(1), more(1, '{"b"'), more(1, ':2}'), event('tool-call-end', 1, {}), more(0, ':1}'), event('tool-call-end', 0, {}), 'data: {"type":"message-end","delta":{"finish_reason":"TOOL_CALL"}}\n\n'].join('')))
  assert.equal(grammarFault(events), null)
  assert.deepEqual(collected(events).answer.choices[0]!.parts, [{ type: 'toolCall', id: 'c0', name: 'n0', arguments: '{"a":1}' }, { type: 'toolCall', id: 'c1', name: 'n1', arguments: '{"b":2}' }])
})

test('citations stand where they cite, also behind characters of two units and behind the end of their text', () => {
  const cite = (start: number, end: number, text: string, type = 'TEXT_CONTENT'): string => `data: ${JSON.stringify({ type: 'citation-start', index: 0, delta: { message: { citations: { start, end, text, type, sources: [{ type: 'tool', id: 't:0' }] } } } })}\n\n`
  const stream = `data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"😀 It is 24°C."}}}}\n\ndata: {"type":"content-end","index":0}\n\n${cite(8, 12, '24°C')}${cite(0, 1, 'x', 'THINKING_CONTENT')}data: {"type":"message-end","delta":{"finish_reason":"COMPLETE"}}\n\n`
  const [text, stray] = collected(decoded(cohereChat, Buffer.from(stream))).answer.choices[0]!.parts
  assert.ok(text?.type === 'text' && stray?.type === 'native')
  const { start, end } = text.citations![0]!
  assert.equal(text.text.slice(start, end), '24°C')
})

test('a stream that breaks off has no stop, and one that fails says so', () => {
  const [start] = eventsIn(streams[0]!.body, 'sse')
  const broken = decoded(cohereChat, streams[0]!.body.subarray(0, 300))
  assert.ok(start && broken.length > 0 && !broken.some(({ type }) => type === 'stop' || type === 'end'))
  const said = cohereChat.errorEvent({ message: 'no', status: 502, type: 't', code: 'c', param: null, requestId: 'req_1', fault: null })
  for (const stream of [said, 'data: {"id":"1","message":"no"}\n\n']) {
    const events = decoded(cohereChat, Buffer.from(stream))
    assert.equal(collected(events).error?.message, 'no')
    assert.equal(cohereChat.readEvent(eventsIn(Buffer.from(stream), 'sse')[0]!, new EventShape()).error?.message, 'no')
    assert.match(encoded(cohereChat, events).toString(), /"error":"no","finish_reason":"ERROR"/)
  }
})

test('nothing that a vendor could answer by mistake throws', () => {
  const bodies = exchanges.filter(({ framing }) => framing === 'json').map(bodyOf)
  fc.assert(fc.property(mutated(bodies), (body) => {
    codec.encodeAnswer(codec.decodeAnswer(body, source), client)
    const bytes = Buffer.from(JSON.stringify(body))
    cohereChat.readAnswer(bytes, scanned(bytes))
    cohereChat.readError(bytes)
  }), { numRuns: runs })
  fc.assert(fc.property(damaged(streams.map(({ body }) => body.toString().slice(0, 4000))), (text) => {
    const events = decoded(cohereChat, Buffer.from(text))
    assert.equal(grammarFault(events), null)
    encoded(cohereChat, events)
    for (const event of eventsIn(Buffer.from(text), 'sse')) cohereChat.readEvent(event, new EventShape())
  }), { numRuns: runs })
  fc.assert(fc.property(mutated(requests.map(requestOf)), (body) => {
    try {
      codec.encodeRequest(codec.decodeRequest(body, {}), target)
    } catch (error) {
      assert.ok(error instanceof BadRequest, String(error))
    }
  }), { numRuns: runs })
})
