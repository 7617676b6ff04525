/**
 * Snowflake Cortex; the key is a programmatic access token. https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api
 * `max_completion_tokens`: https://github.com/BerriAI/litellm (litellm/llms/snowflake/chat/transformation.py). The list of models is not
 * under this address. When streams carry usage, how it is counted and whether `developer` is a role was not found. OpenAI's models hide
 * their reasoning. It is priced in credits, so the operator declares what a token costs.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const snowflake = vendor({
  id: 'snowflake', name: 'Snowflake Cortex', docs: 'https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api',
  env: ['SNOWFLAKE_API_KEY', 'SNOWFLAKE_CORTEX_PAT'],
  baseUrl: 'https://{SNOWFLAKE_ACCOUNT}.snowflakecomputing.com/api/v2/cortex/v1',
  places: { SNOWFLAKE_ACCOUNT: 'account identifier, such as myorg-myaccount, with hyphens for underscores' },
  modelsPath: null, endpoints: ['chat'], billsAfterAbort: true, catalogId: 'snowflake-cortex',
  bounds: { hidesReasoning: true },
})
