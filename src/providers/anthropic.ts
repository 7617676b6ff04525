/**
 * Anthropic by its own Messages API: caching, thinking, citations and tools as they are. Its OpenAI-compatible endpoint, made for comparing
 * models, has none of that and is not used. https://platform.claude.com/docs/en/api/messages
 * Thinking counts as output and is streamed as a summary, so that what was streamed says little of the bill.
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const anthropic = vendor({
  id: 'anthropic', name: 'Anthropic', docs: 'https://platform.claude.com/docs/en/api/messages',
  baseUrl: 'https://api.anthropic.com/v1', formats: [{ protocol: 'anthropic-messages' }], auth: { header: 'x-api-key' }, headers: { 'anthropic-version': '2023-06-01' }, endpoints: ['chat'],
  check: { path: '/messages', body: '{"model":"megarouter-credential-check","max_tokens":1,"messages":[]}' },
  quirks: { rateLimitHeaders: 'anthropic' },
  bounds: { hidesReasoning: true },
})
