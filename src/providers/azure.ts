/**
 * Azure OpenAI, by the v1 address without api-version; at a base URL that ends in /openai, by the older addresses of deployments, whose last
 * stable api-version is 2024-10-21. The model is the operator's name of a deployment, whose price is declared.
 * Entra ID: https://learn.microsoft.com/en-us/azure/ai-services/openai/how-to/managed-identity
 * Errors after processing are billed (400, 408; not 401, 429): https://learn.microsoft.com/azure/ai-services/openai/how-to/manage-costs
 * `max_tokens` bounds, and both fields together are refused: https://github.com/BerriAI/litellm/pull/34214. Reasoning models refuse it:
 * https://learn.microsoft.com/en-us/azure/ai-services/openai/how-to/reasoning. Families go by the names that deployments mostly have.
 * `developer` is documented for OpenAI's models, not for others deployed here, and never together with `system`, so `system` is sent.
 * https://learn.microsoft.com/en-us/azure/foundry/openai/api-version-lifecycle
 * Reasoning is hidden and images count as openai.ts says, by names of models. Recorded: total = prompt + completion, reasoning in it.
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 * Images and audio by the same address: https://learn.microsoft.com/en-us/azure/foundry/openai/latest
 */
import { vendor } from './provider.ts'

export const azure = vendor({
  id: 'azure', name: 'Azure OpenAI', docs: 'https://learn.microsoft.com/en-us/azure/foundry/openai/api-version-lifecycle',
  env: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'], auth: { scheme: 'entra', scope: 'https://cognitiveservices.azure.com/.default', header: 'api-key' },
  forms: [{ name: 'Application of Entra ID', parts: [
    { name: 'AZURE_CLIENT_ID', what: 'application (client) id' }, { name: 'AZURE_CLIENT_SECRET', what: 'client secret', secret: true }, { name: 'AZURE_TENANT_ID', what: 'directory (tenant) id' },
  ] }],
  endpointEnv: { name: 'AZURE_OPENAI_ENDPOINT', path: '/openai/v1' },
  otherAddress: { ends: '/openai', modelsPath: '/models?api-version=2024-10-21', formats: [{ protocol: 'openai-chat', prefix: '/deployments/{model}', query: 'api-version=2024-10-21' }] },
  baseUrl: 'https://{AZURE_RESOURCE_NAME}.openai.azure.com/openai/v1', formats: [{ protocol: 'openai-responses' }, { protocol: 'openai-chat' }],
  places: { AZURE_RESOURCE_NAME: 'name of the Azure OpenAI resource, the first label of the host in AZURE_OPENAI_ENDPOINT' },
  endpoints: ['chat', 'completions', 'embeddings', 'images', 'image_edits', 'speech', 'transcriptions', 'translations', 'files', 'batches'], billsErrors: [400, 408],
  quirks: { otherLimit: 'bounds', rateLimitHeaders: 'azure' },
  families: [{ models: ['o1*', 'o3*', 'o4*', 'gpt-5*'], quirks: { otherLimit: 'renamed' } }],
  bounds: { hidesReasoning: true, imageTokens: [{ models: 'gpt-4o-mini*', most: 48_169 }] },
})
