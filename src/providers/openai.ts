/**
 * OpenAI. Streams carry usage only when asked; `max_tokens` is deprecated and refused by the o-series. Stops billing when a
 * stream is cancelled. https://platform.openai.com/docs/api-reference/chat/create
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const openai = vendor({
  id: 'openai', name: 'OpenAI', docs: 'https://platform.openai.com/docs/api-reference',
  baseUrl: 'https://api.openai.com/v1', endpoints: ['chat', 'completions', 'embeddings'],
})
