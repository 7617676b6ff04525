/**
 * Venice. Puts a system prompt of its own before the client's and bills it (recorded: 1,574 prompt tokens for 97 bytes, and 18 for 185
 * bytes without it). `max_tokens` bounds as well, reasoning is in the completion, and some models hide it:
 * https://docs.venice.ai/guides/features/reasoning-models. Cached tokens are within the prompt (recorded).
 * Options in a model's name (`model:enable_web_search=on`) switch on paid searches, or a character with a prompt of unknown size:
 * https://docs.venice.ai/overview/pricing. Multi-agent models are xAI's; images of gpt-4o-mini count as openai.ts says.
 * Abort: no statement found, so a stream is drained. https://docs.venice.ai/api-reference/endpoint/chat/completions
 * Images and audio (audio recorded): https://docs.venice.ai/api-reference/api-spec
 */
import { vendor } from './provider.ts'

export const venice = vendor({
  id: 'venice', name: 'Venice', docs: 'https://docs.venice.ai/api-reference/endpoint/chat/completions',
  baseUrl: 'https://api.venice.ai/api/v1', endpoints: ['chat', 'embeddings', 'images', 'speech', 'transcriptions'], billsAfterAbort: true,
  quirks: { dialect: ['reasoning_content'], otherLimit: 'bounds', developerRole: true, rateLimitHeaders: 'venice' },
  bounds: {
    requestTokens: 2048, hidesReasoning: true,
    serverToolModels: ['*enable_web_search=*', '*enable_web_scraping=*', '*enable_x_search=*', '*character_slug=*', '*-multi-agent*'],
    imageTokens: [{ models: 'openai-gpt-4o-mini*', most: 48_169 }],
  },
})
