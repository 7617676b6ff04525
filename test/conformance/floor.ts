/** The floor of translation: requests by hand in every inbound form, with what each must bring to a vendor of each format, and where it has to stand there. */
import type { Json, JsonObject } from '../../src/protocols/canonical.ts'

export const features = ['system', 'turns', 'image', 'tools', 'parallel calls', 'results', 'schema', 'stop', 'temperature', 'top_p', 'limit', 'effort'] as const
export type Feature = (typeof features)[number]
/** What one request says: not all go together at every vendor. */
export type Case = 'conversation' | 'schema' | 'settings' | 'top_p' | 'effort'
export const caseOf: Readonly<Record<Feature, Case>> = {
  system: 'conversation', turns: 'conversation', image: 'conversation', tools: 'conversation', 'parallel calls': 'conversation', results: 'conversation',
  schema: 'schema', stop: 'settings', temperature: 'settings', limit: 'settings', top_p: 'top_p', effort: 'effort',
}

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'
const parameters = { type: 'object', properties: { city: { type: 'string', description: 'name of it' } }, required: ['city'], additionalProperties: false }
const verdict = { type: 'object', properties: { verdict: { type: 'string' } }, required: ['verdict'], additionalProperties: false }
const names = ['get_weather', 'get_time']
const texts = ['What is on it?', 'A white dot.', 'And the weather there?']
const cities = ['Oslo', 'Bergen']
const results = ['rain in Oslo', 'noon in Bergen']

const chatUser = { role: 'user', content: 'Say hello.' }
const chat: Record<Case, JsonObject> = {
  conversation: {
    messages: [
      { role: 'system', content: 'Be very brief.' }, { role: 'user', content: [{ type: 'text', text: texts[0]! }, { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }] },
      { role: 'assistant', content: texts[1]! }, { role: 'user', content: texts[2]! },
      { role: 'assistant', content: null, tool_calls: cities.map((city, i) => ({ id: `call_${i}`, type: 'function', function: { name: names[i]!, arguments: JSON.stringify({ city }) } })) },
      ...results.map((content, i) => ({ role: 'tool', tool_call_id: `call_${i}`, content })),
    ],
    tools: names.map((name) => ({ type: 'function', function: { name, description: 'looks it up', parameters } })),
  },
  schema: { messages: [chatUser], response_format: { type: 'json_schema', json_schema: { name: 'verdict', schema: verdict, strict: true } } },
  settings: { messages: [chatUser], stop: ['STOP-HERE'], temperature: 0.25, max_completion_tokens: 777 },
  top_p: { messages: [chatUser], top_p: 0.75 },
  effort: { messages: [chatUser], reasoning_effort: 'low', max_completion_tokens: 9000 },
}

const responses: Record<Case, JsonObject> = {
  conversation: {
    instructions: 'Be very brief.',
    input: [
      { role: 'user', content: [{ type: 'input_text', text: texts[0]! }, { type: 'input_image', image_url: `data:image/png;base64,${png}`, detail: 'auto' }] },
      { role: 'assistant', content: texts[1]! }, { role: 'user', content: texts[2]! },
      ...cities.map((city, i) => ({ type: 'function_call', call_id: `call_${i}`, name: names[i]!, arguments: JSON.stringify({ city }) })),
      ...results.map((output, i) => ({ type: 'function_call_output', call_id: `call_${i}`, output })),
    ],
    tools: names.map((name) => ({ type: 'function', name, description: 'looks it up', parameters, strict: false })),
  },
  schema: { input: 'Say hello.', text: { format: { type: 'json_schema', name: 'verdict', schema: verdict, strict: true } } },
  // The format has no stop sequences.
  settings: { input: 'Say hello.', temperature: 0.25, max_output_tokens: 777 },
  top_p: { input: 'Say hello.', top_p: 0.75 },
  effort: { input: 'Say hello.', reasoning: { effort: 'low' }, max_output_tokens: 9000 },
}

const hello = [{ role: 'user', content: 'Say hello.' }]
const messages: Record<Case, JsonObject> = {
  conversation: {
    max_tokens: 500, system: 'Be very brief.',
    messages: [
      { role: 'user', content: [{ type: 'text', text: texts[0]! }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }] },
      { role: 'assistant', content: texts[1]! }, { role: 'user', content: texts[2]! },
      { role: 'assistant', content: cities.map((city, i) => ({ type: 'tool_use', id: `call_${i}`, name: names[i]!, input: { city } })) },
      { role: 'user', content: results.map((content, i) => ({ type: 'tool_result', tool_use_id: `call_${i}`, content })) },
    ],
    tools: names.map((name) => ({ name, description: 'looks it up', input_schema: parameters })),
  },
  schema: { max_tokens: 500, messages: hello, output_config: { format: { type: 'json_schema', schema: verdict } } },
  settings: { max_tokens: 777, messages: hello, stop_sequences: ['STOP-HERE'], temperature: 0.25 },
  top_p: { max_tokens: 500, messages: hello, top_p: 0.75 },
  effort: { max_tokens: 9000, messages: hello, thinking: { type: 'enabled', budget_tokens: 2000 } },
}

const contents = [{ role: 'user', parts: [{ text: 'Say hello.' }] }]
const gemini: Record<Case, JsonObject> = {
  conversation: {
    systemInstruction: { parts: [{ text: 'Be very brief.' }] },
    contents: [
      { role: 'user', parts: [{ text: texts[0]! }, { inlineData: { mimeType: 'image/png', data: png } }] },
      { role: 'model', parts: [{ text: texts[1]! }] }, { role: 'user', parts: [{ text: texts[2]! }] },
      { role: 'model', parts: cities.map((city, i) => ({ functionCall: { id: `call_${i}`, name: names[i]!, args: { city } } })) },
      { role: 'user', parts: results.map((result, i) => ({ functionResponse: { id: `call_${i}`, name: names[i]!, response: { result } } })) },
    ],
    tools: [{ functionDeclarations: names.map((name) => ({ name, description: 'looks it up', parametersJsonSchema: parameters })) }],
  },
  schema: { contents, generationConfig: { responseMimeType: 'application/json', responseJsonSchema: verdict } },
  settings: { contents, generationConfig: { stopSequences: ['STOP-HERE'], temperature: 0.25, maxOutputTokens: 777 } },
  top_p: { contents, generationConfig: { topP: 0.75 } },
  effort: { contents, generationConfig: { thinkingConfig: { thinkingBudget: 2000 }, maxOutputTokens: 9000 } },
}

const converseHello = [{ role: 'user', content: [{ text: 'Say hello.' }] }]
const converse: Record<Case, JsonObject> = {
  conversation: {
    system: [{ text: 'Be very brief.' }],
    messages: [
      { role: 'user', content: [{ text: texts[0]! }, { image: { format: 'png', source: { bytes: png } } }] },
      { role: 'assistant', content: [{ text: texts[1]! }] }, { role: 'user', content: [{ text: texts[2]! }] },
      { role: 'assistant', content: cities.map((city, i) => ({ toolUse: { toolUseId: `call_${i}`, name: names[i]!, input: { city } } })) },
      { role: 'user', content: results.map((text, i) => ({ toolResult: { toolUseId: `call_${i}`, content: [{ text }] } })) },
    ],
    toolConfig: { tools: names.map((name) => ({ toolSpec: { name, description: 'looks it up', inputSchema: { json: parameters } } })) },
  },
  schema: { messages: converseHello, outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: JSON.stringify(verdict), name: 'verdict' } } } } },
  settings: { messages: converseHello, inferenceConfig: { stopSequences: ['STOP-HERE'], temperature: 0.25, maxTokens: 777 } },
  top_p: { messages: converseHello, inferenceConfig: { topP: 0.75 } },
  effort: { messages: converseHello, inferenceConfig: { maxTokens: 9000 }, additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 2000 } } },
}

const cohere: Record<Case, JsonObject> = {
  conversation: chat.conversation,
  schema: { messages: hello, response_format: { type: 'json_object', json_schema: verdict } },
  settings: { messages: hello, stop_sequences: ['STOP-HERE'], temperature: 0.25, max_tokens: 777 },
  top_p: { messages: hello, p: 0.75 },
  effort: { messages: hello, thinking: { type: 'enabled', token_budget: 2000 }, max_tokens: 9000 },
}

const ollama: Record<Case, JsonObject> = {
  conversation: {
    messages: [
      { role: 'system', content: 'Be very brief.' }, { role: 'user', content: texts[0]!, images: [png] }, { role: 'assistant', content: texts[1]! }, { role: 'user', content: texts[2]! },
      { role: 'assistant', content: '', tool_calls: cities.map((city, i) => ({ function: { name: names[i]!, arguments: { city } } })) },
      ...results.map((content, i) => ({ role: 'tool', tool_name: names[i]!, content })),
    ],
    tools: chat.conversation['tools']!,
  },
  schema: { messages: hello, format: verdict },
  settings: { messages: hello, options: { stop: ['STOP-HERE'], temperature: 0.25, num_predict: 777 } },
  top_p: { messages: hello, options: { top_p: 0.75 } },
  effort: { messages: hello, think: 'low', options: { num_predict: 9000 } },
}

export const asked: Readonly<Record<string, Record<Case, JsonObject>>> = {
  'openai-chat': chat, 'openai-responses': responses, 'anthropic-messages': messages, 'gemini-generate': gemini, 'bedrock-converse': converse, 'cohere-chat': cohere,
  'bedrock-invoke': Object.fromEntries(Object.entries(messages).map(([key, body]) => [key, { anthropic_version: 'bedrock-2023-05-31', ...body }])) as unknown as Record<Case, JsonObject>, 'ollama-chat': ollama,
}

/** What is told and not asked, and why: most models refuse to think, and a budget, which tools send to any model, asks none that is not known to. */
export const untold: Readonly<Record<string, Partial<Record<Feature, RegExp>>>> = { 'ollama-chat': { effort: /budget of reasoning/ } }

/** What an inbound form has no member for. */
export const unasked: Readonly<Record<string, readonly Feature[]>> = { 'openai-responses': ['stop'] }

/** Values at a path; `*` is every element, `**` everything below. */
export function at(value: Json | undefined, path: string): Json[] {
  if (path === '') return value === undefined ? [] : [value]
  const [step, ...rest] = path.split('.')
  if (typeof value !== 'object' || value === null) return []
  if (step === '*') return Object.values(value).flatMap((each) => at(each, rest.join('.')))
  return at((value as JsonObject)[step!], rest.join('.'))
}

const one = (path: string, expected: Json | RegExp) => (body: JsonObject): boolean => at(body, path).some((value) => (expected instanceof RegExp ? expected.test(typeof value === 'string' ? value : JSON.stringify(value)) : value === expected))
const all = (path: string, expected: readonly Json[]) => (body: JsonObject): boolean => JSON.stringify(at(body, path)) === JSON.stringify(expected)
const inOrder = (path: string, found: readonly string[]) => (body: JsonObject): boolean => {
  const text = JSON.stringify(at(body, path))
  return found.every((each, index) => index === 0 ? text.includes(each) : text.indexOf(each) > text.indexOf(found[index - 1]!))
}
const both = (...checks: ((body: JsonObject) => boolean)[]) => (body: JsonObject): boolean => checks.every((check) => check(body))
const either = (...checks: ((body: JsonObject) => boolean)[]) => (body: JsonObject): boolean => checks.some((check) => check(body))
const objects = cities.map((city) => ({ city }))
const strings = objects.map((each) => JSON.stringify(each))

type Checks = Readonly<Record<Feature, ((body: JsonObject) => boolean) | string>>

const inMessages: Checks = {
  system: one('system', /Be very brief\./), turns: inOrder('messages', texts), image: one('messages.*.content.*.source.data', png),
  tools: both(all('tools.*.name', names), one('tools.0.input_schema.properties.city.type', 'string')), 'parallel calls': all('messages.*.content.*.input', objects),
  results: both(inOrder('messages', results), (body) => at(body, 'messages.*.content.*.tool_use_id').length === 2),
  schema: one('output_config.format.schema.properties.verdict.type', 'string'),
  stop: one('stop_sequences.*', 'STOP-HERE'), temperature: one('temperature', 0.25), top_p: one('top_p', 0.75), limit: one('max_tokens', 777), effort: either(one('thinking.type', /enabled|adaptive/), one('output_config.effort', 'low')),
}

/** Where each thing has to stand; a text is why the vendor cannot be told. */
export const carried: Readonly<Record<string, Checks>> = {
  'openai-chat': {
    system: one('messages.0.content', 'Be very brief.'), turns: inOrder('messages', texts), image: one('messages.*.content.*.image_url.url', `data:image/png;base64,${png}`),
    tools: both(all('tools.*.function.name', names), one('tools.0.function.parameters.properties.city.type', 'string')), 'parallel calls': all('messages.*.tool_calls.*.function.arguments', strings),
    results: both(inOrder('messages', results), (body) => at(body, 'messages.*.tool_call_id').length === 2), schema: one('response_format.json_schema.schema.properties.verdict.type', 'string'),
    stop: either(one('stop.*', 'STOP-HERE'), one('stop', 'STOP-HERE')), temperature: one('temperature', 0.25), top_p: one('top_p', 0.75), limit: either(one('max_completion_tokens', 777), one('max_tokens', 777)), effort: one('reasoning_effort', 'low'),
  },
  'openai-responses': {
    system: either(one('instructions', 'Be very brief.'), one('input.0.content', /Be very brief\./)), turns: inOrder('input', texts), image: one('input.*.content.*.image_url', `data:image/png;base64,${png}`),
    tools: both(all('tools.*.name', names), one('tools.0.parameters.properties.city.type', 'string')), 'parallel calls': all('input.*.arguments', strings),
    results: inOrder('input.*.output', results), schema: one('text.format.schema.properties.verdict.type', 'string'),
    stop: 'the format has no stop sequences', temperature: one('temperature', 0.25), top_p: one('top_p', 0.75), limit: one('max_output_tokens', 777), effort: one('reasoning.effort', 'low'),
  },
  'anthropic-messages': inMessages, 'bedrock-invoke': inMessages,
  'gemini-generate': {
    system: one('systemInstruction.parts.0.text', 'Be very brief.'), turns: inOrder('contents', texts), image: one('contents.*.parts.*.inlineData.data', png),
    tools: both(all('tools.*.functionDeclarations.*.name', names), either(one('tools.*.functionDeclarations.*.parametersJsonSchema.properties.city.type', 'string'), one('tools.*.functionDeclarations.*.parameters.properties.city.type', /string/i))),
    'parallel calls': all('contents.*.parts.*.functionCall.args', objects), results: both(inOrder('contents', results), all('contents.*.parts.*.functionResponse.name', names)),
    schema: either(one('generationConfig.responseJsonSchema.properties.verdict.type', 'string'), one('generationConfig.responseSchema.properties.verdict.type', /string/i)),
    stop: one('generationConfig.stopSequences.*', 'STOP-HERE'), temperature: one('generationConfig.temperature', 0.25), top_p: one('generationConfig.topP', 0.75), limit: one('generationConfig.maxOutputTokens', 777),
    effort: one('generationConfig.thinkingConfig', /"thinkingBudget":[1-9]|"thinkingLevel":"low"/i),
  },
  'bedrock-converse': {
    system: one('system.*.text', 'Be very brief.'), turns: inOrder('messages', texts), image: one('messages.*.content.*.image.source.bytes', png),
    tools: both(all('toolConfig.tools.*.toolSpec.name', names), one('toolConfig.tools.*.toolSpec.inputSchema.json.properties.city.type', 'string')), 'parallel calls': all('messages.*.content.*.toolUse.input', objects),
    results: both(inOrder('messages', results), (body) => at(body, 'messages.*.content.*.toolResult.toolUseId').length === 2), schema: inOrder('', ['verdict']),
    stop: one('inferenceConfig.stopSequences.*', 'STOP-HERE'), temperature: one('inferenceConfig.temperature', 0.25), top_p: one('inferenceConfig.topP', 0.75), limit: one('inferenceConfig.maxTokens', 777),
    effort: one('additionalModelRequestFields', /"thinking":\{"type":"(enabled|adaptive)"|effort/),
  },
  'cohere-chat': {
    system: one('messages.0.content', /Be very brief\./), turns: inOrder('messages', texts), image: one('messages.*.content.*.image_url.url', `data:image/png;base64,${png}`),
    tools: both(all('tools.*.function.name', names), one('tools.0.function.parameters.properties.city.type', 'string')), 'parallel calls': all('messages.*.tool_calls.*.function.arguments', strings),
    results: both(inOrder('messages', results), (body) => at(body, 'messages.*.tool_call_id').length === 2), schema: either(one('response_format.json_schema.properties.verdict.type', 'string'), one('response_format.schema.properties.verdict.type', 'string')),
    stop: one('stop_sequences.*', 'STOP-HERE'), temperature: one('temperature', 0.25), top_p: one('p', 0.75), limit: one('max_tokens', 777), effort: one('thinking.type', 'enabled'),
  },
  'ollama-chat': {
    system: one('messages.0.content', 'Be very brief.'), turns: inOrder('messages', texts), image: one('messages.*.images.*', png),
    tools: both(all('tools.*.function.name', names), one('tools.0.function.parameters.properties.city.type', 'string')), 'parallel calls': all('messages.*.tool_calls.*.function.arguments', objects),
    results: inOrder('messages', results), schema: one('format.properties.verdict.type', 'string'),
    stop: one('options.stop.*', 'STOP-HERE'), temperature: one('options.temperature', 0.25), top_p: one('options.top_p', 0.75), limit: one('options.num_predict', 777), effort: either(one('think', true), one('think', 'low')),
  },
}
