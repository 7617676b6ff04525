/**
 * What an attempt may cost that is billed by the piece, or by tokens that no limit bounds: images, speech, recordings, moderation, searches.
 * In `strict` only what the request itself bounds is taken: the number of images, of characters, of searches, the bytes of a text.
 */
import { costNano, dearestPrices, noUsage, type Prices, type Usage } from '../catalog/price.ts'
import type { Failure } from '../errors.ts'
import type { Asked } from '../gateway/exchange.ts'
import type { Deployment } from '../gateway/snapshot.ts'
import type { AskedPieces, EndpointKind, RequestShape } from '../protocols/protocol.ts'
import { isFree, unenforceable, type Binding, type Bound } from './bound.ts'
import type { Calibration } from './calibration.ts'
import type { HoldMode } from './records.ts'
import { priceUnknown } from './refusals.ts'

/** Kinds whose models make no output that is billed by the token. */
const withoutOutput: ReadonlySet<EndpointKind> = new Set<EndpointKind>(['moderations', 'rerank'])
const recordings: ReadonlySet<EndpointKind> = new Set<EndpointKind>(['transcriptions', 'translations'])

export function pieceBound(asked: Asked, endpoint: EndpointKind, deployment: Deployment, mode: HoldMode, calibration: Calibration, by: Binding): Bound | Failure {
  const { price, identity } = deployment
  const shape = asked.size.shape()
  const pieces = shape.pieces!
  const isStrict = mode === 'strict'
  if (isStrict && !price) return priceUnknown(deployment.id, by)
  const inputTokens = isStrict ? asked.bodyBytes + deployment.provider.vendor.bounds.requestTokens : calibration.inputTokens(identity, asked.bodyBytes) + pieces.mediaTokens
  const outputTokens = withoutOutput.has(endpoint) ? 0 : pieces.outputTokens
  const bound: Bound = { holdNano: 0, fullNano: 0, inputTokens, inputNano: 0, maxInputTokens: inputTokens, maxOutputTokens: outputTokens, mostOutputTokens: Infinity, maxTokens: null, sliced: false, warning: null }
  // No price and still here: the operator allows it, and what it costs is marked as unpriced.
  if (!price || isFree(price)) return bound
  const dearest = dearestPrices(price)
  const open = isStrict ? unbounded(endpoint, shape, pieces, dearest) : null
  if (open !== null) return unenforceable('strict', open, false, by)
  const vector = { version: price.version, base: dearestOfKind(dearest), tiers: [] }
  const input = usageOf(inputTokens, 0, null, isStrict)
  const holdNano = costNano(vector, usageOf(inputTokens, outputTokens, pieces, isStrict))
  return { ...bound, holdNano, fullNano: holdNano, inputNano: Math.min(holdNano, costNano(price, input)) }
}

/** What makes a strict bound impossible, in words. */
function unbounded(endpoint: EndpointKind, shape: RequestShape, pieces: AskedPieces, { input, output, imageIn, imageOut, audioIn, audioOut, searches }: Prices): string | null {
  if (shape.extra !== null) return `${shape.extra} may change what it costs`
  if (recordings.has(endpoint)) return 'the length of a recording is not known before it was heard'
  if (!withoutOutput.has(endpoint) && output + imageOut + audioOut > 0) return 'the tokens that an image or speech takes have no limit'
  if (shape.media !== null && input + imageIn + audioIn > 0) return `the tokens of ${shape.media} are not known beforehand`
  return searches > 0 && pieces.mostSearches === null ? 'a query of more than 250 bytes may split documents into any number of searches' : null
}

/** Tokens of media cost what the dearest of their side does. */
function dearestOfKind(prices: Prices): Prices {
  return { ...prices, input: Math.max(prices.input, prices.cacheWrite5m, prices.cacheWrite1h, prices.audioIn, prices.imageIn), output: Math.max(prices.output, prices.reasoning, prices.audioOut, prices.imageOut) }
}

function usageOf(inputTokens: number, outputTokens: number, pieces: AskedPieces | null, isStrict: boolean): Usage {
  const usage = { ...noUsage(), input: Math.ceil(inputTokens), output: outputTokens, requests: 1 }
  if (pieces === null) return usage
  const { images, characters, searches, mostSearches, audioMs } = pieces
  return { ...usage, images, characters, audioMs, searches: isStrict ? mostSearches ?? searches : searches }
}
