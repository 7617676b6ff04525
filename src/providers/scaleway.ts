/**
 * Scaleway Generative APIs. `max_completion_tokens` bounds reasoning too:
 * https://www.scaleway.com/en/docs/generative-apis/how-to/query-reasoning-models/. `max_tokens` and `stream_options` are documented
 * beside it: https://www.scaleway.com/en/docs/generative-apis/api-cli/using-chat-api/. The role `developer` is not.
 * The bill is in euros, each model and kind of token rounded up to a whole million a month:
 * https://www.scaleway.com/en/docs/generative-apis/faq/pricing-and-billing/
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const scaleway = vendor({
  id: 'scaleway', name: 'Scaleway', docs: 'https://www.scaleway.com/en/developers/api/generative-apis/chat-completions/',
  env: ['SCALEWAY_API_KEY', 'SCW_SECRET_KEY'],
  baseUrl: 'https://api.scaleway.ai/v1', billsAfterAbort: true,
  quirks: { otherLimit: 'bounds' },
})
