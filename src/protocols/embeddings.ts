/**
 * Embeddings in no vendor's words: what the codecs of `embeddings/` read and write, each format from each other through this form. Pure; what a format cannot say is a loss, and a request that would mean something else without it
 * is a `BadRequest`.
 */
import type { JsonObject } from './canonical.ts'
import type { Encoded, RequestPlace } from './codec.ts'

export type EmbedFormat = 'openai-embeddings' | 'gemini-embed' | 'vertex-predict' | 'cohere-embed' | 'ollama-embed' | 'voyage-embed' | 'bedrock-embed'

export interface EmbedRequest {
  /** As the client wrote it. */
  model: string
  /** Each becomes one vector. */
  inputs: EmbedInput[]
  /** The one input stood by itself, not in a list. */
  single?: true
  dimensions?: number
  purpose?: Purpose
  /** How the client wants its vectors; left out: as numbers. */
  coding?: 'float' | 'base64'
  /** Which end of an input that is too long is cut off; `none`: it is an error. */
  truncate?: 'none' | 'start' | 'end'
  endUser?: string
  extras?: EmbedExtras
}

/** What a vector is for. Vendors that ask for it make other vectors of a question than of what answers it. */
export type Purpose = 'query' | 'document' | 'classification' | 'clustering' | 'similarity' | 'question' | 'fact' | 'code'

/** Token numbers of one model's tokenizer, or texts and images that are embedded together. */
export type EmbedInput = { tokens: number[] } | { parts: EmbedPart[]; title?: string; extras?: EmbedExtras }
/** `url` may hold the image itself. */
export type EmbedPart = { type: 'text'; text: string } | { type: 'image'; url: string }
/** Members that this form does not name, as they came. */
export interface EmbedExtras { format: EmbedFormat; fields: JsonObject }

export interface EmbedAnswer {
  id?: string
  /** Empty where the vendor does not say. */
  model: string
  /** In the order of the inputs. None at all where one of them is none, since the others could then belong to other inputs: the caller compares their number with that of the inputs. */
  vectors: Vector[]
  usage?: EmbedUsage
  extras?: EmbedExtras
}

/** Numbers, or the bytes of as many 32-bit floats in base64, little-endian. */
export type Vector = { floats: number[] } | { base64: string }

/** Tokens of texts and of images exclude each other. Some models are billed by the image. */
export interface EmbedUsage { tokens: number; imageTokens?: number; images?: number }

export interface EmbedClient { request: EmbedRequest; id: string }

export interface EmbedCodec {
  format: EmbedFormat
  /** Throws `BadRequest`. */
  decodeRequest(body: JsonObject, place: RequestPlace): EmbedRequest
  /** `model` as the vendor names it. Throws `BadRequest` for inputs that the format has no place for. */
  encodeRequest(request: EmbedRequest, model: string): Encoded
  decodeAnswer(body: JsonObject): EmbedAnswer
  encodeAnswer(answer: EmbedAnswer, client: EmbedClient): JsonObject
}

/** With the names that `normaliseUsage` reads; null: nothing was told, and the caller has to estimate. */
export function billOfEmbeddings({ usage }: EmbedAnswer): object | null {
  if (!usage) return null
  const { tokens, imageTokens = 0, images = 0 } = usage
  return { prompt_tokens: tokens + imageTokens, total_tokens: tokens + imageTokens, prompt_tokens_details: { image_tokens: imageTokens }, ...(images > 0 && { pieces: { images } }) }
}
