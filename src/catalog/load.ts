/**
 * Reads the compiled catalogue into look-up tables. It fails at start when the file is missing or damaged; afterwards nothing
 * can fail. Look-ups of logical names are blind to case and to the spelling of separators (`claude-sonnet-4.5`).
 */
import { readFileSync } from 'node:fs'
import { checkArtefact, expandPrices, type Artefact, type Row, type RowCondition, type RowTier, type SparsePrices } from './artefact.ts'
import type { Catalog, CatalogEntry, Modality } from './catalog.ts'
import { groupKey } from './naming.ts'
import { nearestNames } from './nearest.ts'
import { secondSourceName } from './second-source.ts'
import type { PriceCondition, PriceList, PriceVector } from './price.ts'

const firstSourceName = 'models.dev'
const readCompiled = (): string => readFileSync(new URL('catalog.json', import.meta.url), 'utf8')

export const loadCatalog = (text: string = readCompiled()): Catalog => catalogOf(checkArtefact(JSON.parse(text)))

/** The catalogue that the program came with. */
export const builtIn = (): Artefact => checkArtefact(JSON.parse(readCompiled()))

export function catalogOf(artefact: Artefact): Catalog {
  const builder = new CatalogBuilder(artefact)
  for (const [vendor, rows] of Object.entries(artefact.vendors)) builder.add(vendor, rows)
  return builder.finish()
}

/** Builds the tables vendor by vendor, so that a thread that serves requests can do it in slices. */
export class CatalogBuilder {
  readonly #head: Pick<Artefact, 'version' | 'date' | 'facts'>
  readonly #byVendor = new Map<string, Map<string, CatalogEntry>>()
  readonly #entries: CatalogEntry[] = []
  readonly #groups = new Map<string, CatalogEntry[]>()
  readonly #snapshots: { group: string; entry: CatalogEntry }[] = []

  constructor(head: Pick<Artefact, 'version' | 'date' | 'facts'>) {
    this.#head = head
  }

  /** A vendor's rows may come in several parts. */
  add(vendor: string, rows: readonly Row[]): void {
    let byId = this.#byVendor.get(vendor)
    if (byId === undefined) this.#byVendor.set(vendor, (byId = new Map()))
    for (const row of rows) {
      const entry = entryOf(vendor, row, this.#head)
      this.#entries.push(entry)
      byId.set(row.id, entry)
      const key = groupKey(row.model)
      const group = this.#groups.get(key)
      if (group === undefined) this.#groups.set(key, [entry])
      else group.push(entry)
      if (row.snapshotOf !== undefined) this.#snapshots.push({ group: groupKey(row.snapshotOf), entry })
    }
  }

  finish(): Catalog {
    const entries = this.#entries
    const groups = this.#groups
    const byVendor = this.#byVendor
    joinSnapshots(groups, this.#snapshots)
    const unsorted = new Set(groups.values())
    return {
      version: this.#head.version,
      date: this.#head.date,
      entries,
      find: (vendor, upstreamModel) => byVendor.get(vendor)?.get(upstreamModel),
      logical: name => {
        const group = groups.get(groupKey(name))
        if (group === undefined) return []
        // Sorted when first asked for: all of them at once would hold up a thread that serves.
        if (unsorted.delete(group)) group.sort(inTryingOrder)
        return group
      },
      nearest: (name, count, accept = () => true) => {
        const names = new Set(entries.map(entry => entry.logicalModel))
        return nearestNames(name, [...names].filter(accept), count)
      },
    }
  }
}

/** An undated name also reaches the only snapshot of that model, on vendors that do not list the undated name. */
function joinSnapshots(groups: Map<string, CatalogEntry[]>, snapshots: readonly { group: string; entry: CatalogEntry }[]): void {
  const listed = new Map(snapshots.map(({ group }) => [group, new Set(groups.get(group)?.map(entry => entry.vendor))]))
  for (const { group, entry } of snapshots) {
    if (!listed.get(group)?.has(entry.vendor)) groups.get(group)?.push(entry)
  }
}

/** A usual mix of a request: three times as much input as output. */
const blendedPrice = (price: PriceVector): number => 3 * price.base.input + price.base.output

/**
 * Vendor of origin, then current before deprecated, known price before unknown, listed by the first source before those that only the
 * second one prices (which keeps models that their vendors have retired), cheaper first, then by name.
 */
function inTryingOrder(a: CatalogEntry, b: CatalogEntry): number {
  return Number(b.origin) - Number(a.origin)
    || Number(a.deprecated) - Number(b.deprecated)
    || Number(a.price === null) - Number(b.price === null)
    || Number(a.source === secondSourceName) - Number(b.source === secondSourceName)
    || (a.price !== null && b.price !== null ? blendedPrice(a.price) - blendedPrice(b.price) : 0)
    || compareText(a.vendor, b.vendor)
    || compareText(a.upstreamModel, b.upstreamModel)
}

const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

const modalitiesOf = (list: string): Modality[] => list === '' ? [] : list.split(',') as Modality[]

function entryOf(vendor: string, row: Row, { version, facts }: Pick<Artefact, 'version' | 'facts'>): CatalogEntry {
  const [input = '', output = ''] = (row.modalities ?? 'text>text').split('>')
  return {
    vendor,
    upstreamModel: row.id,
    logicalModel: row.model,
    displayName: row.name ?? row.id,
    kind: row.kind ?? 'chat',
    contextTokens: row.context ?? 0,
    outputTokens: row.output ?? 0,
    inputTokens: row.input ?? row.context ?? 0,
    inputModalities: modalitiesOf(input),
    outputModalities: modalitiesOf(output),
    capabilitiesKnown: row.unknown !== true,
    toolCalls: row.tools === true,
    structuredOutput: row.json === true,
    reasoning: row.reasoning === true,
    openWeights: row.open === true,
    releasedOn: row.released ?? '',
    updatedOn: row.updated ?? row.released ?? '',
    knowledgeCutoff: row.knowledge ?? '',
    deprecated: row.deprecated === true || row.withdrawn !== undefined,
    withdrawnOn: row.withdrawn ?? '',
    region: row.region ?? facts[vendor]?.region ?? '',
    retention: facts[vendor]?.retention ?? '',
    source: row.priceVersion === undefined ? row.source ?? firstSourceName : 'operator',
    price: row.price === undefined ? null : {
      version: row.priceVersion ?? version,
      ...listOf(row.price, row.tiers),
      ...row.conditions !== undefined && { conditions: row.conditions.map(conditionOf) },
    },
    origin: row.origin === true,
  }
}

const listOf = (price: SparsePrices, tiers: readonly RowTier[] = []): PriceList =>
  ({ base: expandPrices(price), tiers: tiers.map(tier => ({ aboveInputTokens: tier.above, prices: expandPrices(tier.price) })) })

const conditionOf = ({ from, clock, serviceTier, price, tiers }: RowCondition): PriceCondition => ({
  ...from !== undefined && { fromMs: Date.parse(from) },
  ...clock !== undefined && { clock },
  ...serviceTier !== undefined && { serviceTier },
  ...listOf(price, tiers),
})
