/**
 * Nebius Token Factory. The reference lists `max_tokens` and `max_completion_tokens` side by side, and `stream_options`; how cached
 * and reasoning tokens are counted, and whether `developer` is a role, it does not say.
 * https://docs.tokenfactory.nebius.com/api-reference/inference/create-chat-completion
 * Other regions: NEBIUS_BASE_URL. Bills to the end after an abort:
 * https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const nebius = vendor({
  id: 'nebius', name: 'Nebius Token Factory', docs: 'https://docs.tokenfactory.nebius.com/api-reference/introduction',
  baseUrl: 'https://api.tokenfactory.nebius.com/v1', endpoints: ['chat', 'completions', 'embeddings'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'bounds', rateLimitHeaders: 'openai' },
})
