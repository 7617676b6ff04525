import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { run } from '../../cli/main.ts'
import { seeded } from '../../simulated/random.ts'
import { loadArtefact } from '../load.ts'
import { Understander } from '../understand.ts'
import { costAt, deferral, hull, saving } from './curves.ts'
import { matrixOf } from './matrix.ts'
import { OutcomesError, readOutcomes, type OutcomeRow } from './outcomes.ts'
import { perturb } from './perturb.ts'
import { runSeed } from './runs.ts'
import { readSpec, specOf } from './spec.ts'

const artefact = loadArtefact()

/** Two kinds of prompts; the small model solves one kind, the large one both. */
function rowsOf(count: number): OutcomeRow[] {
  const random = seeded(1)
  return Array.from({ length: count }, (_, at) => {
    const isEasy = at % 2 === 0
    const prompt = isEasy ? `Translate sentence number ${at} into German: the cat number ${at} sleeps.` : `Prove by induction that the sum of the first ${at} odd numbers is a square.`
    const solved = (chance: number): number => (random() < chance ? 1 : 0)
    return { set: 'own', task: isEasy ? 'translation' : 'proof', id: String(at), prompt, q: { large: solved(0.95), small: solved(isEasy ? 0.95 : 0.1) }, usd: { large: 0.01, small: 0.0005 }, outch: { large: 400, small: 300 } }
  })
}
const rows = rowsOf(400)
const file = rows.map((row) => JSON.stringify(row)).join('\n')

test('mixing on the hull costs what the line between two models says, and a dominated model is on no hull', () => {
  const points = hull([{ cost: 1, quality: 0.5 }, { cost: 2, quality: 0.4 }, { cost: 5, quality: 0.9 }, { cost: 3, quality: 0.6 }])
  assert.deepEqual(points, [{ cost: 1, quality: 0.5 }, { cost: 5, quality: 0.9 }])
  assert.ok(Math.abs(costAt(points, 0.7) - 3) < 1e-9)
  assert.equal(costAt(points, 0.95), Infinity)
  assert.ok(Math.abs(saving(points, { cost: 5, quality: 0.9 }, 7 / 9) - 0.4) < 1e-9)
})

test('a perfect order recovers the gap with few strong calls, a reversed one with many, and weights are repetitions', () => {
  const strong = Float64Array.of(1, 1, 1, 1)
  const weak = Float64Array.of(0, 0, 1, 1)
  const ones = new Float64Array(4).fill(1)
  assert.deepEqual([deferral(Int32Array.of(0, 1, 2, 3), strong, weak, ones).apgr, deferral(Int32Array.of(2, 3, 0, 1), strong, weak, ones).apgr], [0.75, 0.25])
  assert.equal(deferral(Int32Array.of(0, 1, 2, 3), strong, weak, ones).cpt80, 0.5)
  assert.equal(deferral(Int32Array.of(0, 2), strong, weak, Float64Array.of(3, 0, 1, 0)).apgr, deferral(Int32Array.of(0, 1, 2, 3), Float64Array.of(1, 1, 1, 1), Float64Array.of(0, 0, 0, 1), ones).apgr)
})

test('the outcome of a tested row never reaches its own prediction', () => {
  const [pool] = specOf(rows).pools
  const understander = new Understander(artefact)
  const matrix = matrixOf(rows, pool!, understander, () => false)
  const predictions = () => runSeed(matrix, artefact, [0, 100], 4, seeded(3))
  const before = predictions()
  // The folds are fixed by the seed: another outcome of one row may move all others, not its own.
  for (const row of [0, 57, 399]) {
    const place = matrix.test.indexOf(row)
    matrix.quality[row * 2] = 1 - matrix.quality[row * 2]!
    const after = predictions()
    for (const [level, { by }] of after.levels.entries()) for (const method of ['router', 'length', 'task_table'] as const) {
      assert.deepEqual(by[method].quality.slice(place * 2, place * 2 + 2), before.levels[level]!.by[method].quality.slice(place * 2, place * 2 + 2))
    }
    assert.notDeepEqual(after.levels.at(-1)!.by.router.quality, before.levels.at(-1)!.by.router.quality)
    matrix.quality[row * 2] = 1 - matrix.quality[row * 2]!
  }
})

test('bad lines are refused with their number and what is wrong', () => {
  for (const [line, message] of [['{', /Line 2 is not JSON/], ['[]', /Line 2 must be an object/], ['{"q":{"a":1}}', /Line 2: “prompt”/], ['{"prompt":"a"}', /Line 2: “q” must hold/], ['{"prompt":"a","q":{"a":1.5}}', /“q” of a is 1.5/], ['{"prompt":"a","q":{"a":1},"usd":{"a":-1}}', /“usd” of a/]] as const) {
    assert.throws(() => readOutcomes(`{"prompt":"x","q":{"a":1}}\n${line}`), (error) => error instanceof OutcomesError && message.test(error.message), line)
  }
  assert.throws(() => readOutcomes('\n'), OutcomesError)
  assert.throws(() => specOf(readOutcomes('{"prompt":"x","q":{"a":1}}')), /nothing to choose between/)
  for (const settings of ['{', '{}', '{"seeds":[1],"folds":1}', '{"seeds":[1],"folds":5,"labels":[0],"resamples":100,"pools":[{"name":"a","sets":["a"],"models":["a","b"],"pairs":[{"strong":"a","weak":"c"}]}]}']) assert.throws(() => readSpec(settings), OutcomesError, settings)
})

test('other words of the same wish are other words', () => {
  const text = 'Calculate which of the following large numbers is prime.'
  assert.ok(['typo', 'case', 'paraphrase'].every((how) => perturb(text.repeat(5), how as 'typo', seeded(2)) !== text.repeat(5)))
})

test('megarouter route eval finds that the small model serves one kind of prompt, and says so in text and JSON', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'megarouter-eval-'))
  try {
    const path = join(folder, 'outcomes.jsonl.gz')
    writeFileSync(path, gzipSync(file))
    let output = ''
    let errors = ''
    const io = { variables: {}, write: (text: string) => { output += text }, error: (text: string) => { errors += text }, epochMs: () => 0, random: (bytes: number) => new Uint8Array(bytes) }
    assert.equal(await run(['route', 'eval', path, '--json', '--resamples', '100'], io), 0)
    const { pools: [pool] } = JSON.parse(output) as { pools: [{ best: string; savings: { router: { saving: number[] }; hull: { saving: number[] } }; pairs: [{ by: { router: { apgr: number }; length: { apgr: number } } }] }] }
    assert.equal(pool.best, 'large')
    assert.ok(pool.savings.router.saving[1]! > pool.savings.hull.saving[1]! + 0.2, JSON.stringify(pool.savings))
    assert.ok(pool.pairs[0].by.router.apgr > 0.65)
    output = ''
    assert.equal(await run(['route', 'eval', path, '--resamples', '100'], io), 0)
    assert.match(output, /own: 400 prompts, 400 tested, 2 models[^]*mixing on the hull[^]*policy balanced/)
    writeFileSync(path, '{"prompt":1}')
    assert.equal(await run(['route', 'eval', path], io), 1)
    assert.match(errors, /Line 1: “prompt” must be a string/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
