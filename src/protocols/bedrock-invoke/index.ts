/**
 * Bedrock's invoke as Claude's models take it: Anthropic's Messages with the model and streaming in the path, streams in binary frames,
 * errors as Bedrock tells them. Bodies of other makers' models are of other formats; Converse serves those models.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
 */
import { eventFrame } from '../../wire/aws-event-stream.ts'
import { anthropicMessages } from '../anthropic-messages/index.ts'
import { bedrockConverse } from '../bedrock-converse/index.ts'
import { writeError } from '../bedrock-converse/errors.ts'
import { unwrapInvoke } from '../bedrock-invoke.ts'
import type { ChatEvent } from '../canonical.ts'
import type { ChatCodec, Client, StreamDecoder, StreamEncoder } from '../codec.ts'
import type { EndpointSpec, Protocol } from '../protocol.ts'

const messages = anthropicMessages.codec!
const version = 'bedrock-2023-05-31'

const { optional } = anthropicMessages.endpoints.find(({ counts }) => !counts)!
const endpoints: readonly EndpointSpec[] = [{
  name: 'invoke', capability: 'chat', path: '/model/{model}/invoke', streamPath: '/model/{model}/invoke-with-response-stream', streams: true, asBytes: true, required: [{ key: 'messages', types: ['array'] }], optional,
}]

class Decoder implements StreamDecoder {
  readonly #inner: StreamDecoder

  constructor(inner: StreamDecoder) {
    this.#inner = inner
  }

  event(name: string, data: string, out: ChatEvent[]): void {
    const event = unwrapInvoke(name, data)
    if (event) this.#inner.event(event.name, event.data, out)
  }

  end(out: ChatEvent[]): void {
    this.#inner.end(out)
  }
}

class Encoder implements StreamEncoder {
  readonly #inner: StreamEncoder

  constructor(client: Client) {
    this.#inner = messages.encodeStream(client)
  }

  write(event: ChatEvent): string {
    if (event.type === 'error') return writeError(event.error)
    const text = this.#inner.write(event)
    if (text === '') return ''
    let frames = ''
    // The text of several events; within their data is no line break.
    for (let at = text.indexOf('\ndata: '); at >= 0;) {
      const end = text.indexOf('\n', at + 7)
      frames += eventFrame('chunk', `{"bytes":"${Buffer.from(text.slice(at + 7, end)).toString('base64')}"}`).toString('latin1')
      at = text.indexOf('\ndata: ', end)
    }
    return frames
  }
}

const codec: ChatCodec = {
  ...messages,
  decodeRequest(body, { model = '', stream = false }) {
    const { anthropic_version: _, ...asked } = body
    return messages.decodeRequest({ ...asked, model, stream }, {})
  },
  encodeRequest(request, target) {
    const { betas, ...rest } = request
    const { body: { model: _, stream: __, ...body }, losses } = messages.encodeRequest(rest, target)
    return { body: { anthropic_version: version, ...body, ...(betas && { anthropic_beta: betas }) }, losses }
  },
  decodeStream: (source) => new Decoder(messages.decodeStream(source)),
  encodeStream: (client) => new Encoder(client),
}

const nothing = { name: '', data: null }
const { requestHeaders: _, ...wire } = anthropicMessages

export const bedrockInvoke: Protocol = {
  ...wire,
  id: 'bedrock-invoke',
  endpoints,
  framing: 'aws-event-stream',
  counting: null,
  codec,
  readEvent(event, shape) {
    if (event.data === null) return anthropicMessages.readEvent(event, shape)
    return anthropicMessages.readEvent({ ...event, ...unwrapInvoke(event.name, event.data) ?? nothing }, shape)
  },
  readError: bedrockConverse.readError,
  classify: bedrockConverse.classify,
  errorBody: bedrockConverse.errorBody,
  errorEvent: bedrockConverse.errorEvent,
  keepAlive: bedrockConverse.keepAlive,
}
