/**
 * Databricks by its AI Gateway, which may fail over to other models; OpenAI's among them hide their reasoning. `max_tokens`:
 * https://learn.microsoft.com/azure/databricks/ai-gateway/query-model-services. An answer's content may be a list of parts:
 * https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference. No list of models at this address:
 * https://docs.getbifrost.ai/providers/supported-providers/databricks. When streams carry usage, how it is counted and whether
 * `developer` is a role was not found. Tokens of OAuth expire after an hour.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const databricks = vendor({
  id: 'databricks', name: 'Databricks', docs: 'https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference',
  env: ['DATABRICKS_API_KEY', 'DATABRICKS_TOKEN'],
  baseUrl: 'https://{DATABRICKS_HOST}/ai-gateway/mlflow/v1',
  places: { DATABRICKS_HOST: 'host of the workspace without https://, such as dbc-12345678-9abc.cloud.databricks.com' },
  modelsPath: null, billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { priceVaries: true, hidesReasoning: true },
})
