import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileData } from '../../scripts/compile-catalog.ts'
import { vendors } from '../providers/index.ts'
import { condensePrices, expandPrices, versioned } from './artefact.ts'
import type { Catalog, CatalogEntry } from './catalog.ts'
import { compile, parseSource, type SourceVendors } from './compile.ts'
import { loadCatalog } from './load.ts'
import { applyOverrides, applyUnchanged } from './overrides.ts'
import { completed, type SecondSource } from './second-source.ts'
import { readSources } from './sources.ts'

const load = (source: SourceVendors): Catalog => {
  const { vendors: rows } = compile(source, new Map([['togetherai', 'together']]))
  return loadCatalog(JSON.stringify(versioned({ date: '2026-01-01', sources: {}, facts: {}, vendors: rows })))
}
const committed = readFileSync(new URL('catalog.json', import.meta.url), 'utf8')
const catalog = loadCatalog(committed)
const sources = readSources()

test('the committed catalogue is what its data compiles to', () => {
  assert.ok(compileData().text === committed, 'Run: node scripts/compile-catalog.ts')
})

/** Reads the digits of a price another way: as a string that is cut into dollars and nano-dollars. Null where it has more digits. */
function digits(text: string): number | null {
  const [whole = '', fraction = ''] = text.split('.')
  return /e/i.test(text) || fraction.length > 9 ? null : Number(whole + fraction.padEnd(9, '0'))
}

test('input and output prices have exactly the digits of the data set and its corrections', () => {
  let compared = 0
  for (const [source, { models }] of Object.entries(applyOverrides(completed({ ...sources.first, ...sources.simulated }, sources.second), sources.overrides))) {
    const vendor = [...vendors.values()].find(each => each.catalogId === source)?.id ?? source
    for (const [id, { cost }] of Object.entries(models)) {
      const price = catalog.find(vendor, id)?.price
      if (cost === undefined || price === null || price === undefined) continue
      for (const name of ['input', 'output'] as const) {
        const exact = digits(String(cost[name] ?? 0))
        if (exact === null) assert.ok(Math.abs(price.base[name] - Number(cost[name]) * 1e9) <= 0.51, `${vendor}/${id}`)
        else assert.equal(price.base[name], exact, `${vendor}/${id} ${name}`)
        compared++
      }
    }
  }
  assert.ok(compared > 9000)
})

test('prices of the best-known models are those of their price lists', () => {
  const base = (vendor: string, id: string): unknown => {
    const { input, cacheRead, cacheWrite5m, cacheWrite1h, output } = catalog.find(vendor, id)!.price!.base
    return [input, cacheRead, cacheWrite5m, cacheWrite1h, output]
  }
  assert.deepEqual(base('openai', 'gpt-5.1'), [1_250_000_000, 125_000_000, 1_250_000_000, 1_250_000_000, 10_000_000_000])
  assert.deepEqual(base('anthropic', 'claude-sonnet-4-5'), [3_000_000_000, 300_000_000, 3_750_000_000, 6_000_000_000, 15_000_000_000])
  assert.deepEqual(base('groq', 'llama-3.3-70b-versatile'), [590_000_000, 590_000_000, 590_000_000, 590_000_000, 790_000_000])
})

const model = (cost: Record<string, unknown> | undefined, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'M', limit: { context: 1000, output: 100 }, modalities: { input: ['text'], output: ['text'] }, tool_call: false, reasoning: false,
  open_weights: false, release_date: '2026-01-01', ...cost !== undefined && { cost }, ...more,
})

function compiled(models: Record<string, Record<string, Record<string, unknown>>>): (vendor: string, id: string) => CatalogEntry {
  const source = Object.fromEntries(Object.entries(models).map(([vendor, each]) => [vendor, { models: each }]))
  const loaded = load(parseSource(JSON.stringify(source)) as SourceVendors)
  return (vendor, id) => loaded.find(vendor, id)!
}

test('a class that is not priced apart costs what its parent costs', () => {
  const { price } = compiled({ v: { m: model({ input: 1, output: 4, cache_read: 0.25 }) } })('v', 'm')
  assert.deepEqual(price!.base, {
    input: 1e9, cacheRead: 0.25e9, cacheWrite5m: 1e9, cacheWrite1h: 1e9, output: 4e9, reasoning: 4e9,
    audioIn: 1e9, audioOut: 4e9, imageIn: 1e9, imageOut: 4e9, toolCalls: 0, requests: 0, images: 0, audioMs: 0, characters: 0, searches: 0,
  })
})

test('every spelling of a cost field is understood', () => {
  const find = compiled({ v: {
    a: model({ input: 1, output: 2, cached_input: 0.1, cached_write: 1.5, reasoning: 3 }),
    b: model({ input: 1, output: 2, cache_input: 0.2, input_audio: 5, output_audio: 6, image: 7 }),
  } })
  const { cacheRead, cacheWrite5m, reasoning } = find('v', 'a').price!.base
  assert.deepEqual([cacheRead, cacheWrite5m, reasoning], [0.1e9, 1.5e9, 3e9])
  const { cacheRead: read, audioIn, audioOut, imageOut } = find('v', 'b').price!.base
  assert.deepEqual([read, audioIn, audioOut, imageOut], [0.2e9, 5e9, 6e9, 7e9])
})

test('no cost, a cost that no class carries, and an unbelievable zero are an unknown price and never zero', () => {
  const zero = { input: 0, output: 0 }
  const find = compiled({
    'some-plan': { m: model(zero), 'm:free': model(zero), 'm-free': model(zero), 'carefree-1': model(zero), named: model(zero, { name: 'M (free)' }) },
    v: { none: model(undefined), cited: model({ input: 1, output: 1, citation: 1 }), perCall: model({ input: 1, output: 1, request: 5 }),
      'song:free': model(zero, { modalities: { input: ['text'], output: ['text', 'audio'] } }) },
    lmstudio: { local: model(zero) },
  })
  const known = (vendor: string, id: string): boolean => find(vendor, id).price !== null
  assert.deepEqual(['m', 'carefree-1'].map(id => known('some-plan', id)), [false, false])
  assert.deepEqual(['m:free', 'm-free', 'named'].map(id => known('some-plan', id)), [true, true, true])
  assert.deepEqual(['none', 'cited', 'perCall', 'song:free'].map(id => known('v', id)), [false, false, false, false])
  assert.ok(known('lmstudio', 'local'))
})

test('a zero for cached tokens is not believed where input costs something', () => {
  const { cacheRead, cacheWrite5m } = compiled({ v: { m: model({ input: 1, output: 1, cache_read: 0, cache_write: 0 }) } })('v', 'm').price!.base
  assert.deepEqual([cacheRead, cacheWrite5m], [1e9, 1e9])
})

test('Claude writes for an hour at twice the input; Gemini adds storage to the input', () => {
  const find = compiled({ v: { 'claude-x': model({ input: 3, output: 15, cache_write: 3.75 }), 'gemini-x': model({ input: 0.3, output: 2.5, cache_write: 0.083333 }) } })
  assert.equal(find('v', 'claude-x').price!.base.cacheWrite1h, 6e9)
  assert.equal(find('v', 'gemini-x').price!.base.cacheWrite5m, 383_333_000)
})

test('tiers are sorted, inherit upwards and begin at the bound for xAI', () => {
  const cost = { input: 1, output: 2, cache_read: 0.5, tiers: [{ input: 4, output: 8, tier: { size: 256000 } }, { input: 2, output: 4, cache_read: 1, tier: { size: 128000, type: 'context' } }] }
  const find = compiled({ v: { m: model(cost) }, xai: { m: model(cost) } })
  assert.deepEqual(find('v', 'm').price!.tiers.map(tier => [tier.aboveInputTokens, tier.prices.input, tier.prices.cacheRead]), [[128000, 2e9, 1e9], [256000, 4e9, 4e9]])
  assert.deepEqual(find('xai', 'm').price!.tiers.map(tier => tier.aboveInputTokens), [127999, 255999])
})

test('a reseller that leaves out tiers or media is billed by the maker\'s list', () => {
  const media = { modalities: { input: ['text', 'audio'], output: ['text', 'image'] } }
  const cost = { input: 1, output: 2, input_audio: 9, image: 30, tiers: [{ input: 2, output: 4, tier: { size: 200000 } }] }
  const find = compiled({ google: { g: model(cost, media) }, reseller: { 'google/g': model({ input: 1, output: 2 }, media), unmade: model({ input: 1, output: 2 }, media) }, dearer: { g: model({ input: 1.5, output: 3 }, media) } })
  const { base, tiers } = find('reseller', 'google/g').price!
  assert.deepEqual([base.audioIn, base.imageOut, tiers.map(tier => [tier.aboveInputTokens, tier.prices.input, tier.prices.audioIn])], [9e9, 30e9, [[200000, 2e9, 9e9]]])
  assert.deepEqual(find('dearer', 'g').price!.tiers, [])
  assert.equal(find('reseller', 'unmade').price, null)
})

test('what the compiler does not know ends the compilation and names the entry', () => {
  assert.throws(() => compiled({ v: { m: model({ input: 1, output: 1, video_second: 3 }) } }), /v\/m: unknown cost field video_second/)
  assert.throws(() => compiled({ v: { m: model({ input: 1, output: 1, tiers: [{ input: 2, output: 2, tier: { size: 1, type: 'hour' } }] }) } }), /v\/m: unknown kind of tier hour/)
  assert.throws(() => compiled({ v: { m: model({ input: -1, output: 1 }) } }), /Not a price/)
})

test('vendors carry the id of their declaration', () => {
  assert.equal(compiled({ togetherai: { m: model({ input: 1, output: 1 }) } })('together', 'm').vendor, 'together')
  const listed = new Set(catalog.entries.map(entry => entry.vendor))
  // Neither source lists these; their models are priced by the operator.
  const unlisted = [...vendors.values()].filter(vendor => vendor.selfHosted !== true && !listed.has(vendor.pricedAs ?? vendor.id)).map(({ id }) => id)
  assert.deepEqual(unlisted, ['hyperbolic', 'ionos', 'jina', 'sambanova'])
})

test('condensed prices expand to the same prices', () => {
  const prices = { input: 5, output: 7, cacheRead: 5, cacheWrite5m: 9, cacheWrite1h: 9, reasoning: 8, audioOut: 7 }
  assert.deepEqual(condensePrices(prices), { input: 5, output: 7, cacheWrite5m: 9, reasoning: 8 })
  assert.deepEqual(expandPrices(condensePrices(prices)), expandPrices(prices))
})

const correction = { vendor: 'v', models: ['m'], date: '2026-01-01', source: 'https://example.com/prices', reason: 'It changed.' }

test('a correction replaces only what it names, and its dates, hours and tiers of service are compiled', () => {
  const source = { v: { models: { m: model({ input: 1, output: 4, cache_read: 0.25 }), other: model({ input: 1, output: 4 }) } } }
  const clock = { offsetMinutes: '480', days: ['1'], windows: [['540', '720'] as [string, string]] }
  const overrides = [{ ...correction, cost: { output: '5' }, conditions: [{ from: '2026-08-17', clock, cost: { input: '2', output: '10' } }, { serviceTier: 'priority', cost: { input: '3' } }] }]
  const corrected = applyOverrides(parseSource(JSON.stringify(source)) as SourceVendors, overrides)
  const find = (id: string): CatalogEntry => load(corrected).find('v', id)!
  assert.equal(find('other').price!.base.output, 4e9)
  const { base, conditions: [peak, priority] = [] } = find('m').price!
  assert.deepEqual([base.input, base.output, base.cacheRead], [1e9, 5e9, 0.25e9])
  assert.deepEqual([peak!.fromMs, peak!.clock, peak!.base.output, peak!.base.cacheRead], [Date.parse('2026-08-17'), { offsetMinutes: 480, days: [1], windows: [[540, 720]] }, 10e9, 2e9])
  assert.deepEqual([priority!.serviceTier, priority!.base.input, priority!.base.output, priority!.base.cacheRead], ['priority', 3e9, 5e9, 3e9])
})

test('a correction without a source, of nothing, or of what is already so ends the compilation', () => {
  const source = parseSource(JSON.stringify({ v: { models: { m: model({ input: 1, output: 4 }) } } })) as SourceVendors
  assert.throws(() => applyOverrides(source, [{ ...correction, source: 'somebody said so' }]), /no source, date or reason/)
  assert.throws(() => applyOverrides(source, [{ ...correction, models: ['gone'] }]), /v\/gone names a model/)
  assert.throws(() => applyOverrides(source, [{ ...correction, models: [] }]), /names no model/)
  assert.throws(() => applyOverrides(source, [{ ...correction, cost: { output: '4' } }]), /says what the data set says: output 4/)
})

test('a mode that costs more is a tier of service, and costs at least the context tier', () => {
  const cost = { input: 1, output: 4, tiers: [{ input: 2, output: 9, tier: { size: 200000 } }] }
  const modes = (body: Record<string, string>): Record<string, unknown> => ({ experimental: { modes: { fast: { cost: { input: 3, output: 6 }, provider: { body } } } } })
  const [mode] = compiled({ v: { m: model(cost, modes({ speed: 'fast' })) } })('v', 'm').price!.conditions!
  assert.deepEqual([mode!.serviceTier, mode!.base.input, mode!.base.output, mode!.tiers[0]!.prices.input, mode!.tiers[0]!.prices.output], ['fast', 3e9, 6e9, 3e9, 9e9])
  assert.throws(() => compiled({ v: { m: model(cost, modes({ mood: 'good' })) } }), /v\/m: unknown kind of mode/)
})

test('a correction holds while the data set says what it corrects, and a share of a price follows the price', () => {
  const source = (cost: unknown): SourceVendors => parseSource(JSON.stringify({ v: { models: { m: model(cost as Record<string, unknown>) } } })) as SourceVendors
  const then = source({ input: 1, output: 4, tiers: [{ tier: { size: 5 }, input: 2, output: 8 }] })
  const overrides = [{ ...correction, cost: { output: '5', tool_calls: '7' }, conditions: [{ from: '2027-01-01', cost: { input: '2', output: '9' } }, { serviceTier: 'flex', factor: '0.5' }] }]
  const priced = (cost: unknown): CatalogEntry['price'] => load(applyUnchanged(source(cost), then, overrides)).find('v', 'm')!.price
  const same = priced({ input: 1.0, output: 4, tiers: [{ input: 2, output: 8, tier: { size: 5 } }] })!
  assert.deepEqual([same.base.output, same.base.toolCalls, same.conditions!.map(each => each.base.input)], [5e9, 7e9, [2e9, 0.5e9]])
  const moved = priced({ input: 1.2, output: 4 })!
  assert.deepEqual([moved.base.output, moved.conditions!.map(({ serviceTier, base }) => [serviceTier, base.input, base.output])], [5e9, [['flex', 0.6e9, 2.5e9]]])
  assert.equal(priced({ input: 1, output: 3 })!.base.output, 3e9)
})

test('the second source adds what the first lacks, fills a missing price, and replaces none', () => {
  const first = parseSource(JSON.stringify({ openai: { models: { known: model({ input: 1, output: 2 }), unpriced: model(undefined), 'gpt-5.1': model({ input: 3, output: 4 }) } } })) as SourceVendors
  const their = (id: string, fields: Record<string, unknown>, more: object = {}): object => ({ ids: [id], prices: [{ fields }], ...more })
  const second = parseSource(JSON.stringify({
    openai: [
      their('known', { input_mtok: 9, output_mtok: 9 }), their('unpriced', { input_mtok: 5, output_mtok: 6, web_searches_kcount: 10 }), their('gpt-5-1', { input_mtok: 9, output_mtok: 9 }),
      their('new', { input_mtok: { base: 1, tiers: [{ start: 1000, price: 2 }] }, output_mtok: 3, cache_write_1h_mtok: 4 }, { context: 500, deprecated: true }),
      their('by-the-hour', { input_mtok: 1, output_mtok: 1, audio_hours: 1 }), their('half', { input_mtok: 1 }), their('text-embedding-9', { input_mtok: 1 }),
      { ids: ['dated'], prices: [{ fields: { input_mtok: 1, output_mtok: 1 } }, { from: '2026-01-01', fields: { input_mtok: 2, output_mtok: 2 } }, { from: '2027-01-01', fields: { input_mtok: 3, output_mtok: 3 } }] },
    ],
    cursor: [their('plan', { input_mtok: 1, output_mtok: 1 })], google: [their('claude-x', { input_mtok: 1, output_mtok: 1 })],
    huggingface_groq: [their('openai/known', { input_mtok: 7, output_mtok: 7 })],
  })) as SecondSource
  const loaded = load(completed(first, second))
  const input = (id: string, vendor = 'openai'): number | undefined => loaded.find(vendor, id)?.price?.base.input
  assert.deepEqual(['known', 'unpriced', 'gpt-5.1', 'new', 'text-embedding-9', 'dated'].map(id => input(id)), [1e9, 5e9, 3e9, 1e9, 1e9, 2e9])
  assert.deepEqual(['gpt-5-1', 'by-the-hour', 'half'].map(id => loaded.find('openai', id)), [undefined, undefined, undefined])
  assert.deepEqual([loaded.entries.some(({ vendor }) => vendor === 'cursor' || vendor === 'google'), input('openai/known:groq', 'huggingface')], [false, 7e9])
  const added = loaded.find('openai', 'new')!
  assert.deepEqual([added.source, added.capabilitiesKnown, added.contextTokens, added.deprecated, added.price!.tiers[0]!.prices.input, added.price!.base.cacheWrite1h], ['genai-prices', false, 500, true, 2e9, 4e9])
  assert.deepEqual([loaded.find('openai', 'unpriced')!.price!.base.toolCalls, loaded.find('openai', 'dated')!.price!.conditions!.map(each => each.base.input)], [10_000e9, [3e9]])
  assert.deepEqual(Object.keys(completed({ openai: { models: {} } }, second, first)['openai']!.models).includes('known'), false, 'what the first source no longer has is not filled in')
})
