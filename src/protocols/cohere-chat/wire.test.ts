/** What the gateway reads of Cohere's chat without translating it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splice } from '../../wire/json-edit.ts'
import { JsonScanner } from '../../wire/json-scanner.ts'
import type { RequestShape } from '../protocol.ts'
import { cohereChat } from './index.ts'

const [endpoint] = cohereChat.endpoints

function scanned(body: unknown): { bytes: Buffer; scan: JsonScanner } {
  const bytes = Buffer.from(JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: new Set() })
  scan.push(bytes)
  scan.end()
  return { bytes, scan }
}
const read = (body: unknown) => cohereChat.readRequest(endpoint!, scanned(body).bytes, scanned(body).scan, {})
const shape = (body: object): RequestShape => cohereChat.shapeOf(endpoint!, scanned({ model: 'm', messages: [], ...body }).bytes, scanned({ model: 'm', messages: [], ...body }).scan)

test('model, stream, limit and thinking are read', () => {
  const facts = { model: 'm', stream: false, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: false }
  assert.deepEqual(read({ model: 'm', messages: [] }), facts)
  assert.deepEqual(read({ model: 'm', messages: [], stream: true, max_tokens: 5, thinking: { type: 'disabled' } }), { ...facts, stream: true, maxOutputTokens: 5, reasoningOff: true })
  for (const limit of [-1, 1.5]) assert.deepEqual(read({ model: 'm', messages: [], max_tokens: limit }), { message: 'The field "max_tokens" must be a whole number of 0 or more.', param: 'max_tokens' })
})

test('a limit takes the place of a larger one, or of none', () => {
  const limited = (body: object): unknown => {
    const { bytes, scan } = scanned(body)
    return JSON.parse(splice(bytes, cohereChat.limitEdits!(bytes, scan, 10)).toString())
  }
  assert.deepEqual(limited({}), { max_tokens: 10 })
  assert.deepEqual(limited({ a: 1 }), { a: 1, max_tokens: 10 })
  assert.deepEqual(limited({ max_tokens: null }), { max_tokens: 10 })
  assert.deepEqual(limited({ max_tokens: 11, a: 1 }), { max_tokens: 10, a: 1 })
  assert.deepEqual(limited({ max_tokens: 9 }), { max_tokens: 9 })
})

test('messages, documents, tools and images are counted', () => {
  const url = `data:image/png;base64,${'A'.repeat(1000)}`
  const counted = shape({
    messages: [{ role: 'system', content: 'a' }, { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: { url } }, { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] },
      { role: 'assistant', tool_plan: 'p', tool_calls: [], citations: [], content: null }, { role: 'tool', tool_call_id: 'c', content: [{ type: 'document', document: { data: {} } }] }],
    documents: ['a', { data: { text: 'b' } }], tools: [{ type: 'function', function: {} }], citation_options: { mode: 'OFF' }, k: 1, priority: 3,
  })
  assert.deepEqual(counted, { messages: 6, tools: 1, prompts: 1, choices: 1, images: 2, imageBytes: url.length + 2, media: null, mediaBytes: 0, serviceTier: null, extra: null })
})

test('whatever is not known to be harmless is named', () => {
  assert.equal(shape({ connectors: [{ id: 'web-search' }] }).extra, 'the field "connectors"')
  assert.equal(shape({ connectors: [], raw_prompting: false }).extra, null)
  assert.equal(shape({ tools: [{ type: 'web_search' }] }).extra, 'a tool of the type "web_search"')
  assert.equal(shape({ messages: [{ role: 'user', content: [{ type: 'audio', audio: {} }] }] }).media, 'a part of the type "audio"')
  assert.equal(shape({ messages: [{ role: 'user', content: [{ text: 'x' }] }] }).media, 'a part without a type')
  assert.equal(shape({ messages: [{ role: 'user', content: [{ type: 'text', image_url: { url: 'https://a' } }] }] }).media, 'a part of the type "text"')
  assert.equal(shape({ messages: [{ role: 'user', content: 'a', audio: {} }] }).media, 'the field "audio" of a message')
})

test('an error has its class by its status and by what Cohere says', () => {
  const classOf = (status: number, message = ''): string => cohereChat.classify(status, cohereChat.readError(Buffer.from(JSON.stringify({ id: 'x', message }))))
  assert.equal(classOf(400, 'too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.'), 'context_window')
  assert.equal(classOf(400, 'too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer inputs'), 'context_window')
  assert.equal(classOf(400, 'too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model - received 8192.'), 'request')
  assert.equal(classOf(400, 'invalid request: temperature must be between 0 and 1.0 inclusive.'), 'request')
  assert.equal(classOf(401, 'invalid api token'), 'auth')
  assert.equal(classOf(402, 'Please add or update your payment method'), 'quota')
  assert.equal(classOf(404, "model 'x' not found"), 'not_found')
  assert.equal(classOf(429, 'You are using a Trial key, which is limited to 40 API calls / minute.'), 'rate_limit')
  assert.equal(classOf(429, 'You are using a Trial key, which is limited to 1000 API calls / month.'), 'quota')
  assert.deepEqual([498, 499, 500, 501, 503, 504].map((status) => classOf(status)), ['content_policy', 'server', 'server', 'request', 'overloaded', 'timeout'])
  assert.equal(cohereChat.classify(200, null), 'server')
  assert.equal(cohereChat.readError(Buffer.from('<html>')), null)
})

test('an error of the gateway is told as Cohere tells its own', () => {
  const said = { message: 'no "room"', status: 402, type: 'budget', code: 'budget_exceeded', param: null, requestId: 'req_1', fault: null }
  assert.deepEqual(JSON.parse(cohereChat.errorBody(said)), { id: 'req_1', message: 'no "room"', code: 'budget_exceeded' })
  assert.equal(cohereChat.errorEvent(said), 'event: message-end\ndata: {"type":"message-end","id":"req_1","delta":{"error":"no \\"room\\"","finish_reason":"ERROR"}}\n\n')
})

test('an answer whose generation failed is an error, and one without usage is measured', () => {
  const facts = (body: unknown) => cohereChat.readAnswer(scanned(body).bytes, scanned(body).scan)
  assert.equal(facts({ finish_reason: 'ERROR', message: { role: 'assistant', content: [] } }).error?.type, 'ERROR')
  assert.equal(facts({ id: 'x', message: 'model not found' }).error?.message, 'model not found')
  assert.deepEqual(facts({ finish_reason: 'COMPLETE', message: { role: 'assistant', content: [{ type: 'text', text: 'four' }] } }), { usage: null, serviceTier: null, usageMember: undefined, error: null, outputChars: 4 })
})
