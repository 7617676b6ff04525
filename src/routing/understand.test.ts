import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { ArtefactError, readArtefact, type ArtefactFile } from './artefact.ts'
import { Features } from './features.ts'
import { loadArtefact } from './load.ts'
import { textCap, wantedText } from './prompt-text.ts'
import { taskTypes } from './tasks.ts'
import { Understander } from './understand.ts'

const understander = new Understander(loadArtefact())
const taskOf = (text: string): string => taskTypes[understander.understand(text).tasks[0]!]!
const gramsOf = (text: string): number[] => {
  const features = new Features()
  features.read(text)
  return Array.from(features.grams.slice(0, features.gramCount)).toSorted((a, b) => a - b)
}

test('case, wide letters, invisible characters, other numbers and stretched words are the same words', () => {
  const plain = gramsOf('Write a function that sorts 12 numbers')
  for (const dressed of ['WRITE A FUNCTION THAT SORTS 12 NUMBERS', 'Ｗｒｉｔｅ a function that sorts 12 numbers', 'Wri\u200bte a fun\u00adction that sorts 12 numbers', 'Write a function that sorts 999 numbers', 'Write a functionnnnnn that sorts 12 numbers'.replace('nnnnnn', 'nn')]) {
    const found = gramsOf(dressed)
    assert.ok(found.filter((gram) => plain.includes(gram)).length >= plain.length - 3, dressed)
  }
  assert.deepEqual(gramsOf('WRITE A FUNCTION THAT SORTS 12 NUMBERS'), plain)
})

test('repeating a word a thousand times counts it once', () => {
  assert.ok(gramsOf('proof '.repeat(1_000)).length <= 3)
})

test('blocks that tools put before the words do not count, and a block alone does', () => {
  assert.equal(wantedText('<system-reminder>\nLong rules about code.\n</system-reminder>\n<environment_context><cwd>x</cwd></environment_context>\nTranslate this into French.'), 'Translate this into French.')
  assert.equal(wantedText('<system-reminder>not closed'), '<system-reminder>not closed')
  assert.equal(wantedText('<div>Explain this tag</div>'), '<div>Explain this tag</div>')
  assert.equal(wantedText('<my-note>only this</my-note>'), '<my-note>only this</my-note>')
})

test('of a long text the start and the end are looked at, never more than the cap', () => {
  const text = wantedText(`start ${'x '.repeat(100_000)} the end`)
  assert.ok(text.length <= textCap && text.startsWith('start') && text.endsWith('the end'))
})

test('whatever the text, weights add up to one and every signal is a bounded number', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 3_000 }), fc.string({ maxLength: 500 }), fc.constantFrom('', '\u0000', '\ud800', '<a-b>', '你好世界', '🙂'.repeat(50))), (text) => {
    const { tasks, weights, hardness, signals, chars } = understander.understand(text)
    assert.ok(Math.abs(weights.reduce((sum, each) => sum + each, 0) - 1) < 1e-5)
    assert.ok(Math.abs(hardness.reduce((sum, each) => sum + each, 0) - 1) < 1e-5)
    assert.ok(tasks.length > 0 && new Set(tasks).size === tasks.length && chars <= textCap)
    assert.ok(signals.every((each) => Number.isFinite(each) && Math.abs(each) <= 2))
  }))
})

test('the kind of a plain request is told', () => {
  const known: readonly (readonly [string, string])[] = [
    ['Write a Python function that reverses a linked list.', 'coding'], ['Translate the following sentence into Spanish: the weather is nice.', 'translation'], ['Summarize this article in three bullet points.', 'summarisation'],
    ['Write a poem about the sea.', 'writing'], ['Hello, how are you?', 'chat'], ['Extract all dates and names from the text as JSON.', 'extraction'], ['Classify the sentiment of this review as positive or negative.', 'classification'],
  ]
  for (const [text, task] of known) assert.equal(taskOf(text), task, text)
})

test('languages are told by their words or signs', () => {
  const known = { de: 'Bitte erkläre mir, was der Unterschied zwischen dem und das ist', fr: 'Quelle est la capitale de la France et pourquoi', zh: '请把下面的文章翻译成英文', ja: 'これはどういう意味ですか', ru: 'Объясни, пожалуйста, как это работает', en: 'What is the capital of France and why' }
  for (const [language, text] of Object.entries(known)) assert.equal(understander.understand(text).language, language, text)
})

test('tools and images say by themselves what a request is', () => {
  assert.equal(taskTypes[understander.understand('go on', { tools: true, images: false }).tasks[0]!], 'tool_use')
  assert.equal(taskTypes[understander.understand('go on', { tools: false, images: true }).tasks[0]!], 'vision')
})

test('the artefact is small, knows no model, and a damaged one is refused with what to do', () => {
  const url = new URL('artefact.json', import.meta.url)
  assert.ok(statSync(url).size <= 5 * 1024 ** 2)
  const text = readFileSync(url, 'utf8')
  const { pools } = JSON.parse(readFileSync(new URL('../../bench/route-eval.json', import.meta.url), 'utf8')) as { pools: { models: string[] }[] }
  for (const { models } of pools) for (const model of models) assert.ok(!text.includes(model), model)
  const file = JSON.parse(text) as ArtefactFile
  for (const broken of [{ ...file, format: 9 }, { ...file, tasks: ['chat'] }, { ...file, bias: [1] }, { ...file, weights: { ...file.weights, int8: 'AAAA' } }]) assert.throws(() => readArtefact(broken), ArtefactError)
})
