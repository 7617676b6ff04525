/**
 * DeepSeek. `prompt_tokens` is the sum of cache hits and misses. The `/v1` path is an alias of this base URL and no version.
 * `max_tokens` bounds reasoning and answer together (recorded: all 37 answers that were cut off). Reasoning is part of the stream.
 * `developer` is refused: https://github.com/earendil-works/pi/issues/1048
 * https://api-docs.deepseek.com/api/create-chat-completion
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const deepseek = vendor({
  id: 'deepseek', name: 'DeepSeek', docs: 'https://api-docs.deepseek.com/',
  baseUrl: 'https://api.deepseek.com', endpoints: ['chat'],
  quirks: { thoughtWithCalls: true, dialect: ['reasoning_content'], maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
