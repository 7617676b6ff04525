/** One clock for all deadlines: every running call and stream is asked on each tick, so that a request costs no timer of its own. */
export interface Ticking {
  tick(nowUs: number): void
}

/** Deadlines are met to this precision. */
export const tickMs = 50

export class Deadlines {
  readonly #running = new Set<Ticking>()

  add(ticking: Ticking): void {
    this.#running.add(ticking)
  }

  delete(ticking: Ticking): void {
    this.#running.delete(ticking)
  }

  tick(nowUs: number): void {
    for (const ticking of this.#running) ticking.tick(nowUs)
  }
}
