/**
 * Morph. Most of its models rewrite code and are no general chat models; content as a list of parts makes them fail, so it is written as
 * one text: https://github.com/juspay/neurolink (src/lib/providers/catalog/morph.json). The list of models names some that are refused.
 * Which limit bounds, how usage is counted and whether `developer` is a role was not found. https://docs.morphllm.com/endpoints
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const morph = vendor({
  id: 'morph', name: 'Morph', docs: 'https://docs.morphllm.com/endpoints',
  baseUrl: 'https://api.morphllm.com/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', contentParts: false },
})
