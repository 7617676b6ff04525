/**
 * Groq. Keeps billing after an abort. Usage stands on the last chunk, and, asked for, in a chunk of its own too; old
 * models reported it under `x_groq` only. https://console.groq.com/docs/api-reference#chat-create
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const groq = vendor({
  id: 'groq', name: 'Groq', docs: 'https://console.groq.com/docs/openai',
  baseUrl: 'https://api.groq.com/openai/v1', endpoints: ['chat'], billsAfterAbort: true,
})
