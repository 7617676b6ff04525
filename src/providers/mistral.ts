/**
 * Mistral. Every stream ends with usage and there is no `stream_options` to ask for it. Audio tokens are counted beside
 * `prompt_tokens`, not in it (recorded: 11 prompt + 375 audio + 15 completion = 401 total). Keeps billing after an abort.
 * https://docs.mistral.ai/api/#tag/chat
 * Images: Pixtral takes 64 × 64 patches of 16 pixels and a token at the end of each row. https://mistralai.github.io/mistral-common/usage/images
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const mistral = vendor({
  id: 'mistral', name: 'Mistral', docs: 'https://docs.mistral.ai/api/',
  baseUrl: 'https://api.mistral.ai/v1', billsAfterAbort: true,
  usage: { promptIncludesCached: true, completionIncludesReasoning: true, promptIncludesAudio: false },
  quirks: { streamUsage: 'always', maxTokensField: 'max_tokens' },
  bounds: { imageTokens: [{ models: 'pixtral*', most: 4_160 }] },
})
