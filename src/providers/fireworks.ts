/**
 * Fireworks AI. `max_completion_tokens` is an alias of `max_tokens`, and both together are refused:
 * https://github.com/fw-ai-external/python-sdk/blob/main/src/fireworks/types/chat/completion_create_params.py
 * Newer models report usage in streams only when asked: https://github.com/langchain-ai/langchain/pull/36977
 * The documents name the roles system, user and assistant only. https://docs.fireworks.ai/tools-sdks/openai-compatibility
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const fireworks = vendor({
  id: 'fireworks', name: 'Fireworks AI', docs: 'https://docs.fireworks.ai/tools-sdks/openai-compatibility',
  baseUrl: 'https://api.fireworks.ai/inference/v1', endpoints: ['chat', 'completions', 'embeddings'], catalogId: 'fireworks-ai',
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'bounds', rateLimitHeaders: 'fireworks' },
})
