/**
 * What an attempt used and what that costs: the vendor's own usage in disjoint classes, or a marked estimate of what was
 * delivered; then the end of its hold. An attempt is metered and settled once, before the client can see its end.
 */
import { allTokens, costNano, hasPieces, isPricedTier, largestCostNano, noUsage, pieceClasses, type PriceContext, type PriceVector, type Usage } from '../catalog/price.ts'
import { normaliseUsage } from '../catalog/usage.ts'
import { isFree } from '../ledger/bound.ts'
import type { Calibration } from '../ledger/calibration.ts'
import { sharesOf } from '../ledger/shares.ts'
import type { UsageRules } from '../providers/provider.ts'
import { usageFlags } from '../store/records.ts'
import type { Attempt } from './attempt.ts'
import type { Asked } from './exchange.ts'
import type { Deployment } from './snapshot.ts'

/** Tokens that a vendor may have made beyond what reached us when a stream was aborted. */
const abortGuardTokens = 16
/** Faster than models think today: an aborted answer must not be cheaper than a complete one. */
const hiddenTokensPerSecond = 150
/** Of a text, until a ratio is learned. */
const bytesPerToken = 4
/** More than any model takes or makes, for a model whose limits are not known. */
const plausibleTokens = 2_000_000

/** What an attempt used and what that costs. */
export interface Metered {
  usage: Usage
  /** What the vendor charges. */
  costNano: number
  /** What of it the tenant pays; the rest is the gateway's own. */
  tenantNano: number
  /** Null: the price is unknown. */
  priceVersion: string | null
  /** Bits of `usageFlags`. */
  flags: number
  /** The tenant's account was settled with it; false: its hold was voided. */
  charged: boolean
}

/** `followed`: another attempt of the request comes after this failed one. A second call changes nothing. */
export function settle(attempt: Attempt, followed = false): Metered {
  if (attempt.metered) return attempt.metered
  const { deployment, hold, calibration, asked } = attempt.options
  const { usage, flags } = used(attempt, asked, calibration)
  const metered = price(deployment, usage, flags, contextOf(attempt, asked))
  // Past the bounded drain nobody knows what such a vendor bills: at most what was held.
  if (unheard(attempt)) metered.costNano = Math.max(metered.costNano, hold.amountNano)
  const shares = sharesOf({ outcome: attempt.outcome!, costNano: metered.costNano, flags: metered.flags, mode: hold.mode, heldNano: hold.amountNano, followed })
  metered.tenantNano = shares.tenantNano
  metered.flags = shares.flags
  metered.charged = shares.kind === 'settle'
  hold.end({ ...shares, outcome: attempt.outcome!, usage })
  if (attempt.outcome === 'success' && flags === 0 && !asked.byPieces && !asked.size.mayCarryMedia()) learn(attempt, asked, calibration, usage)
  attempt.metered = metered
  return metered
}

/** An attempt that a defect of ours left open: what it cost is not known, so its input is settled. */
export function abandon(attempt: Attempt): void {
  const { hold } = attempt.options
  hold.end({ kind: attempt.sent ? 'settle' : 'void', tenantNano: attempt.sent ? hold.record.inputNano : 0, overheadNano: 0, outcome: 'expired', flags: attempt.sent ? usageFlags.uncertain : 0, usage: noUsage() })
}

/** Cost of a usage object that is still inside a running answer. */
export function costOf(attempt: Attempt, rawUsage: unknown): number {
  const { deployment, asked } = attempt.options
  const normalised = normaliseUsage(rawUsage, rulesOf(attempt), plausible(deployment, asked))
  return normalised ? price(deployment, normalised.usage, 0, contextOf(attempt, asked)).costNano : 0
}

/** What contains what in a usage object: as the format says, or as the vendor's declaration does. */
const rulesOf = ({ options: { protocol, deployment } }: Attempt): UsageRules => protocol.usage ?? deployment.provider.vendor.usage

/** What decides between the prices of a vector that has several. */
function contextOf({ serviceTier, options: { deployment, hold } }: Attempt, asked: Asked): PriceContext | undefined {
  return deployment.price?.conditions ? { atMs: hold.record.heldAt, serviceTier: serviceTier ?? asked.size.shape().serviceTier } : undefined
}

function price({ price: vector, provider }: Deployment, usage: Usage, flags: number, context: PriceContext | undefined): Metered {
  const known = { usage, tenantNano: 0, charged: false }
  const marks = flags | (provider.vendor.simulated ? usageFlags.simulated : 0)
  if (!vector) return { ...known, costNano: 0, priceVersion: null, flags: marks | (allTokens(usage) === 0 && usage.requests === 0 ? 0 : usageFlags.unpriced) }
  const cost = costNano(vector, usage, context)
  // Billed by a piece that has no price.
  if (cost === 0 && hasPieces(usage) && !isFree(vector)) return { ...known, costNano: 0, priceVersion: null, flags: marks | usageFlags.unpriced }
  const doubt = (isPricedTier(vector, context?.serviceTier) ? 0 : usageFlags.estimated) | (cost === largestCostNano ? usageFlags.anomalous : 0)
  return { ...known, costNano: cost, priceVersion: vector.version, flags: marks | doubt }
}

/** Of what is billed by the piece. What the vendor does not tell, the request does; the length of a recording is an estimate then. */
function usedPieces(attempt: Attempt, asked: Asked): { usage: Usage; flags: number } {
  const { deployment: { price: vector }, hold: { bound } } = attempt.options
  const pieces = asked.size.shape().pieces!
  const normalised = attempt.rawUsage === null ? null : normaliseUsage(attempt.rawUsage, rulesOf(attempt))
  const usage = normalised?.usage ?? noUsage()
  let flags = normalised?.anomalous ? usageFlags.anomalous : 0
  const billed = normalised ? 'output' : billing(attempt)
  if (billed === 'nothing') return { usage, flags }
  usage.requests = 1
  if (billed === 'input') {
    usage.input = Math.min(bound.inputTokens, Math.ceil(asked.bodyBytes / bytesPerToken))
    return { usage, flags: usageFlags.estimated | usageFlags.uncertain }
  }
  usage.images ||= pieces.images
  usage.characters ||= pieces.characters
  const base = vector?.base
  if (usage.searches === 0 && pieces.searches > 0) {
    usage.searches = pieces.searches
    if (base?.searches) flags |= usageFlags.estimated
  }
  const hasTokens = allTokens(usage) > 0
  if (usage.audioMs === 0 && pieces.audioMs > 0 && !hasTokens) {
    usage.audioMs = pieces.audioMs
    if (base?.audioMs) flags |= usageFlags.estimated
  }
  // Priced by tokens, and none were told: speech, subtitles.
  if (!hasTokens && base !== undefined && base.input + base.output > 0 && !isMeteredByPiece(vector!, usage)) {
    usage.input = Math.ceil(bound.inputTokens)
    usage.output = bound.maxOutputTokens
    flags |= usageFlags.estimated
  }
  return { usage, flags }
}

const isMeteredByPiece = ({ base }: PriceVector, usage: Usage): boolean => pieceClasses.some((name) => base[name] > 0 && usage[name] > 0)

function used(attempt: Attempt, asked: Asked, calibration: Calibration): { usage: Usage; flags: number } {
  if (asked.byPieces) return usedPieces(attempt, asked)
  const { deployment, hold: { bound: { mostOutputTokens, maxOutputTokens } } } = attempt.options
  // What the vendor may have made beyond what reached us is within its limit too.
  const guarded = (tokens: number): number => Math.max(tokens, Math.min(tokens + abortGuardTokens, mostOutputTokens))
  const normalised = attempt.rawUsage === null ? null : normaliseUsage(attempt.rawUsage, rulesOf(attempt), plausible(deployment, asked))
  // Of a plain answer that was cut off only its bytes are known.
  const most = attempt.answer === null && attempt.outputEvents === 0 ? maxOutputTokens : mostOutputTokens
  const delivered = calibration.outputTokens(deployment.identity, attempt.outputChars, attempt.outputEvents, most)
  if (normalised) {
    const { usage, anomalous } = normalised
    let flags = anomalous ? usageFlags.anomalous : 0
    const reported = usage.output + usage.reasoning + usage.audioOut + usage.imageOut
    // Output was delivered and none is reported: the vendor's count can't be true.
    if (reported === 0 && delivered > 0) {
      usage.output = delivered
      return { usage, flags: usageFlags.anomalous | usageFlags.estimated }
    }
    // Reported on the way: what came later is not in it, and the vendor may have made more than what reached us.
    if (isOnTheWay(attempt)) {
      if (attempt.usageAtChars < attempt.outputChars) usage.output = Math.max(usage.output, delivered - usage.reasoning)
      if (attempt.outcome === 'cancelled') usage.output = guarded(usage.output)
      flags |= usageFlags.estimated
    }
    return { usage, flags }
  }
  const usage = noUsage()
  const billed = billing(attempt)
  if (billed === 'nothing') return { usage, flags: 0 }
  usage.input = Math.min(attempt.options.hold.record.inputTokens, calibration.inputTokens(deployment.identity, asked.bodyBytes))
  usage.output = billed === 'input' ? 0 : delivered
  if (attempt.outcome === 'cancelled' && billed === 'output') usage.output = guarded(usage.output)
  usage.reasoning = Math.max(0, Math.min(asked.reasoningOff ? 0 : hiddenTokens(attempt, usage.output), mostOutputTokens - usage.output))
  usage.requests = 1
  return { usage, flags: usageFlags.estimated | (billed === 'output' && !unheard(attempt) ? 0 : usageFlags.uncertain) }
}

/** What a model may have thought before its first token where none of it is told: by time, since nothing else is known. Of a plain answer the time of its output is in it. */
function hiddenTokens({ startedUs, firstTokenUs, endedUs, answer, options: { deployment, hold } }: Attempt, output: number): number {
  if (!deployment.reasoning || !deployment.provider.vendor.bounds.hidesReasoning) return 0
  const made = Math.ceil(((firstTokenUs ?? endedUs!) - startedUs) / 1e6 * hiddenTokensPerSecond)
  return Math.min(hold.bound.maxOutputTokens, answer === null ? made : made - output)
}

/** Counts beyond twice what the model is known to take are a defect of its vendor, not a bill. */
function plausible({ contextTokens, outputTokens }: Deployment, { choices }: Asked): { inputTokens: number; outputTokens: number } {
  return { inputTokens: Math.max(plausibleTokens, 2 * contextTokens), outputTokens: Math.max(plausibleTokens, 2 * outputTokens) * choices }
}

/** Usage of a stream without an end: some vendors report it with every event. */
const isOnTheWay = ({ rawUsage, body, terminal, usageApart }: Attempt): boolean => rawUsage !== null && body === null && !terminal && !usageApart

/** It was cut off from our side, the vendor goes on billing, and its usage was not waited for to the end. */
const unheard = (attempt: Attempt): boolean =>
  (attempt.outcome === 'cancelled' || (attempt.outcome === 'broken' && attempt.cutByUs)) && attempt.sent && (attempt.rawUsage === null || isOnTheWay(attempt)) && attempt.options.deployment.provider.vendor.billsAfterAbort

/** What a vendor bills of an attempt that brought no usage (money.md, terminal outcomes). */
function billing(attempt: Attempt): 'nothing' | 'input' | 'output' {
  if (!attempt.sent) return 'nothing'
  switch (attempt.outcome) {
    // Output that was still held back when its error came was made all the same.
    case 'connect_failed': case 'upstream_error': return attempt.outputChars > 0 ? 'output' : attempt.status === 0 || billsError(attempt) ? 'input' : 'nothing'
    case 'timeout': return 'input'
    case 'truncated': case 'cancelled': return attempt.outputChars > 0 ? 'output' : 'input'
    default: return 'output'
  }
}

function billsError({ status, options: { deployment: { provider: { vendor } } } }: Attempt): boolean {
  return vendor.billsErrors.length > 0 && (status < 300 || vendor.billsErrors.includes(status))
}

function learn({ options: { deployment }, outputChars }: Attempt, { bodyBytes }: Asked, calibration: Calibration, usage: Usage): void {
  const output = usage.output + usage.reasoning + usage.audioOut + usage.imageOut
  calibration.learn(deployment.identity, bodyBytes, allTokens(usage) - output, outputChars, usage.output)
}
