/** The official libraries of six formats before vendors of every other format: whole, streamed, with tools and their results, with a schema, counting and listing. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI, type FunctionDeclaration } from '@google/genai'
import { CohereClientV2 } from 'cohere-ai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import OpenAI7 from 'openai7'
import type { Arrived, Format, Turn } from '../clients/vendor.ts'
import { formats, startScripted, type Scripted } from './scripted.ts'

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false } as const
const question = 'What is the weather in Paris?'
const city = { city: 'Paris' }
const description = 'The weather of a city'

/** First a call of the tool, then what it told; without tools plain words, or JSON by the schema. */
const weather = ({ tools, results, schema: asked }: Arrived): Turn => {
  if (results.length > 0) return { text: `It is ${results[0]!.text.match(/sunny-\d+/)?.[0] ?? 'unknown'}.` }
  if (tools.length > 0) return { text: 'I look.', calls: [{ id: 'call_1', name: tools[0]!.name, arguments: city }] }
  return { text: asked ? JSON.stringify(city) : 'Hello, Paris.' }
}

/** Of all calls of one library, in order. */
async function each(t: TestContext, own: Format | null, run: (scripted: Scripted, by: Format) => Promise<void>): Promise<void> {
  const scripted = await startScripted(['any'])
  scripted.script(weather)
  const others = formats.filter((format) => format !== own)
  for (const by of others) {
    scripted.serve(by)
    await run(scripted, by)
    assert.deepEqual(scripted.vendors[by].problems, [])
  }
  t.diagnostic(`vendors of ${others.join(', ')}; ${others.reduce((sum, by) => sum + scripted.vendors[by].arrived.length, 0)} requests`)
}

const arrived = ({ vendors }: Scripted, by: Format): Arrived => vendors[by].arrived.at(-1)!
function assertTool(scripted: Scripted, by: Format): void {
  const { tools: [tool], system, users } = arrived(scripted, by)
  assert.deepEqual([tool!.name, (tool!.schema as typeof schema).properties.city.type.toLowerCase(), (tool!.schema as typeof schema).required], ['weather', 'string', ['city']], by)
  assert.deepEqual([system.trim(), users], ['Be brief.', [question]], by)
}

for (const [name, OpenAi] of [['openai', OpenAI], ['openai 7', OpenAI7 as unknown as typeof OpenAI]] as const) {
  test(`${name}: chat completions`, (t) => each(t, 'openai-chat', async (scripted, by) => {
    const client = new OpenAi({ baseURL: `${scripted.rig.url}/v1`, apiKey: scripted.rig.key, maxRetries: 0 })
    const plain = await client.chat.completions.create({ model: 'any', messages: [{ role: 'user', content: 'Hi' }] })
    assert.deepEqual([plain.choices[0]!.message.content, plain.usage!.total_tokens], ['Hello, Paris.', 150])
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: question }]
    const tools: OpenAI.ChatCompletionFunctionTool[] = [{ type: 'function', function: { name: 'weather', description, parameters: { ...schema } } }]
    for (const stream of [false, true]) {
      const asked = { model: 'any', messages, tools } as const
      const called = stream ? await client.chat.completions.stream(asked).finalChatCompletion() : await client.chat.completions.create(asked)
      assertTool(scripted, by)
      const { message, finish_reason: finish } = called.choices[0]!
      const [call] = message.tool_calls as OpenAI.ChatCompletionMessageFunctionToolCall[]
      assert.deepEqual([message.content, call!.function.name, JSON.parse(call!.function.arguments), finish], ['I look.', 'weather', city, 'tool_calls'])
      const told = await client.chat.completions.create({ ...asked, messages: [...messages, message, { role: 'tool', tool_call_id: call!.id, content: 'sunny-12' }] })
      assert.equal(told.choices[0]!.message.content, 'It is sunny-12.', by)
    }
    const parsed = await client.chat.completions.parse({ model: 'any', messages, response_format: { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } } })
    assert.deepEqual(JSON.parse(parsed.choices[0]!.message.content!), city, by)
    assert.notEqual(arrived(scripted, by).schema, null, by)
  }))

  test(`${name}: Responses`, (t) => each(t, 'openai-responses', async (scripted, by) => {
    const client = new OpenAi({ baseURL: `${scripted.rig.url}/v1`, apiKey: scripted.rig.key, maxRetries: 0 })
    const tools: OpenAI.Responses.FunctionTool[] = [{ type: 'function', name: 'weather', description, parameters: schema, strict: true }]
    for (const stream of [false, true]) {
      const asked = { model: 'any', instructions: 'Be brief.', input: question, tools }
      const called = stream ? await client.responses.stream(asked).finalResponse() : await client.responses.create(asked)
      assertTool(scripted, by)
      const call = called.output.find(({ type }) => type === 'function_call') as OpenAI.Responses.ResponseFunctionToolCall
      assert.deepEqual([called.output_text, call.name, JSON.parse(call.arguments), called.status], ['I look.', 'weather', city, 'completed'])
      const told = await client.responses.create({ ...asked, input: [{ role: 'user', content: question }, ...called.output as OpenAI.Responses.ResponseInputItem[], { type: 'function_call_output', call_id: call.call_id, output: 'sunny-12' }] })
      assert.equal(told.output_text, 'It is sunny-12.', by)
    }
    const json = await client.responses.create({ model: 'any', input: question, text: { format: { type: 'json_schema', name: 'place', schema, strict: true } } })
    assert.deepEqual(JSON.parse(json.output_text), city, by)
    assert.notEqual(arrived(scripted, by).schema, null, by)
  }))
}

test('@anthropic-ai/sdk: Messages', (t) => each(t, 'anthropic-messages', async (scripted, by) => {
  const client = new Anthropic({ baseURL: scripted.rig.url, apiKey: scripted.rig.key, maxRetries: 0 })
  const tools: Anthropic.Tool[] = [{ name: 'weather', description, input_schema: { ...schema, required: ['city'] } }]
  for (const stream of [false, true]) {
    const asked: Anthropic.MessageCreateParamsNonStreaming = { model: 'any', max_tokens: 500, system: 'Be brief.', messages: [{ role: 'user', content: question }], tools }
    const called = stream ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked)
    assertTool(scripted, by)
    const call = called.content.find(({ type }) => type === 'tool_use') as Anthropic.ToolUseBlock
    assert.deepEqual([call.name, call.input, called.stop_reason, called.usage.input_tokens, called.usage.output_tokens], ['weather', city, 'tool_use', 120, 30])
    const told = await client.messages.create({ ...asked, messages: [...asked.messages, { role: 'assistant', content: called.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sunny-12' }] }] })
    assert.equal((told.content[0] as Anthropic.TextBlock).text, 'It is sunny-12.', by)
  }
  const json = await client.messages.create({ model: 'any', max_tokens: 500, messages: [{ role: 'user', content: question }], output_config: { format: { type: 'json_schema', schema } } })
  assert.deepEqual(JSON.parse((json.content[0] as Anthropic.TextBlock).text), city, by)
  assert.notEqual(arrived(scripted, by).schema, null, by)
  assert.ok((await client.messages.countTokens({ model: 'any', messages: [{ role: 'user', content: question }] })).input_tokens > 0)
  assert.deepEqual((await client.models.list()).data.map(({ id }) => id), ['any', 'auto', 'auto:balanced', 'auto:cheap', 'auto:best', 'auto:fast'])
}))

test('results of parallel calls reach their calls in whatever order the client gives them, also where the vendor knows no ids', async () => {
  const { rig, vendors, script, serve } = await startScripted(['any'])
  script(({ results }) => (results.length > 0 ? { text: 'Done.' } : { calls: ['left', 'right'].map((at) => ({ id: `call_${at}`, name: 'weather', arguments: { city: at } })) }))
  const client = new Anthropic({ baseURL: rig.url, apiKey: rig.key, maxRetries: 0 })
  const asked: Anthropic.MessageCreateParamsNonStreaming = { model: 'any', max_tokens: 500, messages: [{ role: 'user', content: question }], tools: [{ name: 'weather', input_schema: schema as unknown as Anthropic.Tool.InputSchema }] }
  for (const by of formats) {
    serve(by)
    const { content } = await client.messages.create(asked)
    const results = content.flatMap((block): Anthropic.ToolResultBlockParam[] => (block.type === 'tool_use' ? [{ type: 'tool_result', tool_use_id: block.id, content: `word of ${(block.input as typeof city).city}` }] : []))
    await client.messages.create({ ...asked, messages: [...asked.messages, { role: 'assistant', content }, { role: 'user', content: results.toReversed() }] })
    const told = vendors[by].arrived.at(-1)!.results.map(({ text }) => /word of (\w+)/.exec(text)?.[1])
    assert.deepEqual(told, ['left', 'right'], by)
  }
})

test('calls of tools that a vendor gives no ids have ids of their own in each answer: tools take two calls of one id for one', async () => {
  const { rig, vendors, script, serve } = await startScripted(['any'])
  script(() => ({ calls: [{ id: '', name: 'weather', arguments: city }, { id: '', name: 'weather', arguments: city }] }))
  const client = new Anthropic({ baseURL: rig.url, apiKey: rig.key, maxRetries: 0 })
  const asked: Anthropic.MessageCreateParamsNonStreaming = { model: 'any', max_tokens: 500, messages: [{ role: 'user', content: question }], tools: [{ name: 'weather', input_schema: schema as unknown as Anthropic.Tool.InputSchema }] }
  for (const by of ['gemini-generate', 'openai-chat'] as const) {
    serve(by)
    vendors[by].saysNoIds = true
    const ids: string[] = []
    for (const stream of [false, true, false, true]) {
      const { content } = stream ? await client.messages.stream(asked).finalMessage() : await client.messages.create(asked)
      ids.push(...content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : [])))
    }
    assert.deepEqual([ids.length, new Set(ids).size, ids.includes('')], [8, 8, false], `${by}: ${ids.join()}`)
  }
})

test('@google/genai: generateContent', (t) => each(t, 'gemini-generate', async (scripted, by) => {
  const client = new GoogleGenAI({ apiKey: scripted.rig.key, httpOptions: { baseUrl: scripted.rig.url } })
  const functionDeclarations: FunctionDeclaration[] = [{ name: 'weather', description, parametersJsonSchema: schema }]
  const config = { systemInstruction: 'Be brief.', tools: [{ functionDeclarations }] }
  const called = await client.models.generateContent({ model: 'any', contents: question, config })
  assertTool(scripted, by)
  assert.deepEqual([called.functionCalls![0]!.name, called.functionCalls![0]!.args, called.usageMetadata!.totalTokenCount], ['weather', city, 150])
  const streamed = []
  for await (const chunk of await client.models.generateContentStream({ model: 'any', contents: question, config })) streamed.push(...chunk.functionCalls ?? [])
  assert.deepEqual(streamed.map(({ name, args }) => [name, args]), [['weather', city]])
  const told = await client.models.generateContent({
    model: 'any', config, contents: [{ role: 'user', parts: [{ text: question }] }, called.candidates![0]!.content!, { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { output: 'sunny-12' } } }] }],
  })
  assert.equal(told.text, 'It is sunny-12.', by)
  const json = await client.models.generateContent({ model: 'any', contents: question, config: { responseMimeType: 'application/json', responseJsonSchema: schema } })
  assert.deepEqual(JSON.parse(json.text!), city, by)
  assert.notEqual(arrived(scripted, by).schema, null, by)
  assert.ok((await client.models.countTokens({ model: 'any', contents: question })).totalTokens! > 0)
  assert.equal((await client.models.list()).page[0]!.name, 'models/any')
}))

test('cohere-ai: chat', (t) => each(t, null, async (scripted, by) => {
  const client = new CohereClientV2({ token: scripted.rig.key, environment: scripted.rig.url, maxRetries: 0 })
  const tools = [{ type: 'function' as const, function: { name: 'weather', description, parameters: schema } }]
  const messages = [{ role: 'system' as const, content: 'Be brief.' }, { role: 'user' as const, content: question }]
  const called = await client.chat({ model: 'any', messages, tools })
  assertTool(scripted, by)
  const [call] = called.message.toolCalls!
  assert.deepEqual([call!.function!.name, JSON.parse(call!.function!.arguments!), called.finishReason], ['weather', city, 'TOOL_CALL'])
  const told = await client.chat({ model: 'any', tools, messages: [...messages, { role: 'assistant', toolCalls: called.message.toolCalls! }, { role: 'tool', toolCallId: call!.id, content: 'sunny-12' }] })
  assert.deepEqual(told.message.content, [{ type: 'text', text: 'It is sunny-12.' }], by)
  let text = ''
  for await (const event of await client.chatStream({ model: 'any', messages })) if (event.type === 'content-delta') text += event.delta!.message!.content!.text!
  assert.equal(text, 'Hello, Paris.', by)
}))

test('ollama: chat', (t) => each(t, null, async (scripted, by) => {
  const client = new Ollama({ host: scripted.rig.url, headers: { authorization: `Bearer ${scripted.rig.key}` } })
  const tools = [{ type: 'function', function: { name: 'weather', description, parameters: { ...schema, required: ['city'] } } }]
  const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: question }]
  const called = await client.chat({ model: 'any', messages, tools })
  assertTool(scripted, by)
  assert.deepEqual(called.message.tool_calls!.map(({ function: fn }) => [fn.name, fn.arguments]), [['weather', city]])
  const told = await client.chat({ model: 'any', tools, messages: [...messages, called.message, { role: 'tool', tool_name: 'weather', content: 'sunny-12' }] })
  assert.equal(told.message.content, 'It is sunny-12.', by)
  let text = ''
  for await (const chunk of await client.chat({ model: 'any', messages, stream: true })) text += chunk.message.content
  assert.equal(text, 'Hello, Paris.', by)
  const json = await client.chat({ model: 'any', messages, format: schema })
  assert.deepEqual(JSON.parse(json.message.content), city, by)
}))
