/**
 * Together AI. Streams end with usage unasked (recorded); cached tokens stand beside `prompt_tokens`, as `cached_tokens`.
 * https://docs.together.ai/reference/chat-completions-1
 * `developer` is written as `system`: https://github.com/earendil-works/pi/blob/main/packages/ai/src/api/openai-completions.ts
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * Images, audio, reranking: https://docs.together.ai/reference/post-images-generations, …/audio-speech, …/rerank
 */
import { vendor } from './provider.ts'

export const together = vendor({
  id: 'together', name: 'Together AI', docs: 'https://docs.together.ai/docs/openai-api-compatibility',
  baseUrl: 'https://api.together.ai/v1', endpoints: ['chat', 'completions', 'embeddings', 'images', 'speech', 'transcriptions', 'translations', 'rerank'], catalogId: 'togetherai',
  quirks: { streamUsage: 'always', maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
