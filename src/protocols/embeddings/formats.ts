/** Formats of embeddings that are no part of a format of conversations: Gemini's, Vertex's, Cohere's, Ollama's, Voyage's and those of models on Bedrock. */
import { JsonCursor } from '../../wire/json-cursor.ts'
import { replaceValue, type Edit } from '../../wire/json-edit.ts'
import type { JsonScanner, Member } from '../../wire/json-scanner.ts'
import { bedrockConverse } from '../bedrock-converse/index.ts'
import { cohereChat } from '../cohere-chat/index.ts'
import { geminiGenerate } from '../gemini-generate/index.ts'
import { ollamaChat } from '../ollama-chat/index.ts'
import { openaiChat } from '../openai-chat/index.ts'
import type { EndpointSpec, JsonType, Protocol } from '../protocol.ts'
import { bedrockEmbed } from './bedrock.ts'
import { cohereEmbed } from './cohere.ts'
import { geminiEmbed } from './gemini.ts'
import { ollamaEmbed } from './ollama.ts'
import { vertexPredict } from './vertex.ts'
import { voyageEmbed } from './voyage.ts'
import { embedProtocol } from './wire.ts'

const must = (key: string, ...types: JsonType[]): { key: string; types: readonly JsonType[] } => ({ key, types })
const optional = [must('megarouter', 'object', 'null')]
const spec = (name: string, path: string, ...required: EndpointSpec['required']): EndpointSpec => ({ name, capability: 'embeddings', path, streams: false, required, optional })

/** The path is what was authorised: what an item says of its model is made the same. */
function modelEdits(body: Buffer, scan: JsonScanner, model: string): Edit[] {
  const edits: Edit[] = []
  const name = JSON.stringify(`models/${model}`)
  const check = (member: Pick<Member, 'valueStart' | 'valueEnd'>): void => {
    if (body.toString('utf8', member.valueStart, member.valueEnd) !== name) edits.push(replaceValue(member as Member, name))
  }
  const own = scan.find('model')
  if (own) check(own)
  const requests = scan.find('requests')
  if (!requests || body[requests.valueStart] !== 0x5b) return edits
  const cursor = new JsonCursor(body, requests.valueStart)
  for (cursor.enter(); cursor.more();) {
    if (cursor.peek() !== 0x7b) {
      cursor.skip()
      continue
    }
    for (cursor.enter(); cursor.more();) {
      const isModel = cursor.key() === 'model'
      cursor.peek()
      const valueStart = cursor.at
      cursor.skip()
      if (isModel) check({ valueStart, valueEnd: cursor.at })
    }
  }
  return edits
}

export const geminiEmbedding: Protocol = embedProtocol({
  codec: geminiEmbed, base: geminiGenerate, modelEdits,
  endpoints: [spec('batchEmbedContents', '/models/{model}:batchEmbedContents', must('requests', 'array')), spec('embedContent', '/models/{model}:embedContent', must('content', 'object'))],
  mediaWords: ['Data"', '_data"'], answerIn: ['embedding', 'embeddings'], told: ['usageMetadata'], usageIn: ['usageMetadata'], harmless: ['content', 'taskType', 'outputDimensionality', 'autoTruncate'],
})

/** https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api */
export const vertexEmbedding: Protocol = embedProtocol({
  codec: vertexPredict, base: geminiGenerate, reads: true,
  endpoints: [spec('predict', '/models/{model}:predict', must('instances', 'array'))],
  mediaWords: [], answerIn: ['predictions'], told: ['predictions'], usageIn: ['metadata'], harmless: ['parameters'],
})

export const cohereEmbedding: Protocol = embedProtocol({
  codec: cohereEmbed, base: cohereChat,
  endpoints: [spec('cohere.embed', '/embed', must('model', 'string'))],
  mediaWords: ['"image'], answerIn: ['embeddings'], told: ['meta'], usageIn: ['meta', 'billed_units'], harmless: ['embedding_types', 'max_tokens', 'priority'],
})

export const ollamaEmbedding: Protocol = embedProtocol({
  codec: ollamaEmbed, base: ollamaChat,
  endpoints: [spec('ollama.embed', '/api/embed', must('model', 'string'), must('input', 'string', 'array'))],
  mediaWords: [], answerIn: ['embeddings'], told: ['prompt_eval_count'], usageIn: [], harmless: ['keep_alive', 'options'],
})

export const voyageEmbedding: Protocol = embedProtocol({
  codec: voyageEmbed, base: openaiChat,
  endpoints: [spec('voyage.embeddings', '/embeddings', must('model', 'string'), must('input', 'string', 'array'))],
  mediaWords: [], answerIn: ['data'], told: ['usage'], usageIn: ['usage'], harmless: ['input_type', 'output_dtype', 'output_dimension', 'truncation'],
})

export const bedrockEmbedding: Protocol = embedProtocol({
  codec: bedrockEmbed, base: bedrockConverse,
  endpoints: [spec('bedrock.embed', '/model/{model}/invoke')],
  mediaWords: ['"inputImage"', '"image'], answerIn: ['embedding', 'embeddings'], mayBeAny: ['embedding'], told: ['inputTextTokenCount', 'meta'], usageIn: [], harmless: ['normalize', 'embeddingTypes', 'embedding_types'],
})
