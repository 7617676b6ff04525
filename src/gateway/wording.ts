/**
 * A request in the words of one wire format: the client's own bytes where the vendor speaks its format, else what they are translated
 * to, once for each form that attempts need. What is held, edited and sent is the wording, not the request. It fails where the request
 * can't be understood, or where the client wants nothing left out and the vendor's format can't say all of it.
 */
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import type { ChatRequest, JsonObject } from '../protocols/canonical.ts'
import { BadRequest, type Encoded, type Loss, type RequestPlace, type Target } from '../protocols/codec.ts'
import { chatEndpoint, plainEndpoint, protocols } from '../protocols/index.ts'
import type { PlainRequest } from '../protocols/plain.ts'
import type { Cloud, EndpointSpec, Protocol } from '../protocols/protocol.ts'
import type { SpokenFormat, Vendor } from '../providers/provider.ts'
import { JsonScanner, noUniqueKeys } from '../wire/json-scanner.ts'
import { unsaidHeaders } from './cloud.ts'
import type { Asked, Exchange } from './exchange.ts'
import { sizeOf } from './request-size.ts'
import type { Deployment } from './snapshot.ts'

export interface Wording {
  protocol: Protocol
  spoken: SpokenFormat
  endpoint: EndpointSpec
  body: Buffer
  scan: JsonScanner
  /** As the vendor is asked. */
  asked: Asked
  /** The conversation, where it was translated: answers are translated back for it. */
  request: ChatRequest | null
  /** The request without conversation, where that was. */
  plain: PlainRequest | null
  losses: readonly Loss[]
  /** That the body needs beside it. */
  headers: Readonly<Record<string, string>>
}

/** How a vendor takes a request of this format; null: not at all. */
export function formatFor({ formats }: Pick<Vendor, 'formats'>, protocol: Protocol, endpoint: EndpointSpec): SpokenFormat | null {
  const { capability } = endpoint
  const same = formats.find((each) => each.protocol === protocol.id)
  if (same) return same
  if (capability === 'chat') return protocol.codec === null ? null : formats.find((each) => protocols.get(each.protocol)?.codec) ?? null
  const other = protocol.plain?.[capability] && formats.find((each) => protocols.get(each.protocol)?.plain?.[capability])
  // What a vendor serves of these it lists by endpoint.
  return other ?? (protocol.byPieces ? { protocol: protocol.id } : null)
}

export function wordingFor(exchange: Exchange, deployment: Deployment): Wording | Failure {
  const { protocol, endpoint } = exchange
  const spoken = formatFor(deployment.provider.vendor, protocol, endpoint)
  // `choose` has dropped what serves no such endpoint.
  if (spoken === null) return failure('invalid_request', `${deployment.provider.vendor.name} does not serve ${endpoint.path}.`, { param: 'model' })
  const passes = spoken.protocol === protocol.id && !exchange.hasSealedProofs && deployment.effort === undefined
  if (passes && protocol.cloud) return ofCloud(exchange, protocol.cloud, spoken, deployment)
  if (passes) return { protocol, spoken, endpoint, body: exchange.body, scan: exchange.scan!, asked: exchange.asked!, request: null, plain: null, losses: noLosses, headers: noHeaders }
  if (endpoint.capability !== 'chat') return plainly(exchange, spoken, deployment)
  const request = exchange.chat ?? understood(protocol, exchange, JSON.parse(exchange.body.toString()) as JsonObject)
  if ('code' in request) return request
  exchange.chat = request
  return translated(exchange, withEffort(request, deployment), spoken, deployment)
}

/** As the router chose it, unless the client says how much the model is to think. */
function withEffort(request: ChatRequest, { effort }: Deployment): ChatRequest {
  if (effort === undefined || request.reasoning !== undefined) return request
  return { ...request, reasoning: effort === 'none' ? { mode: 'off' } : { mode: 'on', effort } }
}

/** The body of a client of a cloud, before a vendor of the same format. */
function ofCloud(exchange: Exchange, { format: protocol }: Cloud, spoken: SpokenFormat, { provider: { vendor } }: Deployment): Wording | Failure {
  const losses = unsaidHeaders(exchange, spoken)
  return unsaid(exchange, vendor, losses) ?? { protocol, spoken, endpoint: chatEndpoint(protocol), body: exchange.body, scan: exchange.scan!, asked: exchange.asked!, request: null, plain: null, losses, headers: noHeaders }
}

/** Null: what is lost may be. */
function unsaid({ options }: Exchange, { name }: Vendor, losses: readonly Loss[]): Failure | null {
  const meant = options!.onUnsupported === 'reject' ? losses.filter(({ kind }) => kind === 'meaning') : noLosses
  if (meant.length === 0) return null
  return failure('unsupported_feature', `${name} cannot be told everything that this request says: ${listed(meant)}. Leave it out, use a model of a vendor that takes it, or set on_unsupported to "warn".`, { param: 'megarouter.on_unsupported' })
}

/** A conversation in the client's format. */
export function understood(protocol: Protocol, { inPath, request: { headers } }: Exchange, body: JsonObject): ChatRequest | Failure {
  const betas = headers['anthropic-beta']
  try {
    const { megarouter: _, ...chat } = body
    return protocol.codec!.decodeRequest(chat, typeof betas === 'string' ? { ...inPath, betas: betas.split(',').map((each) => each.trim()).filter((each) => each !== '') } : inPath)
  } catch (error) {
    return badRequest(error)
  }
}

export function badRequest(error: unknown): Failure {
  if (!(error instanceof BadRequest)) throw error
  return failure('invalid_request', error.message, error.param === null ? {} : { param: error.param })
}

/** What the form of a request depends on besides its format. */
export const targetOf = ({ upstreamModel, outputTokens, reasoning, provider: { vendor } }: Deployment): Target => ({
  model: upstreamModel, proofs: vendor.proofs, mostOutputTokens: outputTokens || vendor.bounds.mostOutputTokens, reasoning: reasoning === false ? 'none' : vendor.quirks.reasoning,
  ...(vendor.quirks.dialect.length > 0 && { dialect: new Set(vendor.quirks.dialect) }),
})

const noLosses: readonly Loss[] = []
const noHeaders = {}

function translated(exchange: Exchange, request: ChatRequest, spoken: SpokenFormat, deployment: Deployment): Wording | Failure {
  const protocol = protocols.get(spoken.protocol)!
  const endpoint = chatEndpoint(protocol)
  const { vendor } = deployment.provider
  const encoded = protocol.codec!.encodeRequest(keptByNobody(exchange.keeps === null ? request : withoutStore(request), protocol), targetOf(deployment))
  const losses = exchange.protocol.id === responses && request.store === true && exchange.keeps === null ? [...encoded.losses.filter(({ what }) => what !== storeLoss.what), storeLoss] : encoded.losses
  losses.push(...unsaidHeaders(exchange, spoken))
  const refused = unsaid(exchange, vendor, losses)
  if (refused) return refused
  // What a format demands where the client sets no limit is no wish of the client's: a hold may lower it.
  const said = saying(exchange, protocol, endpoint, encoded, { model: deployment.upstreamModel, stream: request.stream }, request.maxOutputTokens ?? null)
  return { protocol, spoken, endpoint, ...said, request: repeating(exchange, request), plain: null, losses }
}

/** A request without conversation. */
function plainly(exchange: Exchange, spoken: SpokenFormat, deployment: Deployment): Wording | Failure {
  const { capability } = exchange.endpoint
  const protocol = protocols.get(spoken.protocol)!
  const endpoint = plainEndpoint(protocol, capability)
  try {
    const plain = exchange.protocol.plain![capability]!.decodeRequest(JSON.parse(exchange.body.toString()) as JsonObject, exchange.inPath)
    const encoded = protocol.plain![capability]!.encodeRequest(plain, deployment.upstreamModel)
    const refused = unsaid(exchange, deployment.provider.vendor, encoded.losses)
    if (refused) return refused
    return { protocol, spoken, endpoint, ...saying(exchange, protocol, endpoint, encoded, { model: deployment.upstreamModel }, null), request: null, plain, losses: encoded.losses }
  } catch (error) {
    return badRequest(error)
  }
}

/** The bytes of a request that was written anew, and what they ask for. */
function saying({ asked }: Exchange, protocol: Protocol, endpoint: EndpointSpec, encoded: Encoded, place: RequestPlace, limit: number | null): Pick<Wording, 'body' | 'scan' | 'asked' | 'headers'> {
  const body = Buffer.from(JSON.stringify(encoded.body))
  const scan = new JsonScanner({ maxDepth: limits.jsonDepth * 2, maxKeys: limits.jsonKeys * 2, unique: noUniqueKeys })
  scan.push(body)
  scan.end()
  const facts = protocol.readRequest(endpoint, body, scan, place)
  if ('message' in facts) throw new Error(`${protocol.id} does not understand its own request: ${facts.message}`)
  const wished = { ...asked!, ...facts, model: asked!.model, written: facts.model, maxOutputTokens: limit, maxTokens: limit, maxCompletionTokens: limit, bodyBytes: body.length, size: sizeOf(protocol, endpoint, body, scan) }
  return { body, scan, asked: wished, headers: encoded.headers ?? noHeaders }
}

/** Responses are stored by their vendor unless it is told not to, which a client of another format did not ask for. */
const keptByNobody = (request: ChatRequest, { id }: Protocol): ChatRequest => (id === responses && request.store === undefined ? { ...request, store: false } : request)

const responses = 'openai-responses'
/** Kept by nobody where the vendor speaks another format and `settings.responses.store` is off. */
const storeLoss: Loss = { what: 'store', kind: 'hint' }

/** What is kept here the vendor need not keep. */
function withoutStore(request: ChatRequest): ChatRequest {
  const { store: _, ...rest } = request
  return rest
}

/** Answers repeat which one they go on from. */
function repeating({ earlier }: Exchange, request: ChatRequest): ChatRequest {
  if (earlier?.isOurs !== true) return request
  return { ...request, extras: { format: responses, fields: { ...request.extras?.fields, previous_response_id: earlier.id } } }
}

/** For a person. */
export const listed = (losses: readonly Loss[]): string => [...new Set(losses.map(({ what }) => what))].join(', ')
