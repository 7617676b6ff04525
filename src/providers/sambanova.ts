/**
 * SambaNova Cloud. The vendor's SDK takes `max_tokens` and `max_completion_tokens` alike, streams usage when asked, and has the
 * roles system, user, assistant and tool: https://github.com/sambanova/sambanova-python
 * Content as a list is flattened by LiteLLM (litellm/llms/sambanova/chat.py in https://github.com/BerriAI/litellm), and so here.
 * No catalogue lists its prices; its own list of models does. https://docs.sambanova.ai/docs/en/features/openai-compatibility
 * Bills to the end after an abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const sambanova = vendor({
  id: 'sambanova', name: 'SambaNova Cloud', docs: 'https://docs.sambanova.ai/docs/en/features/openai-compatibility',
  baseUrl: 'https://api.sambanova.ai/v1', endpoints: ['chat', 'completions', 'embeddings'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'bounds', contentParts: false, rateLimitHeaders: 'sambanova' },
})
