/**
 * What an attempt may cost: the amount of its hold, and the output limit that makes a strict hold true. In `strict` no bill
 * within the vendor's own limits is above the hold; what can't be bounded is refused. The other modes hold an estimate.
 */
import { costNano, isPricedTier, noUsage, pieceClasses, type PriceList, type Prices, type PriceVector } from '../catalog/price.ts'
import { failure, type Failure } from '../errors.ts'
import type { Asked } from '../gateway/exchange.ts'
import type { Deployment } from '../gateway/snapshot.ts'
import { matchesModel } from '../governance/model-patterns.ts'
import type { EndpointKind, RequestShape } from '../protocols/protocol.ts'
import type { BoundRules } from '../providers/provider.ts'
import type { Account } from './account.ts'
import type { Calibration } from './calibration.ts'
import { pieceBound } from './piece-bound.ts'
import type { HoldMode } from './records.ts'
import { budgetOf, priceUnknown } from './refusals.ts'

export interface Bound {
  holdNano: number
  /** The most that the hold of a stream grows to. Infinity: no limit of the output is known. */
  fullNano: number
  /** Estimate of the input, and its price: what is charged when nothing is heard of a dispatched attempt. Never above the hold. */
  inputTokens: number
  inputNano: number
  /** What `holdNano` covers. */
  maxInputTokens: number
  maxOutputTokens: number
  /** The most that the vendor makes, by its own limit or the one that it is sent. Infinity: not known. */
  mostOutputTokens: number
  /** The output limit to write upstream; null: leave what the client wrote. */
  maxTokens: number | null
  /** The hold covers a slice of the output and grows with the stream. */
  sliced: boolean
  /** For the client, where an output limit was written or lowered. */
  warning: string | null
}

/** Output tokens of one answer that a slice covers. */
const sliceTokens = 2048
/** The output limit of a model whose own is not known. */
const unknownOutputTokens = 4096
/** A limit below this one is not written to make a request fit what is left of a budget. */
const leastWrittenTokens = 1024
/** Role, separators and name of a message or a tool. */
const messageTokens = 16
/** For estimates only: an image whose most is not known, and bytes of audio or files in a body. */
const assumedImageTokens = 2048
const mediaBytesPerToken = 16
/** Counts are kept where products of two of them are exact integers. */
const mostTokens = Number.MAX_SAFE_INTEGER

/** The budget whose mode it is, for a refusal; null where it is not known. */
export type Binding = Pick<Account, 'name' | 'rule' | 'whom'> | null

/** `freeNano`: what the tightest budget has left; Infinity without one. */
export function boundOf(asked: Asked, endpoint: EndpointKind, deployment: Deployment, mode: HoldMode, freeNano: number, calibration: Calibration, by: Binding = null): Bound | Failure {
  if (asked.byPieces) return pieceBound(asked, endpoint, deployment, mode, calibration, by)
  return mode === 'strict' ? strictBound(asked, endpoint, deployment, freeNano, calibration, by) : estimate(asked, endpoint, deployment, mode, freeNano, calibration, by)
}

function strictBound(asked: Asked, endpoint: EndpointKind, deployment: Deployment, freeNano: number, calibration: Calibration, by: Binding): Bound | Failure {
  const { price, provider: { vendor } } = deployment
  if (!price) return priceUnknown(deployment.id, by)
  // Nothing to bound, and no reason to cut an answer short.
  if (isFree(price)) return estimate(asked, endpoint, deployment, 'none', freeNano, calibration, by)
  const shape = asked.size.shape()
  const maxInputTokens = mostInputTokens(asked.bodyBytes, shape, deployment)
  const beyond = vendor.bounds.reasoningBeyondLimit && deployment.reasoning !== false
  if (shape.extra !== null) return unenforceable('strict', `${shape.extra} may be billed beyond input and output tokens`, true, by)
  if (endpoint === 'embeddings' && shape.images > 0 && price.base.images > 0) return unenforceable('strict', 'images are billed by the piece, and may be cut into several', true, by)
  if (!isPricedTier(price, shape.serviceTier)) return unenforceable('strict', `the price of the service tier ${shape.serviceTier!.slice(0, 40)} is not known`, true, by)
  const open = unboundedIn(deployment, endpoint) ?? (beyond && deployment.contextTokens === 0 ? `${vendor.name} does not count reasoning against the output limit` : null)
  if (open !== null) return unenforceable('strict', open, false, by)
  if (maxInputTokens === null) return unenforceable('strict', `the tokens of ${shape.media ?? 'an image'} are not known beforehand, nor is the context window of ${deployment.id}`, true, by)
  const prices = dearest(price, maxInputTokens, shape.serviceTier)
  const answers = endpoint === 'embeddings' ? 0 : shape.prompts * shape.choices
  const own = ownLimit(asked, endpoint, vendor.quirks)
  const wished = own ?? asked.maxCompletionTokens ?? asked.maxTokens
  const most = modelLimit(deployment, wished)
  // Where reasoning comes on top of the limit, only the context window ends it.
  const tokensFor = (limit: number): number => Math.min(mostTokens, (beyond ? deployment.contextTokens : Math.max(limit, vendor.bounds.leastOutputTokens)) * answers)
  let limit = Math.min(wished ?? most, most)
  let holdNano = worstNano(maxInputTokens, tokensFor(limit), prices)
  if (wished === null && !beyond && answers > 0 && holdNano > freeNano) {
    limit = fitting(limit, tokensWithin(freeNano, maxInputTokens, prices) / answers)
    holdNano = worstNano(maxInputTokens, tokensFor(limit), prices)
  }
  if (holdNano === Infinity) return unenforceable('strict', 'this request may cost more than can be counted', false, by)
  const inputTokens = Math.min(maxInputTokens, estimatedInputTokens(asked, deployment, calibration))
  const maxTokens = answers === 0 || limit === own ? null : limit
  return {
    holdNano, fullNano: holdNano, inputTokens, inputNano: inputPrice(price, inputTokens), maxInputTokens, maxOutputTokens: tokensFor(limit), mostOutputTokens: tokensFor(limit), maxTokens, sliced: false,
    warning: maxTokens === null || limit === wished ? null : limitWarning(limit, limit < most ? 'what is left of a budget allows no more' : 'a strict budget applies'),
  }
}

function estimate(asked: Asked, endpoint: EndpointKind, deployment: Deployment, mode: HoldMode, freeNano: number, calibration: Calibration, by: Binding): Bound | Failure {
  const { price, provider: { vendor } } = deployment
  const inputTokens = estimatedInputTokens(asked, deployment, calibration)
  const answers = endpoint === 'embeddings' ? 0 : endpoint === 'completions' ? asked.size.shape().prompts * asked.size.shape().choices : asked.choices
  const own = ownLimit(asked, endpoint, vendor.quirks)
  let limit = Math.min(own ?? mostTokens, modelLimit(deployment, own))
  const followed = asked.stream && !vendor.billsAfterAbort && !(vendor.bounds.hidesReasoning && deployment.reasoning !== false && !asked.reasoningOff)
  const binds = mode === 'standard'
  const slice = followed || !binds ? Math.min(limit, sliceTokens) : limit
  const tokensFor = (each: number): number => Math.min(mostTokens, each * answers)
  const mostOutputTokens = own === null && deployment.outputTokens === 0 ? (vendorMost(deployment) === Infinity ? Infinity : tokensFor(vendorMost(deployment))) : tokensFor(Math.max(limit, vendor.bounds.leastOutputTokens))
  const bound = { inputTokens, maxInputTokens: inputTokens, maxOutputTokens: tokensFor(slice), mostOutputTokens, maxTokens: null, sliced: followed && slice < limit, warning: null }
  // No price and still here: the operator allows it, and what it costs is marked as unpriced.
  if (!price) return { ...bound, holdNano: 0, fullNano: 0, inputNano: 0, sliced: false }
  const prices = dearest(price, inputTokens, null)
  const inputNano = inputPrice(price, inputTokens)
  const fullNano = bound.sliced && own === null && deployment.outputTokens === 0 ? Infinity : worstNano(inputTokens, tokensFor(limit), prices)
  const holdNano = worstNano(inputTokens, bound.maxOutputTokens, prices)
  if (!binds) return { ...bound, holdNano: Math.min(holdNano, Number.MAX_SAFE_INTEGER), fullNano, inputNano }
  if (own === null && slice === limit && answers > 0 && holdNano > freeNano) {
    limit = fitting(limit, tokensWithin(freeNano, inputTokens, prices) / answers)
    const fitted = worstNano(inputTokens, tokensFor(limit), prices)
    if (fitted < holdNano) return { ...bound, holdNano: fitted, fullNano: fitted, inputNano, maxOutputTokens: tokensFor(limit), mostOutputTokens: tokensFor(Math.max(limit, vendor.bounds.leastOutputTokens)), maxTokens: limit, warning: limitWarning(limit, 'what is left of a budget allows no more') }
  }
  if (holdNano === Infinity) return unenforceable('standard', 'this request may cost more than can be counted', false, by)
  return { ...bound, holdNano, fullNano, inputNano }
}

/** What makes a strict bound impossible, in words. */
function unboundedIn({ upstreamModel, outputModalities, provider: { vendor } }: Deployment, endpoint: EndpointKind): string | null {
  if (matchesModel(vendor.bounds.serverToolModels, upstreamModel)) return `${upstreamModel} runs tools of its own, whose number has no limit`
  if (vendor.bounds.priceVaries) return `the price of ${upstreamModel} depends on who serves the request behind ${vendor.name}`
  if (endpoint !== 'embeddings' && outputModalities?.some((each) => each !== 'text' && each !== 'audio')) return `${upstreamModel} may answer with images or video, which the output limit does not bound`
  return null
}

export function unenforceable(mode: 'strict' | 'standard', open: string, canLeaveOut: boolean, by: Binding): Failure {
  const setting = `${by === null || by.whom === '' ? 'have its mode set' : `ask ${by.whom} to set its mode`} to ${mode === 'strict' ? 'standard' : 'soft'}`
  const advice = canLeaveOut ? `Leave it out, use another model, or ${setting}` : `Use another model, or ${setting}`
  return failure('budget_unenforceable', `${by === null ? `A ${mode} budget applies and` : `The ${mode} ${budgetOf(by)}`} cannot be enforced: ${open}. ${advice}.`)
}

const limitWarning = (limit: number, why: string): string => `output limited to ${limit} tokens: ${why}`

/** Most tokens of one answer that a model makes; `wished` counts where that is not known. */
const modelLimit = (deployment: Deployment, wished: number | null): number => Math.min(deployment.outputTokens || (wished ?? unknownOutputTokens), vendorMost(deployment))

const vendorMost = ({ provider: { vendor } }: Deployment): number => vendor.bounds.mostOutputTokens || Infinity

/** The largest limit that fits, but no smaller than is of use: then the hold is refused. */
const fitting = (limit: number, tokens: number): number => Math.max(Math.min(limit, leastWrittenTokens), Math.min(limit, Math.floor(tokens)))

/** The client's limit in the field that the vendor reads; where it may read both, the larger one. */
function ownLimit({ maxTokens, maxCompletionTokens }: Asked, endpoint: EndpointKind, { maxTokensField, otherLimit }: Deployment['provider']['vendor']['quirks']): number | null {
  if (endpoint === 'completions') return maxTokens
  const [own, other] = maxTokensField === 'max_tokens' ? [maxTokens, maxCompletionTokens] : [maxCompletionTokens, maxTokens]
  if (own === null) return otherLimit === 'unknown' ? null : other
  return other === null || otherLimit === 'renamed' ? own : Math.max(own, other)
}

/** No text has more tokens than bytes. Null: nothing bounds it. */
function mostInputTokens(bodyBytes: number, shape: RequestShape, { upstreamModel, contextTokens, provider: { vendor } }: Deployment): number | null {
  const { bounds } = vendor
  const window = contextTokens > 0 ? contextTokens * shape.prompts : Infinity
  const image = shape.images > 0 ? mostOfImage(bounds, upstreamModel) : 0
  if (shape.media !== null || image === null) return window === Infinity ? null : window + shape.images * (image ?? 0)
  const text = bodyBytes - shape.imageBytes + messageTokens * (shape.messages + shape.tools) + bounds.requestTokens + (shape.tools > 0 ? bounds.toolsTokens : 0)
  // Images may be billed as more tokens than they take up of the window (gpt-4o-mini).
  return Math.min(text, window) + shape.images * image
}

function mostOfImage({ imageTokens }: BoundRules, upstreamModel: string): number | null {
  for (const { models, most } of imageTokens) if (matchesModel([models], upstreamModel)) return most
  return null
}

function estimatedInputTokens(asked: Asked, { identity, upstreamModel, provider: { vendor } }: Deployment, calibration: Calibration): number {
  if (!asked.size.mayCarryMedia()) return calibration.inputTokens(identity, asked.bodyBytes)
  const { images, imageBytes, mediaBytes } = asked.size.shape()
  const image = images > 0 ? (mostOfImage(vendor.bounds, upstreamModel) ?? assumedImageTokens) : 0
  return calibration.inputTokens(identity, asked.bodyBytes - imageBytes - mediaBytes) + images * image + Math.ceil(mediaBytes / mediaBytesPerToken)
}

/** Nano-dollars per million of any unit of input, any unit of output, and requests. */
export interface DearestPrices { input: number; output: number; request: number }

/** The dearest prices that a request of at most so many input tokens can meet, at any hour; without a service tier, at the standard one. */
export function dearest(vector: PriceVector, inputTokens: number, serviceTier: string | null): DearestPrices {
  const most: DearestPrices = { input: 0, output: 0, request: 0 }
  raise(most, vector, inputTokens)
  if (vector.conditions) for (const each of vector.conditions) if (each.serviceTier === undefined || serviceTier !== null) raise(most, each, inputTokens)
  return most
}

/** A model of one's own machines, mostly. */
export function isFree(vector: PriceVector): boolean {
  const { input, output, request } = dearest(vector, Infinity, 'any')
  return input === 0 && output === 0 && request === 0 && vector.base.toolCalls === 0 && pieceClasses.every((name) => vector.base[name] === 0)
}

function raise(most: DearestPrices, list: PriceList, inputTokens: number): void {
  lift(most, list.base)
  for (const tier of list.tiers) if (inputTokens > tier.aboveInputTokens) lift(most, tier.prices)
}

function lift(most: DearestPrices, prices: Prices): void {
  most.input = Math.max(most.input, prices.input, prices.cacheRead, prices.cacheWrite5m, prices.cacheWrite1h, prices.audioIn, prices.imageIn)
  most.output = Math.max(most.output, prices.output, prices.reasoning, prices.audioOut, prices.imageOut)
  most.request = Math.max(most.request, prices.requests)
}

/** Exact, rounded up once; Infinity above 2^53. */
function worstNano(inputTokens: number, outputTokens: number, prices: DearestPrices): number {
  const sum = inputTokens * prices.input + outputTokens * prices.output + prices.request
  if (sum <= Number.MAX_SAFE_INTEGER) return Math.ceil(sum / 1e6)
  const exact = (BigInt(inputTokens) * BigInt(prices.input) + BigInt(outputTokens) * BigInt(prices.output) + BigInt(prices.request) + 999_999n) / 1_000_000n
  return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : Infinity
}

/** Output tokens that an amount pays for beside the input. */
function tokensWithin(nano: number, inputTokens: number, prices: DearestPrices): number {
  if (prices.output === 0 || nano === Infinity) return Infinity
  const left = BigInt(Math.floor(nano)) * 1_000_000n - BigInt(inputTokens) * BigInt(prices.input) - BigInt(prices.request)
  return left < 0n ? 0 : Number(left / BigInt(prices.output))
}

function inputPrice(price: PriceVector, inputTokens: number): number {
  const usage = noUsage()
  usage.input = inputTokens
  usage.requests = 1
  return costNano(price, usage)
}

/** What a stream has cost at most after so many output tokens. */
export function streamedNano({ inputTokens }: Bound, { price }: Deployment, outputTokens: number): number {
  return price ? Math.min(Number.MAX_SAFE_INTEGER, worstNano(inputTokens, outputTokens, dearest(price, inputTokens, null))) : 0
}

/** Output tokens after which the hold of a sliced stream has to grow; a quarter of a slice ahead, so that the stream need not wait. */
export function growsAt(bound: Bound, { price }: Deployment, heldNano: number): number {
  if (!bound.sliced || !price || heldNano >= bound.fullNano) return Infinity
  return Math.max(0, tokensWithin(heldNano, bound.inputTokens, dearest(price, bound.inputTokens, null)) - bound.maxOutputTokens / 4)
}

/** The amount that the hold of a sliced stream grows to after so many output tokens: one more slice. */
export function nextHold(bound: Bound, deployment: Deployment, outputTokens: number): number {
  return Math.min(bound.fullNano, streamedNano(bound, deployment, outputTokens + bound.maxOutputTokens))
}
