import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HealthBook, rememberedDeployments } from './health.ts'

test('however many names clients think of, the book stays bounded, and keeps what is in flight and what rests', () => {
  const book = new HealthBook()
  book.enter('busy', 0)
  for (let failure = 0; failure < 5; failure++) {
    book.enter('resting', 0)
    book.done('resting', 'server', 0)
  }
  for (let index = 0; index < 3 * rememberedDeployments; index++) {
    book.enter(`made up ${index}`, 1_000)
    book.done(`made up ${index}`, index % 2 === 0 ? null : 'server', 1_000)
  }
  const all = book.all(1_000)
  assert.equal(all.length, rememberedDeployments)
  assert.deepEqual(all.slice(0, 2).map(({ id, state, inFlight }) => [id, state, inFlight]), [['busy', 'closed', 1], ['resting', 'open', 0]])
  assert.equal(book.enter('resting', 4_999), false)
  assert.equal(all.at(-1)!.id, `made up ${3 * rememberedDeployments - 1}`)
})
