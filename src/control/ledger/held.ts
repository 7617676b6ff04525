/** Asks the data plane what is held now. A data plane that does not answer in time is an answer of null, not an error. */
import type { FromControl, HeldNow, ToControl } from '../../threads/messages.ts'

const answerMs = 1_000

export class HeldQuestion {
  readonly #post: (message: FromControl) => void
  readonly #waiting = new Map<number, (held: HeldNow | null) => void>()
  #last = 0
  constructor(post: (message: FromControl) => void) {
    this.#post = post
  }

  ask(): Promise<HeldNow | null> {
    const id = ++this.#last
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer(id, null), answerMs)
      this.#waiting.set(id, (held) => {
        clearTimeout(timer)
        resolve(held)
      })
      this.#post({ kind: 'holds', id })
    })
  }

  answered({ id, held }: Extract<ToControl, { kind: 'holds' }>): void {
    this.#answer(id, held)
  }

  #answer(id: number, held: HeldNow | null): void {
    this.#waiting.get(id)?.(held)
    this.#waiting.delete(id)
  }
}
