/**
 * Hyperbolic. Little is documented: messages, `max_tokens`, `temperature` and `top_p`. When streams carry usage, how its classes are
 * counted and whether `developer` is a role was not found; no catalogue lists its prices. https://docs.hyperbolic.ai/inference/overview
 * Chat and completions: https://github.com/HyperbolicLabs/hyperbolic-ts/tree/main/packages/ai-sdk-provider
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const hyperbolic = vendor({
  id: 'hyperbolic', name: 'Hyperbolic', docs: 'https://docs.hyperbolic.ai/inference/overview',
  baseUrl: 'https://api.hyperbolic.xyz/v1', endpoints: ['chat', 'completions'],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
