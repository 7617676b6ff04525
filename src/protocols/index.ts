/** The wire formats that the gateway knows. A new one is a folder here and a line below. */
import { anthropicMessages } from './anthropic-messages/index.ts'
import { bedrockConverse } from './bedrock-converse/index.ts'
import { cohereChat } from './cohere-chat/index.ts'
import { bedrockEmbedding, cohereEmbedding, geminiEmbedding, ollamaEmbedding, vertexEmbedding, voyageEmbedding } from './embeddings/formats.ts'
import { geminiGenerate } from './gemini-generate/index.ts'
import { ollamaChat } from './ollama-chat/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import { openaiMedia } from './openai-media/index.ts'
import { bedrockRerank, cohereRerank, voyageRerank } from './openai-media/rerank.ts'
import { openaiResponses } from './openai-responses/index.ts'
import type { EndpointKind, EndpointSpec, Protocol } from './protocol.ts'

export const protocols: ReadonlyMap<string, Protocol> = new Map([
  openaiChat, openaiResponses, anthropicMessages, geminiGenerate, bedrockConverse, cohereChat, ollamaChat,
  geminiEmbedding, vertexEmbedding, cohereEmbedding, ollamaEmbedding, voyageEmbedding, bedrockEmbedding,
  openaiMedia, cohereRerank, voyageRerank, bedrockRerank,
].map((each) => [each.id, each]))

/** The endpoint of a format that carries conversations. */
export const chatEndpoint = ({ endpoints }: Protocol): EndpointSpec => endpoints.find(({ capability, counts }) => capability === 'chat' && !counts)!

/** The endpoint that requests of a kind without conversation are translated to. */
export const plainEndpoint = ({ endpoints }: Protocol, kind: EndpointKind): EndpointSpec => endpoints.find(({ capability }) => capability === kind)!
