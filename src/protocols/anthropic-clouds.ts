/**
 * Anthropic's Messages as clients of clouds send them: at Bedrock by `invoke`, at Vertex AI by `rawPredict`. Model and streaming stand in the
 * path, the version and the betas in the body; Bedrock's streams are frames around the events, and its errors are AWS's.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 * https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
 */
import type { JsonScanner } from '../wire/json-scanner.ts'
import { anthropicMessages } from './anthropic-messages/index.ts'
import { errorBody, errorEvent, errorHeaders, idHeader } from './bedrock-converse/errors.ts'
import { bedrockConverse } from './bedrock-converse/index.ts'
import { isObject, isText, parsed } from './bedrock-converse/json.ts'
import { wrapInvoke } from './bedrock-invoke.ts'
import type { ChatEvent, JsonObject } from './canonical.ts'
import { BadRequest, type ChatCodec, type Client, type RequestPlace, type StreamEncoder } from './codec.ts'
import { chatEndpoint } from './index.ts'
import type { Cloud, Counting, EndpointSpec, Protocol, RequestFacts, Wrong } from './protocol.ts'

const messages = anthropicMessages.codec!
const { optional } = chatEndpoint(anthropicMessages)
const asked = [{ key: 'messages', types: ['array'] }] as const

/** What Anthropic calls a beta that both clouds have under this name. */
const ownNames: Readonly<Record<string, string>> = { 'tool-search-tool-2025-10-19': 'advanced-tool-use-2025-11-20' }

function betas(body: Buffer, scan: JsonScanner): string[] {
  const member = scan.find('anthropic_beta')
  const list = member && parsed(body.toString('utf8', member.valueStart, member.valueEnd))
  return Array.isArray(list) ? list.filter(isText).map((beta) => ownNames[beta] ?? beta) : []
}

const cloud: Cloud = { format: anthropicMessages, members: ['anthropic_version', 'anthropic_beta'], betas }

/** What the path says counts, whatever stands in the body. */
function readRequest(endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, { model, stream }: RequestPlace): RequestFacts | Wrong {
  const facts = anthropicMessages.readRequest(endpoint, body, scan, {})
  return 'message' in facts ? facts : { ...facts, model: model ?? facts.model, stream: stream ?? facts.stream }
}

const decodeRequest: ChatCodec['decodeRequest'] = (body, { model, stream }) => messages.decodeRequest({ ...body, ...(model !== undefined && { model }), ...(stream !== undefined && { stream }) }, {})

/** Events in frames, as text of one character a byte. */
class FramedEncoder implements StreamEncoder {
  readonly #inner: StreamEncoder

  constructor(client: Client) {
    this.#inner = messages.encodeStream(client)
  }

  write(event: ChatEvent): string {
    const text = this.#inner.write(event)
    let frames = ''
    for (let at = 0; at < text.length;) {
      const line = text.indexOf('\n', at)
      const end = text.indexOf('\n\n', line)
      frames += wrapInvoke(text.slice(at + 'event: '.length, line), text.slice(line + '\ndata: '.length, end))?.toString('latin1') ?? ''
      at = end + 2
    }
    return frames
  }
}

export const anthropicInvoke: Protocol = {
  ...anthropicMessages,
  endpoints: [{ name: 'invoke', capability: 'chat', path: '/model/{model}/invoke', streamPath: '/model/{model}/invoke-with-response-stream', streams: true, anyType: true, required: asked, optional }],
  framing: 'aws-event-stream',
  // Another tier of service has another price, so that it is no header's to choose.
  cloud: { ...cloud, errors: bedrockConverse.id, headers: { begin: 'x-amzn-bedrock-', passed: ['x-amzn-bedrock-guardrailidentifier', 'x-amzn-bedrock-guardrailversion', 'x-amzn-bedrock-trace'] } },
  codec: { ...messages, decodeRequest, encodeStream: (client) => new FramedEncoder(client) },
  readRequest,
  errorBody,
  errorEvent,
  errorHeaders,
  idHeader,
  keepAlive: bedrockConverse.keepAlive,
}

const countPath = '/models/count-tokens:rawPredict'

export const anthropicPredict: Protocol = {
  ...anthropicMessages,
  endpoints: [
    { name: 'rawPredict', capability: 'chat', path: '/models/{model}:rawPredict', streamPath: '/models/{model}:streamRawPredict', streams: true, required: asked, optional },
    { name: 'rawPredict.count_tokens', capability: 'chat', path: countPath, streams: false, counts: true, required: [{ key: 'model', types: ['string'] }, ...asked], optional },
  ],
  cloud,
  codec: { ...messages, decodeRequest },
  readRequest,
}

/** Bedrock's CountTokens asks about a request of Converse, or about the body of an `invoke`. */
export const bedrockCounting: Protocol = {
  ...bedrockConverse,
  endpoints: [{ name: 'CountTokens', capability: 'chat', path: '/model/{model}/count-tokens', streams: false, counts: true, required: [{ key: 'input', types: ['object'] }], optional: [] }],
  counting: { ...bedrockConverse.counting!, within } satisfies Counting,
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html */
function within({ input }: JsonObject): { protocol: Protocol; body: JsonObject } | null {
  const invoked = isObject(input) ? input['invokeModel'] : undefined
  if (!isObject(invoked)) return null
  const body = isText(invoked['body']) ? parsed(Buffer.from(invoked['body'], 'base64').toString()) : undefined
  if (!isObject(body) || !Array.isArray(body['messages'])) throw new BadRequest('The field "input.invokeModel.body" must be the body of an invoke in Anthropic\'s format, in base64. Ask about other models with "input.converse".', 'input.invokeModel.body')
  return { protocol: anthropicInvoke, body }
}
