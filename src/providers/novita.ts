/**
 * Novita AI. A request whose client has left is charged to the end, streams too, and errors are not:
 * https://novita.ai/docs/guides/llm-billing (OpenRouter's older list says otherwise; the vendor's word is taken).
 * The reference has `max_tokens`, usage in streams when asked, and the roles system, user and assistant; how cached and reasoning
 * tokens are counted it does not say. https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion
 * Reranking: https://novita.ai/docs/api-reference/model-apis-llm-create-rerank
 */
import { vendor } from './provider.ts'

export const novita = vendor({
  id: 'novita', name: 'Novita AI', docs: 'https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion',
  baseUrl: 'https://api.novita.ai/openai/v1', endpoints: ['chat', 'completions', 'rerank'], billsAfterAbort: true, catalogId: 'novita-ai',
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
