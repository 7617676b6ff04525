import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normaliseUsage } from '../../catalog/usage.ts'
import { EventShape } from '../../wire/event-shape.ts'
import { splice } from '../../wire/json-edit.ts'
import { JsonScanner, noUniqueKeys } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { AnswerFacts, FaultClass, SaidError } from '../protocol.ts'
import { geminiGenerate } from './index.ts'

const endpoint = geminiGenerate.endpoints[0]!

function scanned(body: unknown): [Buffer, JsonScanner] {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: noUniqueKeys })
  scan.push(bytes)
  scan.end()
  assert.equal(scan.fault, null)
  return [bytes, scan]
}

test('a request’s model and way of answering stand in its path, its bounds in its body', () => {
  const read = (body: unknown) => geminiGenerate.readRequest(endpoint, ...scanned(body), { model: 'gemini-x', stream: true })
  const plain = { model: 'gemini-x', stream: true, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: false }
  assert.deepEqual(read({ contents: [] }), plain)
  assert.deepEqual(read({ contents: [], generationConfig: null }), plain)
  assert.deepEqual(read({ contents: [], generationConfig: { maxOutputTokens: null, candidateCount: null, thinkingConfig: null } }), plain)
  assert.deepEqual(read({ contents: [], generationConfig: { maxOutputTokens: 5, candidateCount: 3, thinkingConfig: { thinkingBudget: 0 } } }), { ...plain, maxOutputTokens: 5, choices: 3, reasoningOff: true })
  assert.deepEqual(read({ contents: [], generation_config: { max_output_tokens: '5', candidate_count: '3', thinking_config: { thinking_budget: '0' } } }), { ...plain, maxOutputTokens: 5, choices: 3, reasoningOff: true })
  // Of two spellings the larger bound is one that holds.
  assert.equal((read('{"generationConfig":{"maxOutputTokens":5},"generation\\u005fconfig":{"max_output_tokens":9,"maxOutputTokens":7}}') as { maxOutputTokens: number }).maxOutputTokens, 9)
  for (const limit of [1.5, 'many', true, {}, '']) assert.deepEqual(read({ generationConfig: { maxOutputTokens: limit } }), { message: 'The token limit must be a whole number.', param: 'generationConfig.maxOutputTokens' }, JSON.stringify(limit))
  for (const count of [0, 129, 'x', 1.5]) assert.match((read({ generationConfig: { candidateCount: count } }) as { message: string }).message, /candidateCount/)
})

test('a limit takes the place of a larger one or of none, wherever it stands, and no other byte changes', () => {
  for (const [before, after] of [
    ['{"contents":[]}', '{"contents":[],"generationConfig":{"maxOutputTokens":50}}'], ['{}', '{"generationConfig":{"maxOutputTokens":50}}'], ['{"generationConfig":null}', '{"generationConfig":{"maxOutputTokens":50}}'],
    ['{ "generationConfig" : { } }', '{ "generationConfig" : {"maxOutputTokens":50 } }'], ['{"generation_config":{"temperature": 1}}', '{"generation_config":{"temperature": 1,"maxOutputTokens":50}}'],
    ['{"generationConfig":{"maxOutputTokens": 51 ,"topK":1}}', '{"generationConfig":{"maxOutputTokens": 50 ,"topK":1}}'], ['{"generationConfig":{"max_output_tokens":"900"}}', '{"generationConfig":{"max_output_tokens":50}}'],
    ['{"generationConfig":{"maxOutputTokens":50}}', null], ['{"generationConfig":{"maxOutputTokens":"7"}}', null], ['{"generationConfig":{"maxOutputTokens":-1}}', '{"generationConfig":{"maxOutputTokens":50}}'],
    ['{"generationConfig":{"maxOutputTokens":null}}', '{"generationConfig":{"maxOutputTokens":50}}'], ['{"generationConfig":{"responseSchema":{"maxOutputTokens":999}}}', '{"generationConfig":{"responseSchema":{"maxOutputTokens":999},"maxOutputTokens":50}}'],
    ['{"generationConfig":{"maxOutputTokens":9},"generation_config":{}}', '{"generationConfig":{"maxOutputTokens":9},"generation_config":{"maxOutputTokens":50}}'],
  ] as const) {
    const [bytes, scan] = scanned(before)
    assert.equal(splice(bytes, geminiGenerate.limitEdits!(bytes, scan, 50)).toString(), after ?? before)
  }
})

const event = (data: unknown): SseEvent => ({ start: 0, end: 9, name: '', data: typeof data === 'string' ? data : JSON.stringify(data), oversize: false })
const read = (data: unknown, shape = new EventShape()) => geminiGenerate.readEvent(event(data), shape)
const quiet = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }

test('an event says how much it holds, whether it ends the answer, and what was used until then', () => {
  const piece = (parts: unknown[], change = {}) => ({ candidates: [{ content: { parts }, ...change }] })
  assert.deepEqual(read(piece([{ text: 'four' }])), { ...quiet, meaningful: true, outputChars: 4 })
  assert.deepEqual(read(piece([{ text: 'on it', thought: true }, { functionCall: { name: 'f', args: { a: ['bc'] } }, thoughtSignature: 'x'.repeat(900) }])), { ...quiet, meaningful: true, outputChars: 8 })
  assert.deepEqual(read(piece([{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }])), { ...quiet, meaningful: true, outputChars: 13 })
  assert.deepEqual(read(piece([{ text: '' }])), quiet)
  assert.deepEqual(read(piece([{ text: '' }], { finishReason: 'STOP' })), { ...quiet, meaningful: true, finished: true })
  assert.deepEqual(read(piece([{ text: 'x' }], { finishReason: 'FINISH_REASON_UNSPECIFIED' })).finished, false)
  assert.deepEqual(read({ promptFeedback: { blockReason: 'SAFETY' } }), { ...quiet, meaningful: true, finished: true })
  assert.deepEqual(read({ usageMetadata: { trafficType: 'ON_DEMAND_FLEX' } }), { ...quiet, serviceTier: 'flex' })
  const { usage, serviceTier } = read({ ...piece([{ text: 'x' }], { groundingMetadata: { webSearchQueries: ['a', 'b'] } }), modelVersion: 'gemini-3-pro', usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, thoughtsTokenCount: 3, totalTokenCount: 14, serviceTier: 'standard' } })
  assert.equal(serviceTier, 'standard')
  const { usage: classes, anomalous } = normaliseUsage(usage, geminiGenerate.usage!)!
  assert.deepEqual([classes.input, classes.output, classes.reasoning, classes.toolCalls, anomalous], [9, 2, 3, 2, false])
  for (const nothing of ['', 'junk', 'null', '[]', '7', '{}', '{"candidates":"x"}', '{"candidates":[null,{"content":{"parts":{}}}]}']) assert.deepEqual(read(nothing), quiet, nothing)
  assert.deepEqual(geminiGenerate.readEvent({ start: 10, end: 90, name: '', data: null, oversize: true }, new EventShape()), { ...quiet, meaningful: true, outputChars: 80 })
})

test('an error within a stream is read, alone or in a list', () => {
  const said = { code: 'RESOURCE_EXHAUSTED', type: 'RESOURCE_EXHAUSTED', message: 'slow down', status: 429 }
  for (const data of [{ error: { code: 429, message: 'slow down', status: 'RESOURCE_EXHAUSTED' } }, [{ error: { code: 429, message: 'slow down', status: 'RESOURCE_EXHAUSTED' } }]]) assert.deepEqual(read(data), { ...quiet, error: said })
})

test('events without a count of their own are known by their shape', () => {
  const shape = new EventShape()
  const data = (text: string): string => `{"candidates": [{"content": {"role": "model","parts": [{"text": ${JSON.stringify(text)}}]}}],"usageMetadata": {"trafficType": "ON_DEMAND"},"responseId": "r"}`
  assert.deepEqual(read(data('one'), shape), { ...quiet, meaningful: true, outputChars: 3 })
  assert.equal(shape.textLength(data('three')), 5)
  assert.deepEqual(read(data('three'), shape), { ...quiet, meaningful: true, outputChars: 5 })
})

test('keep-alives are answers that say nothing', () => {
  assert.deepEqual(read(geminiGenerate.keepAlive.slice('data: '.length).trim()), quiet)
})

const answered = (body: unknown): AnswerFacts => geminiGenerate.readAnswer(...scanned(body))

test('an answer says what was used, and how much it holds where the vendor does not count it', () => {
  const body = { candidates: [{ content: { parts: [{ text: 'hello' }] }, groundingMetadata: { webSearchQueries: ['q'] } }], modelVersion: 'gemini-2.5-flash' }
  const counted = answered({ ...body, usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1, totalTokenCount: 4, serviceTier: 'priority' } })
  assert.deepEqual([counted.serviceTier, counted.error, normaliseUsage(counted.usage, geminiGenerate.usage!)!.usage.toolCalls], ['priority', null, 1])
  assert.equal(counted.usageMember!.key, 'usageMetadata')
  assert.deepEqual(answered(body), { usage: null, serviceTier: null, usageMember: undefined, error: null, outputChars: 5 })
  assert.equal(answered({ error: { code: 500, message: 'x' } }).error?.status, 500)
})

test('errors are classed by what Google means with them', () => {
  const quota = (quotaId: string) => [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId }] }, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34s' }]
  const info = (reason: string) => [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason }]
  for (const [code, status, message, expected, details] of [
    [400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', 'auth', info('API_KEY_INVALID')], [400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.', 'auth'],
    [400, 'FAILED_PRECONDITION', 'Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.', 'quota'],
    [400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).', 'context_window'],
    [400, 'INVALID_ARGUMENT', 'Unable to submit request because the input token count is 40000 but model only supports up to 32767.', 'context_window'],
    [400, 'INVALID_ARGUMENT', 'The prompt violates Google’s Responsible AI practices.', 'content_policy'], [400, 'INVALID_ARGUMENT', 'Function call is missing a thought_signature in functionCall parts.', 'request'],
    [401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.', 'auth'], [403, 'PERMISSION_DENIED', 'Permission denied on resource project x.', 'auth', info('CONSUMER_INVALID')],
    [403, 'PERMISSION_DENIED', 'This API method requires billing to be enabled.', 'quota', info('BILLING_DISABLED')], [404, 'NOT_FOUND', 'models/x is not found for API version v1beta.', 'not_found'],
    [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.', 'rate_limit', quota('GenerateRequestsPerMinutePerProjectPerModel-FreeTier')],
    [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.', 'quota', quota('GenerateRequestsPerDayPerProjectPerModel-FreeTier')], [429, 'RESOURCE_EXHAUSTED', 'Resource exhausted. Please try again later.', 'rate_limit'],
    [499, 'CANCELLED', 'The operation was cancelled.', 'timeout'], [500, 'INTERNAL', 'An internal error has occurred.', 'server'], [503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.', 'overloaded'], [504, 'DEADLINE_EXCEEDED', 'Deadline expired.', 'timeout'],
  ] as [number, string, string, FaultClass, object[]?][]) {
    const body = { error: { code, status, message, ...(details ? { details } : {}) } }
    for (const each of [body, [body]]) {
      const fault = geminiGenerate.readError(Buffer.from(JSON.stringify(each)))
      assert.deepEqual([fault?.status, fault?.type, fault?.message], [code, status, message])
      assert.equal(geminiGenerate.classify(code, fault), expected, message)
      // In a stream, whose own status was 200.
      assert.equal(geminiGenerate.classify(0, fault), expected, message)
    }
  }
  assert.equal(geminiGenerate.readError(Buffer.from(JSON.stringify({ error: { code: 429, message: 'x', details: quota('PerDay') } })))!.code, 'PerDay')
  for (const body of ['', '<html>', '[]', '{}', 'null', '{"error":null}', '["x"]']) assert.equal(geminiGenerate.readError(Buffer.from(body)), null, body)
  assert.equal(geminiGenerate.classify(502, null), 'server')
})

test('when to come again stands in a RetryInfo, as vendors and as the gateway tell it', () => {
  const retry = (retryDelay: unknown): number | undefined => geminiGenerate.readError(Buffer.from(JSON.stringify({ error: { code: 429, message: 'x', details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }] } })))!.retryAfterMs
  assert.deepEqual(['34.074824224s', '0s', '2s'].map(retry), [34_075, 0, 2_000])
  for (const wrong of ['34', '-1s', 's', '1e3s', 5, null, '99999999999s']) assert.equal(retry(wrong), undefined, String(wrong))
  const error: SaidError = { message: 'x', status: 429, type: 'rate_limit', code: 'rate_limit_exceeded', param: null, requestId: 'r', fault: null, retryAfterMs: 1_500 }
  assert.equal(geminiGenerate.readError(Buffer.from(geminiGenerate.errorBody(error)))!.retryAfterMs, 2_000)
})

test('the gateway’s own errors have Google’s form', () => {
  const error: SaidError = { message: 'The budget is spent.', status: 402, type: 'budget', code: 'budget_exceeded', param: null, requestId: 'req_1', fault: null }
  assert.deepEqual(JSON.parse(geminiGenerate.errorBody(error)), { error: {
    code: 402, message: 'The budget is spent.', status: 'FAILED_PRECONDITION',
    details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'BUDGET_EXCEEDED', domain: 'megarouter', metadata: { type: 'budget', request_id: 'req_1' } }],
  } })
  for (const [status, name] of [[400, 'INVALID_ARGUMENT'], [401, 'UNAUTHENTICATED'], [403, 'PERMISSION_DENIED'], [404, 'NOT_FOUND'], [429, 'RESOURCE_EXHAUSTED'], [503, 'UNAVAILABLE'], [418, 'INVALID_ARGUMENT'], [599, 'INTERNAL']] as const) {
    const body = geminiGenerate.errorBody({ ...error, status, param: 'contents' })
    assert.equal((JSON.parse(body) as { error: { status: string } }).error.status, name)
    const fault = geminiGenerate.readError(Buffer.from(body))!
    assert.deepEqual([fault.status, fault.message, fault.code], [status, 'The budget is spent.', 'BUDGET_EXCEEDED'])
    assert.deepEqual(JSON.parse(geminiGenerate.errorEvent({ ...error, status, param: 'contents' })), JSON.parse(body))
  }
})
