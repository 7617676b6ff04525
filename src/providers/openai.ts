/**
 * OpenAI. Streams carry usage only when asked; `max_tokens` is deprecated, and refused by reasoning models,
 * for which it is renamed. Stops billing when a
 * stream is cancelled. https://platform.openai.com/docs/api-reference/chat/create
 * Images: tiles (base + tile × 8), or patches × factor, 1,536 at most and 10,000 at the detail `original` of GPT-5.2 and later;
 * the factors are rounded up. Recorded: gpt-4o-mini bills one tile as 8,500. https://platform.openai.com/docs/guides/images-vision
 * Reasoning is billed and not sent. https://platform.openai.com/docs/guides/reasoning
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * Images, audio, moderation: https://platform.openai.com/docs/api-reference/images, …/audio, …/moderations
 */
import { vendor } from './provider.ts'

export const openai = vendor({
  id: 'openai', name: 'OpenAI', docs: 'https://platform.openai.com/docs/api-reference',
  baseUrl: 'https://api.openai.com/v1', formats: [{ protocol: 'openai-responses' }, { protocol: 'openai-chat' }], endpoints: ['chat', 'completions', 'embeddings', 'images', 'image_edits', 'image_variations', 'speech', 'transcriptions', 'translations', 'moderations', 'files', 'batches'],
  quirks: { otherLimit: 'bounds', developerRole: true, rateLimitHeaders: 'openai' },
  families: [{ models: ['o1*', 'o3*', 'o4*', 'gpt-5*'], quirks: { otherLimit: 'renamed' } }],
  bounds: {
    hidesReasoning: true,
    serverToolModels: ['*-search-preview*', '*-search-api*', '*-deep-research*'],
    imageTokens: [
      { models: 'gpt-4o-mini*', most: 48_169 },
      { models: 'gpt-5.*', most: 25_000 },
      { models: 'gpt-4.1-nano*', most: 3_800 },
      { models: 'gpt-4.1-mini*', most: 3_800 },
      { models: 'gpt-5-nano*', most: 3_800 },
      { models: 'gpt-5-mini*', most: 3_800 },
      { models: 'o4-mini*', most: 3_800 },
      ...['gpt-5', 'gpt-5-20*', 'gpt-5-chat*', 'gpt-4o', 'gpt-4o-20*', 'gpt-4.1', 'gpt-4.1-20*', 'gpt-4-turbo*', 'o1', 'o1-20*', 'o3', 'o3-20*'].map((models) => ({ models, most: 1_500 })),
    ],
  },
})
