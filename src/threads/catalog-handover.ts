/**
 * Builds a catalogue that another thread sent in slices of a few milliseconds, so that no request waits for it. A newer one that arrives
 * meanwhile takes the place of the one being built.
 */
import type { Row } from '../catalog/artefact.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { CatalogBuilder } from '../catalog/load.ts'
import type { CatalogParts } from './messages.ts'

const sliceMs = 4

interface Turns {
  monotonicMs(): number
  /** Runs it when others had their turn. */
  later(work: () => void): void
}

export class CatalogHandover {
  readonly #own: Catalog
  readonly #adopt: (catalog: Catalog) => void
  readonly #turns: Turns
  #current = 0
  #busy = false

  /** `own`: the one that came with the program. */
  constructor(own: Catalog, adopt: (catalog: Catalog) => void, turns: Turns = { monotonicMs: () => performance.now(), later: setImmediate }) {
    this.#own = own
    this.#adopt = adopt
    this.#turns = turns
  }

  get busy(): boolean { return this.#busy }

  take({ head, vendors }: CatalogParts): void {
    const turn = ++this.#current
    if (vendors === null) {
      this.#busy = false
      return this.#adopt(this.#own)
    }
    this.#busy = true
    const builder = new CatalogBuilder(head)
    let next = 0
    const slice = (): void => {
      if (turn !== this.#current) return
      const until = this.#turns.monotonicMs() + sliceMs
      while (next < vendors.length && this.#turns.monotonicMs() < until) {
        const [vendor, rows] = vendors[next++]!
        builder.add(vendor, JSON.parse(rows) as Row[])
      }
      if (next < vendors.length) return this.#turns.later(slice)
      this.#busy = false
      this.#adopt(builder.finish())
    }
    this.#turns.later(slice)
  }
}
