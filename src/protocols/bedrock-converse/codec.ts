/** The codec of Bedrock's Converse: request, answer and stream from and to the canonical form. */
import type { ChatCodec } from '../codec.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { ConverseDecoder } from './decode-stream.ts'
import { ConverseEncoder } from './encode-stream.ts'
import { format } from './json.ts'
import { decodeRequest, encodeRequest } from './request.ts'

export const converseCodec: ChatCodec = {
  format,
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream: (source) => new ConverseDecoder(source),
  encodeStream: () => new ConverseEncoder(),
}
