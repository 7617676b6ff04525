/** Which endpoint of which wire format a method and path are, matched exactly as they came: what is authorised is what is dispatched. */
import { anthropicMessages } from '../protocols/anthropic-messages/index.ts'
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

export interface Route {
  protocol: Protocol
  endpoint: EndpointSpec
  /** What the path says beside the endpoint. */
  inPath: RequestPlace
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

/** What POST is served at, for people. */
export const servedPaths: readonly string[] = [...fixed.keys(), '/v1beta/models/{model}:generateContent', '/v1beta/models/{model}:streamGenerateContent', '/v1beta/models/{model}:embedContent', '/v1beta/models/{model}:batchEmbedContents']

/** The endpoint behind a path of POST; null: there is none. */
export function routeOf(path: string, query: string): Route | null {
  const found = fixed.get(path)
  if (found) return found
  const gemini = geminiPath.exec(path)
  if (gemini === null) return null
  const embedding = embeddings.get(gemini[2]!)
  if (embedding) return { ...embedding, inPath: { model: unescaped(gemini[1]!) } }
  const stream = gemini[2] === 'streamGenerateContent'
  const protocol = stream && !/(^|&)alt=sse(&|$)/.test(query) ? geminiArray : geminiGenerate
  const endpoint = protocol.endpoints.find(({ counts }) => counts === (gemini[2] === 'countTokens' ? true : undefined))!
  return { protocol, endpoint, inPath: { model: unescaped(gemini[1]!), stream } }
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
export const isDataPath = (path: string): boolean => /^\/(v1|v2|v1beta1?|v1alpha)\//.test(path) || path === '/api/chat' || path === '/api/embed'

/** The format in which whoever calls a path expects to be refused. */
function formatOf(path: string, isAnthropics: boolean): Protocol {
  if (/^\/v1(beta|alpha)/.test(path)) return geminiGenerate
  if (path.startsWith('/v2/')) return cohereChat
  if (path.startsWith('/api/')) return ollamaChat
  return isAnthropics || path.startsWith('/v1/messages') ? anthropicMessages : openaiChat
}

/** For lists of models, and for what is not served. `isAnthropics`: the client says a version of Anthropic's API. */
export const plainRoute = (name: 'models' | 'unsupported', path: string, isAnthropics: boolean): Route => ({ protocol: formatOf(path, isAnthropics), endpoint: { ...nothing, name, path: name === 'models' ? '/models' : path }, inPath: nowhere })
