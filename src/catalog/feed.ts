/**
 * Reads a feed that nobody vouches for: the data of models.dev as its site publishes it, or a catalogue that this program compiled.
 * Only fields that are known are taken, each checked for its type and for a sane size; the first that is not refuses the whole feed and is named.
 */
import { artefactFormat, checkArtefact, condensePrices, expandPrices, type Artefact, type Row, type RowCondition, type RowTier, type SparsePrices } from './artefact.ts'
import type { SourceModel, SourceVendors } from './compile.ts'
import { nanoPrice } from './decimal.ts'
import type { Cost, CostTier } from './overrides.ts'
import { usageClasses } from './price.ts'
import { Digits, FeedError, parseStrictly } from './strict-json.ts'

export type Feed = { kind: 'models.dev'; vendors: SourceVendors } | { kind: 'catalogue'; artefact: Artefact }

const bounds = { vendors: 2_000, models: 100_000, tokens: 100_000_000, tiers: 16, name: 256, dollars: 1_000_000 } as const

type Members = Record<string, unknown>

export function readFeed(text: string): Feed {
  const root = members(parseStrictly(text), 'the feed')
  if (root['format'] !== undefined) return { kind: 'catalogue', artefact: artefactOf(root) }
  // The dated copy of a data set has its vendors one level deeper.
  return { kind: 'models.dev', vendors: vendorsOf(members(root['providers'] ?? root, 'the feed')) }
}

function refuse(path: string, what: string, value?: unknown): never {
  const shown = value === undefined ? '' : `: ${(value instanceof Digits ? value.text : JSON.stringify(value) ?? '').slice(0, 60)}`
  throw new FeedError(`${path} ${what}${shown}.`)
}

function members(value: unknown, path: string): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Digits) ? value as Members : refuse(path, 'is no object', value)
}

function text(value: unknown, path: string, longest: number = bounds.name): string {
  if (typeof value !== 'string' || value.length > longest || /\p{Cc}/u.test(value)) refuse(path, `is no text of up to ${longest} characters`, value)
  return value
}

/** A name that is only shown: stray tabs and line ends do no harm and are not shown. */
const label = (value: unknown, path: string): string => text(typeof value === 'string' ? value.replaceAll(/\p{Cc}+/gu, ' ') : value, path)

function identifier(value: string, path: string): string {
  return value === '' || value.length > bounds.name || /[\s\p{Cc}]/u.test(value) ? refuse(path, 'has a name that cannot be one', value) : value
}

function flag(value: unknown, path: string): boolean {
  return value === undefined ? false : typeof value === 'boolean' ? value : refuse(path, 'is neither true nor false', value)
}

function list(value: unknown, path: string, longest: number): unknown[] {
  return Array.isArray(value) && value.length <= longest ? value : refuse(path, `is no list of up to ${longest} entries`)
}

function tokens(value: unknown, path: string): string {
  if (value === undefined) return '0'
  if (!(value instanceof Digits) || !/^\d{1,12}(?:\.0+)?$/.test(value.text) || Number(value.text) > bounds.tokens) refuse(path, `is no number of tokens up to ${bounds.tokens}`, value)
  return String(Number(value.text))
}

function price(value: unknown, path: string): string {
  if (!(value instanceof Digits)) return refuse(path, 'is no price', value)
  try {
    if (nanoPrice(value.text).nano <= bounds.dollars * 1e9) return value.text
  } catch {
    // the same as a price that is too high
  }
  return refuse(path, `is no price from 0 to ${bounds.dollars} US dollars`, value)
}

const date = (value: unknown, path: string): string | undefined =>
  value === undefined ? undefined : /^(?:\d{4}(?:-\d\d){0,2})?$/.test(text(value, path)) ? value as string : refuse(path, 'is no date', value)

function vendorsOf(root: Members): SourceVendors {
  const names = Object.keys(root)
  if (names.length === 0 || names.length > bounds.vendors) throw new FeedError(`The feed has ${names.length} vendors; 1 to ${bounds.vendors} are expected.`)
  let count = 0
  const vendors: SourceVendors = {}
  for (const vendor of names) {
    if (!/^[a-z0-9][a-z0-9._-]{0,63}$/i.test(vendor)) refuse(vendor.slice(0, 60), 'is no name of a vendor')
    const models = members(members(root[vendor], vendor)['models'], `${vendor} › models`)
    const read: Record<string, SourceModel> = {}
    for (const [id, model] of Object.entries(models)) {
      if (++count > bounds.models) throw new FeedError(`The feed has more than ${bounds.models} models.`)
      read[identifier(id, vendor)] = modelOf(members(model, `${vendor}/${id}`), id, `${vendor}/${id}`)
    }
    vendors[vendor] = { models: read }
  }
  if (count === 0) throw new FeedError('The feed has no models.')
  return vendors
}

function modelOf(model: Members, id: string, path: string): SourceModel {
  const limit = members(model['limit'] ?? {}, `${path} › limit`)
  const modalities = members(model['modalities'] ?? {}, `${path} › modalities`)
  const media = (side: string): string[] => list(modalities[side] ?? ['text'], `${path} › modalities › ${side}`, 16).map(each => /^[a-z]{1,16}$/.test(String(each)) ? each as string : refuse(`${path} › modalities`, 'has an unknown form', each))
  const [updated, knowledge] = [date(model['last_updated'], `${path} › last_updated`), date(model['knowledge'], `${path} › knowledge`)]
  const cost = model['cost'] === undefined ? undefined : costOf(members(model['cost'], `${path} › cost`), `${path} › cost`)
  const modes = modesOf(model, path)
  return {
    name: model['name'] === undefined ? id : label(model['name'], `${path} › name`),
    limit: { context: tokens(limit['context'], `${path} › limit › context`), output: tokens(limit['output'], `${path} › limit › output`), input: tokens(limit['input'], `${path} › limit › input`) },
    modalities: { input: media('input'), output: media('output') },
    tool_call: flag(model['tool_call'], `${path} › tool_call`), structured_output: flag(model['structured_output'], `${path} › structured_output`),
    reasoning: flag(model['reasoning'], `${path} › reasoning`), open_weights: flag(model['open_weights'], `${path} › open_weights`),
    release_date: date(model['release_date'], `${path} › release_date`) ?? '',
    ...updated !== undefined && { last_updated: updated }, ...knowledge !== undefined && knowledge !== '' && { knowledge },
    ...model['status'] !== undefined && { status: text(model['status'], `${path} › status`, 64) },
    ...cost !== undefined && { cost }, ...modes !== undefined && { experimental: { modes } },
  }
}

/** A field of an unknown name stays: the compiler leaves out the entry that has it, since skipping the field would misprice it. */
function costOf(cost: Members, path: string): Record<string, string | CostTier[]> {
  const read: Record<string, string | CostTier[]> = {}
  for (const [field, value] of Object.entries(cost)) {
    const where = `${path} › ${field}`
    if (field === 'tiers') read['tiers'] = list(value, where, bounds.tiers).map(tier => tierOf(members(tier, where), where))
    // An older spelling of one tier.
    else if (field === 'context_over_200k') read['tiers'] ??= [{ tier: { size: '200000' }, ...prices(members(value, where), where) }]
    else read[text(field, where, 64)] = price(value, where)
  }
  return read
}

const prices = (cost: Members, path: string): Cost => Object.fromEntries(Object.entries(cost).map(([field, value]) => [text(field, path, 64), price(value, `${path} › ${field}`)]))

function tierOf({ tier, ...cost }: Members, path: string): CostTier {
  const { size, type } = members(tier, path)
  return { tier: { size: tokens(size, `${path} › size`), ...type !== undefined && { type: text(type, path, 64) } }, ...prices(cost, path) }
}

function modesOf(model: Members, path: string): NonNullable<SourceModel['experimental']>['modes'] {
  const modes = members(model['experimental'] ?? {}, `${path} › experimental`)['modes']
  if (modes === undefined) return undefined
  return Object.fromEntries(Object.entries(members(modes, `${path} › modes`)).slice(0, bounds.tiers).map(([name, value]) => {
    const where = `${path} › modes › ${name.slice(0, 64)}`
    const { cost, provider } = members(value, where)
    const body = members(members(provider ?? {}, where)['body'] ?? {}, where)
    const said = Object.fromEntries(Object.entries(body).filter(([, each]) => typeof each === 'string').map(([field, each]) => [field, text(each, where, 64)]))
    return [name.slice(0, 64), { ...cost !== undefined && { cost: prices(members(cost, where), where) }, provider: { body: said } }]
  }))
}

/** Digits become numbers where they are whole and exact. */
function plain(value: unknown, path: string): unknown {
  if (value instanceof Digits) {
    const number = Number(value.text)
    return Number.isSafeInteger(number) ? number : refuse(path, 'has a number that is not whole', value)
  }
  if (Array.isArray(value)) return value.map(each => plain(each, path))
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each, path)])) : value
}

function artefactOf(root: Members): Artefact {
  if (!(root['format'] instanceof Digits) || Number(root['format'].text) !== artefactFormat) throw new FeedError(`The catalogue is not of format ${artefactFormat}: compile it with this version of MegaRouter.`)
  let artefact: Artefact
  try {
    artefact = checkArtefact(plain(root, 'the catalogue'))
  } catch (error) {
    throw new FeedError(error instanceof Error ? error.message : String(error))
  }
  if (Object.keys(artefact.vendors).length > bounds.vendors || Object.keys(artefact.vendors).length === 0) throw new FeedError(`The feed has ${Object.keys(artefact.vendors).length} vendors; 1 to ${bounds.vendors} are expected.`)
  const vendors = Object.fromEntries(Object.entries(artefact.vendors).map(([vendor, rows]) => [vendor, rowsOf(vendor, rows)]))
  return { ...artefact, vendors }
}

function rowsOf(vendor: string, rows: readonly Row[]): Row[] {
  const seen = new Set<string>()
  return rows.map(row => {
    const path = `${vendor}/${row.id}`
    identifier(row.id, vendor)
    identifier(row.model, path)
    if (seen.has(row.id)) refuse(path, 'is listed twice')
    seen.add(row.id)
    for (const name of ['context', 'output', 'input'] as const) if ((row[name] ?? 0) > bounds.tokens) refuse(path, `has a limit above ${bounds.tokens} tokens`)
    for (const each of [row.price, ...row.tiers ?? [], ...row.conditions ?? []]) {
      const own = each === undefined ? {} : 'price' in each && typeof each.price === 'object' ? each.price : each as SparsePrices
      if (Object.values(own).some(nano => nano > bounds.dollars * 1e9)) refuse(path, `has a price above ${bounds.dollars} US dollars`)
    }
    for (const name of ['name', 'modalities', 'released', 'updated', 'knowledge', 'snapshotOf', 'source', 'region'] as const) if (row[name] !== undefined) text(row[name], `${path} › ${name}`)
    return canonical(row)
  })
}

const condensed = (prices: SparsePrices): SparsePrices => condensePrices(Object.fromEntries(usageClasses.map(name => [name, expandPrices(prices)[name]])))
const tierRows = (tiers: readonly RowTier[]): RowTier[] => tiers.map(({ above, price: own }) => ({ above, price: condensed(own) })).sort((a, b) => a.above - b.above)
const conditionRow = ({ from, clock, serviceTier, price: own, tiers }: RowCondition): RowCondition => ({
  ...from !== undefined && { from }, ...clock !== undefined && { clock: { offsetMinutes: clock.offsetMinutes, days: [...clock.days], windows: clock.windows.map(([start, end]) => [start, end] as const) } },
  ...serviceTier !== undefined && { serviceTier: serviceTier.slice(0, 64) }, price: condensed(own), ...tiers !== undefined && tiers.length > 0 && { tiers: tierRows(tiers) },
})

/** The row with the fields that a feed may set, in the compiler's order, so that equal rows are equal texts. */
function canonical(row: Row): Row {
  const { id, model, name, kind, context, output, input, modalities, released, updated, knowledge, source, region, snapshotOf } = row
  const is = (name: 'tools' | 'json' | 'reasoning' | 'open' | 'deprecated' | 'unknown' | 'origin'): true | undefined => row[name] === true ? true : undefined
  const fields = {
    name, kind, context, output, input, modalities, tools: is('tools'), json: is('json'), reasoning: is('reasoning'), open: is('open'), released, updated, knowledge,
    deprecated: is('deprecated'), unknown: is('unknown'), source, region, origin: is('origin'),
  }
  return {
    id, model, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== 0)) as Partial<Row>,
    ...row.price !== undefined && { price: condensed(row.price) },
    ...row.price !== undefined && row.tiers !== undefined && row.tiers.length > 0 && { tiers: tierRows(row.tiers) },
    ...row.price !== undefined && row.conditions !== undefined && row.conditions.length > 0 && { conditions: row.conditions.map(conditionRow) },
    ...snapshotOf !== undefined && { snapshotOf },
  }
}
