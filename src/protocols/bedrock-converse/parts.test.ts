import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../canonical.ts'
import { converseCodec } from './codec.ts'

const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
/** A request, read and written again. */
function again(body: JsonObject, model = claude): JsonObject {
  const encoded = converseCodec.encodeRequest(converseCodec.decodeRequest(body, { model }), { model, proofs: 'anthropic', mostOutputTokens: 0, reasoning: null })
  assert.deepEqual(encoded.losses, [])
  return encoded.body
}
const user = (...content: JsonObject[]): JsonObject => ({ messages: [{ role: 'user', content }] })
const stays = (body: JsonObject, model = claude): void => assert.deepEqual(again(body, model), body)
const mark = { cachePoint: { type: 'default' } }
const text = { text: 'x' }

test('members that nobody knows yet stay where they stood', () => {
  stays({ messages: [{ role: 'user', content: [text], later: 1 }], toolConfig: { tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object' }, later: 1 }, later: 2 }, later: 3 }], later: 4 }, inferenceConfig: { maxTokens: 1, later: 1 }, somethingNew: null })
})

test('blocks with more members than are known are themselves again', () => {
  for (const block of [
    { text: 'x', later: 1 }, { image: { format: 'png', source: { bytes: 'AA==', later: 1 }, error: { message: 'm' } } }, { video: { format: 'mp4', source: { s3Location: { uri: 's3://bucket/a', bucketOwner: '123456789012' } } } },
    { reasoningContent: { reasoningText: { text: 't', signature: 's', later: 1 }, later: 2 }, later: 3 }, { citationsContent: { content: [{ text: 'a' }, { text: 'b' }], citations: [], later: 1 }, later: 2 }, { toolUse: { toolUseId: 'a', name: 'b', input: {}, later: 1 } },
  ] as JsonObject[]) {
    const body = { messages: [{ role: 'user', content: [text] }, { role: 'assistant', content: [text, block] }], toolConfig: { tools: [{ toolSpec: { name: 'b', inputSchema: { json: { type: 'object', properties: {} } } } }] } }
    const isMedia = 'image' in block || 'video' in block
    if (isMedia) stays(user(text, block))
    else stays(body as unknown as JsonObject)
  }
  stays(user(text, { document: { name: 'a', format: 'md', source: { content: [text] }, citations: { enabled: true, later: 1 }, later: {} } }))
})

test('what is not as it should be stays as it came', () => {
  stays(user(text, { image: { format: 'tiff', source: { bytes: 'AA==' } } }, { image: 1 }, { document: { name: 'a', source: {} } }, { toolAddition: { tool: { name: 'a' } } }, { audio: { format: 'mp3' } }, { cachePoint: { type: 'later' } }, {}))
  stays({ ...user(text), inferenceConfig: { maxTokens: 'many', topP: null, stopSequences: [1] }, outputConfig: { effort: 'high' }, requestMetadata: 1, serviceTier: { type: 'flex', later: 1 }, toolConfig: 1, additionalModelRequestFields: { thinking: { type: 'enabled' }, anthropic_beta: 'x', top_k: 'y', tool_choice: { type: 'any', disable_parallel_tool_use: true } } })
  stays({ ...user(text), system: [], inferenceConfig: {}, additionalModelRequestFields: {} })
})

test('a cache mark belongs to what stands before it, once; where there is nothing it stands alone', () => {
  const twice = converseCodec.decodeRequest({ ...user(mark, text, mark, mark), system: [{ text: 's' }, { cachePoint: { type: 'default', ttl: '1h' } }] }, { model: claude })
  assert.deepEqual(twice.messages, [
    { role: 'system', parts: [{ type: 'text', text: 's', cache: { ttl: '1h' } }] },
    { role: 'user', parts: [{ type: 'native', format: 'bedrock-converse', value: mark }, { type: 'text', text: 'x', cache: {} }, { type: 'native', format: 'bedrock-converse', value: mark }] },
  ])
  stays({ ...user(mark, text, mark, mark), system: [{ text: 's' }, { cachePoint: { type: 'default', ttl: '1h' } }] })
  stays({ ...user(text), toolConfig: { tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } } }, mark, { systemTool: { name: 'nova_grounding' } }, mark] } })
})

test('an answer keeps what other formats have no words for', () => {
  const body = { output: { message: { role: 'assistant', content: [text], later: 1 }, later: 2 }, stopReason: 'end_turn', usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3, cacheDetails: [], serverToolUsage: { x: 1 } }, metrics: { latencyMs: 4 }, trace: { promptRouter: { invokedModelId: 'arn:x' } }, additionalModelResponseFields: { delta: { stop_sequence: 'E' } }, performanceConfig: { latency: 'optimized' } }
  const answer = converseCodec.decodeAnswer(body, { proofs: '' })
  assert.deepEqual([answer.model, answer.choices[0]!.stopSequence], ['arn:x', 'E'])
  assert.deepEqual(converseCodec.encodeAnswer(answer, { request: { model: '', stream: false, messages: [] }, id: '', nowS: 0 }), body)
  assert.deepEqual([converseCodec.decodeAnswer({}, { proofs: '' }).choices, converseCodec.decodeAnswer({ output: 1 }, { proofs: '' }).choices], [[], []])
})
