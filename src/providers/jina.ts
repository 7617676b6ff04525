/**
 * Jina AI: embeddings in OpenAI's form and reranking in Cohere's, both billed by the token. https://api.jina.ai/redoc, https://jina.ai/reranker
 * A list of models is not documented.
 */
import { vendor } from './provider.ts'

export const jina = vendor({
  id: 'jina', name: 'Jina AI', docs: 'https://api.jina.ai/redoc',
  baseUrl: 'https://api.jina.ai/v1', endpoints: ['embeddings', 'rerank'], modelsPath: null,
})
