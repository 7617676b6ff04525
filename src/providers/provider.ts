/** What a vendor declaration says. Declarations are plain data: they cross threads and are listed in the docs. */
import type { DialectField } from '../protocols/codec.ts'
import type { EndpointKind } from '../protocols/protocol.ts'

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
  /** Other variables that say the same as a place, and addresses that some values of places have. */
  placeNames?: Readonly<Record<string, readonly string[]>>
  placedUrls?: readonly { when: Readonly<Record<string, string>>; baseUrl: string }[]
  /** At a base URL that ends so it is spoken to in another way. */
  otherAddress?: { ends: string; formats: readonly SpokenFormat[]; modelsPath: string | null }
  /** A variable that holds the beginning of the base URL, and what follows it there. */
  endpointEnv?: { name: string; path: string }
  docs: string
  /**
   * The wire formats that it speaks. A request in one of them passes as it came; any other conversation is translated to the first that
   * carries conversations. A format that the vendor speaks badly is better left out.
   */
  formats: readonly SpokenFormat[]
  /** How the key is sent: as a bearer token, or in a header of its own, there as a bearer token too or by itself; or what it is used for. */
  auth: 'bearer' | 'none' | { header: string; bearer?: true } | Scheme
  /** What a credential is, for people, where that is more than an API key. */
  credential?: string
  /** Credentials of several parts, which are variables that other programs may share. */
  forms?: readonly CredentialForm[]
  /** Variables of `env` that hold the path of a file with the credential. */
  fileEnv?: readonly string[]
  /** Sent with everything, for example the version of its API. */
  headers?: Readonly<Record<string, string>>
  /** A request that cannot be answered, and so costs nothing, but tells whether a credential is accepted; left out: a chat without messages. */
  check?: CredentialQuestion
  /** Path of the list of models under the base URL; null: there is none that works with the key of a request. */
  modelsPath: string | null
  /** OpenAI-format endpoints that the vendor serves under its base URL. */
  endpoints: readonly EndpointKind[]
  /** Of endpoints that do not stand at the format's own path under the base URL; `../` leaves a part of that. */
  paths?: Readonly<Partial<Record<EndpointKind, string>>>
  /** Some vendors bill to the end although the client has left; then a stream is drained, not aborted. Source in the declaration's comment. */
  billsAfterAbort: boolean
  /** Statuses of errors whose input is billed. Where there are any, an error inside a 200 is billed as well: it was processed. */
  billsErrors: readonly number[]
  /** How the vendor's usage object maps to disjoint classes. */
  usage: UsageRules
  /** What bounds the bill of one request. */
  bounds: BoundRules
  quirks: Quirks
  /** Models that the vendor serves in another way than its others; the first that matches counts. */
  families?: readonly Family[]
  /** The key under which the catalogue lists the vendor; defaults to `id`. */
  catalogId?: string
  /** Another vendor, in whose part of the catalogue its models and prices stand too. */
  pricedAs?: string
  /** Runs on the operator's machines: no key needed, tokens are priced at 0 unless the operator says otherwise. */
  selfHosted?: boolean
  /** Whose signatures and encrypted thoughts it takes back: those of its maker, whoever hosts it. Defaults to `id`. */
  proofs: string
  /** Marked as simulated wherever it is shown. */
  simulated?: boolean
}

/** A wire format, and where a vendor departs from it. */
export interface SpokenFormat {
  /** Its id in `src/protocols/`. */
  protocol: string
  /** Between the base URL and the path of every endpoint. */
  prefix?: string
  /** Of the endpoint of conversations, in place of the format's own path; `{model}` stands for the upstream model. */
  path?: string
  streamPath?: string
  /** Of the question how many tokens a request has; left out where `path` is set: it cannot be asked. */
  countPath?: string
  /** Behind every path: a query. */
  query?: string
  /** Members that the body must not have: the path says it. */
  placed?: readonly ('model' | 'stream')[]
  /** Members that the body must have, as JSON. */
  fixed?: Readonly<Record<string, string>>
  /** Streams are framed so, whatever the format's own framing is: each frame holds an event. */
  framing?: 'aws-event-stream'
  /** Errors are told as in this format, not as in its own. */
  errors?: string
  /** Betas of Anthropic that the vendor takes, under its own names, and where it wants them; left out: all, in the header. */
  betas?: { as: 'header' | 'body'; known: Readonly<Record<string, string>> }
}

/** Requests are signed with the credential (AWS), or a token is fetched for it. One that is plain text is a key, or a token that is ready. */
export type Scheme = { scheme: 'aws'; service: string } | { scheme: 'google' } | { scheme: 'entra'; scope: string; header: string }

/** The first part is the variable that switches the vendor on, if its places are known too. */
export interface CredentialForm {
  name: string
  parts: readonly { name: string; what: string; secret?: true; optional?: true }[]
}

export interface CredentialQuestion {
  path: string
  body: string
  /** What a vendor says to a credential that it knows and that may not do this. */
  known?: string
}

export interface UsageRules {
  /** `prompt_tokens` contains the cached tokens (OpenAI) or not. */
  promptIncludesCached: boolean
  /** `completion_tokens` contains the reasoning tokens (OpenAI) or not (xAI). */
  completionIncludesReasoning: boolean
  /** `prompt_tokens` contains the audio tokens (OpenAI, the default) or not (Mistral). */
  promptIncludesAudio?: boolean
  /** `total_tokens` contains reasoning that stands beside the completion (xAI, the default) or not (DeepInfra's Gemini). */
  totalIncludesReasoning?: boolean
  /** The output is what `total_tokens` leaves beside the prompt, wherever else reasoning is counted, or nowhere (Gemini). */
  outputByTotal?: boolean
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
  /** No answer of any model is longer; 0: not known. */
  mostOutputTokens: number
  /** Reasoning is not counted against the output limit. */
  reasoningBeyondLimit: boolean
  /** Reasoning is billed but no part of a stream, so that what was streamed says nothing of the bill. */
  hidesReasoning: boolean
  /** The price depends on who serves the request behind the vendor, which is not known beforehand. */
  priceVaries: boolean
}

export interface Quirks {
  /**
   * Where streams carry usage: after `stream_options.include_usage` (its own last chunk, or the finish chunk), always unasked, or always
   * and `stream_options` is refused, so that a client's is taken out.
   */
  streamUsage: 'on_request' | 'always' | 'refuses_to_be_asked'
  /** The output limit of a chat that bounds. */
  maxTokensField: 'max_tokens' | 'max_completion_tokens'
  /**
   * What the other of the two fields does in a chat. `bounds`: the same. `renamed`: nothing, it is refused, or not documented beside
   * the one that is, so that its limit is written under the vendor's own name. `unknown`: it is left as it is, and a strict hold trusts neither its effect nor its absence.
   */
  otherLimit: 'bounds' | 'renamed' | 'unknown'
  /** How thinking is asked for where the format has several ways: by a named effort, or a number of tokens; null: the format's usual way. */
  reasoning: 'effort' | 'budget' | null
  /** Fields of chat completions beyond OpenAI's own that it reads; the rest is left out of translated requests, since most vendors refuse what they don't know. */
  dialect: readonly DialectField[]
  /** Takes messages of the role `developer`; for others it is written as `system`, which it is a later name of. */
  developerRole: boolean
  /** Takes the content of a message, a tool's result too, as a list of parts; for others a list of texts is written as one text. */
  contentParts: boolean
  /** Takes ids of calls that are nine letters and digits alone; others are replaced, the same in call and result. */
  nineLetterIds: boolean
  /** Refuses an earlier message that calls tools and has no `reasoning_content` while it thinks; a translated conversation with other vendors' hidden thoughts gets a dot there. */
  thoughtWithCalls: boolean
  /** Members of a request that it refuses, which are left out and named in a warning. */
  drops: readonly string[]
  /** Which response headers tell what is left of the vendor's own rate limits; null: none is known. */
  rateLimitHeaders: RateLimitHeaders | null
}

/**
 * Families of headers. A limit, what remains and when it is whole again; values of -1 mean unknown.
 * - `openai`: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`; reset is a duration: `12ms`, `6m0s`, `8m37.681999999s`
 *   (OpenAI, Groq: recorded). Groq counts requests by the day and tokens by the minute.
 * - `azure`: the same names; reset is in whole seconds. https://learn.microsoft.com/en-us/answers/questions/5625878
 * - `anthropic`: `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`; reset is a time of RFC 3339
 *   (recorded).
 * - `cerebras`: `x-ratelimit-{limit,remaining,reset}-{requests-day,tokens-minute}`; reset is in seconds, with a fraction (recorded).
 * - `mistral`: `ratelimitbysize-{limit,remaining,reset}`, tokens of the minute, reset in seconds, and
 *   `x-ratelimitbysize-{limit,remaining}-{minute,month}` (recorded).
 * - `openrouter`: `x-ratelimit-{limit,remaining,reset}`, requests; reset is Unix time in milliseconds; on a 429 only (recorded).
 * - `venice`: the names of `openai`; reset of requests is Unix time in seconds, of tokens seconds.
 *   https://docs.venice.ai/api-reference/rate-limiting
 * - `sambanova`: `x-ratelimit-{limit,remaining,reset}-{requests,requests-day}`; the unit of reset is not documented.
 *   https://docs.sambanova.ai/docs/en/models/rate-limits
 * - `fireworks`: `x-ratelimit-limit-tokens-{prompt,cache-adjusted-prompt,generated}`, by the second; nothing remains or resets.
 *   https://docs.fireworks.ai/serverless/rate-limits
 * - `digitalocean`: `ratelimit-{limit,remaining,reset}`, requests; reset is Unix time in seconds.
 *   https://github.com/digitalocean/openapi (specification/shared/headers.yml)
 */
export type RateLimitHeaders =
  | 'openai' | 'azure' | 'anthropic' | 'cerebras' | 'mistral' | 'openrouter' | 'venice' | 'sambanova' | 'fireworks' | 'digitalocean'

export interface Family {
  /** Patterns of upstream models. */
  models: readonly string[]
  formats?: readonly SpokenFormat[]
  usage?: Partial<UsageRules>
  bounds?: Partial<BoundRules>
  quirks?: Partial<Quirks>
  billsAfterAbort?: boolean
  proofs?: string
}

/**
 * Overheads: no recording of a vendor that declares none of its own needs more than 202 tokens for a template, and 717 with
 * tools (Llama 4), both bytes of the request included.
 */
const usualBounds: BoundRules = {
  requestTokens: 256, toolsTokens: 1024, imageTokens: [], serverToolModels: [], leastOutputTokens: 1,
  mostOutputTokens: 0, reasoningBeyondLimit: false, hidesReasoning: false, priceVaries: false,
}

const usualQuirks: Quirks = {
  streamUsage: 'on_request', maxTokensField: 'max_completion_tokens', otherLimit: 'unknown', reasoning: null, dialect: [], developerRole: false, contentParts: true, nineLetterIds: false, thoughtWithCalls: false, drops: [], rateLimitHeaders: null,
}

type Declared = Pick<Vendor, 'id' | 'name' | 'docs'> & Partial<Omit<Vendor, 'bounds' | 'quirks'>> & { bounds?: Partial<BoundRules>; quirks?: Partial<Quirks> }

const environmentName = (id: string): string => id.toUpperCase().replaceAll('-', '_')

/** Fills a declaration with what holds for most OpenAI-compatible vendors. */
export function vendor(declared: Declared): Vendor {
  const env = declared.env ?? [`${environmentName(declared.id)}_API_KEY`]
  return {
    baseUrlEnv: `${env[0]?.replace(/_API_KEY$/, '') ?? environmentName(declared.id)}_BASE_URL`,
    formats: [{ protocol: 'openai-chat' }],
    auth: 'bearer',
    modelsPath: '/models',
    endpoints: ['chat', 'embeddings'],
    billsAfterAbort: false,
    billsErrors: [],
    proofs: declared.id,
    ...declared,
    env,
    usage: declared.usage ?? { promptIncludesCached: true, completionIncludesReasoning: true },
    bounds: { ...usualBounds, ...declared.bounds },
    quirks: { ...usualQuirks, ...declared.quirks },
  }
}

/** The vendor as it is spoken to at this address. */
export function atBaseUrl(vendor: Vendor, baseUrl: string): Vendor {
  const { otherAddress: other } = vendor
  return other !== undefined && baseUrl.replace(/\/+$/, '').endsWith(other.ends) ? { ...vendor, formats: other.formats, modelsPath: other.modelsPath } : vendor
}

/** The vendor as it serves one upstream model. `isOneOf`: whether a list of patterns matches it. */
export function asServed(vendor: Vendor, isOneOf: (models: readonly string[]) => boolean): Vendor {
  const family = vendor.families?.find(({ models }) => isOneOf(models))
  if (!family) return vendor
  const { usage, bounds, quirks, formats = vendor.formats, billsAfterAbort = vendor.billsAfterAbort, proofs = vendor.proofs } = family
  return { ...vendor, formats, billsAfterAbort, proofs, usage: { ...vendor.usage, ...usage }, bounds: { ...vendor.bounds, ...bounds }, quirks: { ...vendor.quirks, ...quirks } }
}

const bearer = (token: string): { name: string; value: string } => ({ name: 'authorization', value: `Bearer ${token}` })

/** In place of a credential of Google's: whatever this machine runs as. */
export const machineIdentity = 'metadata'

/** Whether more is needed than a header that says the credential: see `auth/authority.ts`. */
export const needsAuthority = ({ auth }: Pick<Vendor, 'auth'>, secret: string): boolean => typeof auth === 'object' && 'scheme' in auth && (secret.startsWith('{') || (auth.scheme === 'google' && secret === machineIdentity))

/** The header that carries a key; null where none is sent. */
export function keyHeader({ auth }: Pick<Vendor, 'auth'>, secret: string): { name: string; value: string } | null {
  if (secret === '' || auth === 'none') return null
  if (auth === 'bearer') return bearer(secret)
  if ('scheme' in auth) {
    if (needsAuthority({ auth }, secret)) return null
    // Tokens of Google's begin so, and those that are JSON Web Tokens.
    if (auth.scheme === 'aws' || /^(ya29\.|eyJ)/.test(secret)) return bearer(secret)
    return { name: auth.scheme === 'google' ? 'x-goog-api-key' : auth.header, value: secret }
  }
  return { name: auth.header, value: auth.bearer ? `Bearer ${secret}` : secret }
}
