/**
 * Groq. Keeps billing after an abort. Usage stands on the last chunk, and, asked for, in a chunk of its own too; old
 * models reported it under `x_groq` only. `max_tokens` is deprecated and bounds as well (recorded). Compound systems search and
 * run code by themselves: https://console.groq.com/docs/compound. https://console.groq.com/docs/api-reference#chat-create
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * Audio: https://console.groq.com/docs/speech-to-text, https://console.groq.com/docs/text-to-speech
 */
import { vendor } from './provider.ts'

export const groq = vendor({
  id: 'groq', name: 'Groq', docs: 'https://console.groq.com/docs/openai',
  baseUrl: 'https://api.groq.com/openai/v1', endpoints: ['chat', 'speech', 'transcriptions', 'translations', 'files', 'batches'], billsAfterAbort: true,
  quirks: { otherLimit: 'bounds', rateLimitHeaders: 'openai' },
  bounds: { serverToolModels: ['groq/compound*', 'compound*'] },
})
