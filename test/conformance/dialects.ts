/**
 * How each vendor's API behaves, written from its documents, its clients and recordings, never from `src/`: the second opinion that the
 * declarations are tried against. Sources are in the comments of the declarations. What nobody says is taken as the stricter
 * behaviour: `developer` and unknown limits are refused or ignored, and a bill runs on after an abort.
 */
import type { Vendor } from '../../src/providers/provider.ts'

export type LimitField = 'max_tokens' | 'max_completion_tokens'

export interface Dialect {
  /** Documented address of the endpoint, with example values for what is the operator's own. */
  url: string
  /** Variables that hold the operator's part of the address. */
  places: Readonly<Record<string, string>>
  /** Variables that the vendor's documents or clients read the key from. */
  keys: readonly string[]
  /** Header of the key and what stands before it; null: none is needed. */
  key: readonly [header: string, prefix: string] | null
  /** Fields that bound the output. */
  limits: readonly LimitField[]
  /** Members that are answered with 400. */
  refuses: readonly string[]
  /** A smaller limit is raised to it. */
  least: number
  developer: boolean
  /** Content may be a list of parts. */
  lists: boolean
  usage: 'asked' | 'unasked' | 'running'
  /** Field of a delta with reasoning; `hidden`: none is sent. */
  reasoning: 'reasoning_content' | 'reasoning' | 'both' | 'think' | 'hidden'
  counts: Counts
  error: keyof typeof errorForms
  billsAfterAbort: boolean
  /** Statuses of errors that are billed. */
  billsErrors: readonly number[]
}

/** Where the parts of a usage object stand. */
export interface Counts {
  cached: 'prompt_tokens_details' | 'cached_tokens' | 'cached_input_tokens' | 'cache_read_input_tokens' | 'prompt_cache_hit_tokens'
  cachedInPrompt: boolean
  reasoning: 'completion_tokens_details' | 'reasoning_tokens' | 'total alone'
  reasoningInCompletion: boolean
}

/** What an answer was made of. */
export interface Made { input: number; cached: number; output: number; reasoning: number }

export function usageObject({ input, cached, output, reasoning }: Made, counts: Counts): Record<string, unknown> {
  const prompt = input + (counts.cachedInPrompt ? cached : 0)
  const completion = output + (counts.reasoningInCompletion ? reasoning : 0)
  return {
    prompt_tokens: prompt, completion_tokens: completion, total_tokens: input + cached + output + reasoning,
    ...(counts.cached === 'prompt_tokens_details' ? { prompt_tokens_details: { cached_tokens: cached } } : { [counts.cached]: cached }),
    ...(counts.reasoning === 'total alone' ? {} : counts.reasoning === 'reasoning_tokens' ? { reasoning_tokens: reasoning } : { completion_tokens_details: { reasoning_tokens: reasoning } }),
  }
}

/** The body of an error with this text and code. */
export const errorForms = {
  openai: (message: string, code: string) => ({ error: { message, type: 'invalid_request_error', param: null, code } }),
  'without a code': (message: string) => ({ error: { message, type: 'invalid_request_error' } }),
  'without a type': (message: string) => ({ error: { code: '1214', message } }),
  flat: (message: string, code: string) => ({ message, type: 'invalid_request_error', param: null, code }),
  text: (message: string) => ({ error: message }),
  detail: (message: string) => ({ detail: message }),
  id: (message: string, code: string) => ({ id: code, message, request_id: 'r-1' }),
  'numbered, flat': (message: string) => ({ code: 20015, message, data: null }),
  'a list': (message: string) => [{ error: { code: 400, message, status: 'INVALID_ARGUMENT' } }],
  'a list of messages': (message: string) => ({ error: { message: [{ msg: message }], type: 'invalid_request_error' } }),
  'with a type outside': (message: string) => ({ type: 'error', error: { type: 'bad_request_error', message, http_code: '400' }, request_id: 'r-1' }),
  problem: (message: string) => ({ type: 'urn:bad-request', title: 'Bad Request', status: 400, detail: message }),
} satisfies Record<string, (message: string, code: string) => object>

const both: readonly LimitField[] = ['max_tokens', 'max_completion_tokens']
const newer: readonly LimitField[] = ['max_completion_tokens']
const openaiCounts: Counts = { cached: 'prompt_tokens_details', cachedInPrompt: true, reasoning: 'completion_tokens_details', reasoningInCompletion: true }

const usual: Omit<Dialect, 'url'> = {
  places: {}, keys: [], key: ['authorization', 'Bearer '], limits: ['max_tokens'], refuses: [], least: 1, developer: false, lists: true, usage: 'asked', reasoning: 'reasoning_content',
  counts: openaiCounts, error: 'openai', billsAfterAbort: true, billsErrors: [],
}
const chatAt = (base: string, differs: Partial<Dialect> = {}): Dialect => ({ ...usual, url: `${base}/chat/completions`, ...differs })
/** A server on the operator's machine: the gateway is the only one that could bill. */
const ownServer = (differs: Partial<Dialect>): Dialect => chatAt('http://127.0.0.1:8000/v1', { billsAfterAbort: false, ...differs })

export const dialects: Readonly<Record<string, Dialect>> = {
  aihubmix: chatAt('https://aihubmix.com/v1', { keys: ['AIHUBMIX_API_KEY'] }),
  alibaba: chatAt('https://dashscope-intl.aliyuncs.com/compatible-mode/v1', { keys: ['DASHSCOPE_API_KEY', 'ALIBABA_API_KEY'], limits: newer }),
  azure: chatAt('https://my-resource.openai.azure.com/openai/v1', {
    places: { AZURE_RESOURCE_NAME: 'my-resource' }, keys: ['AZURE_OPENAI_API_KEY', 'AZURE_API_KEY'], key: ['api-key', ''], limits: both, reasoning: 'hidden', billsAfterAbort: false, billsErrors: [400, 408],
  }),
  baseten: chatAt('https://inference.baseten.co/v1', { keys: ['BASETEN_API_KEY'], refuses: newer, usage: 'running', reasoning: 'hidden' }),
  cerebras: chatAt('https://api.cerebras.ai/v1', { keys: ['CEREBRAS_API_KEY'], limits: both, reasoning: 'reasoning', error: 'flat' }),
  chutes: chatAt('https://llm.chutes.ai/v1', { keys: ['CHUTES_API_KEY'], reasoning: 'both', billsAfterAbort: false }),
  cloudflare: chatAt('https://api.cloudflare.com/client/v4/accounts/0123abcd/ai/v1', { places: { CLOUDFLARE_ACCOUNT_ID: '0123abcd' }, keys: ['CLOUDFLARE_API_KEY', 'CLOUDFLARE_API_TOKEN'] }),
  'cloudflare-ai-gateway': chatAt('https://gateway.ai.cloudflare.com/v1/0123abcd/default/compat', {
    places: { CLOUDFLARE_ACCOUNT_ID: '0123abcd', CLOUDFLARE_GATEWAY_ID: 'default' }, keys: ['CLOUDFLARE_AI_GATEWAY_API_KEY'], key: ['cf-aig-authorization', 'Bearer '],
  }),
  cohere: chatAt('https://api.cohere.ai/compatibility/v1', { keys: ['COHERE_API_KEY', 'CO_API_KEY'], limits: both, developer: true, reasoning: 'hidden', billsAfterAbort: false }),
  databricks: chatAt('https://dbc-12345678-9abc.cloud.databricks.com/ai-gateway/mlflow/v1', { places: { DATABRICKS_HOST: 'dbc-12345678-9abc.cloud.databricks.com' }, keys: ['DATABRICKS_TOKEN'] }),
  deepinfra: chatAt('https://api.deepinfra.com/v1/openai', { keys: ['DEEPINFRA_API_KEY', 'DEEPINFRA_TOKEN'], billsAfterAbort: false }),
  deepseek: chatAt('https://api.deepseek.com', { keys: ['DEEPSEEK_API_KEY'], counts: { ...openaiCounts, cached: 'prompt_cache_hit_tokens' }, billsAfterAbort: false }),
  digitalocean: chatAt('https://inference.do-ai.run/v1', {
    keys: ['DIGITALOCEAN_API_KEY'], limits: newer, least: 256, developer: true, counts: { ...openaiCounts, cached: 'cache_read_input_tokens', cachedInPrompt: false }, error: 'id',
  }),
  fireworks: chatAt('https://api.fireworks.ai/inference/v1', { keys: ['FIREWORKS_API_KEY'], limits: both, error: 'text', billsAfterAbort: false }),
  friendli: chatAt('https://api.friendli.ai/serverless/v1', { keys: ['FRIENDLI_TOKEN'], reasoning: 'both', error: 'detail', billsAfterAbort: false }),
  'github-models': chatAt('https://models.github.ai/inference', { keys: ['GITHUB_MODELS_API_KEY'], developer: true, reasoning: 'hidden' }),
  groq: chatAt('https://api.groq.com/openai/v1', { keys: ['GROQ_API_KEY'], limits: both, reasoning: 'reasoning' }),
  huggingface: chatAt('https://router.huggingface.co/v1', { keys: ['HF_TOKEN'] }),
  hyperbolic: chatAt('https://api.hyperbolic.xyz/v1', { keys: ['HYPERBOLIC_API_KEY'], billsAfterAbort: false }),
  inception: chatAt('https://api.inceptionlabs.ai/v1', {
    keys: ['INCEPTION_API_KEY'], reasoning: 'hidden', error: 'a list of messages',
    counts: { cached: 'cached_input_tokens', cachedInPrompt: true, reasoning: 'reasoning_tokens', reasoningInCompletion: false },
  }),
  inference: chatAt('https://api.inference.net/v1', { keys: ['INFERENCE_API_KEY'] }),
  ionos: chatAt('https://openai.inference.de-txl.ionos.com/v1', { keys: ['IONOS_API_KEY'], limits: newer }),
  llamacpp: ownServer({ keys: ['LLAMACPP_API_KEY'] }),
  lmstudio: ownServer({ keys: ['LMSTUDIO_API_KEY', 'LM_API_TOKEN'], reasoning: 'reasoning' }),
  minimax: chatAt('https://api.minimax.io/v1', { keys: ['MINIMAX_API_KEY'], limits: both, reasoning: 'think', error: 'with a type outside' }),
  mistral: chatAt('https://api.mistral.ai/v1', { keys: ['MISTRAL_API_KEY'], refuses: ['stream_options', 'max_completion_tokens'], usage: 'unasked', error: 'flat' }),
  moonshot: chatAt('https://api.moonshot.ai/v1', { keys: ['MOONSHOT_API_KEY'], limits: both, counts: { ...openaiCounts, cached: 'cached_tokens' } }),
  morph: chatAt('https://api.morphllm.com/v1', { keys: ['MORPH_API_KEY'], lists: false }),
  nebius: chatAt('https://api.tokenfactory.nebius.com/v1', { keys: ['NEBIUS_API_KEY'], limits: both, reasoning: 'both' }),
  novita: chatAt('https://api.novita.ai/openai/v1', { keys: ['NOVITA_API_KEY'] }),
  nvidia: chatAt('https://integrate.api.nvidia.com/v1', { keys: ['NVIDIA_API_KEY'], usage: 'running', error: 'problem' }),
  ollama: ownServer({ key: null, reasoning: 'reasoning' }),
  openai: chatAt('https://api.openai.com/v1', { keys: ['OPENAI_API_KEY'], limits: both, developer: true, reasoning: 'hidden', billsAfterAbort: false }),
  openrouter: chatAt('https://openrouter.ai/api/v1', { keys: ['OPENROUTER_API_KEY'], least: 16, usage: 'unasked', reasoning: 'both' }),
  ovhcloud: chatAt('https://oai.endpoints.kepler.ai.cloud.ovh.net/v1', { keys: ['OVHCLOUD_API_KEY', 'OVH_AI_ENDPOINTS_ACCESS_TOKEN'] }),
  perplexity: { ...usual, url: 'https://api.perplexity.ai/v1/embeddings', keys: ['PERPLEXITY_API_KEY'] },
  poe: chatAt('https://api.poe.com/v1', { keys: ['POE_API_KEY'] }),
  requesty: chatAt('https://router.requesty.ai/v1', { keys: ['REQUESTY_API_KEY'] }),
  sambanova: chatAt('https://api.sambanova.ai/v1', { keys: ['SAMBANOVA_API_KEY'], limits: both, lists: false, reasoning: 'reasoning' }),
  scaleway: chatAt('https://api.scaleway.ai/v1', { keys: ['SCW_SECRET_KEY', 'SCALEWAY_API_KEY'], limits: both, reasoning: 'reasoning', error: 'flat' }),
  sglang: ownServer({ keys: ['SGLANG_API_KEY'], limits: both }),
  siliconflow: chatAt('https://api.siliconflow.com/v1', { keys: ['SILICONFLOW_API_KEY'], error: 'numbered, flat' }),
  snowflake: chatAt('https://myorg-myaccount.snowflakecomputing.com/api/v2/cortex/v1', { places: { SNOWFLAKE_ACCOUNT: 'myorg-myaccount' }, keys: ['SNOWFLAKE_CORTEX_PAT'], limits: newer, reasoning: 'hidden' }),
  stepfun: chatAt('https://api.stepfun.com/v1', {
    keys: ['STEPFUN_API_KEY'], usage: 'running', reasoning: 'reasoning', counts: { ...openaiCounts, cached: 'cached_tokens' }, error: 'without a code',
  }),
  tencent: chatAt('https://tokenhub.tencentmaas.com/v1', { keys: ['TENCENT_TOKENHUB_API_KEY'] }),
  together: chatAt('https://api.together.ai/v1', { keys: ['TOGETHER_API_KEY'], usage: 'unasked', counts: { ...openaiCounts, cached: 'cached_tokens' }, billsAfterAbort: false }),
  upstage: chatAt('https://api.upstage.ai/v1', { keys: ['UPSTAGE_API_KEY'], reasoning: 'reasoning' }),
  venice: chatAt('https://api.venice.ai/api/v1', { keys: ['VENICE_API_KEY'], limits: both, developer: true, error: 'text' }),
  vercel: chatAt('https://ai-gateway.vercel.sh/v1', { keys: ['AI_GATEWAY_API_KEY'], reasoning: 'reasoning' }),
  vllm: ownServer({ keys: ['VLLM_API_KEY'], limits: both }),
  xai: chatAt('https://api.x.ai/v1', {
    keys: ['XAI_API_KEY'], limits: newer, reasoning: 'hidden', counts: { ...openaiCounts, reasoningInCompletion: false }, error: 'text', billsAfterAbort: false,
  }),
  xiaomi: chatAt('https://api.xiaomimimo.com/v1', { keys: ['XIAOMI_API_KEY', 'MIMO_API_KEY'] }),
  zai: chatAt('https://api.z.ai/api/paas/v4', { keys: ['ZAI_API_KEY'], error: 'without a type' }),
  zhipuai: chatAt('https://open.bigmodel.cn/api/paas/v4', { keys: ['ZHIPU_API_KEY'], error: 'without a type' }),
}

/** The dialect of a vendor that nobody has written down: what its declaration says. */
export function declaredDialect({ baseUrl, places = {}, env, auth, endpoints, quirks, usage, bounds, billsAfterAbort, billsErrors, selfHosted }: Vendor): Dialect {
  const values = Object.fromEntries(Object.keys(places).map((name) => [name, 'my-own']))
  const base = Object.keys(places).reduce((url, name) => url.replaceAll(`{${name}}`, 'my-own'), baseUrl ?? 'http://127.0.0.1:8000/v1')
  return {
    url: `${base}/${endpoints.includes('chat') ? 'chat/completions' : 'embeddings'}`, places: values, keys: env,
    key: auth === 'none' ? null : auth === 'bearer' || 'scheme' in auth ? ['authorization', 'Bearer '] : [auth.header, auth.bearer ? 'Bearer ' : ''],
    limits: quirks.otherLimit === 'bounds' ? both : [quirks.maxTokensField], refuses: quirks.streamUsage === 'refuses_to_be_asked' ? ['stream_options'] : [], least: bounds.leastOutputTokens,
    developer: quirks.developerRole, lists: quirks.contentParts, usage: quirks.streamUsage === 'on_request' ? 'asked' : 'unasked', reasoning: bounds.hidesReasoning ? 'hidden' : 'reasoning_content',
    counts: {
      ...openaiCounts, cachedInPrompt: usage.promptIncludesCached, reasoningInCompletion: usage.completionIncludesReasoning,
      ...(usage.outputByTotal ? { reasoning: 'total alone' as const, reasoningInCompletion: false } : {}),
    },
    error: 'openai', billsAfterAbort: billsAfterAbort && selfHosted !== true, billsErrors,
  }
}

export const dialectOf = (vendor: Vendor): Dialect => dialects[vendor.id] ?? declaredDialect(vendor)
