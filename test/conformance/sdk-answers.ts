/** What a program sees of a recorded exchange through the official SDK of its format, of the gateway or of the vendor itself: values, or the error. */
import Anthropic from '@anthropic-ai/sdk'
import { BedrockRuntimeServiceException, ConverseCommand, ConverseStreamCommand, InvokeModelCommand, InvokeModelWithResponseStreamCommand } from '@aws-sdk/client-bedrock-runtime'
import { ApiError, GoogleGenAI } from '@google/genai'
import { CohereError } from 'cohere-ai'
import OpenAI from 'openai'
import OpenAI7 from 'openai7'
import { bedrockOf, cohereOf, ollamaOf, type Place } from './format-clients.ts'
import type { Recorded } from './format-rig.ts'

export interface Answered { values: unknown[]; error: Record<string, unknown> | null }

type Ask = (target: Place, model: string, body: object, stream: boolean) => Promise<unknown>

const openaiOf = (make: typeof OpenAI): Ask => ({ url, key }, model, body) =>
  new make({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 }).responses.create({ ...body, model } as never) as Promise<unknown>

const anthropic: Ask = ({ url, key }, model, body) => new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 }).messages.create({ ...body, model } as never)

/** The recorded parameters are those of the wire, which this SDK takes in another form: it asks its own way, and the answer is the recorded one. */
const google: Ask = ({ url, key }, model, _body, stream) => {
  const { models } = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, retryOptions: { attempts: 1 } } })
  const asked = { model, contents: 'Say hello.' }
  return stream ? models.generateContentStream(asked) : models.generateContent(asked)
}

/** Asks its own way too. */
const cohere: Ask = (target, model, _body, stream) => {
  const asked = { model, messages: [{ role: 'user' as const, content: 'Say hello.' }] }
  return stream ? cohereOf(target).chatStream(asked) : cohereOf(target).chat(asked)
}

const ollama: Ask = (target, model, body, stream) => ollamaOf(target).chat({ ...body, model, stream } as never) as Promise<unknown>

/** Streams are read before the client is closed. */
const bedrock: Ask = async (target, model, _body, stream) => {
  const client = bedrockOf(target)
  const asked = { modelId: model, messages: [{ role: 'user' as const, content: [{ text: 'Say hello.' }] }] }
  try {
    if (!stream) return withoutMetadata(await client.send(new ConverseCommand(asked)))
    const { stream: events, ...rest } = await client.send(new ConverseStreamCommand(asked))
    return { ...withoutMetadata(rest), events: await Array.fromAsync(events!) }
  } finally {
    client.destroy()
  }
}

const invoke: Ask = async (target, model, body, stream) => {
  const client = bedrockOf(target)
  const asked = { modelId: model, body: JSON.stringify(body) }
  try {
    if (!stream) return withoutMetadata(await client.send(new InvokeModelCommand(asked)))
    const { body: events, ...rest } = await client.send(new InvokeModelWithResponseStreamCommand(asked))
    return { ...withoutMetadata(rest), events: await Array.fromAsync(events!) }
  } finally {
    client.destroy()
  }
}

/** How often it tried and how long it took. */
/** Where the recording has no id, the gateway's stands. */
const withoutMetadata = ({ $metadata: { httpStatusCode }, ...answer }: { $metadata: { httpStatusCode?: number } }): object => ({ ...answer, httpStatusCode })

export const sdks: Readonly<Record<string, readonly (readonly [name: string, ask: Ask])[]>> = {
  'openai-responses': [['openai 6', openaiOf(OpenAI)], ['openai 7', openaiOf(OpenAI7 as unknown as typeof OpenAI)]],
  'anthropic-messages': [['@anthropic-ai/sdk', anthropic]],
  'gemini-generate': [['@google/genai', google]],
  'cohere-chat': [['cohere-ai', cohere]],
  'ollama-chat': [['ollama', ollama]],
  'bedrock-converse': [['@aws-sdk/client-bedrock-runtime', bedrock]],
  'bedrock-invoke': [['@aws-sdk/client-bedrock-runtime', invoke]],
}

/** Headers of an answer differ between the gateway and the vendor, and are compared elsewhere. */
const withoutHeaders = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('sdkHttpResponse' in value)) return value
  const { sdkHttpResponse: _, ...rest } = value
  return rest
}

export async function answered(ask: Ask, target: Place, { stream }: Pick<Recorded, 'stream'>, model: string, body: object): Promise<Answered> {
  const seen: Answered = { values: [], error: null }
  try {
    const answer = await ask(target, model, body, stream)
    if (typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer) for await (const value of answer as AsyncIterable<unknown>) seen.values.push(withoutHeaders(value))
    else seen.values.push(withoutHeaders(answer))
  } catch (error) {
    seen.error = told(error)
  }
  return seen
}

/** Anything but an error of the API is a fault of the test, or of an SDK that can't read what it got: told by name, since both sides must fail alike. */
function told(error: unknown): Record<string, unknown> {
  if (error instanceof OpenAI.APIError || error instanceof OpenAI7.APIError) {
    const { status, code, type, param, error: said } = error
    return { kind: error.constructor.name, status, code, type, param, said }
  }
  if (error instanceof Anthropic.APIError) return { kind: error.constructor.name, status: error.status, said: error.error }
  if (error instanceof ApiError) return { kind: 'ApiError', status: error.status, said: error.message }
  if (error instanceof CohereError) return { kind: error.name, status: error.statusCode, said: error.body }
  if (error instanceof BedrockRuntimeServiceException) return { kind: error.name, status: error.$metadata.httpStatusCode, said: error.message, fault: error.$fault }
  const { name, message, status_code: status } = error as Error & { status_code?: number }
  return { kind: name, message, ...(status !== undefined && { status }) }
}

/** The status of the SDK's own error; null where it succeeds. Throws what is none of an SDK's. */
export async function sdkError(answer: Promise<unknown>): Promise<number | null> {
  try {
    await answer
    return null
  } catch (error) {
    const { status, kind } = told(error)
    if (typeof status === 'number') return status
    throw new Error(`${String(kind)} is no error of an SDK’s`, { cause: error })
  }
}
