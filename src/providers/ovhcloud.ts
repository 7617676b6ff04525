/**
 * OVHcloud AI Endpoints. `max_tokens`: https://ovh.github.io/apache-airflow-provider-ovhcloud-ai/ai-endpoints. When streams carry usage,
 * how cached tokens are counted and whether `developer` is a role was not found.
 * https://docs.ovhcloud.com/en/guides/public-cloud/ai-machine-learning/ai-endpoints-getting-started
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const ovhcloud = vendor({
  id: 'ovhcloud', name: 'OVHcloud AI Endpoints', docs: 'https://docs.ovhcloud.com/en/guides/public-cloud/ai-machine-learning/ai-endpoints-getting-started',
  env: ['OVHCLOUD_API_KEY', 'OVH_AI_ENDPOINTS_ACCESS_TOKEN'],
  baseUrl: 'https://oai.endpoints.kepler.ai.cloud.ovh.net/v1', billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
