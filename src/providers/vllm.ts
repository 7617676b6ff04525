/**
 * vLLM on the operator's machines, for example `VLLM_BASE_URL=http://127.0.0.1:8000/v1`; `VLLM_API_KEY` is needed only when
 * the server was started with one. `max_tokens` is deprecated and bounds as well. Whether
 * `developer` is a role depends on the model's template. https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
 * Audio and reranking: https://docs.vllm.ai/en/v0.22.1/serving/online_serving/
 */
import { vendor } from './provider.ts'

export const vllm = vendor({
  id: 'vllm', name: 'vLLM', docs: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
  selfHosted: true, endpoints: ['chat', 'completions', 'embeddings', 'transcriptions', 'translations', 'rerank'],
  quirks: { dialect: ['reasoning_content', 'top_k', 'min_p', 'repetition_penalty', 'video_url'], otherLimit: 'bounds' },
})
