import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { matchesModel } from './model-patterns.ts'

test('a list allows exact names and globs, nothing else', () => {
  const cases: [string, string, boolean][] = [
    ['gpt-5.1', 'gpt-5.1', true],
    ['gpt-5.1', 'gpt-5.1-mini', false],
    ['gpt-5.1', 'gpt-501', false],
    ['gpt-*', 'gpt-', true],
    ['gpt-*', 'my-gpt-5', false],
    ['*-mini', 'gpt-5-mini', true],
    ['*', '', true],
    ['openai/*', 'openai/gpt-5.1', true],
    ['a*a', 'a', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c', false],
    ['a*bc*c', 'abc', false],
    ['**x**', 'x', true],
    ['GPT-*', 'gpt-5', false],
  ]
  for (const [pattern, name, expected] of cases) assert.equal(matchesModel([pattern], name), expected, `${pattern} on ${name}`)
})

test('no list allows everything, an empty list nothing', () => {
  assert.equal(matchesModel(null, 'any'), true)
  assert.equal(matchesModel([], 'any'), false)
})

test('it agrees with the definition of a glob', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  const naive = (pattern: string, name: string): boolean =>
    pattern === '' ? name === '' : pattern[0] === '*'
      ? naive(pattern.slice(1), name) || (name !== '' && naive(pattern, name.slice(1)))
      : name[0] === pattern[0] && naive(pattern.slice(1), name.slice(1))
  fc.assert(fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, name) => {
    assert.equal(matchesModel([pattern], name), naive(pattern, name))
  }), { numRuns: 2000 })
})
