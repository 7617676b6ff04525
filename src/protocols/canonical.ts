/**
 * The hub of translation: a chat request, an answer and a stream in no vendor's words. Every wire format translates to and from these
 * types and knows no other format, so N formats need N codecs and no pairs. What no type here holds is kept as it came, marked with its
 * format, and is told as a loss where another format cannot carry it: nothing disappears silently.
 *
 * Members are left out where the source says nothing, so that two forms can be compared with deep equality.
 */

export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject { [key: string]: Json }

/** Wire formats that carry a conversation. */
export type ChatFormat = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini-generate' | 'bedrock-converse' | 'cohere-chat' | 'ollama-chat'

/** Members of a request, a message, a tool or an answer that the types here don't name, as they came. */
export interface Extras { format: ChatFormat; fields: JsonObject }

export interface ChatRequest {
  /** As the client wrote it; the deployment's name takes its place when the request is encoded. */
  model: string
  stream: boolean
  /** In order. System texts are messages too: at the front, or in mid-conversation where the client put them there. */
  messages: Message[]
  tools?: Tool[]
  toolChoice?: ToolChoice
  /** False: at most one call in an answer. */
  parallelToolCalls?: boolean
  output?: OutputFormat
  /** What the answer may be made of besides text. */
  modalities?: Modality[]
  /** Settings of spoken output: voice and coding. */
  audio?: { voice?: string; coding?: string }
  sampling?: Sampling
  maxOutputTokens?: number
  stop?: string[]
  /** Answers to generate; left out: one. */
  choices?: number
  /** Log probabilities of the output tokens, with that many alternatives each. */
  logprobs?: { alternatives: number }
  reasoning?: Reasoning
  /** How much the answer says: `low`, `medium`, `high`. */
  verbosity?: string
  serviceTier?: string
  /** Whom the client serves. */
  endUser?: string
  metadata?: JsonObject
  /** Whether the vendor may keep the answer. */
  store?: boolean
  /** Requests with the same key go where their prefix may be cached. */
  cacheKey?: string
  /** How long a cached prefix shall live, in the vendor's words (`24h`, `in-memory`). */
  cacheRetention?: string
  /** The client wants usage in its stream (openai-chat; the others always send it). */
  usageInStream?: boolean
  /** Names of the beta features that the request asks for (`anthropic-beta`). */
  betas?: string[]
  extras?: Extras
}

export type Modality = 'text' | 'image' | 'audio'

export interface Sampling {
  temperature?: number
  topP?: number
  topK?: number
  minP?: number
  frequencyPenalty?: number
  presencePenalty?: number
  repetitionPenalty?: number
  seed?: number
  /** Token number → bias from -100 to 100. */
  logitBias?: Record<string, number>
}

export interface Reasoning {
  /** `off`: none at all. `adaptive`: as much as the model finds right. `on`: as `effort` or `budgetTokens` say, or as much as is usual. */
  mode: 'off' | 'on' | 'adaptive'
  /** `minimal`, `low`, `medium`, `high`, `xhigh`, `max`, or what a vendor adds. */
  effort?: string
  budgetTokens?: number
  /** How much of it the answer shows: `none`, `auto`, `concise`, `detailed`, `full`. */
  summary?: string
  /** The client wants the proof of it (encrypted content), so that it can send it back. */
  wantsProof?: boolean
}

/** Left out: text. */
export type OutputFormat =
  | { type: 'text' }
  /** Any valid JSON. */
  | { type: 'json' }
  | { type: 'schema'; schema: JsonObject; name?: string; description?: string; strict?: boolean }
  /** A grammar, or another form that one vendor alone has. */
  | { type: 'native'; format: ChatFormat; value: Json }

export type Tool = FunctionTool | CustomTool | ServerTool

export interface FunctionTool {
  type: 'function'
  name: string
  description?: string
  /** JSON Schema of the arguments; left out: the tool takes none. */
  parameters?: JsonObject
  strict?: boolean
  /** The group that it belongs to (Responses: a tool of type `namespace`). A call names it too. */
  namespace?: string
  /** Described to the model only once a search finds it. */
  deferred?: boolean
  cache?: CacheHint
  extras?: Extras
}

/** Takes free text instead of JSON. */
export interface CustomTool {
  type: 'custom'
  name: string
  description?: string
  /** What its input must be like, in the words of the format it came in. */
  grammar?: JsonObject
  namespace?: string
  cache?: CacheHint
  extras?: Extras
}

/** Run by the vendor, or of a kind that its format alone knows. `kind` is what other vendors have too. */
export interface ServerTool { type: 'server'; kind?: 'web_search' | 'code_execution'; format: ChatFormat; value: JsonObject }

export type ToolChoice =
  | { type: 'auto' } | { type: 'none' } | { type: 'required' }
  | { type: 'tool'; name: string }
  /** One of some, by name. */
  | { type: 'some'; names: string[]; mode: 'auto' | 'required' }
  | { type: 'native'; format: ChatFormat; value: Json }

/** The prefix up to here is to be cached. `ttl` as the vendor writes it: `5m`, `1h`. */
export interface CacheHint { ttl?: string }

/**
 * - `system`: instructions. `developer` is a later name of it and is kept apart, since some vendors take one of the two only.
 * - `tool`: results of tools and nothing else. Results that follow each other are one message.
 * - `assistant`: one turn. Formats that write a turn as several items (Responses) are joined, and `id`s keep their borders.
 */
export interface Message {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  parts: Part[]
  /** Who speaks, where several share a role. */
  name?: string
  extras?: Extras
}

export type Part = TextPart | MediaPart | ReasoningPart | ToolCallPart | ToolResultPart | RefusalPart | NativePart

export interface TextPart {
  type: 'text'
  text: string
  citations?: Citation[]
  cache?: CacheHint
  /** Of the item that the text stands in (Responses). */
  id?: string
  /** Whether it is said on the way or in the end (Responses: `commentary`, `final_answer`). */
  phase?: string
  proof?: Proof
  extras?: Extras
}

/** Where bytes are: in the request (base64), at an address, or in a file that the vendor keeps. `text`: a document that is plain text. */
export type Source = { by: 'data'; base64: string } | { by: 'url'; url: string } | { by: 'file'; id: string } | { by: 'text'; text: string } | { by: 'parts'; parts: Part[] }

export interface MediaPart {
  type: 'media'
  kind: 'image' | 'document' | 'audio' | 'video'
  source: Source
  /** MIME type; left out where the source does not say (an image by address). */
  mediaType?: string
  /** File name or title. */
  name?: string
  /** What is said about a document beside it. */
  context?: string
  /** How closely an image is looked at: `low`, `high`, `auto`, `original`. */
  detail?: string
  /** Quotations from the document are to be marked. */
  cites?: boolean
  /** Of audio in an answer: what is said in it. */
  transcript?: string
  id?: string
  cache?: CacheHint
  proof?: Proof
  extras?: Extras
}

/** A stretch of thought. Without text it is hidden, and `proof` is all there is. */
export interface ReasoningPart {
  type: 'reasoning'
  text?: string
  /** Summaries that are shown in the place of the thought. */
  summary?: string[]
  proof?: Proof
  /** The vendor withholds it; only the proof may be sent back. */
  redacted?: boolean
  id?: string
  extras?: Extras
}

/**
 * What a vendor attaches to its own output and wants back unchanged: a signature, encrypted reasoning. Nobody else can read it, so it
 * travels with the name of whoever made it (`anthropic`, `openai`, `google`, another vendor's id): see proof.ts.
 */
export interface Proof { by: string; value: string }

export interface ToolCallPart {
  type: 'toolCall'
  id: string
  name: string
  /** JSON as the model wrote it; the free text of a custom tool. */
  arguments: string
  custom?: boolean
  namespace?: string
  /** Of the item, where it has one besides the id of the call (Responses). */
  itemId?: string
  cache?: CacheHint
  proof?: Proof
  extras?: Extras
}

export interface ToolResultPart {
  type: 'toolResult'
  callId: string
  /** Of the tool, where the format says it (Gemini). */
  name?: string
  parts: Part[]
  isError?: boolean
  custom?: boolean
  id?: string
  cache?: CacheHint
  extras?: Extras
}

export interface RefusalPart { type: 'refusal'; text: string; id?: string }

/** What its format alone knows: calls and results of tools that the vendor runs, compacted history, references to items that it keeps. */
export interface NativePart { type: 'native'; format: ChatFormat; value: JsonObject; cache?: CacheHint }

/** Where a text comes from. Offsets count UTF-16 units of the text of its part. */
export interface Citation {
  url?: string
  title?: string
  quote?: string
  start?: number
  end?: number
  /** Index of the document in the request, and the place in it, in the vendor's words. */
  document?: number
  native?: { format: ChatFormat; value: JsonObject }
}

export interface ChatAnswer {
  id: string
  /** As the vendor names what answered. */
  model: string
  /** Seconds since the epoch; left out where the vendor does not say. */
  createdAt?: number
  choices: Choice[]
  usage?: ChatUsage
  serviceTier?: string
  fingerprint?: string
  extras?: Extras
}

export interface Choice {
  index: number
  parts: Part[]
  stop?: StopReason
  /** The text that stopped it. */
  stopSequence?: string
  /** The vendor's own reason where it says more than `stop` (`RECITATION`, `model_context_window_exceeded`). */
  nativeStop?: string
  logprobs?: TokenLogprob[]
  extras?: Extras
}

/**
 * - `end`: the model was done. `length`: the output limit. `context_window`: the window. `stop_sequence`. `tool_calls`: it waits for tools.
 * - `content_filter`: the vendor withheld or cut it. `refusal`: the model declined. `pause`: a long turn that goes on when it is sent back.
 */
export type StopReason = 'end' | 'length' | 'stop_sequence' | 'tool_calls' | 'content_filter' | 'refusal' | 'context_window' | 'pause' | 'other'

export interface TokenLogprob { token: string; logprob: number; bytes?: number[] | null; top?: { token: string; logprob: number; bytes?: number[] | null }[] }

/** Tokens in disjoint classes: the sum of all is what was processed. Classes at 0 may be left out. */
export interface ChatUsage {
  input: number
  cacheRead?: number
  cacheWrite5m?: number
  cacheWrite1h?: number
  audioIn?: number
  imageIn?: number
  output: number
  reasoning?: number
  audioOut?: number
  imageOut?: number
  /** Searches that the vendor ran. */
  searches?: number
  /** What it costs, nano-dollars, where the client asked the gateway to be told: written as `cost_usd` beside the tokens. */
  costNano?: number
}

/**
 * A stream. Of one choice at most one part is open: `part`, its deltas, `partEnd`, then the next. Decoders hold back what a vendor
 * interleaves, so that encoders need not.
 */
export type ChatEvent =
  | { type: 'start'; id: string; model: string; createdAt?: number; serviceTier?: string; fingerprint?: string; usage?: ChatUsage }
  /** `part` holds what is known at its beginning, without text and arguments. A part of another type than those with deltas comes whole. */
  | { type: 'part'; choice: number; part: Part }
  /** More text, thought, arguments, refusal of the open part. */
  | { type: 'delta'; choice: number; text: string }
  /** More of a summary of thought; `index` counts summaries of the part. */
  | { type: 'summary'; choice: number; index: number; text: string }
  | { type: 'proof'; choice: number; proof: Proof }
  | { type: 'citation'; choice: number; citation: Citation }
  | { type: 'logprobs'; choice: number; tokens: TokenLogprob[] }
  /** More base64 of the open media part, or of what is said in it. */
  | { type: 'media'; choice: number; base64?: string; transcript?: string }
  | { type: 'partEnd'; choice: number }
  | { type: 'stop'; choice: number; stop: StopReason; stopSequence?: string; nativeStop?: string }
  /** Cumulative: the last one counts. */
  | { type: 'usage'; usage: ChatUsage; serviceTier?: string }
  | { type: 'error'; error: ChatError }
  /** The format's own end. Nothing follows. */
  | { type: 'end' }

/** An error as a vendor told it, or as the gateway tells it. */
export interface ChatError { status: number; code: string | null; kind: string | null; message: string; param?: string | null }
