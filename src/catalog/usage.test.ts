import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { vendors } from '../providers/index.ts'
import type { UsageRules } from '../providers/provider.ts'
import { loadCatalog } from './load.ts'
import { costNano, noUsage, usageClasses, type Usage } from './price.ts'
import { normaliseUsage } from './usage.ts'

const openaiRules: UsageRules = { promptIncludesCached: true, completionIncludesReasoning: true }
const rulesOf = (vendor: string): UsageRules => vendors.get(vendor)?.usage ?? openaiRules

interface Shape { vendor: string; record: string; usage: Record<string, unknown>; expected: Partial<Usage>; anomalous?: true }
const shapes = JSON.parse(readFileSync(new URL('fixtures/usage-shapes.json', import.meta.url), 'utf8')) as Shape[]

test('every recorded shape of a usage object becomes the classes that were worked out by hand', () => {
  assert.ok(shapes.length >= 60)
  for (const { vendor, record, usage, expected, anomalous = false } of shapes) {
    assert.deepEqual(normaliseUsage(usage, rulesOf(vendor)), { usage: { ...noUsage(), ...expected }, anomalous }, `${vendor} ${record}`)
  }
})

test('classes are disjoint: they add up to the total that the vendor reports', () => {
  for (const { vendor, record, usage } of shapes) {
    const { requests: _, ...tokens } = normaliseUsage(usage, rulesOf(vendor))!.usage
    assert.equal(Object.values(tokens).reduce((sum, each) => sum + each), usage['total_tokens'], `${vendor} ${record}`)
  }
})

test('xAI reasoning and OpenRouter audio cost what the vendor itself charged for the recorded request', () => {
  const priced = (input: number, cacheRead: number, output: number): { version: string; base: Usage; tiers: [] } =>
    ({ version: 'test', base: { ...noUsage(), input, cacheRead, output, reasoning: output }, tiers: [] })
  const xai = shapes.find(shape => shape.record === 'f84b89a4d3031ff4')!
  // grok-3-mini: $0.30, $0.075 and $0.50; a tick is 1e-10 dollars.
  assert.equal(costNano(priced(3e8, 75e6, 5e8), normaliseUsage(xai.usage, rulesOf('xai'))!.usage), Number(xai.usage['cost_in_usd_ticks']) / 10)
  const audio = shapes.find(shape => shape.record === '3e6e9e2d361ca502')!
  const price = loadCatalog().find('openrouter', 'google/gemini-2.5-flash')!.price!
  assert.equal(costNano(price, normaliseUsage(audio.usage, rulesOf('openrouter'))!.usage), Math.round(Number(audio.usage['cost']) * 1e9))
})

test('a vendor that counts cached tokens beside the prompt is not billed less for them', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 100 } }
  assert.deepEqual(normaliseUsage(usage, { ...openaiRules, promptIncludesCached: false }),
    { usage: { ...noUsage(), input: 10, cacheRead: 100, output: 1, requests: 1 }, anomalous: false })
})

test('cached tokens are found under every name that vendors give them', () => {
  for (const cached of [{ prompt_tokens_details: { cached_tokens: 4 } }, { prompt_cache_hit_tokens: 4 }, { cached_tokens: 4 }, { cache_read_input_tokens: 4 }]) {
    assert.deepEqual(normaliseUsage({ prompt_tokens: 10, ...cached }, openaiRules), { usage: { ...noUsage(), input: 6, cacheRead: 4, requests: 1 }, anomalous: false })
  }
})

test('cache writes are split by their lifetime', () => {
  const usage = { prompt_tokens: 100, completion_tokens: 0, cache_creation_input_tokens: 90, cache_creation: { ephemeral_1h_input_tokens: 30 } }
  assert.deepEqual(normaliseUsage(usage, openaiRules),
    { usage: { ...noUsage(), input: 10, cacheWrite5m: 60, cacheWrite1h: 30, requests: 1 }, anomalous: false })
})

test('cached audio is counted once, as cached', () => {
  const usage = { prompt_tokens: 100, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 80, audio_tokens: 60 } }
  assert.deepEqual(normaliseUsage(usage, openaiRules), { usage: { ...noUsage(), cacheRead: 80, audioIn: 20, requests: 1 }, anomalous: false })
})

test('an impossible value is bounded and flagged', () => {
  const cases: [Record<string, unknown>, Partial<Usage>][] = [
    [{ prompt_tokens: -5, completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: 1.5, completion_tokens: 3 }, { input: 2, output: 3 }],
    [{ prompt_tokens: Number.NaN, completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: 5, completion_tokens: Infinity }, { input: 5, output: 1e9 }],
    [{ prompt_tokens: 1e300, completion_tokens: 0 }, { input: 1e9 }],
    [{ prompt_tokens: '7', completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: 5, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 9 } }, { cacheRead: 5, output: 3 }],
    [{ prompt_tokens: 5, completion_tokens: 3, completion_tokens_details: { reasoning_tokens: 9 } }, { input: 5, reasoning: 3 }],
    [{ prompt_tokens: 5, completion_tokens: 3, completion_tokens_details: { reasoning_tokens: -1 } }, { input: 5, output: 3 }],
  ]
  for (const [raw, expected] of cases) {
    assert.deepEqual(normaliseUsage(raw, openaiRules), { usage: { ...noUsage(), requests: 1, ...expected }, anomalous: true }, JSON.stringify(raw))
  }
})

test('no count at all is missing usage, not zero usage', () => {
  for (const raw of [undefined, null, 7, 'usage', [], {}, { prompt_tokens: null }, { cost: 1 }]) assert.equal(normaliseUsage(raw, openaiRules), null)
  assert.notEqual(normaliseUsage({ prompt_tokens: 0 }, openaiRules), null)
})

test('whatever a vendor sends, every class is a whole number that is not negative, and nothing throws', () => {
  const value = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(null), fc.object())
  const details = fc.dictionary(fc.constantFrom('cached_tokens', 'audio_tokens', 'image_tokens', 'reasoning_tokens', 'cache_write_tokens'), value)
  const raw = fc.record({
    prompt_tokens: value, completion_tokens: value, total_tokens: value, prompt_tokens_details: fc.oneof(details, value),
    completion_tokens_details: fc.oneof(details, value), cached_tokens: value, cache_creation: value,
  }, { requiredKeys: [] })
  fc.assert(fc.property(raw, fc.boolean(), fc.boolean(), fc.boolean(), (usage, promptIncludesCached, completionIncludesReasoning, promptIncludesAudio) => {
    const found = normaliseUsage(usage, { promptIncludesCached, completionIncludesReasoning, promptIncludesAudio })
    if (found === null) return
    for (const name of usageClasses) assert.ok(Number.isInteger(found.usage[name]) && found.usage[name] >= 0 && found.usage[name] <= 1e9, name)
  }))
})
