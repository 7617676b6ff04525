/** Which endpoint of which wire format a method and path are, matched exactly as they came: what is authorised is what is dispatched. */
import { limits } from '../limits.ts'
import { anthropicInvoke, anthropicPredict, bedrockCounting } from '../protocols/anthropic-clouds.ts'
import { anthropicMessages } from '../protocols/anthropic-messages/index.ts'
import { bedrockConverse } from '../protocols/bedrock-converse/index.ts'
import { cohereChat } from '../protocols/cohere-chat/index.ts'
import { cohereEmbedding, geminiEmbedding, ollamaEmbedding, vertexEmbedding } from '../protocols/embeddings/formats.ts'
import type { RequestPlace } from '../protocols/codec.ts'
import { geminiArray } from '../protocols/gemini-generate/array.ts'
import { geminiGenerate } from '../protocols/gemini-generate/index.ts'
import { ollamaChat } from '../protocols/ollama-chat/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { openaiMedia } from '../protocols/openai-media/index.ts'
import { cohereRerank } from '../protocols/openai-media/rerank.ts'
import { openaiResponses } from '../protocols/openai-responses/index.ts'
import type { EndpointSpec, Protocol } from '../protocols/protocol.ts'
import type { ListForm } from './model-lists.ts'

export interface Route {
  protocol: Protocol
  endpoint: EndpointSpec
  /** What the path says beside the endpoint. */
  inPath: RequestPlace
  /** The vendor whose path it is and who has names of its own for models. */
  home?: string
}

const nowhere: RequestPlace = {}

/** Formats whose paths say nothing of the request, by what stands before them. */
const fixed = new Map<string, Route>([[openaiChat, '/v1'], [openaiResponses, '/v1'], [anthropicMessages, '/v1'], [cohereChat, '/v2'], [ollamaChat, ''], [openaiMedia, '/v1'], [cohereEmbedding, '/v2'], [cohereRerank, '/v2'], [ollamaEmbedding, '']].flatMap(([protocol, root]) => {
  const of = protocol as Protocol
  return of.endpoints.map((endpoint): [string, Route] => [`${root as string}${endpoint.path}`, { protocol: of, endpoint, inPath: nowhere }])
}))

/** Model and method of Gemini's, with what Vertex writes before them. The model may hold a slash, as it is or escaped. */
const geminiPath = /^\/v1(?:beta1?|alpha)?\/(?:(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/google\/)?models\/([^:]+):(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents|predict)$/

const embeddings = new Map([geminiEmbedding, vertexEmbedding].flatMap((protocol) => protocol.endpoints.map((endpoint): [string, Omit<Route, 'inPath'>] => [endpoint.name, { protocol, endpoint }])))

/** Bedrock's. The model may be an ARN, with its slash as it is or escaped. */
const bedrockPath = /^\/model\/(.+)\/(converse|converse-stream|invoke|invoke-with-response-stream|count-tokens)$/
const bedrocks: Readonly<Record<string, { protocol: Protocol; stream?: boolean }>> = {
  converse: { protocol: bedrockConverse, stream: false }, 'converse-stream': { protocol: bedrockConverse, stream: true },
  invoke: { protocol: anthropicInvoke, stream: false }, 'invoke-with-response-stream': { protocol: anthropicInvoke, stream: true }, 'count-tokens': { protocol: bedrockCounting },
}

/** Claude's on Vertex, and open models there by chat completions. Project and location are the provider's own. */
const vertexPath = /^\/v1(?:beta1)?\/projects\/[^/]+\/locations\/[^/]+\/(?:publishers\/anthropic\/models\/(.+):(rawPredict|streamRawPredict)|endpoints\/openapi(\/chat\/completions))$/

/** No format's, but the gateway's own. */
export const feedbackPath = '/v1/feedback'

/** What POST is served at, for people. */
export const servedPaths: readonly string[] = [
  ...fixed.keys(), '/v1beta/models/{model}:generateContent', '/v1beta/models/{model}:streamGenerateContent', '/v1beta/models/{model}:embedContent', '/v1beta/models/{model}:batchEmbedContents',
  '/model/{model}/converse', '/model/{model}/invoke', '/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:rawPredict', feedbackPath,
]

/** The endpoint behind a path of POST; null: there is none. */
export function routeOf(path: string, query: string): Route | null {
  const found = fixed.get(path)
  if (found) return found
  if (path.startsWith('/model/')) return bedrockRoute(path)
  const gemini = geminiPath.exec(path)
  if (gemini === null) return vertexRoute(path)
  const embedding = embeddings.get(gemini[2]!)
  if (embedding) return { ...embedding, inPath: { model: unescaped(gemini[1]!) } }
  const stream = gemini[2] === 'streamGenerateContent'
  const protocol = stream && !/(^|&)alt=sse(&|$)/.test(query) ? geminiArray : geminiGenerate
  const endpoint = protocol.endpoints.find(({ counts }) => counts === (gemini[2] === 'countTokens' ? true : undefined))!
  return { protocol, endpoint, inPath: { model: unescaped(gemini[1]!), stream } }
}

function bedrockRoute(path: string): Route | null {
  const found = bedrockPath.exec(path)
  if (found === null) return null
  const { protocol, stream } = bedrocks[found[2]!]!
  return { protocol, endpoint: protocol.endpoints[0]!, inPath: { model: unescaped(found[1]!), ...(stream !== undefined && { stream }) }, home: 'bedrock' }
}

function vertexRoute(path: string): Route | null {
  const found = vertexPath.exec(path)
  if (found === null) return null
  if (found[3] !== undefined) return fixed.get(`/v1${found[3]}`)!
  const model = unescaped(found[1]!)
  const asks = model === 'count-tokens'
  const endpoint = anthropicPredict.endpoints.find(({ counts }) => counts === (asks ? true : undefined))!
  return { protocol: anthropicPredict, endpoint, inPath: asks ? nowhere : { model, ...(found[2] === 'streamRawPredict' && { stream: true }) }, home: 'vertex' }
}

/** Of a path that is not well escaped the text as it is, which names no model. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const nothing: EndpointSpec = { name: 'unsupported', capability: 'chat', path: '', streams: false, required: [], optional: [] }

/** Whether a path is the data plane's, served or not. */
export const isDataPath = (path: string): boolean => /^\/(v1|v2|v1beta1?|v1alpha|model)\//.test(path) || path === '/api/chat' || path === '/api/embed' || path === '/inference-profiles'

/** The format in which whoever calls a path expects to be refused. */
function formatOf(path: string, form: ListForm): Protocol {
  if (path.includes('/publishers/anthropic/')) return anthropicMessages
  if (/^\/v1(beta|alpha)/.test(path)) return geminiGenerate
  if (path.startsWith('/model/') || path === '/inference-profiles') return bedrockConverse
  if (path.startsWith('/v2/')) return cohereChat
  if (path.startsWith('/api/')) return ollamaChat
  if (form === 'gemini') return geminiGenerate
  return form === 'anthropic' || path.startsWith('/v1/messages') ? anthropicMessages : openaiChat
}

/** For feedback, for lists of models, and for what is not served. `form`: whose client it is. */
export function plainRoute(name: 'models' | 'feedback' | 'unsupported', path: string, form: ListForm): Route {
  const own = name === 'models' ? { path: '/models' } : name === 'feedback' ? { path: '/feedback', bodyBytes: limits.feedbackBytes } : { path }
  return { protocol: formatOf(path, form), endpoint: { ...nothing, name, ...own }, inPath: nowhere }
}
