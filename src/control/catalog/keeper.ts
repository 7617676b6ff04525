/**
 * Holds the catalogue in force for the control worker and hands each new one to the data plane: stored catalogues of any process, and the
 * operator's overrides on top. A stored catalogue that is damaged is passed over, loudly.
 */
import type { Artefact } from '../../catalog/artefact.ts'
import type { Catalog } from '../../catalog/catalog.ts'
import { catalogOf } from '../../catalog/load.ts'
import { withOverrides, type OperatorOverride } from '../../catalog/operator.ts'
import { matchesModel } from '../../governance/model-patterns.ts'
import { catalogState, newestCatalog, type CatalogRecord } from '../../store/catalog.ts'
import { countHeld } from '../../store/catalog-changes.ts'
import { partsOf } from '../../threads/catalog-handover.ts'
import type { CatalogHealth, FromControl } from '../../threads/messages.ts'
import { adoptBuiltIn, findInForce, type Updating } from './in-force.ts'

interface KeeperSettings {
  updating: Updating
  post: (message: FromControl) => void
  log: { info(message: string): void; error(details: object, message: string): void }
}

export class CatalogKeeper {
  readonly updating: Updating
  readonly #settings: KeeperSettings
  #number = -1
  #overrides = '[]'
  #artefact: Artefact
  #catalog: Catalog
  /** What `#catalog` was built from. */
  #built: Artefact
  #record: CatalogRecord | null = null
  #held = 0
  #failures = 0
  #damaged: readonly string[] = []
  #unmatched: readonly OperatorOverride[] = []

  constructor(settings: KeeperSettings) {
    this.#settings = settings
    this.updating = settings.updating
    this.#artefact = settings.updating.builtIn
    this.#built = this.#artefact
    this.#catalog = catalogOf(this.#artefact)
  }

  /** With the operator's overrides. */
  get catalog(): Catalog { return this.#catalog }
  /** Without them. */
  get artefact(): Artefact { return this.#artefact }
  get record(): CatalogRecord | null { return this.#record }
  get health(): CatalogHealth { return { held: this.#held, failures: this.#failures, damaged: this.#damaged.length } }
  /** For /status. */
  get problems(): string[] {
    return [
      ...this.#damaged,
      ...this.#unmatched.map(({ vendor, model }) => `The catalogue override for ${vendor}/${model} matches no model: check the names with megarouter catalog list.`),
    ]
  }

  async start(): Promise<void> {
    const { record } = await adoptBuiltIn(this.updating)
    if (record !== null) this.#settings.log.info(`The catalogue ${record.version} that came with the program is in force.`)
    await this.refresh()
  }

  /** Reads what another process or this one changed, and hands it on. */
  async refresh(): Promise<void> {
    const { database, builtIn } = this.updating
    const [number, state, held] = [await newestCatalog(database), await catalogState(database), await countHeld(database)]
    this.#held = held
    this.#failures = state.failures
    const overrides = JSON.stringify(state.overrides)
    if (number === this.#number && overrides === this.#overrides) return
    if (number !== this.#number) {
      const { artefact, record, damaged } = await findInForce(database, builtIn)
      for (const each of damaged) this.#settings.log.error(each, `a stored catalogue is damaged and not used; ${artefact.version} is in force`)
      this.#damaged = damaged.map((each) => `The stored catalogue ${each.number} is damaged (${each.reason}); ${artefact.version} is in force instead. The next update replaces it.`)
      this.#artefact = artefact
      this.#record = record
    }
    const own = withOverrides(this.#artefact, state.overrides, matchesModel)
    this.#unmatched = own.unmatched
    if (own.artefact !== this.#built) this.#catalog = catalogOf(own.artefact)
    this.#built = own.artefact
    this.#number = number
    this.#overrides = overrides
    this.#hand(own.artefact, state.overrides.length === 0 && own.artefact.version === builtIn.version)
  }

  #hand(artefact: Artefact, isBuiltIn: boolean): void {
    const { head, vendors } = partsOf(artefact)
    this.#settings.post({ kind: 'catalog', head, vendors: isBuiltIn ? null : vendors })
  }
}
