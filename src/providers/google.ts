/**
 * Google Gemini by its own generateContent, embedContent and batchEmbedContents. https://ai.google.dev/api/generate-content, https://ai.google.dev/api/embeddings
 * `total_tokens` is prompt, answer and thoughts, and `completion_tokens` the answer alone (natively so, and by gateways that met it here:
 * https://github.com/mozilla-ai/any-llm/issues/1290, https://github.com/LianjiaTech/bella-openapi/pull/68), so the output is what the
 * total leaves. Thoughts are within the limit (https://github.com/vectorize-io/hindsight/issues/3365) and hidden unless asked for; the
 * role `developer` was not found. The variable is the one of its documents.
 * https://ai.google.dev/gemini-api/docs/openai. GOOGLE_API_KEY, which other services of Google share, does not switch it on.
 * Keeps billing after an abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const google = vendor({
  id: 'google', name: 'Google Gemini', docs: 'https://ai.google.dev/gemini-api/docs/openai',
  env: ['GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta', formats: [{ protocol: 'gemini-generate' }, { protocol: 'gemini-embed' }], endpoints: ['chat', 'embeddings'], auth: { header: 'x-goog-api-key' }, billsAfterAbort: true,
  check: { path: '/models/gemini-2.5-flash:countTokens', body: '{"contents":[]}' },
  usage: { promptIncludesCached: true, completionIncludesReasoning: true, outputByTotal: true },
  quirks: { otherLimit: 'bounds' },
  bounds: { hidesReasoning: true },
})
