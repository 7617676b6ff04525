/**
 * Morph. Most of its models rewrite code and are no general chat models; they take message content as a string only.
 * https://docs.morphllm.com/endpoints. Which limit bounds, how usage is counted and whether `developer` is a role was not found.
 * List of models: https://github.com/juspay/neurolink (src/lib/providers/catalog/morph.json); it names some that are refused.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const morph = vendor({
  id: 'morph', name: 'Morph', docs: 'https://docs.morphllm.com/endpoints',
  baseUrl: 'https://api.morphllm.com/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', developerRole: false },
})
