/**
 * Anthropic by its OpenAI-compatible endpoint, made for comparing models: no prompt caching, and the system messages are joined at the
 * front. Both limits, `stream_options` and the role `developer` are supported; thinking is billed and not sent.
 * https://platform.claude.com/docs/en/api/openai-sdk
 * The list of models is asked for with headers of the native API (recorded). What the usage object holds was not found.
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const anthropic = vendor({
  id: 'anthropic', name: 'Anthropic', docs: 'https://platform.claude.com/docs/en/api/openai-sdk',
  baseUrl: 'https://api.anthropic.com/v1', modelsPath: null, endpoints: ['chat'],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'bounds', developerRole: true, rateLimitHeaders: 'anthropic' },
  bounds: { hidesReasoning: true },
})
