/**
 * Slows down guessing: after `limit` failures within `windowMs` a name (address, e-mail) waits until the window ends.
 * Memory is bounded: when full, the name whose window began first is forgotten, so a flood of names costs no memory.
 */
interface Window { startedAt: number; failures: number }

const maxNames = 10_000

export class Throttle {
  #windows = new Map<string, Window>()
  readonly #limit: number
  readonly #windowMs: number
  readonly #now: () => number

  constructor(limit: number, windowMs: number, now: () => number) {
    this.#limit = limit
    this.#windowMs = windowMs
    this.#now = now
  }

  /** Milliseconds until the next attempt is allowed; 0 now. */
  waitMs(name: string): number {
    const window = this.#windows.get(name)
    if (window === undefined || window.failures < this.#limit) return 0
    return Math.max(0, window.startedAt + this.#windowMs - this.#now())
  }

  failed(name: string): void {
    const now = this.#now()
    const window = this.#windows.get(name)
    if (window !== undefined && now < window.startedAt + this.#windowMs) {
      window.failures += 1
      return
    }
    this.#windows.delete(name)
    const oldest = this.#windows.keys().next()
    if (this.#windows.size >= maxNames && oldest.done !== true) this.#windows.delete(oldest.value)
    this.#windows.set(name, { startedAt: now, failures: 1 })
  }

  succeeded(name: string): void {
    this.#windows.delete(name)
  }
}
