import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatEnd } from '../../chat.ts'
import { type Column, idleRun, marks } from './run.ts'

const column = (id: number, firstMs: number, totalMs: number, costUsd: number | null, state: Column['run']['state'] = 'done'): Column => ({
  id,
  model: 'm',
  run: { ...idleRun, state, firstMs, totalMs, end: { costUsd } as ChatEnd },
})

test('fastest and cheapest are told among finished answers only, and an unknown cost is never the cheapest', () => {
  const found = marks([column(0, 300, 2400, 0.001), column(1, 400, 1900, null), column(2, 100, 900, 0, 'cut')])
  assert.deepEqual(found.get(0), { fastestStart: true, fastest: false, cheapest: false })
  assert.deepEqual(found.get(1), { fastestStart: false, fastest: true, cheapest: false })
  assert.equal(found.get(2), undefined)
})
test('a single answer is compared with nothing', () => {
  assert.deepEqual(marks([column(0, 300, 2400, 0.001)]).get(0), { fastestStart: false, fastest: false, cheapest: false })
})
