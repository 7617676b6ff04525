/**
 * Hugging Face Inference Providers: a router, by default to the fastest provider, each with its own prices and its own way of
 * counting; `:cheapest` or `:<provider>` behind a model choose. https://huggingface.co/docs/inference-providers/index
 * `max_tokens`, and usage in streams when asked: https://huggingface.co/docs/inference-providers/tasks/chat-completion
 * `developer` is written as `system`: https://github.com/badlogic/pi-mono (packages/ai/scripts/generate-models.ts)
 * Whether an abort stops the bill depends on the provider behind it, so a stream is drained.
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const huggingface = vendor({
  id: 'huggingface', name: 'Hugging Face', docs: 'https://huggingface.co/docs/inference-providers/tasks/chat-completion',
  env: ['HUGGINGFACE_API_KEY', 'HF_TOKEN'],
  baseUrl: 'https://router.huggingface.co/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { priceVaries: true },
})
