/** The wire formats that the gateway knows. A new one is a folder here and a line below. */
import { anthropicMessages } from './anthropic-messages/index.ts'
import { bedrockConverse } from './bedrock-converse/index.ts'
import { bedrockInvoke } from './bedrock-invoke/index.ts'
import { cohereChat } from './cohere-chat/index.ts'
import { geminiGenerate } from './gemini-generate/index.ts'
import { ollamaChat } from './ollama-chat/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import { openaiResponses } from './openai-responses/index.ts'
import type { EndpointSpec, Protocol } from './protocol.ts'

export const protocols: ReadonlyMap<string, Protocol> = new Map([openaiChat, openaiResponses, anthropicMessages, geminiGenerate, bedrockConverse, bedrockInvoke, cohereChat, ollamaChat].map((each) => [each.id, each]))

/** The endpoint of a format that carries conversations. */
export const chatEndpoint = ({ endpoints }: Protocol): EndpointSpec => endpoints.find(({ capability, counts }) => capability === 'chat' && !counts)!
