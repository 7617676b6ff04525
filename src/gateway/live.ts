/** The requests that run now: so that a client that leaves and a revoked key are acted on, a shutdown waits, and drains stay bounded. */
import { failure, type Failure } from '../errors.ts'
import { limits } from '../limits.ts'
import type { CutReason, Exchange } from './exchange.ts'
import { faultFrom } from './fault.ts'
import { keepsRunning } from './repeats.ts'
import { Roster } from './roster.ts'

export class Live {
  readonly #running = new Roster<Exchange>()

  get count(): number {
    return this.#running.size
  }

  enter(exchange: Exchange): void {
    this.#running.add(exchange)
    exchange.response.once('close', () => {
      if (!exchange.response.writableFinished) this.#left(exchange)
    })
  }

  exit(exchange: Exchange): void {
    this.#running.delete(exchange)
  }

  cutKey(keyId: string): void {
    this.#running.forEach((exchange) => exchange.key?.id === keyId && cut(exchange, 'key'))
  }

  /** Ends what runs for keys that must not be served any more. */
  cutStopped(isStopped: (exchange: Exchange) => boolean): void {
    this.#running.forEach((exchange) => exchange.key !== null && isStopped(exchange) && cut(exchange, 'stopped'))
  }

  cutAll(): void {
    this.#running.forEach((exchange) => cut(exchange, 'shutdown'))
  }

  #left(exchange: Exchange): void {
    if (keepsRunning(exchange)) return
    exchange.clientGone = true
    exchange.wake?.()
    exchange.rival?.leave(false)
    exchange.running?.leave(this.#mayDrain())
  }

  /** Whether one more stream may be read to its end for its usage after its client has left. */
  #mayDrain(): boolean {
    let draining = 0
    this.#running.forEach((exchange) => {
      if (exchange.running?.draining) draining++
    })
    return draining < limits.drains
  }
}

function cut(exchange: Exchange, reason: CutReason): void {
  exchange.cutBy = reason
  exchange.wake?.()
  exchange.rival?.leave(false)
  exchange.running?.stop(faultFrom('request', cutFailure(reason)))
}

const cutTexts: Record<CutReason, Failure> = {
  key: failure('key_revoked', 'The key of this request was revoked while it ran, so its answer ends here. Use another key, or make a new one in the console under Keys.'),
  stopped: failure('key_disabled', 'The user, service account, team, project or organisation that the key of this request belongs to was switched off or deleted while it ran, so its answer ends here. Use another key, or ask an admin to switch it on again.'),
  shutdown: failure('shutting_down', 'The gateway is shutting down and the time for running requests is over. Send the request again.'),
}

export const cutFailure = (reason: CutReason): Failure => cutTexts[reason]
