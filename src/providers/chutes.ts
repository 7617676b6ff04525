/**
 * Chutes. Clients send it `max_tokens` and never `developer`: https://github.com/badlogic/pi-mono
 * (packages/ai/src/providers/openai-completions.ts). Reasoning stands twice in each delta, as `reasoning_content` and `reasoning`. How usage is counted was not found. https://chutes.ai/docs
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const chutes = vendor({
  id: 'chutes', name: 'Chutes', docs: 'https://chutes.ai/docs',
  baseUrl: 'https://llm.chutes.ai/v1', endpoints: ['chat'],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
