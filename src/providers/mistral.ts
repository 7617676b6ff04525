/**
 * Mistral. Every stream ends with usage, unasked. Audio tokens are counted beside
 * `prompt_tokens`, not in it (recorded: 11 prompt + 375 audio + 15 completion = 401 total). Keeps billing after an abort.
 * `stream_options` and `max_completion_tokens` are refused with 422: https://github.com/avante-corp/avante.nvim/issues/2347 and
 * https://github.com/editor-code-assistant/eca/issues/231. https://docs.mistral.ai/api/#tag/chat
 * `developer` is not among the roles. Ids of calls are nine letters and digits: https://github.com/anomalyco/opencode/issues/1680
 * Images: Pixtral takes 64 × 64 patches of 16 pixels and a token at the end of each row. https://mistralai.github.io/mistral-common/usage/images
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * Audio and moderation: https://docs.mistral.ai/api/#tag/audio.transcriptions, …/#tag/classifiers
 */
import { vendor } from './provider.ts'

export const mistral = vendor({
  id: 'mistral', name: 'Mistral', docs: 'https://docs.mistral.ai/api/',
  baseUrl: 'https://api.mistral.ai/v1', endpoints: ['chat', 'embeddings', 'transcriptions', 'moderations'], billsAfterAbort: true,
  usage: { promptIncludesCached: true, completionIncludesReasoning: true, promptIncludesAudio: false },
  quirks: { nineLetterIds: true, dialect: ['document_url', 'thinking'], streamUsage: 'refuses_to_be_asked', maxTokensField: 'max_tokens', otherLimit: 'renamed', rateLimitHeaders: 'mistral' },
  bounds: { imageTokens: [{ models: 'pixtral*', most: 4_160 }] },
})
