/** The codec of the Messages format, put together. */
import type { ChatCodec } from '../codec.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { format } from './fields.ts'
import { decodeRequest } from './request-in.ts'
import { encodeRequest } from './request-out.ts'
import { MessagesDecoder } from './stream-in.ts'
import { MessagesEncoder } from './stream-out.ts'

export const messagesCodec: ChatCodec = {
  format,
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream: (source) => new MessagesDecoder(source),
  encodeStream: (client) => new MessagesEncoder(client),
}

/** Of `/messages/count_tokens`: a request without what concerns the answer. */
export const countTokensRequest = decodeRequest
