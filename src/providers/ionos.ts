/**
 * IONOS AI Model Hub, Berlin. The key is a token of IONOS Cloud, which expires. `max_tokens` is deprecated; without a limit an answer
 * may end after 16 tokens. `stream_options` is not among the documented fields, and how usage is counted and whether `developer` is a
 * role was not found; no catalogue lists its prices. https://api.ionos.com/docs/inference-openai/v1/
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const ionos = vendor({
  id: 'ionos', name: 'IONOS AI Model Hub', docs: 'https://api.ionos.com/docs/inference-openai/v1/',
  baseUrl: 'https://openai.inference.de-txl.ionos.com/v1', endpoints: ['chat', 'completions', 'embeddings'], billsAfterAbort: true,
})
