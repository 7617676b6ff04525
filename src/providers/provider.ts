/** What a vendor declaration says. Declarations are plain data: they cross threads and are listed in the docs. */

export interface Vendor {
  /** First segment of a vendor model name: `groq/llama-3.3-70b-versatile`. */
  id: string
  name: string
  /** Variables that hold an API key; the first is the standard one. `<NAME>_2`, `<NAME>_3` … add credentials. */
  env: readonly string[]
  /** Overrides `baseUrl`, for example `GROQ_BASE_URL`. A vendor without `baseUrl` is switched on by this variable alone. */
  baseUrlEnv: string
  baseUrl?: string
  docs: string
  protocol: 'openai-chat'
  auth: 'bearer' | 'none'
  /** OpenAI-format endpoints that the vendor serves under its base URL. */
  endpoints: readonly ('chat' | 'completions' | 'embeddings')[]
  /** Some vendors bill to the end although the client has left; then a stream is drained, not aborted. Source in the declaration's comment. */
  billsAfterAbort: boolean
  /** How the vendor's usage object maps to disjoint classes. */
  usage: UsageRules
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

export interface Quirks {
  /** Where streams carry usage: after `stream_options.include_usage` (its own last chunk), or always unasked. */
  streamUsage: 'on_request' | 'always'
  maxTokensField: 'max_tokens' | 'max_completion_tokens'
}

type Declared = Pick<Vendor, 'id' | 'name' | 'docs'> & Partial<Vendor>

const environmentName = (id: string): string => id.toUpperCase().replaceAll('-', '_')

/** Fills a declaration with what holds for most OpenAI-compatible vendors. */
export function vendor(declared: Declared): Vendor {
  const name = environmentName(declared.id)
  return {
    env: [`${name}_API_KEY`],
    baseUrlEnv: `${name}_BASE_URL`,
    protocol: 'openai-chat',
    auth: 'bearer',
    endpoints: ['chat', 'embeddings'],
    billsAfterAbort: false,
    ...declared,
    usage: declared.usage ?? { promptIncludesCached: true, completionIncludesReasoning: true },
    quirks: declared.quirks ?? { streamUsage: 'on_request', maxTokensField: 'max_completion_tokens' },
  }
}
