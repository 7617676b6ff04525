/** A wait that others may cut short. One at a time; a `wake` while nobody waits does nothing. */
import type { After } from './clock.ts'

export class Pause {
  readonly #after: After
  #wake: (() => void) | null = null

  constructor(after: After) {
    this.#after = after
  }

  /** Resolves after `ms` or when it is woken. */
  for(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = null
        cancel()
        resolve()
      }
      const cancel = this.#after(ms, done)
      this.#wake = done
    })
  }

  wake(): void {
    this.#wake?.()
  }
}
