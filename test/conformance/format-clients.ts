/**
 * Clients of every inbound format: what they send to be told everything, what their codec reads in the answer's bytes, and what their
 * official SDK makes of it, with its stream accumulators.
 */
import Anthropic from '@anthropic-ai/sdk'
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, InvokeModelCommand, InvokeModelWithResponseStreamCommand, type TokenUsage } from '@aws-sdk/client-bedrock-runtime'
import { GoogleGenAI } from '@google/genai'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { CohereClientV2 } from 'cohere-ai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import OpenAI7 from 'openai7'
import type { ChatAnswer, JsonObject } from '../../src/protocols/canonical.ts'
import type { Source } from '../../src/protocols/codec.ts'
import { nameFromCohere } from '../../src/protocols/cohere-chat/tool-names.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { Collector } from '../../src/protocols/whole.ts'
import { eventsOf } from '../../src/gateway/reframe.ts'
import type { Framing } from '../../src/wire/event-scanner.ts'
import { argsOf, bareView, type View } from './views.ts'

export interface Asking { path: string; headers: Record<string, string>; body: JsonObject }
export type AskedOf = 'gateway' | 'upstream'

/** Whom an SDK is pointed at. */
export interface Place { url: string; key: string }

interface Client {
  /** A short question that wants all there is: usage, thoughts, proofs, the cost. */
  asks(model: string, stream: boolean): Asking
  /** What the official SDK sees in answer to it. */
  sees(place: Place, body: JsonObject, stream: boolean): Promise<View>
}

const megarouter = { include_cost: true }
const json = { 'content-type': 'application/json' }

const openaiChat: Client = {
  asks: (model, stream) => ({
    path: '/v1/chat/completions', headers: json,
    body: { model, messages: [{ role: 'user', content: 'Say hello.' }], megarouter, ...(stream && { stream, stream_options: { include_usage: true } }) },
  }),
  sees: async ({ url, key }, body, stream) => {
    const { chat } = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 })
    let thought = ''
    const hear = (said: object | undefined): void => { thought += (said as { reasoning_content?: string | null } | undefined)?.reasoning_content ?? '' }
    // The accumulator does not know thought, which OpenAI does not send: of such a member it keeps the last piece.
    const answer = stream ? await chat.completions.stream(body as never).on('chunk', ({ choices }) => hear(choices[0]?.delta)).finalChatCompletion() : await chat.completions.create({ ...body, stream: false } as never) as OpenAI.ChatCompletion
    const { choices: [{ message }], usage } = answer as OpenAI.ChatCompletion & { choices: [OpenAI.ChatCompletion.Choice] }
    if (!stream) hear(message)
    return bareView({
      text: message.content ?? '', thought, refusal: message.refusal ?? '',
      calls: (message.tool_calls ?? []).map((call) => (call.type === 'function' ? [call.function.name, argsOf(call.function.arguments)] : [call.custom.name, argsOf(call.custom.input, true)])),
      input: usage?.prompt_tokens ?? 0, output: usage?.completion_tokens ?? 0,
    })
  },
}

type ResponseItem = { type: string; content?: { type: string; text?: string; refusal?: string }[]; summary?: { text: string }[]; name?: string; arguments?: string; input?: string }

function seesResponses(client: OpenAI): (body: JsonObject, stream: boolean) => Promise<View> {
  return async (body, stream) => {
    const answer = stream ? await client.responses.stream(body as never).finalResponse() : await client.responses.create({ ...body, stream: false } as never)
    const items = answer.output as ResponseItem[]
    const contents = items.filter(({ type }) => type === 'message').flatMap(({ content }) => content ?? [])
    const thoughts = items.filter(({ type }) => type === 'reasoning')
    return bareView({
      text: contents.filter(({ type }) => type === 'output_text').map(({ text }) => text).join(''),
      refusal: contents.filter(({ type }) => type === 'refusal').map(({ refusal }) => refusal).join(''),
      thought: thoughts.map(({ summary, content }) => [...summary ?? [], ...content ?? []].map(({ text }) => text).join('')).join(''),
      calls: items.filter(({ type }) => type === 'function_call' || type === 'custom_tool_call').map(({ type, name, arguments: args, input }) => [name!, type === 'function_call' ? argsOf(args!) : argsOf(input!, true)]),
      input: answer.usage?.input_tokens ?? 0, output: answer.usage?.output_tokens ?? 0,
    })
  }
}

const openaiResponses: Client = {
  asks: (model, stream) => ({ path: '/v1/responses', headers: json, body: { model, input: 'Say hello.', include: ['reasoning.encrypted_content'], megarouter, ...(stream && { stream }) } }),
  sees: async ({ url, key }, body, stream) => {
    const options = { apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 }
    return seesResponses((stream ? new OpenAI7(options) : new OpenAI(options)) as OpenAI)(body, stream)
  },
}

const anthropicMessages: Client = {
  asks: (model, stream) => ({
    path: '/v1/messages', headers: { ...json, 'anthropic-version': '2023-06-01' },
    body: { model, max_tokens: 4096, messages: [{ role: 'user', content: 'Say hello.' }], megarouter, ...(stream && { stream }) },
  }),
  sees: async ({ url, key }, body, stream) => {
    const { messages } = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 })
    return viewOfMessage(stream ? await messages.stream(body as never).finalMessage() : await messages.create({ ...body, stream: false } as never) as Anthropic.Message)
  },
}

const viewOfMessage = ({ content, usage }: Anthropic.Message): View => bareView({
  text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''), refusal: '',
  thought: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
  calls: content.flatMap((block) => (block.type === 'tool_use' ? [[block.name, block.input] as [string, unknown]] : [])),
  input: usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0), output: usage.output_tokens,
})

const geminiGenerate: Client = {
  asks: (model, stream) => ({
    path: `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`, headers: json,
    body: { contents: [{ role: 'user', parts: [{ text: 'Say hello.' }] }], megarouter },
  }),
  sees: async ({ url, key }, body, stream) => {
    const { models } = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, retryOptions: { attempts: 1 } } })
    const { model, contents } = body as { model: string; contents: never }
    const answers = stream ? await Array.fromAsync(await models.generateContentStream({ model, contents })) : [await models.generateContent({ model, contents })]
    const parts = answers.flatMap(({ candidates }) => candidates?.find(({ index }) => (index ?? 0) === 0)?.content?.parts ?? [])
    const { promptTokenCount = 0, candidatesTokenCount = 0, thoughtsTokenCount = 0, toolUsePromptTokenCount = 0 } = answers.findLast(({ usageMetadata }) => usageMetadata)?.usageMetadata ?? {}
    return bareView({
      text: parts.map(({ text, thought }) => (thought ? '' : text ?? '')).join(''), refusal: '',
      thought: parts.map(({ text, thought }) => (thought ? text ?? '' : '')).join(''),
      calls: parts.flatMap(({ functionCall }) => (functionCall ? [[functionCall.name!, functionCall.args ?? {}] as [string, unknown]] : [])),
      input: promptTokenCount + toolUsePromptTokenCount, output: candidatesTokenCount + thoughtsTokenCount,
    })
  },
}

export const cohereOf = ({ url, key }: Place): CohereClientV2 => new CohereClientV2({ token: key, baseUrl: url, maxRetries: 0 })

const cohereChat: Client = {
  asks: (model, stream) => ({ path: '/v2/chat', headers: json, body: { model, messages: [{ role: 'user', content: 'Say hello.' }], megarouter, ...(stream && { stream }) } }),
  sees: async (place, body, stream) => {
    const asked = body as never
    const answer = stream ? await cohereStream(place, asked) : await cohereOf(place).chat(asked)
    const { message: { content = [], toolCalls = [], toolPlan = '' }, usage } = answer
    return bareView({
      text: content.map((part) => (part.type === 'text' ? part.text : '')).join('') + toolPlan, refusal: '', thought: content.map((part) => (part.type === 'thinking' ? part.thinking : '')).join(''),
      calls: toolCalls.map(({ function: called }) => [nameFromCohere(called!.name!), argsOf(called!.arguments!)]),
      input: usage?.billedUnits?.inputTokens ?? 0, output: usage?.billedUnits?.outputTokens ?? 0,
    })
  },
}

interface CohereAnswer {
  message: { toolPlan?: string; content?: ({ type: 'text'; text: string } | { type: 'thinking'; thinking: string })[]; toolCalls?: { function?: { name?: string; arguments?: string } }[] }
  usage?: { billedUnits?: { inputTokens?: number; outputTokens?: number } }
}

/** The SDK has no accumulator: by the numbers of its events. */
async function cohereStream(place: Place, asked: never): Promise<CohereAnswer> {
  const answer: CohereAnswer & { message: Required<CohereAnswer['message']> } = { message: { content: [], toolCalls: [], toolPlan: '' } }
  for await (const event of await cohereOf(place).chatStream(asked)) {
    if (event.type === 'content-start') answer.message.content[event.index!] = event.delta?.message?.content?.type === 'thinking' ? { type: 'thinking', thinking: '' } : { type: 'text', text: '' }
    else if (event.type === 'content-delta') {
      const part = answer.message.content[event.index!]!
      const { text, thinking } = event.delta?.message?.content ?? {}
      if (part.type === 'text') part.text += text ?? ''
      else part.thinking += thinking ?? ''
    } else if (event.type === 'tool-call-start') answer.message.toolCalls[event.index!] = { function: { ...event.delta!.message!.toolCalls!.function } }
    else if (event.type === 'tool-call-delta') answer.message.toolCalls[event.index!]!.function!.arguments += event.delta!.message!.toolCalls!.function!.arguments ?? ''
    else if (event.type === 'message-end' && event.delta?.usage) answer.usage = event.delta.usage
  }
  return answer
}

export const ollamaOf = ({ url, key }: Place): Ollama => new Ollama({ host: url, headers: { authorization: `Bearer ${key}` } })

const ollamaChat: Client = {
  asks: (model, stream) => ({ path: '/api/chat', headers: json, body: { model, messages: [{ role: 'user', content: 'Say hello.' }], megarouter, stream } }),
  sees: async (place, body, stream) => {
    const asked = body as never
    const lines = stream ? await Array.fromAsync(await ollamaOf(place).chat({ ...asked as object, stream: true } as never) as unknown as AsyncIterable<OllamaLine>) : [await ollamaOf(place).chat(asked) as unknown as OllamaLine]
    return bareView({
      text: lines.map(({ message }) => message.content).join(''), refusal: '', thought: lines.map(({ message }) => message.thinking ?? '').join(''),
      calls: lines.flatMap(({ message }) => message.tool_calls ?? []).map(({ function: called }) => [called.name, called.arguments]),
      input: lines.at(-1)!.prompt_eval_count ?? 0, output: lines.at(-1)!.eval_count ?? 0,
    })
  },
}

interface OllamaLine { message: { content: string; thinking?: string; tool_calls?: { function: { name: string; arguments: object } }[] }; prompt_eval_count?: number; eval_count?: number }

/** With a key of Bedrock's in the place of signatures, and over HTTP/1.1: its own choice is HTTP/2. */
export const bedrockOf = ({ url, key }: Place): BedrockRuntimeClient =>
  new BedrockRuntimeClient({ region: 'us-east-1', endpoint: url, token: { token: key }, authSchemePreference: ['httpBearerAuth'], maxAttempts: 1, requestHandler: new NodeHttpHandler() })

const bedrockConverse: Client = {
  asks: (model, stream) => ({ path: `/model/${encodeURIComponent(model)}/converse${stream ? '-stream' : ''}`, headers: json, body: { messages: [{ role: 'user', content: [{ text: 'Say hello.' }] }], megarouter } }),
  sees: async (place, { model, messages }, stream) => {
    const client = bedrockOf(place)
    const asked = { modelId: model as string, messages: messages as never }
    try {
      const blocks = stream ? await converseBlocks(client, asked) : await client.send(new ConverseCommand(asked)).then(({ output, usage }) => ({ content: output!.message!.content!, usage }))
      const { content, usage } = blocks
      return bareView({
        text: content.map(({ text, citationsContent: cited }) => text ?? cited?.content?.map((part) => part.text ?? '').join('') ?? '').join(''), refusal: '', thought: content.map(({ reasoningContent }) => reasoningContent?.reasoningText?.text ?? '').join(''),
        calls: content.flatMap(({ toolUse }) => (toolUse ? [[toolUse.name!, typeof toolUse.input === 'string' ? argsOf(toolUse.input) : toolUse.input] as [string, unknown]] : [])),
        input: (usage?.inputTokens ?? 0) + (usage?.cacheReadInputTokens ?? 0) + (usage?.cacheWriteInputTokens ?? 0), output: usage?.outputTokens ?? 0,
      })
    } finally {
      client.destroy()
    }
  },
}

interface Block { text?: string; citationsContent?: { content?: { text?: string }[] }; reasoningContent?: { reasoningText?: { text?: string } }; toolUse?: { name?: string; input?: unknown } }

/** The SDK has no accumulator: by the numbers of its events. */
async function converseBlocks(client: BedrockRuntimeClient, asked: { modelId: string; messages: never }): Promise<{ content: Block[]; usage: TokenUsage | undefined }> {
  const { stream } = await client.send(new ConverseStreamCommand(asked))
  const content: Block[] = []
  let usage: TokenUsage | undefined
  for await (const { contentBlockStart: start, contentBlockDelta: more, metadata } of stream!) {
    if (start) content[start.contentBlockIndex!] = start.start?.toolUse ? { toolUse: { name: start.start.toolUse.name!, input: '' } } : {}
    if (more) {
      const block = (content[more.contentBlockIndex!] ??= {})
      const { text, reasoningContent, toolUse } = more.delta ?? {}
      if (text !== undefined) block.text = (block.text ?? '') + text
      if (reasoningContent?.text !== undefined) block.reasoningContent = { reasoningText: { text: (block.reasoningContent?.reasoningText?.text ?? '') + reasoningContent.text } }
      if (toolUse) block.toolUse!.input = `${String(block.toolUse!.input)}${toolUse.input ?? ''}`
    }
    usage = metadata?.usage ?? usage
  }
  return { content, usage }
}

/** Events of Anthropic's, as they stand in the frames. */
interface Framed { index?: number; message?: Anthropic.Message; content_block?: Piece; delta?: { text?: string; thinking?: string; partial_json?: string }; usage?: { output_tokens: number } }
type Piece = Anthropic.ContentBlock

const bedrockInvoke: Client = {
  asks: (model, stream) => ({
    path: `/model/${encodeURIComponent(model)}/invoke${stream ? '-with-response-stream' : ''}`, headers: json,
    body: { anthropic_version: 'bedrock-2023-05-31', max_tokens: 4096, messages: [{ role: 'user', content: 'Say hello.' }], megarouter },
  }),
  sees: async (place, { model, ...body }, stream) => {
    const client = bedrockOf(place)
    const asked = { modelId: model as string, body: JSON.stringify(body) }
    try {
      return viewOfMessage(stream ? await framedMessage(client, asked) : JSON.parse(Buffer.from((await client.send(new InvokeModelCommand(asked))).body).toString()) as Anthropic.Message)
    } finally {
      client.destroy()
    }
  },
}

/** The SDK gives what the frames hold. */
async function framedMessage(client: BedrockRuntimeClient, asked: { modelId: string; body: string }): Promise<Anthropic.Message> {
  let message: Anthropic.Message | null = null
  const args: string[] = []
  for await (const { chunk } of (await client.send(new InvokeModelWithResponseStreamCommand(asked))).body!) {
    const { index = 0, message: begun, content_block: block, delta, usage } = JSON.parse(Buffer.from(chunk!.bytes!).toString()) as Framed
    if (begun) message = begun
    if (block) message!.content[index] = block
    const open = message!.content[index]
    if (open?.type === 'text') open.text += delta?.text ?? ''
    if (open?.type === 'thinking') open.thinking += delta?.thinking ?? ''
    if (delta?.partial_json !== undefined) args[index] = (args[index] ?? '') + delta.partial_json
    if (usage) Object.assign(message!.usage, usage)
  }
  for (const [index, text] of args.entries()) if (text !== undefined) (message!.content[index] as { input: unknown }).input = argsOf(text)
  return message!
}

export const clients: Readonly<Record<string, Client>> = {
  'openai-chat': openaiChat, 'openai-responses': openaiResponses, 'anthropic-messages': anthropicMessages, 'gemini-generate': geminiGenerate,
  'cohere-chat': cohereChat, 'ollama-chat': ollamaChat, 'bedrock-converse': bedrockConverse, 'bedrock-invoke': bedrockInvoke,
}

export interface Read { answer: ChatAnswer; error: unknown; isOver: boolean }

/** What a format's codec reads in the bytes of an answer. */
export function read({ id, codec, framing: own }: Protocol, body: Buffer, stream: boolean, source: Source, framing: Framing = own): Read {
  if (!stream) return { answer: codec!.decodeAnswer(JSON.parse(body.toString()) as JsonObject, source), error: null, isOver: true }
  const [decoder, collector] = [codec!.decodeStream(source), new Collector()]
  const take = (decode: (out: Parameters<typeof decoder.end>[0]) => void): void => {
    const events: Parameters<typeof decoder.end>[0] = []
    decode(events)
    for (const event of events) collector.take(event)
  }
  const scanner = eventsOf({ framing, ownFraming: id === 'bedrock-invoke' ? 'sse' : own, clientFraming: own }, ({ name, data }) => { if (data !== null) take((out) => decoder.event(name, data, out)) })
  scanner.push(body)
  scanner.end()
  take((out) => decoder.end(out))
  return { answer: collector.answer, error: collector.error, isOver: collector.isOver }
}

/** Frames of invoke hold their events in base64. */
export const textOf = ({ id }: Protocol, body: Buffer): string => (id === 'bedrock-invoke' ? body.toString().replace(/"bytes":"([^"]*)"/g, (_, base64: string) => Buffer.from(base64, 'base64').toString()) : body.toString())
