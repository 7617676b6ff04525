/**
 * OpenRouter. Usage is part of every answer, streams included. Whether an abort stops the bill depends on the vendor behind
 * it, which is not known beforehand, so a stream is drained. https://openrouter.ai/docs/api-reference/overview
 * Routes to vendors of different prices: https://openrouter.ai/docs/guides/routing/provider-selection. A limit below 16 was raised
 * to 16 (recorded). `:online` searches the web for each request.
 * `developer` goes to models of OpenAI and Anthropic alone:
 * https://github.com/earendil-works/pi/blob/main/packages/ai/src/api/openai-completions.ts
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * Recordings as JSON (recorded); reranking: https://openrouter.ai/docs/client-sdks/go/sdks/rerank/README
 */
import { vendor } from './provider.ts'

export const openrouter = vendor({
  id: 'openrouter', name: 'OpenRouter', docs: 'https://openrouter.ai/docs/api-reference/overview',
  baseUrl: 'https://openrouter.ai/api/v1', endpoints: ['chat', 'completions', 'embeddings', 'transcriptions', 'rerank'], billsAfterAbort: true,
  quirks: { dialect: ['reasoning_details', 'video_url', 'image_modality', 'cache_control', 'annotations', 'top_k', 'min_p', 'repetition_penalty', 'file_url'], streamUsage: 'always', maxTokensField: 'max_tokens', rateLimitHeaders: 'openrouter' },
  families: [{ models: ['openai/*', 'anthropic/*'], quirks: { developerRole: true } }],
  bounds: { priceVaries: true, hidesReasoning: true, leastOutputTokens: 16, serverToolModels: ['*:online'] },
})
