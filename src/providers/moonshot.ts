/**
 * Moonshot AI (Kimi), outside China. `max_tokens` is deprecated, and stands in the reference beside its successor. Cached tokens are
 * `cached_tokens` at the top of the usage object, within the prompt. https://platform.kimi.ai/docs/api/chat
 * `developer` is refused: https://github.com/openclaw/openclaw/pull/22194. Search is a tool that the client adds, with a fee per
 * call: https://platform.kimi.ai/docs/pricing/tools
 * While it thinks, earlier messages with calls need `reasoning_content`: https://github.com/QuantumNous/new-api/issues/3121
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const moonshot = vendor({
  id: 'moonshot', name: 'Moonshot AI', docs: 'https://platform.kimi.ai/docs/api/chat',
  baseUrl: 'https://api.moonshot.ai/v1', endpoints: ['chat'], billsAfterAbort: true, catalogId: 'moonshotai',
  quirks: { thoughtWithCalls: true, dialect: ['reasoning_content'], otherLimit: 'bounds' },
})
