/** What the gateway reads of Ollama's chat without translating it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splice } from '../../wire/json-edit.ts'
import { JsonScanner } from '../../wire/json-scanner.ts'
import { EventShape } from '../../wire/event-shape.ts'
import type { RequestShape } from '../protocol.ts'
import { ollamaChat } from './index.ts'

const [endpoint] = ollamaChat.endpoints

function scanned(body: unknown): { bytes: Buffer; scan: JsonScanner } {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: new Set() })
  scan.push(bytes)
  scan.end()
  return { bytes, scan }
}
const read = (body: unknown) => ollamaChat.readRequest(endpoint!, scanned(body).bytes, scanned(body).scan, {})
const shape = (body: object): RequestShape => ollamaChat.shapeOf(endpoint!, scanned({ model: 'm', messages: [], ...body }).bytes, scanned({ model: 'm', messages: [], ...body }).scan)
const event = (line: unknown) => ollamaChat.readEvent({ start: 0, end: 1, name: '', data: JSON.stringify(line), oversize: false }, new EventShape())

test('an answer streams unless the request says otherwise; the limit is an option, and a negative one is none', () => {
  const facts = { model: 'm', stream: true, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: false }
  assert.deepEqual(read({ model: 'm', messages: [] }), facts)
  assert.deepEqual(read({ model: 'm', messages: [], stream: null, options: { num_predict: -1 } }), facts)
  assert.deepEqual(read({ model: 'm', messages: [], stream: false, options: { num_predict: 5 }, think: false }), { ...facts, stream: false, maxOutputTokens: 5, reasoningOff: true })
  assert.deepEqual(read({ model: 'm', messages: [], options: { num_predict: 'x' } }), { message: 'The option "num_predict" must be a whole number.', param: 'options.num_predict' })
})

test('a limit takes the place of a larger one, or of none, wherever options stand', () => {
  const limited = (body: unknown): string => {
    const { bytes, scan } = scanned(body)
    return splice(bytes, ollamaChat.limitEdits!(bytes, scan, 10)).toString()
  }
  assert.equal(limited('{}'), '{"options":{"num_predict":10}}')
  assert.equal(limited('{"model":"m"}'), '{"model":"m","options":{"num_predict":10}}')
  assert.equal(limited('{"options":null}'), '{"options":{"num_predict":10}}')
  assert.equal(limited('{"options":{}}'), '{"options":{"num_predict":10}}')
  assert.equal(limited('{"a":1, "options" : {"num_ctx": 1}}'), '{"a":1, "options" : {"num_ctx": 1,"num_predict":10}}')
  assert.equal(limited('{"options":{"num_predict":11,"x":{"num_predict":99}}}'), '{"options":{"num_predict":10,"x":{"num_predict":99}}}')
  for (const none of ['-1', 'null', '"5"', '1.5']) assert.equal(limited(`{"options":{"num_predict":${none}}}`), '{"options":{"num_predict":10}}')
  assert.equal(limited('{"options":{"num_predict":9}}'), '{"options":{"num_predict":9}}')
  assert.equal(limited('{"options":{"num_predict":9,"num_predict":99},"options":{"seed":1}}'), '{"options":{"num_predict":9,"num_predict":10},"options":{"seed":1,"num_predict":10}}')
})

test('messages, tools and images are counted, and whatever is not known to be harmless is named', () => {
  const image = 'A'.repeat(1000)
  const counted = shape({ messages: [{ role: 'user', content: 'a', images: [image, image] }, { role: 'assistant', content: '', thinking: 't', tool_calls: [{ function: { name: 'f', arguments: {} } }] }, { role: 'tool', content: 'b', tool_name: 'f', tool_call_id: 'c', images: null }], tools: [{}, {}], options: { num_ctx: 1 }, keep_alive: '5m' })
  assert.deepEqual(counted, { messages: 3, tools: 2, prompts: 1, choices: 1, images: 2, imageBytes: 2 * (image.length + 2), media: null, mediaBytes: 0, serviceTier: null, extra: null })
  assert.equal(shape({ web_search: true }).extra, 'the field "web_search"')
  assert.equal(shape({ web_search: false }).extra, null)
  assert.equal(shape({ messages: [{ role: 'user', content: 'a', audio: 'x' }] }).media, 'the field "audio" of a message')
})

test('a line tells its output, and the last one why it ended and what it took', () => {
  const nothing = { meaningful: false, finished: false, done: false, usage: null, serviceTier: null, usageOnly: false, error: null, outputChars: 0 }
  assert.deepEqual(event({ message: { role: 'assistant', content: '' }, done: false }), nothing)
  assert.deepEqual(event({ message: { content: 'four', thinking: 'abc' }, done: false }), { ...nothing, meaningful: true, outputChars: 7 })
  assert.deepEqual(event({ message: { content: '', tool_calls: [{ id: 'c', function: { name: 'f', arguments: {} } }] } }).outputChars, '{"name":"f","arguments":{}}'.length)
  assert.deepEqual(event({ message: { content: '' }, done: true, done_reason: 'stop', eval_count: 3 }), { ...nothing, meaningful: true, finished: true, done: true, usage: { prompt_tokens: 0, completion_tokens: 3 } })
  assert.equal(event({ done: true }).finished, false)
  assert.equal(event({ error: 'no' }).error?.message, 'no')
  assert.deepEqual(event('text'), nothing)
})

test('an error has its class by its status and by what Ollama says', () => {
  const classOf = (status: number, error = ''): string => ollamaChat.classify(status, ollamaChat.readError(Buffer.from(JSON.stringify({ error }))))
  assert.equal(classOf(404, "model 'nonexistent-model:latest' not found"), 'not_found')
  assert.equal(classOf(400, 'the input length exceeds the context length'), 'context_window')
  assert.equal(classOf(500, 'the prompt is longer than the context length currently available to the model'), 'context_window')
  assert.equal(classOf(400, '"qwen2.5" does not support thinking'), 'request')
  assert.equal(classOf(503, 'server busy, please try again. maximum pending requests exceeded'), 'overloaded')
  assert.equal(classOf(500, 'model requires more system memory (8 GiB) than is available (4 GiB)'), 'server')
  assert.equal(classOf(429, 'you have reached your weekly usage limit'), 'quota')
  assert.equal(classOf(429, 'too many requests'), 'rate_limit')
  assert.deepEqual([401, 402, 403, 499, 504].map((status) => classOf(status)), ['auth', 'quota', 'auth', 'server', 'timeout'])
  assert.equal(ollamaChat.classify(200, null), 'server')
  assert.equal(ollamaChat.readError(Buffer.from('<html>')), null)
})

test('an error of the gateway is told as Ollama tells its own, and silence is kept alive by white space', () => {
  const said = { message: 'no "room"', status: 402, type: 'budget', code: 'budget_exceeded', param: null, requestId: 'req_1', fault: null }
  assert.equal(ollamaChat.errorBody(said), '{"error":"no \\"room\\"","code":"budget_exceeded","request_id":"req_1"}')
  assert.equal(ollamaChat.errorEvent(said), `${ollamaChat.errorBody(said)}\n`)
  assert.deepEqual(JSON.parse(`${ollamaChat.keepAlive}${ollamaChat.keepAlive}{"a":1}`), { a: 1 })
})
