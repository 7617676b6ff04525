import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowsOf } from './tests.ts'

const tap = ({ pass = 1, fail = 0, cancelled = 0, skipped = 0, todo = 0 }: Partial<Record<'pass' | 'fail' | 'cancelled' | 'skipped' | 'todo', number>>): string =>
  `TAP version 13\nok 1 - holds\n  ---\n  duration_ms: 3\n  ...\n# 7 looked at\n1..1\n# tests ${pass}\n# suites 0\n# pass ${pass}\n# fail ${fail}\n# cancelled ${cancelled}\n# skipped ${skipped}\n# todo ${todo}\n# duration_ms 9\n`
const met = (output: string, exitCode: number | null = 0): boolean | undefined => rowsOf(['a.test.ts'], output, exitCode)[0]!.met

test('a proof row passes only where every test ran to its end and passed', () => {
  assert.equal(met(tap({})), true)
  for (const counts of [{ fail: 1 }, { cancelled: 1 }, { skipped: 1 }, { todo: 1 }, { pass: 0 }]) assert.equal(met(tap(counts)), false, JSON.stringify(counts))
  assert.equal(met(tap({}), 1), false, 'the run failed although no test did')
  assert.equal(met(tap({}), null), false, 'the run was killed')
  assert.equal(met('TAP version 13\nok 1 - holds\n'), false, 'the run broke off before its counts')
})

test('what tests report becomes rows under their names', () => {
  assert.deepEqual(rowsOf(['a.test.ts'], tap({}), 0).slice(1), [{ what: 'holds', value: '7 looked at', unit: '' }])
})
