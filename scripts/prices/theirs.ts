/**
 * genai-prices: which of its providers and models are ours, and its calculation again in exact decimals. Its data are decimal numbers;
 * `String(0.0375)` gives back the digits that the file was written with, and from these digits the cost is computed in integers of
 * any size, so that a nano-dollar is compared with a nano-dollar. Imports nothing of ours but names.
 */
import { calcPrice, findProvider, type ModelInfo, type ModelPrice, type Provider } from '@pydantic/genai-prices'
import type { Usage, UsageClass } from '../../src/catalog/price.ts'

/** Their price fields for each of our classes; the first that a model has is its price. */
export const fieldsOf: Record<UsageClass, readonly string[]> = {
  input: ['input_mtok'],
  cacheRead: ['cache_read_mtok', 'input_mtok'],
  cacheWrite5m: ['cache_write_5m_mtok', 'cache_write_mtok', 'input_mtok'],
  cacheWrite1h: ['cache_write_1h_mtok', 'cache_write_mtok', 'input_mtok'],
  output: ['output_mtok'],
  reasoning: ['output_reasoning_mtok', 'output_mtok'],
  audioIn: ['input_audio_mtok', 'input_mtok'],
  audioOut: ['output_audio_mtok', 'output_mtok'],
  imageIn: ['input_image_mtok', 'input_mtok'],
  imageOut: ['output_image_mtok', 'output_mtok'],
  toolCalls: ['web_searches_kcount'],
  requests: ['requests_kcount'],
  images: [], audioMs: [], characters: [], searches: [],
}

/** Fields without a class of ours: no usage that we record says how many of them there were. */
export const withoutClass = (list: ModelPrice): string[] => {
  const known = new Set(Object.values(fieldsOf).flat())
  return Object.keys(list).filter(field => list[field] !== undefined && !known.has(field))
}

/** By the base URL where it is known, else by the id. */
export const providerOf = (vendor: string, baseUrl: string | undefined): Provider | undefined =>
  (baseUrl === undefined ? undefined : findProvider({ providerApiUrl: baseUrl })) ?? findProvider({ providerId: vendor })

/** `own`: the provider lists the model itself; else it falls back on another provider's list. */
export interface TheirPrice { model: ModelInfo; list: ModelPrice; provider: Provider; own: boolean }

export function priceAt(provider: Provider, model: string, atMs: number): TheirPrice | null {
  const found = calcPrice({}, model, { providerId: provider.id, timestamp: new Date(atMs) })
  return found === null ? null : { model: found.model, list: found.model_price, provider: found.provider, own: found.provider.models.includes(found.model) }
}

const scale = 30

/** A decimal number in units of 1e-30. */
function units(value: number): bigint {
  const [, whole = '', fraction = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  const shift = scale + Number(exponent) - fraction.length
  if (whole === '' || shift < 0) throw new Error(`Not a decimal price: ${value}`)
  return BigInt(whole + fraction) * 10n ** BigInt(shift)
}

export interface ExactPrice { perMillion: bigint; tiers: { start: number; perMillion: bigint }[] }

/** The price of a class in 1e-30 dollars per million units; `own`: it is listed for this class and isn't its parent's. */
export function exactPrice(list: ModelPrice, name: UsageClass): ExactPrice & { own: boolean } {
  const fields = fieldsOf[name]
  const field = fields.find(each => list[each] !== undefined)
  const value = field === undefined ? 0 : list[field]!
  const factor = field?.endsWith('_kcount') === true ? 1000n : 1n
  const { base, tiers } = typeof value === 'number' ? { base: value, tiers: [] } : value
  const own = field !== undefined && (field === fields[0] || (name === 'cacheWrite5m' && field === 'cache_write_mtok'))
  return { own, perMillion: units(base) * factor, tiers: tiers.map(({ start, price }) => ({ start, perMillion: units(price) * factor })).sort((a, b) => a.start - b.start) }
}

const perNano = 10n ** BigInt(scale - 9)

/** Whole nano-dollars per million, null where the price has a fraction of one. */
export const wholeNano = (perMillion: bigint): number | null => (perMillion % perNano === 0n ? Number(perMillion / perNano) : null)
export const nearestNano = (perMillion: bigint): number => Number((perMillion + perNano / 2n) / perNano)

const allInput = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h + usage.audioIn + usage.imageIn

/** Their cost in 1e-36 dollars: a unit costs what its most specific field says, and tiers look at all input tokens. */
export function exactCost(list: ModelPrice, usage: Usage): bigint {
  let sum = 0n
  for (const name of Object.keys(fieldsOf) as UsageClass[]) {
    if (usage[name] === 0) continue
    const { perMillion, tiers } = exactPrice(list, name)
    const tier = tiers.filter(each => allInput(usage) > each.start).at(-1)
    sum += BigInt(usage[name]) * (tier?.perMillion ?? perMillion)
  }
  return sum
}

const perNanoCost = 10n ** BigInt(scale + 6 - 9)

/** Rounded up once per attempt, as we do. */
export const nanoCost = (cost: bigint): number => Number((cost + perNanoCost - 1n) / perNanoCost)

/** How far their public function, which computes in floats, is from their own data; in nano-dollars, and as a part of the cost. */
export function floatDeviation(provider: Provider, model: string, atMs: number, usage: Usage, exact: bigint): { nano: number; part: number } {
  const { total_price: price } = calcPrice(theirUsage(usage), model, { providerId: provider.id, timestamp: new Date(atMs) })!
  const cost = Number(exact) / 10 ** (scale + 6 - 9)
  const nano = Math.abs(price * 1e9 - cost)
  return { nano, part: cost === 0 ? 0 : nano / cost }
}

/** Their classes contain each other, ours are disjoint. */
const theirUsage = (usage: Usage): Record<string, number> => ({
  input_tokens: allInput(usage), cache_read_tokens: usage.cacheRead,
  cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h, cache_write_5m_tokens: usage.cacheWrite5m, cache_write_1h_tokens: usage.cacheWrite1h,
  input_audio_tokens: usage.audioIn, input_image_tokens: usage.imageIn, cache_audio_read_tokens: 0, cache_image_read_tokens: 0,
  output_tokens: usage.output + usage.reasoning + usage.audioOut + usage.imageOut,
  output_reasoning_tokens: usage.reasoning, output_audio_tokens: usage.audioOut, output_image_tokens: usage.imageOut, web_searches: usage.toolCalls,
})
