/**
 * xAI. Reasoning tokens are billed as output but counted beside `completion_tokens`, not in it (recorded: 12 prompt +
 * 2 completion + 340 reasoning = 354 total, and `cost_in_usd_ticks` agrees). https://docs.x.ai/docs/api-reference#chat-completions
 * `max_completion_tokens` does not bound reasoning (recorded: a limit of 100, 17 completion + 124 reasoning), which grok-3-mini
 * alone shows: https://docs.x.ai/docs/guides/reasoning. Grok has a system prompt of its own (recorded: 702 prompt tokens for 286 bytes).
 * `developer` is written as `system`: https://github.com/earendil-works/pi/blob/main/packages/ai/src/api/openai-completions.ts
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * Images: https://docs.x.ai/developers/model-capabilities/images; edits are taken as JSON.
 */
import { vendor } from './provider.ts'

export const xai = vendor({
  id: 'xai', name: 'xAI', docs: 'https://docs.x.ai/docs/api-reference',
  baseUrl: 'https://api.x.ai/v1', formats: [{ protocol: 'openai-responses' }, { protocol: 'openai-chat' }], endpoints: ['chat', 'images', 'image_edits'],
  usage: { promptIncludesCached: true, completionIncludesReasoning: false },
  bounds: { requestTokens: 1024, reasoningBeyondLimit: true, hidesReasoning: true, serverToolModels: ['*-multi-agent*'] },
})
