/**
 * Cerebras. `max_tokens` is deprecated and bounds as well (recorded: 9 answers cut off at exactly that limit). Usage stands on the
 * last chunk, which still has a choice (recorded). https://inference-docs.cerebras.ai/api-reference/chat-completions
 * Reasoning is part of the stream, but a client may have it hidden (`reasoning_format`), and it is billed all the same.
 * `developer` is no role of the vendor's SDK: https://github.com/Cerebras/cerebras-cloud-sdk-python
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const cerebras = vendor({
  id: 'cerebras', name: 'Cerebras', docs: 'https://inference-docs.cerebras.ai/api-reference/chat-completions',
  baseUrl: 'https://api.cerebras.ai/v1', endpoints: ['chat', 'completions'], billsAfterAbort: true,
  quirks: { otherLimit: 'bounds', rateLimitHeaders: 'cerebras' },
  bounds: { hidesReasoning: true },
})
