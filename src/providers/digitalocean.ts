/**
 * DigitalOcean serverless inference. `max_completion_tokens` is 256 at least; usage in streams when asked; the role `developer`:
 * https://docs.digitalocean.com/products/inference-hub/how-to/use-chat-completions-api/ and https://github.com/digitalocean/openapi
 * Usage has cached tokens in fields like Anthropic's, where they are beside the prompt; which it is here is not said, so they are added.
 * The key is a model access key, so DIGITALOCEAN_ACCESS_TOKEN, the account's, does not switch it on.
 * OpenAI's models hide their reasoning and count images as openai.ts says.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const digitalocean = vendor({
  id: 'digitalocean', name: 'DigitalOcean', docs: 'https://docs.digitalocean.com/products/inference-hub/how-to/use-chat-completions-api/',
  baseUrl: 'https://inference.do-ai.run/v1', billsAfterAbort: true,
  usage: { promptIncludesCached: false, completionIncludesReasoning: true },
  quirks: { developerRole: true, rateLimitHeaders: 'digitalocean' },
  bounds: { leastOutputTokens: 256, hidesReasoning: true, imageTokens: [{ models: 'openai-gpt-4o-mini*', most: 48_169 }] },
})
