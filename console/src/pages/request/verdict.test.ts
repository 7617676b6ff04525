import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noUsage } from '../../../../src/catalog/price.ts'
import type { Attempt, RequestDetail } from '../../api-types.ts'
import { chargeWords, verdict, wasBilled } from './verdict.ts'

const attempt = (more: Partial<Attempt>): Attempt => ({
  number: 1,
  vendor: 'openai',
  provider: 'openai',
  deployment: 'openai/gpt-5.1',
  upstream_model: 'gpt-5.1',
  outcome: 'success',
  status: 200,
  error_code: null,
  error_text: null,
  upstream_request_id: null,
  started_ms: 1,
  first_token_ms: 500,
  ended_ms: 413,
  usage: noUsage(),
  model: 'gpt-5.1',
  cost_nano: 0,
  price_version: null,
  flags: [],
  final: true,
  ledger: null,
  cost_by_class: [],
  ...more,
})
const request = (more: Partial<RequestDetail>) =>
  ({
    outcome: 'success',
    model_asked: 'gpt-5.1',
    model: 'gpt-5.1',
    attempts: [attempt({})],
    error_text: null,
    total_ms: 900,
    output_tokens: 12,
    cost_nano: 2e6,
    ...more,
  }) as RequestDetail
const say = (more: Partial<RequestDetail>): string =>
  verdict(request(more))
    .parts.map((part) => part.text)
    .join('')

test('a served request names who served it and why the first choice did not', () => {
  assert.equal(say({}), 'openai/gpt-5.1 served it on the first attempt.')
  const attempts = [attempt({ outcome: 'upstream_error', status: 429, final: false }), attempt({ number: 2, provider: 'groq', upstream_model: 'llama' })]
  assert.equal(
    say({ attempts, model_asked: 'fast' }),
    'groq/llama served it on the second attempt. The first choice, openai/gpt-5.1, was rate limited after 412 ms. Asked for as fast.',
  )
})
test('a refusal says that nothing was sent and why', () => {
  assert.equal(
    say({ outcome: 'refused', attempts: [], error_text: 'Key ci has used its budget' }),
    'Refused by MegaRouter, nothing was sent or billed. Key ci has used its budget.',
  )
})
test('failures, cuts and cancellations each say what the caller saw', () => {
  assert.equal(
    say({ outcome: 'failed', attempts: [attempt({ outcome: 'connect_failed', status: 0, ended_ms: 11 })] }),
    'The attempt failed: openai/gpt-5.1 could not be reached after 10 ms.',
  )
  assert.equal(say({ outcome: 'broken' }), 'openai/gpt-5.1 broke off after 12 tokens; the caller got an error at the end of the stream.')
  assert.equal(say({ outcome: 'cancelled' }), 'The caller left after 900 ms, while openai/gpt-5.1 was answering. What was delivered is billed: $0.0020.')
  assert.equal(wasBilled(attempt({ flags: ['uncertain'] })), 'It is unknown whether it was billed')
})
test('what the gateway paid is told apart from what was billed, and nothing is said to be free before the ledger has it', () => {
  const paid = { kind: 'void', tenant_nano: 0, overhead_nano: 1_200_000 } as const
  assert.equal(wasBilled(attempt({ ledger: paid })), '$0.0012 paid by the gateway')
  assert.equal(wasBilled(attempt({ ledger: paid, flags: ['uncertain'] })), 'It is unknown whether it was billed; $0.0012 paid by the gateway')
  assert.equal(chargeWords(attempt({ ledger: paid })), 'hold released, nothing due; $0.001200 paid by the gateway')
  assert.equal(chargeWords(attempt({ ledger: { kind: 'settle', tenant_nano: 5e9, overhead_nano: 3 } })), 'settled $5.000000; $0.000000003 paid by the gateway')
  assert.equal(chargeWords(attempt({ ledger: { kind: 'void', tenant_nano: 0, overhead_nano: 0 } })), 'hold released, nothing due')
  assert.equal(chargeWords(attempt({})), 'not in the ledger, or not yet')
})
