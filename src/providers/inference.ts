/**
 * Inference.net, since 2026 a gateway that also passes requests to other vendors, whose reasoning may be hidden; its list names models
 * that have no chat endpoint. https://docs.inference.net/api/api-quickstart
 * (read by https://github.com/juspay/neurolink, src/lib/providers/catalog/inference-net.json)
 * Which limit bounds, how usage is counted and whether `developer` is a role was not found.
 * Keeps billing after an abort, said before it was a gateway: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const inference = vendor({
  id: 'inference', name: 'Inference.net', docs: 'https://docs.inference.net/api/api-quickstart',
  baseUrl: 'https://api.inference.net/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { priceVaries: true, hidesReasoning: true },
})
