import assert from 'node:assert/strict'
import { test } from 'node:test'
import { artefactFormat } from './artefact.ts'
import { loadCatalog } from './load.ts'
import { groupKey } from './naming.ts'
import { editDistance } from './nearest.ts'
import { usageClasses } from './price.ts'

const catalog = loadCatalog()
const vendorsOf = (name: string): string[] => catalog.logical(name).map(entry => entry.vendor)

test('every entry is found by vendor and id, and under its own logical name', () => {
  for (const entry of catalog.entries) {
    assert.equal(catalog.find(entry.vendor, entry.upstreamModel), entry)
    assert.ok(catalog.logical(entry.logicalModel).includes(entry), `${entry.vendor}/${entry.upstreamModel}`)
  }
})

test('a group has one name, whatever its vendors call the model', () => {
  const names = new Map<string, string>()
  for (const { logicalModel } of catalog.entries) {
    const known = names.get(groupKey(logicalModel))
    assert.ok(known === undefined || known === logicalModel, `${known} and ${logicalModel}`)
    names.set(groupKey(logicalModel), logicalModel)
  }
})

test('an id of the vendor that made the model is a logical name, served by that vendor first', () => {
  for (const entry of catalog.entries.filter(each => each.origin && !each.upstreamModel.includes('/') && each.upstreamModel !== 'auto')) {
    assert.equal(catalog.logical(entry.upstreamModel)[0]?.origin, true, `${entry.vendor}/${entry.upstreamModel}`)
    assert.ok(catalog.logical(entry.upstreamModel).includes(entry), `${entry.vendor}/${entry.upstreamModel}`)
  }
  for (const name of ['gpt-5.1', 'gpt-4o-2024-08-06']) assert.equal(vendorsOf(name)[0], 'openai')
  assert.equal(vendorsOf('claude-sonnet-4-5')[0], 'anthropic')
  assert.equal(vendorsOf('deepseek-v4-pro')[0], 'deepseek')
})

test('one logical name reaches several vendors', () => {
  for (const [name, ...expected] of [
    ['gpt-5.1', 'openai', 'openrouter', 'azure'], ['llama-3.3-70b-instruct', 'groq', 'openrouter'], ['gpt-oss-120b', 'groq', 'together', 'openrouter'],
    ['claude-sonnet-4-5', 'anthropic', 'openrouter', 'bedrock'], ['deepseek-v4-pro', 'deepseek', 'together', 'openrouter'],
  ] as const) for (const vendor of expected) assert.ok(vendorsOf(name).includes(vendor), `${name} at ${vendor}`)
})

test('names are found in any case and with either separator', () => {
  assert.deepEqual(vendorsOf('Claude-Sonnet-4.5'), vendorsOf('claude-sonnet-4-5'))
  assert.deepEqual(vendorsOf('GPT-5-1'), vendorsOf('gpt-5.1'))
  assert.deepEqual(catalog.logical('no-such-model'), [])
  for (const name of ['', '__proto__', 'constructor', '/', ':']) assert.deepEqual(catalog.logical(name), [], name)
})

test('after the origin come current before deprecated, priced before unpriced, cheaper before dearer', () => {
  for (const name of new Set(catalog.entries.map(entry => entry.logicalModel))) {
    const ranks = catalog.logical(name).map(({ origin, deprecated, price, source }) =>
      [origin ? 0 : 1, deprecated ? 1 : 0, price === null ? 1 : 0, source === 'genai-prices' ? 1 : 0, price === null ? 0 : 3 * price.base.input + price.base.output])
    ranks.slice(1).forEach((rank, index) => {
      const first = rank.findIndex((value, place) => value !== ranks[index]![place])
      assert.ok(first === -1 || rank[first]! > ranks[index]![first]!, name)
    })
  }
})

test('an undated name reaches the only snapshot elsewhere, but never one of several', () => {
  assert.ok(vendorsOf('claude-sonnet-4-5').includes('vertex'))
  assert.ok(catalog.logical('claude-sonnet-4-5').filter(entry => entry.vendor === 'anthropic').length === 1)
  assert.ok(catalog.logical('gpt-4o').every(entry => !/\d{4}-\d{2}-\d{2}/.test(entry.upstreamModel)))
  assert.ok(catalog.logical('gpt-4o-2024-08-06').every(entry => entry.upstreamModel.endsWith('2024-08-06')))
})

test('every price is complete, in safe integers and sorted by tier', () => {
  for (const { price, vendor, upstreamModel } of catalog.entries) {
    if (price === null) continue
    assert.equal(price.version, catalog.version)
    for (const prices of [price.base, ...price.tiers.map(tier => tier.prices)]) {
      assert.deepEqual(Object.keys(prices), [...usageClasses])
      for (const name of usageClasses) assert.ok(Number.isSafeInteger(prices[name]) && prices[name] >= 0, `${vendor}/${upstreamModel} ${name}`)
    }
    price.tiers.slice(1).forEach((tier, index) => { assert.ok(tier.aboveInputTokens > price.tiers[index]!.aboveInputTokens) })
  }
})

test('a misspelt name suggests the one that was meant', () => {
  for (const [asked, meant] of [['gpt5.1', 'gpt-5.1'], ['gtp-4o', 'gpt-4o'], ['gpt-4o-mni', 'gpt-4o-mini'], ['claude-sonet-4.5', 'claude-sonnet-4-5'],
    ['openai/gpt-4o-mimi', 'gpt-4o-mini'], ['mistrallarge', 'mistral-large'], ['deepseek', 'deepseek-r1']] as const) {
    assert.ok(catalog.nearest(asked, 3).includes(meant), `${asked}: ${catalog.nearest(asked, 3)}`)
  }
  assert.deepEqual(catalog.nearest('zzzzzzzzzz', 3), [])
  assert.deepEqual(catalog.nearest('', 3), [])
  assert.equal(catalog.nearest('gpt', 5).length, 5)
  assert.deepEqual(catalog.nearest('gpt5.1', 5, name => name === 'gpt-5'), ['gpt-5'])
  assert.deepEqual(catalog.nearest('x'.repeat(1_000_000), 3), [])
})

test('the edit distance counts swaps once and stops at its bound', () => {
  assert.equal(editDistance('kitten', 'sitting', 5), 3)
  assert.equal(editDistance('gtp', 'gpt', 5), 1)
  assert.equal(editDistance('abc', 'abc', 0), 0)
  assert.equal(editDistance('abcdef', 'uvwxyz', 2), 3)
})

test('a damaged catalogue is refused with the row or what to do', () => {
  const file = (vendors: unknown, format = artefactFormat): string => JSON.stringify({ format, version: 'test', date: '2026-01-01', sources: {}, facts: {}, vendors })
  assert.throws(() => loadCatalog('[]'), /Compile it again/)
  assert.throws(() => loadCatalog(file({}, 99 as typeof artefactFormat)), /Compile it again/)
  assert.throws(() => loadCatalog(file({ openai: {} })), /openai has no list/)
  for (const bad of [{ id: 'x' }, { id: 'x', model: 'x', price: { input: -1 } }, { id: 'x', model: 'x', price: { input: 0.5 } },
    { id: 'x', model: 'x', price: { cost: 1 } }, { id: 'x', model: 'x', tiers: [{ above: '1', price: {} }] }, null]) {
    assert.throws(() => loadCatalog(file({ openai: [bad] })), /row of vendor openai is damaged/, JSON.stringify(bad))
  }
})
