/**
 * Baseten Model APIs. The request has `max_tokens` (262,144 at most) and no other field, the roles system, user, assistant and tool, and usage in streams when asked, then as
 * running counts on every chunk. https://docs.baseten.co/reference/inference-api/chat-completions
 * (schemas: https://github.com/api-evangelist/baseten). Reasoning is not among the documented fields of a delta, so it counts as hidden;
 * how cached and reasoning tokens are counted was not found.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const baseten = vendor({
  id: 'baseten', name: 'Baseten', docs: 'https://docs.baseten.co/reference/inference-api/chat-completions',
  baseUrl: 'https://inference.baseten.co/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
  bounds: { hidesReasoning: true, mostOutputTokens: 262_144 },
})
