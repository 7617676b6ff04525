/**
 * Xiaomi MiMo. Clients contradict each other about the output limit; `max_tokens` is what LiteLLM sends:
 * https://github.com/BerriAI/litellm (litellm/llms/openai_like/providers.json). When streams carry usage, how it is counted and whether
 * `developer` is a role was not found. https://platform.xiaomimimo.com/#/docs
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const xiaomi = vendor({
  id: 'xiaomi', name: 'Xiaomi MiMo', docs: 'https://platform.xiaomimimo.com/#/docs',
  env: ['XIAOMI_API_KEY', 'MIMO_API_KEY'],
  baseUrl: 'https://api.xiaomimimo.com/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
})
