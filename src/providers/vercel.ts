/**
 * Vercel AI Gateway: a router to vendors of different prices, with searches of its own as tools. Its API is OpenAI's by its own word;
 * the output limit and the role `developer` are on no page that was found.
 * https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions
 * VERCEL_OIDC_TOKEN, which Vercel sets by itself, does not switch it on.
 * Abort: no statement found, and it depends on the vendor behind it, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const vercel = vendor({
  id: 'vercel', name: 'Vercel AI Gateway', docs: 'https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions',
  env: ['VERCEL_API_KEY', 'AI_GATEWAY_API_KEY'],
  baseUrl: 'https://ai-gateway.vercel.sh/v1', billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { priceVaries: true, hidesReasoning: true },
})
