/** Chance with a seed: all that a history leaves open is drawn here, so that its seed repeats it. */
import { seeded } from '../../src/simulated/random.ts'

export class Dice {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seeded(seed)
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 4; i++) this.#random()
  }

  /** In [0, 1). */
  unit(): number {
    return this.#random()
  }

  /** From `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1))
  }

  chance(share: number): boolean {
    return this.#random() < share
  }

  pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)]!
  }

  /** Mostly short, now and then long: what delays are like. */
  delayUs(typicalUs: number): number {
    const unit = this.#random()
    return Math.floor(typicalUs * (unit < 0.9 ? unit : unit < 0.99 ? unit * 4 : unit * 20))
  }

  /** A generator of its own, so that one part's draws don't shift another's. */
  fork(): Dice {
    return new Dice(Math.floor(this.#random() * 0xffffffff))
  }
}
