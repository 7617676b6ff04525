/** The memory of kept answers against a model of it, for any order of what is asked of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryAnswers, type KeptAnswer } from './answer-cache.ts'

const answer = (size: number, of = 'req_1'): KeptAnswer => ({ requestId: of, at: 0, headers: { 'content-type': 'application/json' }, body: Buffer.alloc(size), deployment: 'd', model: 'm', owner: '', warnings: [], costNano: 1 })
const clock = { now: 0, epochMs: () => clock.now, monotonicUs: () => clock.now * 1000 }

test('an answer is given until its time is over, and not at that instant', () => {
  const answers = new MemoryAnswers(clock, 1e6)
  clock.now = 5
  answers.keep('o', 'k', answer(10), 1_000)
  clock.now = 1_004
  assert.ok(answers.find('o', 'k'))
  clock.now = 1_005
  assert.equal(answers.find('o', 'k'), null)
  assert.deepEqual(answers.held(), { answers: 0, bytes: 0, evicted: 0 })
})

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constant('keep' as const), org: fc.constantFrom('a', 'b', 'c'), key: fc.nat(6).map(String), size: fc.nat(3_000), ttl: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('find' as const), org: fc.constantFrom('a', 'b', 'c'), key: fc.nat(6).map(String) }) },
  fc.record({ what: fc.constant('empty' as const), org: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ what: fc.constant('sweep' as const) }),
  fc.record({ what: fc.constant('later' as const), ms: fc.nat(20) }),
)

test('what is found is what was kept last for this organisation and key, within its time; memory stays within its bound and is given back', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    clock.now = 0
    const answers = new MemoryAnswers(clock, 10_000)
    const kept = new Map<string, { answer: KeptAnswer; until: number }>()
    for (const [at, each] of steps.entries()) {
      if (each.what === 'later') clock.now += each.ms
      else if (each.what === 'sweep') answers.sweep()
      else if (each.what === 'empty') {
        answers.empty(each.org)
        for (const name of kept.keys()) if (name.startsWith(each.org)) kept.delete(name)
      } else if (each.what === 'keep') {
        const made = answer(each.size, `req_${at}`)
        answers.keep(each.org, each.key, made, each.ttl)
        kept.set(each.org + each.key, { answer: made, until: clock.now + each.ttl })
      } else {
        const found = answers.find(each.org, each.key)
        const known = kept.get(each.org + each.key)
        if (found !== null) assert.ok(known && known.answer === found && clock.now < known.until)
        else if (known && clock.now < known.until) assert.ok(answers.held().evicted > 0, 'only what made room is missing')
      }
      assert.ok(answers.held().bytes <= 10_000)
    }
    for (const org of ['a', 'b', 'c']) answers.empty(org)
    assert.deepEqual([answers.held().bytes, answers.held().answers], [0, 0])
  }), { numRuns: 300 })
})

test('whoever holds most makes room, with what it used longest ago; one that is larger than all room is not kept', () => {
  clock.now = 0
  const answers = new MemoryAnswers(clock, 10_000)
  answers.keep('small', 'k', answer(100), 1_000)
  for (let i = 0; i < 4; i++) answers.keep('large', String(i), answer(1_000), 1_000)
  assert.ok(answers.find('large', '0'))
  answers.keep('large', '4', answer(1_000), 1_000)
  assert.ok(answers.find('small', 'k'))
  assert.deepEqual(['0', '1', '2', '3', '4'].filter((key) => answers.find('large', key) !== null), ['0', '2', '3', '4'])
  answers.keep('large', '0', answer(20_000), 1_000)
  assert.equal(answers.find('large', '0'), null, 'what it was to take the place of is old')
})
