import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesModel } from '../governance/model-patterns.ts'
import { vendors } from '../providers/index.ts'
import { asServed, type UsageRules } from '../providers/provider.ts'
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
  for (const cached of [{ prompt_tokens_details: { cached_tokens: 4 } }, { prompt_cache_hit_tokens: 4 }, { cached_tokens: 4 }, { cache_read_input_tokens: 4 }, { cached_input_tokens: 4 }, { cached_tokens: 4, prompt_tokens_details: { cached_tokens: 4 } }]) {
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
  const cases: [Record<string, unknown>, Partial<Usage> | null][] = [
    [{ prompt_tokens: -5, completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: 1.5, completion_tokens: 3 }, { input: 2, output: 3 }],
    [{ prompt_tokens: Number.NaN, completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: 5, completion_tokens: Infinity }, { input: 5, output: 1e9 }],
    [{ prompt_tokens: 1e300, completion_tokens: 0 }, { input: 1e9 }],
    [{ prompt_tokens: '7', completion_tokens: 3 }, { input: 7, output: 3 }],
    [{ prompt_tokens: 'seven', completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: [7], completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: { value: 7 }, completion_tokens: true }, null],
    [{ prompt_tokens: 1e18, completion_tokens: -1e18 }, { input: 1e9 }],
    [{ prompt_tokens: 5, completion_tokens: 3, total_tokens: 9 }, { input: 5, output: 3 }],
    [{ prompt_tokens: 5, completion_tokens: 3, total_tokens: 0.5 }, { input: 5, output: 3 }],
    [{ completion_tokens: 3, total_tokens: 8 }, { input: 5, output: 3 }],
    [{ prompt_tokens: 5, total_tokens: 8 }, { input: 5, output: 3 }],
    [{ completion_tokens: 3 }, { output: 3 }],
    [{ prompt_tokens: 5, completion_tokens: 3, server_tool_use: { web_search_requests: 1e9 } }, { input: 5, output: 3, toolCalls: 100 }],
    [{ prompt_tokens: 5, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 9 } }, { cacheRead: 5, output: 3 }],
    [{ prompt_tokens: 5, completion_tokens: 3, completion_tokens_details: { reasoning_tokens: 9 } }, { input: 5, reasoning: 3 }],
    [{ prompt_tokens: 5, completion_tokens: 3, completion_tokens_details: { reasoning_tokens: -1 } }, { input: 5, output: 3 }],
  ]
  for (const [raw, expected] of cases) {
    assert.deepEqual(normaliseUsage(raw, openaiRules), expected === null ? null : { usage: { ...noUsage(), requests: 1, ...expected }, anomalous: true }, JSON.stringify(raw))
  }
})

test('no count at all is missing usage, not zero usage', () => {
  for (const raw of [undefined, null, 7, 'usage', [], {}, { prompt_tokens: null }, { cost: 1 }]) assert.equal(normaliseUsage(raw, openaiRules), null)
  assert.notEqual(normaliseUsage({ prompt_tokens: 0 }, openaiRules), null)
})

/** Whatever JSON may say, and more often what a usage object says. */
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-0, 1e18, -1e18, 2 ** 53, 1e308, Number.NaN, Infinity, -Infinity, 0.1, '7', '1e3', ' 7', '٣'))
const value = fc.oneof(number, fc.nat(5000), fc.jsonValue(), fc.constant(null))
const details = fc.oneof(value, fc.dictionary(fc.constantFrom('cached_tokens', 'audio_tokens', 'image_tokens', 'reasoning_tokens', 'cache_write_tokens', 'ephemeral_1h_input_tokens', 'web_search_requests', '__proto__', 'constructor', 'toString'), value))
const fields = ['prompt_tokens', 'completion_tokens', 'total_tokens', 'cached_tokens', 'reasoning_tokens', 'prompt_cache_hit_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens']
const nested = ['prompt_tokens_details', 'completion_tokens_details', 'cache_creation', 'server_tool_use', '__proto__', 'constructor']
const junk = fc.oneof(fc.jsonValue(), fc.record(Object.fromEntries([...fields.map(name => [name, value]), ...nested.map(name => [name, details])]) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] }))
const rules = fc.record({ promptIncludesCached: fc.boolean(), completionIncludesReasoning: fc.boolean(), promptIncludesAudio: fc.boolean() })

test('whatever a vendor sends, every class is a whole number within bounds, nothing throws, and the bill is one that can be paid', () => {
  const price = loadCatalog().find('anthropic', 'claude-opus-4-8')!.price!
  fc.assert(fc.property(junk, rules, (raw, by) => {
    const found = normaliseUsage(raw, by)
    if (found === null) return
    for (const name of usageClasses) assert.ok(Object.is(Math.abs(found.usage[name]), found.usage[name]) && Number.isSafeInteger(found.usage[name]) && found.usage[name] <= 1e9, name)
    const cost = costNano(price, found.usage)
    assert.ok(Number.isSafeInteger(cost) && cost >= 0)
  }), { numRuns: 3000 })
})

test('a usage read from JSON text is the same, prototype keys and all, and leaves no trace', () => {
  const text = '{"prompt_tokens":5,"completion_tokens":3,"__proto__":{"cached_tokens":4},"prompt_tokens_details":{"__proto__":{"cached_tokens":4},"constructor":{"prototype":{"cached_tokens":9}}}}'
  assert.deepEqual(normaliseUsage(JSON.parse(text), openaiRules), { usage: { ...noUsage(), input: 5, output: 3, requests: 1 }, anomalous: false })
  assert.equal(({} as Record<string, unknown>)['cached_tokens'], undefined)
})

const tokensOf = (usage: Usage): number => usageClasses.reduce((sum, name) => sum + (name === 'requests' || name === 'toolCalls' ? 0 : usage[name]), 0)
const outputOf = (usage: Usage): number => usage.output + usage.reasoning + usage.audioOut + usage.imageOut

test('a billion tokens for a small request are cut to what the request can have used, and flagged', () => {
  const bound = { inputTokens: 1200, outputTokens: 4096 }
  const found = normaliseUsage({ prompt_tokens: 1e9, completion_tokens: 1e9, total_tokens: 2e9, completion_tokens_details: { reasoning_tokens: 1000 } }, openaiRules, bound)
  assert.deepEqual(found, { usage: { ...noUsage(), input: 1200, output: 3096, reasoning: 1000, requests: 1 }, anomalous: true })
  const price = loadCatalog().find('openai', 'gpt-5.4')!.price!
  assert.ok(costNano(price, found!.usage) < 0.2e9, 'under 20 cents')
  // What is dearest remains, so that the cut never makes the bill too low.
  const cached = normaliseUsage({ prompt_tokens: 3000, completion_tokens: 0, prompt_tokens_details: { cached_tokens: 2500, audio_tokens: 400 } }, openaiRules, bound)
  assert.deepEqual(cached, { usage: { ...noUsage(), cacheRead: 700, input: 100, audioIn: 400, requests: 1 }, anomalous: true })
})

test('calls of a tool that the request did not offer are not billed', () => {
  const raw = { prompt_tokens: 5, completion_tokens: 3, server_tool_use: { web_search_requests: 2 } }
  const calls = (toolCalls?: number): unknown => {
    const found = normaliseUsage(raw, openaiRules, { inputTokens: 10, outputTokens: 10, ...toolCalls !== undefined && { toolCalls } })!
    return [found.usage.toolCalls, found.anomalous]
  }
  assert.deepEqual([calls(), calls(2), calls(1), calls(0)], [[2, false], [2, false], [1, true], [0, true]])
})

test('a bound that is unknown or not reached changes nothing', () => {
  for (const { vendor, record, usage } of shapes) {
    const plain = normaliseUsage(usage, rulesOf(vendor))!
    assert.deepEqual(normaliseUsage(usage, rulesOf(vendor), { inputTokens: Infinity, outputTokens: Number.NaN }), plain, record)
    const output = outputOf(plain.usage)
    assert.deepEqual(normaliseUsage(usage, rulesOf(vendor), { inputTokens: tokensOf(plain.usage) - output, outputTokens: output }), plain, record)
  }
})

test('no usage exceeds its bound, and every cut is flagged', () => {
  fc.assert(fc.property(junk, rules, fc.nat(10_000), fc.double({ min: -5, max: 10_000, noNaN: true }), (raw, by, inputTokens, outputTokens) => {
    const [plain, cut] = [normaliseUsage(raw, by), normaliseUsage(raw, by, { inputTokens, outputTokens })]
    if (plain === null || cut === null) return assert.equal(plain, cut)
    const output = outputOf(cut.usage)
    assert.ok(output <= Math.max(outputTokens, 0) && tokensOf(cut.usage) - output <= inputTokens)
    assert.ok(cut.anomalous || tokensOf(cut.usage) === tokensOf(plain.usage))
    for (const name of usageClasses) assert.ok(cut.usage[name] >= 0 && cut.usage[name] <= plain.usage[name], name)
  }), { numRuns: 2000 })
})

/** Rules that a recording of the vendor proves: with the rule turned round, the classes no longer add up to the vendor's own total. */
const proven: Record<string, (keyof UsageRules)[]> = {
  alibaba: ['completionIncludesReasoning'],
  azure: ['completionIncludesReasoning'],
  deepseek: ['promptIncludesCached', 'completionIncludesReasoning'],
  groq: ['promptIncludesCached', 'completionIncludesReasoning'],
  llamacpp: ['promptIncludesCached'],
  mistral: ['promptIncludesCached', 'promptIncludesAudio'],
  moonshot: ['promptIncludesCached', 'completionIncludesReasoning'],
  openai: ['promptIncludesCached', 'completionIncludesReasoning', 'promptIncludesAudio'],
  openrouter: ['promptIncludesCached', 'completionIncludesReasoning', 'promptIncludesAudio'],
  venice: ['promptIncludesCached'],
  xai: ['promptIncludesCached', 'completionIncludesReasoning'],
  zai: ['promptIncludesCached'],
}

for (const [vendor, names] of Object.entries(proven)) {
  for (const name of names) {
    test(`${vendor}: ${name} is as the vendor counts, since the other way nothing adds up`, () => {
      const own = rulesOf(vendor)
      const turned = { ...own, [name]: !(own[name] ?? true) }
      const records = shapes.filter(shape => shape.vendor === vendor && shape.anomalous !== true)
      const told = records.filter(({ usage }) => tokensOf(normaliseUsage(usage, turned)!.usage) !== usage['total_tokens'])
      assert.ok(told.length > 0)
      for (const { usage, record } of records) assert.equal(tokensOf(normaliseUsage(usage, own)!.usage), usage['total_tokens'], record)
      for (const { usage, record } of told) assert.ok(normaliseUsage(usage, turned)!.anomalous, `${record}: the wrong rule is flagged`)
    })
  }
}

/** Usage objects in the form that the vendor's documents, its client or a report shows; the sources are in the declarations' comments. */
const documented: { vendor: string; model?: string; usage: Record<string, unknown>; expected: Partial<Usage>; anomalous?: true }[] = [
  // Thoughts that only the total has; that are reported beside the completion; within it; and a total that is too small.
  { vendor: 'google', usage: { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 }, expected: { input: 20, output: 198, reasoning: 405 } },
  { vendor: 'google', usage: { prompt_tokens: 21, completion_tokens: 0, total_tokens: 81, completion_tokens_details: { reasoning_tokens: 60 } }, expected: { input: 21, reasoning: 60 } },
  { vendor: 'google', usage: { prompt_tokens: 21, completion_tokens: 70, total_tokens: 91, completion_tokens_details: { reasoning_tokens: 60 } }, expected: { input: 21, output: 10, reasoning: 60 } },
  { vendor: 'google', usage: { prompt_tokens: 21, completion_tokens: 70, total_tokens: 90 }, expected: { input: 21, output: 70 }, anomalous: true },
  { vendor: 'google', usage: { prompt_tokens: 100, completion_tokens: 5, total_tokens: 125, prompt_tokens_details: { cached_tokens: 40 } }, expected: { input: 60, cacheRead: 40, output: 5, reasoning: 20 } },
  { vendor: 'google', usage: { prompt_tokens: 21, completion_tokens: 70 }, expected: { input: 21, output: 70 } },
  { vendor: 'inception', usage: { prompt_tokens: 20, reasoning_tokens: 30, completion_tokens: 50, total_tokens: 100, cached_input_tokens: 8 }, expected: { input: 12, cacheRead: 8, output: 50, reasoning: 30 } },
  { vendor: 'stepfun', usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110, cached_tokens: 40 }, expected: { input: 60, cacheRead: 40, output: 10 } },
  { vendor: 'moonshot', usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110, cached_tokens: 40 }, expected: { input: 60, cacheRead: 40, output: 10 } },
  { vendor: 'digitalocean', usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 85, cache_read_input_tokens: 40, cache_created_input_tokens: 30 }, expected: { input: 10, cacheRead: 40, cacheWrite5m: 30, output: 5 } },
  // The other reading, should it be the vendor's, is flagged.
  { vendor: 'digitalocean', usage: { prompt_tokens: 80, completion_tokens: 5, total_tokens: 85, cache_read_input_tokens: 40 }, expected: { input: 80, cacheRead: 40, output: 5 }, anomalous: true },
  { vendor: 'venice', usage: { prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, prompt_tokens_details: { cached_tokens: 20, cache_creation_input_tokens: 30 } }, expected: { input: 50, cacheRead: 20, cacheWrite5m: 30, output: 5 } },
  { vendor: 'alibaba', usage: { prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, prompt_tokens_details: { cached_tokens: 20, cache_creation_input_tokens: 30 } }, expected: { input: 50, cacheRead: 20, cacheWrite5m: 30, output: 5 } },
  { vendor: 'minimax', usage: { prompt_tokens: 26, completion_tokens: 223, total_tokens: 249, completion_tokens_details: { reasoning_tokens: 214 } }, expected: { input: 26, output: 9, reasoning: 214 } },
  { vendor: 'deepinfra', model: 'google/gemini-2.5-flash', usage: { prompt_tokens: 19, completion_tokens: 84, total_tokens: 103, completion_tokens_details: { reasoning_tokens: 1081 } }, expected: { input: 19, output: 84, reasoning: 1081 } },
  { vendor: 'deepinfra', model: 'deepseek-ai/DeepSeek-V3.2', usage: { prompt_tokens: 5000, completion_tokens: 84, total_tokens: 5084, prompt_tokens_details: { cached_tokens: 4800 }, completion_tokens_details: { reasoning_tokens: 50 } }, expected: { input: 200, cacheRead: 4800, output: 34, reasoning: 50 } },
  { vendor: 'nebius', usage: { prompt_tokens: 20, completion_tokens: 102, total_tokens: 122, prompt_tokens_details: null, completion_tokens_details: null, reasoning_tokens: 0 }, expected: { input: 20, output: 102 } },
  { vendor: 'perplexity', usage: { prompt_tokens: 12, total_tokens: 12, cost: { input_cost: 0, total_cost: 0 } }, expected: { input: 12 } },
]

test('the documented form of a usage object becomes disjoint classes, each token once', () => {
  for (const { vendor, model = 'm', usage, expected, anomalous = false } of documented) {
    const { usage: rules } = asServed(vendors.get(vendor)!, (models) => matchesModel(models, model))
    assert.deepEqual(normaliseUsage(usage, rules), { usage: { ...noUsage(), requests: 1, ...expected }, anomalous }, `${vendor} ${JSON.stringify(usage)}`)
  }
})

test('rules that are not those of OpenAI’s format are shown by a recording or a document', () => {
  const shown = new Set([...Object.keys(proven), ...documented.map(({ vendor }) => vendor)])
  for (const { id, usage } of vendors.values()) if (JSON.stringify(usage) !== JSON.stringify(openaiRules)) assert.ok(shown.has(id), id)
})

test('a total of 0 alone, as MiniMax sends it on the way, is no report', () => {
  for (const raw of [{ total_tokens: 0 }, { total_tokens: 0, total_characters: 0 }]) assert.equal(normaliseUsage(raw, openaiRules), null)
  assert.notEqual(normaliseUsage({ total_tokens: 3 }, openaiRules), null)
})
