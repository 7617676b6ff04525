/** The same format without `alt=sse`: a stream is one JSON array, written element by element. */
import type { Protocol } from '../protocol.ts'
import { errorBody } from './errors.ts'
import { geminiGenerate } from './index.ts'
import { Encoder } from './write-stream.ts'

export const geminiArray: Protocol = {
  ...geminiGenerate,
  endpoints: geminiGenerate.endpoints.map((endpoint) => ({ ...endpoint, streamPath: '/models/{model}:streamGenerateContent' })),
  framing: 'json-array',
  codec: { ...geminiGenerate.codec!, encodeStream: (client) => new Encoder(client, true) },
  // Behind the last whole element, or as the only one.
  errorEvent: (error, isFirst) => `${isFirst ? '[' : ',\n'}${errorBody(error)}]\n`,
  keepAlive: '\n',
}
