/**
 * NVIDIA's hosted NIM models. Each model is a container of its own, so that fields, errors and reasoning differ by model. Usage comes
 * with every chunk, as a running total: https://github.com/pipecat-ai/pipecat/blob/main/src/pipecat/services/nvidia/llm.py
 * One integrator saw a stream hang when usage was asked for: https://github.com/HKUDS/DeepTutor/pull/420
 * `max_tokens`, and no `developer`: https://github.com/earendil-works/pi/blob/main/packages/ai/src/api/openai-completions.ts
 * How cached and reasoning tokens are counted is not documented. https://docs.api.nvidia.com/nim/reference/llm-apis
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const nvidia = vendor({
  id: 'nvidia', name: 'NVIDIA NIM', docs: 'https://docs.api.nvidia.com/nim/reference/llm-apis',
  baseUrl: 'https://integrate.api.nvidia.com/v1', endpoints: ['chat', 'completions', 'embeddings'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
