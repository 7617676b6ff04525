/**
 * StepFun, in China; keys of the international platform belong to STEPFUN_BASE_URL=https://api.stepfun.ai/v1.
 * `max_tokens`: https://platform.stepfun.ai/docs/en/api-reference/chat/chat-completion-create. Every chunk carries running usage unasked:
 * https://platform.stepfun.ai/docs/en/api-reference/chat/streaming. Whether cached and reasoning tokens are part of the others is not
 * said; `developer` is not among the roles.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const stepfun = vendor({
  id: 'stepfun', name: 'StepFun', docs: 'https://platform.stepfun.ai/docs/en/api-reference/chat/chat-completion-create',
  baseUrl: 'https://api.stepfun.com/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { streamUsage: 'always', maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
