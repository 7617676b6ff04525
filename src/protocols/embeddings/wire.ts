/**
 * What all formats of embeddings share on the wire: a request that bears no limit, an answer whose usage stands in few of its members, and
 * errors in the words of the vendor's other formats. What can fail is the vendor; a body that no codec reads bounds nothing.
 */
import type { JsonScanner } from '../../wire/json-scanner.ts'
import type { JsonObject } from '../canonical.ts'
import { BadRequest, type RequestPlace } from '../codec.ts'
import { billOfEmbeddings, type EmbedCodec, type EmbedInput } from '../embeddings.ts'
import type { AnswerFacts, EndpointSpec, Protocol, RequestFacts, RequestShape, Wrong } from '../protocol.ts'

export interface EmbedWire {
  codec: EmbedCodec
  endpoints: readonly EndpointSpec[]
  /** Whose errors it has. */
  base: Protocol
  mediaWords: readonly string[]
  answerIn: readonly string[]
  mayBeAny?: readonly string[]
  /** Members of an answer that tell its usage. */
  told: readonly string[]
  /** What a client that asked for its cost gets it in. */
  usageIn: readonly string[]
  /** Fields beyond those that the codec names, which cost nothing. */
  harmless: readonly string[]
  modelEdits?: Protocol['modelEdits']
  /** What it does not read is refused, since the path serves other things as well. */
  reads?: true
}

/** Of a top-level member; undefined: there is none. */
function valueOf(body: Buffer, scan: JsonScanner, key: string): unknown {
  const member = scan.find(key)
  return member ? JSON.parse(body.toString('utf8', member.valueStart, member.valueEnd)) : undefined
}

function readRequest({ codec, reads }: EmbedWire, body: Buffer, scan: JsonScanner, place: RequestPlace): RequestFacts | Wrong {
  try {
    if (reads) codec.decodeRequest(JSON.parse(body.toString()) as JsonObject, place)
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    return { message: error.message, param: error.param ?? '' }
  }
  const model = place.model ?? valueOf(body, scan, 'model')
  return { model: typeof model === 'string' ? model : null, stream: false, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: true }
}

const imageBytesOf = (input: EmbedInput): number[] => ('tokens' in input ? [] : input.parts.flatMap((part) => (part.type === 'image' ? [part.url.startsWith('data:') ? part.url.length : 0] : [])))

function shapeOf({ codec, harmless }: EmbedWire, body: Buffer): RequestShape {
  const shape: RequestShape = { messages: 1, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null }
  try {
    const { inputs, extras } = codec.decodeRequest(JSON.parse(body.toString()) as JsonObject, {})
    shape.messages = shape.prompts = Math.max(1, inputs.length)
    const images = inputs.flatMap(imageBytesOf)
    shape.images = images.length
    shape.imageBytes = images.reduce((sum, bytes) => sum + bytes, 0)
    const fields = [extras, ...inputs.map((input) => ('tokens' in input ? undefined : input.extras))].flatMap((each) => Object.keys(each?.fields ?? {}))
    const unknown = fields.find((key) => !harmless.includes(key))
    if (unknown !== undefined) shape.extra = `the field "${unknown.slice(0, 40)}"`
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    shape.media = 'an input that is neither text nor image'
  }
  return shape
}

/** A bill without tokens or pieces says nothing. `headers` are the vendor's. */
function readAnswer({ codec, told, base }: EmbedWire, body: Buffer, scan: JsonScanner, headers: Readonly<Record<string, string | string[] | undefined>>): AnswerFacts {
  const members: JsonObject = {}
  for (const key of told) {
    const value = valueOf(body, scan, key)
    if (value !== undefined) members[key] = value as JsonObject
  }
  const counted = Number(headers['x-amzn-bedrock-input-token-count'] ?? Number.NaN)
  const { error } = base.readAnswer(body, scan)
  return { usage: billOfEmbeddings(codec.decodeAnswer(members)) ?? (Number.isSafeInteger(counted) ? { prompt_tokens: counted, total_tokens: counted } : null), serviceTier: null, usageMember: undefined, error, outputChars: 0 }
}

export function embedProtocol(wire: EmbedWire): Protocol {
  const { base, codec, endpoints, mediaWords, answerIn, mayBeAny, usageIn, modelEdits } = wire
  return {
    ...base,
    id: codec.format,
    endpoints,
    mediaWords,
    answerIn,
    ...(mayBeAny && { mayBeAny }),
    usageIn: { answer: usageIn, event: usageIn },
    usage: { promptIncludesCached: true, completionIncludesReasoning: true },
    counting: null,
    codec: null,
    plain: { embeddings: codec },
    ...(modelEdits && { modelEdits }),
    readRequest: (_endpoint, body, scan, place) => readRequest(wire, body, scan, place),
    // Nothing of these has a limit of tokens that could be lowered.
    limitEdits: () => [],
    shapeOf: (_endpoint, body) => shapeOf(wire, body),
    readAnswer: (body, scan, headers = {}) => readAnswer(wire, body, scan, headers),
  }
}
