/** Values as vendors really send them: recorded or documented ones of OpenAI, Groq, Cerebras, OpenRouter, Venice, Azure and Anthropic. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resetMs, retryAfterMs, spentForMs } from './cooldown.ts'

const now = Date.parse('2025-10-15T17:29:16Z')

test('a reset is read in every form that vendors use', () => {
  const forms: [string, number | null][] = [
    ['6m0s', 360_000], ['1s', 1_000], ['20ms', 20], ['120ms', 120], ['1h2m3s', 3_723_000], ['7.66s', 7_660], ['2m59.56s', 179_560], ['0s', 0], ['1d', 86_400_000],
    ['21.17116904258728', 21_171.16904258728], ['46', 46_000], ['0', 0],
    [String(now + 30_000), 30_000], [String(now / 1000 + 30), 30_000], ['2025-10-15T17:29:17Z', 1_000], ['Wed, 15 Oct 2025 17:30:16 GMT', 60_000],
  ]
  for (const [text, ms] of forms) assert.equal(resetMs(text, now), ms, text)
})

test('a reset that has passed is 0, and what cannot be read says nothing', () => {
  for (const past of [String(now - 5_000), '2025-10-15T17:29:00Z', '-3']) assert.equal(resetMs(past, now), 0, past)
  for (const bad of ['', 'soon', '5 apples', 'NaN', 'Infinity', 's', '1s2', `${'1s'.repeat(100)}`]) assert.equal(resetMs(bad, now), null, bad)
  for (const bad of [undefined, ['1s', '2s']]) assert.equal(resetMs(bad, now), null)
})

test('the last of the windows that are used up counts, by the names of each family', () => {
  assert.equal(spentForMs('openai', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' }, now), 360_000)
  assert.equal(spentForMs('openai', { 'x-ratelimit-remaining-requests': '99', 'x-ratelimit-reset-requests': '6m0s', 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, now), 20)
  assert.equal(spentForMs('cerebras', { 'x-ratelimit-remaining-tokens-minute': '0', 'x-ratelimit-reset-tokens-minute': '14.5' }, now), 14_500)
  assert.equal(spentForMs('openrouter', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now + 9_000) }, now), 9_000)
  assert.equal(spentForMs('anthropic', { 'anthropic-ratelimit-output-tokens-remaining': '0', 'anthropic-ratelimit-output-tokens-reset': '2025-10-15T17:30:16Z' }, now), 60_000)
  assert.equal(spentForMs('digitalocean', { 'ratelimit-remaining': '0', 'ratelimit-reset': '12' }, now), 12_000)
  assert.equal(spentForMs('mistral', { 'ratelimitbysize-remaining': '0', 'ratelimitbysize-reset': '46' }, now), 46_000)
  assert.equal(spentForMs(null, { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }, now), 1_000)
})

test('what is not used up, has no limit, or has no end that can be read, rests nothing', () => {
  assert.equal(spentForMs('openai', { 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-reset-requests': '1s' }, now), null)
  assert.equal(spentForMs('openai', { 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '0' }, now), null)
  assert.equal(spentForMs('openai', { 'x-ratelimit-remaining-requests': '0' }, now), null)
  assert.equal(spentForMs('openai', { 'x-ratelimit-remaining-requests': '', 'x-ratelimit-reset-requests': '1s' }, now), null)
  const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }
  assert.deepEqual([spentForMs('fireworks', headers, now), spentForMs('anthropic', headers, now)], [null, null])
})

test('retry-after is read in ms, seconds and as a date, never below 0', () => {
  assert.equal(retryAfterMs({ 'retry-after-ms': '250', 'retry-after': '9' }, now), 250)
  assert.equal(retryAfterMs({ 'retry-after': '1.5' }, now), 1_500)
  assert.equal(retryAfterMs({ 'retry-after': 'Wed, 15 Oct 2025 17:29:46 GMT' }, now), 30_000)
  assert.equal(retryAfterMs({ 'retry-after': 'Wed, 15 Oct 2025 17:00:00 GMT' }, now), 0)
  for (const value of ['-5', 'later', '', undefined]) assert.notEqual(retryAfterMs({ 'retry-after': value }, now), -5_000)
  assert.equal(retryAfterMs({ 'retry-after': 'later' }, now), null)
})
