/** Whether a body is what the official description of its format says: requests as vendors get them, answers and events as clients do. */
import { faults as shapeFaults } from '../protocols/bedrock-shapes.ts'
import type { Json, JsonObject } from '../../src/protocols/canonical.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { eventsOf } from '../../src/gateway/reframe.ts'
import { Description } from './openapi.ts'

/** `open`: the description of requests is not complete. */
interface Specified { description: Description; request: string; answer: string; event: string; open?: true }

const openai = new Description('openai')
const messages = { description: new Description('anthropic'), request: 'BetaCreateMessageParams', answer: 'BetaMessage', event: 'BetaMessageStreamEvent' }
const specified: Readonly<Record<string, Specified>> = {
  'openai-chat': { description: openai, request: 'CreateChatCompletionRequest', answer: 'CreateChatCompletionResponse', event: 'CreateChatCompletionStreamResponse' },
  'openai-responses': { description: openai, request: 'CreateResponse', answer: 'Response', event: 'ResponseStreamEvent' },
  'anthropic-messages': messages,
  'bedrock-invoke': messages,
  'gemini-generate': { description: new Description('gemini'), request: 'GenerateContentRequest', answer: 'GenerateContentResponse', event: 'GenerateContentResponse' },
  // It has no thought in messages and no names in results of tools, which the server reads.
  'ollama-chat': { description: new Description('ollama'), request: 'ChatRequest', answer: 'ChatResponse', event: 'ChatStreamEvent', open: true },
}

export function requestFaults({ id }: Protocol, body: JsonObject): string[] {
  if (id === 'bedrock-converse') return shapeFaults(body, 'ConverseRequest')
  if (id === 'bedrock-invoke') {
    // The model stands in the path.
    const { anthropic_version: version, ...rest } = body
    return [...(version === 'bedrock-2023-05-31' ? [] : ['anthropic_version: is missing']), ...requestFaults({ id: 'anthropic-messages' } as Protocol, { ...rest, model: 'm' })]
  }
  const spec = specified[id]
  const faults = spec ? spec.description.faults(spec.request, body, !spec.open) : []
  // OpenAI takes the name of a tool beside its result, as recorded.
  return id === 'openai-chat' ? faults.filter((fault) => !/\.messages\[\d+\]\.name: no schema/.test(fault)) : faults
}

/** An answer may hold more than its description: what the gateway adds, and what its vendor did. */
export function answerFaults({ id, framing }: Protocol, body: Buffer, stream: boolean): string[] {
  if (!stream) return faultsOf(id, '', JSON.parse(body.toString()) as Json)
  const found: string[] = []
  const scanner = eventsOf({ framing, ownFraming: id === 'bedrock-invoke' ? 'sse' : framing, clientFraming: framing }, ({ name, data }) => { if (data !== null && data !== '[DONE]') found.push(...faultsOf(id, name, JSON.parse(data) as Json, true)) })
  scanner.push(body)
  scanner.end()
  return [...new Set(found)]
}

function faultsOf(id: string, name: string, value: Json, isEvent = false): string[] {
  // What the gateway adds, and how long the vendor took, which other formats do not say, nor all of them usage.
  if (id === 'bedrock-converse') return (isEvent ? shapeFaults({ [name]: value }, 'ConverseStreamOutput') : shapeFaults(value, 'ConverseResponse')).filter((fault) => !/: (cost_usd is unknown|metrics is missing|usage is missing)$/.test(fault))
  if (id === 'cohere-chat') return cohereFaults(isEvent ? V2ChatStreamResponse : V2ChatResponse, value)
  const { description, answer, event } = specified[id]!
  // The description of Messages is that of answers with betas, which alone have these; in that of chat completions streams call no custom tools, which OpenAI does. A tier may be another vendor's.
  return description.faults(isEvent ? event : answer, value, false).filter((fault) => !/(context_management|iterations|speed|container\.skills): is missing$|tool_calls\[\d+\]\.type: "custom"|service_tier: "provisioned"/.test(fault))
}

type Read = { ok: true } | { ok: false; errors: { path: string[]; message: string }[] }
interface Serializer { parse(value: unknown, options: object): Read }

/** Cohere's description is in its SDK, which looks at answers with it only when it is told to. */
const { V2ChatResponse, V2ChatStreamResponse } = (await import(new URL('serialization/index.js', import.meta.resolve('cohere-ai')).href)) as Record<'V2ChatResponse' | 'V2ChatStreamResponse', Serializer>

function cohereFaults(serializer: Serializer, value: Json): string[] {
  const read = serializer.parse(value, { unrecognizedObjectKeys: 'passthrough' })
  return read.ok ? [] : read.errors.map(({ path, message }) => `${path.join('.')}: ${message}`)
}
