/**
 * Every pair of formats: what the capability matrix says that both carry is the same behind the first and behind the second, whatever of
 * it a conversation holds and however the bytes of a stream are cut. MEGAROUTER_PROOF=1: 10,000 cases a pair.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { ChatAnswer, ChatUsage } from '../../src/protocols/canonical.ts'
import { page } from '../../scripts/capabilities-table.ts'
import { spread } from '../../src/protocols/whole.ts'
import { answerFeatures, requestFeatures } from './capabilities.ts'
import { answerEssence, answerHop, answerOf, assembled, carriedAnswers, carriedRequests, collected, draws, essence, hop, requestWay, shared, sides, streamHop, type Side } from './pairs.ts'

const numRuns = process.env['MEGAROUTER_PROOF'] === '1' ? 10_000 : 500

/** The quick comparison first. */
const same = (got: unknown, wanted: unknown, name: string): void => { if (!isDeepStrictEqual(got, wanted)) assert.deepEqual(got, wanted, name) }

const pairs = sides.flatMap((first, a) => sides.map((second, b) => ({ first, second, a, b, name: `${first.title} → ${second.title}` })))
const requests = sides.map(carriedRequests)
const answers = sides.map(carriedAnswers)
const counted = `${numRuns} cases of each of ${pairs.length} pairs`

test('a request is the same behind each of two formats, for what both carry', (t) => {
  let held = 0
  fc.assert(fc.property(draws(requestFeatures, 4), (drawn) => {
    for (const { first, second, a, b, name } of pairs) {
      const pieces = shared(requestFeatures, drawn, (index) => requests[a]![index]! && requests[b]![index]!)
      held += pieces.length
      const request = assembled(pieces)
      const once = hop(request, first)
      const meant = essence(request)
      same(essence(once.request), meant, name)
      const twice = hop(once.request, second)
      same(essence(twice.request), meant, name)
      same([...once.losses, ...twice.losses].filter(({ kind }) => kind === 'meaning'), [], name)
    }
  }), { numRuns })
  t.diagnostic(`${counted}, ${(held / numRuns / pairs.length).toFixed(1)} features in a request`)
})

function throughBoth(of: 'whole' | 'stream', pass: (answer: ChatAnswer, side: Side, size: number) => ChatAnswer): void {
  fc.assert(fc.property(draws(answerFeatures, 3), fc.integer({ min: 1, max: 400 }), (drawn, size) => {
    for (const { first, second, a, b, name } of pairs) {
      const answer = answerOf(shared(answerFeatures, drawn, (index) => answers[a]![index]![of] && answers[b]![index]![of]))
      const once = pass(answer, first, size)
      const meant = answerEssence(answer)
      same(answerEssence(once), meant, name)
      same(answerEssence(pass(once, second, size)), meant, name)
    }
  }), { numRuns })
}

test('an answer is the same behind each of two formats, for what both carry', (t) => {
  throughBoth('whole', answerHop)
  t.diagnostic(counted)
})

test('a stream is the same behind each of two formats, for what both carry and any cut of its bytes', (t) => {
  throughBoth('stream', (answer, side, size) => collected(streamHop([...spread(answer)], side, size)))
  t.diagnostic(counted)
})

const allTokens = (usage: ChatUsage): number => Object.entries(usage).reduce((sum, [key, count]) => (key === 'searches' ? sum : sum + count), 0)
const textsIn = ({ choices }: ChatAnswer): string => choices.filter(({ index }) => index === 0).flatMap(({ parts }) => parts.map((part) => (part.type === 'text' || part.type === 'refusal' ? part.text : ''))).join('').replaceAll('[an image that this format cannot carry]', '')
const callsIn = ({ choices }: ChatAnswer): string[] => choices.filter(({ index }) => index === 0).flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'toolCall' ? [`${part.name} ${JSON.stringify(JSON.parse(part.arguments))}`] : [])))

test('of whatever an answer holds, its words, its calls and the sum of its tokens survive every pair', (t) => {
  fc.assert(fc.property(draws(answerFeatures, 3), (drawn) => {
    const answer = answerOf(shared(answerFeatures, drawn, () => true))
    for (const { first, second, name } of pairs) {
      const got = answerHop(answerHop(answer, first), second)
      same([textsIn(got), callsIn(got), allTokens(got.usage!)], [textsIn(answer), callsIn(answer), allTokens(answer.usage!)], name)
    }
  }), { numRuns })
  t.diagnostic(counted)
})

test('docs/capabilities.md is what the codecs do', () => {
  assert.ok(readFileSync(new URL('../../docs/capabilities.md', import.meta.url), 'utf8') === page(), 'It is out of date: node scripts/capabilities-table.ts')
})

/** What every chat needs, and the formats that have no way to say it. */
const floor: Record<string, string[]> = {
  'instructions': [], 'earlier answers': [], 'images (base64)': [], 'functions': [], 'a call and its result': [], 'several calls at once': [], 'choice: any': ['Ollama'], 'JSON by a schema': [], 'stop sequences': ['Responses'],
  'temperature': [], '`top_p`': [], 'output limit': [], 'by effort': [], 'off': [],
}

test('what every chat needs is said in every format that has a word for it', () => {
  const lost = Object.keys(floor).map((what) => [what, sides.filter((side) => requestWay(requestFeatures.find((each) => each.what === what)!, side).is === 'meaning').map(({ title }) => title)])
  assert.deepEqual(Object.fromEntries(lost), floor)
})
