/**
 * DeepInfra. Streams carry usage unasked, but `include_usage: false` switches it off, so it is asked for:
 * https://github.com/tryAGI/DeepInfra (openapi.json), which knows no `max_completion_tokens`. `developer` is refused (integrations/pi in
 * https://github.com/deepinfra/docs). Cached tokens are within the prompt, reasoning within the completion, but beside it for Google's:
 * https://github.com/vercel/ai/blob/main/packages/deepinfra/src/deepinfra-chat-language-model.ts (84 and 1,081, not in the total either)
 * https://docs.deepinfra.com/chat/overview
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const deepinfra = vendor({
  id: 'deepinfra', name: 'DeepInfra', docs: 'https://docs.deepinfra.com/chat/overview',
  env: ['DEEPINFRA_API_KEY', 'DEEPINFRA_TOKEN'],
  baseUrl: 'https://api.deepinfra.com/v1/openai', endpoints: ['chat', 'completions', 'embeddings'],
  families: [{ models: ['google/*'], usage: { completionIncludesReasoning: false, totalIncludesReasoning: false } }],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
