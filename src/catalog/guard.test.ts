import assert from 'node:assert/strict'
import { test } from 'node:test'
import { versioned, type Artefact, type Row } from './artefact.ts'
import { approved, guard, largestJump } from './guard.ts'

const row = (id: string, input: number, more: Partial<Row> = {}): Row => ({ id, model: id, context: 100_000, output: 8_000, price: { input, output: 4 * input }, ...more })
const catalogue = (vendors: Record<string, Row[]>, date = '2026-01-01'): Artefact => versioned({ date, sources: {}, facts: {}, vendors })
const find = ({ vendors }: Artefact, vendor: string, id: string): Row | undefined => vendors[vendor]?.find(each => each.id === id)
const today = '2026-02-02'
const models = (...prices: number[]): Row[] => prices.map((price, index) => row(`m${index}`, price))

test('a price moves up to twice and down to half at once, and beyond that waits with the old one in force', () => {
  const before = catalogue({ v: models(100, 100, 100, 100) })
  const { artefact, applied, held } = guard(before, catalogue({ v: models(200, 50, 201, 49) }), today)
  assert.deepEqual(artefact.vendors['v']!.map(each => each.price!.input), [200, 50, 100, 100])
  assert.deepEqual(applied.map(({ model, kind, factor }) => [model, kind, factor]), [['m0', 'price', 2], ['m1', 'price', 2]])
  assert.deepEqual(held.map(({ model, kind }) => [model, kind]), [['m2', 'price'], ['m3', 'price']])
  assert.match(held[0]!.held!, /input \$1e-7 → \$2.01e-7/)
})

test('a price that becomes zero or unknown, or was, waits', () => {
  const before = catalogue({ v: [row('a', 100), row('b', 100), { id: 'c', model: 'c' }, row('d', 0)] })
  const { artefact, held } = guard(before, catalogue({ v: [row('a', 0), { id: 'b', model: 'b', context: 100_000, output: 8_000 }, row('c', 100), row('d', 100)] }), today)
  assert.deepEqual(artefact.vendors['v']!.map(each => each.price?.input), [100, 100, undefined, 0])
  assert.deepEqual(held.map(({ model }) => model), ['a', 'b', 'c', 'd'])
})

test('a jump in one class, tier, date or tier of service is one of the price', () => {
  const price = { input: 100, output: 400 }
  for (const after of [
    { price: { ...price, cacheRead: 10 } }, { price: { ...price, reasoning: 900 } }, { price: { ...price, requests: 1 } },
    { price, tiers: [{ above: 1000, price: { input: 250, output: 400 } }] },
    { price, conditions: [{ from: '2027-01-01', price: { input: 250, output: 400 } }] },
    { price, conditions: [{ serviceTier: 'priority', price: { input: 100, output: 900 } }] },
    { price, conditions: [{ serviceTier: 'flex', price: { input: 50, output: 200 }, tiers: [{ above: 5, price: { input: 500, output: 2000 } }] }] },
  ]) assert.notEqual(largestJump({ price }, after).reason, null, JSON.stringify(after))
  assert.equal(largestJump({ price }, { price, tiers: [{ above: 1000, price: { input: 200, output: 800 } }], conditions: [{ serviceTier: 'flex', price: { input: 50, output: 200 } }] }).reason, null)
})

test('small steps add up to no more than one until a person has looked', () => {
  let inForce = catalogue({ v: models(100) })
  const step = (input: number): string[] => {
    const { artefact, held } = guard(inForce, catalogue({ v: models(input) }), today)
    inForce = artefact
    return held.map(each => each.held!)
  }
  assert.deepEqual([step(150), step(200)], [[], []])
  assert.match(step(220)[0]!, /since a person last saw it/)
  assert.equal(find(inForce, 'v', 'm0')!.price!.input, 200)
  inForce = approved(inForce, [{ vendor: 'v', model: 'm0', kind: 'price', after: { price: { input: 220, output: 880 } } }]).artefact
  assert.deepEqual([find(inForce, 'v', 'm0')!.price, find(inForce, 'v', 'm0')!.reviewed], [{ input: 220, output: 880 }, undefined])
  assert.deepEqual([step(400), step(220)], [[], []])
  assert.equal(find(inForce, 'v', 'm0')!.reviewed, undefined)
})

test('a model that vanishes is withdrawn with its price, and comes back', () => {
  const before = catalogue({ v: models(1, 2, 3, 4, 5, 6) })
  const { artefact, applied } = guard(before, catalogue({ v: models(1, 2, 3, 4, 5) }), today)
  assert.deepEqual(find(artefact, 'v', 'm5'), { ...row('m5', 6), withdrawn: today })
  assert.deepEqual(applied.map(({ kind, model }) => [kind, model]), [['withdrawn', 'm5']])
  const again = guard(artefact, before, today)
  assert.deepEqual(again.applied.map(({ kind }) => kind), ['returned'])
  assert.deepEqual(again.artefact.vendors, before.vendors)
  assert.deepEqual(guard(artefact, catalogue({ v: models(1, 2, 3, 4, 5) }), today).applied, [])
})

test('more than a fifth of a vendor, or all of it, is not believed to be gone', () => {
  const before = catalogue({ v: models(1, 2, 3, 4, 5), w: models(1) })
  const { artefact, applied, held } = guard(before, catalogue({ v: models(1, 2, 3) }), today)
  assert.deepEqual([artefact.vendors, applied], [before.vendors, []])
  assert.deepEqual(held.map(each => each.held), ['2 of 5 models of the vendor are gone from the feed', '2 of 5 models of the vendor are gone from the feed', 'the vendor is gone from the feed'])
  const decided = approved(artefact, held.map(change => ({ ...change, after: { withdrawn: today } })))
  assert.deepEqual(decided.artefact.vendors['w'], [{ ...row('m0', 1), withdrawn: today }])
})

test('a source of rows that fails is not hidden by another one of the same vendor', () => {
  const second = models(1, 2, 3, 4, 5, 6).map(each => ({ ...each, id: `s${each.id}`, source: 'genai-prices' }))
  const { held } = guard(catalogue({ v: [...models(1), ...second] }), catalogue({ v: second }), today)
  assert.deepEqual(held.map(each => each.held), ['the vendor is gone from the feed'])
})

test('a context that changes more than four times, or is no longer known, waits; the rest of the row does not', () => {
  const before = catalogue({ v: models(100, 100, 100) })
  const next = [row('m0', 120, { context: 400_001 }), row('m1', 100, { context: 400_000, reasoning: true }), { ...row('m2', 100), context: undefined } as unknown as Row]
  const { artefact, applied, held } = guard(before, catalogue({ v: next }), today)
  assert.deepEqual(applied.map(({ model, kind, factor }) => [model, kind, factor]), [['m0', 'price', 1.2], ['m1', 'facts', null], ['m1', 'limits', 4]])
  assert.deepEqual(artefact.vendors['v']!.map(({ context, price, reasoning }) => [context, price!.input, reasoning]), [[100_000, 120, undefined], [400_000, 100, true], [100_000, 100, undefined]])
  assert.deepEqual(held.map(({ model, kind }) => [model, kind]), [['m0', 'limits'], ['m2', 'limits']])
})

test('a new entry cannot take a maker\'s place unseen, and a group keeps its spelling', () => {
  const before = catalogue({ openai: [row('gpt-5.1', 100, { origin: true })] })
  const next = catalogue({ cohere: [row('openai/gpt-5.1', 1, { model: 'gpt-5.1', origin: true })], openai: [row('gpt-5.1', 100, { origin: true, model: 'gpt-5-1' }), row('gpt-6', 100, { origin: true })] })
  const { artefact, applied, held } = guard(before, next, today)
  assert.deepEqual(held.map(({ vendor, kind, held: why }) => [vendor, kind, why]), [['cohere', 'added', 'it would take the place of openai as the maker of gpt-5.1']])
  assert.deepEqual([applied.map(({ model }) => model), find(artefact, 'openai', 'gpt-5.1')!.model], [['gpt-6'], 'gpt-5.1'])
  assert.equal(approved(artefact, held).artefact.vendors['cohere']!.length, 1)
})

test('a release moves every price, but not one that a person approved', () => {
  const before = catalogue({ v: [row('m0', 100), row('m1', 100, { reviewed: { price: { input: 60, output: 240 } } }), row('gone', 1)] })
  const { artefact, held } = guard(before, catalogue({ v: models(1000, 1000) }), today, { trusted: true, kept: new Set(['v/m0']) })
  assert.deepEqual([find(artefact, 'v', 'm0')!.price!.input, find(artefact, 'v', 'm1')!.price!.input, find(artefact, 'v', 'm1')!.reviewed], [100, 1000, undefined])
  assert.equal(find(artefact, 'v', 'gone')!.withdrawn, today)
  assert.deepEqual(held.map(({ model, held: why }) => [model, why]), [['m0', 'a person approved the price that it has']])
})

test('equal catalogues have one version, and any difference has another', () => {
  const one = catalogue({ v: models(1, 2) })
  assert.equal(guard(one, catalogue({ v: models(1, 2) }), today).artefact.version, one.version)
  assert.notEqual(catalogue({ v: models(1, 3) }).version, one.version)
})
