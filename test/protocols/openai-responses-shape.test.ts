/** What a strict budget may rely on in a request of this format. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openaiResponses } from '../../src/protocols/openai-responses/index.ts'
import type { RequestShape } from '../../src/protocols/protocol.ts'
import { clientRequests } from '../fixtures/recorded.ts'
import { exchanges, scanned } from './openai-responses.fixture.ts'

function shape(body: unknown): RequestShape {
  const { bytes, scan } = scanned(body)
  assert.equal(scan.fault, null)
  return openaiResponses.shapeOf(openaiResponses.endpoints[0]!, bytes, scan)
}
const user = (...content: unknown[]): unknown => ({ model: 'm', input: [{ role: 'user', content }] })
const text = { type: 'input_text', text: 'hi' }
const data = `data:image/png;base64,${'A'.repeat(5000)}`

test('messages, tools of groups too, and images are counted', () => {
  const tools = [{ type: 'function', name: 'f', parameters: {} }, { type: 'namespace', name: 'n', description: 'd', tools: [{ type: 'function', name: 'g' }, { type: 'custom', name: 'h' }] }]
  const image = { type: 'input_image', image_url: data, detail: 'high' }
  const found = shape({ model: 'm', instructions: 'a', input: [{ role: 'user', content: 'a' }, { type: 'function_call_output', call_id: 'c', output: [text, image] }, { role: 'user', content: [text, { type: 'input_image', file_id: 'f' }] }], tools, service_tier: 'flex' })
  assert.deepEqual(found, { messages: 4, tools: 4, prompts: 1, choices: 1, images: 2, imageBytes: data.length + 2, media: null, mediaBytes: 0, serviceTier: 'flex', extra: null })
  assert.equal(shape({ model: 'm', input: 'hi' }).messages, 1)
})

test('what the vendor keeps, and what is neither text nor image, is named as unbounded by its bytes', () => {
  for (const [body, words] of [
    [user(text, { type: 'input_file', file_id: 'f' }), /part of the type "input_file"/], [user({ type: 'input_text', text: 'a', input_audio: {} }), /part of the type "input_text"/], [user({ text: 'a' }), /part without a type/],
    [{ model: 'm', input: [{ type: 'item_reference', id: 'msg_1' }] }, /item of the type "item_reference"/], [{ model: 'm', input: [{ id: 'msg_1' }] }, /item without a type/], [{ model: 'm', input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] }, /reasoning that the vendor keeps/],
    [{ model: 'm', input: [{ type: 'message', type2: 1, role: 'user', content: 'a' }] }, /the field "type2" of an item/], [{ model: 'm', previous_response_id: 'resp_1' }, /"previous_response_id" refers to/], [{ model: 'm', conversation: { id: 'c' } }, /"conversation"/],
  ] as const) assert.match(shape(body).media!, words, JSON.stringify(body))
  assert.equal(shape({ model: 'm', input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' }], previous_response_id: null }).media, null)
})

test('tools that the vendor runs, unknown fields and modes that think several times are named as billed besides', () => {
  for (const [body, words] of [
    [{ tools: [{ type: 'web_search' }] }, /tool of the type "web_search"/], [{ tools: [{ name: 'f' }] }, /tool of the type ""/], [{ tools: [{ type: 'namespace', tools: [{ type: 'mcp' }] }] }, /"mcp"/], [{ tools: [{ type: 'function', type2: 'x' }, { type: 'function', tools: [{ type: 'mcp' }] }] }, /"mcp"/],
    [{ background: true }, /"background"/], [{ moderation: { model: 'm' } }, /"moderation"/], [{ reasoning: { effort: 'low', mode: 'pro' } }, /mode "pro"/], [{ context_management: [{ type: 'compaction' }] }, /"context_management"/],
  ] as const) assert.match(shape({ model: 'm', input: 'a', ...body }).extra!, words, JSON.stringify(body))
  assert.equal(shape({ model: 'm', input: 'a', background: false, moderation: null, context_management: [], reasoning: { effort: 'low', mode: 'standard' } }).extra, null)
})

test('no spelling hides a part: escapes, repeated keys, order', () => {
  const body = (part: string): string => `{"model":"m","input":[{"role":"user","content":[${part}]}]}`
  assert.notEqual(shape(body('{"type":"input\\u005ffile","file_id":"f"}')).media, null)
  assert.notEqual(shape(body('{"type":"input_text","text":"a","type":"input_file"}')).media, null)
  assert.equal(shape('{"model":"m","input":[{"content":[{"type":"input_image","image_url":"https://a"}],"content":"a","role":"user"}]}').images, 1)
  assert.notEqual(shape('{"model":"m","input":[{"type":"item_reference","type":"message","role":"user","content":"a"}]}').media, null)
  assert.match(shape('{"model":"m","tools":[{"type":"mcp","type":"function"}]}').extra!, /mcp/)
})

test('recorded requests of texts and functions are bounded, and Codex but for its web search', () => {
  for (const { id, requestBody } of exchanges) {
    if (requestBody === null) continue
    const { media, extra } = shape(requestBody)
    if (extra !== null) assert.match(extra, /web_search_preview|reasoning mode/, id)
    if (media !== null) assert.match(media, /reasoning that the vendor keeps|previous_response_id|input_file/, id)
  }
  const codex = clientRequests().filter(({ id, method }) => id.startsWith('codex') && method === 'POST')
  assert.ok(codex.length > 3)
  for (const { id, body } of codex) {
    const { media, extra, tools } = shape(body)
    assert.deepEqual([media, extra, tools], [null, 'a tool of the type "web_search"', 14], id)
  }
})
