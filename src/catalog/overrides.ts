/**
 * Corrections of the data set, each with its source and date (`data/overrides.json`). An override that names an unknown model, or
 * changes nothing because the data set has caught up with it, ends the compilation.
 */

/** Fields as in the data set: US dollars per million units, as the digits of the file. */
export type Cost = Record<string, string>
export interface CostTier { tier: { size: string; type?: string }; [field: string]: string | { size: string; type?: string } }

/** A price list for some dates, hours or tier of service; fields that it leaves out cost what they cost without it. */
export interface CostCondition {
  from?: string
  clock?: { offsetMinutes: string; days: string[]; windows: [string, string][] }
  serviceTier?: string
  /** Left out only beside a factor. */
  cost?: Cost
  tiers?: CostTier[]
  /** Instead of a cost: every price of the standard tier, tiers included, times this decimal. */
  factor?: string
}

export interface Override {
  vendor: string
  models: string[]
  cost?: Cost
  tiers?: CostTier[]
  conditions?: CostCondition[]
  /** ISO date on which the source was read; 2026-09-23 where genai-prices of that date did, which names the page and agrees. */
  date: string
  source: string
  reason: string
}

interface Priced { cost?: Record<string, string | CostTier[]>; conditions?: CostCondition[] }

/** The same data with the corrections in it. */
export function applyOverrides<M extends Priced>(source: Record<string, { models: Record<string, M> }>, overrides: readonly Override[]): Record<string, { models: Record<string, M> }> {
  const corrected = { ...source }
  for (const override of overrides) {
    const { vendor, models, source: page, date, reason } = override
    if (!page.startsWith('https://') || !/^\d{4}-\d\d-\d\d$/.test(date) || reason === '') throw new Error(`The override of ${vendor}/${models[0]} has no source, date or reason.`)
    if (models.length === 0) throw new Error(`An override of ${vendor} names no model.`)
    for (const id of models) {
      const known = corrected[vendor]?.models[id]
      if (known === undefined) throw new Error(`The override of ${vendor}/${id} names a model that the data set doesn't have.`)
      corrected[vendor] = { ...corrected[vendor], models: { ...corrected[vendor]!.models, [id]: correct(`${vendor}/${id}`, known, override) } }
    }
  }
  return corrected
}

/**
 * The corrections that still correct something: those of a price that the data set states as it did when they were written (`then`).
 * Where it says something else by now, it has moved on, and its own figure holds.
 */
export function applyUnchanged<M extends Priced>(now: Record<string, { models: Record<string, M> }>, then: Record<string, { models: Record<string, Priced> }>, overrides: readonly Override[]): Record<string, { models: Record<string, M> }> {
  const corrected = { ...now }
  for (const { vendor, models, cost = {}, tiers, conditions } of overrides) {
    for (const id of models) {
      const [model, before, current] = [now[vendor]?.models[id], then[vendor]?.models[id], corrected[vendor]?.models[id]]
      if (model === undefined || before === undefined || current === undefined) continue
      const isAsBefore = (field: string): boolean => samePrice(model.cost?.[field], before.cost?.[field])
      const kept = Object.entries(cost).filter(([field]) => isAsBefore(field))
      const next: M = { ...current, cost: { ...current.cost, ...Object.fromEntries(kept), ...tiers !== undefined && isAsBefore('tiers') && { tiers } } }
      const isUnmoved = [...new Set([...Object.keys(model.cost ?? {}), ...Object.keys(before.cost ?? {})])].every(isAsBefore)
      // A share of the price is one of whatever the price has become.
      const held = (conditions ?? []).filter(each => isUnmoved || each.factor !== undefined)
      if (held.length > 0) next.conditions = [...current.conditions ?? [], ...held]
      corrected[vendor] = { ...corrected[vendor], models: { ...corrected[vendor]!.models, [id]: next } }
    }
  }
  return corrected
}

/** `0.10` is `0.1`, and the order of a tier's fields says nothing. */
const samePrice = (a: string | CostTier[] | undefined, b: string | CostTier[] | undefined): boolean =>
  typeof a === 'string' && typeof b === 'string' ? Number(a) === Number(b) : JSON.stringify(a, inOrder) === JSON.stringify(b, inOrder)

const inOrder = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))) : value

function correct<M extends Priced>(where: string, model: M, { cost = {}, tiers, conditions }: Override): M {
  const stale = Object.entries(cost).find(([field, price]) => model.cost?.[field] === price)
  if (stale !== undefined) throw new Error(`The override of ${where} says what the data set says: ${stale.join(' ')}. Remove it.`)
  const next: M = { ...model, cost: { ...model.cost, ...cost, ...tiers !== undefined && { tiers } } }
  if (conditions !== undefined) next.conditions = [...model.conditions ?? [], ...conditions]
  return next
}
