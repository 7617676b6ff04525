/**
 * How a wire format that carries conversations is translated: requests, answers and streams from and to the canonical form. A codec is
 * pure, knows its own format alone, and says what it could not carry. A request that it cannot read at all is a `BadRequest`.
 */
import type { UsageRules } from '../providers/provider.ts'
import type { ChatAnswer, ChatEvent, ChatFormat, ChatRequest, JsonObject } from './canonical.ts'

export interface ChatCodec {
  format: ChatFormat
  /** `place` is what the address of the request says beside its body. Throws `BadRequest` where a member has no meaning that could be translated. */
  decodeRequest(body: JsonObject, place: RequestPlace): ChatRequest
  /** A body that the format's specification accepts. The model's name, output limits of the gateway's and a vendor's quirks are edited in afterwards, as in a request that came in this format. */
  encodeRequest(request: ChatRequest, target: Target): Encoded
  decodeAnswer(body: JsonObject, source: Source): ChatAnswer
  encodeAnswer(answer: ChatAnswer, client: Client): JsonObject
  decodeStream(source: Source): StreamDecoder
  encodeStream(client: Client): StreamEncoder
}

/**
 * Fields that OpenAI doesn't have and other vendors of its format read: sampling (`top_k`, `min_p`, `repetition_penalty`), marks of a cached
 * prefix, thought of earlier answers as DeepSeek (`reasoning_content`), OpenRouter (`reasoning_details`) or Mistral (`thinking` among the
 * content) want it back, documents by address (`file_url`: as `file_data`; `document_url`: Mistral's part), video, citations, a search by the vendor.
 */
export type DialectField =
  | 'top_k' | 'min_p' | 'repetition_penalty' | 'cache_control' | 'prompt_cache_breakpoint' | 'reasoning_content' | 'reasoning_details' | 'thinking'
  | 'file_url' | 'document_url' | 'video_url' | 'image_modality' | 'annotations' | 'web_search_options'

/** What stands in the path, the query or a header and not in the body (Gemini: model, stream; Bedrock: both; Messages: names of beta features). */
export interface RequestPlace { model?: string; stream?: boolean; betas?: readonly string[] }

export interface Encoded {
  body: JsonObject
  /** That the body needs beside it. */
  headers?: Readonly<Record<string, string>>
  losses: Loss[]
}

/** Something of a request that the target cannot express. `hint`: the answer means the same without it (a cache mark, an id). `meaning`: it may not. */
export interface Loss { what: string; kind: 'hint' | 'meaning' }

/** The deployment that a request is encoded for, as far as the form of the request depends on it. */
export interface Target {
  /** As the vendor names it. */
  model: string
  /** Whose proofs it takes back, see `Proof`. */
  proofs: string
  /** Most output tokens of the model, for formats in which a limit is required; 0: not known. */
  mostOutputTokens: number
  /** How thinking is asked for: by a named effort, by a number of tokens, or not at all; null: not known, the format's usual way. */
  reasoning: 'effort' | 'budget' | 'none' | null
  /** Fields beyond the format's own that the vendor reads (openai-chat). */
  dialect?: ReadonlySet<DialectField>
}

/** Where an answer comes from. */
export interface Source {
  /** Who made the proofs in it. */
  proofs: string
  /** Of the exchange: ids that the source has none of are made from it, where its answer has none either, so that no two answers of a conversation share one. */
  id?: string
  /** What was asked: names of tools that the format could not carry get their own back. */
  request?: ChatRequest
  /** What contains what in the vendor's usage, where the format leaves it to the vendor. */
  usage?: UsageRules
}

/** Whom an answer is written for. */
export interface Client {
  /** The request, decoded: some formats repeat parts of it in the answer. */
  request: ChatRequest
  /** Of the exchange; ids that the source has none of are made from it. */
  id: string
  /** Seconds since the epoch, for sources that don't say when they answered. */
  nowS: number
}

/** One direction of one stream. */
export interface StreamDecoder {
  /** What one event of the wire means, appended to `out`. `name` is '' where the framing has none. Data that is not of the format is skipped; an event that says that all is over gives `end`. */
  event(name: string, data: string, out: ChatEvent[]): void
  /** The connection has ended: closes what is open, without inventing a stop. */
  end(out: ChatEvent[]): void
}

export interface StreamEncoder {
  /** The bytes of the wire that an event becomes, framed; '' for none. */
  write(event: ChatEvent): string
}

/** A request that cannot be translated, in words for its author. */
export class BadRequest extends Error {
  readonly param: string | null

  constructor(message: string, param: string | null = null) {
    super(message)
    this.param = param
  }
}
