/** Reranking beside the common form: as clients of Cohere call it, and vendors that are asked in words of their own. */
import { bedrockConverse } from '../bedrock-converse/index.ts'
import { cohereChat } from '../cohere-chat/index.ts'
import type { EndpointSpec, Protocol } from '../protocol.ts'
import { rerankCodecs } from '../rerank.ts'
import { openaiMedia } from './index.ts'

const endpoint = openaiMedia.endpoints.find(({ capability }) => capability === 'rerank')!
const at = (path: string): readonly EndpointSpec[] => [{ ...endpoint, path }]

/** Passes as the common form does; its errors are Cohere's. */
export const cohereRerank: Protocol = { ...openaiMedia, id: 'cohere-rerank', endpoints: [endpoint], errorBody: cohereChat.errorBody }
export const voyageRerank: Protocol = { ...openaiMedia, id: 'voyage-rerank', endpoints: [endpoint], plain: { rerank: rerankCodecs.voyage } }
export const bedrockRerank: Protocol = {
  ...openaiMedia, id: 'bedrock-rerank', endpoints: at('/model/{model}/invoke'), plain: { rerank: rerankCodecs['bedrock-invoke'] },
  readError: bedrockConverse.readError, classify: bedrockConverse.classify,
}
