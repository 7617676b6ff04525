/** Chat completions as a codec: most clients' format, and that of most vendors in their dialects. docs/guides/chat-completions.md says what is carried. */
import type { ChatCodec } from '../codec.ts'
import { decodeAnswer, encodeAnswer } from './answer.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'
import { ChatDecoder } from './decode-stream.ts'
import { ChatEncoder } from './encode-stream.ts'

export const openaiChatCodec: ChatCodec = {
  format: 'openai-chat',
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream: (source) => new ChatDecoder(source),
  encodeStream: (client) => new ChatEncoder(client),
}
