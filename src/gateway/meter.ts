/** What an attempt used and what that costs: the vendor's own usage in disjoint classes, or a marked estimate of what was delivered. */
import { costNano, noUsage, type PriceVector, type Usage } from '../catalog/price.ts'
import { normaliseUsage } from '../catalog/usage.ts'
import { usageFlags } from '../store/records.ts'
import { charsPerToken, type Attempt, type Metered } from './attempt.ts'
import type { Asked } from './exchange.ts'
import type { Deployment } from './snapshot.ts'

/** Output tokens assumed for a hold when the client set no bound. */
const assumedOutputTokens = 2048

export function meter(attempt: Attempt, asked: Asked): Metered {
  const { deployment } = attempt.options
  const { usage, flags } = used(attempt, asked)
  return price(deployment, usage, flags)
}

/** Cost of a usage object that is still inside a running answer. */
export function costOf(deployment: Deployment, rawUsage: unknown): number {
  const normalised = normaliseUsage(rawUsage, deployment.provider.vendor.usage)
  return normalised ? price(deployment, normalised.usage, 0).costNano : 0
}

/** What one attempt may cost, for its hold. Approximate: the estimate of its input and an assumed output. */
export function holdNano(deployment: Deployment, asked: Asked): number {
  if (!deployment.price) return 0
  const usage = noUsage()
  usage.input = asked.estimatedInputTokens
  usage.output = (asked.maxOutputTokens ?? Math.min(assumedOutputTokens, deployment.outputTokens || assumedOutputTokens)) * asked.choices
  usage.requests = 1
  return costNano(deployment.price, usage)
}

function price(deployment: Deployment, usage: Usage, flags: number): Metered {
  const vector: PriceVector | null = deployment.price
  const simulated = deployment.provider.vendor.simulated ? usageFlags.simulated : 0
  if (!vector) return { usage, costNano: 0, priceVersion: null, flags: flags | simulated | (isZero(usage) ? 0 : usageFlags.unpriced) }
  return { usage, costNano: costNano(vector, usage), priceVersion: vector.version, flags: flags | simulated }
}

const isZero = (usage: Usage): boolean => Object.values(usage).every((units) => units === 0)

function used(attempt: Attempt, asked: Asked): { usage: Usage; flags: number } {
  const rules = attempt.options.deployment.provider.vendor.usage
  const normalised = attempt.rawUsage === null ? null : normaliseUsage(attempt.rawUsage, rules)
  const estimated = Math.ceil(attempt.outputChars / charsPerToken)
  if (normalised) {
    const { usage, anomalous } = normalised
    let flags = anomalous ? usageFlags.anomalous : 0
    const reported = usage.output + usage.reasoning + usage.audioOut + usage.imageOut
    // Output was delivered and none is reported: the vendor's count can't be true.
    if (reported === 0 && estimated > 0) {
      usage.output = estimated
      return { usage, flags: usageFlags.anomalous | usageFlags.estimated }
    }
    // Usage that was reported before the break covers less than what was delivered.
    if (attempt.outcome === 'broken' && usage.output + usage.reasoning < estimated) {
      usage.output = estimated - usage.reasoning
      flags |= usageFlags.estimated
    }
    return { usage, flags }
  }
  const usage = noUsage()
  const billed = billing(attempt)
  if (billed === 'nothing') return { usage, flags: 0 }
  usage.input = asked.estimatedInputTokens
  usage.output = billed === 'input' ? 0 : estimated
  usage.requests = 1
  return { usage, flags: usageFlags.estimated | (billed === 'output' ? 0 : usageFlags.uncertain) }
}

/** What a vendor bills of an attempt that brought no usage (money.md, terminal outcomes). */
function billing(attempt: Attempt): 'nothing' | 'input' | 'output' {
  if (!attempt.sent) return 'nothing'
  switch (attempt.outcome) {
    case 'connect_failed': case 'upstream_error': return attempt.status === 0 ? 'input' : 'nothing'
    case 'timeout': return 'input'
    case 'truncated': case 'cancelled': return attempt.outputChars > 0 ? 'output' : 'input'
    default: return 'output'
  }
}
