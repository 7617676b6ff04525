/**
 * Inception (Mercury). `max_tokens` bounds reasoning too; reasoning is no part of the stream, and the role `developer` is not documented.
 * https://docs.inceptionlabs.ai/get-started/get-started (schema: https://github.com/api-evangelist/inception)
 * Usage is flat: `reasoning_tokens` and `cached_input_tokens` stand beside `completion_tokens` and `prompt_tokens`. Whether they are part
 * of those is not said; reasoning is added, which is the dearer reading, and cached tokens are taken to be part of the prompt. At most 50,000 tokens:
 * https://github.com/juspay/neurolink (src/lib/providers/catalog/inception-labs.json)
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const inception = vendor({
  id: 'inception', name: 'Inception', docs: 'https://docs.inceptionlabs.ai/get-started/get-started',
  baseUrl: 'https://api.inceptionlabs.ai/v1', endpoints: ['chat'], billsAfterAbort: true,
  usage: { promptIncludesCached: true, completionIncludesReasoning: false },
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
  bounds: { hidesReasoning: true, mostOutputTokens: 50_000 },
})
