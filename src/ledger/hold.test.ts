import assert from 'node:assert/strict'
import test from 'node:test'
import { noUsage } from '../catalog/price.ts'
import type { Bound } from './bound.ts'
import { Hold, type HoldEnd, type HoldKeeper } from './hold.ts'
import type { HoldRecord } from './records.ts'

function held(): { hold: Hold; ends: HoldEnd[]; told: number[] } {
  const ends: HoldEnd[] = []
  const told: number[] = []
  const keeper: HoldKeeper = {
    dispatch: () => Promise.resolve(), isWritten: () => true,
    whenDurable: () => null, write: () => {}, whenWritten: () => null,
    deliver: (_hold, outputTokens) => { told.push(outputTokens); return null },
    end: (hold, end) => { hold.isOpen = false; ends.push(end) },
  }
  return { hold: new Hold(keeper, 1, { holdNano: 50, mode: 'strict' } as HoldRecord, {} as Bound, [], 0), ends, told }
}

test('P2: a hold is ended once, by whoever comes first', () => {
  const { hold, ends } = held()
  hold.end({ kind: 'settle', tenantNano: 7, overheadNano: 0, outcome: 'success', flags: 0, usage: noUsage() })
  hold.void()
  hold.end({ kind: 'settle', tenantNano: 9, overheadNano: 0, outcome: 'broken', flags: 0, usage: noUsage() })
  assert.deepEqual(ends.map(({ kind, tenantNano }) => [kind, tenantNano]), [['settle', 7]])
})

test('a hold whose attempt was never begun costs nobody anything', () => {
  const { hold, ends } = held()
  hold.void()
  assert.deepEqual(ends, [{ kind: 'void', tenantNano: 0, overheadNano: 0, outcome: 'cancelled', flags: 0, usage: noUsage() }])
})

test('what is delivered after the end is told to nobody', () => {
  const { hold, told } = held()
  hold.deliver(1, 1, 1)
  hold.void()
  assert.equal(hold.deliver(2, 2, 2), null)
  assert.deepEqual(told, [1])
})
