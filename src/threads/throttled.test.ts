import assert from 'node:assert/strict'
import test from 'node:test'
import { throttled } from './throttled.ts'

test('many events in a short time are one line, and the next one says how many came since', () => {
  let nowUs = 0
  const said: [number, string][] = []
  const say = throttled(10_000, { monotonicUs: () => nowUs }, (count, last: string) => said.push([count, last]))
  for (const what of ['a', 'b', 'c']) say(what)
  assert.deepEqual(said, [[1, 'a']])
  nowUs = 9_999_999
  say('d')
  assert.equal(said.length, 1)
  nowUs = 10_000_000
  say('e')
  assert.deepEqual(said, [[1, 'a'], [4, 'e']])
})
