/**
 * Reads the compiled catalogue into look-up tables. It fails at start when the file is missing or damaged; afterwards nothing
 * can fail. Look-ups of logical names are blind to case and to the spelling of separators (`claude-sonnet-4.5`).
 */
import { readFileSync } from 'node:fs'
import { checkArtefact, expandPrices, type Row, type RowCondition, type RowTier, type SparsePrices } from './artefact.ts'
import type { Catalog, CatalogEntry, Modality } from './catalog.ts'
import { groupKey } from './naming.ts'
import { nearestNames } from './nearest.ts'
import type { PriceCondition, PriceList, PriceVector } from './price.ts'

const readCompiled = (): string => readFileSync(new URL('catalog.json', import.meta.url), 'utf8')

export function loadCatalog(text: string = readCompiled()): Catalog {
  const { version, vendors } = checkArtefact(JSON.parse(text))
  const byVendor = new Map<string, Map<string, CatalogEntry>>()
  const entries: CatalogEntry[] = []
  const groups = new Map<string, CatalogEntry[]>()
  const snapshots: { group: string; entry: CatalogEntry }[] = []
  for (const [vendor, rows] of Object.entries(vendors)) {
    const byId = new Map<string, CatalogEntry>()
    byVendor.set(vendor, byId)
    for (const row of rows) {
      const entry = entryOf(vendor, row, version)
      entries.push(entry)
      byId.set(row.id, entry)
      const key = groupKey(row.model)
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [entry])
      else group.push(entry)
      if (row.snapshotOf !== undefined) snapshots.push({ group: groupKey(row.snapshotOf), entry })
    }
  }
  joinSnapshots(groups, snapshots)
  for (const group of groups.values()) group.sort(inTryingOrder)
  return {
    version,
    entries,
    find: (vendor, upstreamModel) => byVendor.get(vendor)?.get(upstreamModel),
    logical: name => groups.get(groupKey(name)) ?? [],
    nearest: (name, count, accept = () => true) => {
      const names = new Set(entries.map(entry => entry.logicalModel))
      return nearestNames(name, [...names].filter(accept), count)
    },
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

/** Vendor of origin, then current before deprecated, known price before unknown, cheaper first, then by name. */
function inTryingOrder(a: CatalogEntry, b: CatalogEntry): number {
  return Number(b.origin) - Number(a.origin)
    || Number(a.deprecated) - Number(b.deprecated)
    || Number(a.price === null) - Number(b.price === null)
    || (a.price !== null && b.price !== null ? blendedPrice(a.price) - blendedPrice(b.price) : 0)
    || compareText(a.vendor, b.vendor)
    || compareText(a.upstreamModel, b.upstreamModel)
}

const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

const modalitiesOf = (list: string): Modality[] => list === '' ? [] : list.split(',') as Modality[]

function entryOf(vendor: string, row: Row, version: string): CatalogEntry {
  const [input = '', output = ''] = (row.modalities ?? 'text>text').split('>')
  return {
    vendor,
    upstreamModel: row.id,
    logicalModel: row.model,
    displayName: row.name ?? row.id,
    kind: row.kind ?? 'chat',
    contextTokens: row.context ?? 0,
    outputTokens: row.output ?? 0,
    inputModalities: modalitiesOf(input),
    outputModalities: modalitiesOf(output),
    toolCalls: row.tools === true,
    structuredOutput: row.json === true,
    reasoning: row.reasoning === true,
    openWeights: row.open === true,
    releasedOn: row.released ?? '',
    deprecated: row.deprecated === true,
    price: row.price === undefined ? null : {
      version,
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
