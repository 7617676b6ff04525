/** Requests: what Gemini clients may write, and what requests of other formats become for Google. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatEvent, ChatRequest, Json, JsonObject, Message, Part } from '../../src/protocols/canonical.ts'
import { BadRequest, type Target } from '../../src/protocols/codec.ts'
import { geminiGenerate } from '../../src/protocols/gemini-generate/index.ts'
import { noSignature } from '../../src/protocols/gemini-generate/signature.ts'
import { hasSeals } from '../../src/protocols/proof.ts'
import { Collector } from '../../src/protocols/whole.ts'

const codec = geminiGenerate.codec!
const decode = (body: JsonObject): ChatRequest => codec.decodeRequest(body, { model: 'm', stream: false })
const third: Target = { model: 'gemini-3.1-pro-preview', proofs: 'google', mostOutputTokens: 0, reasoning: null }
const second: Target = { ...third, model: 'gemini-2.5-flash' }
const asking = (change: Partial<ChatRequest>): ChatRequest => ({ model: 'm', stream: false, messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }], ...change })
const encode = (change: Partial<ChatRequest>, target = third) => codec.encodeRequest(asking(change), target)
const said = (...messages: Message[]) => codec.encodeRequest(asking({ messages }), third)
const lost = (change: Partial<ChatRequest>, target = third): Record<string, string> => Object.fromEntries(encode(change, target).losses.map(({ what, kind }) => [what, kind]))
const user = (...parts: Part[]): Message => ({ role: 'user', parts })
const text = (value: string): Part => ({ type: 'text', text: value })

test('every setting has its place, in either spelling', () => {
  const snake = {
    system_instruction: { parts: { text: 'Be brief.' } },
    contents: { parts: { text: 'hi' } },
    generation_config: {
      temperature: 0.5, top_p: '0.9', top_k: 40, seed: 7, presence_penalty: 0.1, frequency_penalty: -0.2, candidate_count: 2, max_output_tokens: 100, stop_sequences: ['END'],
      response_logprobs: true, logprobs: 3, response_mime_type: 'application/json', response_json_schema: { type: 'OBJECT' }, response_modalities: ['TEXT', 'IMAGE'],
      speech_config: { voice_config: { prebuilt_voice_config: { voice_name: 'Kore' } }, language_code: 'de-DE' }, thinking_config: { include_thoughts: true, thinking_budget: 512 }, media_resolution: 'MEDIA_RESOLUTION_LOW',
    },
    tool_config: { function_calling_config: { mode: 'any', allowed_function_names: ['a', 'b'] }, retrieval_config: { language_code: 'de' } },
    safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    service_tier: 'flex', store: false, labels: { team: 'x' }, cached_content: 'cachedContents/1',
  } as unknown as JsonObject
  const expected: ChatRequest = {
    model: 'm', stream: false,
    messages: [{ role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] }, { role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
    sampling: { temperature: 0.5, topP: 0.9, topK: 40, seed: 7, presencePenalty: 0.1, frequencyPenalty: -0.2 },
    choices: 2, maxOutputTokens: 100, stop: ['END'], logprobs: { alternatives: 3 }, output: { type: 'schema', schema: { type: 'object' } }, modalities: ['text', 'image'], audio: { voice: 'Kore' },
    reasoning: { mode: 'on', budgetTokens: 512, summary: 'auto' }, toolChoice: { type: 'some', names: ['a', 'b'], mode: 'required' }, serviceTier: 'flex', store: false,
    extras: { format: 'gemini-generate', fields: {
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }], labels: { team: 'x' }, cachedContent: 'cachedContents/1',
      toolConfig: { retrievalConfig: { language_code: 'de' } }, generationConfig: { mediaResolution: 'MEDIA_RESOLUTION_LOW', speechConfig: { languageCode: 'de-DE' } },
    } },
  }
  assert.deepEqual(decode(snake), expected)
  const { body, losses } = codec.encodeRequest(expected, second)
  assert.deepEqual(losses, [])
  assert.deepEqual((body['generationConfig'] as JsonObject)['speechConfig'], { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } }, languageCode: 'de-DE' })
  assert.deepEqual(body['toolConfig'], { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['a', 'b'] }, retrievalConfig: { language_code: 'de' } })
  assert.deepEqual(decode(body), expected)
})

test('what no request can say is refused with words for its author', () => {
  for (const [body, words] of [
    [{ contents: ['hi'] }, /"contents" must be an object/], [{ contents: [{ role: 'system', parts: [] }] }, /role "system".*systemInstruction/],
    [{ contents: [], tools: ['x'] }, /"tools" must be an object/], [{ contents: [], tools: [{ functionDeclarations: [{}] }] }, /must be an object with a "name"/],
  ] as [JsonObject, RegExp][]) assert.throws(() => decode(body), (error) => error instanceof BadRequest && words.test(error.message) && error.param !== null)
})

test('a value of a wrong type is nobody’s, and stays', () => {
  const body = { contents: [{ role: 'user', parts: [{ text: 'x' }] }], generationConfig: { temperature: 'warm', stopSequences: [1], thinkingConfig: 'deep' }, store: 'no', tools: [{ googleSearch: {}, codeExecution: null }] }
  const request = decode(body)
  assert.deepEqual(request.extras?.fields, { generationConfig: { temperature: 'warm', stopSequences: [1], thinkingConfig: 'deep' }, store: 'no' })
  assert.deepEqual(codec.encodeRequest(request, third).body, { ...body, tools: [{ googleSearch: {} }] })
})

test('results are matched with calls by id, else by name in their order, and become one message', () => {
  const call = (name: string, id?: string): Json => ({ functionCall: { name, args: {}, ...(id ? { id } : {}) } })
  const result = (name: string, value: string, id?: string): Json => ({ functionResponse: { name, response: { output: value }, ...(id ? { id } : {}) } })
  const { messages } = decode({ contents: [
    { role: 'model', parts: [call('a'), call('b', 'id_b'), call('a'), call('c')] },
    { role: 'function', parts: [result('a', '1'), { text: 'and now?' }, result('b', '2', 'id_b')] }, { role: 'user', parts: [result('a', '3'), result('c', '4', 'id_c'), result('lost', '5')] },
  ] } as unknown as JsonObject)
  const calls = messages[0]!.parts.map((part) => part.type === 'toolCall' && part.id)
  assert.deepEqual(calls, ['mrcall_0', 'id_b', 'mrcall_1', 'id_c'])
  assert.deepEqual(messages.map(({ role }) => role), ['assistant', 'tool', 'user', 'tool'])
  assert.deepEqual(messages.flatMap(({ parts }) => parts).flatMap((part) => (part.type === 'toolResult' ? [[part.callId, (part.parts[0] as { text: string }).text]] : [])), [['mrcall_0', '1'], ['id_b', '2'], ['mrcall_1', '3'], ['id_c', '4'], ['mrcall_3', '5']])
})

test('what a stream left in a history as many contents is one turn', () => {
  const { messages } = decode({ contents: [
    { role: 'user', parts: [{ text: 'hi' }] }, { role: 'model', parts: [{ text: '' }] }, { role: 'model', parts: [{ text: 'I th', thought: true }] }, { role: 'model', parts: [{ text: 'ink', thought: true }] },
    { role: 'model', parts: [{ text: 'Hel' }] }, { role: 'model', parts: [{ text: 'lo' }] }, { role: 'model', parts: [{ text: '', thoughtSignature: 'c2ln' }] },
    { role: 'model', parts: [{ functionCall: { name: 'a' } }] }, { role: 'model', parts: [{ text: '' }] }, { role: 'user', parts: [{ text: '' }] },
  ] } as unknown as JsonObject)
  assert.deepEqual(messages, [
    user(text('hi')),
    { role: 'assistant', parts: [{ type: 'reasoning', text: 'I think' }, { type: 'text', text: 'Hello', proof: { by: 'google', value: 'c2ln' } }, { type: 'toolCall', id: 'mrcall_0', name: 'a', arguments: '{}' }] },
    user(text('')),
  ])
})

test('a request of another format says all that it can, and what it can’t is named', () => {
  const change: Partial<ChatRequest> = {
    parallelToolCalls: false, verbosity: 'low', endUser: 'u', metadata: { a: 'b' }, cacheKey: 'k', cacheRetention: '24h', betas: ['x-1'], usageInStream: true, serviceTier: 'auto',
    sampling: { minP: 0.1, repetitionPenalty: 1.1, logitBias: { 5: -100 } }, audio: { voice: 'Kore', coding: 'mp3' }, extras: { format: 'openai-chat', fields: { prediction: {} } },
    output: { type: 'schema', schema: { type: 'object' }, name: 'answer', description: 'What to say.', strict: true },
    tools: [
      { type: 'function', name: 'f', strict: true, deferred: true, cache: {}, extras: { format: 'anthropic-messages', fields: { input_examples: [] } } },
      { type: 'custom', name: 'patch', grammar: { syntax: 'lark' } },
      { type: 'server', kind: 'web_search', format: 'anthropic-messages', value: { type: 'web_search_20250305', name: 'web_search', max_uses: 3 } },
      { type: 'server', format: 'openai-responses', value: { type: 'file_search' } },
    ],
  }
  assert.deepEqual(lost(change), {
    'that calls of a tool keep strictly to its schema': 'hint', 'that a tool is described once a search finds it': 'hint', 'a cache mark': 'hint', 'the field "input_examples" of a tool': 'hint',
    'the grammar of a tool’s input': 'meaning', 'the settings of the tool "web_search_20250305"': 'hint', 'the tool "file_search" of openai-responses': 'meaning',
    min_p: 'meaning', repetition_penalty: 'meaning', logit_bias: 'meaning', 'the coding of audio': 'hint', 'the end user': 'hint', metadata: 'hint', 'the cache key': 'hint', 'the cache retention': 'hint',
    'the beta feature "x-1"': 'hint', verbosity: 'meaning', 'one tool call at a time': 'meaning', 'the field "prediction" of the request': 'hint',
  })
  const { body } = encode(change)
  assert.deepEqual(body['generationConfig'], {
    speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } }, responseMimeType: 'application/json', responseJsonSchema: { type: 'object', title: 'answer', description: 'What to say.' },
  })
  assert.deepEqual(body['tools'], [{ functionDeclarations: [{ name: 'f' }, { name: 'patch', parametersJsonSchema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] } }] }, { googleSearch: {} }])
  assert.equal('serviceTier' in body, false)
})

test('instructions stand in front; what comes later is the user’s', () => {
  const { body, losses } = said({ role: 'system', parts: [text('a')] }, { role: 'developer', parts: [text('b')] }, user(text('hi')), { role: 'system', parts: [text('c')] })
  assert.deepEqual(body['systemInstruction'], { parts: [{ text: 'a' }, { text: 'b' }] })
  assert.deepEqual((body['contents'] as JsonObject[]).map(({ role }) => role), ['user', 'user'])
  assert.match(losses[0]!.what, /mid-conversation/)
  const alone = said({ role: 'system', parts: [text('a')] })
  assert.deepEqual([alone.body, alone.losses.length], [{ contents: [{ role: 'user', parts: [{ text: 'a' }] }] }, 1])
})

const call = (id: string, name: string, more: Partial<Part> = {}): Part => ({ type: 'toolCall', id, name, arguments: '{"a":1}', ...more } as Part)

test('a result has the name of its call; ids are written where the vendor knows them', () => {
  const messages: Message[] = [
    { role: 'assistant', parts: [call('toolu_1', 'read'), call('mrcall_3', 'list'), call('c3', 'patch', { custom: true, arguments: '*** Begin' } as Partial<Part>)] },
    { role: 'tool', parts: [{ type: 'toolResult', callId: 'toolu_1', parts: [text('ok')] }, { type: 'toolResult', callId: 'mrcall_3', parts: [text('no')], isError: true }, { type: 'toolResult', callId: 'gone', parts: [] }] },
  ]
  const { body, losses } = codec.encodeRequest(asking({ messages }), second)
  assert.deepEqual(body['contents'], [
    { role: 'model', parts: [{ functionCall: { id: 'toolu_1', name: 'read', args: { a: 1 } } }, { functionCall: { name: 'list', args: { a: 1 } } }, { functionCall: { id: 'c3', name: 'patch', args: { input: '*** Begin' } } }] },
    { role: 'user', parts: [{ functionResponse: { id: 'toolu_1', name: 'read', response: { output: 'ok' } } }, { functionResponse: { name: 'list', response: { error: 'no' } } }, { functionResponse: { id: 'gone', name: 'unknown', response: {} } }] },
  ])
  assert.match(losses[0]!.what, /which tool a result is of/)
  assert.doesNotMatch(JSON.stringify(codec.encodeRequest(asking({ messages }), { ...second, proofs: 'google-vertex' }).body), /"id"/)
})

test('what a tool says is kept as it says it', () => {
  const written = (value: string): Json => ((said({ role: 'tool', parts: [{ type: 'toolResult', callId: 'c', name: 'f', parts: [text(value)] }] }).body['contents'] as JsonObject[])[0]!['parts'] as { functionResponse: JsonObject }[])[0]!.functionResponse['response']!
  assert.deepEqual(written('{"result":[1,2.5,"x"]}'), { result: [1, 2.5, 'x'] })
  // Numbers that JavaScript would change, a list, and what is no JSON.
  for (const value of ['{"id":12345678901234567890}', '{ "a": 1 }', '[1]', 'null', '{broken', '', '{}']) assert.deepEqual(written(value), { output: value })
})

test('a function’s own error is one, and whatever else it says is JSON', () => {
  const parts = ({ response }: { response: JsonObject }) => {
    const [part] = decode({ contents: [{ role: 'user', parts: [{ functionResponse: { id: 'c', name: 'f', response } }] }] }).messages[0]!.parts
    return part?.type === 'toolResult' && [part.parts, part.isError]
  }
  for (const [response, said, isError] of [[{ error: 'no' }, [text('no')], true], [{ output: 'yes' }, [text('yes')], undefined], [{}, [], undefined], [{ error: { code: 1 } }, [text('{"error":{"code":1}}')], undefined], [{ result: 'x' }, [text('{"result":"x"}')], undefined]] as [JsonObject, Part[], boolean?][]) {
    assert.deepEqual(parts({ response }), [said, isError])
  }
})

test('media in a result stand within it from Gemini 3 on, before that in a content of their own', () => {
  const message: Message = { role: 'tool', parts: [{ type: 'toolResult', callId: 'c', name: 'shot', parts: [text('done'), text('twice'), { type: 'media', kind: 'image', source: { by: 'data', base64: 'AAAA' }, mediaType: 'image/png' }] }] }
  const image = { inlineData: { mimeType: 'image/png', data: 'AAAA' } }
  const result = { id: 'c', name: 'shot', response: { output: 'done\ntwice' } }
  assert.deepEqual(codec.encodeRequest(asking({ messages: [message] }), third).body['contents'], [{ role: 'user', parts: [{ functionResponse: { ...result, parts: [image] } }] }])
  const old = codec.encodeRequest(asking({ messages: [message] }), second)
  assert.deepEqual(old.body['contents'], [{ role: 'user', parts: [{ functionResponse: result }] }, { role: 'user', parts: [image] }])
  assert.deepEqual(old.losses.map(({ what }) => what), ['the borders between texts of a tool’s result', 'that media belong to a tool’s result (sent beside it)'])
})

test('arguments that are no object never break a request', () => {
  for (const [value, args, count] of [['', {}, 0], ['  ', {}, 0], ['{"a":', { _arguments: '{"a":' }, 1], ['[1]', { _arguments: '[1]' }, 1], ['null', {}, 0], ['"x"', { _arguments: '"x"' }, 1]] as const) {
    const { body, losses } = said({ role: 'assistant', parts: [{ type: 'toolCall', id: 'c', name: 'f', arguments: value }] })
    assert.deepEqual(((body['contents'] as JsonObject[])[0]!['parts'] as JsonObject[])[0]!['functionCall'], { id: 'c', name: 'f', args })
    assert.equal(losses.length, count)
  }
})

test('media stand where they are, or are named as lost', () => {
  const media = (change: object): Part => ({ type: 'media', kind: 'image', source: { by: 'url', url: 'https://x.example/a.PNG?b=1' }, ...change } as Part)
  const { body, losses } = codec.encodeRequest(asking({ messages: [user(
    media({}), media({ source: { by: 'url', url: 'https://x.example/a' } }), media({ source: { by: 'file', id: 'files/abc' } }), media({ source: { by: 'file', id: 'file-abc' } }), media({ detail: 'auto' }), media({ detail: 'low', cites: true, context: 'c', cache: {} }),
    { type: 'media', kind: 'document', source: { by: 'text', text: 'plän' }, name: 'p.txt' }, { type: 'media', kind: 'document', source: { by: 'parts', parts: [text('inner')] } },
  )] }), second)
  const png = { fileData: { mimeType: 'image/png', fileUri: 'https://x.example/a.PNG?b=1' } }
  assert.deepEqual((body['contents'] as JsonObject[])[0]!['parts'], [
    png, { fileData: { mimeType: 'image/jpeg', fileUri: 'https://x.example/a' } }, { fileData: { fileUri: 'files/abc' } }, png, png,
    { inlineData: { mimeType: 'text/plain', data: Buffer.from('plän').toString('base64'), displayName: 'p.txt' } }, { text: 'inner' },
  ])
  assert.deepEqual(losses.map(({ what }) => what), ['a file that another vendor keeps', 'a cache mark', 'the context of a document', 'citations from a document', 'how closely an image is looked at', 'the borders of a document'])
  assert.deepEqual((codec.encodeRequest(asking({ messages: [user(media({ detail: 'original' }))] }), third).body['contents'] as JsonObject[])[0]!['parts'], [{ ...png, mediaResolution: { level: 'MEDIA_RESOLUTION_ULTRA_HIGH' } }])
})

test('thinking is asked for as the model takes it', () => {
  for (const [reasoning, kind, model, expected] of [
    [{ mode: 'on', effort: 'high' }, null, 'gemini-3-pro-preview', { thinkingLevel: 'HIGH' }], [{ mode: 'on', effort: 'high' }, null, 'gemini-flash-latest', { thinkingLevel: 'HIGH' }],
    [{ mode: 'on', effort: 'medium' }, null, 'gemini-2.5-flash', { thinkingBudget: 4096 }], [{ mode: 'on', effort: 'low' }, 'budget', 'gemini-3-pro-preview', { thinkingBudget: 1638 }],
    [{ mode: 'on', budgetTokens: 6000 }, 'effort', 'gemini-3-pro-preview', { thinkingLevel: 'HIGH' }], [{ mode: 'on', budgetTokens: 6000 }, null, 'gemini-3-pro-preview', { thinkingBudget: 6000 }],
    [{ mode: 'on', budgetTokens: 60_000 }, null, 'gemini-2.5-pro', { thinkingBudget: 32_768 }], [{ mode: 'on', effort: 'max' }, 'effort', 'x', { thinkingLevel: 'HIGH' }],
    [{ mode: 'off' }, null, 'gemini-2.5-flash', { thinkingBudget: 0 }], [{ mode: 'off' }, null, 'gemini-3.1-pro', { thinkingLevel: 'LOW' }], [{ mode: 'off' }, 'none', 'x', undefined],
    [{ mode: 'adaptive', summary: 'detailed' }, null, 'gemini-2.5-flash', { thinkingBudget: -1, includeThoughts: true }], [{ mode: 'adaptive', effort: 'low' }, 'effort', 'x', { thinkingLevel: 'LOW' }],
    [{ mode: 'on', summary: 'none' }, null, 'gemini-3-pro', { includeThoughts: false }], [{ mode: 'on' }, null, 'gemini-3-pro', undefined], [{ mode: 'on', effort: 'high' }, 'none', 'x', undefined],
  ] as const) {
    const { body, losses } = encode({ reasoning, maxOutputTokens: 8192 }, { ...third, model, reasoning: kind })
    assert.deepEqual((body['generationConfig'] as JsonObject)['thinkingConfig'], expected, JSON.stringify([reasoning, kind, model]))
    const isLess = ('effort' in reasoning && (reasoning.effort === 'max' || kind === 'none')) || ('budgetTokens' in reasoning && reasoning.budgetTokens > 32_768) || (reasoning.mode === 'off' && model === 'gemini-3.1-pro')
    assert.equal(losses.length, isLess ? 1 : 0, JSON.stringify([reasoning, kind, model]))
  }
})

test('the proof of another vendor stays here; the first call of a turn is signed for Gemini 3', () => {
  const parts: Part[] = [{ type: 'reasoning', text: 'so', proof: { by: 'anthropic', value: 'x' } }, { type: 'reasoning', proof: { by: 'anthropic', value: 'y' }, redacted: true }, call('a', 'f'), call('b', 'f')]
  const { body, losses } = said({ role: 'assistant', parts })
  const written = (body['contents'] as JsonObject[])[0]!['parts'] as JsonObject[]
  assert.deepEqual(written.map((part) => part['thoughtSignature'] ?? null), [null, noSignature, null])
  assert.deepEqual(written[0], { text: 'so', thought: true })
  assert.deepEqual(losses, [{ what: 'the proof of another vendor’s thought', kind: 'hint' }])
  assert.deepEqual(decode(body).messages[0]!.parts[1], { type: 'toolCall', id: 'a', name: 'f', arguments: '{"a":1}' })
  const own = said({ role: 'assistant', parts: [call('a', 'f', { proof: { by: 'google', value: 'c2ln' } })] })
  assert.equal(((own.body['contents'] as JsonObject[])[0]!['parts'] as JsonObject[])[0]!['thoughtSignature'], 'c2ln')
  assert.deepEqual(own.losses, [])
  assert.doesNotMatch(JSON.stringify(codec.encodeRequest(asking({ messages: [{ role: 'assistant', parts }] }), second).body), /thoughtSignature/)
})

const client = { request: asking({}), id: 'r', nowS: 0 }
const thought: Part = { type: 'reasoning', text: 'Ünd so.', proof: { by: 'anthropic', value: 'EqR+/=' }, id: 'rs_1' }
const hidden: Part = { type: 'reasoning', proof: { by: 'anthropic', value: 'hidden' }, redacted: true }
const summarised: Part = { type: 'reasoning', summary: ['one', 'two'], proof: { by: 'openai', value: 'enc' }, id: 'rs_2' }
const turn: Part[] = [thought, { type: 'text', text: 'I look.' }, hidden, summarised, { type: 'toolCall', id: 'a', name: 'f', arguments: '{}' }, { type: 'toolCall', id: 'b', name: 'f', arguments: '{}', proof: { by: 'google-vertex', value: 'v' } }]
const answered = (): JsonObject[] => ((codec.encodeAnswer({ id: 'x', model: 'm', choices: [{ index: 0, parts: structuredClone(turn), stop: 'tool_calls' }] }, client)['candidates'] as JsonObject[])[0]!['content'] as JsonObject)['parts'] as JsonObject[]

test('proofs of any vendor come back from a client of this format whole, to their own vendor', () => {
  assert.deepEqual(decode({ contents: [{ role: 'model', parts: answered() }] }).messages[0]!.parts, turn)
  for (const part of answered()) {
    const signature = part['thoughtSignature'] as string | undefined
    // Bytes of any base64, and found in a body.
    if (signature !== undefined) assert.ok(hasSeals(Buffer.from(signature)) && Buffer.from(signature, 'base64').toString('base64') === signature)
  }
})

test('clients that keep no thoughts, or keep them without a signature, send them back with the call', () => {
  const without = answered().filter((part) => part['thought'] !== true)
  assert.deepEqual(decode({ contents: [{ role: 'model', parts: without }] }).messages[0]!.parts, turn)
  const unsigned = answered().filter((part) => part['text'] !== '').map(({ thoughtSignature, ...part }) => (part['thought'] === true ? part : { ...part, ...(thoughtSignature === undefined ? {} : { thoughtSignature }) }))
  const { parts } = decode({ contents: [{ role: 'model', parts: unsigned }] }).messages[0]!
  assert.deepEqual(parts.filter(({ type }) => type === 'reasoning').map((part) => (part as { proof?: object }).proof), [thought, hidden, summarised].map((part) => (part as { proof?: object }).proof))
  // Base64 for addresses means the same, and a damaged one means nothing.
  const sealed = without.map((part) => ({ ...part, ...(part['thoughtSignature'] ? { thoughtSignature: Buffer.from(part['thoughtSignature'] as string, 'base64').toString('base64url') } : {}) }))
  assert.deepEqual(decode({ contents: [{ role: 'model', parts: sealed }] }).messages[0]!.parts, turn)
  const damaged = without.map((part) => ({ ...part, ...(part['thoughtSignature'] ? { thoughtSignature: (part['thoughtSignature'] as string).slice(0, 40) } : {}) }))
  assert.deepEqual(decode({ contents: [{ role: 'model', parts: damaged }] }).messages[0]!.parts.map(({ type }) => type), ['text', 'toolCall', 'toolCall'])
})

test('names that Google does not know are changed, and calls name their tools as the client does', () => {
  const tool = (name: string, namespace?: string) => ({ type: 'function', name, ...(namespace === undefined ? {} : { namespace }) }) as const
  const tools = [tool('read', 'a'), tool('read', 'b'), tool('9 lives!'), tool('_9_lives_'), tool('x'.repeat(150)), { type: 'custom', name: 'patch' } as const, tool('a__read')]
  const { body, losses } = encode({ tools, toolChoice: { type: 'some', names: ['9 lives!', 'read'], mode: 'required' }, messages: [{ role: 'assistant', parts: [call('c', 'read', { namespace: 'b' } as Partial<Part>)] }, { role: 'tool', parts: [{ type: 'toolResult', callId: 'c', parts: [] }] }] }, second)
  const written = ((body['tools'] as JsonObject[])[0]!['functionDeclarations'] as JsonObject[]).map(({ name }) => name as string)
  assert.deepEqual(written, ['a__read', 'b__read', '_9_lives_', '_9_lives__2', 'x'.repeat(128), 'patch', 'a__read_2'])
  assert.deepEqual((body['toolConfig'] as { functionCallingConfig: JsonObject }).functionCallingConfig['allowedFunctionNames'], ['_9_lives_', 'a__read'])
  assert.deepEqual(JSON.stringify(body['contents']).match(/"name":"[^"]*"/g), ['"name":"b__read"', '"name":"b__read"'])
  assert.deepEqual(losses, [])
  const request = asking({ tools })
  const parts = [...written, 'unknown'].map((name) => ({ functionCall: { id: 'c', name, args: { input: '*** Begin' } } }))
  const expected = [...tools.map(({ type, ...each }) => (type === 'custom' ? { ...each, custom: true, arguments: '*** Begin' } : { ...each, arguments: '{"input":"*** Begin"}' })), { name: 'unknown', arguments: '{"input":"*** Begin"}' }].map((each) => ({ type: 'toolCall', id: 'c', ...each }))
  const source = { proofs: 'google', request }
  assert.deepEqual(codec.decodeAnswer({ candidates: [{ content: { parts } }] }, source).choices[0]!.parts, expected)
  const events: ChatEvent[] = []
  const decoder = codec.decodeStream(source)
  for (const part of parts) decoder.event('', JSON.stringify({ candidates: [{ content: { parts: [part] } }] }), events)
  decoder.end(events)
  const collector = new Collector()
  for (const event of events) collector.take(event)
  assert.deepEqual(collector.answer.choices[0]!.parts, expected)
})

test('VALIDATED says more than that the model may choose, and is kept', () => {
  for (const mode of [{ mode: 'VALIDATED' }, { mode: 'VALIDATED', allowedFunctionNames: ['a'] }, { mode: 'AUTO' }, { mode: 'ANY', allowedFunctionNames: ['a'] }, { mode: 'MODE_UNSPECIFIED', streamFunctionCallArguments: true }] as JsonObject[]) {
    const body = { contents: [{ role: 'user', parts: [{ text: 'x' }] }], toolConfig: { functionCallingConfig: mode } }
    assert.deepEqual(codec.encodeRequest(decode(body), third).body, body)
  }
  assert.deepEqual(decode({ contents: [], toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } } }).toolChoice, { type: 'auto' })
})
