/**
 * Amazon Bedrock by Converse, and its Claude models by invoke, which is Anthropic's own format with the model and streaming in the path.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
 * Embeddings and reranking by invoke, in the words of each model: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
 * An unknown beta refuses the request; those that it knows: https://github.com/BerriAI/litellm (litellm/anthropic_beta_headers_config.json).
 * Keys of Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html. Its list of models is at another host.
 * A model that does not exist is refused before anything runs, so that asking one costs nothing.
 * Keeps billing after an abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

const betas = { as: 'body', known: {
  'advanced-tool-use-2025-11-20': 'tool-search-tool-2025-10-19', 'compact-2026-01-12': 'compact-2026-01-12', 'computer-use-2025-01-24': 'computer-use-2025-01-24', 'computer-use-2025-11-24': 'computer-use-2025-11-24',
  'context-1m-2025-08-07': 'context-1m-2025-08-07', 'context-management-2025-06-27': 'context-management-2025-06-27', 'effort-2025-11-24': 'effort-2025-11-24',
  'fine-grained-tool-streaming-2025-05-14': 'fine-grained-tool-streaming-2025-05-14', 'tool-search-tool-2025-10-19': 'tool-search-tool-2025-10-19',
} } as const

export const bedrock = vendor({
  id: 'bedrock', name: 'Amazon Bedrock', docs: 'https://docs.aws.amazon.com/bedrock/latest/userguide/getting-started.html', catalogId: 'amazon-bedrock',
  env: ['AWS_BEARER_TOKEN_BEDROCK'], baseUrlEnv: 'BEDROCK_BASE_URL', auth: { scheme: 'aws', service: 'bedrock' },
  credential: 'Key of Bedrock',
  forms: [{ name: 'Access key', parts: [
    { name: 'AWS_ACCESS_KEY_ID', what: 'access key id' }, { name: 'AWS_SECRET_ACCESS_KEY', what: 'secret access key', secret: true },
    { name: 'AWS_SESSION_TOKEN', what: 'session token, of a temporary key', secret: true, optional: true },
  ] }],
  baseUrl: 'https://bedrock-runtime.{AWS_REGION}.amazonaws.com', places: { AWS_REGION: 'region whose Bedrock is called, such as us-east-1' }, placeNames: { AWS_REGION: ['AWS_DEFAULT_REGION'] },
  formats: [{ protocol: 'bedrock-converse' }, { protocol: 'bedrock-embed' }, { protocol: 'bedrock-rerank' }], endpoints: ['chat', 'embeddings', 'rerank'], modelsPath: null, billsAfterAbort: true,
  check: { path: '/model/megarouter-credential-check/converse', body: '{"messages":[]}', known: 'not authorized to perform' },
  bounds: { hidesReasoning: true },
  families: [{
    models: ['anthropic.*', '*.anthropic.*', '*/anthropic.*', '*/*.anthropic.*'], proofs: 'anthropic',
    formats: [{
      protocol: 'anthropic-messages', path: '/model/{model}/invoke', streamPath: '/model/{model}/invoke-with-response-stream', placed: ['model', 'stream'],
      fixed: { anthropic_version: '"bedrock-2023-05-31"' }, framing: 'aws-event-stream', errors: 'bedrock-converse', betas,
    }, { protocol: 'bedrock-converse' }],
  }],
})
