/** How the vendors that speak a format of their own are reached, by their documents and clients: the second opinion that their declarations are tried against, as dialects.ts is for the others. */
export interface Native {
  /** Format that it is asked in, and the model that is asked for. */
  format: string
  model: string
  /** Documented addresses of an answer and of a stream, with example values for what is the operator's own. */
  url: string
  streamUrl: string
  places: Readonly<Record<string, string>>
  keys: readonly string[]
  key: readonly [header: string, prefix: string]
  /** Left out: any text may be a key. */
  secret?: string
  headers?: Readonly<Record<string, string>>
  /** https://openrouter.ai/docs/api-reference/streaming#stream-cancellation */
  billsAfterAbort: boolean
}

const google = 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro'
const bedrock = 'https://bedrock-runtime.eu-west-1.amazonaws.com/model'
const vertex = 'https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west4/publishers/google/models/gemini-2.5-pro'

export const natives: Readonly<Record<string, Native>> = {
  // https://platform.claude.com/docs/en/api/overview
  anthropic: {
    format: 'anthropic-messages', model: 'claude-sonnet-4-5', url: 'https://api.anthropic.com/v1/messages', streamUrl: 'https://api.anthropic.com/v1/messages', places: {}, keys: ['ANTHROPIC_API_KEY'], key: ['x-api-key', ''],
    headers: { 'anthropic-version': '2023-06-01' }, billsAfterAbort: false,
  },
  // https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry
  'azure-anthropic': {
    format: 'anthropic-messages', model: 'claude-sonnet-4-5', url: 'https://my-resource.services.ai.azure.com/anthropic/v1/messages', streamUrl: 'https://my-resource.services.ai.azure.com/anthropic/v1/messages',
    places: { ANTHROPIC_FOUNDRY_RESOURCE: 'my-resource' }, keys: ['ANTHROPIC_FOUNDRY_API_KEY'], key: ['x-api-key', ''], headers: { 'anthropic-version': '2023-06-01' }, billsAfterAbort: false,
  },
  // https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
  bedrock: {
    format: 'bedrock-converse', model: 'amazon.nova-lite-v1:0', url: `${bedrock}/amazon.nova-lite-v1%3A0/converse`, streamUrl: `${bedrock}/amazon.nova-lite-v1%3A0/converse-stream`,
    places: { AWS_REGION: 'eu-west-1' }, keys: ['AWS_BEARER_TOKEN_BEDROCK'], key: ['authorization', 'Bearer '], billsAfterAbort: true,
  },
  // https://ai.google.dev/gemini-api/docs/api-key
  google: {
    format: 'gemini-generate', model: 'gemini-2.5-pro', url: `${google}:generateContent`, streamUrl: `${google}:streamGenerateContent?alt=sse`, places: {}, keys: ['GEMINI_API_KEY'], key: ['x-goog-api-key', ''], billsAfterAbort: true,
  },
  // https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
  vertex: {
    format: 'gemini-generate', model: 'gemini-2.5-pro', url: `${vertex}:generateContent`, streamUrl: `${vertex}:streamGenerateContent?alt=sse`,
    places: { GOOGLE_CLOUD_PROJECT: 'my-project', GOOGLE_CLOUD_LOCATION: 'europe-west4' }, keys: ['VERTEX_CREDENTIALS'], key: ['authorization', 'Bearer '],
    secret: 'ya29.token-of-the-vendor', billsAfterAbort: true,
  },
}
