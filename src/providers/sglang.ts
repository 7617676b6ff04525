/**
 * SGLang on the operator's machines, for example `SGLANG_BASE_URL=http://127.0.0.1:30000/v1`; a key is needed only when it was
 * started with --api-key.
 * `max_tokens` is deprecated and bounds as well; streams carry usage when asked. https://github.com/sgl-project/sglang
 * (python/sglang/srt/entrypoints/openai/protocol.py)
 * `developer` is accepted, and lost where the model's template does not know it: https://github.com/sgl-project/sglang/issues/40082
 */
import { vendor } from './provider.ts'

export const sglang = vendor({
  id: 'sglang', name: 'SGLang', docs: 'https://github.com/sgl-project/sglang/tree/main/docs/basic_usage',
  selfHosted: true, endpoints: ['chat', 'completions', 'embeddings'],
  quirks: { otherLimit: 'bounds' },
})
