/**
 * Health of deployments as their callers feel it: a moving success rate and a circuit breaker. Open: not asked at all;
 * half-open: one request probes; its success closes the breaker, its failure opens it for longer.
 */
import type { FaultClass } from '../protocols/protocol.ts'

/** Consecutive failures that open the breaker. */
const openAfter = 5
const firstOpenMs = 5_000
const maxOpenMs = 120_000
/** Deployments that are remembered: their ids may come from clients. */
export const rememberedDeployments = 2_000
/** Weight of the newest outcome in the success rate. */
const rateWeight = 0.1

export type BreakerState = 'closed' | 'open' | 'half_open'

interface Health {
  successRate: number
  failures: number
  openUntilMs: number
  openMs: number
  probing: boolean
  inFlight: number
}

/** Faults that say something about the deployment, and not about the request or our credential. */
const blames = new Set<FaultClass>(['connect', 'timeout', 'server', 'overloaded', 'truncated'])

export class HealthBook {
  readonly #health = new Map<string, Health>()

  /** Takes a place at the deployment: false while its breaker is open. Each true is answered by one `done`. */
  enter(deployment: string, nowMs: number): boolean {
    const health = this.#of(deployment, nowMs)
    if (health.openUntilMs > 0) {
      if (nowMs < health.openUntilMs || health.probing) return false
      health.probing = true
    }
    health.inFlight++
    return true
  }

  /** `fault` null: it worked; undefined: it says nothing (the client left). */
  done(deployment: string, fault: FaultClass | null | undefined, nowMs: number): void {
    const health = this.#of(deployment, nowMs)
    health.inFlight--
    const wasProbe = health.probing
    health.probing = false
    if (fault === undefined) return
    const failed = fault !== null && blames.has(fault)
    health.successRate += rateWeight * ((failed ? 0 : 1) - health.successRate)
    if (!failed) {
      health.failures = 0
      health.openUntilMs = 0
      health.openMs = firstOpenMs
      return
    }
    health.failures++
    if (health.failures < openAfter && !wasProbe) return
    health.openUntilMs = nowMs + health.openMs
    health.openMs = Math.min(maxOpenMs, health.openMs * 2)
  }

  state(deployment: string, nowMs: number): BreakerState {
    const health = this.#health.get(deployment)
    if (!health || health.openUntilMs === 0) return 'closed'
    return nowMs < health.openUntilMs ? 'open' : 'half_open'
  }

  /** Epoch ms from which the deployment may be probed; 0 when it is open to all. */
  openUntilMs(deployment: string): number {
    return this.#health.get(deployment)?.openUntilMs ?? 0
  }

  all(nowMs: number): { id: string; state: BreakerState; successRate: number; inFlight: number }[] {
    return [...this.#health].map(([id, health]) => ({ id, state: this.state(id, nowMs), successRate: health.successRate, inFlight: health.inFlight }))
  }

  #of(deployment: string, nowMs: number): Health {
    let health = this.#health.get(deployment)
    if (!health) {
      if (this.#health.size >= rememberedDeployments) this.#forgetOne(nowMs)
      health = { successRate: 1, failures: 0, openUntilMs: 0, openMs: firstOpenMs, probing: false, inFlight: 0 }
      this.#health.set(deployment, health)
    }
    return health
  }

  /** The oldest with nothing in flight and no open breaker; none, where all are busy or resting. */
  #forgetOne(nowMs: number): void {
    for (const [id, { inFlight, openUntilMs }] of this.#health) {
      if (inFlight === 0 && openUntilMs <= nowMs) return void this.#health.delete(id)
    }
  }
}
