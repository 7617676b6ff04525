/**
 * Google Cloud's Vertex AI: Gemini by generateContent; Claude by rawPredict, which is Anthropic's own format with the model in the path;
 * open models, whose names have a slash, by chat completions; texts are embedded by predict. https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
 * https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
 * https://cloud.google.com/vertex-ai/generative-ai/docs/maas/use-open-models
 * Hosts of the locations global, us and eu: https://github.com/googleapis/js-genai (src/_api_client.ts). An unknown beta refuses the request;
 * those that it knows: https://github.com/BerriAI/litellm (litellm/anthropic_beta_headers_config.json). Counting tokens costs nothing.
 * `store` is a member of AI Studio's requests alone.
 * Keeps billing after an abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

const betas = { as: 'header', known: {
  'advanced-tool-use-2025-11-20': 'tool-search-tool-2025-10-19', 'compact-2026-01-12': 'compact-2026-01-12', 'computer-use-2025-01-24': 'computer-use-2025-01-24', 'computer-use-2025-11-24': 'computer-use-2025-11-24',
  'context-1m-2025-08-07': 'context-1m-2025-08-07', 'context-management-2025-06-27': 'context-management-2025-06-27', 'interleaved-thinking-2025-05-14': 'interleaved-thinking-2025-05-14',
  'tool-search-tool-2025-10-19': 'tool-search-tool-2025-10-19', 'web-search-2025-03-05': 'web-search-2025-03-05',
} } as const

const place = 'v1/projects/{GOOGLE_CLOUD_PROJECT}/locations/{GOOGLE_CLOUD_LOCATION}'

export const vertex = vendor({
  id: 'vertex', name: 'Google Vertex AI', docs: 'https://cloud.google.com/vertex-ai/generative-ai/docs/start/gcp-auth', catalogId: 'google-vertex',
  env: ['VERTEX_CREDENTIALS', 'GOOGLE_APPLICATION_CREDENTIALS'], fileEnv: ['GOOGLE_APPLICATION_CREDENTIALS'], baseUrlEnv: 'VERTEX_BASE_URL', auth: { scheme: 'google' },
  credential: 'Service account (JSON), API key or token',
  baseUrl: `https://{GOOGLE_CLOUD_LOCATION}-aiplatform.googleapis.com/${place}`,
  places: { GOOGLE_CLOUD_LOCATION: 'location, such as global or europe-west4', GOOGLE_CLOUD_PROJECT: 'id of the project' },
  placeNames: { GOOGLE_CLOUD_LOCATION: ['CLOUD_ML_REGION'], GOOGLE_CLOUD_PROJECT: ['ANTHROPIC_VERTEX_PROJECT_ID'] },
  placedUrls: [
    { when: { GOOGLE_CLOUD_LOCATION: 'global' }, baseUrl: `https://aiplatform.googleapis.com/${place}` },
    { when: { GOOGLE_CLOUD_LOCATION: 'us' }, baseUrl: `https://aiplatform.us.rep.googleapis.com/${place}` },
    { when: { GOOGLE_CLOUD_LOCATION: 'eu' }, baseUrl: `https://aiplatform.eu.rep.googleapis.com/${place}` },
  ],
  formats: [{ protocol: 'gemini-generate', prefix: '/publishers/google' }, { protocol: 'vertex-predict', prefix: '/publishers/google' }], endpoints: ['chat', 'embeddings'], modelsPath: null, billsAfterAbort: true, proofs: 'google',
  check: { path: '/publishers/google/models/gemini-2.5-flash:countTokens', body: '{"contents":[]}' },
  bounds: { hidesReasoning: true }, quirks: { drops: ['store'] },
  families: [{
    models: ['claude-*'], proofs: 'anthropic',
    formats: [{
      protocol: 'anthropic-messages', prefix: '/publishers/anthropic', path: '/models/{model}:rawPredict', streamPath: '/models/{model}:streamRawPredict', countPath: '/models/count-tokens:rawPredict', placed: ['model'],
      fixed: { anthropic_version: '"vertex-2023-10-16"' }, betas,
    }],
  }, {
    models: ['*/*'], proofs: 'vertex', quirks: { maxTokensField: 'max_tokens' }, formats: [{ protocol: 'openai-chat', prefix: '/endpoints/openapi' }],
  }],
})
