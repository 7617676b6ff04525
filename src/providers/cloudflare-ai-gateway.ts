/**
 * Cloudflare AI Gateway by its own host, deprecated since May 2026 in favour of the address of cloudflare.ts, but served:
 * https://developers.cloudflare.com/ai-gateway/usage/chat-completion/. The token stands in a header of its own, and the vendors' keys are
 * stored in the gateway or billed by Cloudflare: https://developers.cloudflare.com/ai-gateway/configuration/authentication/
 * Models are `author/model`. `max_tokens`, and `developer` as `system`: https://github.com/badlogic/pi-mono
 * (packages/ai/src/providers/openai-completions.ts). Abort: it depends on the vendor behind it, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const cloudflareAiGateway = vendor({
  id: 'cloudflare-ai-gateway', name: 'Cloudflare AI Gateway', docs: 'https://developers.cloudflare.com/ai-gateway/usage/chat-completion/',
  auth: { header: 'cf-aig-authorization', bearer: true },
  baseUrl: 'https://gateway.ai.cloudflare.com/v1/{CLOUDFLARE_ACCOUNT_ID}/{CLOUDFLARE_GATEWAY_ID}/compat',
  places: { CLOUDFLARE_ACCOUNT_ID: 'id of the Cloudflare account, 32 hexadecimal digits', CLOUDFLARE_GATEWAY_ID: 'name of the gateway; `default` is made at the first request' },
  modelsPath: null, endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { priceVaries: true, hidesReasoning: true },
})
