/** The list of models in the form of whoever asks: OpenAI's with what the gateway knows beside it, Anthropic's and Gemini's with their own pages. */
import type { IncomingMessage } from 'node:http'
import type { ListedModel } from './models.ts'

export type ListForm = 'openai' | 'anthropic' | 'gemini' | 'bedrock'

/** Where a path is of several formats: Anthropic's clients send a version with every request, Google's say who they are (also under `/v1/`, where the newest look). */
export function listForm(path: string, { headers }: IncomingMessage): ListForm {
  if (path.startsWith('/v1beta/')) return 'gemini'
  if (path === '/inference-profiles') return 'bedrock'
  if (headers['anthropic-version'] !== undefined) return 'anthropic'
  return headers['x-goog-api-client'] !== undefined || headers['x-goog-api-key'] !== undefined ? 'gemini' : 'openai'
}

const largestPage = 1_000

/** A page of them. */
export function listBody(form: ListForm, models: readonly ListedModel[], query: URLSearchParams): object {
  if (form === 'openai') return { object: 'list', data: models }
  if (form === 'bedrock') return { inferenceProfileSummaries: models.map(({ id }) => ({ inferenceProfileId: id, inferenceProfileName: id, inferenceProfileArn: id, status: 'ACTIVE', type: 'SYSTEM_DEFINED', models: [] })) }
  const isGemini = form === 'gemini'
  const limit = pageSize(query.get(isGemini ? 'pageSize' : 'limit'), isGemini ? 50 : 20)
  const after = query.get(isGemini ? 'pageToken' : 'after_id')
  const before = isGemini ? null : query.get('before_id')
  const from = after === null ? 0 : models.findIndex(({ id }) => id === after) + 1
  const to = before === null ? models.length : models.findIndex(({ id }) => id === before)
  const rest = models.slice(from, Math.max(from, to))
  const page = before === null || after !== null ? rest.slice(0, limit) : rest.slice(-limit)
  const hasMore = page.length < rest.length
  if (isGemini) return { models: page.map(geminiModel), ...(hasMore ? { nextPageToken: page.at(-1)!.id } : {}) }
  return { data: page.map(anthropicModel), has_more: hasMore, first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null }
}

export function modelBody(form: ListForm, model: ListedModel): object {
  return form === 'openai' ? model : form === 'anthropic' ? anthropicModel(model) : geminiModel(model)
}

function pageSize(text: string | null, usual: number): number {
  const size = Number(text ?? usual)
  return Number.isInteger(size) && size >= 1 ? Math.min(size, largestPage) : usual
}

const anthropicModel = ({ id, created, megarouter }: ListedModel): object => ({
  type: 'model', id, display_name: id, created_at: new Date(created * 1000).toISOString().replace('.000Z', 'Z'),
  max_input_tokens: megarouter.context_tokens, max_tokens: megarouter.output_tokens,
})

const geminiModel = ({ id, megarouter: { context_tokens: context, output_tokens: output, capabilities } }: ListedModel): object => ({
  name: `models/${id}`, baseModelId: id, version: '001', displayName: id,
  ...(context === null ? {} : { inputTokenLimit: context }), ...(output === null ? {} : { outputTokenLimit: output }),
  supportedGenerationMethods: capabilities.includes('embeddings') ? ['embedContent'] : ['generateContent', 'streamGenerateContent', 'countTokens'],
})
