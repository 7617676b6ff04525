/**
 * The order in which the deployments of a request are tried. Decides after each fault whether to try another credential, the
 * next deployment, the same one again after a pause, or to stop: only while the client has seen nothing.
 */
import type { Fault } from '../gateway/fault.ts'
import type { Deployment } from '../gateway/snapshot.ts'
import type { FaultClass } from '../protocols/protocol.ts'
import type { CredentialTurns } from './credentials.ts'
import type { HealthBook } from './health.ts'
import type { RetryBudget } from './retry-budget.ts'

export interface Target {
  deployment: Deployment
  credential: { id: string; secret: string }
  /** Pause before the dispatch. */
  delayMs: number
}

export interface PlanTools {
  health: HealthBook
  credentials: CredentialTurns
  retries: RetryBudget
  /** In [0, 1). */
  random: () => number
  maxAttempts: number
  maxRetryAfterMs: number
}

const retryBaseMs = 250
/** The same deployment may well answer a second time. */
const passing = new Set<FaultClass>(['connect', 'server', 'overloaded', 'rate_limit', 'truncated'])
/** Another credential of the same provider may do. */
const ofCredential = new Set<FaultClass>(['auth', 'quota', 'rate_limit'])

export class Plan {
  readonly #tools: PlanTools
  readonly #deployments: readonly Deployment[]
  #index = 0
  #attempts = 0
  #retried = 0
  #triedCredentials = new Set<string>()
  #delayMs = 0
  #stopped = false

  constructor(deployments: readonly Deployment[], tools: PlanTools) {
    this.#deployments = deployments
    this.#tools = tools
    tools.retries.earn()
  }

  /** The next target, which has entered its deployment's health, or null when there is none. */
  next(nowMs: number): Target | null {
    while (!this.#stopped && this.#attempts < this.#tools.maxAttempts) {
      const deployment = this.#deployments[this.#index]
      if (!deployment) return null
      const credential = this.#tools.credentials.pick(deployment.provider, this.#triedCredentials, nowMs)
      if (!credential || !this.#tools.health.enter(deployment.id, nowMs)) {
        this.#advance()
        continue
      }
      this.#attempts++
      const delayMs = this.#delayMs
      this.#delayMs = 0
      return { deployment, credential, delayMs }
    }
    return null
  }

  /** Takes in why the last target failed. */
  failed(target: Target, fault: Fault, nowMs: number): void {
    const isCredentials = ofCredential.has(fault.class)
    if (isCredentials) {
      this.#tools.credentials.rest(target.credential.id, fault.retryAfterMs, nowMs)
      this.#triedCredentials.add(target.credential.id)
      if (this.#tools.credentials.pick(target.deployment.provider, this.#triedCredentials, nowMs)) return
    }
    if (fault.class === 'request') this.#stopped = true
    else if (this.#index + 1 < this.#deployments.length) this.#advance()
    else if (!this.#mayRepeat(fault)) this.#stopped = true
    else if (isCredentials) this.#triedCredentials.delete(target.credential.id)
  }

  /** The last target was not dispatched, because the budget can't carry it. */
  unfit(): void {
    this.#attempts--
    this.#advance()
  }

  #advance(): void {
    this.#index++
    this.#triedCredentials = new Set()
    this.#retried = 0
    this.#delayMs = 0
  }

  #mayRepeat(fault: Fault): boolean {
    if (!passing.has(fault.class) || this.#retried > 0) return false
    const pauseMs = fault.retryAfterMs ?? Math.ceil(this.#tools.random() * retryBaseMs * 2 ** this.#attempts)
    if (pauseMs > this.#tools.maxRetryAfterMs || !this.#tools.retries.spend()) return false
    this.#retried++
    this.#delayMs = pauseMs
    return true
  }
}
