/** What a wire format must know so that the gateway can carry it without understanding it: requests, answers, streams, errors. */
import type { UsageRules } from '../providers/provider.ts'
import type { Edit } from '../wire/json-edit.ts'
import type { JsonScanner, Member } from '../wire/json-scanner.ts'
import type { Framing } from '../wire/event-scanner.ts'
import type { EventShape } from '../wire/event-shape.ts'
import type { SseEvent } from '../wire/sse-scanner.ts'
import type { JsonObject } from './canonical.ts'
import type { ChatCodec, RequestPlace } from './codec.ts'
import type { PlainCodec } from './plain.ts'

/** What a vendor must list to serve an endpoint. */
export type EndpointKind = 'chat' | 'completions' | 'embeddings' | MediaKind | 'files' | 'batches'
export type MediaKind = 'images' | 'image_edits' | 'image_variations' | 'speech' | 'transcriptions' | 'translations' | 'moderations' | 'rerank'

/** One route of the wire format. */
export interface EndpointSpec {
  /** Name in records and metrics, for example `chat.completions`. */
  name: string
  capability: EndpointKind
  /** Path under the vendor's base URL; `{model}` stands for the upstream model, which then stands in no body. */
  path: string
  /** Of a request that streams, where it is another one; its query too. */
  streamPath?: string
  streams: boolean
  /** It also takes a form with files: `piped` on as soon as the model is known, or `whole`, since all fields decide what it costs. */
  form?: 'piped' | 'whole'
  /** A successful answer that is neither JSON nor events passes as it comes. */
  bytes?: true
  /** It asks how many tokens a request has, and for no answer to it. */
  counts?: true
  /** Of the body, where it is less than others may have. */
  bodyBytes?: number
  /** Clients send their JSON under any content type. */
  anyType?: true
  /** Required members and the JSON types they may have. */
  required: readonly { key: string; types: readonly JsonType[] }[]
  /** Members whose type is checked when they are present. */
  optional: readonly { key: string; types: readonly JsonType[] }[]
}

export type JsonType = 'string' | 'number' | 'boolean' | 'object' | 'array' | 'null'

/** What one event of a stream says. */
export interface EventFacts {
  /** Carries output or an end: from here on the client must see what the upstream says. */
  meaningful: boolean
  /** A finish reason was given. */
  finished: boolean
  /** The format's own end marker. */
  done: boolean
  /** The usage object, null when the event has none: with the names of OpenAI's chat completions, whatever the format calls them, since one function makes disjoint classes of all of them (`catalog/usage.ts`, by `Protocol.usage`). */
  usage: unknown
  /** The service tier that the vendor says it served with; null where it says none. */
  serviceTier: string | null
  /** The event exists only to carry usage and may be removed when the client did not ask for it. */
  usageOnly: boolean
  error: UpstreamFault | null
  /** Characters of model output in the event: the basis of an estimate when no usage comes. */
  outputChars: number
}

/** What a complete answer says. */
export interface AnswerFacts {
  usage: unknown
  serviceTier: string | null
  /** Span of the usage object in the body. */
  usageMember: Member | undefined
  error: UpstreamFault | null
  outputChars: number
}

/** An error as the upstream told it. */
export interface UpstreamFault {
  code: string | null
  type: string | null
  message: string
  /** A status inside the body, as OpenRouter sends it, or null. */
  status: number | null
  /** When to come again, where the body says it and no header does. */
  retryAfterMs?: number
}

/** Why an attempt failed, as far as retry and fallback care. */
export type FaultClass =
  | 'connect' | 'timeout' | 'server' | 'overloaded' | 'rate_limit' | 'auth' | 'quota' | 'not_found' | 'context_window' | 'content_policy' | 'truncated' | 'request'

/**
 * What the cost of a request is bounded by, besides its bytes. Whatever the gateway does not know to be harmless is named
 * instead of counted, so that a strict budget can refuse it.
 */
export interface RequestShape {
  /** Messages, prompts or inputs: each costs some tokens beyond its own text. */
  messages: number
  tools: number
  /** Independent prompts, each answered `choices` times. */
  prompts: number
  /** Answers that are generated, and billed, for one prompt. */
  choices: number
  /** By reference or in the body. */
  images: number
  /** Bytes of the images that stand in the body itself. */
  imageBytes: number
  /** A part whose tokens its bytes do not bound (audio, a file, a part of unknown kind), in words; null: there is none. */
  media: string | null
  /** Bytes of such parts. */
  mediaBytes: number
  /** What the request says under `service_tier`. */
  serviceTier: string | null
  /** Of endpoints that are billed by the piece. */
  pieces?: AskedPieces
  /** What may be billed beyond input and output tokens (a tool that the vendor runs, an unknown field), in words; null: nothing. */
  extra: string | null
}

/** What a request asks for, as far as it says so. */
export interface AskedPieces {
  images: number
  characters: number
  /** An estimate, and the most that it can be; null: nothing bounds it. */
  searches: number
  mostSearches: number | null
  /** Of the tokens that make an image or speech, or that a recording is: estimates. */
  mediaTokens: number
  outputTokens: number
  /** Estimate of the recording's length, by its bytes. */
  audioMs: number
}

/** What the gateway reads of a request besides its model: by whatever names the format gives it. */
export interface RequestFacts {
  /** Null: the request names none. */
  model: string | null
  stream: boolean
  /** The client wants usage in its stream, or the format always sends it. */
  usageInStream: boolean
  /** The client's own bound of output tokens, null where it sets none. */
  maxOutputTokens: number | null
  /** Answers to one prompt. */
  choices: number
  /** Reasoning is switched off. */
  reasoningOff: boolean
}

/** How a format counts tokens before the call. */
export interface Counting {
  /** Under the vendor's base URL; `{model}` stands for the upstream model. */
  path: string
  /** The conversation inside of a client's question. */
  asked(body: JsonObject): JsonObject
  /** The question for a vendor about a conversation of this format. */
  question(body: JsonObject, model: string): JsonObject
  /** Null: the answer says none. */
  tokens(answer: JsonObject): number | null
  answer(tokens: number): JsonObject
  /** Where a question may also hold a conversation of another format: which. Null: it holds one of this. Throws `BadRequest`. */
  within?(body: JsonObject): { protocol: Protocol; body: JsonObject } | null
}

/** The addresses of a cloud, at which a format has more members, and less in the body than elsewhere. */
export interface Cloud {
  /** The format as it is by itself: what vendors are asked in. */
  format: Protocol
  /** Members that are headers, or nothing, elsewhere. */
  members: readonly string[]
  /** Betas that a body asks for, under the format's own names. */
  betas(body: Buffer, scan: JsonScanner): string[]
  /** The format that its errors are told in; left out: its own. */
  errors?: string
  /** Headers of clients that it reads beside the body, by how they begin, and those among them that are passed to it. */
  headers?: { begin: string; passed: readonly string[] }
}

/** A member that has no sense: in words for the client. */
export interface Wrong { message: string; param: string }

export interface Protocol {
  id: string
  endpoints: readonly EndpointSpec[]
  /** How its streams are framed: text events, binary frames of AWS, a line of JSON each, one JSON array. */
  framing: Framing
  /** Of an event that must be read whole, bytes, where the last one repeats the answer; left out: the usual bound. */
  eventBytes?: number
  /** One of them stands in every request that carries or refers to an image, audio or a file. Their first bytes should be rare in text, which makes the search fast. */
  mediaWords: readonly string[]
  /** How its usage becomes disjoint classes; null: as the vendor's declaration says. */
  usage: UsageRules | null
  /** One of them stands in every whole answer that is no error, as a list or an object with something in it. */
  answerIn: readonly string[]
  /** The list may be empty: a model that says nothing. */
  mayBeEmpty?: true
  /** Of these members those that say enough by standing there: a text, a list of numbers, results of nothing that was found. */
  mayBeAny?: readonly string[]
  /** Where usage stands in a whole answer, and in the event of a stream that has its last word. */
  usageIn: { answer: readonly string[]; event: readonly string[] }
  /** Null: the format has no way to ask for the tokens of a request. */
  counting: Counting | null
  /** Its answers are billed by the piece, or by tokens that no limit of the request bounds. */
  byPieces?: true
  /** Null: the format carries no conversations. */
  codec: ChatCodec | null
  /** Of endpoints without conversation that can be translated; of several of one kind the first is what others are translated to. */
  plain?: Readonly<Partial<Record<EndpointKind, PlainCodec>>>
  /** Set where it is another format as clients of a cloud send it. Only for clients: no vendor speaks it. */
  cloud?: Cloud
  /** Members have the types that the endpoint demands. `place` is what the address says. */
  readRequest(endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, place: RequestPlace): RequestFacts | Wrong
  /** Adds the headers that the format wants: its version, and what the client says of it in headers. Nothing else of a client's headers passes. */
  requestHeaders?(client: Readonly<Record<string, string | string[] | undefined>>, headers: Record<string, string>): void
  /** Edits that put a limit in the place of a larger one, or of none. Left out: the vendor's declaration says which fields it reads. */
  limitEdits?(body: Buffer, scan: JsonScanner, maxTokens: number): Edit[]
  /** Edits that make what the body says of the model agree with the path that names it. Left out: it says nothing there. */
  modelEdits?(body: Buffer, scan: JsonScanner, model: string): Edit[]
  /** One pass over the bytes of a body that was found valid; counts, builds nothing. `fileBytes`: of a form, whose fields the body is. */
  shapeOf(endpoint: EndpointSpec, body: Buffer, scan: JsonScanner, fileBytes?: number): RequestShape
  /** `shape` belongs to the stream. */
  readEvent(event: SseEvent, shape: EventShape): EventFacts
  /** `scan` covers the whole body and found no fault. `headers`: of the answer, in lower case. */
  readAnswer(body: Buffer, scan: JsonScanner, headers?: Readonly<Record<string, string | string[] | undefined>>): AnswerFacts
  readError(body: Buffer, headers?: Readonly<Record<string, string | string[] | undefined>>): UpstreamFault | null
  classify(status: number, fault: UpstreamFault | null): FaultClass
  /** A whole error body, and the event that ends a broken stream; `isFirst`: nothing of the stream was sent before. */
  errorBody(error: SaidError): string
  errorHeaders?(error: SaidError): Record<string, string>
  /** The header in which its clients look for the id of a request, beside `x-request-id`. */
  idHeader?: string
  errorEvent(error: SaidError, isFirst?: boolean): string
  keepAlive: string
}

/** An error in words, ready for the wire. */
export interface SaidError {
  message: string
  /** HTTP status, also where the error stands in a stream. */
  status: number
  type: string
  code: string
  param: string | null
  requestId: string
  /** Of an error that a vendor told; null: it is the gateway's own. */
  fault: FaultClass | null
  retryAfterMs?: number
}
