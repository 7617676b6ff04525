import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonScanner } from '../../wire/json-scanner.ts'
import { openaiChat } from './index.ts'
import type { RequestShape } from '../protocol.ts'

function shape(body: unknown, capability = 'chat'): RequestShape {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: new Set() })
  scan.push(bytes)
  scan.end()
  assert.equal(scan.fault, null)
  return openaiChat.shapeOf(openaiChat.endpoints.find((each) => each.capability === capability)!, bytes, scan)
}
const user = (...content: unknown[]): unknown => ({ model: 'm', messages: [{ role: 'user', content }] })
const text = { type: 'text', text: 'hi' }
const image = (url: string): unknown => ({ type: 'image_url', image_url: { url, detail: 'high' } })
const data = `data:image/png;base64,${'A'.repeat(5000)}`

test('messages, tools, prompts and choices are counted', () => {
  const plain = shape({ model: 'm', messages: [{ role: 'system', content: 'a' }, { role: 'user', content: [text, text] }], tools: [{ type: 'function', function: {} }, { type: 'custom', custom: {} }], functions: [{}, {}], n: 3 })
  assert.deepEqual(plain, { messages: 2, tools: 4, prompts: 1, choices: 3, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: null, extra: null })
  assert.equal(shape({ model: 'm', prompt: 'a', n: 2, best_of: 5 }, 'completions').choices, 5)
  assert.equal(shape({ model: 'm', prompt: ['a', 'b', 'c'] }, 'completions').prompts, 3)
  assert.equal(shape({ model: 'm', prompt: [1, 2, 3] }, 'completions').prompts, 1)
  assert.equal(shape({ model: 'm', prompt: [[1, 2], [3]] }, 'completions').prompts, 2)
  assert.equal(shape({ model: 'm', input: ['a', 'b'] }, 'embeddings').messages, 2)
})

test('images are counted by reference and in the body, whose bytes are known', () => {
  const { images, imageBytes, media } = shape(user(text, image('https://example.com/a.png'), image(data), { type: 'image_url', image_url: data }))
  assert.deepEqual({ images, imageBytes, media }, { images: 3, imageBytes: 2 * (data.length + 2), media: null })
})

test('a text in an image part is no image: its bytes count', () => {
  assert.equal(shape(user({ type: 'image_url', image_url: { url: 'https://a', alt: data } })).imageBytes, 0)
  assert.notEqual(shape(user({ type: 'image_url', image_url: { url: data }, text: 'x' })).media, null)
})

test('whatever is neither text nor image is named as unbounded by its bytes', () => {
  const audio = { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }
  for (const part of [audio, { type: 'file', file: { file_id: 'f' } }, { type: 'video_url', video_url: { url: 'https://a' } }, { image: 'AAAA' }, { text: 'no type' }, { type: 'text', text: 'a', input_audio: {} }, { type: 'new' }]) {
    const { media, mediaBytes } = shape(user(text, part))
    assert.match(media!, /^a part/, JSON.stringify(part))
    assert.equal(mediaBytes, JSON.stringify(part).length)
  }
  assert.match(shape({ model: 'm', messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }).media!, /"audio" of a message/)
  assert.equal(shape({ model: 'm', messages: [{ role: 'assistant', content: null, audio: null, tool_calls: [{ id: 'a' }] }] }).media, null)
  assert.match(shape({ model: 'm', input: [{ image: 'a' }] }, 'embeddings').media!, /no text/)
})

test('no spelling hides a part: escapes, repeated keys, order', () => {
  const body = (part: string): string => `{"model":"m","messages":[{"role":"user","content":[${part}]}]}`
  assert.notEqual(shape(body('{"type":"input\\u005faudio","input_audio":{}}')).media, null)
  assert.notEqual(shape(body('{"type":"text","text":"a","type":"input_audio"}')).media, null)
  assert.notEqual(shape(body('{"type":"input_audio","type":"text","text":"a"}')).media, null)
  assert.equal(shape(body('{"image_url":{"url":"https://a"},"t\\u0079pe":"image\\u005furl"}')).images, 1)
  assert.equal(shape(`{"model":"m","messages":[{"role":"user","content":"a","content":[${JSON.stringify(image('https://a'))}]}]}`).images, 1)
  assert.equal(shape('{"model":"m","messages":[],"n":2,"n":9}').choices, 9)
})

test('tools that the vendor runs and fields that nobody knows are named', () => {
  for (const extra of [{ web_search_options: {} }, { plugins: [{ id: 'web' }] }, { search_parameters: { mode: 'auto' } }, { provider: {} }, { new_field: 0 }, { prediction: {} }, { modalities: ['text', 'image'] },
    { tools: [{ type: 'function' }, { type: 'web_search' }] }, { tools: [{ name: 'untyped' }] }, { tools: [{ type: 'mcp' }] }]) {
    assert.notEqual(shape({ model: 'm', messages: [], ...extra }).extra, null, JSON.stringify(extra))
  }
  assert.match(shape('{"model":"m","messages":[],"tools":[{"type":"web_search","type":"function"}]}').extra!, /web_search/)
  assert.match(shape('{"model":"m","messages":[],"tools":[{"type":"function","type":"web_search"}]}').extra!, /web_search/)
})

test('what is switched off or harmless is not named', () => {
  for (const more of [{ web_search_options: null }, { enable_search: false }, { plugins: [] }, { modalities: ['text', 'audio'] }, { temperature: 1, seed: 1, response_format: { type: 'json_object' }, metadata: {}, stop: ['a'] }]) {
    assert.equal(shape({ model: 'm', messages: [], ...more }).extra, null, JSON.stringify(more))
  }
  assert.equal(shape({ model: 'm', messages: [], service_tier: 'priority' }).serviceTier, 'priority')
})
