/** What a vendor declaration says. Declarations are plain data: they cross threads and are listed in the docs. */

export interface Vendor {
  /** First segment of a vendor model name: `groq/llama-3.3-70b-versatile`. */
  id: string
  name: string
  /** Variables that hold an API key; the first is the standard one. `<NAME>_2`, `<NAME>_3` … add credentials. */
  env: readonly string[]
  /** Overrides `baseUrl`, for example `GROQ_BASE_URL`. A vendor without `baseUrl` is switched on by this variable alone. */
  baseUrlEnv: string
  /** `{NAME}` in it stands for a variable of the operator's environment, see `places`. */
  baseUrl?: string
  /** Variables in `baseUrl`, and what each of them is. */
  places?: Readonly<Record<string, string>>
  docs: string
  protocol: 'openai-chat'
  /** How the key is sent: as a bearer token, or as the value of a header of its own. */
  auth: 'bearer' | 'none' | { header: string }
  /** Path of the list of models under the base URL; null: there is none that works with the key of a request. */
  modelsPath: string | null
  /** OpenAI-format endpoints that the vendor serves under its base URL. */
  endpoints: readonly ('chat' | 'completions' | 'embeddings')[]
  /** Some vendors bill to the end although the client has left; then a stream is drained, not aborted. Source in the declaration's comment. */
  billsAfterAbort: boolean
  /** Answers with an error status are billed. */
  billsErrors: boolean
  /** How the vendor's usage object maps to disjoint classes. */
  usage: UsageRules
  /** What bounds the bill of one request. */
  bounds: BoundRules
  quirks: Quirks
  /** The key under which the catalogue lists the vendor; defaults to `id`. */
  catalogId?: string
  /** Runs on the operator's machines: no key needed, tokens are priced at 0 unless the operator says otherwise. */
  selfHosted?: boolean
  /** Marked as simulated wherever it is shown. */
  simulated?: boolean
}

export interface UsageRules {
  /** `prompt_tokens` contains the cached tokens (OpenAI) or not. */
  promptIncludesCached: boolean
  /** `completion_tokens` contains the reasoning tokens (OpenAI) or not (xAI). */
  completionIncludesReasoning: boolean
  /** `prompt_tokens` contains the audio tokens (OpenAI, the default) or not (Mistral). */
  promptIncludesAudio?: boolean
}

/** What a hold needs to know to be no smaller than the bill. */
export interface BoundRules {
  /** Most tokens that the vendor adds to any prompt (chat template, system prompt of its own). */
  requestTokens: number
  /** Most tokens that it adds once when there are tools. */
  toolsTokens: number
  /** Most tokens that one image is billed as, by pattern of the upstream model, the first match counts. Without a match only the context window bounds an image. */
  imageTokens: readonly { models: string; most: number }[]
  /** Patterns of upstream models that run and bill tools by themselves (search, code). */
  serverToolModels: readonly string[]
  /** A smaller output limit is raised to this one. */
  leastOutputTokens: number
  /** Reasoning is not counted against the output limit. */
  reasoningBeyondLimit: boolean
  /** Reasoning is billed but no part of a stream, so that what was streamed says nothing of the bill. */
  hidesReasoning: boolean
  /** The price depends on who serves the request behind the vendor, which is not known beforehand. */
  priceVaries: boolean
}

export interface Quirks {
  /** Where streams carry usage: after `stream_options.include_usage` (its own last chunk), or always unasked. */
  streamUsage: 'on_request' | 'always'
  maxTokensField: 'max_tokens' | 'max_completion_tokens'
  /** The other of the two fields bounds the output of a chat as well. */
  honoursBothLimits: boolean
  /** Takes messages of the role `developer`; for others it is written as `system`, which it is a later name of. */
  developerRole: boolean
  /** Which headers tell what is left of the vendor's limits: `x-ratelimit-remaining-…` (OpenAI and most others), `anthropic-ratelimit-…-remaining`, `ratelimit-remaining` (the IETF's drafts), or none. */
  rateLimitHeaders: 'openai' | 'anthropic' | 'ietf' | 'none'
}

/**
 * Overheads: no recording of a vendor that declares none of its own needs more than 202 tokens for a template, and 717 with
 * tools (Llama 4), both bytes of the request included.
 */
const usualBounds: BoundRules = {
  requestTokens: 256, toolsTokens: 1024, imageTokens: [], serverToolModels: [], leastOutputTokens: 1,
  reasoningBeyondLimit: false, hidesReasoning: false, priceVaries: false,
}

type Declared = Pick<Vendor, 'id' | 'name' | 'docs'> & Partial<Omit<Vendor, 'bounds' | 'quirks'>> & { bounds?: Partial<BoundRules>; quirks?: Partial<Quirks> }

const environmentName = (id: string): string => id.toUpperCase().replaceAll('-', '_')

/** Fills a declaration with what holds for most OpenAI-compatible vendors. */
export function vendor(declared: Declared): Vendor {
  const name = environmentName(declared.id)
  return {
    env: [`${name}_API_KEY`],
    baseUrlEnv: `${name}_BASE_URL`,
    protocol: 'openai-chat',
    auth: 'bearer',
    modelsPath: '/models',
    endpoints: ['chat', 'embeddings'],
    billsAfterAbort: false,
    billsErrors: false,
    ...declared,
    usage: declared.usage ?? { promptIncludesCached: true, completionIncludesReasoning: true },
    bounds: { ...usualBounds, ...declared.bounds },
    quirks: { streamUsage: 'on_request', maxTokensField: 'max_completion_tokens', honoursBothLimits: false, developerRole: true, rateLimitHeaders: 'openai', ...declared.quirks },
  }
}

/** The header that carries a key; null where none is sent. */
export function keyHeader({ auth }: Pick<Vendor, 'auth'>, secret: string): { name: string; value: string } | null {
  if (secret === '' || auth === 'none') return null
  return auth === 'bearer' ? { name: 'authorization', value: `Bearer ${secret}` } : { name: auth.header, value: secret }
}
