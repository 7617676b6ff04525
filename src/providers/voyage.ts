/**
 * Voyage AI: embeddings in OpenAI's form with names of its own, and reranking. Both are billed by the token.
 * https://docs.voyageai.com/reference/embeddings-api, https://docs.voyageai.com/reference/reranker-api. There is no list of models.
 */
import { vendor } from './provider.ts'

export const voyage = vendor({
  id: 'voyage', name: 'Voyage AI', docs: 'https://docs.voyageai.com/reference/embeddings-api', catalogId: 'voyageai',
  baseUrl: 'https://api.voyageai.com/v1', modelsPath: null,
  formats: [{ protocol: 'voyage-embed' }, { protocol: 'voyage-rerank' }], endpoints: ['embeddings', 'rerank'],
})
