/**
 * llama.cpp server on the operator's machine, usually `LLAMACPP_BASE_URL=http://127.0.0.1:8080/v1`; a key is needed only when it was
 * started with --api-key.
 * https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md. Cached tokens are within the prompt, and streams carry usage
 * when asked (recorded). `max_completion_tokens` did not bound: https://github.com/ggml-org/llama.cpp/issues/13700
 * `developer` fails in builds before March 2026: https://github.com/ggml-org/llama.cpp/pull/20215
 * Recordings and reranking (recorded): https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
 */
import { vendor } from './provider.ts'

export const llamacpp = vendor({
  id: 'llamacpp', name: 'llama.cpp', docs: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
  selfHosted: true, endpoints: ['chat', 'completions', 'embeddings', 'transcriptions', 'rerank'],
  quirks: { dialect: ['reasoning_content', 'video_url', 'top_k', 'min_p'], maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
