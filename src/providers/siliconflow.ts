/**
 * SiliconFlow, outside China. `max_tokens` does not count the chain of thought, by the Chinese reference; other pages do not say:
 * https://docs.siliconflow.cn/docs/api/chat-completions-post
 * When streams carry usage, how cached and reasoning tokens are counted and whether `developer` is a role was not found.
 * https://docs.siliconflow.com/en/userguide/capabilities/text-generation
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const siliconflow = vendor({
  id: 'siliconflow', name: 'SiliconFlow', docs: 'https://docs.siliconflow.com/en/userguide/capabilities/text-generation',
  baseUrl: 'https://api.siliconflow.com/v1', billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
  bounds: { reasoningBeyondLimit: true },
})
