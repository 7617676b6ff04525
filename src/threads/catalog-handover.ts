/**
 * Builds a catalogue that another thread sent in slices of a few milliseconds, so that no request waits for it. A newer one that arrives
 * meanwhile takes the place of the one being built.
 */
import type { Artefact, Row } from '../catalog/artefact.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { CatalogBuilder } from '../catalog/load.ts'
import type { CatalogParts } from './messages.ts'

const sliceMs = 2
/** Rows that are parsed at once. */
const rowsPerPart = 100

/** The other side: a catalogue as it travels. */
export const partsOf = ({ version, date, facts, vendors }: Artefact): CatalogParts => ({
  head: { version, date, facts },
  vendors: Object.entries(vendors).flatMap(([vendor, rows]) => Array.from({ length: Math.ceil(rows.length / rowsPerPart) }, (_, part) =>
    [vendor, JSON.stringify(rows.slice(part * rowsPerPart, (part + 1) * rowsPerPart))] as const)),
})

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
