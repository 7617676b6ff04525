import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Roster, type Member } from './roster.ts'

test('a roster holds what was added and not deleted, and visits all of it even while members are deleted', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 200 }), (steps) => {
    const roster = new Roster<Member & { id: number }>()
    const expected = new Set<Member & { id: number }>()
    const all = Array.from({ length: 21 }, (_, id) => ({ id, rosterIndex: -1 }))
    for (const [add, id] of steps) {
      const member = all[id]!
      if (add && !expected.has(member)) {
        roster.add(member)
        expected.add(member)
      } else if (!add) {
        roster.delete(member)
        expected.delete(member)
      }
    }
    assert.equal(roster.size, expected.size)
    const visited = new Set<Member>()
    roster.forEach((member) => {
      visited.add(member)
      if (member.id % 3 === 0) roster.delete(member)
    })
    assert.deepEqual(visited, expected)
    assert.equal(roster.size, [...expected].filter(({ id }) => id % 3 !== 0).length)
  }))
})
