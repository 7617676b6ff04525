/**
 * GitHub Models. GITHUB_TOKEN, which every CI job has, does not switch it on. `max_tokens`, usage in streams when asked, and the role
 * `developer` are documented: https://docs.github.com/en/rest/models/inference. The list of models is not under this address.
 * An organisation's bill: GITHUB_MODELS_BASE_URL=https://models.github.ai/orgs/<name>/inference
 * OpenAI's models hide their reasoning and count images as openai.ts says; how usage is counted is not documented.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const githubModels = vendor({
  id: 'github-models', name: 'GitHub Models', docs: 'https://docs.github.com/en/rest/models/inference',
  baseUrl: 'https://models.github.ai/inference', modelsPath: null, billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', developerRole: true },
  bounds: { hidesReasoning: true, imageTokens: [{ models: 'openai/gpt-4o-mini*', most: 48_169 }] },
})
