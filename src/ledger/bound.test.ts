import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { costNano, inputTokens, noUsage, usageClasses, type PriceList, type Prices, type PriceVector, type Usage } from '../catalog/price.ts'
import type { Failure } from '../errors.ts'
import type { Asked } from '../gateway/exchange.ts'
import type { Deployment } from '../gateway/snapshot.ts'
import type { EndpointKind, RequestShape } from '../protocols/protocol.ts'
import { vendor, type BoundRules, type Quirks, type Vendor } from '../providers/provider.ts'
import { boundOf, dearest, growsAt, nextHold, streamedNano, type Bound } from './bound.ts'
import { Calibration } from './calibration.ts'

const prices = (price: (name: string) => number): Prices => Object.fromEntries(usageClasses.map((name) => [name, price(name)])) as Prices
/** $3 and $15 per million tokens. */
const simple: PriceVector = { version: 'v', tiers: [], base: prices((name) => (/output|reasoning|Out/.test(name) ? 15e9 : /toolCalls|requests/.test(name) ? 0 : 3e9)) }

interface Case {
  shape?: Partial<RequestShape>
  asked?: Partial<Asked>
  deployment?: Partial<Deployment>
  vendor?: Partial<Omit<Vendor, 'bounds' | 'quirks'>> & { bounds?: Partial<BoundRules>; quirks?: Partial<Quirks> }
  capability?: EndpointKind
  freeNano?: number
  calibration?: Calibration
}

const shapeOf = (change: Partial<RequestShape> = {}): RequestShape => ({ messages: 1, tools: 0, prompts: 1, choices: 1, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null, ...change })

function deploymentOf({ deployment, vendor: declared }: Case): Deployment {
  const made = vendor({ id: 'v', name: 'Vendor', docs: '', ...declared, bounds: { requestTokens: 100, toolsTokens: 1000, ...declared?.bounds } })
  const provider = { id: 'v', identity: 'v', vendor: made, baseUrl: '', origin: '', pathPrefix: '', socketPath: null, guarded: false, own: null, isOpen: true, credentials: [] }
  return { id: 'v/m', identity: 'v/m', provider, upstreamModel: 'm', logicalModel: 'm', group: null, price: simple, contextTokens: 100_000, outputTokens: 8000, reasoning: false, outputModalities: ['text'], ...deployment }
}

function bound(mode: 'none' | 'soft' | 'standard' | 'strict', given: Case = {}): Bound | Failure {
  const shape = shapeOf(given.shape)
  const asked: Asked = {
    model: 'm', written: 'm', stream: false, usageInStream: false, maxOutputTokens: null, choices: shape.choices, estimatedInputTokens: 0, maxTokens: null, maxCompletionTokens: null, reasoningOff: false, byPieces: false, bodyBytes: 1000,
    size: { mayCarryMedia: () => shape.images > 0 || shape.media !== null, shape: () => shape }, ...given.asked,
  }
  return boundOf(asked, given.capability ?? 'chat', deploymentOf(given), mode, given.freeNano ?? Infinity, given.calibration ?? new Calibration())
}

function granted(mode: 'none' | 'soft' | 'standard' | 'strict', given: Case = {}): Bound {
  const result = bound(mode, given)
  assert.ok('holdNano' in result, JSON.stringify(result))
  return result
}

function refused(mode: 'standard' | 'strict', code: string, words: RegExp, given: Case): void {
  const result = bound(mode, given)
  assert.ok('code' in result, JSON.stringify(result))
  assert.equal(result.code, code)
  assert.match(result.message, words)
}

const cost = (input: number, output: number): number => Math.ceil((input * 3e9 + output * 15e9) / 1e6)

describe('a strict bound', () => {
  test('covers every byte, message and tool of the input, and the output limit times the answers', () => {
    const { holdNano, fullNano, maxTokens, maxInputTokens } = granted('strict', { shape: { messages: 3, tools: 2, choices: 4 }, asked: { maxCompletionTokens: 500 } })
    assert.equal(maxInputTokens, 1000 + 16 * 5 + 100 + 1000)
    assert.equal(holdNano, cost(2180, 2000))
    assert.equal(fullNano, holdNano)
    assert.equal(maxTokens, null, 'the client’s own limit is left as it is')
  })

  test('writes the model’s limit where the client set none, or 4,096, and says so', () => {
    const { holdNano, maxTokens, warning } = granted('strict')
    assert.deepEqual({ holdNano, maxTokens }, { holdNano: cost(1116, 8000), maxTokens: 8000 })
    assert.match(warning!, /limited to 8000 tokens/)
    assert.equal(granted('strict', { deployment: { outputTokens: 0 } }).maxTokens, 4096)
    assert.equal(granted('strict', { deployment: { outputTokens: 0 }, asked: { maxCompletionTokens: 50_000 } }).maxOutputTokens, 50_000)
  })

  test('lowers a limit that the model does not have', () => {
    const { maxTokens, warning } = granted('strict', { asked: { maxCompletionTokens: 9000 } })
    assert.equal(maxTokens, 8000)
    assert.match(warning!, /8000/)
  })

  test('writes the largest limit that fits what is left, but none below 1,024', () => {
    const { maxTokens, holdNano, warning } = granted('strict', { freeNano: cost(1116, 2500) })
    assert.deepEqual({ maxTokens, holdNano }, { maxTokens: 2500, holdNano: cost(1116, 2500) })
    assert.match(warning!, /what is left/)
    assert.equal(granted('strict', { freeNano: cost(1116, 2500) - 1 }).maxTokens, 2499)
    assert.equal(granted('strict', { freeNano: cost(1116, 5000), shape: { choices: 2 } }).maxTokens, 2500)
    for (const freeNano of [0, -5, cost(1116, 900)]) assert.equal(granted('strict', { freeNano }).maxTokens, 1024)
    assert.equal(granted('strict', { freeNano: 0, deployment: { outputTokens: 300 } }).maxTokens, 300)
    assert.equal(granted('strict', { freeNano: 0, asked: { maxCompletionTokens: 5000 } }).maxOutputTokens, 5000, 'a limit of the client is not made smaller')
  })

  test('writes the vendor’s field where the client’s is not one that it reads', () => {
    const quirks = { maxTokensField: 'max_tokens' } as const
    const unread = granted('strict', { asked: { maxCompletionTokens: 700 }, vendor: { quirks } })
    assert.deepEqual([unread.maxTokens, unread.maxOutputTokens, unread.warning], [700, 700, null])
    assert.equal(granted('strict', { asked: { maxTokens: 700 }, vendor: { quirks } }).maxTokens, null)
    assert.equal(granted('strict', { asked: { maxTokens: 700, maxCompletionTokens: 5000 }, vendor: { quirks } }).maxOutputTokens, 5000, 'the other may bound, or not')
    const lowered = granted('strict', { asked: { maxTokens: 700, maxCompletionTokens: 9000 }, vendor: { quirks } })
    assert.deepEqual([lowered.maxTokens, lowered.maxOutputTokens], [8000, 8000])
    const renamed = (asked: Partial<Asked>): number => granted('strict', { asked, vendor: { quirks: { ...quirks, otherLimit: 'renamed' } } }).maxOutputTokens
    assert.deepEqual([renamed({ maxCompletionTokens: 700 }), renamed({ maxTokens: 600, maxCompletionTokens: 700 })], [700, 600])
    const both: Case = { asked: { maxTokens: 700, maxCompletionTokens: 900 }, vendor: { quirks: { otherLimit: 'bounds' } } }
    assert.equal(granted('strict', both).maxOutputTokens, 900)
    assert.equal(granted('strict', { ...both, capability: 'completions' }).maxOutputTokens, 700)
  })

  test('ends at the context window, beside which images are billed', () => {
    assert.equal(granted('strict', { asked: { bodyBytes: 5_000_000 } }).maxInputTokens, 100_000)
    assert.equal(granted('strict', { asked: { bodyBytes: 5_000_000 }, deployment: { contextTokens: 0 } }).maxInputTokens, 5_000_116)
    const imageTokens = [{ models: 'm*', most: 1500 }]
    const image: Case = { shape: { images: 2, imageBytes: 600 }, vendor: { bounds: { imageTokens } } }
    assert.equal(granted('strict', image).maxInputTokens, 1000 - 600 + 116 + 2 * 1500)
    assert.equal(granted('strict', { ...image, asked: { bodyBytes: 5_000_000 } }).maxInputTokens, 100_000 + 2 * 1500)
    assert.equal(granted('strict', { shape: { images: 1 } }).maxInputTokens, 100_000)
    assert.equal(granted('strict', { shape: { media: 'a part' } }).maxInputTokens, 100_000)
    assert.equal(granted('strict', { shape: { media: 'an input', prompts: 3 }, capability: 'embeddings' }).maxInputTokens, 300_000)
  })

  test('ends at the most that a vendor makes of any model', () => {
    const vendor: Case['vendor'] = { bounds: { mostOutputTokens: 3000 } }
    for (const mode of ['strict', 'standard'] as const) {
      assert.equal(granted(mode, { vendor }).mostOutputTokens, 3000)
      assert.equal(granted(mode, { vendor, deployment: { outputTokens: 0 }, asked: { maxCompletionTokens: 9000, choices: 2 }, shape: { choices: 2 } }).mostOutputTokens, 6000)
    }
    assert.equal(granted('standard', { vendor, deployment: { outputTokens: 0 }, asked: { stream: true } }).mostOutputTokens, 3000)
    assert.equal(granted('standard', { deployment: { outputTokens: 0 }, asked: { stream: true } }).mostOutputTokens, Infinity)
  })

  test('has no output for embeddings', () => {
    const { holdNano, maxOutputTokens, maxTokens } = granted('strict', { capability: 'embeddings' })
    assert.deepEqual([holdNano, maxOutputTokens, maxTokens], [cost(1116, 0), 0, null])
  })

  test('covers what vendors do beyond the limit: a least limit, reasoning on top', () => {
    assert.equal(granted('strict', { asked: { maxCompletionTokens: 1 }, vendor: { bounds: { leastOutputTokens: 16 } } }).maxOutputTokens, 16)
    const reasons: Case = { asked: { maxCompletionTokens: 100 }, vendor: { bounds: { reasoningBeyondLimit: true } } }
    assert.equal(granted('strict', reasons).maxOutputTokens, 100)
    for (const reasoning of [true, null]) assert.equal(granted('strict', { ...reasons, deployment: { reasoning } }).maxOutputTokens, 100_000)
  })

  test('of what costs nothing is nothing, whatever is asked', () => {
    const { holdNano, inputNano, maxTokens } = granted('strict', { shape: { extra: 'x', images: 1 }, deployment: { price: { ...simple, base: prices(() => 0) }, contextTokens: 0 } })
    assert.deepEqual([holdNano, inputNano, maxTokens], [0, 0, null])
    for (const costly of ['toolCalls', 'requests', 'cacheWrite1h', 'imageOut']) {
      refused('strict', 'budget_unenforceable', /x may be billed/, { shape: { extra: 'x' }, deployment: { price: { ...simple, base: prices((name) => (name === costly ? 1 : 0)) } } })
    }
  })

  test('is refused where there is none, with the reason', () => {
    refused('strict', 'price_unknown', /price of v\/m is not known/, { deployment: { price: null } })
    refused('strict', 'budget_unenforceable', /strict budget.*web_search_options.*standard/, { shape: { extra: 'the field "web_search_options"' } })
    refused('strict', 'budget_unenforceable', /runs tools of its own/, { vendor: { bounds: { serverToolModels: ['m'] } } })
    refused('strict', 'budget_unenforceable', /depends on who serves/, { vendor: { bounds: { priceVaries: true } } })
    refused('strict', 'budget_unenforceable', /images or video/, { deployment: { outputModalities: ['text', 'image'] } })
    refused('strict', 'budget_unenforceable', /service tier priority/, { shape: { serviceTier: 'priority' } })
    refused('strict', 'budget_unenforceable', /an image are not known/, { shape: { images: 1 }, deployment: { contextTokens: 0 } })
    refused('strict', 'budget_unenforceable', /a file are not known/, { shape: { media: 'a file' }, deployment: { contextTokens: 0 } })
    refused('strict', 'budget_unenforceable', /does not count reasoning/, { deployment: { contextTokens: 0, reasoning: true }, vendor: { bounds: { reasoningBeyondLimit: true } } })
    refused('strict', 'budget_unenforceable', /more than can be counted/, { asked: { maxCompletionTokens: 1e300 }, deployment: { outputTokens: 0 } })
  })
})

describe('a standard bound', () => {
  const stream: Partial<Asked> = { stream: true }

  test('of a visible stream is a slice that grows to the full amount', () => {
    const sliced = granted('standard', { asked: stream, shape: { choices: 2 } })
    assert.deepEqual([sliced.holdNano, sliced.fullNano, sliced.sliced, sliced.maxTokens], [cost(500, 4096), cost(500, 16_000), true, null])
    assert.equal(granted('standard', { asked: { ...stream, maxCompletionTokens: 2048 } }).sliced, false)
    assert.equal(granted('standard', { asked: stream, deployment: { outputTokens: 0 } }).fullNano, Infinity)
  })

  test('is the full amount where the stream does not show the bill', () => {
    const full = cost(500, 8000)
    assert.equal(granted('standard').holdNano, full)
    assert.equal(granted('standard', { asked: stream, vendor: { billsAfterAbort: true } }).holdNano, full)
    const hidden: Case = { asked: stream, vendor: { bounds: { hidesReasoning: true } } }
    for (const reasoning of [true, null]) assert.equal(granted('standard', { ...hidden, deployment: { reasoning } }).holdNano, full)
    assert.equal(granted('standard', { ...hidden, deployment: { reasoning: true }, asked: { ...stream, reasoningOff: true } }).sliced, true)
    assert.equal(granted('standard', hidden).sliced, true)
  })

  test('without a limit of the client gets one that fits what is left', () => {
    const { maxTokens, holdNano, warning } = granted('standard', { freeNano: cost(500, 3000) })
    assert.deepEqual([maxTokens, holdNano], [3000, cost(500, 3000)])
    assert.match(warning!, /3000/)
    assert.equal(granted('standard', { freeNano: 0 }).maxTokens, 1024)
    assert.equal(granted('standard', { freeNano: 0, asked: { maxCompletionTokens: 4000 } }).maxTokens, null)
    assert.equal(granted('standard', { freeNano: 0, asked: stream }).maxTokens, null)
    assert.equal(granted('standard', { freeNano: 0, capability: 'embeddings' }).maxTokens, null)
  })

  test('estimates the input by what the deployment taught', () => {
    const calibration = new Calibration()
    for (let i = 0; i < 50; i++) calibration.learn('v/m', 1000, 200, 0, 0)
    assert.equal(granted('standard', { calibration }).inputTokens, 200)
    assert.equal(granted('standard', { calibration, asked: { bodyBytes: 900_000 }, shape: { images: 1, imageBytes: 899_000 } }).inputTokens, 200 + 2048)
  })

  test('does not need a price that the operator lets go unknown, nor refuse tools of the vendor', () => {
    assert.deepEqual([granted('standard', { deployment: { price: null } }).holdNano, granted('standard', { shape: { extra: 'x' } }).holdNano], [0, cost(500, 8000)])
    refused('standard', 'budget_unenforceable', /standard budget/, { asked: { maxCompletionTokens: 1e300 }, deployment: { outputTokens: 0 } })
  })

  test('grows ahead of the stream, slice by slice, up to the full amount', () => {
    const given: Case = { asked: { stream: true } }
    const deployment = deploymentOf(given)
    const sliced = granted('standard', given)
    assert.equal(growsAt(sliced, deployment, sliced.holdNano), 2048 * 0.75)
    let heldNano = sliced.holdNano
    for (let tokens = 0; tokens <= 8000; tokens++) {
      if (tokens >= growsAt(sliced, deployment, heldNano)) heldNano = nextHold(sliced, deployment, tokens)
      assert.ok(streamedNano(sliced, deployment, tokens) <= heldNano, String(tokens))
      assert.ok(heldNano <= sliced.fullNano)
    }
    assert.equal(heldNano, sliced.fullNano)
    assert.equal(growsAt(sliced, deployment, heldNano), Infinity)
  })
})

test('soft and no budgets never refuse and never write', () => {
  for (const mode of ['soft', 'none'] as const) {
    for (const given of [{ deployment: { price: null } }, { shape: { extra: 'x' } }, { freeNano: 0 }, { asked: { maxCompletionTokens: 1e300 }, deployment: { outputTokens: 0 } }] as Case[]) {
      const { maxTokens, warning, holdNano } = granted(mode, given)
      assert.deepEqual([maxTokens, warning, Number.isSafeInteger(holdNano)], [null, null, true])
    }
    assert.equal(granted(mode).holdNano, cost(500, 2048))
  }
})

// Random prices and usages.
const price = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 200e9 }), fc.integer({ min: 0, max: 1e13 }))
const anyPrices = fc.tuple(...usageClasses.map(() => price)).map((list) => prices((name) => list[usageClasses.indexOf(name as never)]!))
const anyList = fc.record({ base: anyPrices, tiers: fc.array(fc.record({ aboveInputTokens: fc.integer({ min: 0, max: 400_000 }), prices: anyPrices }), { maxLength: 3 }).map((tiers) => tiers.sort((a, b) => a.aboveInputTokens - b.aboveInputTokens)) })
const anyVector: fc.Arbitrary<PriceVector> = fc.record({ list: anyList, conditions: fc.array(fc.record({ list: anyList, fromMs: fc.constantFrom(undefined, 5), serviceTier: fc.constantFrom(undefined, 'priority') }), { maxLength: 2 }) })
  .map(({ list, conditions }) => ({ ...list, version: 'v', ...(conditions.length === 0 ? {} : { conditions: conditions.map(({ list: own, fromMs, serviceTier }) => ({ ...own, ...(fromMs === undefined ? {} : { fromMs }), ...(serviceTier === undefined ? {} : { serviceTier }) })) }) }))
const anyCase: fc.Arbitrary<Case> = fc.record({
  shape: fc.record({ messages: fc.nat(500), tools: fc.nat(100), prompts: fc.integer({ min: 1, max: 20 }), choices: fc.integer({ min: 1, max: 128 }), images: fc.nat(5), media: fc.constantFrom(null, 'a file'), serviceTier: fc.constantFrom(null, 'auto') }),
  asked: fc.record({ bodyBytes: fc.integer({ min: 2, max: 20_971_520 }), maxCompletionTokens: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 2_000_000 })), maxTokens: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 2_000_000 })) }),
  deployment: fc.record({ price: anyVector, contextTokens: fc.constantFrom(4000, 128_000, 1_000_000), outputTokens: fc.constantFrom(0, 512, 8000, 128_000), reasoning: fc.constantFrom(true, false, null) }),
  vendor: fc.record({ bounds: fc.record({ imageTokens: fc.constantFrom([], [{ models: '*', most: 1500 }]), reasoningBeyondLimit: fc.boolean(), leastOutputTokens: fc.constantFrom(1, 16) }) }),
  capability: fc.constantFrom('chat', 'completions', 'embeddings'),
  freeNano: fc.oneof(fc.constant(Infinity), fc.integer({ min: -1000, max: 1e12 })),
})

/** A usage that stays within `input` and `output` tokens, split over the classes by `parts`. */
function usageWithin(input: number, output: number, parts: readonly number[]): Usage {
  const usage = noUsage()
  const spread = (names: readonly (keyof Usage)[], total: number, from: number): void => {
    let left = total
    names.forEach((name, i) => {
      usage[name] = i === names.length - 1 ? left : Math.floor(left * parts[from + i]!)
      left -= usage[name]
    })
  }
  spread(['cacheRead', 'cacheWrite5m', 'cacheWrite1h', 'audioIn', 'imageIn', 'input'], Math.floor(input * parts[0]!), 1)
  spread(['reasoning', 'audioOut', 'imageOut', 'output'], Math.floor(output * parts[6]!), 7)
  usage.requests = 1
  return usage
}
const parts = fc.array(fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 11, maxLength: 11 })

test('no usage within what a strict bound promises costs more than its hold', () => {
  let checked = 0
  fc.assert(fc.property(anyCase, parts, (given, split) => {
    const result = bound('strict', given)
    if ('code' in result) return assert.equal(result.code, 'budget_unenforceable')
    checked++
    const vector = given.deployment!.price!
    const usage = usageWithin(result.maxInputTokens, result.maxOutputTokens, split)
    assert.ok(costNano(vector, usage) <= result.holdNano)
    for (const serviceTier of [null, ...(given.shape!.serviceTier === null ? [] : ['priority'])]) assert.ok(costNano(vector, usage, { atMs: 10, serviceTier }) <= result.holdNano)
    assert.ok(result.inputNano <= result.holdNano && result.inputTokens <= result.maxInputTokens)
  }), { numRuns: 2000 })
  assert.ok(checked > 1000)
})

test('a hold is a safe whole number, and no written limit is above what the client asked or below 1', () => {
  fc.assert(fc.property(anyCase, fc.constantFrom('none', 'soft', 'standard', 'strict'), (given, mode) => {
    const result = bound(mode, given)
    if ('code' in result) return
    for (const amount of [result.holdNano, result.inputNano, result.inputTokens, result.maxInputTokens, result.maxOutputTokens]) assert.ok(Number.isSafeInteger(amount) && amount >= 0, JSON.stringify(result))
    assert.ok(result.fullNano >= result.holdNano)
    if (result.maxTokens === null) return
    assert.ok(Number.isSafeInteger(result.maxTokens) && result.maxTokens >= 1)
    const asked = Math.max(given.asked!.maxCompletionTokens ?? 0, given.asked!.maxTokens ?? 0)
    if (asked > 0 && mode === 'strict') assert.ok(result.maxTokens <= asked)
  }), { numRuns: 1000 })
})

test('more bytes, a larger limit or more answers never make a strict hold smaller', () => {
  fc.assert(fc.property(anyCase, fc.nat(100_000), fc.nat(100_000), fc.nat(5), (given, bytes, tokens, choices) => {
    const limit = given.asked!.maxCompletionTokens ?? 100
    const at = (more: 0 | 1): Bound | Failure => bound('strict', { ...given, asked: { ...given.asked, bodyBytes: given.asked!.bodyBytes! + more * bytes, maxCompletionTokens: limit + more * tokens }, shape: { ...given.shape, choices: given.shape!.choices! + more * choices } })
    const [less, more] = [at(0), at(1)]
    if ('holdNano' in less && 'holdNano' in more) assert.ok(less.holdNano <= more.holdNano)
  }), { numRuns: 1000 })
})

test('what was made to fit fits', () => {
  fc.assert(fc.property(anyCase, (given) => {
    const result = bound('strict', { ...given, asked: { bodyBytes: 1000 }, shape: {}, vendor: {} })
    if ('code' in result || result.maxTokens === null || result.maxTokens <= 1024) return
    // Where output is free, no limit makes it fit.
    if (dearest(given.deployment!.price!, result.maxInputTokens, null).output > 0) assert.ok(result.holdNano <= given.freeNano!)
  }), { numRuns: 1000 })
})

test('a tier that the input cannot reach is not paid for', () => {
  const tiered: PriceVector = { ...simple, tiers: [{ aboveInputTokens: 1000, prices: prices(() => 99e9) }] }
  assert.equal(dearest(tiered, 1000, null).input, 3e9)
  assert.equal(dearest(tiered, 1001, null).input, 99e9)
  assert.equal(inputTokens(usageWithin(1001, 0, Array<number>(11).fill(1))), 1001)
  const list: PriceList = { base: prices(() => 50e9), tiers: [] }
  assert.equal(dearest({ ...simple, conditions: [{ ...list, serviceTier: 'priority' }] }, 1, null).output, 15e9)
  assert.equal(dearest({ ...simple, conditions: [{ ...list, serviceTier: 'priority' }] }, 1, 'auto').output, 50e9)
  assert.equal(dearest({ ...simple, conditions: [{ ...list, fromMs: 9 }] }, 1, null).output, 50e9)
})

test('completions that are made to choose the best of are held for all of them', () => {
  const one = bound('standard', { capability: 'completions', asked: { maxTokens: 1000 } }) as Bound
  const many = bound('standard', { capability: 'completions', asked: { maxTokens: 1000, choices: 1 }, shape: { choices: 20 } }) as Bound
  assert.equal(many.maxOutputTokens, 20 * one.maxOutputTokens)
})
