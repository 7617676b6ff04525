/** Rules of the Messages API that its specification does not tell, and what gives way to them; proofs of other vendors on their way through a client of this format. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claudeOf, tasteOf } from '../../src/protocols/anthropic-messages/claude.ts'
import { messagesCodec as codec } from '../../src/protocols/anthropic-messages/codec.ts'
import type { ChatAnswer, ChatEvent, ChatRequest, JsonObject, Message, Part } from '../../src/protocols/canonical.ts'
import { BadRequest, type Target } from '../../src/protocols/codec.ts'
import { sealProof } from '../../src/protocols/proof.ts'
import { spread } from '../../src/protocols/whole.ts'
import { messageOf } from './anthropic-grammar.ts'

const said = (text: string): Part => ({ type: 'text', text })
const user: Message = { role: 'user', parts: [said('hi')] }
const target: Target = { model: 'claude-sonnet-4-5', proofs: 'anthropic', mostOutputTokens: 0, reasoning: null }
function encoded(request: Partial<ChatRequest>, to: Partial<Target> = {}): { body: JsonObject; losses: string[] } {
  const { body, losses } = codec.encodeRequest({ model: 'm', stream: false, messages: [user], ...request }, { ...target, ...to })
  return { body, losses: losses.map(({ what }) => what) }
}
const client = { request: { model: 'm', stream: false, messages: [] }, id: 'x1', nowS: 0 }

test('an output limit is always said: the client’s, the model’s, or the usual one', () => {
  assert.equal(encoded({ maxOutputTokens: 77 }, { mostOutputTokens: 64_000 }).body['max_tokens'], 77)
  assert.equal(encoded({}, { mostOutputTokens: 64_000 }).body['max_tokens'], 64_000)
  assert.equal(encoded({}).body['max_tokens'], 4096)
  assert.equal(encoded({ reasoning: { mode: 'on', budgetTokens: 9000 } }).body['max_tokens'], 9000 + 4096)
})

test('a budget of thinking stays below the output limit, and needs room', () => {
  const budget = (maxOutputTokens: number, budgetTokens: number) => encoded({ maxOutputTokens, reasoning: { mode: 'on', budgetTokens } })
  assert.deepEqual(budget(2000, 5000).body['thinking'], { type: 'enabled', budget_tokens: 1999 })
  assert.deepEqual(budget(2000, 5000).losses, ['the exact number of thinking tokens'])
  assert.equal(budget(1024, 1024).body['thinking'], undefined)
  assert.deepEqual(encoded({ maxOutputTokens: 10_000, reasoning: { mode: 'on', effort: 'high' } }).body['thinking'], { type: 'enabled', budget_tokens: 8000 })
})

test('an effort becomes what the model takes', () => {
  const reasoning = { mode: 'on', effort: 'minimal' } as const
  const adaptive = encoded({ reasoning }, { model: 'claude-opus-4-8' }).body
  assert.deepEqual([adaptive['thinking'], adaptive['output_config']], [{ type: 'adaptive' }, { effort: 'low' }])
  assert.deepEqual(encoded({ reasoning, maxOutputTokens: 9000 }, { reasoning: 'effort' }).body['output_config'], { effort: 'low' })
  assert.deepEqual(encoded({ reasoning: { mode: 'on', budgetTokens: 30_000 } }, { reasoning: 'effort', mostOutputTokens: 32_000 }).body['output_config'], { effort: 'high' })
  const none = encoded({ reasoning }, { reasoning: 'none' })
  assert.deepEqual([none.body['thinking'], none.losses], [undefined, ['thinking, which this model does not']])
})

test('thinking is switched off as the generation takes it', () => {
  const off = (model: string) => encoded({ reasoning: { mode: 'off' } }, { model })
  assert.deepEqual(off('claude-sonnet-4-5').body['thinking'], { type: 'disabled' })
  assert.deepEqual(off('claude-sonnet-5-5').body['thinking'], { type: 'between_tools' })
  assert.deepEqual([off('claude-fable-5').body['thinking'], off('claude-fable-5').body['output_config']], [undefined, { effort: 'low' }])
})

test('generations are told by the names of all clouds', () => {
  for (const [model, family, version] of [
    ['claude-opus-4-20250514', 'opus', 4], ['claude-opus-4-5@20251101', 'opus', 4.05], ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 'haiku', 4.05], ['anthropic/claude-sonnet-4.6', 'sonnet', 4.06],
    ['claude-3-5-sonnet-20240620', 'sonnet', 3.05], ['claude-3-opus-20240229', 'opus', 3], ['claude-opus-5', 'opus', 5],
  ] as const) assert.deepEqual(claudeOf(model), { family, version }, model)
  assert.equal(claudeOf('deepseek-chat'), null)
  assert.deepEqual(['claude-3-haiku-20240307', 'claude-sonnet-4-5', 'claude-opus-4-6', 'claude-sonnet-4-6', 'claude-opus-4-7', 'claude-sonnet-5', 'claude-haiku-4-5'].map((model) => tasteOf(model).thinking), ['budget', 'budget', 'both', 'both', 'adaptive', 'adaptive', 'budget'])
  assert.deepEqual(['claude-opus-5', 'claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5-1', 'claude-haiku-5-5'].map((model) => tasteOf(model).forcedTools), [true, false, false, false, true])
})

test('thinking excludes another temperature and a forced call; what gives way is named', () => {
  const reasoning = { mode: 'on', budgetTokens: 2000 } as const
  const warm = encoded({ reasoning, sampling: { temperature: 0.2, topP: 0.96, topK: 5 } })
  assert.deepEqual([warm.body['temperature'], warm.body['top_p'], warm.body['top_k'], warm.losses], [undefined, 0.96, undefined, ['temperature', 'top_k']])
  assert.deepEqual(encoded({ reasoning, sampling: { temperature: 1, topP: 0.9 } }).losses, ['top_p'])
  const forced = encoded({ reasoning, tools: [{ type: 'function', name: 'f' }], toolChoice: { type: 'required' } })
  assert.deepEqual([forced.body['thinking'], forced.body['tool_choice'], forced.losses], [undefined, { type: 'any' }, ['thinking, since the call of a tool is demanded']])
})

test('sampling that a generation refuses is named', () => {
  assert.deepEqual(encoded({ sampling: { temperature: 0.2, topK: 3 } }, { model: 'claude-opus-4-7' }).losses, ['temperature', 'top_k'])
  const both = encoded({ sampling: { temperature: 0.2, topP: 0.5 } })
  assert.deepEqual([both.body['temperature'], both.body['top_p'], both.losses], [0.2, undefined, ['top_p']])
  assert.deepEqual(encoded({ sampling: { temperature: 0.2, topP: 1 } }).losses, [])
  const hot = encoded({ sampling: { temperature: 1.7 } })
  assert.deepEqual([hot.body['temperature'], hot.losses], [1, ['a temperature above 1']])
})

test('neighbours of a role are one message, and results stand first behind their calls', () => {
  const { body } = encoded({ messages: [
    user, { role: 'user', parts: [said('again')] },
    { role: 'assistant', parts: [{ type: 'toolCall', id: 'a', name: 'f', arguments: '' }] }, { role: 'assistant', parts: [{ type: 'toolCall', id: 'b', name: 'f', arguments: '{"x":1}' }] },
    { role: 'user', parts: [said('meanwhile')] }, { role: 'tool', parts: [{ type: 'toolResult', callId: 'a', parts: [said('1')] }, { type: 'toolResult', callId: 'b', parts: [] }] },
  ] })
  assert.deepEqual(body['messages'], [
    { role: 'user', content: [{ type: 'text', text: 'hi' }, { type: 'text', text: 'again' }] },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }, { type: 'tool_use', id: 'b', name: 'f', input: { x: 1 } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: '1' }, { type: 'tool_result', tool_use_id: 'b' }, { type: 'text', text: 'meanwhile' }] },
  ])
})

test('instructions in mid-conversation stand where a model takes them, else with the others', () => {
  const messages: Message[] = [{ role: 'developer', parts: [said('first')] }, { role: 'system', parts: [said('second')] }, { role: 'system', parts: [said('now')] }, user, { role: 'developer', parts: [said('later')] }, { role: 'assistant', parts: [said('yes')] }, { role: 'system', parts: [said('astray')] }, user]
  const front = ['first', 'second', 'now'].map((text) => ({ type: 'text', text }))
  const modern = encoded({ messages }, { model: 'claude-opus-4-8' })
  assert.deepEqual(modern.body['system'], [...front, { type: 'text', text: 'astray' }])
  assert.deepEqual((modern.body['messages'] as JsonObject[]).map(({ role }) => role), ['user', 'system', 'assistant', 'user'])
  assert.deepEqual(encoded({ messages }).body['system'], [...front, { type: 'text', text: 'later' }, { type: 'text', text: 'astray' }])
  assert.deepEqual(encoded({ messages: [{ role: 'system', parts: [said('alone')] }] }).body['messages'], [{ role: 'user', content: 'alone' }])
})

test('empty texts are left out, and the text to go on from has no blanks at its end', () => {
  const { body, losses } = encoded({ messages: [{ role: 'system', parts: [said('')] }, user, { role: 'assistant', parts: [said(''), said('\n\n'), said('So: \n')] }] })
  assert.deepEqual([body['system'], body['messages']], [undefined, [{ role: 'user', content: 'hi' }, { role: 'assistant', content: 'So:' }]])
  assert.deepEqual(losses, ['a blank text', 'blanks at the end of the last message'])
})

test('thinking by a budget gives way where the turn that goes on has calls without a thought', () => {
  const turn = (parts: Part[]): Message[] => [user, { role: 'assistant', parts: [...parts, { type: 'toolCall', id: 'a', name: 'f', arguments: '{}' }] }, { role: 'tool', parts: [{ type: 'toolResult', callId: 'a', parts: [] }] }]
  const reasoning = { mode: 'on', budgetTokens: 2000 } as const
  assert.deepEqual(encoded({ messages: turn([]), reasoning }).losses, ['thinking, since the last turn has calls of tools and no thought'])
  const foreign: Part = { type: 'reasoning', text: 'hm', proof: { by: 'openai', value: 'x' } }
  assert.equal(encoded({ messages: turn([foreign]), reasoning }).body['thinking'], undefined)
  const own: Part = { type: 'reasoning', summary: ['hm'], proof: { by: 'anthropic', value: 'sig' } }
  const { body, losses } = encoded({ messages: turn([own]), reasoning })
  assert.deepEqual([body['thinking'], losses], [{ type: 'enabled', budget_tokens: 2000 }, []])
  assert.deepEqual((body['messages'] as JsonObject[])[1]!['content'], [{ type: 'thinking', thinking: 'hm', signature: 'sig' }, { type: 'tool_use', id: 'a', name: 'f', input: {} }])
})

test('four marks of the cache are the most: the last ones stay', () => {
  const parts = [1, 2, 3, 4, 5].map((n): Part => ({ type: 'text', text: `t${n}`, cache: n === 5 ? { ttl: '1h' } : {} }))
  const { body, losses } = encoded({ tools: [{ type: 'function', name: 'f', cache: {} }], messages: [{ role: 'user', parts }] })
  assert.equal(JSON.stringify(body).split('"cache_control"').length - 1, 4)
  assert.deepEqual([(body['tools'] as JsonObject[])[0]!['cache_control'], losses], [undefined, ['cache marks beyond 4']])
})

test('a schema is closed and its limits are told in words; one that is fine stays as it is', () => {
  const fine = { type: 'object', properties: { a: { type: 'string', format: 'date' } }, required: ['a'], additionalProperties: false }
  assert.deepEqual(encoded({ output: { type: 'schema', schema: fine, strict: true } }), { body: encoded({ output: { type: 'schema', schema: fine } }).body, losses: [] })
  const { body, losses } = encoded({ output: { type: 'schema', schema: { type: 'object', properties: { n: { type: 'integer', minimum: 1, description: 'how many' }, minimum: { oneOf: [{ type: 'string' }, { type: 'null' }] } } } } })
  assert.deepEqual(body['output_config'], { format: { type: 'json_schema', schema: {
    type: 'object', additionalProperties: false, properties: { n: { type: 'integer', description: 'how many\n\n{minimum: 1}' }, minimum: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
  } } })
  assert.deepEqual(losses, ['limits in the schema of the answer'])
  assert.deepEqual(encoded({ output: { type: 'json' } }).losses, ['JSON without a schema'])
})

test('a tool’s schema says that it is an object, also where it is only the name of one', () => {
  const schemaOf = (parameters?: JsonObject) => (encoded({ tools: [{ type: 'function', name: 'f', ...(parameters && { parameters }) }] }).body['tools'] as JsonObject[])[0]!['input_schema']
  assert.deepEqual(schemaOf(), { type: 'object', properties: {} })
  assert.deepEqual(schemaOf({ properties: { a: {} } }), { properties: { a: {} }, type: 'object' })
  assert.deepEqual(schemaOf({ $ref: '#/$defs/A', $defs: { A: { type: 'object', properties: { b: {} } } } }), { type: 'object', properties: { b: {} }, $defs: { A: { type: 'object', properties: { b: {} } } } })
})

test('a choice among some tools offers only those', () => {
  const tools = ['f', 'g', 'h'].map((name) => ({ type: 'function', name }) as const)
  const { body } = encoded({ tools, toolChoice: { type: 'some', names: ['f', 'h'], mode: 'required' }, parallelToolCalls: false })
  assert.deepEqual((body['tools'] as JsonObject[]).map(({ name }) => name), ['f', 'h'])
  assert.deepEqual(body['tool_choice'], { type: 'any', disable_parallel_tool_use: true })
})

test('a web search of another format is one here too, unless it is narrowed', () => {
  const search = (value: JsonObject) => encoded({ tools: [{ type: 'server', kind: 'web_search', format: 'openai-responses', value }] })
  assert.deepEqual(search({ type: 'web_search' }).body['tools'], [{ type: 'web_search_20250305', name: 'web_search' }])
  assert.deepEqual(search({ googleSearch: {} }).losses, [])
  assert.deepEqual([search({ type: 'web_search', external_web_access: false }).body['tools'], search({ type: 'web_search', external_web_access: false }).losses], [undefined, ['a web search with settings']])
})

test('a request that is no conversation is refused with the place of what is wrong', () => {
  for (const [body, param] of [
    [{}, 'messages'], [{ messages: 'hi' }, 'messages'], [{ messages: [1] }, 'messages.0'], [{ messages: [{ role: 'bot', content: '' }] }, 'messages.0.role'], [{ messages: [{ role: 'user', content: 3 }] }, 'messages.0.content'],
    [{ messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: ['x'] }] }] }, 'messages.0.content.0.content.0'], [{ messages: [], tools: ['x'] }, 'tools.0'], [{ messages: [], system: { a: 1 } }, 'system'],
  ] as const) assert.throws(() => codec.decodeRequest(body as unknown as JsonObject, {}), (error: unknown) => error instanceof BadRequest && error.param === param, JSON.stringify(body))
})

test('proofs of other vendors come back from a client of this format where they were, and reach nobody else', () => {
  const parts: Part[] = [
    { type: 'reasoning', text: 'hm', proof: { by: 'openai', value: 'enc/1+=' } }, { type: 'reasoning', redacted: true, proof: { by: 'xai', value: 'r' } },
    { type: 'text', text: 'so', proof: { by: 'google', value: 'late' } }, { type: 'toolCall', id: 'a', name: 'f', arguments: '{}', proof: { by: 'google', value: 'call' } }, { type: 'toolCall', id: 'b', name: 'f', arguments: '{}' },
  ]
  const answer: ChatAnswer = { id: 'i', model: 'm', choices: [{ index: 0, parts, stop: 'tool_calls' }], usage: { input: 1, output: 1 } }
  const whole = codec.encodeAnswer(answer, client)
  const encoder = codec.encodeStream(client)
  const stream = messageOf([...spread(answer)].map((event) => encoder.write(event)).join(''))
  assert.deepEqual(stream['content'], whole['content'])
  const back = codec.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }, { role: 'assistant', content: whole['content']! }] }, {})
  assert.deepEqual(back.messages[1]!.parts, parts)
  const upstream = JSON.stringify(encoded({ messages: back.messages }).body)
  assert.ok(!/mrproof|mrnext|mrprev|thinking/.test(upstream), upstream)
  const foreign = JSON.stringify(encoded({ messages: back.messages }, { proofs: 'openai' }).body)
  assert.ok(foreign.includes('enc/1+=') && !foreign.includes(sealProof({ by: 'xai', value: 'r' }, '')), 'its own proof and no other')
})

test('an answer of another format is whole for this format’s clients', () => {
  const events: ChatEvent[] = [
    { type: 'start', id: '', model: 'gpt' }, { type: 'part', choice: 0, part: { type: 'reasoning' } }, { type: 'summary', choice: 0, index: 0, text: 'one' }, { type: 'summary', choice: 0, index: 1, text: 'two' }, { type: 'partEnd', choice: 0 },
    { type: 'part', choice: 1, part: said('another answer') }, { type: 'logprobs', choice: 0, tokens: [] },
    { type: 'part', choice: 0, part: { type: 'refusal', text: '' } }, { type: 'delta', choice: 0, text: 'I can’t.' }, { type: 'partEnd', choice: 0 },
    { type: 'part', choice: 0, part: { type: 'media', kind: 'image', source: { by: 'data', base64: '' } } }, { type: 'media', choice: 0, base64: 'AAAA' }, { type: 'partEnd', choice: 0 },
    { type: 'part', choice: 0, part: { type: 'toolCall', id: '', name: 'f.g', arguments: '' } }, { type: 'partEnd', choice: 0 },
    { type: 'stop', choice: 0, stop: 'end' }, { type: 'usage', usage: { input: 5, audioIn: 2, output: 3, reasoning: 4 } }, { type: 'end' }, { type: 'delta', choice: 0, text: 'behind the end' },
  ]
  const encoder = codec.encodeStream(client)
  const { id, content, stop_reason: stop, usage } = messageOf(events.map((event) => encoder.write(event)).join(''))
  assert.deepEqual([id, stop], ['msg_x1', 'refusal'])
  assert.deepEqual((content as JsonObject[]).map(({ thinking, text, name, id: call }) => thinking ?? text ?? [name, call]), ['one\n\ntwo', 'I can’t.', '[an image that this format cannot carry]', ['f_0x2e_g', 'toolu_x1_1']])
  const { input_tokens: input, output_tokens: output, output_tokens_details: details } = usage as JsonObject
  assert.deepEqual([input, output, details], [7, 7, { thinking_tokens: 4 }])
})

test('an error ends a stream: nothing follows it', () => {
  const encoder = codec.encodeStream(client)
  const text = ([{ type: 'start', id: 'a', model: 'm' }, { type: 'part', choice: 0, part: said('') }, { type: 'error', error: { status: 503, code: null, kind: 'server_error', message: 'Busy.' } }, { type: 'end' }] as ChatEvent[]).map((event) => encoder.write(event)).join('')
  assert.match(text, /event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error","message":"Busy\."\}\}\n\n$/)
})
