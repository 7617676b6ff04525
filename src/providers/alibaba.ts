/**
 * Alibaba Cloud Model Studio (Qwen), Singapore; ALIBABA_BASE_URL for other regions and for the addresses of a workspace.
 * `max_completion_tokens` bounds reasoning and answer; `max_tokens` bounds, by model, the answer alone:
 * https://www.alibabacloud.com/help/en/model-studio/api-compatibility-upgrade-notice
 * Cache reads and writes are within the prompt: https://github.com/vercel/ai/blob/main/packages/alibaba/src/convert-alibaba-usage.ts
 * Usage comes in a chunk of its own, reasoning in the completion (recorded: 24 + 1,355 = 1,379, 1,084 of it reasoning).
 * `developer` is refused: https://github.com/openclaw/openclaw/pull/24675. Bills to the end after an abort:
 * https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const alibaba = vendor({
  id: 'alibaba', name: 'Alibaba Cloud Model Studio', docs: 'https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-chat-completions',
  env: ['ALIBABA_API_KEY', 'DASHSCOPE_API_KEY'],
  baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1', billsAfterAbort: true,
  quirks: { dialect: ['reasoning_content'] },
})
