/** Streams of chat completions: what vendors do to them, and what clients get. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChatEvent, JsonObject, Part } from '../../src/protocols/canonical.ts'
import { openaiChatCodec } from '../../src/protocols/openai-chat/codec.ts'
import { spread } from '../../src/protocols/whole.ts'
import { recordedExchanges } from '../fixtures/recorded.ts'
import { client, dataOf, decode, encode, request, source } from './openai-chat.harness.ts'

const chunk = (delta: JsonObject, more: JsonObject = {}): string => JSON.stringify({ id: 'c', model: 'm', created: 1, choices: [{ index: 0, delta, ...more }] })
const end = chunk({}, { finish_reason: 'stop' })
const partsOf = (...data: string[]): Part[] => decode(data).answer.choices[0]?.parts ?? []
const call = (index: number | undefined, more: JsonObject): JsonObject => ({ tool_calls: [{ ...index !== undefined && { index }, ...more }] })
const begins = (index: number | undefined, id: string | undefined, name: string, text = ''): JsonObject => call(index, { ...id !== undefined && { id }, type: 'function', function: { name, arguments: text } })
const goesOn = (index: number | undefined, text: string): JsonObject => call(index, { function: { arguments: text } })
const called = (...data: string[]): string[] => partsOf(...data, end).map((part) => (part.type === 'toolCall' ? `${part.id} ${part.name} ${part.arguments}` : part.type))

test('calls that come in turns are told one after another, and the first without delay', () => {
  const data = [chunk(begins(0, 'a', 'f')), chunk(begins(1, 'b', 'g')), chunk(goesOn(0, '{"x":')), chunk(goesOn(1, '{"y":')), chunk(goesOn(0, '1}')), chunk(goesOn(1, '2}'))]
  const decoder = openaiChatCodec.decodeStream(source)
  const told: string[] = []
  for (const each of [...data, end, '[DONE]']) {
    const events: ChatEvent[] = []
    decoder.event('', each, events)
    told.push(events.map((event) => (event.type === 'part' && event.part.type === 'toolCall' ? event.part.name : event.type === 'delta' ? event.text : event.type)).join(' '))
  }
  assert.deepEqual(told, ['start f', '', '{"x":', '', '1}', 'partEnd g {"y":2}', '', 'partEnd stop end'])
})

test('calls are told apart by index, by id, or by their names alone', () => {
  assert.deepEqual(called(chunk(begins(0, 'a', 'f', '{}')), chunk(begins(0, 'b', 'g', '{}'))), ['a f {}', 'b g {}'])
  assert.deepEqual(called(chunk(begins(undefined, 'a', 'f', '{}')), chunk(begins(undefined, 'b', 'g', '{}'))), ['a f {}', 'b g {}'])
  assert.deepEqual(called(chunk(begins(-1, 'a', 'f')), chunk(goesOn(-1, '{}'))), ['a f {}'])
  assert.deepEqual(called(chunk(begins(0, 'a', 'f')), chunk(call(0, { id: '', function: { name: null, arguments: '{"a"' } })), chunk(call(0, { id: 'a', function: { name: 'f', arguments: ':1}' } }))), ['a f {"a":1}'])
  assert.deepEqual(called(chunk(begins(undefined, undefined, 'f', '{}')), chunk(begins(undefined, undefined, 'g', '{}'))).map((each) => each.replace(/^call_\w{8}/, 'made')), ['made f {}', 'made g {}'])
  assert.deepEqual(called(chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } }] })), ['a f {"x":1}'])
})

test('what is said while a call is unfinished comes behind it', () => {
  const parts = partsOf(chunk(begins(0, 'a', 'f', '{"x"')), chunk({ content: 'later' }), chunk(goesOn(0, ':1}')), chunk({ content: ' on' }), end)
  assert.deepEqual(parts, [{ type: 'toolCall', id: 'a', name: 'f', arguments: '{"x":1}' }, { type: 'text', text: 'later on' }])
  assert.deepEqual(partsOf(chunk(begins(0, 'a', 'f', '{"x"')), chunk({ content: 'cut' }), end).map(({ type }) => type), ['toolCall', 'text'])
})

test('a call made the old way is a call, and has the same id in the whole answer', () => {
  const parts = partsOf(chunk({ function_call: { name: 'f', arguments: '' } }), chunk({ function_call: { arguments: '{}' } }), chunk({}, { finish_reason: 'function_call' }))
  const whole = openaiChatCodec.decodeAnswer({ id: 'c', choices: [{ index: 0, message: { function_call: { name: 'f', arguments: '{}' } }, finish_reason: 'function_call' }] }, source)
  assert.deepEqual(parts, whole.choices[0]!.parts)
  assert.equal(whole.choices[0]!.stop, 'tool_calls')
})

test('a client that asked for functions finds its call where it looks', () => {
  const answer = { id: 'c', model: 'm', choices: [{ index: 0, parts: [{ type: 'toolCall', id: 'a', name: 'f', arguments: '{}' } satisfies Part], stop: 'tool_calls' as const }] }
  const to = { ...client, request: openaiChatCodec.decodeRequest({ model: 'm', messages: [], functions: [{ name: 'f' }] }, {}) }
  const [choice] = openaiChatCodec.encodeAnswer(answer, to)['choices'] as JsonObject[]
  assert.deepEqual([(choice!['message'] as JsonObject)['function_call'], choice!['finish_reason']], [{ name: 'f', arguments: '{}' }, 'function_call'])
  const events: ChatEvent[] = [{ type: 'start', id: 'c', model: 'm' }, { type: 'part', choice: 0, part: { type: 'toolCall', id: 'a', name: 'f', arguments: '' } }, { type: 'delta', choice: 0, text: '{}' }, { type: 'partEnd', choice: 0 }, { type: 'stop', choice: 0, stop: 'tool_calls' }, { type: 'end' }]
  const text = encode(events, to)
  assert.match(text, /"function_call":\{"name":"f","arguments":""\}/)
  assert.match(text, /"finish_reason":"function_call"/)
  assert.ok(!text.includes('tool_calls'))
})

test('thought in the tags of Google is thought, in streams and in whole answers', () => {
  const google = { extra_content: { google: { thought: true } } }
  const streamed = partsOf(chunk({ content: '<thought>Let me', ...google }), chunk({ content: ' see.', ...google }), chunk({ content: '</thought>Yes', extra_content: { google: { thought_signature: 'S' } } }), chunk({ content: '.' }), end)
  const whole = openaiChatCodec.decodeAnswer({ id: 'c', choices: [{ index: 0, message: { content: '<thought>Let me see.</thought>Yes.', extra_content: { google: { thought: true, thought_signature: 'S' } } }, finish_reason: 'stop' }] }, source)
  assert.deepEqual(streamed, [{ type: 'reasoning', text: 'Let me see.' }, { type: 'text', text: 'Yes.', proof: { by: 'google', value: 'S' } }])
  assert.deepEqual(whole.choices[0]!.parts, streamed)
})

test('what a search found is the source of the text', () => {
  const found = { search_results: [{ title: 'T', url: 'https://a', snippet: 'S' }], citations: ['https://a'] }
  const [text] = partsOf(JSON.stringify({ ...JSON.parse(chunk({ content: 'Yes' })) as object, ...found }), end)
  assert.deepEqual(text?.type === 'text' && text.citations, [{ url: 'https://a', title: 'T', quote: 'S', native: { format: 'openai-chat', value: { list: true } } }])
})

test('usage may come anywhere and counts once, as the vendor counts', () => {
  const usage = (prompt: number, completion: number): JsonObject => ({ usage: { prompt_tokens: prompt, completion_tokens: completion } })
  const event = (data: JsonObject): string => JSON.stringify({ id: 'c', model: 'm', ...data })
  const usagesOf = (...data: string[]): ChatEvent[] => decode(data).events.filter(({ type }) => type === 'usage')
  assert.deepEqual(usagesOf(event({ choices: [{ index: 0, delta: { content: 'a' } }], ...usage(3, 1) }), event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...usage(3, 2) }), event({ choices: [], ...usage(3, 2) }), '[DONE]'), [{ type: 'usage', usage: { input: 3, output: 2 } }])
  assert.deepEqual(usagesOf(event({ choices: [], x_groq: usage(3, 2) }), '[DONE]'), [{ type: 'usage', usage: { input: 3, output: 2 } }])
  const xai = { ...source, usage: { promptIncludesCached: true, completionIncludesReasoning: false } }
  assert.deepEqual(decode([event({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 2, total_tokens: 354, completion_tokens_details: { reasoning_tokens: 340 } } }), '[DONE]'], xai).answer.usage, { input: 12, output: 2, reasoning: 340 })
  const google = { ...source, usage: { promptIncludesCached: true, completionIncludesReasoning: true, outputByTotal: true } }
  assert.deepEqual(decode([event({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 40 } }), '[DONE]'], google).answer.usage, { input: 10, output: 5, reasoning: 25 })
})

test('a stream that breaks off has no reason to end, and one without an end marker is over when it has', () => {
  const types = (...data: string[]): string => decode(data).events.map(({ type }) => type).join(' ')
  assert.equal(types(chunk({ content: 'a' })), 'start part delta partEnd')
  assert.equal(types(chunk({ content: 'a' }), end), 'start part delta partEnd stop end')
  assert.equal(types(chunk({ content: 'a' }), '[DONE]'), 'start part delta partEnd end')
  assert.equal(types(chunk({ content: 'a' }), end, chunk({ content: 'b' }), '[DONE]', chunk({ content: 'c' })), 'start part delta delta partEnd stop end')
  assert.equal(types('{"choices":"no"', 'null', '5', '{"choices":[null,5,{}]}'), 'start')
})

test('an error inside a stream is told with its status, and nothing follows it', () => {
  const errors = (name: string, data: string): ChatEvent[] => {
    const decoder = openaiChatCodec.decodeStream(source)
    const events: ChatEvent[] = []
    decoder.event('', chunk({ content: 'a' }), events)
    decoder.event(name, data, events)
    decoder.event('', '[DONE]', events)
    decoder.end(events)
    return events.slice(3)
  }
  const told = (error: object): ChatEvent[] => [{ type: 'partEnd', choice: 0 }, { type: 'error', error: { status: 500, code: null, kind: null, message: 'm', ...error } }]
  assert.deepEqual(errors('', '{"error":{"message":"m","code":429,"type":"rate"}}'), told({ status: 429, code: '429', kind: 'rate' }))
  assert.deepEqual(errors('', '{"x_groq":{"error":"m"}}'), told({}))
  assert.deepEqual(errors('error', 'm'), told({}))
  assert.deepEqual(errors('error', '{"message":"m"}'), told({}))
  const text = encode([...decode([chunk({ content: 'a' })]).events, { type: 'error', error: { status: 529, code: 'overloaded', kind: 'server_error', message: 'm' } }, { type: 'end' }])
  assert.ok(text.endsWith('data: {"error":{"message":"m","type":"server_error","param":null,"code":"overloaded"}}\n\n'))
})

test('usage is written for clients that asked for it, in a chunk of its own', () => {
  const events: ChatEvent[] = [{ type: 'start', id: '', model: 'm' }, { type: 'part', choice: 0, part: { type: 'text', text: '' } }, { type: 'delta', choice: 0, text: 'a' }, { type: 'partEnd', choice: 0 }, { type: 'usage', usage: { input: 1, output: 2 } }, { type: 'stop', choice: 0, stop: 'end' }, { type: 'end' }]
  const asked = dataOf(encode(events)).slice(0, -1).map((each) => JSON.parse(each) as JsonObject)
  assert.deepEqual(asked.map(({ usage }) => usage === null), [true, true, true, false])
  assert.deepEqual([asked.at(-1)!['choices'], (asked.at(-1)!['usage'] as JsonObject)['total_tokens'], asked[0]!['id']], [[], 3, 'chatcmpl-x'])
  const { usageInStream: _, ...unasked } = request
  assert.ok(!encode(events, { ...client, request: unasked }).includes('usage'))
})

test('tools whose names had to be changed get them back in the answer', () => {
  const tools = [{ type: 'function' as const, name: 'spawn', namespace: 'agents' }, { type: 'function' as const, name: 'a.b' }]
  const asked = { ...request, tools }
  const names = (openaiChatCodec.encodeRequest(asked, { model: 'm', proofs: 'x', mostOutputTokens: 0, reasoning: null }).body['tools'] as JsonObject[]).map((tool) => (tool['function'] as JsonObject)['name'] as string)
  const calls = names.map((name, index) => ({ index, id: `c${index}`, type: 'function', function: { name, arguments: '{}' } }))
  const expected = [{ name: 'spawn', namespace: 'agents' }, { name: 'a.b' }]
  const found = (parts: Part[]): object[] => parts.map((part) => (part.type === 'toolCall' ? { name: part.name, ...part.namespace && { namespace: part.namespace } } : {}))
  assert.deepEqual(found(openaiChatCodec.decodeAnswer({ id: 'a', choices: [{ index: 0, message: { tool_calls: calls } }] }, { ...source, request: asked } as typeof source).choices[0]!.parts), expected)
  assert.deepEqual(found(decode([chunk({ tool_calls: calls }), end], { ...source, request: asked }).answer.choices[0]!.parts), expected)
})

test('offsets of citations count from the beginning of the whole text', () => {
  const parts: Part[] = [{ type: 'text', text: 'abc' }, { type: 'text', text: 'defg', citations: [{ url: 'https://a', title: 't', start: 1, end: 2 }, { url: 'https://b' }, { document: 0, quote: 'q' }] }]
  const [choice] = openaiChatCodec.encodeAnswer({ id: 'c', model: 'm', choices: [{ index: 0, parts, stop: 'end' }] }, client)['choices'] as JsonObject[]
  const message = choice!['message'] as JsonObject
  assert.deepEqual(message['annotations'], [{ type: 'url_citation', url_citation: { url: 'https://a', title: 't', start_index: 4, end_index: 5 } }, { type: 'url_citation', url_citation: { url: 'https://b', title: '', start_index: 3, end_index: 7 } }])
  assert.deepEqual(message['document_citations'], [{ document: 0, quote: 'q' }])
})

/** One value somewhere in a document is another one, or gone. */
const mutated = (document: JsonObject, path: readonly number[], value: unknown): unknown => {
  const copy = structuredClone(document)
  let at: unknown = copy
  for (const [depth, step] of path.entries()) {
    if (typeof at !== 'object' || at === null) return copy
    const keys = Object.keys(at)
    const key = keys[step % Math.max(1, keys.length)]
    if (key === undefined) return copy
    if (depth === path.length - 1) (at as Record<string, unknown>)[key] = value
    else at = (at as Record<string, unknown>)[key]
  }
  return copy
}

test('a damaged answer or stream of any vendor never throws, and its events keep their grammar', () => {
  const answered = [...recordedExchanges().values()].filter(({ endpoint, status }) => endpoint === 'chat.completions' && status === 200)
  const values = fc.constantFrom<unknown>(null, 0, -1, 'x', '', true, [], [null], [[]], {}, { x: 1 }, [{ index: 'x' }], NaN)
  const damage = fc.record({ which: fc.nat(), path: fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), value: values, line: fc.nat() })
  fc.assert(fc.property(damage, ({ which, path, value, line }) => {
    const { body, framing } = answered[which % answered.length]!
    const text = body.toString()
    const data = framing === 'json' ? [text] : dataOf(text)
    const at = line % data.length
    if (data[at] !== '[DONE]') data[at] = JSON.stringify(mutated(JSON.parse(data[at]!) as JsonObject, path, value))
    if (framing === 'json') return void openaiChatCodec.encodeAnswer(openaiChatCodec.decodeAnswer(JSON.parse(data[0]!) as JsonObject, source), client)
    const { events } = decode(data)
    const open = new Set<number>()
    for (const event of events) {
      if (event.type === 'part') assert.ok(!open.has(event.choice) && open.add(event.choice))
      if (event.type === 'partEnd') assert.ok(open.delete(event.choice))
      if (event.type === 'delta') assert.ok(open.has(event.choice))
    }
    for (const each of dataOf(encode(events))) if (each !== '[DONE]') JSON.parse(each)
  }), { numRuns: process.env['MEGAROUTER_PROOF'] === '1' ? 30_000 : 2000 })
  for (const garbage of [null, [], 'x', 5, {}, { choices: 'x' }, { choices: [null, 5, { message: 5 }, { message: { content: 5, tool_calls: 'x' } }] }]) assert.deepEqual(openaiChatCodec.decodeAnswer(garbage as JsonObject, source).choices.every(({ parts }) => parts.length === 0), true)
})

test('the first choice of an answer is that of index 0, whichever began first', () => {
  const choice = (index: number): { index: number; parts: Part[] } => ({ index, parts: [{ type: 'text', text: String(index) }] })
  const { choices } = openaiChatCodec.encodeAnswer({ id: 'c', model: 'm', choices: [choice(1), choice(0)] }, client)
  assert.deepEqual((choices as JsonObject[]).map(({ index, message }) => [index, (message as JsonObject)['content']]), [[0, '0'], [1, '1']])
})

test('a part that this format alone knows stays where it was, and one of another format is left out', () => {
  const reference = { type: 'reference', reference_ids: [1] }
  const parts: Part[] = [{ type: 'text', text: 'a' }, { type: 'native', format: 'openai-chat', value: reference }]
  const answer = { id: 'c', model: 'm', choices: [{ index: 0, parts: [...parts, { type: 'native', format: 'anthropic-messages', value: {} } satisfies Part], stop: 'end' as const }] }
  const body = openaiChatCodec.encodeAnswer(answer, client)
  assert.deepEqual(((body['choices'] as JsonObject[])[0]!['message'] as JsonObject)['content'], [{ type: 'text', text: 'a' }, reference])
  assert.deepEqual(openaiChatCodec.decodeAnswer(body, source).choices[0]!.parts, parts)
  assert.deepEqual(decode(dataOf(encode(spread(answer)))).answer.choices[0]!.parts, parts)
})
