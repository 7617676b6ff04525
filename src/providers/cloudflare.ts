/**
 * Cloudflare Workers AI. Its list of models is in a form of Cloudflare's own. When streams carry usage was not found.
 * https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/
 * `developer` is written as `system`: https://github.com/badlogic/pi-mono (packages/ai/src/providers/openai-completions.ts)
 * The same address takes models of other vendors (`author/model`), which may hide reasoning and bill after an abort, so their
 * streams are drained: https://developers.cloudflare.com/ai-gateway/usage/rest-api/. Workers AI itself (`@cf/…`) stops at an abort:
 * https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const cloudflare = vendor({
  id: 'cloudflare', name: 'Cloudflare Workers AI', docs: 'https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/',
  env: ['CLOUDFLARE_API_KEY', 'CLOUDFLARE_API_TOKEN'],
  baseUrl: 'https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1',
  places: { CLOUDFLARE_ACCOUNT_ID: 'id of the Cloudflare account, 32 hexadecimal digits' },
  modelsPath: null, billsAfterAbort: true, catalogId: 'cloudflare-workers-ai',
  families: [{ models: ['@cf/*', '@hf/*'], billsAfterAbort: false, quirks: { otherLimit: 'renamed' } }],
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { hidesReasoning: true },
})
