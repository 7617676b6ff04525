/**
 * OpenRouter. Usage is part of every answer, streams included. Whether an abort stops the bill depends on the vendor behind
 * it, which is not known beforehand, so a stream is drained. https://openrouter.ai/docs/api-reference/overview
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const openrouter = vendor({
  id: 'openrouter', name: 'OpenRouter', docs: 'https://openrouter.ai/docs/api-reference/overview',
  baseUrl: 'https://openrouter.ai/api/v1', endpoints: ['chat', 'completions', 'embeddings'], billsAfterAbort: true,
  quirks: { streamUsage: 'always', maxTokensField: 'max_tokens' },
})
