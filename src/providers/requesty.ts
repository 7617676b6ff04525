/**
 * Requesty, a router to vendors of different prices, with fallbacks and 5 % on top; EU: REQUESTY_BASE_URL=https://router.eu.requesty.ai/v1.
 * `max_tokens`: https://docs.requesty.ai (read by https://github.com/api-evangelist/requesty). When streams carry usage, how it is counted
 * and whether `developer` is a role was not found.
 * Abort: no statement found, and it depends on the vendor behind it, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const requesty = vendor({
  id: 'requesty', name: 'Requesty', docs: 'https://docs.requesty.ai',
  baseUrl: 'https://router.requesty.ai/v1', billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { priceVaries: true, hidesReasoning: true },
})
