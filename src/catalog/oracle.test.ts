/**
 * Compares the catalogue with @pydantic/genai-prices, which collects prices independently. Disagreements are kept in
 * fixtures/price-disagreements.json as reviewed; after a change of the data or the package, look at the new ones and rewrite
 * the file with `node src/catalog/oracle.test.ts --write`.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { calcPrice, findProvider, type ModelPrice } from '@pydantic/genai-prices'
import fc from 'fast-check'
import type { CatalogEntry } from './catalog.ts'
import { loadCatalog } from './load.ts'
import { costNano, noUsage, type PriceVector, type UsageClass } from './price.ts'

const file = new URL('fixtures/price-disagreements.json', import.meta.url)
const catalog = loadCatalog()

/** Our vendor ids and theirs. */
const providers = { openai: 'openai', groq: 'groq', deepseek: 'deepseek', mistral: 'mistral', together: 'together', openrouter: 'openrouter', xai: 'x-ai', anthropic: 'anthropic', google: 'google' }
const fields: Record<string, UsageClass> = { input_mtok: 'input', output_mtok: 'output', cache_read_mtok: 'cacheRead', cache_write_mtok: 'cacheWrite5m', input_audio_mtok: 'audioIn', output_audio_mtok: 'audioOut' }

/** Prices of the day of our data set, since theirs carry dates. */
const timestamp = new Date('2026-07-02T12:00:00Z')

function* overlap(): Generator<{ entry: CatalogEntry & { price: PriceVector }; theirs: ModelPrice; providerId: string }> {
  for (const [vendor, providerId] of Object.entries(providers)) {
    const listed = new Set(findProvider({ providerId })!.models.map(model => model.id))
    for (const entry of catalog.entries) {
      const { price, upstreamModel } = entry
      if (entry.vendor !== vendor || price === null || !listed.has(upstreamModel)) continue
      const result = calcPrice({ input_tokens: 1 }, upstreamModel, { providerId, timestamp })
      if (result !== null) yield { entry: { ...entry, price }, theirs: result.model_price, providerId }
    }
  }
}

/** `[ours, theirs]` in US dollars per million; with tiers, `price@tokens above which it holds`. */
function differences(price: PriceVector, theirs: ModelPrice): Record<string, [string, string]> {
  const found: Record<string, [string, string]> = {}
  for (const [field, name] of Object.entries(fields)) {
    const value = theirs[field]
    if (value === undefined) continue
    const { base, tiers } = typeof value === 'number' ? { base: value, tiers: [] } : value
    const ourText = [price.base[name] / 1e9, ...price.tiers.map(tier => `${tier.prices[name] / 1e9}@${tier.aboveInputTokens}`)].join(' ')
    const theirText = [Math.round(base * 1e9) / 1e9, ...tiers.map(tier => `${Math.round(tier.price * 1e9) / 1e9}@${tier.start}`)].join(' ')
    if (ourText !== theirText) found[name] = [ourText, theirText]
  }
  return found
}

const disagreements: Record<string, Record<string, [string, string]>> = {}
const agreed: { entry: CatalogEntry & { price: PriceVector }; theirs: ModelPrice; providerId: string }[] = []
for (const { entry, theirs, providerId } of overlap()) {
  const found = differences(entry.price, theirs)
  if (Object.keys(found).length === 0) agreed.push({ entry, theirs, providerId })
  else disagreements[`${entry.vendor}/${entry.upstreamModel}`] = found
}

if (process.argv.includes('--write')) {
  const lines = Object.entries(disagreements).map(([name, found]) => `${JSON.stringify(name)}: ${JSON.stringify(found)}`)
  writeFileSync(file, `{"ours": "models.dev, 2026-07-02", "theirs": "@pydantic/genai-prices 0.1.8, September 2026", "disagreements": {\n${lines.join(',\n')}\n}}\n`)
}

test('the catalogue disagrees with an independent price list only where it was reviewed', () => {
  assert.ok(agreed.length > 250)
  assert.deepEqual(disagreements, JSON.parse(readFileSync(file, 'utf8')).disagreements)
})

test('where the lists agree, so do the costs of any mix of input, cached input and output', () => {
  const tokens = fc.nat(300_000)
  fc.assert(fc.property(fc.constantFrom(...agreed), tokens, tokens, tokens, ({ entry, theirs: list, providerId }, input, cached, output) => {
    // A cache price that only we have cannot be compared.
    const cacheRead = list['cache_read_mtok'] === undefined ? 0 : cached
    const ours = costNano(entry.price, { ...noUsage(), input, cacheRead, output })
    const theirs = calcPrice({ input_tokens: input + cacheRead, cache_read_tokens: cacheRead, output_tokens: output }, entry.upstreamModel, { providerId, timestamp })!
    // Theirs are floats that are not rounded up, so one nano-dollar of difference is theirs.
    assert.ok(Math.abs(ours - theirs.total_price * 1e9) <= 1 + ours * 1e-9, `${entry.upstreamModel}: ${ours} and ${theirs.total_price * 1e9}`)
  }), { numRuns: 500 })
})
