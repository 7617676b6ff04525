/**
 * Claude in Microsoft Foundry, by Anthropic's own format; the model is the operator's name of a deployment.
 * https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry
 * Its scope for tokens of Entra ID, and the variables, are those of that page and of https://code.claude.com/docs/en/microsoft-foundry.
 * Betas that it knows: https://github.com/BerriAI/litellm (litellm/anthropic_beta_headers_config.json). It has no list of models.
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

const betas = { as: 'header', known: {
  'advanced-tool-use-2025-11-20': 'advanced-tool-use-2025-11-20', 'code-execution-2025-08-25': 'code-execution-2025-08-25', 'computer-use-2025-01-24': 'computer-use-2025-01-24',
  'computer-use-2025-11-24': 'computer-use-2025-11-24', 'context-1m-2025-08-07': 'context-1m-2025-08-07', 'context-management-2025-06-27': 'context-management-2025-06-27', 'effort-2025-11-24': 'effort-2025-11-24',
  'files-api-2025-04-14': 'files-api-2025-04-14', 'interleaved-thinking-2025-05-14': 'interleaved-thinking-2025-05-14', 'mcp-client-2025-04-04': 'mcp-client-2025-04-04', 'mcp-client-2025-11-20': 'mcp-client-2025-11-20',
  'prompt-caching-scope-2026-01-05': 'prompt-caching-scope-2026-01-05', 'skills-2025-10-02': 'skills-2025-10-02', 'structured-outputs-2025-11-13': 'structured-outputs-2025-11-13',
  'web-fetch-2025-09-10': 'web-fetch-2025-09-10', 'web-search-2025-03-05': 'web-search-2025-03-05',
} } as const

export const azureAnthropic = vendor({
  id: 'azure-anthropic', name: 'Anthropic on Azure', docs: 'https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry', pricedAs: 'azure',
  env: ['ANTHROPIC_FOUNDRY_API_KEY'], baseUrlEnv: 'ANTHROPIC_FOUNDRY_BASE_URL', auth: { scheme: 'entra', scope: 'https://ai.azure.com/.default', header: 'x-api-key' },
  forms: [{ name: 'Application of Entra ID', parts: [
    { name: 'AZURE_CLIENT_ID', what: 'application (client) id' }, { name: 'AZURE_CLIENT_SECRET', what: 'client secret', secret: true }, { name: 'AZURE_TENANT_ID', what: 'directory (tenant) id' },
  ] }],
  baseUrl: 'https://{ANTHROPIC_FOUNDRY_RESOURCE}.services.ai.azure.com/anthropic/v1', places: { ANTHROPIC_FOUNDRY_RESOURCE: 'name of the Foundry resource' },
  formats: [{ protocol: 'anthropic-messages', betas }], headers: { 'anthropic-version': '2023-06-01' }, endpoints: ['chat'], modelsPath: null, proofs: 'anthropic',
  check: { path: '/messages', body: '{"model":"megarouter-credential-check","max_tokens":1,"messages":[]}' },
  bounds: { hidesReasoning: true },
})
