/**
 * xAI. Reasoning tokens are billed as output but counted beside `completion_tokens`, not in it (recorded: 12 prompt +
 * 2 completion + 340 reasoning = 354 total, and `cost_in_usd_ticks` agrees). https://docs.x.ai/docs/api-reference#chat-completions
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const xai = vendor({
  id: 'xai', name: 'xAI', docs: 'https://docs.x.ai/docs/api-reference',
  baseUrl: 'https://api.x.ai/v1', endpoints: ['chat'],
  usage: { promptIncludesCached: true, completionIncludesReasoning: false },
})
