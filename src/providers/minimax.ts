/**
 * MiniMax, outside China. `max_tokens` is deprecated in favour of `max_completion_tokens`; streams carry usage when asked:
 * https://platform.minimax.io/docs/api-reference/text-post. Reasoning comes as <think> in the content, and is within the completion.
 * No list of models was found. Chunks on the way may carry a usage object with a total of 0 alone, which counts as none:
 * https://github.com/MiniMax-AI/MiniMax-M2.5/issues/2. `developer` is refused: https://github.com/openclaw/openclaw/issues/3022
 * Bills to the end after an abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const minimax = vendor({
  id: 'minimax', name: 'MiniMax', docs: 'https://platform.minimax.io/docs/api-reference/text-chat-openai',
  baseUrl: 'https://api.minimax.io/v1', modelsPath: null, endpoints: ['chat'], billsAfterAbort: true,
  quirks: { otherLimit: 'bounds' },
})
