/**
 * Upstage (Solar). The limit is `max_tokens`; of /responses it is said that unknown fields are ignored, so that another limit may bound
 * nothing. https://console.upstage.ai/api/responses
 * `completion_tokens` contains reasoning: https://console.upstage.ai/docs/capabilities/generate/chat
 * Usage in streams, cached tokens and the role `developer` were not found.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const upstage = vendor({
  id: 'upstage', name: 'Upstage', docs: 'https://console.upstage.ai/api/chat',
  baseUrl: 'https://api.upstage.ai/v1', billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
