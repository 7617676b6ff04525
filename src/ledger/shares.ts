/** Who pays for an attempt that has ended: the tenant what was delivered to it, the gateway's own account what it could not use. */
import { usageFlags, type AttemptOutcome } from '../store/records.ts'
import type { HoldMode } from './records.ts'

export interface Ended {
  outcome: AttemptOutcome
  costNano: number
  flags: number
  mode: HoldMode
  heldNano: number
  /** Another attempt of the same request follows, or took its place: this one was the gateway's own way of being reliable. */
  followed: boolean
}

export interface Shares {
  kind: 'settle' | 'void'
  tenantNano: number
  overheadNano: number
  flags: number
}

/** Ends with nothing for the client: what they cost is the gateway's where an error came back, the tenant's where only silence did. */
const fruitless = new Set<AttemptOutcome>(['connect_failed', 'upstream_error', 'timeout', 'truncated'])

export function sharesOf({ outcome, costNano, flags, mode, heldNano, followed }: Ended): Shares {
  const failed = fruitless.has(outcome)
  if (outcome === 'cancelled' && followed) return { kind: 'void', tenantNano: 0, overheadNano: costNano, flags }
  if (failed && (followed || outcome === 'upstream_error' && !(flags & usageFlags.uncertain))) return { kind: 'void', tenantNano: 0, overheadNano: costNano, flags }
  if (costNano === 0 && (failed || outcome === 'cancelled')) return { kind: 'void', tenantNano: 0, overheadNano: 0, flags }
  if (mode === 'strict' && costNano > heldNano) return { kind: 'settle', tenantNano: heldNano, overheadNano: costNano - heldNano, flags: flags | usageFlags.overBound }
  return { kind: 'settle', tenantNano: costNano, overheadNano: 0, flags: mode === 'standard' && costNano > heldNano ? flags | usageFlags.overHold : flags }
}
