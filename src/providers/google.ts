/**
 * Google Gemini by its OpenAI-compatible endpoint. Both limits and `stream_options`: https://ai.google.dev/api/compatibility
 * Whether `completion_tokens` contains thoughts is not documented. Natively they are counted beside the answer, and within the limit
 * (https://github.com/vectorize-io/hindsight/issues/3365), so they are added where they are reported; where `total_tokens` alone has
 * them, the usage is too low and marked as anomalous. Thoughts are hidden unless asked for; the role `developer` was not found.
 * https://ai.google.dev/gemini-api/docs/openai. GOOGLE_API_KEY, which other services of Google share, does not switch it on.
 * Keeps billing after an abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const google = vendor({
  id: 'google', name: 'Google Gemini', docs: 'https://ai.google.dev/gemini-api/docs/openai',
  env: ['GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai', billsAfterAbort: true,
  usage: { promptIncludesCached: true, completionIncludesReasoning: false },
  quirks: { honoursBothLimits: true, developerRole: false },
  bounds: { hidesReasoning: true },
})
