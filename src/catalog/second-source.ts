/**
 * The second source, genai-prices: what it prices and the first one lacks or leaves without a price is added, in the first one's form, so
 * that one compiler reads both. Where both have a price the first one's holds, and scripts/compare-prices.ts explains each difference.
 * A charge that no usage class can carry leaves the price out.
 */
import type { SourceModel, SourceVendors } from './compile.ts'
import { groupKey, originOf, plainName } from './naming.ts'
import type { Cost, CostCondition, CostTier } from './overrides.ts'

export const secondSourceDate = '2026-09-23'
export const secondSourceName = 'genai-prices'

/** Numbers are the digits of the file. */
type Price = string | { base: string; tiers: { start: string; price: string }[] }
interface TheirList { from?: string; daily?: [string, string]; fields: Record<string, Price> }
export interface TheirModel { ids: string[]; name?: string; context?: string; deprecated?: boolean; prices: TheirList[] }
export type SecondSource = Record<string, TheirModel[]>

/** Their providers by the first source's name of the vendor. Plans and credits (`github-copilot`, `cursor`) are no prices per token. */
const vendorNames: Readonly<Record<string, string>> = {
  anthropic: 'anthropic', arcee: 'arcee', avian: 'avian', aws: 'amazon-bedrock', azure: 'azure', baseten: 'baseten', cerebras: 'cerebras', cloudflare: 'cloudflare-workers-ai',
  cohere: 'cohere', deepseek: 'deepseek', doubleword: 'doubleword', fireworks: 'fireworks-ai', google: 'google', groq: 'groq', minimax: 'minimax', mistral: 'mistral', modal: 'modal',
  moonshotai: 'moonshotai', novita: 'novita-ai', openai: 'openai', openrouter: 'openrouter', ovhcloud: 'ovhcloud', perplexity: 'perplexity', quicksilverpro: 'quicksilverpro',
  together: 'togetherai', voyageai: 'voyageai', 'x-ai': 'xai', zai: 'zai', zhipuai: 'zhipuai',
}

/** Fields as the first source spells them, with the power of ten to a million units. */
const fields: Readonly<Record<string, readonly [name: string, exponent: number]>> = {
  input_mtok: ['input', 0], output_mtok: ['output', 0], cache_read_mtok: ['cache_read', 0], cache_write_mtok: ['cache_write', 0], cache_write_1h_mtok: ['cache_write_1h', 0],
  output_reasoning_mtok: ['reasoning', 0], input_audio_mtok: ['input_audio', 0], output_audio_mtok: ['output_audio', 0], input_image_mtok: ['input_image', 0],
  output_image_mtok: ['image', 0], web_searches_kcount: ['tool_calls', 3], requests_kcount: ['requests', 3],
}

/** No usage object says how many of these there were; the class that they are billed as is at most slightly cheaper. */
const ignored = new Set(['storage_searches_kcount', 'cache_audio_read_mtok', 'cache_image_read_mtok'])

/** `12` thousand-fold is `12e3`; the digits stay what they are. */
const scaled = (digits: string, exponent: number): string => {
  if (exponent === 0) return digits
  const [mantissa = '', own = '0'] = digits.toLowerCase().split('e')
  return `${mantissa}e${Number(own) + exponent}`
}

/** Null: it has a charge that no class carries, or no price. */
function costOf(list: TheirList): { cost: Cost; tiers: CostTier[] } | null {
  const cost: Cost = {}
  const tiers = new Map<string, CostTier>()
  for (const [field, price] of Object.entries(list.fields)) {
    if (ignored.has(field)) continue
    const known = fields[field]
    if (known === undefined) return null
    const [name, exponent] = known
    cost[name] = scaled(typeof price === 'string' ? price : price.base, exponent)
    for (const { start, price: dearer } of typeof price === 'string' ? [] : price.tiers) {
      const tier = tiers.get(start) ?? { tier: { size: start } }
      tiers.set(start, { ...tier, [name]: scaled(dearer, exponent) })
    }
  }
  return cost['input'] === undefined ? null : { cost, tiers: [...tiers.values()] }
}

const minutes = (time: string): string => String(Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5)))

/** The list without a condition or of the latest date that had come, and later dates and daily hours (UTC) as conditions. */
function pricesOf({ prices }: TheirModel): Pick<SourceModel, 'cost' | 'conditions'> | null {
  let base: TheirList | undefined
  const later: TheirList[] = []
  for (const list of prices) {
    if (list.daily === undefined && (list.from ?? '') <= secondSourceDate) base = list
    else later.push(list)
  }
  const usual = base && costOf(base)
  if (!usual) return null
  const conditions = later.map((list): CostCondition | null => {
    const priced = costOf(list)
    if (priced === null) return null
    const { from, daily } = list
    return {
      ...from !== undefined && { from }, ...priced,
      ...daily !== undefined && { clock: { offsetMinutes: '0', days: ['0', '1', '2', '3', '4', '5', '6'], windows: [[minutes(daily[0]), minutes(daily[1])]] } },
    }
  })
  if (conditions.includes(null)) return null
  return { cost: { ...usual.cost, ...usual.tiers.length > 0 && { tiers: usual.tiers } }, ...conditions.length > 0 && { conditions: conditions as CostCondition[] } }
}

/** What the first source says of the same model at its maker or, failing that, anywhere. */
function siblings(source: SourceVendors): Map<string, SourceModel> {
  const known = new Map<string, SourceModel>()
  for (const [vendor, { models }] of Object.entries(source)) {
    for (const [id, model] of Object.entries(models)) {
      const key = groupKey(plainName(vendor, id))
      if (!known.has(key) || originOf(vendor, id) !== null) known.set(key, model)
    }
  }
  return known
}

function modelOf(id: string, their: TheirModel, prices: Pick<SourceModel, 'cost' | 'conditions'>, sibling: SourceModel | undefined): SourceModel {
  const charged = (field: string): boolean => prices.cost?.[field] !== undefined
  const input = new Set([...sibling?.modalities.input ?? ['text'], ...charged('input_audio') ? ['audio'] : [], ...charged('input_image') ? ['image'] : []])
  const output = new Set([...sibling?.modalities.output ?? ['text'], ...charged('output_audio') ? ['audio'] : [], ...charged('image') ? ['image'] : []])
  return {
    name: their.name ?? id, limit: { context: their.context ?? '0', output: '0' }, modalities: { input: [...input], output: [...output] },
    tool_call: sibling?.tool_call ?? false, structured_output: sibling?.structured_output ?? false, reasoning: sibling?.reasoning ?? false, open_weights: sibling?.open_weights ?? false,
    release_date: sibling?.release_date ?? '', ...sibling?.knowledge !== undefined && { knowledge: sibling.knowledge },
    ...their.deprecated === true && { status: 'deprecated' }, source: secondSourceName, added: true, ...sibling === undefined && { unknown: true }, ...prices,
  }
}

/** Embeddings and the like have no output to price; for anything else a missing price of the output is not a price of 0. */
const hasNoOutput = (id: string): boolean => /embed|rerank|moderation|voyage|(?:^|[/-])(?:bge|gte|e5)-/i.test(id)

/**
 * The first source with what only the second one prices. Input is left as it is. `then`: an earlier state of the first source: what that had
 * and the present one lacks is gone, and not to be filled in by a list that keeps everything.
 */
export function completed(source: SourceVendors, second: SecondSource, then: SourceVendors = {}): SourceVendors {
  const known = siblings(source)
  const result: SourceVendors = { ...source }
  for (const [provider, models] of Object.entries(second)) {
    // Hugging Face routes to a host by the name behind the colon: https://huggingface.co/docs/inference-providers
    const host = provider.startsWith('huggingface_') ? provider.slice('huggingface_'.length) : null
    const vendor = host === null ? vendorNames[provider] : 'huggingface'
    if (vendor === undefined) continue
    const own = { ...result[vendor]?.models }
    // They also list other spellings of an id (`gpt-5-4`), which the vendor does not take.
    const spelled = new Set(Object.keys(own).map(groupKey))
    for (const their of models) {
      const prices = pricesOf(their)
      if (prices === null) continue
      for (const listed of host === null ? their.ids : their.ids.slice(0, 1)) {
        if (prices.cost?.['output'] === undefined && !hasNoOutput(listed)) continue
        // Their list of Google is that of Vertex too; the vendor's own API serves none of Anthropic's models.
        if (provider === 'google' && /claude/i.test(listed)) continue
        const id = host === null ? listed : `${listed}:${host}`
        const before = then[vendor]?.models[id]
        if (before !== undefined && (own[id] === undefined || before.cost !== undefined)) continue
        if (own[id] !== undefined) {
          if (own[id].cost === undefined) own[id] = { ...own[id], ...prices, source: secondSourceName }
        } else if (!spelled.has(groupKey(id))) {
          spelled.add(groupKey(id))
          own[id] = modelOf(id, their, prices, known.get(groupKey(plainName(vendor, id))))
        }
      }
    }
    result[vendor] = { models: own }
  }
  return result
}
