/**
 * Cohere by its Compatibility API, and for what is translated by its own chat, embed and rerank, version 2, which know more. Takes the role `developer`: https://docs.cohere.com/docs/compatibility-api
 * `max_completion_tokens` bounds as well, and streams carry usage when asked:
 * https://github.com/cohere-ai/cohere-developer-experience/pull/606. A list of models is not documented at this address.
 * Whether usage counts what Cohere bills was not found, nor whether streams carry reasoning, which therefore counts as hidden.
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * https://docs.cohere.com/reference/chat, https://docs.cohere.com/reference/embed, https://docs.cohere.com/reference/rerank
 */
import { vendor } from './provider.ts'

export const cohere = vendor({
  id: 'cohere', name: 'Cohere', docs: 'https://docs.cohere.com/docs/compatibility-api',
  env: ['COHERE_API_KEY', 'CO_API_KEY'],
  baseUrl: 'https://api.cohere.ai/compatibility/v1', endpoints: ['chat', 'embeddings', 'rerank'], paths: { rerank: '../../v2/rerank' }, modelsPath: null,
  formats: [{ protocol: 'cohere-chat', path: '../../v2/chat' }, { protocol: 'cohere-embed', path: '../../v2/embed' }, { protocol: 'openai-chat' }],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'bounds', developerRole: true },
  bounds: { hidesReasoning: true },
})
