/**
 * What of a proposed catalogue takes effect. Each row is compared with the one in force: a change within the bounds is applied, one beyond
 * them is held back for a person, and the row keeps what it had. Nothing ever loses its price, since traffic may still use it. Pure.
 */
import { expandPrices, versioned, type Artefact, type Row, type RowCondition, type RowPrice, type RowTier, type SparsePrices } from './artefact.ts'
import { groupKey } from './naming.ts'
import { usageClasses, type Prices } from './price.ts'

export const guardBounds = { priceFactor: 2, limitFactor: 4, vanishedShare: 0.2 } as const

export type ChangeKind = 'added' | 'withdrawn' | 'returned' | 'price' | 'limits' | 'facts'

export interface Change {
  vendor: string
  model: string
  kind: ChangeKind
  /** The part of the row that changes; null: there was none. */
  before: Partial<Row> | null
  after: Partial<Row> | null
  /** Of prices and limits: the largest factor of any figure, up or down; null where one side is zero or unknown. */
  factor: number | null
  /** Why it waits for a person; null: it is applied. */
  held: string | null
}

export interface Verdict {
  artefact: Artefact
  applied: Change[]
  held: Change[]
}

export const priceOf = ({ price, tiers, conditions }: RowPrice): RowPrice => ({ ...price !== undefined && { price }, ...tiers !== undefined && { tiers }, ...conditions !== undefined && { conditions } })
export const limitsOf = ({ context, output, input }: Row): Partial<Row> => ({ ...context !== undefined && { context }, ...output !== undefined && { output }, ...input !== undefined && { input } })
export function factsOf(row: Row): Partial<Row> {
  const { price: _price, tiers: _tiers, conditions: _conditions, context: _context, output: _output, input: _input, reviewed: _reviewed, withdrawn: _withdrawn, priceVersion: _version, ...facts } = row
  return facts
}

/** By fields in one order, so that two spellings of one row are equal. */
export const sameParts = (a: object, b: object): boolean => sorted(a) === sorted(b)
const sorted = (part: object): string => JSON.stringify(part, (_name, value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))) : value)

/** `trusted`: a catalogue that came with a release: no bounds, but rows in `kept` (`vendor/model`), which a person decided on, stay as they are. */
export function guard(inForce: Artefact, proposed: Artefact, today: string, { trusted = false, kept = new Set() }: { trusted?: boolean; kept?: ReadonlySet<string> } = {}): Verdict {
  const changes: Change[] = []
  const vendors: Artefact['vendors'] = {}
  const makers = makersOf(inForce)
  for (const vendor of [...new Set([...Object.keys(inForce.vendors), ...Object.keys(proposed.vendors)])].sort()) {
    const [old, next] = [inForce.vendors[vendor] ?? [], proposed.vendors[vendor] ?? []]
    const gone = trusted ? new Map<string, string>() : vanishing(old, next)
    const known = new Map(old.map(row => [row.id, row]))
    const coming = new Map(next.map(row => [row.id, row]))
    const ids = [...new Set([...known.keys(), ...coming.keys()])].sort((a, b) => (a < b ? -1 : 1))
    vendors[vendor] = ids.flatMap((id): Row[] => {
      const [was, is] = [known.get(id), coming.get(id)]
      const note = (kind: ChangeKind, before: Change['before'], after: Change['after'], held: string | null = null, factor: number | null = null): void =>
        void changes.push({ vendor, model: id, kind, before, after, factor, held })
      if (was === undefined) return added(vendor, is!, trusted ? null : makers, note)
      if (is === undefined) return [withoutSuccessor(was, today, gone.get(was.source ?? '') ?? null, note)]
      return [merged(was, is, { trusted, kept: kept.has(`${vendor}/${id}`) }, note)]
    })
  }
  const date = inForce.date > proposed.date ? inForce.date : proposed.date
  return {
    artefact: versioned({ date, sources: proposed.sources, facts: { ...inForce.facts, ...proposed.facts }, vendors }),
    applied: changes.filter(change => change.held === null), held: changes.filter(change => change.held !== null),
  }
}

type Note = (kind: ChangeKind, before: Change['before'], after: Change['after'], held?: string | null, factor?: number | null) => void

/** Why models that are missing are not believed to be gone; each source of rows for itself, since one of them can fail alone. */
function vanishing(old: readonly Row[], next: readonly Row[]): ReadonlyMap<string, string> {
  const ids = new Set(next.map(row => row.id))
  const reasons = new Map<string, string>()
  for (const [source, current] of Map.groupBy(old.filter(row => row.withdrawn === undefined), row => row.source ?? '')) {
    const missing = current.filter(row => !ids.has(row.id)).length
    if (missing === current.length) reasons.set(source, 'the vendor is gone from the feed')
    else if (missing > current.length * guardBounds.vanishedShare) reasons.set(source, `${missing} of ${current.length} models of the vendor are gone from the feed`)
  }
  return reasons
}

/** The vendors that made a model, by its group. */
function makersOf({ vendors }: Artefact): ReadonlyMap<string, ReadonlySet<string>> {
  const makers = new Map<string, Set<string>>()
  for (const [vendor, rows] of Object.entries(vendors)) for (const row of rows) {
    if (row.origin === true) makers.set(groupKey(row.model), (makers.get(groupKey(row.model)) ?? new Set()).add(vendor))
  }
  return makers
}

/** A new entry changes nobody's price, but as one of a model's maker it would come first for that name. */
function added(vendor: string, row: Row, makers: ReturnType<typeof makersOf> | null, note: Note): Row[] {
  const known = row.origin === true ? makers?.get(groupKey(row.model)) : undefined
  const held = known === undefined || known.has(vendor) ? null : `it would take the place of ${[...known].join(', ')} as the maker of ${row.model}`
  note('added', null, row, held)
  return held === null ? [row] : []
}

function withoutSuccessor(row: Row, today: string, gone: string | null, note: Note): Row {
  if (row.withdrawn !== undefined) return row
  note('withdrawn', {}, { withdrawn: today }, gone)
  return gone === null ? { ...row, withdrawn: today } : row
}

function merged(was: Row, is: Row, { trusted, kept }: { trusted: boolean; kept: boolean }, note: Note): Row {
  // A group keeps its spelling: names are what clients and policies use.
  const facts = { ...factsOf(is), model: groupKey(was.model) === groupKey(is.model) ? was.model : is.model }
  if (!sameParts(factsOf(was), facts)) note('facts', factsOf(was), facts)
  if (was.withdrawn !== undefined) note('returned', { withdrawn: was.withdrawn }, {})
  const limits = mergedLimits(was, is, trusted, note)
  const [before, after] = [priceOf(was), priceOf(is)]
  const own = { ...facts, ...limits } as Row
  if (sameParts(before, after)) return { ...own, ...before, ...!trusted && was.reviewed !== undefined && { reviewed: was.reviewed } }
  const jump = largestJump(before, after)
  const held = trusted ? (kept ? 'a person approved the price that it has' : null) : jump.reason ?? creep(was.reviewed, after)
  note('price', before, after, held, jump.factor)
  if (held !== null) return { ...own, ...before, ...was.reviewed !== undefined && { reviewed: was.reviewed } }
  const reviewed = was.reviewed ?? before
  return { ...own, ...after, ...!trusted && !sameParts(reviewed, after) && { reviewed } }
}

/** Small steps add up: together they stay within the bounds of one. */
function creep(reviewed: RowPrice | undefined, after: RowPrice): string | null {
  const reason = reviewed === undefined ? null : largestJump(reviewed, after).reason
  return reason === null ? null : `${reason} since a person last saw it`
}

function mergedLimits(was: Row, is: Row, trusted: boolean, note: Note): Partial<Row> {
  const [before, after] = [limitsOf(was), limitsOf(is)]
  if (sameParts(before, after)) return before
  const factors = (['context', 'output'] as const).flatMap(name => was[name] === undefined ? [] : [{ name, factor: factorOf(was[name], is[name] ?? 0) }])
  const worst = factors.reduce<{ name: string; factor: number } | null>((most, each) => most === null || each.factor > most.factor ? each : most, null)
  const held = !trusted && worst !== null && worst.factor > guardBounds.limitFactor ? `${worst.name} ${was[worst.name as 'context'] ?? 0} → ${is[worst.name as 'context'] ?? 0} tokens` : null
  note('limits', before, after, held, worst !== null && Number.isFinite(worst.factor) ? worst.factor : null)
  return held === null ? after : before
}

const factorOf = (a: number, b: number): number => a === b ? 1 : a === 0 || b === 0 ? Infinity : Math.max(a / b, b / a)

interface Jump { factor: number | null; reason: string | null }

/** The largest factor between two prices in any class, at any size of the prompt, date, hour and tier of service; `reason` where it is beyond the bounds. */
export function largestJump(before: RowPrice, after: RowPrice): Jump {
  if (before.price === undefined || after.price === undefined) {
    return before.price === after.price ? { factor: 1, reason: null } : { factor: null, reason: before.price === undefined ? 'its price was not known' : 'its price would not be known any more' }
  }
  let factor = 1
  let reason: string | null = null
  for (const key of new Set([...keysOf(before), ...keysOf(after)])) {
    const [one, other] = [listOf(before, key), listOf(after, key)]
    for (const tokens of new Set([0, ...[...one.tiers, ...other.tiers].map(tier => tier.above + 1)])) {
      const [from, to] = [pricesAt(one, tokens), pricesAt(other, tokens)]
      for (const name of usageClasses) {
        const step = factorOf(from[name], to[name])
        if (step <= factor) continue
        factor = step
        // Compared as integers: a price that doubles exactly is within the bounds.
        const isBeyond = Math.max(from[name], to[name]) > guardBounds.priceFactor * Math.min(from[name], to[name])
        if (isBeyond) reason = `${name} $${from[name] / 1e9} → $${to[name] / 1e9}${tokens > 0 ? ` from ${tokens} tokens` : ''}${key === '' ? '' : ` ${inWords(key)}`}`
      }
    }
  }
  return { factor: Number.isFinite(factor) ? factor : null, reason }
}

const keyOf = ({ from, clock, serviceTier }: RowCondition): string => JSON.stringify([from ?? null, clock === undefined ? null : [clock.offsetMinutes, clock.days, clock.windows], serviceTier ?? null])
function inWords(key: string): string {
  const [from, clock, serviceTier] = JSON.parse(key) as [string | null, unknown, string | null]
  return [from === null ? '' : `from ${from}`, clock === null ? '' : 'at some hours', serviceTier === null ? '' : `in the tier ${serviceTier.slice(0, 64)}`].filter(part => part !== '').join(' ')
}
const keysOf = ({ conditions = [] }: RowPrice): string[] => ['', ...conditions.map(keyOf)]

/** The list under a condition; where there is no such condition, the usual one holds. */
function listOf(price: RowPrice, key: string): { price: SparsePrices; tiers: readonly RowTier[] } {
  const found = key === '' ? undefined : price.conditions?.findLast(each => keyOf(each) === key)
  return { price: (found ?? price).price ?? {}, tiers: (found ?? price).tiers ?? [] }
}

const pricesAt = ({ price, tiers }: { price: SparsePrices; tiers: readonly RowTier[] }, tokens: number): Prices =>
  expandPrices(tiers.filter(tier => tokens > tier.above).at(-1)?.price ?? price)

/** The catalogue after a person approved changes that were held back. A row that has moved on meanwhile takes what was approved all the same. */
export function approved(inForce: Artefact, changes: readonly Pick<Change, 'vendor' | 'model' | 'kind' | 'after'>[]): Verdict {
  const applied: Change[] = []
  const byRow = Map.groupBy(changes, change => `${change.vendor}/${change.model}`)
  const vendors: Artefact['vendors'] = Object.fromEntries(Object.entries(inForce.vendors).map(([vendor, rows]) => [vendor, rows.map(row => {
    let next = row
    for (const change of byRow.get(`${vendor}/${row.id}`) ?? []) if (change.kind !== 'added') next = decided(next, change, applied)
    return next
  })]))
  for (const { vendor, model, kind, after } of changes) {
    if (kind !== 'added' || vendors[vendor]?.some(row => row.id === model) === true) continue
    vendors[vendor] = [...vendors[vendor] ?? [], after as Row].sort((a, b) => (a.id < b.id ? -1 : 1))
    applied.push({ vendor, model, kind, before: null, after, factor: null, held: null })
  }
  return { artefact: versioned({ ...inForce, vendors }), applied, held: [] }
}

function decided(row: Row, { vendor, kind, after }: Pick<Change, 'vendor' | 'kind' | 'after'>, applied: Change[]): Row {
  const { reviewed: _reviewed, withdrawn: _withdrawn, ...rest } = row
  const note = (before: Partial<Row>, factor: number | null = null): void => void applied.push({ vendor, model: row.id, kind, before, after, factor, held: null })
  if (kind === 'withdrawn') {
    note({})
    return { ...row, ...after }
  }
  if (kind === 'limits') {
    note(limitsOf(row))
    const { context: _context, output: _output, input: _input, ...others } = row
    return { ...others, ...after }
  }
  note(priceOf(row), largestJump(priceOf(row), priceOf((after ?? {}) as Row)).factor)
  const { price: _price, tiers: _tiers, conditions: _conditions, ...others } = rest
  return { ...others, ...row.withdrawn !== undefined && { withdrawn: row.withdrawn }, ...after }
}
