/**
 * Compiles the models.dev data set into the catalogue: prices to integer nano-dollars by exact decimals, ids to logical names.
 * Deterministic, and strict: a cost field or a tier that it does not know ends the compilation, since skipping it would misprice.
 */
import { condensePrices, expandPrices, type Artefact, type Row, type RowCondition, type RowTier, type SparsePrices } from './artefact.ts'
import { nanoPrice } from './decimal.ts'
import { groupKey, isSynonym, originOf, plainName, snapshotDate } from './naming.ts'
import type { Cost, CostCondition, CostTier } from './overrides.ts'
import { usageClasses, type UsageClass } from './price.ts'
import { completeResellers } from './resellers.ts'

/** Numbers are the digits of the file (see `parseSource`). */
export interface SourceModel {
  name: string
  cost?: Record<string, string | CostTier[]>
  conditions?: CostCondition[]
  /** Dearer, faster variants of the model, with what a request says to get them. */
  experimental?: { modes?: Record<string, { cost?: Cost; provider?: { body?: Record<string, string> } }> }
  limit: { context: string; output: string; input?: string }
  modalities: { input: string[]; output: string[] }
  tool_call: boolean
  structured_output?: boolean
  reasoning: boolean
  open_weights: boolean
  release_date: string
  last_updated?: string
  /** Until when the model was trained: `2025-08` or `2025-08-31`. */
  knowledge?: string
  status?: string
  /** Who prices it, where it is not the first source. */
  source?: string
  /** Only the second source has it: it names no group of the first one's models. */
  added?: boolean
  /** What the model can do is not known. */
  unknown?: boolean
}

export interface SourceVendors { [vendor: string]: { models: Record<string, SourceModel> } }

/** Reads JSON with every number as the text it was written in, so that no price becomes a float. */
export const parseSource = (text: string): unknown => JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
  typeof value === 'number' ? context?.source : value)

export interface CompileReport {
  /** Prices with a fraction of a nano-dollar, which were rounded: the source's own float noise. */
  rounded: number
  entries: number
  priced: number
  /** Zero prices that are not believed. */
  disbelieved: number
}

/** Spellings of the cost fields in the data set. */
const costFields: Record<string, UsageClass> = {
  input: 'input', output: 'output', reasoning: 'reasoning',
  cache_read: 'cacheRead', cached_input: 'cacheRead', cache_input: 'cacheRead',
  cache_write: 'cacheWrite5m', cached_write: 'cacheWrite5m', cache_write_1h: 'cacheWrite1h',
  input_audio: 'audioIn', output_audio: 'audioOut', image: 'imageOut',
  // Only overrides have these. Charges are per million requests, and per million calls of the vendor's own tools (web searches).
  input_image: 'imageIn', requests: 'requests', tool_calls: 'toolCalls',
  images: 'images', audio_ms: 'audioMs', characters: 'characters', searches: 'searches',
}

/** Charges that no usage class can carry; a model that has one has no known price. */
const unpriceable = new Set(['citation', 'request'])

/** Vendors that run on the operator's machine. */
const localVendors = new Set(['lmstudio', 'atomic-chat'])

/**
 * Whether a dearer tier begins at its bound and not above it. xAI: "≥ 200k" (https://docs.x.ai/docs/models). OpenAI, wherever it is sold:
 * the plain prices are those of "<272K" (https://developers.openai.com/api/docs/pricing).
 */
const isFromTheBound = (vendor: string, size: number, { source }: SourceModel): boolean => (vendor === 'xai' && source === undefined) || size === 272_000

/** Models that their vendor's price list calls free. */
const freeModels = new Set([
  'mistral/labs-devstral-small-2512', 'zai/glm-4.5-flash', 'zai/glm-4.7-flash', 'zhipuai/glm-4.5-flash', 'zhipuai/glm-4.7-flash',
])

/** The group of regions that an inference profile stays in: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html */
const bedrockRegion = /^(us|us-gov|eu|au|jp|apac|global)\./

/** Media that are charged by the piece, so that zero per token says nothing. */
const chargedByPiece = (model: SourceModel): boolean => model.modalities.output.some(each => each !== 'text')

/** `unreadable`: takes what this version of the compiler does not know, instead of an error; such an entry is left out. */
export function compile(source: SourceVendors, vendorIds: ReadonlyMap<string, string>, unreadable?: (vendor: string, id: string, error: Error) => void): { vendors: Artefact['vendors']; report: CompileReport } {
  const report: CompileReport = { rounded: 0, entries: 0, priced: 0, disbelieved: 0 }
  const names = logicalNames(source)
  const snapshots = onlySnapshots(source)
  const vendors: Record<string, Row[]> = {}
  for (const vendor of Object.keys(source).sort()) {
    const name = vendorIds.get(vendor) ?? vendor
    const read = (id: string, model: SourceModel): Row | null => {
      try {
        return rowOf(vendor, id, model, report)
      } catch (error) {
        if (unreadable === undefined) throw error
        unreadable(name, id, error as Error)
        return null
      }
    }
    vendors[name] = Object.entries(source[vendor]!.models).sort(byName).flatMap(([id, model]) => {
      const row = read(id, model)
      if (row === null) return []
      const key = groupKey(plainName(vendor, id))
      row.model = names.get(key)!.name
      const snapshot = snapshots.get(key)
      if (snapshot !== undefined) row.snapshotOf = snapshot
      return [row]
    })
  }
  const rows = Object.values(vendors).flat()
  completeResellers(rows)
  report.entries = rows.length
  report.priced = rows.filter(row => row.price !== undefined).length
  return { vendors, report }
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => a < b ? -1 : 1

function rowOf(vendor: string, id: string, model: SourceModel, report: CompileReport): Row {
  const modalities = `${model.modalities.input.join(',')}>${model.modalities.output.join(',')}`
  const kind = kindOf(id, model)
  // Some names have stray tabs and spaces.
  const name = model.name.replaceAll(/\p{Cc}+/gu, ' ').trim()
  const context = Number(model.limit.context)
  const output = Number(model.limit.output)
  const input = Number(model.limit.input ?? 0)
  const region = vendor === 'amazon-bedrock' ? bedrockRegion.exec(id)?.[1] : undefined
  const row: Row = {
    id,
    model: '',
    ...name !== id && { name },
    ...kind !== 'chat' && { kind },
    ...context > 0 && { context },
    ...output > 0 && { output },
    ...input > 0 && input < context && { input },
    ...modalities !== 'text>text' && { modalities },
    ...model.tool_call && { tools: true },
    ...model.structured_output === true && { json: true },
    ...model.reasoning && { reasoning: true },
    ...model.open_weights && { open: true },
    ...model.release_date !== '' && { released: model.release_date },
    ...model.last_updated !== undefined && model.last_updated > model.release_date && { updated: model.last_updated },
    ...model.knowledge !== undefined && { knowledge: model.knowledge },
    ...model.status === 'deprecated' && { deprecated: true },
    ...model.unknown === true && { unknown: true },
    ...model.source !== undefined && { source: model.source },
    ...region !== undefined && { region },
    ...originOf(vendor, id) !== null && { origin: true },
  }
  return { ...row, ...pricesOf(vendor, id, model, report) }
}

/** The endpoint that a model serves, as far as its name and modalities tell. */
function kindOf(id: string, model: SourceModel): NonNullable<Row['kind']> {
  const name = `${id} ${model.name}`.toLowerCase()
  const { input, output } = model.modalities
  if (/rerank/.test(name)) return 'rerank'
  if (/embed|(?:^|[/-])(?:bge|gte|e5|minilm|voyage)-/.test(name)) return 'embedding'
  if (/gpt-image|chatgpt-image|imagine-image/.test(name)) return 'image'
  if (/(?:^|[/-])(?:omni-)?moderation/.test(name)) return 'moderation'
  if (/(?:turbo-instruct|davinci-00\d|babbage-00\d)$/.test(id)) return 'completion'
  if (output.includes('text')) return input.length === 1 && input[0] === 'audio' ? 'audio' : 'chat'
  return output.includes('video') ? 'video' : output.includes('image') ? 'image' : output.includes('audio') ? 'audio' : 'chat'
}

function pricesOf(vendor: string, id: string, model: SourceModel, report: CompileReport): Pick<Row, 'price' | 'tiers' | 'conditions'> {
  const { tiers = [], ...cost } = model.cost ?? {}
  const names = Object.keys(cost)
  if (names.length === 0 || names.some(name => unpriceable.has(name))) return {}
  const base = classPrices(`${vendor}/${id}`, cost as Cost, report)
  if (tiers.length === 0 && Object.values(base).every(price => price === 0) && !isFree(vendor, id, model)) {
    report.disbelieved++
    return {}
  }
  if (typeof tiers === 'string') throw new Error(`${vendor}/${id}: tiers are not a list.`)
  const bands = tiersOf(vendor, id, model, base, tiers, report)
  const conditions = conditionsOf(vendor, id, model, { price: base, tiers: bands }, report)
  return { price: condensePrices(base), ...bands.length > 0 && { tiers: bands }, ...conditions.length > 0 && { conditions } }
}

function tiersOf(vendor: string, id: string, model: SourceModel, base: SparsePrices, tiers: readonly CostTier[], report: CompileReport): RowTier[] {
  const bands = tiers.map(({ tier, ...tierCost }) => {
    if (tier.type !== undefined && tier.type !== 'context') throw new Error(`${vendor}/${id}: unknown kind of tier ${tier.type}.`)
    const above = Number(tier.size) - (isFromTheBound(vendor, Number(tier.size), model) ? 1 : 0)
    return { above, price: condensePrices(tierPrices(base, classPrices(`${vendor}/${id}`, tierCost as Cost, report))) }
  })
  return bands.sort((a, b) => a.above - b.above)
}

/** Dates and hours come before tiers of service, so that a tier of service holds at any hour. */
function conditionsOf(vendor: string, id: string, model: SourceModel, usual: { price: SparsePrices; tiers: readonly RowTier[] }, report: CompileReport): RowCondition[] {
  const modes = Object.values(model.experimental?.modes ?? {}).flatMap(({ cost, provider }): CostCondition[] => {
    const serviceTier = provider?.body?.['service_tier'] ?? provider?.body?.['speed']
    if (cost === undefined || serviceTier === undefined) throw new Error(`${vendor}/${id}: unknown kind of mode.`)
    return [{ serviceTier, cost }]
  })
  return [...model.conditions ?? [], ...modes].map(({ from, clock, serviceTier, cost = {}, tiers, factor }) => {
    if (factor !== undefined) return { ...from !== undefined && { from }, ...serviceTier !== undefined && { serviceTier }, ...timesFactor(usual, factor) }
    const price = tierPrices(serviceTier === undefined ? {} : usual.price, classPrices(`${vendor}/${id}`, cost, report))
    const bands = serviceTier === undefined || tiers !== undefined ? tiersOf(vendor, id, model, price, tiers ?? [], report)
      : usual.tiers.map(tier => ({ ...tier, price: dearest(price, tier.price) }))
    return {
      ...from !== undefined && { from },
      ...clock !== undefined && { clock: { offsetMinutes: Number(clock.offsetMinutes), days: clock.days.map(Number), windows: clock.windows.map(([start, end]) => [Number(start), Number(end)] as const) } },
      ...serviceTier !== undefined && { serviceTier },
      price: condensePrices(price), ...bands.length > 0 && { tiers: bands },
    }
  })
}

/** All prices times a decimal such as `0.5`, a fraction of a nano-dollar rounded up. */
function timesFactor({ price, tiers }: { price: SparsePrices; tiers: readonly RowTier[] }, factor: string): Pick<RowCondition, 'price' | 'tiers'> {
  const { nano: billionths } = nanoPrice(factor)
  const times = (prices: SparsePrices): SparsePrices => condensePrices(Object.fromEntries(Object.entries(prices)
    .map(([name, nano]) => [name, Number((BigInt(nano) * BigInt(billionths) + 999_999_999n) / 1_000_000_000n)])))
  return { price: times(price), ...tiers.length > 0 && { tiers: tiers.map(tier => ({ above: tier.above, price: times(tier.price) })) } }
}

/** Zero is believed only of models that are called free, or run on the operator's machine; elsewhere it stands for a plan or a trial. */
function isFree(vendor: string, id: string, model: SourceModel): boolean {
  if (localVendors.has(vendor) || freeModels.has(`${vendor}/${id}`)) return true
  return !chargedByPiece(model) && (/(?:^|[:/-])free$/.test(id) || /\(free\)/i.test(model.name))
}

function classPrices(where: string, cost: Record<string, string>, report: CompileReport): SparsePrices {
  const prices: SparsePrices = {}
  for (const [field, text] of Object.entries(cost)) {
    const name = costFields[field]
    if (name === undefined) throw new Error(`${where}: unknown cost field ${field}. Map it in src/catalog/compile.ts.`)
    const { nano, exact } = nanoPrice(text)
    if (!exact) report.rounded++
    prices[name] = nano
  }
  const { input = 0, cacheRead, cacheWrite5m } = prices
  // Zero stands for "not priced apart" or for storage alone, and Gemini's figure is the storage alone: the tokens cost input besides.
  if (cacheRead === 0) delete prices.cacheRead
  if (cacheWrite5m === 0) delete prices.cacheWrite5m
  else if (cacheWrite5m !== undefined && cacheWrite5m < input && /gemini/.test(where)) prices.cacheWrite5m = input + cacheWrite5m
  // https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#pricing: one hour costs twice the input.
  if (prices.cacheWrite5m !== undefined && /claude/.test(where)) prices.cacheWrite1h ??= 2 * input
  return prices
}

/** A class that a tier leaves out costs what its parent costs there, and never less than below the tier. */
function tierPrices(base: SparsePrices, own: SparsePrices): SparsePrices {
  const prices = { ...own }
  const [below, here] = [expandPrices(base), expandPrices(own)]
  for (const name of Object.keys(base) as UsageClass[]) prices[name] ??= Math.max(below[name], here[name])
  return prices
}

/** A mode has no tiers of its own in the data: of the mode's price and the usual tier's, the dearer holds. */
function dearest(a: SparsePrices, b: SparsePrices): SparsePrices {
  const [one, other] = [expandPrices(a), expandPrices(b)]
  return condensePrices(Object.fromEntries(usageClasses.map(name => [name, Math.max(one[name], other[name])])))
}

/** The name of each group: the vendor of origin's own id, else the commonest spelling. */
function logicalNames(source: SourceVendors): Map<string, { name: string; rank: number }> {
  const best = new Map<string, { name: string; rank: number }>()
  const spellings = new Map<string, number>()
  for (const { vendor, id } of idsOf(source)) {
    const name = plainName(vendor, id)
    spellings.set(name, (spellings.get(name) ?? 0) + 1)
  }
  for (const { vendor, id, model } of idsOf(source)) {
    const name = plainName(vendor, id)
    const key = groupKey(name)
    // Origins come first, synonyms last; a dotted version reads better than a hyphenated one; then the commonest; then the alphabet.
    const rank = (model.added === true ? 1e7 : 0) + (originOf(vendor, id) ?? 1e6 + (isSynonym(name) ? 1e6 : 0) - (name.includes('.') ? 1e5 : 0) - spellings.get(name)!)
    const known = best.get(key)
    if (known === undefined || rank < known.rank || (rank === known.rank && name < known.name)) best.set(key, { name, rank })
  }
  return best
}

/**
 * Dated keys that are the same model as their undated name: there is no other snapshot, and the undated name was released on the
 * snapshot's day, or some vendor lists both with one release date.
 */
function onlySnapshots(source: SourceVendors): Map<string, string> {
  const releases = new Map<string, Set<string>>()
  const snapshots = new Map<string, Map<string, string>>()
  for (const { vendor, id, model } of idsOf(source)) {
    if (model.added === true) continue
    const key = groupKey(plainName(vendor, id))
    const known = releases.get(key) ?? new Set()
    releases.set(key, known.add(model.release_date).add(`${vendor} ${model.release_date}`))
    const snapshot = snapshotDate(key)
    if (snapshot === null) continue
    const dates = snapshots.get(snapshot.undated) ?? new Map<string, string>()
    snapshots.set(snapshot.undated, dates.set(key, snapshot.date))
  }
  const only = new Map<string, string>()
  for (const [undated, dates] of snapshots) {
    const released = releases.get(undated)
    if (new Set(dates.values()).size !== 1 || released === undefined) continue
    for (const [key, date] of dates) {
      const listedTogether = [...releases.get(key)!].some(release => release.includes(' ') && released.has(release))
      if (released.has(date) || listedTogether) only.set(key, undated)
    }
  }
  return only
}

function* idsOf(source: SourceVendors): Generator<{ vendor: string; id: string; model: SourceModel }> {
  for (const [vendor, { models }] of Object.entries(source)) {
    for (const [id, model] of Object.entries(models)) yield { vendor, id, model }
  }
}
