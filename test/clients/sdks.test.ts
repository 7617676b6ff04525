/** AI SDK, LangChain and Mistral’s library before vendors of every other format: whole, streamed, a whole tool loop, objects by a schema. `npm run proof clients` installs and runs them. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatAnthropic } from '@langchain/anthropic'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { HumanMessage, SystemMessage, ToolMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages'
import { tool as langchainTool } from '@langchain/core/tools'
import { ChatGoogle } from '@langchain/google'
import { ChatOpenAI } from '@langchain/openai'
import { Mistral } from '@mistralai/mistralai'
import { generateObject, generateText, isStepCount, Output, streamText, tool, type LanguageModel } from 'ai'
import { z } from 'zod'
import { formats, startScripted, type Scripted } from '../gateway/scripted.ts'
import type { Arrived, Format, Turn } from './vendor.ts'

// It warns of what its callers could do better, which is not the matter here.
globalThis.AI_SDK_LOG_WARNINGS = false

const system = 'Be brief.'
const question = 'What is the weather in Paris?'
const place = z.object({ city: z.string() })
const city = { city: 'Paris' }
const description = 'The weather of a city'

/** First a call of the tool, then what it told. A tool that is demanded, or the only way to an object, is called with the object. */
const play = ({ tools, results, schema }: Arrived): Turn => {
  if (results.length > 0) return { text: `It is ${/sunny-\d+/.exec(results[0]!.text)?.[0] ?? 'unknown'}.` }
  if (tools.length > 0) return { ...(tools[0]!.name === 'weather' && { text: 'I look.' }), calls: [{ id: 'call_1', name: tools[0]!.name, arguments: city }] }
  return { text: schema ? JSON.stringify(city) : 'Hello, Paris.' }
}

/** With every vendor that does not speak the library's own format. */
async function each(t: TestContext, own: Format, run: (scripted: Scripted, arrived: () => Arrived) => Promise<void>): Promise<void> {
  const others = formats.filter((format) => format !== own)
  const scripted = await startScripted(['any'])
  scripted.script(play)
  for (const by of others) {
    scripted.serve(by)
    await run(scripted, () => scripted.vendors[by].arrived.at(-1)!).catch((error: Error) => { throw new Error(`${by}: ${error.message}`, { cause: error }) })
    assert.deepEqual(scripted.vendors[by].problems, [])
  }
  t.diagnostic(`vendors of ${others.join(', ')}; ${others.reduce((sum, by) => sum + scripted.vendors[by].arrived.length, 0)} requests`)
}

const aiSdks: [name: string, own: Format, model: (rig: Scripted['rig']) => LanguageModel][] = [
  ['@ai-sdk/openai', 'openai-responses', ({ url, key }) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key })('any')],
  ['@ai-sdk/openai, chat', 'openai-chat', ({ url, key }) => createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).chat('any')],
  ['@ai-sdk/openai-compatible', 'openai-chat', ({ url, key }) => createOpenAICompatible({ name: 'megarouter', baseURL: `${url}/v1`, apiKey: key, supportsStructuredOutputs: true })('any')],
  ['@ai-sdk/anthropic', 'anthropic-messages', ({ url, key }) => createAnthropic({ baseURL: `${url}/v1`, apiKey: key })('any')],
  ['@ai-sdk/google', 'gemini-generate', ({ url, key }) => createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey: key })('any')],
]

for (const [name, own, modelAt] of aiSdks) {
  test(`AI SDK, ${name}`, (t) => each(t, own, async ({ rig }, arrived) => {
    const model = modelAt(rig)
    const ran: unknown[] = []
    const weather = tool({ description, inputSchema: place, execute: (input) => { ran.push(input); return 'sunny-12' } })
    const looped = await generateText({ model, system, prompt: question, tools: { weather }, stopWhen: isStepCount(3), maxRetries: 0 })
    assert.deepEqual([looped.text, looped.steps.length, looped.finishReason, ran], ['It is sunny-12.', 2, 'stop', [city]])
    assert.deepEqual([arrived().system.trim(), arrived().users, arrived().tools[0]!.name], [system, [question], 'weather'])
    assert.deepEqual([looped.usage.inputTokens, looped.usage.outputTokens], [240, 60], 'of both steps')
    const streamed = streamText({ model, system, prompt: question, tools: { weather }, stopWhen: isStepCount(3), maxRetries: 0 })
    let text = ''
    for await (const part of streamed.textStream) text += part
    assert.deepEqual([text, (await streamed.steps).length, ran.length], ['I look.It is sunny-12.', 2, 2])
    const { output } = await generateText({ model, output: Output.object({ schema: place }), prompt: question, maxRetries: 0 })
    assert.deepEqual(output, city)
    assert.notEqual(arrived().schema ?? arrived().tools[0] ?? null, null, 'the schema arrived')
    const { object } = await generateObject({ model, schema: place, prompt: question, maxRetries: 0 })
    assert.deepEqual(object, city)
    assert.notEqual(arrived().schema ?? arrived().tools[0] ?? null, null, 'the schema arrived')
  }))
}

const langchains: [name: string, own: Format, model: (rig: Scripted['rig']) => BaseChatModel][] = [
  ['@langchain/openai', 'openai-chat', ({ url, key }) => new ChatOpenAI({ model: 'any', apiKey: key, maxRetries: 0, configuration: { baseURL: `${url}/v1` } })],
  ['@langchain/openai, Responses', 'openai-responses', ({ url, key }) => new ChatOpenAI({ model: 'any', apiKey: key, maxRetries: 0, useResponsesApi: true, configuration: { baseURL: `${url}/v1` } })],
  ['@langchain/anthropic', 'anthropic-messages', ({ url, key }) => new ChatAnthropic({ model: 'any', apiKey: key, maxRetries: 0, anthropicApiUrl: url })],
  ['@langchain/google', 'gemini-generate', ({ url, key }) => new ChatGoogle({ model: 'any', apiKey: key, maxRetries: 0, endpoint: url, platformType: 'gai' })],
]

for (const [name, own, modelAt] of langchains) {
  test(`LangChain, ${name}`, (t) => each(t, own, async ({ rig }, arrived) => {
    const model = modelAt(rig)
    const messages: BaseMessage[] = [new SystemMessage(system), new HumanMessage(question)]
    assert.equal((await model.invoke(messages)).text, 'Hello, Paris.')
    assert.deepEqual([arrived().system.trim(), arrived().users], [system, [question]])
    let text = ''
    for await (const chunk of await model.stream(messages)) text += chunk.text
    assert.equal(text, 'Hello, Paris.')
    const weather = langchainTool(() => 'sunny-12', { name: 'weather', description, schema: place })
    const bound = model.bindTools!([weather])
    const called = await bound.invoke(messages)
    assert.deepEqual(called.tool_calls!.map(({ name: called, args }) => [called, args]), [['weather', city]])
    const result = (await weather.invoke(called.tool_calls![0]!)) as ToolMessage
    assert.equal((await bound.invoke([...messages, called, result])).text, 'It is sunny-12.')
    let streamed: AIMessageChunk | undefined
    for await (const chunk of await bound.stream(messages)) streamed = streamed === undefined ? chunk : streamed.concat(chunk)
    assert.deepEqual(streamed!.tool_calls!.map(({ name: called, args }) => [called, args]), [['weather', city]])
    assert.deepEqual(await model.withStructuredOutput(place).invoke(messages), city)
    assert.notEqual(arrived().schema ?? arrived().tools[0] ?? null, null, 'the schema arrived')
  }))
}

test('@mistralai/mistralai', (t) => each(t, 'openai-chat', async ({ rig }, arrived) => {
  const client = new Mistral({ serverURL: rig.url, apiKey: rig.key })
  const messages = [{ role: 'system' as const, content: system }, { role: 'user' as const, content: question }]
  const tools = [{ type: 'function' as const, function: { name: 'weather', description, parameters: z.toJSONSchema(place) as Record<string, unknown> } }]
  const called = await client.chat.complete({ model: 'any', messages, tools })
  assert.deepEqual([arrived().system.trim(), arrived().users, arrived().tools[0]!.name], [system, [question], 'weather'])
  const { message, finishReason } = called.choices[0]!
  const [call] = message!.toolCalls!
  assert.deepEqual([call!.function.name, JSON.parse(call!.function.arguments as string), finishReason], ['weather', city, 'tool_calls'])
  const told = await client.chat.complete({ model: 'any', tools, messages: [...messages, { ...message!, role: 'assistant' }, { role: 'tool', toolCallId: call!.id!, name: 'weather', content: 'sunny-12' }] })
  assert.equal(told.choices[0]!.message!.content, 'It is sunny-12.')
  let text = ''
  for await (const { data } of await client.chat.stream({ model: 'any', messages })) text += data.choices[0]?.delta.content ?? ''
  assert.equal(text, 'Hello, Paris.')
  const parsed = await client.chat.parse({ model: 'any', messages, responseFormat: place })
  assert.deepEqual(parsed.choices![0]!.message!.parsed, city)
}))
