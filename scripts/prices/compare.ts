/**
 * Compares our catalogue with genai-prices: which entries both price, class by class and at every date and hour at which either list
 * changes; then the costs of random usages over the classes that agree, exactly. Fails on nothing: what it finds is the result.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { ModelInfo, Provider } from '@pydantic/genai-prices'
import type { Catalog, CatalogEntry } from '../../src/catalog/catalog.ts'
import { costNano, noUsage, pricesFor, usageClasses, type PriceList, type Prices, type PriceVector, type Usage, type UsageClass } from '../../src/catalog/price.ts'
import { secondSourceName } from '../../src/catalog/second-source.ts'
import { vendors } from '../../src/providers/index.ts'
import { agree, causeOf, reviewOf, sidesOf, type Cause, type Pair, type Sides } from './causes.ts'
import { exactCost, exactPrice, floatDeviation, nanoCost, nearestNano, priceAt, providerOf, wholeNano, withoutClass } from './theirs.ts'

const minute = 60_000
const day = 1440 * minute

export interface Difference { vendor: string; model: string; theirModel: string; name: UsageClass; at: string; sides: Sides; cause: Cause | null; evidence?: string }
export interface Mismatch { vendor: string; model: string; usage: Usage; ours: number; theirs: number }
export interface Unpriced { vendor: string; model: string; cause: string | null }

export interface Comparison {
  vendors: string[]
  pairs: number
  /** Pairs that agree in every class at every instant. */
  identical: number
  /** Pairs whose input and output agree, so that ordinary requests were compared. */
  compared: number
  costs: number
  differences: Difference[]
  mismatches: Mismatch[]
  unpriced: Unpriced[]
  /** Entries that have their price from them. */
  theirsOnly: number
  /** Their fields that no usage class of ours carries, with the number of models. */
  withoutClass: Map<string, number>
  /** Their prices with a fraction of a nano-dollar per million. */
  fractions: string[]
  deviation: { nano: number; part: number }
}

/** The data set's date, and base URLs of its vendors, and of ours where it has none. */
function dataSet(): { date: string; urls: Map<string, string> } {
  const data = new URL('../../src/catalog/data/models-dev-2026-07-02.json.gz', import.meta.url)
  const { date, providers } = JSON.parse(gunzipSync(readFileSync(data)).toString()) as { date: string; providers: Record<string, { api?: string }> }
  const urls = new Map<string, string>()
  for (const [id, { api }] of Object.entries(providers)) if (api !== undefined) urls.set(id, api)
  for (const { id, baseUrl } of vendors.values()) if (baseUrl !== undefined) urls.set(id, baseUrl)
  return { date, urls }
}

export function compare(catalog: Catalog, count: number, random: () => number): Comparison {
  const { date, urls } = dataSet()
  const result: Comparison = {
    vendors: [], pairs: 0, identical: 0, compared: 0, costs: 0, differences: [], mismatches: [], unpriced: [], theirsOnly: catalog.entries.filter(({ source, price }) => source === secondSourceName && price !== null).length, withoutClass: new Map(), fractions: [], deviation: { nano: 0, part: 0 },
  }
  const dataDate = Date.parse(`${date}T12:00:00Z`)
  // What our catalogue has from their list would only be compared with itself.
  for (const vendor of new Set(catalog.entries.map(entry => entry.vendor))) {
    const provider = providerOf(vendor, urls.get(vendor))
    if (provider === undefined) continue
    const before = result.pairs
    for (const entry of catalog.entries.filter(each => each.vendor === vendor && each.source !== secondSourceName)) compareEntry(entry, provider, dataDate, count, random, result)
    if (result.pairs > before) result.vendors.push(vendor)
  }
  return result
}

function compareEntry(entry: CatalogEntry, provider: Provider, dataDate: number, count: number, random: () => number, result: Comparison): void {
  const now = priceAt(provider, entry.upstreamModel, dataDate)
  if (now === null) return
  const { vendor, upstreamModel: model, price } = entry
  if (price === null) {
    result.unpriced.push({ vendor, model, cause: unpricedCause(entry, now.list) })
    return
  }
  result.pairs++
  for (const field of withoutClass(now.list)) result.withoutClass.set(field, (result.withoutClass.get(field) ?? 0) + 1)
  const usable = new Set<UsageClass>(usageClasses)
  const plain = new Set<UsageClass>(usageClasses)
  const instants = instantsOf(price, now.model, dataDate)
  for (const atMs of instants) {
    const theirs = priceAt(provider, model, atMs)!
    const pair: Pair = { entry: { ...entry, price }, theirs }
    const list = listAt(price, atMs)
    for (const name of usageClasses) {
      const sides = sidesOf(list, theirs, name)
      if (wholeNano(exactPrice(theirs.list, name).perMillion) === null) {
        result.fractions.push(`${vendor}/${model} ${name}`)
        usable.delete(name)
        plain.delete(name)
      }
      if (agree(sides)) continue
      usable.delete(name)
      if (sides.ours.base !== sides.theirs.base) plain.delete(name)
      // What follows its parent on both sides is the parent's difference.
      if (!sides.ours.own && !sides.theirs.own && name !== 'toolCalls' && name !== 'requests') continue
      const dated = datesOf(now.model).map(other => sidesOf(list, { ...theirs, list: other }, name))
      const cause = causeOf(pair, name, sides, dated)
      const evidence = cause === 'one source is wrong or older' ? reviewOf(entry, name) : undefined
      result.differences.push({ vendor, model, theirModel: theirs.model.id, name, at: new Date(atMs).toISOString(), sides, cause, ...evidence !== undefined && { evidence } })
    }
  }
  if (usable.size === usageClasses.length) result.identical++
  if (plain.has('input') && plain.has('output')) result.compared++
  const bound = Math.min(...[price, ...price.conditions ?? []].flatMap(list => list.tiers.map(tier => tier.aboveInputTokens)), ...instants.flatMap(atMs =>
    Object.values(priceAt(provider, model, atMs)!.list).flatMap(each => (typeof each === 'object' ? each.tiers.map(tier => tier.start) : []))))
  for (const atMs of instants) {
    compareCosts(entry, price, provider, atMs, usages([...usable], bound, count, random), result)
    if (plain.size > usable.size) compareCosts(entry, price, provider, atMs, usages([...plain], bound, count, random).filter(usage => total(usage) <= bound), result)
  }
}

function compareCosts({ vendor, upstreamModel: model }: CatalogEntry, price: PriceVector, provider: Provider, atMs: number, all: readonly Usage[], result: Comparison): void {
  const { list } = priceAt(provider, model, atMs)!
  for (const usage of all) {
    const exact = exactCost(list, usage)
    const [ours, theirs] = [costNano(price, usage, { atMs }), nanoCost(exact)]
    if (ours !== theirs) result.mismatches.push({ vendor, model, usage, ours, theirs })
    const { nano, part } = floatDeviation(provider, model, atMs, usage, exact)
    result.deviation = { nano: Math.max(result.deviation.nano, nano), part: Math.max(result.deviation.part, part) }
    result.costs++
  }
}

const total = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.audioIn + usage.imageIn

/** One unit of each class, large numbers, mixes, and mixes that reach a tier's bound exactly, one below and one above. */
function usages(names: readonly UsageClass[], bound: number, count: number, random: () => number): Usage[] {
  const of = (units: (name: UsageClass) => number): Usage => Object.assign(noUsage(), Object.fromEntries(names.map(name => [name, units(name)])))
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  // A request is one request: their list charges it always and once.
  const one = (name: UsageClass, units: number): number => (name === 'requests' ? 1 : name === 'toolCalls' ? units % 100 : units)
  const all = names.map(only => of(name => one(name, name === only ? 1 : 0)))
  all.push(of(name => one(name, 900_000_000)), of(name => one(name, 7)))
  for (let index = 0; index < count; index++) {
    const most = 10 ** (1 + upTo(7))
    all.push(of(name => one(name, random() < 0.3 ? 0 : upTo(most))))
    if (!Number.isFinite(bound) || !names.includes('input')) continue
    const mix = of(name => one(name, random() < 0.5 ? 0 : upTo(Math.floor(bound / 8))))
    const rest = bound - total(mix) + mix.input
    for (const offset of [-1, 0, 1, 2]) all.push({ ...mix, input: rest + offset })
  }
  return all
}

/** The prices of an instant as one list. */
function listAt(price: PriceVector, atMs: number): PriceList {
  const prices = (input: number): Prices => pricesFor(price, { ...noUsage(), input }, { atMs })
  const bounds = [...new Set([price, ...price.conditions ?? []].flatMap(each => each.tiers.map(tier => tier.aboveInputTokens)))].sort((a, b) => a - b)
  return { base: prices(0), tiers: bounds.map(aboveInputTokens => ({ aboveInputTokens, prices: prices(aboveInputTokens + 1) })) }
}

/** Their dated price lists of a model, whatever the date. */
const datesOf = ({ prices }: ModelInfo): PriceListOf[] => (Array.isArray(prices) ? prices.map(each => each.prices) : [])
type PriceListOf = Extract<ModelInfo['prices'], unknown[]>[number]['prices']

/** Noon of our data's date, every later date at which either list changes, and a minute in each daily window and after it, on a working day. */
function instantsOf(price: PriceVector, { prices }: ModelInfo, dataDate: number): number[] {
  const constraints = Array.isArray(prices) ? prices.flatMap(({ constraint }) => (constraint === undefined ? [] : [constraint])) : []
  const starts = [...constraints.flatMap(each => ('start_date' in each ? [Date.parse(each.start_date)] : [])), ...(price.conditions ?? []).flatMap(each => each.fromMs ?? [])]
  const dates = [...new Set(starts)].filter(each => each > dataDate).sort((a, b) => a - b)
  const last = workingDay(dates.at(-1) ?? dataDate)
  const windows = constraints.flatMap(each => ('start_time' in each ? [each.start_time, each.end_time] : []))
  const hours = windows.map(time => last + clock(time) * minute).flatMap(at => [at - minute, at + minute])
  return [dataDate, ...dates.map(each => each + day / 2), ...hours]
}

/** Midnight of the first working day from an instant on. */
function workingDay(atMs: number): number {
  const midnight = Math.ceil(atMs / day) * day
  return [0, 6].includes(new Date(midnight).getUTCDay()) ? workingDay(midnight + day) : midnight
}

const clock = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))

function unpricedCause(entry: CatalogEntry, list: PriceListOf): string | null {
  const fields = Object.entries(list).flatMap(([field, value]) => (value === undefined ? [] : [field]))
  if (fields.length === 0) return 'theirs has no price either'
  if (fields.every(field => !field.endsWith('_mtok'))) return 'different unit (hours, pages, pieces)'
  if (/plan|copilot/.test(entry.vendor)) return 'a plan or credits: our data say zero, which is not believed'
  if (entry.outputModalities.some(each => each !== 'text')) return 'answers in a medium whose price our data lack'
  return nearestNano(exactPrice(list, 'input').perMillion) === 0 ? 'free at theirs' : 'our data have no price'
}
