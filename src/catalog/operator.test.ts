import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesModel } from '../governance/model-patterns.ts'
import { versioned, type Row } from './artefact.ts'
import { catalogOf } from './load.ts'
import { withOverrides, type OperatorOverride } from './operator.ts'
import type { Prices } from './price.ts'

const row = (id: string): Row => ({ id, model: id, context: 1000, price: { input: 100, output: 401 }, tiers: [{ above: 10, price: { input: 200, output: 800 } }], conditions: [{ serviceTier: 'flex', price: { input: 51, output: 201 } }] })
const artefact = versioned({ date: '2026-01-01', sources: {}, facts: {}, vendors: { openai: [row('gpt-5'), row('gpt-5-mini'), { id: 'free', model: 'free' }], azure: [row('gpt-5')] } })
const override = (more: Partial<OperatorOverride>): OperatorOverride => ({ vendor: 'openai', model: 'gpt-*', price: null, discountPercent: null, contextTokens: null, outputTokens: null, ...more })
const base = { input: 7, output: 9, cacheRead: 7, cacheWrite5m: 7, cacheWrite1h: 7, reasoning: 9, audioIn: 7, audioOut: 9, imageIn: 7, imageOut: 9, toolCalls: 0, requests: 0, images: 0, audioMs: 0, characters: 0, searches: 0 } satisfies Prices

test('a price of the operator replaces all of the catalogue\'s, under a version of its own', () => {
  const catalog = catalogOf(withOverrides(artefact, [override({ price: { version: 'file-1', base, tiers: [] } })], matchesModel).artefact)
  assert.deepEqual(catalog.find('openai', 'gpt-5-mini')!.price, { version: 'file-1', base, tiers: [] })
  assert.deepEqual([catalog.find('openai', 'gpt-5')!.source, catalog.find('azure', 'gpt-5')!.source], ['operator', 'models.dev'])
  assert.deepEqual([catalog.find('azure', 'gpt-5')!.price!.base.input, catalog.find('azure', 'gpt-5')!.price!.version], [100, artefact.version])
})

test('a discount is taken off every tier and condition, exactly and rounded up', () => {
  const { price } = catalogOf(withOverrides(artefact, [override({ model: 'gpt-5', discountPercent: '12.5' })], matchesModel).artefact).find('openai', 'gpt-5')!
  assert.deepEqual([price!.base.input, price!.base.output, price!.tiers[0]!.prices.input, price!.conditions![0]!.base.output, price!.version], [88, 351, 175, 176, `${artefact.version}-12.5%`])
  const free = catalogOf(withOverrides(artefact, [override({ model: '*', discountPercent: '100' })], matchesModel).artefact)
  assert.deepEqual([free.find('openai', 'gpt-5')!.price!.base.input, free.find('openai', 'free')!.price], [0, null])
})

test('limits change without the price, the last match holds, and what matches nothing is told', () => {
  const nowhere = override({ vendor: 'opnai', contextTokens: 5 })
  const { artefact: own, unmatched } = withOverrides(artefact, [override({ contextTokens: 5, outputTokens: 3 }), override({ model: 'gpt-5', contextTokens: 9 }), nowhere], matchesModel)
  assert.deepEqual(own.vendors['openai']!.map(({ context, output, price }) => [context, output, price?.input]), [[9, 3, 100], [5, 3, 100], [undefined, undefined, undefined]])
  assert.deepEqual(unmatched, [nowhere])
})
