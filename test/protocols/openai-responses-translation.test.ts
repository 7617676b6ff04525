/** Between this format and others: what is lost and said to be, proofs on their way through a client, and the ways of vendors in streams. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatAnswer, ChatEvent, ChatRequest, JsonObject, Message, Part, StopReason } from '../../src/protocols/canonical.ts'
import { BadRequest } from '../../src/protocols/codec.ts'
import { realName, safeName } from '../../src/protocols/openai-responses/names.ts'
import { spread } from '../../src/protocols/whole.ts'
import { client, codec, collected, decoded, encoded, eventsIn, hello, source, target } from './openai-responses.fixture.ts'

const encode = (request: Partial<ChatRequest>, at = target('m')): { body: JsonObject; lost: Record<string, string> } => {
  const { body, losses } = codec.encodeRequest({ ...hello, stream: false, ...request }, at)
  return { body, lost: Object.fromEntries(losses.map(({ what, kind }) => [what, kind])) }
}
const user = (...parts: Part[]): Message[] => [{ role: 'user', parts }]
const text = (value: string): Part => ({ type: 'text', text: value })
const answerOf = (parts: Part[], stop: StopReason = 'end'): ChatAnswer => ({ id: 'msg_01', model: 'claude', choices: [{ index: 0, parts, stop }] })

test('what the API has no field for is lost by name', () => {
  const { lost } = encode({
    sampling: { topK: 5, minP: 0.1, frequencyPenalty: 1, presencePenalty: 1, repetitionPenalty: 1, seed: 7, logitBias: { 5: 1 } }, stop: ['END'], choices: 3, modalities: ['text', 'audio'], audio: { voice: 'a' }, betas: ['new-1'],
    extras: { format: 'gemini-generate', fields: { safetySettings: [] } }, toolChoice: { type: 'native', format: 'gemini-generate', value: {} }, output: { type: 'native', format: 'openai-chat', value: {} },
    tools: [{ type: 'server', format: 'anthropic-messages', value: { type: 'bash_20250124', name: 'bash' } }, { type: 'server', kind: 'web_search', format: 'anthropic-messages', value: { type: 'web_search_20250305' } }],
  })
  assert.deepEqual(lost, {
    'the field "safetySettings"': 'meaning', 'the tool "bash_20250124"': 'meaning', 'settings of the tool "web_search_20250305"': 'hint', 'the choice of a tool': 'meaning', 'the form of the output': 'meaning',
    top_k: 'meaning', min_p: 'meaning', frequency_penalty: 'meaning', presence_penalty: 'meaning', repetition_penalty: 'meaning', seed: 'meaning', logit_bias: 'meaning', 'stop sequences': 'meaning', 'more than one choice': 'meaning',
    'output of the modality "audio"': 'meaning', 'settings of spoken output': 'meaning', 'the beta feature "new-1"': 'hint',
  })
  assert.deepEqual(encode({ usageInStream: true, modalities: ['text'], choices: 1, stop: [] }).lost, {})
})

test('what stands in messages of other formats is carried as near as it can be, and lost by name', () => {
  const { body, lost } = encode({ messages: [
    ...user({ type: 'text', text: 'a', cache: { ttl: '5m' } }, { type: 'media', kind: 'audio', source: { by: 'data', base64: 'AA' } }, { type: 'media', kind: 'video', source: { by: 'url', url: 'https://a' } }),
    ...user({ type: 'media', kind: 'document', source: { by: 'text', text: 'Once.' }, name: 'Tale', context: 'old', cites: true }, { type: 'media', kind: 'document', source: { by: 'data', base64: 'AA' }, mediaType: 'application/pdf', context: 'new' }),
    { role: 'assistant', name: 'bob', parts: [{ type: 'native', format: 'anthropic-messages', value: { type: 'server_tool_use' } }, { type: 'toolCall', id: 'c', name: 'f', arguments: '', proof: { by: 'google', value: 'x' } }] },
    { role: 'tool', parts: [{ type: 'toolResult', callId: 'c', isError: true, parts: [] }] },
  ] })
  assert.deepEqual(lost, {
    'cache mark': 'hint', audio: 'meaning', video: 'meaning', 'citations of a document': 'hint', 'that a text is a document': 'hint', 'context of a document': 'meaning', 'the name of a speaker': 'hint',
    'a part of the type "server_tool_use"': 'meaning', 'proof of a call': 'hint', 'that a result is an error': 'hint',
  })
  assert.deepEqual(body['input'], [
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'a' }] },
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Tale\nold' }, { type: 'input_text', text: 'Once.' }, { type: 'input_file', file_data: 'data:application/pdf;base64,AA', filename: 'document.pdf' }] },
    { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }, { type: 'function_call_output', call_id: 'c', output: '' },
  ])
})

test('system texts: one at the front is instructions, several texts or later ones are items', () => {
  const system = (...values: string[]): Message => ({ role: 'system', parts: values.map(text) })
  assert.deepEqual(encode({ messages: [system('a'), ...user(text('hi'))] }).body['instructions'], 'a')
  const { body } = encode({ messages: [system('a', 'b'), ...user(text('hi')), system('c')] })
  assert.equal(body['instructions'], undefined)
  assert.deepEqual((body['input'] as JsonObject[]).map(({ role }) => role), ['system', 'user', 'system'])
  const read = codec.decodeRequest({ model: 'm', instructions: 'a', input: [{ role: 'developer', content: 'b' }, { role: 'system', content: 'c' }] }, {}).messages
  assert.deepEqual(read.map(({ role }) => role), ['system', 'developer', 'system'])
})

test('a function is not strict unless it says so, since leaving it out would make it so', () => {
  const { body } = encode({ tools: [{ type: 'function', name: 'f' }] })
  assert.deepEqual(body['tools'], [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }])
})

test('thinking is asked for by effort, whatever it was asked for by', () => {
  const effort = (reasoning: ChatRequest['reasoning'], limit?: number): unknown => encode({ ...(reasoning && { reasoning }), ...(limit !== undefined && { maxOutputTokens: limit }) }).body['reasoning']
  assert.deepEqual(effort({ mode: 'on', budgetTokens: 30_000 }, 32_000), { effort: 'high' })
  assert.deepEqual(effort({ mode: 'on' }), { effort: 'medium' })
  assert.deepEqual(effort({ mode: 'off' }), { effort: 'none' })
  assert.equal(effort({ mode: 'adaptive' }), undefined)
  const { body, lost } = encode({ reasoning: { mode: 'on', effort: 'high' } }, { ...target('m'), reasoning: 'none' })
  assert.equal(body['reasoning'], undefined)
  assert.deepEqual(lost, { reasoning: 'hint' })
})

test('names and ids of other formats are made to fit, and come back', () => {
  for (const name of ['get_weather', 'a.b', 'a.b:c/d é', 'a_x2e_b', 'foo_x2e.', '_x_', '日本', '🙂', 'a._x2e_', '']) {
    assert.match(safeName(name), /^[a-zA-Z0-9_-]*$/)
    assert.equal(realName(safeName(name)), name)
  }
  const id = `toolu_${'x'.repeat(90)}`
  const { body, lost } = encode({ endUser: 'u'.repeat(99), tools: [{ type: 'function', name: 'a.b' }], toolChoice: { type: 'tool', name: 'a.b' }, messages: [
    { role: 'assistant', parts: [{ type: 'toolCall', id, name: 'a.b', arguments: '{}', itemId: 'item_1' }, { type: 'text', text: 't', id: 'not-ours' }] }, { role: 'tool', parts: [{ type: 'toolResult', callId: id, parts: [text('r')] }] },
  ] })
  const [call, said, result] = body['input'] as JsonObject[]
  assert.equal(call!['call_id'], result!['call_id'])
  assert.ok(String(call!['call_id']).length <= 64 && String(body['safety_identifier']).length <= 64)
  assert.deepEqual([call!['name'], call!['id'], said!['id'], (body['tool_choice'] as JsonObject)['name']], ['a_x2e_b', undefined, undefined, 'a_x2e_b'])
  assert.deepEqual(lost, { 'the id of an item': 'hint', 'the name of the end user, which is shortened': 'hint' })
  const called = codec.decodeAnswer({ id: 'r', model: 'm', status: 'completed', output: [{ type: 'function_call', id: 'fc_1', call_id: 'c', name: 'a_x2e_b', arguments: '{}' }] }, source).choices[0]!.parts[0]
  assert.equal(called?.type === 'toolCall' && called.name, 'a.b')
})

const thoughts: Part[] = [
  { type: 'reasoning', text: 'Let me think.', proof: { by: 'anthropic', value: 'sig==' } }, { type: 'reasoning', redacted: true, proof: { by: 'anthropic', value: 'hidden' } }, { type: 'reasoning', text: 'Unsigned.' },
  { type: 'reasoning', summary: ['Short.'], text: 'Long.', proof: { by: 'google', value: 'g' } }, { type: 'text', text: 'So.', proof: { by: 'google', value: 'h' } },
  { type: 'reasoning', text: 'Of OpenAI, by way of another format.', proof: { by: 'openai', value: 'loose' } }, { type: 'toolCall', id: 'call_1', name: 'f', arguments: '{}', proof: { by: 'google', value: 'i' } },
]

/** As the parts are, without the ids that items were given. */
const plain = (parts: readonly Part[]): Part[] => parts.map((part) => {
  const copy: Record<string, unknown> = { ...part }
  delete copy['id']
  delete copy['itemId']
  return { ...copy, ...(part.type === 'toolCall' && { id: part.id }) } as Part
})
const sentBack = (items: JsonObject[]): Part[] => plain(codec.decodeRequest({ model: 'm', input: items }, {}).messages[0]!.parts)
/** What Codex sends of an item of reasoning. */
const asCodex = (items: JsonObject[]): JsonObject[] => items.map((item) => Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'id' && key !== 'status' && !(item['type'] === 'reasoning' && key === 'content'))))

test('what other vendors thought and proved comes back whole from a client, also from one that keeps summaries and encrypted content alone', () => {
  const { output } = codec.encodeAnswer(answerOf(thoughts, 'tool_calls'), client()) as { output: JsonObject[] }
  assert.deepEqual(sentBack(output), plain(thoughts))
  // The words of a thought that has a summary besides are nowhere else.
  const { text: _, ...short } = thoughts[3] as Extract<Part, { type: 'reasoning' }>
  assert.deepEqual(sentBack(asCodex(output)), plain([...thoughts.slice(0, 3), short, ...thoughts.slice(4)]))
  const streamed = eventsIn(encoded(spread(answerOf(thoughts, 'tool_calls')))).map(({ data }) => JSON.parse(data) as { type: string; item?: JsonObject }).filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item!)
  assert.deepEqual(sentBack(streamed), plain(thoughts))
  const ids = output.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
})

test('the vendor gets back what it proved itself, with the id that it is bound to, and nothing of others', () => {
  const own: Part = { type: 'reasoning', text: 'ours', proof: { by: 'openai', value: 'rs_9 gAAAA' } }
  const { body, lost } = encode({ messages: [...user(text('hi')), { role: 'assistant', parts: [...thoughts, own] }] })
  assert.deepEqual((body['input'] as JsonObject[]).filter(({ type }) => type === 'reasoning'), [{ type: 'reasoning', summary: [], encrypted_content: 'loose' }, { type: 'reasoning', id: 'rs_9', summary: [], encrypted_content: 'gAAAA' }])
  assert.equal(lost['reasoning of another vendor'], 'hint')
  assert.ok(!JSON.stringify(body).includes('mrproof_'))
  // A client whose format has no ids keeps the proof alone.
  const answer = codec.decodeAnswer({ id: 'r', model: 'm', status: 'completed', output: [{ type: 'reasoning', id: 'rs_9', summary: [], encrypted_content: 'gAAAA' }] }, source)
  assert.deepEqual(answer.choices[0]!.parts, [{ type: 'reasoning', id: 'rs_9', proof: { by: 'openai', value: 'rs_9 gAAAA' } }])
  const xai = encode({ messages: [{ role: 'assistant', parts: [own] }] }, { ...target('m'), proofs: 'xai' })
  assert.equal(xai.body['input'], undefined)
})

test('each reason of a stop becomes a status', () => {
  const status = (stop: StopReason | undefined, nativeStop?: string, parts: Part[] = [text('a')]): unknown => {
    const { status: its, incomplete_details: details } = codec.encodeAnswer({ ...answerOf(parts), choices: [{ index: 0, parts, ...(stop && { stop }), ...(nativeStop !== undefined && { nativeStop }) }] }, client()) as { status: string; incomplete_details: JsonObject | null }
    return details ? `${its} ${String(details['reason'])}` : its
  }
  for (const stop of ['end', 'tool_calls', 'stop_sequence'] as const) assert.equal(status(stop), 'completed')
  for (const stop of ['length', 'context_window', 'pause'] as const) assert.equal(status(stop), 'incomplete max_output_tokens')
  for (const stop of ['content_filter', 'refusal'] as const) assert.equal(status(stop), 'incomplete content_filter')
  assert.equal(status('refusal', undefined, [{ type: 'refusal', text: 'No.' }]), 'completed')
  assert.equal(status('other', 'RECITATION'), 'incomplete')
  assert.equal(status('other', 'steered'), 'incomplete steered')
  assert.equal(status(undefined), 'in_progress')
})

test('an answer repeats what its request asked for', () => {
  const body = { model: 'm', instructions: 'Be kind.', input: 'hi', temperature: 0.5, tools: [{ type: 'function', name: 'f', parameters: { type: 'object' }, strict: true }], tool_choice: 'required', metadata: { a: 'b' }, text: { verbosity: 'low' }, truncation: 'auto', reasoning: { effort: 'low' }, max_output_tokens: 99 }
  const answer = codec.encodeAnswer(answerOf([text('a')]), client(codec.decodeRequest(body, {})))
  for (const key of ['instructions', 'temperature', 'tools', 'tool_choice', 'metadata', 'truncation', 'max_output_tokens'] as const) assert.deepEqual(answer[key], body[key], key)
  assert.deepEqual(answer['text'], { format: { type: 'text' }, verbosity: 'low' })
  assert.deepEqual(answer['reasoning'], { effort: 'low', summary: null })
  for (const key of ['error', 'incomplete_details', 'previous_response_id', 'prompt_cache_key']) assert.equal(answer[key], null, key)
})

const wire = (...events: JsonObject[]): { name: string; data: string }[] => events.map((event) => ({ name: String(event['type']), data: JSON.stringify(event) }))
const partsOf = (events: readonly ChatEvent[]): Part[] => collected(events).answer.choices[0]?.parts ?? []
const message = (index: number, id: string, value: string): JsonObject => ({ type: 'response.output_item.done', output_index: index, item: { type: 'message', id, role: 'assistant', content: [{ type: 'output_text', text: value, annotations: [] }] } })

test('items told across each other are told one after the other', () => {
  const events = decoded(wire(
    { type: 'response.created', response: { id: 'r', model: 'm' } },
    { type: 'response.output_item.added', output_index: 0, item: { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '' } },
    { type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', id: 'fc_2', call_id: 'c2', name: 'g', arguments: '' } },
    { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'fc_2', delta: '{"b":' }, { type: 'response.function_call_arguments.delta', output_index: 0, item_id: 'fc_1', delta: '{"a":1}' },
    { type: 'response.function_call_arguments.delta', output_index: 1, item_id: 'fc_2', delta: '2}' }, { type: 'response.output_item.done', output_index: 0, item: { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{"a":1}' } },
    { type: 'response.completed', response: { id: 'r', output: [] } },
  ))
  assert.deepEqual(events.map(({ type }) => type), ['start', 'part', 'delta', 'partEnd', 'part', 'delta', 'delta', 'partEnd', 'stop', 'end'])
  assert.deepEqual(partsOf(events).map((part) => part.type === 'toolCall' && `${part.id} ${part.name} ${part.arguments}`), ['c1 f {"a":1}', 'c2 g {"b":2}'])
})

test('vendors that leave out announcements, deltas or ends are understood all the same', () => {
  const completed = (output: JsonObject[]): JsonObject => ({ type: 'response.completed', response: { id: 'r', model: 'm', output } })
  const item = message(0, 'msg_1', 'Hello')['item'] as JsonObject
  const said = [{ type: 'text', text: 'Hello', id: 'msg_1' }]
  assert.deepEqual(partsOf(decoded(wire(completed([item])))), said, 'only an end')
  assert.deepEqual(partsOf(decoded(wire(message(0, 'msg_1', 'Hello'), completed([])))), said, 'no deltas')
  assert.deepEqual(partsOf(decoded(wire({ type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: 'msg_1', delta: 'Hel' }, { type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: 'msg_1', delta: 'lo' }, completed([item])))), said, 'no announcement')
  assert.deepEqual(partsOf(decoded(wire({ type: 'response.output_text.delta', output_index: 0, item_id: 'msg_1', delta: 'Hel' }, message(0, 'msg_1', 'Hello')))), said, 'cut deltas')
  const call = decoded(wire({ type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a"' }, { type: 'response.output_item.done', output_index: 0, item: { type: 'function_call', call_id: 'c', id: 'fc', name: 'f', arguments: '{"a":1}' } }))
  assert.deepEqual(partsOf(call), [{ type: 'toolCall', id: 'c', name: 'f', arguments: '{"a":1}', itemId: 'fc' }])
  const cut = collected(decoded(wire({ type: 'response.output_text.delta', output_index: 0, item_id: 'msg_1', delta: 'Hel' })))
  assert.deepEqual([cut.isOver, cut.answer.choices[0]?.stop], [false, undefined])
  assert.ok(collected(decoded([...wire(message(0, 'm', 'a')), { name: '', data: '[DONE]' }])).isOver)
})

test("calls of xAI's own tools are not for the client to run", () => {
  const item = { type: 'custom_tool_call', id: 'ctc_1', call_id: 'xs_call_1', name: 'x_keyword_search', input: '{}', status: 'completed' }
  const answer = collected(decoded(wire({ type: 'response.output_item.added', output_index: 0, item: { ...item, input: '' } }, { type: 'response.output_item.done', output_index: 0, item }, message(1, 'msg_1', 'Found.'), { type: 'response.completed', response: {} }))).answer
  assert.deepEqual(answer.choices[0]!.parts.map(({ type }) => type), ['native', 'text'])
  assert.equal(answer.choices[0]!.stop, 'end')
})

test('an error is told once, with the status that its code means, and ends a stream', () => {
  const failed = { type: 'response.failed', response: { id: 'r', status: 'failed', error: { code: 'insufficient_quota', message: 'No money.' } } }
  for (const events of [wire({ type: 'error', error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'No money.' } }, failed), wire({ type: 'error', code: 'insufficient_quota', message: 'No money.', param: null }, failed), wire(failed)]) {
    const told = decoded(events)
    assert.deepEqual(told.filter(({ type }) => type === 'error').map((event) => event.type === 'error' && [event.error.status, event.error.code, event.error.message]), [[429, 'insufficient_quota', 'No money.']])
    assert.equal(collected(told).answer.choices[0]?.stop, undefined)
  }
  const bytes = encoded([{ type: 'start', id: 'r', model: 'm' }, { type: 'part', choice: 0, part: { type: 'text', text: '' } }, { type: 'delta', choice: 0, text: 'a' }, { type: 'error', error: { status: 529, code: null, kind: 'overloaded_error', message: 'Busy.' } }, { type: 'end' }])
  const last = eventsIn(bytes).slice(-2).map(({ data }) => JSON.parse(data) as { type: string; code?: string; response?: { status: string; error: JsonObject } })
  assert.deepEqual([last[0]!.type, last[0]!.code, last[1]!.type, last[1]!.response!.status], ['error', 'server_is_overloaded', 'response.failed', 'failed'])
  assert.deepEqual(last[1]!.response!.error, { code: 'server_is_overloaded', message: 'Busy.' })
})

test('a stream has the whole grammar: numbers run, every item and content is announced and ended under its id', () => {
  const parts: Part[] = [{ type: 'reasoning', text: 'Hm.' }, text('One.'), text('Two.'), { type: 'refusal', text: 'No.' }, { type: 'toolCall', id: 'c1', name: 'f', arguments: '{}' }, { type: 'toolCall', id: 'c2', name: 'g', arguments: 'x', custom: true }, { type: 'media', kind: 'image', source: { by: 'data', base64: 'AAAA' }, mediaType: 'image/png' }]
  const events = eventsIn(encoded(spread(answerOf(parts, 'tool_calls')))).map(({ name, data }) => ({ ...(JSON.parse(data) as { type: string; sequence_number: number; output_index?: number; response?: { output: JsonObject[] } }), named: name }))
  assert.deepEqual(events.map(({ sequence_number: number }) => number), events.map((_, index) => index))
  assert.ok(events.every(({ named, type }) => named === type))
  const types = (index: number): string[] => events.filter(({ output_index: its }) => its === index).map(({ type }) => type.replace('response.', ''))
  assert.deepEqual(types(0), ['output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done'])
  const content = (kind: string): string[] => ['content_part.added', `${kind}.delta`, `${kind}.done`, 'content_part.done']
  assert.deepEqual(types(1), ['output_item.added', ...content('output_text'), ...content('output_text'), ...content('refusal'), 'output_item.done'])
  assert.deepEqual(types(2), ['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done'])
  assert.deepEqual(types(3), ['output_item.added', 'custom_tool_call_input.delta', 'custom_tool_call_input.done', 'output_item.done'])
  assert.deepEqual(types(4), ['output_item.added', 'output_item.done'])
  assert.deepEqual(events.at(-1)!.response!.output.map(({ type }) => type), ['reasoning', 'message', 'function_call', 'custom_tool_call', 'image_generation_call'])
  assert.deepEqual(events.slice(0, 2).map(({ type }) => type), ['response.created', 'response.in_progress'])
})

test('a request that means nothing is refused in words that say what to do', () => {
  const refused: [JsonObject, RegExp, string][] = [
    [{ input: 7 }, /"input" must be a text or a list/, 'input'], [{ input: [7] }, /must be an object/, 'input[0]'], [{ input: [{ role: 'tool', content: 'a' }] }, /Use "user", "assistant"/, 'input[0].role'], [{ input: [{ role: 'user' }] }, /content of a message/, 'input[0].content'],
    [{ input: [{ type: 'function_call_output', call_id: 'c', output: 5 }] }, /output of a call/, 'input[0].output'], [{ instructions: [] }, /"instructions" must be a text/, 'instructions'], [{ tools: {} }, /list of tools/, 'tools'], [{ tools: [null] }, /must be an object/, 'tools[0]'],
    [{ tool_choice: 'some' }, /"none", "auto", "required"/, 'tool_choice'], [{ temperature: 'hot' }, /of the type number/, 'temperature'], [{ text: 'json' }, /of the type object/, 'text'],
  ]
  for (const [body, words, param] of refused) {
    assert.throws(() => codec.decodeRequest({ model: 'm', ...body }, {}), (thrown) => thrown instanceof BadRequest && words.test(thrown.message) && thrown.param === param, JSON.stringify(body))
  }
})
