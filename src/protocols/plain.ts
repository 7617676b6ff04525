/**
 * How requests that carry no conversation (embeddings, reranking) are translated: a whole request to a whole answer, by the codecs of two
 * formats that know each other as little as those of conversations do. What a format cannot say is a loss, or a `BadRequest`.
 */
import type { JsonObject } from './canonical.ts'
import type { Encoded, RequestPlace } from './codec.ts'
import type { EmbedAnswer, EmbedRequest } from './embeddings.ts'
import type { RerankAnswer, RerankRequest } from './rerank.ts'

export type PlainRequest = EmbedRequest | RerankRequest
export type PlainAnswer = EmbedAnswer | RerankAnswer

/** `id`: of the exchange, for answers that have none of their own. */
export interface PlainClient { request: PlainRequest; id: string }

/** Two codecs meet only at the same endpoint, so that what one reads is of the kind that the other writes. */
export interface PlainCodec {
  /** Throws `BadRequest` where a member has no meaning that could be translated. */
  decodeRequest(body: JsonObject, place: RequestPlace): PlainRequest
  /** `model` as the vendor names it. Throws `BadRequest` for what the format has no place for. */
  encodeRequest(request: PlainRequest, model: string): Encoded
  decodeAnswer(body: JsonObject): PlainAnswer
  encodeAnswer(answer: PlainAnswer, client: PlainClient): JsonObject
}

/** Whether an answer has what was asked for: a vector for each input. Of documents not all need have a result. */
export const isWhole = (answer: PlainAnswer, request: PlainRequest): boolean => !('vectors' in answer) || !('inputs' in request) || answer.vectors.length === request.inputs.length
