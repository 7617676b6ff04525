/**
 * LM Studio on the operator's machine, usually `LMSTUDIO_BASE_URL=http://127.0.0.1:1234/v1`. It takes no key unless tokens are switched
 * on (https://github.com/lmstudio-ai/docs, 0_core/authentication.mdx). Lists all models that were downloaded and loads one when it is asked for, so that a first request can
 * take minutes. `max_completion_tokens` and the role `developer` are not among the supported fields.
 * https://lmstudio.ai/docs/developer/openai-compat
 */
import { vendor } from './provider.ts'

export const lmstudio = vendor({
  id: 'lmstudio', name: 'LM Studio', docs: 'https://lmstudio.ai/docs/developer/openai-compat',
  env: ['LMSTUDIO_API_KEY', 'LM_API_TOKEN'], selfHosted: true, endpoints: ['chat', 'completions', 'embeddings'],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
