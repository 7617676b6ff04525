/**
 * Perplexity. Of its endpoints in OpenAI's format only embeddings are left that are served here: chat completions (Sonar) ended on
 * 27 September 2026 (https://github.com/vercel/ai/releases/tag/@ai-sdk%2Fperplexity@3.1.0), and their successor speaks the Responses
 * format: https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar/overview. Vectors come as base64 of signed bytes, whatever
 * encoding OpenAI's SDK asks for: https://docs.perplexity.ai/docs/embeddings/best-practices. A list of models was not found.
 */
import { vendor } from './provider.ts'

export const perplexity = vendor({
  id: 'perplexity', name: 'Perplexity', docs: 'https://docs.perplexity.ai/api-reference/embeddings-post',
  baseUrl: 'https://api.perplexity.ai/v1', modelsPath: null, endpoints: ['embeddings'],
})
