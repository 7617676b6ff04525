/** The requests that run now: so that a revoked key cuts its streams, a shutdown waits for them, and drains stay bounded. */
import { limits } from '../limits.ts'
import type { Exchange } from './exchange.ts'

export type CutReason = 'client' | 'key' | 'shutdown'

export class Live {
  readonly #running = new Set<Exchange>()

  get count(): number {
    return this.#running.size
  }

  /** Returns what to call when the request is over. */
  enter(exchange: Exchange): () => void {
    this.#running.add(exchange)
    const onClose = (): void => {
      if (exchange.response.writableFinished) return
      exchange.clientGone = true
      exchange.onCut?.('client')
    }
    exchange.response.once('close', onClose)
    return () => this.#running.delete(exchange)
  }

  cutKey(keyId: string): void {
    for (const exchange of this.#running) if (exchange.key?.id === keyId) cut(exchange, 'key')
  }

  cutAll(): void {
    for (const exchange of this.#running) cut(exchange, 'shutdown')
  }

  /** Whether one more stream may be read to its end for its usage after its client has left. */
  mayDrain(): boolean {
    let draining = 0
    for (const exchange of this.#running) if (exchange.attempts.at(-1)?.draining) draining++
    return draining < limits.drains
  }
}

function cut(exchange: Exchange, reason: 'key' | 'shutdown'): void {
  exchange.cutBy = reason
  exchange.onCut?.(reason)
}
