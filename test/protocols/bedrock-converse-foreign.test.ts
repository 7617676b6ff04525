/** What other formats say, written for Converse: always valid, and what it has no words for is named. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bedrockConverse } from '../../src/protocols/bedrock-converse/index.ts'
import type { ChatFormat, ChatRequest, Json, JsonObject, Message, Part, Tool } from '../../src/protocols/canonical.ts'
import type { Encoded, Target } from '../../src/protocols/codec.ts'
import { models } from './bedrock-converse.arbitrary.ts'
import { faults } from './bedrock-shapes.ts'

const codec = bedrockConverse.codec!
const numRuns = process.env['MEGAROUTER_PROOF'] === '1' ? 10_000 : 500
const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const to = (model: string, more: Partial<Target> = {}): Target => ({ model, proofs: 'anthropic', mostOutputTokens: 0, reasoning: null, ...more })

const formats = fc.constantFrom<ChatFormat[]>('openai-chat', 'openai-responses', 'anthropic-messages', 'gemini-generate')
const anyText = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('', ' ', '\n\n', 'words'))
const anyJson = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)
const anyObject = fc.dictionary(fc.string({ maxLength: 6 }), anyJson, { maxKeys: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const extras = fc.record({ format: formats, fields: anyObject })
const cache = fc.oneof(fc.constant({}), fc.constantFrom('5m', '1h').map((ttl) => ({ ttl })))
const optional = <T extends object>(required: T, more: { [key: string]: fc.Arbitrary<unknown> }): fc.Arbitrary<T> => fc.record(more, { requiredKeys: [] }).map((rest) => ({ ...required, ...rest }))
const ids = fc.oneof(fc.string({ maxLength: 90 }), fc.constantFrom('call_1|fc_2', 'toolu_x', ''))
const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const proof = fc.record({ by: fc.constantFrom('anthropic', 'openai', 'google'), value: fc.string({ minLength: 1 }) })
const text = anyText.chain((each) => optional<Part>({ type: 'text', text: each }, { cache, extras, id: fc.string(), phase: fc.constant('commentary'), proof, citations: fc.constant([{ url: 'https://a', start: 1 }]) }))
const media = fc.constantFrom('image', 'document', 'audio', 'video').chain((kind) => fc.oneof(base64.map((data) => ({ by: 'data', base64: data })), fc.constantFrom({ by: 'url', url: 'https://a/b.png' }, { by: 'url', url: 's3://bucket/x.png' }, { by: 'file', id: 'f' }, { by: 'text', text: 'x' }, { by: 'parts', parts: [{ type: 'text', text: 'y' }] }))
  .filter(({ by }) => kind === 'document' || (by !== 'text' && by !== 'parts'))
  .chain((source) => optional<Part>({ type: 'media', kind, source } as Part, { mediaType: fc.constantFrom('image/png', 'image/bmp', 'application/pdf', 'application/json', 'text/x-python', 'audio/wav', 'video/mp4', 'a/b'), name: fc.oneof(fc.string(), fc.constantFrom('report.pdf', 'a.b.c', '年.pdf')), detail: fc.constant('low'), cites: fc.boolean(), context: fc.string(), cache, extras, transcript: fc.string(), proof })))
const thought = optional<Part>({ type: 'reasoning' }, { text: anyText, summary: fc.array(anyText), proof, redacted: fc.boolean(), id: fc.string(), extras })
const call = fc.tuple(ids, fc.string({ maxLength: 90 }), fc.oneof(anyText, anyJson.map((value) => JSON.stringify(value)))).chain(([id, name, args]) => optional<Part>({ type: 'toolCall', id, name, arguments: args }, { custom: fc.boolean(), namespace: fc.constant('n'), itemId: fc.constant('i'), cache, proof, extras }))
const refusal = anyText.map((each): Part => ({ type: 'refusal', text: each }))
const native = formats.map((format): Part => ({ type: 'native', format, value: { type: 'web_search_call' } }))
const result = fc.tuple(ids, fc.array(fc.oneof(text, media, native), { maxLength: 3 })).chain(([callId, parts]) => optional<Part>({ type: 'toolResult', callId, parts }, { isError: fc.boolean(), name: fc.string(), cache, extras, id: fc.string() }))
const message = fc.oneof(
  fc.tuple(fc.constantFrom('system', 'developer', 'user'), fc.array(fc.oneof(text, media, native), { maxLength: 3 })), fc.tuple(fc.constant('assistant'), fc.array(fc.oneof(text, thought, call, refusal, native, media), { maxLength: 4 })), fc.tuple(fc.constant('tool'), fc.array(result, { maxLength: 3 })),
).chain(([role, parts]) => optional<Message>({ role, parts } as Message, { name: fc.constant('bob'), extras }))
const tool: fc.Arbitrary<Tool> = fc.oneof(
  fc.string({ maxLength: 90 }).chain((name) => optional<Tool>({ type: 'function', name }, { description: anyText, parameters: anyObject, strict: fc.boolean(), namespace: fc.constant('n'), deferred: fc.boolean(), cache, extras })),
  fc.string().chain((name) => optional<Tool>({ type: 'custom', name }, { description: anyText, grammar: anyObject, cache })), formats.chain((format) => optional<Tool>({ type: 'server', format, value: { type: 'web_search' } }, { kind: fc.constantFrom('web_search', 'code_execution') })),
)
const foreign = fc.tuple(fc.constantFrom(...models), fc.array(message, { maxLength: 6 })).chain(([model, messages]) => optional<ChatRequest>({ model, stream: true, messages }, {
  tools: fc.array(tool, { maxLength: 3 }), toolChoice: fc.oneof(fc.constantFrom({ type: 'auto' }, { type: 'none' }, { type: 'required' }, { type: 'tool', name: 'x y' }, { type: 'some', names: ['a'], mode: 'required' }), formats.map((format) => ({ type: 'native', format, value: 1 }))),
  parallelToolCalls: fc.boolean(), output: fc.oneof(fc.constantFrom({ type: 'text' }, { type: 'json' }), optional({ type: 'schema', schema: {} }, { name: fc.constant('n'), description: fc.string(), strict: fc.boolean() }), formats.map((format) => ({ type: 'native', format, value: 'x' }))),
  sampling: optional({}, { temperature: fc.double({ min: 0, max: 2, noNaN: true }), topP: fc.double({ min: 0, max: 1, noNaN: true }), topK: fc.nat(99), minP: fc.constant(1), seed: fc.nat(), logitBias: fc.constant({ 1: 2 }), frequencyPenalty: fc.constant(1), presencePenalty: fc.constant(1), repetitionPenalty: fc.constant(1) }),
  maxOutputTokens: fc.integer({ min: 1, max: 99_999 }), stop: fc.array(anyText), choices: fc.integer({ min: 1, max: 3 }), logprobs: fc.constant({ alternatives: 2 }), reasoning: optional({ mode: 'on' }, { mode: fc.constantFrom('on', 'off', 'adaptive'), effort: fc.constantFrom('minimal', 'low', 'high', 'xhigh'), budgetTokens: fc.nat(50_000), summary: fc.constantFrom('auto', 'none', 'detailed'), wantsProof: fc.boolean() }),
  verbosity: fc.constant('low'), serviceTier: fc.constantFrom('auto', 'scale', 'flex', 'standard_only'), endUser: fc.string(), metadata: anyObject, store: fc.boolean(), cacheKey: fc.string(), cacheRetention: fc.constant('24h'), usageInStream: fc.boolean(), betas: fc.array(fc.constantFrom('claude-code-20250219', 'context-1m-2025-08-07')),
  modalities: fc.constantFrom(['text'], ['text', 'audio']), audio: fc.constant({ voice: 'v' }), extras,
}))

function contentOf(body: JsonObject): JsonObject[][] {
  return [body['system'] ?? [], ...(body['messages'] as JsonObject[]).map(({ content }) => content!)] as JsonObject[][]
}

test('whatever a client asks for, the request is one that AWS takes', () => {
  fc.assert(fc.property(foreign, fc.constantFrom('effort', 'budget', 'none', null), (request, reasoning) => {
    const { body, losses } = codec.encodeRequest(request, to(request.model, { reasoning }))
    assert.deepEqual(JSON.parse(JSON.stringify(body)), body)
    assert.deepEqual(faults(body, 'ConverseRequest'), [])
    assert.ok(losses.every(({ what }) => what.length > 3 && what.length < 200) && new Set(losses.map(({ what }) => what)).size === losses.length)
    const messages = body['messages'] as unknown as { role: string; content: JsonObject[] }[]
    assert.ok(messages.every(({ role }, index) => role !== messages[index - 1]?.role), 'turns alternate')
    const blocks = contentOf(body).flat()
    const results = blocks.flatMap(({ toolResult }) => (toolResult ? (toolResult as { content: JsonObject[] }).content : []))
    for (const { text: words } of [...blocks, ...results]) if (words !== undefined) assert.notEqual(String(words).trim(), '')
    if (blocks.some((block) => 'toolUse' in block || 'toolResult' in block)) assert.ok((body['toolConfig'] as { tools: Json[] }).tools.length > 0)
    const names = [...blocks, ...results].flatMap(({ document }) => (document ? [(document as { name: string }).name.toLowerCase()] : []))
    assert.equal(new Set(names).size, names.length)
    for (const { content } of messages) if (content.some((block) => 'document' in block)) assert.ok(content.some((block) => 'text' in block))
    codec.decodeRequest(body, { model: request.model, stream: true })
  }), { numRuns })
})

const request = (more: Partial<ChatRequest>): ChatRequest => ({ model: 'm', stream: false, messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }], ...more })
const user = (...parts: Part[]): Partial<ChatRequest> => ({ messages: [{ role: 'user', parts }] })
const whats = ({ losses }: Encoded): string[] => losses.map(({ what, kind }) => `${kind}: ${what}`)

test('each member that Converse has no place for is named, once', () => {
  const all = request({
    sampling: { minP: 1, frequencyPenalty: 1, presencePenalty: 1, repetitionPenalty: 1, seed: 1, logitBias: { 1: 1 }, temperature: 1.5, topK: 3 }, choices: 2, logprobs: { alternatives: 1 }, verbosity: 'low', endUser: 'u', store: false, cacheKey: 'k',
    cacheRetention: '24h', modalities: ['text', 'image'], audio: {}, serviceTier: 'scale', betas: ['a'], output: { type: 'json' }, parallelToolCalls: false, tools: [{ type: 'function', name: 'f', namespace: 'n', deferred: true, strict: true }], reasoning: { mode: 'on', effort: 'high', wantsProof: true },
    metadata: { a: 1, b: 'ok' }, stop: ['', 'x'], extras: { format: 'openai-chat', fields: { prediction: {}, other: 1 } },
  })
  const encoded = codec.encodeRequest(all, to('meta.llama3-3-70b-instruct-v1:0'))
  assert.deepEqual(whats(encoded).sort(), [
    'hint: an empty stop sequence', 'hint: how long the cache lives', 'hint: metadata that Bedrock does not take', 'hint: that arguments of a tool follow its schema strictly', 'hint: the beta feature "a"', 'hint: the deferred loading of a tool', 'hint: the end user', 'hint: the key of the cache',
    'hint: the namespace of a tool', 'hint: the proof of the thought', 'hint: whether the vendor keeps the answer (Bedrock keeps none)', 'meaning: 2 answers to one request', 'meaning: a temperature above 1', 'meaning: frequency_penalty', 'meaning: how much the answer says (verbosity)', 'meaning: log probabilities', 'meaning: logit_bias', 'meaning: min_p',
    'meaning: output of the modality "image"', 'meaning: presence_penalty', 'meaning: repetition_penalty', 'meaning: seed', 'meaning: settings of spoken output', 'meaning: that the answer is JSON (Bedrock takes a schema only)', 'meaning: that tools are called one at a time', 'meaning: the field "other"',
    'meaning: the field "prediction"', 'meaning: the service tier "scale"', 'meaning: thinking', 'meaning: top_k',
  ])
  assert.deepEqual(encoded.body['inferenceConfig'], { temperature: 1, stopSequences: ['x'] })
  assert.deepEqual(encoded.body['requestMetadata'], { b: 'ok' })
})

test('top_k stands where each family has it', () => {
  const more = (model: string): unknown => codec.encodeRequest(request({ sampling: { topK: 5 } }), to(model)).body['additionalModelRequestFields']
  assert.deepEqual([more(claude), more('amazon.nova-lite-v1:0'), more('meta.llama3-8b-instruct-v1:0')], [{ top_k: 5 }, { inferenceConfig: { topK: 5 } }, undefined])
})

test('thinking is asked for as each model takes it', () => {
  const ask = (model: string, reasoning: ChatRequest['reasoning'], more: Partial<ChatRequest> = {}, target: Partial<Target> = {}): unknown[] => {
    const encoded = codec.encodeRequest(request({ reasoning: reasoning!, ...more }), to(model, target))
    return [encoded.body['additionalModelRequestFields'], ...whats(encoded)]
  }
  const high = { mode: 'on', effort: 'high' } as const
  assert.deepEqual(ask(claude, high, { maxOutputTokens: 10_000 }), [{ thinking: { type: 'enabled', budget_tokens: 8_000 } }])
  assert.deepEqual(ask(claude, { mode: 'on', budgetTokens: 20_000 }, { maxOutputTokens: 10_000 }), [{ thinking: { type: 'enabled', budget_tokens: 9_999 } }, 'hint: the exact number of tokens to think with'])
  assert.deepEqual(ask(claude, high, { maxOutputTokens: 1_000 }), [undefined, 'meaning: thinking, since the output limit leaves no room for it'])
  assert.deepEqual(ask(claude, { mode: 'off' }), [{ thinking: { type: 'disabled' } }])
  assert.deepEqual(ask('us.anthropic.claude-opus-4-7', high), [{ thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }])
  assert.deepEqual(ask('us.anthropic.claude-opus-4-7', { mode: 'off' }), [undefined])
  assert.deepEqual(ask('us.anthropic.claude-opus-4-6-v1', high), [{ thinking: { type: 'enabled', budget_tokens: 32_000 } }])
  assert.deepEqual(ask('us.anthropic.claude-opus-4-6-v1', high, {}, { reasoning: 'effort' }), [{ thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }])
  assert.deepEqual(ask(claude, high, { sampling: { temperature: 0.2, topP: 0.5, topK: 4 }, maxOutputTokens: 10_000 }), [{ thinking: { type: 'enabled', budget_tokens: 8_000 } }, 'hint: sampling beside thinking (temperature, top_p, top_k)'])
  assert.deepEqual(codec.encodeRequest(request({ reasoning: high, sampling: { temperature: 0.2, topP: 0.5 } }), to(claude)).body['inferenceConfig'], undefined)
  assert.deepEqual(ask(claude, high, { toolChoice: { type: 'required' }, tools: [{ type: 'function', name: 'f' }] }), [undefined, 'meaning: thinking beside a tool that must be called'])
  assert.deepEqual(ask('us.amazon.nova-2-lite-v1:0', high), [{ reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } }])
  assert.deepEqual(ask('us.amazon.nova-2-lite-v1:0', high, { maxOutputTokens: 9 }), [{ reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' } }, 'hint: thinking with high effort beside an output limit'])
  assert.deepEqual(ask('openai.gpt-oss-20b-1:0', { mode: 'on', effort: 'minimal' }), [{ reasoning_effort: 'low' }])
  assert.deepEqual(ask('openai.gpt-oss-20b-1:0', { mode: 'off' }), [undefined, 'meaning: that the model must not think'])
  assert.deepEqual(ask('amazon.nova-lite-v1:0', high), [undefined, 'meaning: thinking'])
  assert.deepEqual(ask(claude, high, {}, { reasoning: 'none' }), [undefined, 'meaning: thinking'])
})

test('results of calls whose thought is another vendor\'s are sent without thinking, which Claude would refuse', () => {
  const loop = (by: string): Encoded => codec.encodeRequest(request({
    reasoning: { mode: 'on', budgetTokens: 2_000 }, tools: [{ type: 'function', name: 'f' }],
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'a' }] }, { role: 'assistant', parts: [{ type: 'reasoning', text: 't', proof: { by, value: 'p' } }, { type: 'toolCall', id: '1', name: 'f', arguments: '{}' }] }, { role: 'tool', parts: [{ type: 'toolResult', callId: '1', parts: [{ type: 'text', text: 'r' }] }] }],
  }), to(claude))
  assert.deepEqual(whats(loop('openai')), ['hint: the thought of an earlier turn', 'meaning: thinking, since the calls that are answered came without their thought'])
  assert.deepEqual(whats(loop('anthropic')), [])
  assert.deepEqual((loop('anthropic').body['messages'] as JsonObject[])[1]!['content'], [{ reasoningContent: { reasoningText: { text: 't', signature: 'p' } } }, { toolUse: { toolUseId: '1', name: 'f', input: {} } }])
})

test('a schema goes to models that take one, and is a tool to others, whose call is the answer', () => {
  const output = { type: 'schema', schema: { type: 'object' }, name: 'n' } as const
  assert.deepEqual(codec.encodeRequest(request({ output }), to(claude)).body['outputConfig'], { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '{"type":"object"}', name: 'n' } } } })
  const { body } = codec.encodeRequest(request({ output }), to('amazon.nova-lite-v1:0'))
  const spec = { toolSpec: { name: 'megarouter_answer', description: 'Give your answer by calling this tool. Its arguments are the answer.', inputSchema: { json: { type: 'object' } } } }
  assert.deepEqual([body['toolConfig'], body['outputConfig']], [{ tools: [spec], toolChoice: { tool: { name: 'megarouter_answer' } } }, undefined])
  assert.deepEqual((codec.encodeRequest(request({ output, tools: [{ type: 'function', name: 'f' }] }), to('amazon.nova-lite-v1:0')).body['toolConfig'] as JsonObject)['toolChoice'], { any: {} })
  assert.match(whats(codec.encodeRequest(request({ output }), to('meta.llama3-8b-instruct-v1:0'))).join(), /must follow a schema/)
  const answer = codec.decodeAnswer({ output: { message: { role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'megarouter_answer', input: { a: 1 } } }] } }, stopReason: 'tool_use' }, { proofs: '' })
  assert.deepEqual(answer.choices, [{ index: 0, parts: [{ type: 'text', text: '{"a":1}' }], stop: 'end' }])
})

test('a schema that came as a tool streams as text', () => {
  const out: unknown[] = []
  const decoder = codec.decodeStream({ proofs: '' })
  for (const [name, body] of [['contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name: 'megarouter_answer' } } }], ['contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input: '{"a"' } } }], ['contentBlockStop', { contentBlockIndex: 0 }], ['messageStop', { stopReason: 'tool_use' }]] as const) decoder.event(name, JSON.stringify(body), out as never)
  assert.deepEqual(out.slice(1), [{ type: 'part', choice: 0, part: { type: 'text', text: '' } }, { type: 'delta', choice: 0, text: '{"a"' }, { type: 'partEnd', choice: 0 }, { type: 'stop', choice: 0, stop: 'end' }])
})

test('one call at a time completes a choice of tools and never contradicts it', () => {
  const tools: Tool[] = [{ type: 'function', name: 'f' }]
  const ask = (toolChoice?: ChatRequest['toolChoice']): unknown[] => {
    const { body } = codec.encodeRequest(request({ tools, parallelToolCalls: false, ...(toolChoice && { toolChoice }) }), to(claude))
    return [(body['additionalModelRequestFields'] as JsonObject)['tool_choice'], (body['toolConfig'] as JsonObject)['toolChoice']]
  }
  assert.deepEqual(ask(), [{ type: 'auto', disable_parallel_tool_use: true }, undefined])
  assert.deepEqual(ask({ type: 'auto' }), [{ type: 'auto', disable_parallel_tool_use: true }, undefined])
  assert.deepEqual(ask({ type: 'tool', name: 'f' }), [{ disable_parallel_tool_use: true }, { tool: { name: 'f' } }])
})

test('tools: none to be called, some of them, none offered, free text, names that Bedrock refuses', () => {
  const called: Message[] = [{ role: 'user', parts: [{ type: 'text', text: 'a' }] }, { role: 'assistant', parts: [{ type: 'toolCall', id: 'call_1|fc_2', name: 'mcp.server/x', arguments: '[1]' }] }, { role: 'tool', parts: [{ type: 'toolResult', callId: 'call_1|fc_2', parts: [], isError: true }] }]
  const f: Tool[] = [{ type: 'function', name: 'f' }, { type: 'function', name: 'mcp.server/x' }, { type: 'function', name: 'h' }]
  const none = codec.encodeRequest(request({ tools: f, toolChoice: { type: 'none' } }), to(claude))
  assert.deepEqual([none.body['toolConfig'], whats(none)], [undefined, ['hint: tools that must not be called (they are left out)']])
  assert.deepEqual(whats(codec.encodeRequest(request({ tools: f, toolChoice: { type: 'none' }, messages: called }), to(claude)))[1], 'meaning: that no tool may be called')
  const some = codec.encodeRequest(request({ tools: f, toolChoice: { type: 'some', names: ['f'], mode: 'required' }, messages: called }), to(claude)).body['toolConfig'] as { tools: { toolSpec: { name: string } }[]; toolChoice: Json }
  assert.deepEqual([some.tools.map(({ toolSpec }) => toolSpec.name), some.toolChoice], [['f', 'mcp_x2e_server_x2f_x'], { any: {} }])
  const unoffered = codec.encodeRequest(request({ messages: called }), to(claude))
  assert.deepEqual(whats(unoffered), ['hint: arguments of a tool call that are no JSON object (they stand under "raw_arguments")', 'meaning: that no tool is offered (those of the conversation so far are)'])
  assert.deepEqual(unoffered.body['toolConfig'], { tools: [{ toolSpec: { name: 'mcp_x2e_server_x2f_x', inputSchema: { json: { type: 'object', properties: {} } } } }] })
  const [, assistant, results] = unoffered.body['messages'] as { content: JsonObject[] }[]
  const { toolUseId, input } = assistant!.content[0]!['toolUse'] as JsonObject
  assert.match(String(toolUseId), /^tooluse_[0-9a-f]{24}$/)
  assert.deepEqual([input, results!.content], [{ raw_arguments: '[1]' }, [{ toolResult: { toolUseId: toolUseId!, content: [{ text: '.' }], status: 'error' } }]])
  const custom = codec.encodeRequest(request({ tools: [{ type: 'custom', name: 'patch' }] }), to(claude))
  assert.deepEqual(custom.body['toolConfig'], { tools: [{ toolSpec: { name: 'patch', inputSchema: { json: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] } } } }] })
  const search: Tool = { type: 'server', kind: 'web_search', format: 'anthropic-messages', value: { type: 'web_search_20250305' } }
  assert.deepEqual(codec.encodeRequest(request({ tools: [search] }), to('us.amazon.nova-2-lite-v1:0')).body['toolConfig'], { tools: [{ systemTool: { name: 'nova_grounding' } }] })
  assert.deepEqual(whats(codec.encodeRequest(request({ tools: [search] }), to(claude))), ['meaning: the tool "web_search_20250305", which another vendor runs'])
})

test('Mistral gets ids of nine characters, except for those that Bedrock made', () => {
  const idOf = (id: string): unknown => {
    const { body } = codec.encodeRequest(request({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'a' }] }, { role: 'assistant', parts: [{ type: 'toolCall', id, name: 'f', arguments: '' }] }] }), to('mistral.mistral-large-2402-v1:0'))
    return ((body['messages'] as { content: JsonObject[] }[])[1]!.content[0]!['toolUse'] as JsonObject)['toolUseId']
  }
  assert.match(String(idOf('call_abc')), /^[0-9a-f]{9}$/)
  assert.deepEqual([idOf('tooluse_Z4oIdWzp6MUkuN99WX3jLk'), idOf('abcdefgh1'), idOf('call_abc') === idOf('call_abd')], ['tooluse_Z4oIdWzp6MUkuN99WX3jLk', 'abcdefgh1', false])
})

test('what a model refuses beside results of tools stands in a turn of its own', () => {
  const messages: Message[] = [{ role: 'user', parts: [{ type: 'text', text: 'a' }] }, { role: 'assistant', parts: [{ type: 'toolCall', id: 'abcdefgh1', name: 'f', arguments: '{}' }] }, { role: 'tool', parts: [{ type: 'toolResult', callId: 'abcdefgh1', parts: [{ type: 'text', text: 'r' }] }] }, { role: 'user', parts: [{ type: 'text', text: 'b' }] }]
  const turns = (model: string, list = messages): string[] => (codec.encodeRequest(request({ messages: list, tools: [{ type: 'function', name: 'f' }] }), to(model)).body['messages'] as { role: string; content: JsonObject[] }[]).map(({ role, content }) => `${role}: ${content.map((block) => Object.keys(block).join()).join(' ')}`)
  assert.deepEqual(turns(claude), ['user: text', 'assistant: toolUse', 'user: toolResult text'])
  assert.deepEqual(turns('mistral.mistral-large-2402-v1:0'), ['user: text', 'assistant: toolUse', 'user: toolResult', 'assistant: text', 'user: text'])
  const withDocument: Message[] = [...messages.slice(0, 3), { role: 'user', parts: [{ type: 'media', kind: 'document', mediaType: 'application/pdf', source: { by: 'data', base64: 'AA==' } }] }]
  assert.deepEqual(turns(claude, withDocument), ['user: text', 'assistant: toolUse', 'user: toolResult', 'assistant: text', 'user: document text'])
  assert.deepEqual(turns('amazon.nova-lite-v1:0', [messages[1]!]), ['user: text', 'assistant: toolUse'])
  assert.deepEqual(turns('amazon.nova-lite-v1:0', []), ['user: text'])
})

test('an image that the result of a tool cannot hold stands behind the results', () => {
  const image: Part = { type: 'media', kind: 'image', mediaType: 'image/png', source: { by: 'data', base64: 'AA==' } }
  const messages: Message[] = [{ role: 'user', parts: [{ type: 'text', text: 'a' }] }, { role: 'assistant', parts: [{ type: 'toolCall', id: 'abcdefgh1', name: 'f', arguments: '{}' }] }, { role: 'tool', parts: [{ type: 'toolResult', callId: 'abcdefgh1', parts: [image] }] }]
  const last = (model: string): unknown[] => (codec.encodeRequest(request({ messages, tools: [{ type: 'function', name: 'f' }] }), to(model)).body['messages'] as { content: JsonObject[] }[]).slice(2).map(({ content }) => content)
  const block = { image: { format: 'png', source: { bytes: 'AA==' } } }
  const result = (content: JsonObject): JsonObject => ({ toolResult: { toolUseId: 'abcdefgh1', content: [content] } })
  assert.deepEqual(last(claude), [[result(block)]])
  assert.deepEqual(last('qwen.qwen3-32b-v1:0'), [[result({ text: 'The image follows the results.' }), block]])
  assert.deepEqual(last('mistral.mistral-large-2402-v1:0'), [[result({ text: 'The image follows the results.' })], [{ text: '.' }], [block]])
})

test('a system message within the conversation is said by the user, and named', () => {
  const encoded = codec.encodeRequest(request({ messages: [{ role: 'developer', parts: [{ type: 'text', text: 'first' }] }, { role: 'user', parts: [{ type: 'text', text: 'a' }] }, { role: 'system', parts: [{ type: 'text', text: 'then' }] }] }), to(claude))
  assert.deepEqual([encoded.body['system'], encoded.body['messages']], [[{ text: 'first' }], [{ role: 'user', content: [{ text: 'a' }, { text: '<system>\nthen\n</system>' }] }]])
  assert.deepEqual(whats(encoded), ['meaning: the role of a system message within the conversation (a user says it)'])
})

test('media: what Bedrock takes, by whatever name it comes', () => {
  const block = (part: Omit<Extract<Part, { type: 'media' }>, 'type'>): unknown[] => {
    const encoded = codec.encodeRequest(request(user({ type: 'media', ...part }, { type: 'text', text: 'x' })), to(claude))
    return [(encoded.body['messages'] as { content: JsonObject[] }[])[0]!.content[0], ...whats(encoded)]
  }
  const data = { by: 'data', base64: 'AA==' } as const
  assert.deepEqual(block({ kind: 'image', source: data, mediaType: 'image/jpg; x=1' }), [{ image: { format: 'jpeg', source: { bytes: 'AA==' } } }])
  assert.deepEqual(block({ kind: 'image', source: { by: 'url', url: 's3://bucket/a.JPG' } }), [{ image: { format: 'jpeg', source: { s3Location: { uri: 's3://bucket/a.JPG' } } } }])
  assert.deepEqual(block({ kind: 'image', source: { by: 'url', url: 'https://a/b.png' } }), [{ text: 'x' }, 'meaning: an image by address (Bedrock takes bytes and s3:// addresses)'])
  assert.deepEqual(block({ kind: 'image', source: data, mediaType: 'image/bmp' }), [{ text: 'x' }, 'meaning: an image of the type "image/bmp"'])
  assert.deepEqual(block({ kind: 'audio', source: data, mediaType: 'audio/mp3' }), [{ audio: { format: 'mp3', source: { bytes: 'AA==' } } }])
  assert.deepEqual(block({ kind: 'document', source: data, mediaType: 'application/json', name: 'John\'s  data.v2.json' }), [{ document: { format: 'txt', source: { bytes: 'AA==' }, name: 'John s data v2' } }, 'hint: the type "application/json" of a document, which goes as plain text', 'hint: the exact name of a document'])
  assert.deepEqual(block({ kind: 'document', source: { by: 'file', id: 'f' } }), [{ text: 'x' }, 'meaning: a document that another vendor keeps'])
})

test('documents without a name, or with the same one, are told apart', () => {
  const pdf = (name?: string): Part => ({ type: 'media', kind: 'document', mediaType: 'application/pdf', source: { by: 'data', base64: 'AA==' }, ...(name && { name }) })
  const { body } = codec.encodeRequest(request(user({ type: 'text', text: 'x' }, pdf(), pdf(), pdf('report.pdf'), pdf('Report'))), to(claude))
  assert.deepEqual((body['messages'] as { content: JsonObject[] }[])[0]!.content.slice(1).map(({ document }) => (document as JsonObject)['name']), ['document', 'document 2', 'report', 'Report 2'])
})

test('proofs of others reach no model, and are sealed for a client of this format', () => {
  const answer = codec.encodeAnswer({ id: '', model: '', choices: [{ index: 0, parts: [{ type: 'reasoning', text: 't', proof: { by: 'google', value: 'g' } }, { type: 'reasoning', proof: { by: 'openai', value: 'o' } }] }] }, { request: request({}), id: '', nowS: 0 })
  const back = codec.decodeRequest({ messages: [(answer['output'] as JsonObject)['message']!] }, { model: 'm' })
  assert.deepEqual(back.messages[0]!.parts, [{ type: 'reasoning', text: 't', proof: { by: 'google', value: 'g' } }, { type: 'reasoning', redacted: true, proof: { by: 'openai', value: 'o' } }])
  assert.deepEqual(whats(codec.encodeRequest(back, to(claude))), ['hint: the thought of an earlier turn'])
})

test('a request that cannot be read is refused with the place of what is wrong', () => {
  for (const [body, message, param] of [
    [{ messages: {} }, /"messages" must be a list/, 'messages'], [{ system: 'x' }, /"system" must be a list/, 'system'], [{ messages: [1] }, /message 0 must be an object with the role/, 'messages.0.role'], [{ messages: [{ role: 'user', content: 'x' }] }, /content of the message 0/, 'messages.0.content'],
  ] as const) assert.throws(() => codec.decodeRequest(body as unknown as JsonObject, {}), { message, param })
})
