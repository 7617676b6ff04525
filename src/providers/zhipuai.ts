/**
 * Zhipu AI (GLM), in China; zai.ts is the same platform outside China. `max_tokens`, and the roles user, assistant, system and tool:
 * https://docs.bigmodel.cn (schema: https://github.com/api-evangelist/zhipu-ai). `/paas/v4` is the version; there is no /v1.
 * When streams carry usage and how cached and reasoning tokens are counted was not found. Searches are tools and billed by the call.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const zhipuai = vendor({
  id: 'zhipuai', name: 'Zhipu AI', docs: 'https://docs.bigmodel.cn',
  env: ['ZHIPUAI_API_KEY', 'ZHIPU_API_KEY'],
  baseUrl: 'https://open.bigmodel.cn/api/paas/v4', billsAfterAbort: true,
  quirks: { dialect: ['reasoning_content'], maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
