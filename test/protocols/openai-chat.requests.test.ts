/** Requests of chat completions: what clients may write, what vendors get, and what is told as lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatRequest, JsonObject, Message, Part } from '../../src/protocols/canonical.ts'
import { BadRequest } from '../../src/protocols/codec.ts'
import { openaiChatCodec } from '../../src/protocols/openai-chat/codec.ts'
import type { Target, DialectField } from '../../src/protocols/codec.ts'

const target: Target = { model: 'm', proofs: 'openai', mostOutputTokens: 0, reasoning: 'effort' }
const speaking = (...fields: DialectField[]): Target => ({ ...target, dialect: new Set(fields) })
const decode = (body: JsonObject): ChatRequest => openaiChatCodec.decodeRequest({ model: 'm', messages: [], ...body }, {})
const encode = (more: Partial<ChatRequest>, to: Target = target) => openaiChatCodec.encodeRequest({ model: 'm', stream: false, messages: [], ...more }, to)
const lost = (more: Partial<ChatRequest>, to?: Target): string[] => encode(more, to).losses.map(({ what }) => what)
const messagesOf = (more: Partial<ChatRequest>, to?: Target): JsonObject[] => encode(more, to).body['messages'] as JsonObject[]
const user = (...parts: Part[]): { messages: Message[] } => ({ messages: [{ role: 'user', parts }] })
const said = (...parts: Part[]): { messages: Message[] } => ({ messages: [{ role: 'assistant', parts }] })

test('every way to ask for thought that vendors have is understood', () => {
  const ways: [JsonObject, ChatRequest['reasoning']][] = [
    [{ reasoning_effort: 'high' }, { mode: 'on', effort: 'high' }],
    [{ reasoning_effort: 'none' }, { mode: 'off' }],
    [{ reasoning: { effort: 'low' } }, { mode: 'on', effort: 'low' }],
    [{ reasoning: { max_tokens: 2000, exclude: true } }, { mode: 'on', budgetTokens: 2000, summary: 'none' }],
    [{ reasoning: { enabled: false } }, { mode: 'off' }],
    [{ thinking: { type: 'disabled' } }, { mode: 'off' }],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, { mode: 'on', budgetTokens: 1024 }],
    [{ thinking: { type: 'enabled' }, reasoning_effort: 'max' }, { mode: 'on', effort: 'max' }],
    [{ thinking: { type: 'auto' } }, { mode: 'adaptive' }],
    [{ enable_thinking: true, thinking_budget: 500 }, { mode: 'on', budgetTokens: 500 }],
    [{ enable_thinking: false }, { mode: 'off' }],
    [{}, undefined],
  ]
  for (const [body, expected] of ways) {
    const { reasoning, extras } = decode(body)
    assert.deepEqual(reasoning, expected, JSON.stringify(body))
    assert.equal(extras, undefined, JSON.stringify(body))
  }
  assert.deepEqual(decode({ thinking: { type: 'enabled', clear_thinking: false } }).extras?.fields, { thinking: { clear_thinking: false } })
})

test('thought is asked for as an effort, and a model without thought is not asked', () => {
  const effort = (reasoning: ChatRequest['reasoning'], to?: Target): unknown => encode({ reasoning: reasoning!, maxOutputTokens: 10_000 }, to).body['reasoning_effort']
  assert.equal(effort({ mode: 'off' }), 'none')
  assert.equal(effort({ mode: 'on' }), 'medium')
  assert.equal(effort({ mode: 'adaptive' }), undefined)
  assert.equal(effort({ mode: 'adaptive', effort: 'low' }), 'low')
  assert.equal(effort({ mode: 'on', budgetTokens: 9000 }), 'high')
  assert.equal(effort({ mode: 'on', effort: 'high' }, { ...target, reasoning: 'none' }), undefined)
  assert.deepEqual(lost({ reasoning: { mode: 'on', effort: 'high' } }, { ...target, reasoning: 'none' }), ['thought, which the model has none of'])
  assert.deepEqual(lost({ reasoning: { mode: 'off' } }, { ...target, reasoning: 'none' }), [])
})

test('what OpenAI does not have is written where the vendor has it, and lost by name where it has not', () => {
  const cached = user({ type: 'text', text: 'a', cache: { ttl: '1h' } })
  const image: Part = { type: 'media', kind: 'image', source: { by: 'url', url: 'https://a/b' } }
  const rows: [DialectField, Partial<ChatRequest>, string, (body: JsonObject) => unknown, unknown][] = [
    ['top_k', { sampling: { topK: 5 } }, 'top_k', (body) => body['top_k'], 5],
    ['min_p', { sampling: { minP: 0.1 } }, 'min_p', (body) => body['min_p'], 0.1],
    ['repetition_penalty', { sampling: { repetitionPenalty: 1.1 } }, 'repetition_penalty', (body) => body['repetition_penalty'], 1.1],
    ['cache_control', cached, 'a cache mark of a part', content, [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }]],
    ['prompt_cache_breakpoint', cached, 'a cache mark of a part', content, [{ type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } }]],
    ['file_url', user({ type: 'media', kind: 'document', source: { by: 'url', url: 'https://a/b.pdf' } }, image), 'a document by its address', (body) => (content(body) as JsonObject[])[0], { type: 'file', file: { file_data: 'https://a/b.pdf' } }],
    ['document_url', user({ type: 'media', kind: 'document', source: { by: 'url', url: 'https://a/b.pdf' }, name: 'b' }, image), 'a document by its address', (body) => (content(body) as JsonObject[])[0], { type: 'document_url', document_url: 'https://a/b.pdf', document_name: 'b' }],
    ['video_url', user({ type: 'media', kind: 'video', source: { by: 'url', url: 'https://a/b' } }, image), 'a video by its address', (body) => (content(body) as JsonObject[])[0], { type: 'video_url', video_url: { url: 'https://a/b' } }],
    ['image_modality', { modalities: ['text', 'image'] }, 'images in the answer', (body) => body['modalities'], ['text', 'image']],
    ['reasoning_content', said({ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'a' }), 'thoughts of earlier answers', (body) => first(body)['reasoning_content'], 'hm'],
    ['thinking', said({ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'a' }), 'thoughts of earlier answers', content, [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }, { type: 'text', text: 'a' }]],
    ['annotations', said({ type: 'text', text: 'a', citations: [{ url: 'https://a', start: 0, end: 1 }] }), 'citations of earlier answers', (body) => first(body)['annotations'], [{ type: 'url_citation', url_citation: { url: 'https://a', title: '', start_index: 0, end_index: 1 } }]],
    ['web_search_options', { tools: [{ type: 'server', kind: 'web_search', format: 'anthropic-messages', value: { type: 'web_search_20250305', name: 'web_search' } }] }, 'the tool "web_search_20250305"', (body) => body['web_search_options'], {}],
  ]
  for (const [field, more, what, read, expected] of rows) {
    assert.deepEqual(lost(more), [what], field)
    const { body, losses } = encode(more, speaking(field))
    assert.deepEqual(read(body), expected, field)
    assert.deepEqual(losses, [], field)
  }
})

const first = (body: JsonObject): JsonObject => (body['messages'] as JsonObject[])[0]!
const content = (body: JsonObject): unknown => first(body)['content']

test('a proof goes to its maker alone, and the thought stays where it is understood', () => {
  const parts: Part[] = [
    { type: 'reasoning', text: 'hm', proof: { by: 'openrouter', value: 'anthropic-claude-v1  SIG' } }, { type: 'reasoning', text: 'ha', proof: { by: 'anthropic', value: 'OTHER' } },
    { type: 'toolCall', id: 'c', name: 'f', arguments: '{}', proof: { by: 'google', value: 'GSIG' } },
  ]
  const routed = encode(said(...parts), { ...speaking('reasoning_details'), proofs: 'openrouter' })
  assert.deepEqual(first(routed.body)['reasoning_details'], [{ type: 'reasoning.text', text: 'hm', signature: 'SIG', format: 'anthropic-claude-v1', index: 0 }, { type: 'reasoning.text', text: 'ha', format: 'unknown', index: 1 }])
  assert.deepEqual(routed.losses, [{ what: 'a proof of a vendor that is not asked', kind: 'hint' }])
  const google = encode(said(...parts), { ...target, proofs: 'google' }).body
  assert.deepEqual((first(google)['tool_calls'] as JsonObject[])[0]!['extra_content'], { google: { thought_signature: 'GSIG' } })
  for (const proof of ['SIG', 'OTHER', 'GSIG']) assert.ok(!JSON.stringify(encode(said(...parts)).body).includes(proof), proof)
})

test('what a tool shows comes behind all results, under the name of its call', () => {
  const png: Part = { type: 'media', kind: 'image', source: { by: 'data', base64: 'iVBORw0' } }
  const messages: Message[] = [{ role: 'tool', parts: [{ type: 'toolResult', callId: 'a', name: 'shot', parts: [{ type: 'text', text: 'done' }, png] }, { type: 'toolResult', callId: 'b', parts: [png] }] }]
  const shown = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0' } }
  assert.deepEqual(messagesOf({ messages }), [
    { role: 'tool', tool_call_id: 'a', name: 'shot', content: 'done' }, { role: 'tool', tool_call_id: 'b', content: 'It is shown in the next message.' },
    { role: 'user', content: [{ type: 'text', text: 'From the result of "shot" (a):' }, shown, { type: 'text', text: 'From the result of b:' }, shown] },
  ])
})

test('a document of plain text is a text under its name; one in bytes has a name in any case', () => {
  assert.deepEqual(messagesOf(user({ type: 'media', kind: 'document', source: { by: 'text', text: 'abc' }, name: 'notes', context: 'of mine' })), [{ role: 'user', content: 'Document "notes":\nof mine\nabc' }])
  assert.deepEqual((messagesOf(user({ type: 'media', kind: 'document', source: { by: 'data', base64: 'JVBERi0' } }))[0]!['content'] as JsonObject[])[0], { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0', filename: 'document.pdf' } })
})

test('names and ids that OpenAI refuses are replaced, the same in tools, calls and results', () => {
  const long = `mcp__${'server'.repeat(12)}__read`
  const id = `call_${'x'.repeat(60)}`
  const { body } = encode({
    messages: [{ role: 'assistant', parts: [{ type: 'toolCall', id, name: long, arguments: '{}' }, { type: 'toolCall', id: 'b', name: 'spawn', namespace: 'agents', arguments: '{}' }] }, { role: 'tool', parts: [{ type: 'toolResult', callId: id, name: long, parts: [] }] }],
    tools: [{ type: 'function', name: long }, { type: 'function', name: 'a.b:c' }, { type: 'function', name: 'spawn', namespace: 'agents' }], toolChoice: { type: 'tool', name: 'spawn' },
  })
  const names = (body['tools'] as JsonObject[]).map((tool) => (tool['function'] as JsonObject)['name'] as string)
  assert.ok(names.every((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name)), names.join(' '))
  assert.deepEqual([names[1]!.slice(0, 6), names[2]], ['a_b_c_', 'agents__spawn'])
  const [assistant, result] = body['messages'] as [JsonObject, JsonObject]
  const calls = assistant['tool_calls'] as JsonObject[]
  assert.deepEqual(calls.map((call) => (call['function'] as JsonObject)['name']), [names[0], 'agents__spawn'])
  assert.equal(calls[0]!['id'], result['tool_call_id'])
  assert.ok(String(calls[0]!['id']).length <= 40)
  assert.equal(result['name'], names[0])
  assert.deepEqual(body['tool_choice'], { type: 'function', function: { name: 'agents__spawn' } })
})

test('the deprecated functions are tools, and come back as functions to a vendor of the format', () => {
  const body: JsonObject = {
    model: 'm', functions: [{ name: 'f', parameters: { type: 'object' } }], function_call: { name: 'f' },
    messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }, { role: 'function', name: 'f', content: '5' }],
  }
  const request = decode(body)
  assert.deepEqual(request.tools, [{ type: 'function', name: 'f', parameters: { type: 'object' } }])
  assert.deepEqual(request.toolChoice, { type: 'tool', name: 'f' })
  const [, called, answered] = request.messages
  assert.equal(called!.parts[0]!.type === 'toolCall' && called!.parts[0]!.id, answered!.parts[0]!.type === 'toolResult' && answered!.parts[0]!.callId)
  assert.deepEqual(openaiChatCodec.encodeRequest(request, target), { body, losses: [] })
})

test('a result without an id answers the first call that has no result', () => {
  const call = (id: string): JsonObject => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
  const { messages } = decode({ messages: [{ role: 'assistant', tool_calls: [call('a'), call('b')] }, { role: 'tool', content: '1' }, { role: 'tool', content: '2' }] })
  assert.deepEqual(messages[1]!.parts.map((part) => part.type === 'toolResult' && part.callId), ['a', 'b'])
})

test('a request that means nothing is refused in words that say what to do', () => {
  const rows: [JsonObject, string | null, RegExp][] = [
    [{ messages: null }, 'messages', /"messages" is missing/],
    [{ messages: 'hi' }, 'messages', /"messages" must be a list/],
    [{ messages: ['hi'] }, 'messages[0]', /must be an object with a "role"/],
    [{ messages: [{ role: 'robot', content: 'a' }] }, 'messages[0].role', /must be one of system, developer, user, assistant, tool, function/],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', /"messages\[0\].content" must be a list/],
    [{ messages: [{ role: 'user', content: ['a'] }] }, 'messages[0].content[0]', /must be an object with a "type"/],
    [{ messages: [{ role: 'user', content: [{ type: 'text', text: 5 }] }] }, 'messages[0].content[0].text', /must be a text/],
    [{ messages: [{ role: 'tool', content: 'a' }] }, 'messages[0].tool_call_id', /says which call the result answers/],
    [{ tools: ['f'] }, 'tools[0]', /must be an object/],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', /a function needs a name/],
    [{ temperature: 'hot' }, 'temperature', /must be a number/],
    [{ stop: [1] }, 'stop', /a text or a list of texts/],
    [{ logit_bias: { 5: 'a' } }, 'logit_bias', /must be numbers/],
    [{ modalities: ['smell'] }, 'modalities', /text, image and audio/],
    [{ response_format: 'json' }, 'response_format', /must be an object/],
  ]
  for (const [body, param, message] of rows) {
    assert.throws(() => decode(body), (error) => error instanceof BadRequest && error.param === param && message.test(error.message), JSON.stringify(body))
  }
})

test('a member that nobody knows is kept, wherever it stands', () => {
  const body: JsonObject = {
    model: 'm', zz: { a: null }, stream_options: { include_obfuscation: false }, response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {}, zz: 1 } },
    messages: [{ role: 'user', content: [{ type: 'text', text: 'a', zz: 2 }, { type: 'image_url', image_url: { url: 'https://a', zz: 3 } }, { type: 'new', zz: 4 }], zz: 5 }, { role: 'assistant', content: 'a', prefix: true }],
    tools: [{ type: 'function', function: { name: 'f', zz: 6 }, zz: 7 }, { type: 'mcp', zz: 8 }],
  }
  assert.deepEqual(openaiChatCodec.encodeRequest(decode(body), target), { body, losses: [] })
  const polluting = JSON.parse('{"model":"m","messages":[],"__proto__":{"polluted":1},"metadata":{"__proto__":{"polluted":1}}}') as JsonObject
  assert.equal(JSON.stringify(openaiChatCodec.encodeRequest(decode(polluting), target).body), '{"model":"m","messages":[],"metadata":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1}}')
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})

test('whatever a request of another format holds beyond this one is told as lost', () => {
  const format = 'anthropic-messages' as const
  const extras = { format, fields: { zz: 1 } }
  const { body, losses } = encode({
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 's', extras }, { type: 'media', kind: 'image', source: { by: 'url', url: 'https://a' } }], extras },
      { role: 'user', parts: [
        { type: 'native', format, value: { type: 'container_upload' } }, { type: 'media', kind: 'image', source: { by: 'file', id: 'f' } }, { type: 'media', kind: 'audio', source: { by: 'url', url: 'https://a' } },
        { type: 'media', kind: 'document', source: { by: 'data', base64: 'AAAA' }, cites: true, context: 'c' }, { type: 'media', kind: 'document', source: { by: 'parts', parts: [{ type: 'text', text: 'a' }, { type: 'media', kind: 'image', source: { by: 'url', url: 'https://a' } }] } },
      ] },
      { role: 'assistant', parts: [
        { type: 'reasoning', id: 'rs', text: 't', proof: { by: 'anthropic', value: 's' }, extras }, { type: 'text', text: 'a', id: 'msg', phase: 'commentary', proof: { by: 'google', value: 'g' } },
        { type: 'toolCall', id: 'c', name: 'f', arguments: '{}', itemId: 'fc', cache: {}, extras }, { type: 'toolResult', callId: 'srv', parts: [] }, { type: 'media', kind: 'video', source: { by: 'url', url: 'https://a' } },
      ] },
      { role: 'tool', parts: [{ type: 'toolResult', callId: 'c', isError: true, id: 'i', cache: {}, parts: [{ type: 'text', text: 'r' }], extras }] },
    ],
    tools: [{ type: 'function', name: 'f', cache: {}, deferred: true, extras }, { type: 'server', kind: 'code_execution', format, value: { type: 'code_execution_20250522' } }],
    toolChoice: { type: 'native', format, value: {} }, output: { type: 'native', format, value: {} }, stop: ['a', 'b', 'c', 'd', 'e'], betas: ['x-1'],
    reasoning: { mode: 'on', budgetTokens: 2000, summary: 'auto', wantsProof: true }, extras: { format, fields: { context_management: {} } },
  })
  assert.deepEqual(losses.map(({ kind, what }) => `${kind}: ${what}`).toSorted(), [
    'hint: a cache mark of a call', 'hint: a cache mark of a tool', 'hint: a cache mark of the result of a tool', 'hint: a number of tokens to think with, which is asked for as an effort',
    'hint: a proof of a vendor that is not asked', 'hint: how much of the thought is shown', 'hint: that a tool is described only once a search finds it', 'hint: that the proof of the thought is wanted', 'hint: that the result of a tool is an error',
    'hint: the beta features x-1', 'hint: the id of a part', 'hint: the phase of a text', 'hint: the result of a tool that the vendor ran', 'hint: thoughts of earlier answers',
    'meaning: a part of the type "container_upload"', 'meaning: an audio by its address', 'meaning: an image in a file', 'meaning: parts of a document that are no text', 'meaning: stop sequences after the first 4', 'meaning: that quotations are marked',
    'meaning: the choice of a tool', 'meaning: the field "context_management"', 'meaning: the field "zz" of a call', 'meaning: the field "zz" of a message', 'meaning: the field "zz" of a part', 'meaning: the field "zz" of a thought',
    'meaning: the field "zz" of a tool', 'meaning: the field "zz" of the result of a tool', 'meaning: the format of the answer', 'meaning: the tool "code_execution_20250522"', 'meaning: video of an earlier answer',
    'meaning: what is no text in a message of the role "system"', 'meaning: what is said about a document',
  ])
  assert.ok(!JSON.stringify(body).includes('zz'))
})

test('a turn of which nothing is left is left out, and one that was empty stays', () => {
  const hidden: Message = { role: 'assistant', parts: [{ type: 'reasoning', proof: { by: 'anthropic', value: 's' }, redacted: true }] }
  assert.deepEqual(messagesOf({ messages: [hidden, { role: 'assistant', parts: [] }] }), [{ role: 'assistant', content: '' }])
})
