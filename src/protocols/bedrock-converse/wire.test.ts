import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { recordings } from '../../../test/fixtures/recorded.ts'
import { toolNames } from '../../../test/protocols/bedrock-converse.arbitrary.ts'
import { AwsEventScanner, exceptionName, exceptionOf } from '../../wire/aws-event-stream.ts'
import { EventShape } from '../../wire/event-shape.ts'
import { splice } from '../../wire/json-edit.ts'
import { JsonScanner } from '../../wire/json-scanner.ts'
import type { SseEvent } from '../../wire/sse-scanner.ts'
import type { Json } from '../canonical.ts'
import type { EventFacts, RequestShape, UpstreamFault } from '../protocol.ts'
import { typeName } from './errors.ts'
import { bedrockConverse } from './index.ts'
import { toolName, writtenToolName } from './names.ts'

const [endpoint] = bedrockConverse.endpoints

function scanned(body: unknown): { bytes: Buffer; scan: JsonScanner } {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: new Set() })
  scan.push(bytes)
  scan.end()
  assert.equal(scan.fault, null)
  return { bytes, scan }
}
function shape(body: unknown): RequestShape {
  const { bytes, scan } = scanned(body)
  return bedrockConverse.shapeOf(endpoint!, bytes, scan)
}
const user = (...content: unknown[]): unknown => ({ messages: [{ role: 'user', content }] })
const text = { text: 'hi' }
const event = (name: string, data: unknown, more: Partial<SseEvent> = {}): EventFacts =>
  bedrockConverse.readEvent({ start: 0, end: 10, name, data: typeof data === 'string' ? data : JSON.stringify(data), oversize: false, ...more }, new EventShape())
const fault = (type: string | null, message: string, status: number | null = null): UpstreamFault => ({ code: type, type, message, status })

test('a request says its limit, whether it thinks, and by its address its model', () => {
  const read = (body: unknown): unknown => {
    const { bytes, scan } = scanned(body)
    return bedrockConverse.readRequest(endpoint!, bytes, scan, { model: 'm', stream: true })
  }
  const plain = { model: 'm', stream: true, usageInStream: true, maxOutputTokens: null, choices: 1, reasoningOff: false }
  assert.deepEqual(read({}), plain)
  assert.deepEqual(read({ inferenceConfig: { maxTokens: 5 }, additionalModelRequestFields: { thinking: { type: 'disabled' } } }), { ...plain, maxOutputTokens: 5, reasoningOff: true })
  assert.deepEqual(read({ inferenceConfig: { maxTokens: 5.5 } }), { message: 'The token limit must be a whole number.', param: 'inferenceConfig.maxTokens' })
})

test('a limit is put in the place of a larger one, or of none, and nothing else is changed', () => {
  const limited = (body: string): string => {
    const { bytes, scan } = scanned(body)
    return splice(bytes, bedrockConverse.limitEdits!(bytes, scan, 50)).toString()
  }
  assert.equal(limited('{ }'), '{"inferenceConfig":{"maxTokens":50} }')
  assert.equal(limited('{"a": 1}'), '{"a": 1,"inferenceConfig":{"maxTokens":50}}')
  assert.equal(limited('{"inferenceConfig" : { }, "a":1}'), '{"inferenceConfig" : {"maxTokens":50 }, "a":1}')
  assert.equal(limited('{"x":[],"inferenceConfig":{"topP":1, "maxTokens" : 51 ,"y":2}}'), '{"x":[],"inferenceConfig":{"topP":1, "maxTokens" : 50 ,"y":2}}')
  assert.equal(limited('{"inferenceConfig":{"maxTokens":40}}'), '{"inferenceConfig":{"maxTokens":40}}')
})

test('messages, tools and images are counted, and what is harmless is not named', () => {
  const body = {
    messages: [
      { role: 'user', content: [text, { cachePoint: { type: 'default' } }, { image: { format: 'png', source: { bytes: 'AAAA' } } }, { document: { name: 'a', source: { text: 'x' } } }, { guardContent: { image: { format: 'png', source: { bytes: 'AA' } } } }] },
      { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'b', input: { image: {} } } }, { reasoningContent: { redactedContent: 'AA' } }] },
      { role: 'user', content: [{ toolResult: { toolUseId: 'a', content: [{ json: {} }, { image: { format: 'png', source: { s3Location: { uri: 's3://b/a' } } } }] } }] },
    ],
    system: [text], toolConfig: { tools: [{ toolSpec: {} }, { cachePoint: {} }, { toolSpec: {} }], toolChoice: { auto: {} } }, serviceTier: { type: 'flex' }, performanceConfig: { latency: 'standard' }, additionalModelRequestFields: { top_k: 1, thinking: {}, inferenceConfig: { topK: 1 } }, inferenceConfig: {},
  }
  assert.deepEqual(shape(body), { messages: 4, tools: 2, prompts: 1, choices: 1, images: 3, imageBytes: 10, media: null, mediaBytes: 0, serviceTier: 'flex', extra: null })
})

test('what its bytes do not bound is named', () => {
  const media = (...content: unknown[]): string | null => shape(user(...content)).media
  assert.equal(media(text, { document: { name: 'a', source: { bytes: 'AA' } } }), 'a part of the kind "document"')
  assert.equal(media({ toolResult: { content: [{ video: {} }] } }), 'a part of the kind "video"')
  assert.equal(media({ audio: {} }), 'a part of the kind "audio"')
  assert.equal(media({ somethingNew: 1 }), 'a part of the kind "somethingNew"')
  assert.equal(shape({ messages: [{ role: 'user', content: [], other: 1 }] }).media, 'the field "other" of a message')
  assert.ok(shape(user({ video: { source: { bytes: 'A'.repeat(500) } } })).mediaBytes > 500)
  const extra = (body: unknown): string | null => shape(body).extra
  assert.equal(extra({ guardrailConfig: { guardrailIdentifier: 'x' } }), 'the field "guardrailConfig"')
  assert.equal(extra({ somethingNew: {} }), 'the field "somethingNew"')
  assert.equal(extra({ somethingNew: null }), null)
  assert.equal(extra({ performanceConfig: { latency: 'optimized' } }), 'the latency "optimized"')
  assert.equal(extra({ toolConfig: { tools: [{ systemTool: { name: 'nova_grounding' } }] } }), 'a tool of the kind "systemTool"')
  assert.equal(extra({ additionalModelRequestFields: { mcp_servers: [] } }), 'the field "mcp_servers" of a model')
  assert.equal(extra({ additionalModelRequestFields: { inferenceConfig: { maxTokens: 9 } } }), 'settings of a model that bypass its limits')
})

test('the shape of any valid body is found without a fault, and of recorded ones nothing is unknown', () => {
  fc.assert(fc.property(fc.dictionary(fc.constantFrom('messages', 'system', 'toolConfig', 'serviceTier', 'performanceConfig', 'additionalModelRequestFields', 'x'), fc.oneof(fc.jsonValue(), fc.constantFrom<Json>([{ content: [{ image: { source: [] } }, { toolResult: { content: [[]] } }] }], { tools: [[], { a: 1 }] }))), (body) => void shape(body)), { numRuns: 500 })
  for (const { requestBody, id } of recordings('bedrock-converse').values()) {
    if (requestBody === null) continue
    const { extra, media, messages } = shape(requestBody)
    assert.deepEqual([extra, media], [requestBody.includes('guardrailConfig') ? 'the field "guardrailConfig"' : null, requestBody.includes('"document"') ? 'a part of the kind "document"' : null], id)
    assert.ok(messages > 0)
  }
})

test('events say what is output, and a text is measured without a parse', () => {
  assert.deepEqual([event('contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"né "},"p":"abc"}').outputChars, event('contentBlockDelta', '{"delta":{"text":"x"},not json').outputChars], [3, 1])
  assert.equal(event('contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"a\\n\\"b"},"p":"\\\\"}').outputChars, 4)
  assert.equal(event('contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input: '{"delta":{"text":"zz"' } } }).outputChars, 21)
  assert.equal(event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'long' } } }).meaningful, false)
  assert.deepEqual([event('contentBlockDelta', { delta: { text: '' } }).meaningful, event('messageStart', { role: 'assistant' }).meaningful, event('somethingNew', {}).meaningful, event('contentBlockDelta', 'junk').meaningful], [false, false, false, false])
  assert.equal(event('contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'tooluse_1', name: 'name' } } }).outputChars, 4)
  assert.deepEqual([event('messageStop', { stopReason: 'end_turn' }).finished, event('x', 'y', { data: null }).meaningful, event('', 'y', { data: null, oversize: true }).outputChars], [true, false, 10])
  const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 15, cacheReadInputTokens: 4, cacheWriteInputTokens: 8, cacheDetails: [{ ttl: '1h', inputTokens: 3 }, { ttl: '5m', inputTokens: 5 }] }
  assert.deepEqual(event('metadata', { usage, serviceTier: { type: 'flex' } }), {
    meaningful: false, finished: false, done: false, error: null, outputChars: 0, serviceTier: 'flex', usageOnly: true,
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 8 }, cache_creation: { ephemeral_1h_input_tokens: 3 } },
  })
})

test('an exception in a stream is an error with its status', () => {
  assert.deepEqual(event(exceptionName('throttlingException'), { message: 'slow' }).error, { code: 'throttlingException', type: 'throttlingException', message: 'slow', status: 429 })
  assert.deepEqual(event(exceptionName('modelStreamErrorException'), { message: 'm', originalStatusCode: 503, originalMessage: 'o' }).error, { code: 'modelStreamErrorException', type: 'modelStreamErrorException', message: 'm', status: 503 })
  assert.deepEqual(event(exceptionName('somethingNew'), 'junk').error, { code: 'somethingNew', type: 'somethingNew', message: 'somethingNew', status: 502 })
  assert.equal(event(exceptionName('damagedStream'), { message: 'x' }).error?.status, 502)
})

test('recorded errors and those of AWS\'s documentation are of the class that they are', () => {
  const classOf = (status: number, type: string | null, message: string): string => bedrockConverse.classify(status, fault(type, message))
  assert.deepEqual([
    classOf(429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'), classOf(429, null, 'Too many tokens per day, please wait before trying again.'), classOf(429, 'ModelNotReadyException', 'The model is not ready for inference'), classOf(429, null, 'Model is not ready for inference. Wait and try your request again.'),
    classOf(503, 'ServiceUnavailableException', 'Too many connections, please wait before trying again.'), classOf(503, null, 'Model is getting throttled. Try your request again.'), classOf(500, 'InternalServerException', 'x'), classOf(424, 'ModelErrorException', 'x'), classOf(408, 'ModelTimeoutException', 'x'), classOf(404, null, 'This model version has reached the end of its life.'),
    classOf(400, 'ServiceQuotaExceededException', 'x'),
  ], ['rate_limit', 'rate_limit', 'overloaded', 'overloaded', 'overloaded', 'rate_limit', 'server', 'server', 'timeout', 'not_found', 'quota'])
  assert.equal(bedrockConverse.classify(0, fault('throttlingException', 'x', 429)), 'rate_limit')
  for (const message of ['Input is too long for requested model.', 'The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum', 'input length and `max_tokens` exceed context limit: 1 + 2 > 3', 'too many total text bytes: 1 > 2', 'This model\'s maximum context length is 4096 tokens.', 'The model returned the following errors: Input tokens exceeds the model\'s maximum of 8192 tokens']) {
    assert.equal(classOf(400, 'ValidationException', message), 'context_window', message)
  }
  for (const message of ['The provided model identifier is invalid.', 'Invocation of model ID deepseek.r1-v1:0 with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.']) assert.equal(classOf(400, null, message), 'not_found', message)
  for (const [status, type, message] of [
    [403, null, 'The security token included in the request is expired'], [403, 'InvalidSignatureException', 'Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)'], [403, null, 'You don\'t have access to the model with the specified model ID.'],
    [400, 'ExpiredTokenException', 'x'], [400, null, 'The security token included in the request is expired'], [400, 'IncompleteSignatureException', 'x'], [401, null, 'x'],
  ] as const) assert.equal(classOf(status, type, message), 'auth', message)
  for (const message of ['Malformed input request: #: extraneous key [x] is not permitted', 'The text field in the ContentBlock object at messages.0.content.0 is blank.', 'max_tokens: 9 > 8, which is the maximum allowed number of output tokens']) assert.equal(classOf(400, 'ValidationException', message), 'request', message)
  assert.equal(classOf(400, 'ValidationException', 'The request was blocked by our content filter'), 'content_policy')
})

test('every recorded error is read, and classified', () => {
  const classes = (['bedrock-converse', 'bedrock-invoke'] as const).flatMap((format) => [...recordings(format).values()]).filter(({ status }) => status >= 400).map(({ status, body, headers }) => {
    const read = bedrockConverse.readError(body)
    const { type } = bedrockConverse.readError(body, headers)!
    assert.equal(read?.message, (JSON.parse(body.toString()) as { message: string }).message)
    // The type stands in a header alone.
    assert.equal(type, typeName(headers['x-amzn-errortype']!))
    return `${status} ${type} ${bedrockConverse.classify(status, bedrockConverse.readError(body, headers))}`
  })
  assert.deepEqual(classes.sort(), [
    '400 ValidationException not_found', '400 ValidationException not_found', '400 ValidationException not_found', '400 ValidationException not_found', '400 ValidationException not_found', '403 AccessDeniedException auth',
    '404 ResourceNotFoundException not_found', '503 ServiceUnavailableException rate_limit', '503 ServiceUnavailableException rate_limit',
  ])
  assert.deepEqual(bedrockConverse.readError(Buffer.from('{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"m"}')), fault('UnrecognizedClientException', 'm', 403))
  const byHeader = (status: number, name: string): string => bedrockConverse.classify(status, bedrockConverse.readError(Buffer.from('{"message":"x"}'), { 'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/` }))
  assert.deepEqual([byHeader(429, 'ModelNotReadyException'), byHeader(400, 'ServiceQuotaExceededException'), byHeader(400, 'ExpiredTokenException'), byHeader(429, 'ThrottlingException')], ['overloaded', 'quota', 'auth', 'rate_limit'])
  assert.deepEqual([bedrockConverse.readError(Buffer.from('<html>')), bedrockConverse.readError(Buffer.from('{}'))], [null, null])
})

test('an answer without its message is the error that it tells', () => {
  const facts = (body: unknown): unknown => {
    const { bytes, scan } = scanned(body)
    return bedrockConverse.readAnswer(bytes, scan)
  }
  assert.deepEqual(facts({ __type: 'a#ThrottlingException', message: 'm' }), { usage: null, serviceTier: null, usageMember: undefined, error: fault('ThrottlingException', 'm', 429), outputChars: 0 })
  assert.deepEqual(facts({ output: { message: { role: 'assistant', content: [{ text: 'four' }] } } }), { usage: null, serviceTier: null, usageMember: undefined, error: null, outputChars: 4 })
})

test('our own errors are in the words of AWS: as a body by status, in a stream as an exception', () => {
  const said = { message: 'no é', status: 429, type: 't', code: 'rate_limit_exceeded', param: null, requestId: 'r', fault: null }
  assert.deepEqual(JSON.parse(bedrockConverse.errorBody(said)), { __type: 'ThrottlingException', message: 'no é', reason: 'rate_limit_exceeded', requestId: 'r' })
  const types = [400, 401, 404, 408, 424, 500, 502, 503, 504, 529].map((status) => (JSON.parse(bedrockConverse.errorBody({ ...said, status })) as { __type: string }).__type.replace('Exception', ''))
  assert.deepEqual(types, ['Validation', 'AccessDenied', 'ResourceNotFound', 'ModelTimeout', 'ModelError', 'InternalServer', 'InternalServer', 'ServiceUnavailable', 'ModelTimeout', 'ServiceUnavailable'])
  const events: SseEvent[] = []
  const scanner = new AwsEventScanner(1000, (each) => events.push(each))
  scanner.push(Buffer.from(bedrockConverse.errorEvent(said), 'latin1'))
  scanner.end()
  assert.deepEqual(events.map(({ name, data }) => [exceptionOf(name), (JSON.parse(data!) as { message: string }).message]), [['throttlingException', 'no é']])
})

test('any name of a tool is one that Bedrock takes, and is itself again', () => {
  fc.assert(fc.property(fc.oneof(toolNames, fc.string({ maxLength: 120 }), fc.stringMatching(/^[_x25ef.]{1,12}$/)), (name) => {
    const fit = toolName(name)
    assert.match(fit, /^[a-zA-Z0-9_-]{1,64}$/)
    if (name !== '' && fit.length < 64 && !/_[0-9a-f]{8}$/.test(fit)) assert.equal(writtenToolName(fit), name)
  }), { numRuns: 3000 })
  const long = ['a', 'b'].map((end) => toolName('x'.repeat(80) + end))
  assert.ok(long[0] !== long[1] && long[0]!.length === 64)
  assert.equal(toolName('get_weather-2'), 'get_weather-2')
})
