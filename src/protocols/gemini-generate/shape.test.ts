import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonScanner } from '../../wire/json-scanner.ts'
import type { RequestShape } from '../protocol.ts'
import { geminiGenerate } from './index.ts'

function shape(body: unknown): RequestShape {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const scan = new JsonScanner({ maxDepth: 64, maxKeys: 1000, unique: new Set() })
  scan.push(bytes)
  scan.end()
  assert.equal(scan.fault, null)
  return geminiGenerate.shapeOf(geminiGenerate.endpoints[0]!, bytes, scan)
}
const user = (...parts: unknown[]): unknown => ({ contents: [{ role: 'user', parts }] })
const png = { inlineData: { mimeType: 'image/png', data: 'A'.repeat(5000) } }

test('contents, tools and candidates are counted, in either spelling and without their lists', () => {
  const plain = { messages: 3, tools: 2, prompts: 1, choices: 3, images: 0, imageBytes: 0, media: null, mediaBytes: 0, serviceTier: 'flex', extra: null }
  assert.deepEqual(shape({
    contents: [{ role: 'user', parts: [{ text: 'a' }, { text: 'b' }] }, { role: 'model', parts: [{ functionCall: { name: 'f', args: { inlineData: {} } }, thoughtSignature: 'x' }, { executableCode: {} }, { codeExecutionResult: {} }] }],
    systemInstruction: { parts: [{ text: 'c' }] }, tools: [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }], codeExecution: null }], generationConfig: { candidateCount: 3, temperature: 1, responseModalities: ['TEXT', 'AUDIO'], responseSchema: { x: 1 } },
    safetySettings: [{}], toolConfig: {}, labels: {}, store: false, serviceTier: 'flex', cachedContent: null, megarouter: {},
  }), plain)
  assert.deepEqual(shape('{"contents":{"parts":{"text":"a"}},"system_instruction":{"parts":{"text":"b"}},"tools":{"function_declarations":{"name":"f"}},"generation_config":{"candidate_count":"4"}}'), { ...plain, messages: 2, tools: 1, choices: 4, serviceTier: null })
})

test('images are counted by reference and in the body, whose bytes are known, also in a function’s result', () => {
  const nested = { functionResponse: { name: 'f', response: {}, parts: [png] } }
  const { images, imageBytes, media } = shape(user({ text: 'x' }, png, { fileData: { mimeType: 'image/jpeg', fileUri: 'https://a' } }, nested, { inline_data: { mime_type: 'image/png', data: 'AAAA' }, media_resolution: { level: 'MEDIA_RESOLUTION_HIGH' } }))
  assert.deepEqual({ images, imageBytes, media }, { images: 4, imageBytes: 2 * 5002 + 6, media: null })
})

test('whatever is neither text nor image is named as unbounded by its bytes', () => {
  for (const part of [
    { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }, { inlineData: { mimeType: 'application/pdf', data: 'AAAA' } }, { fileData: { fileUri: 'gs://x' } }, { fileData: { mimeType: 'video/mp4', fileUri: 'https://youtu.be/x' } },
    { ...png, videoMetadata: { fps: 1 } }, { text: 'a', tomorrow: {} }, { inlineData: { mimeType: 'image/png', mime_type: 'audio/wav', data: 'A' } }, { inline_data: { data: 'A' } },
  ]) {
    const { media, mediaBytes, images } = shape(user({ text: 'x' }, part))
    assert.match(media!, /^a part/, JSON.stringify(part))
    assert.deepEqual([mediaBytes, images], [JSON.stringify(part).length, 0])
  }
  assert.equal(shape(user({ text: 'a', tomorrow: null, inlineData: null })).media, null)
  assert.match(shape({ contents: [{ role: 'user', parts: [], audio: {} }] }).media!, /"audio" of a content/)
  assert.match(shape(user({ functionResponse: { name: 'f', more: {} } })).media!, /"more" of a function/)
  assert.notEqual(shape(user({ functionResponse: { name: 'f', parts: [{ inlineData: { mimeType: 'audio/wav', data: 'A' } }] } })).media, null)
  assert.notEqual(shape('{"contents":[{"parts":[{"inline\\u0044ata":{"mimeType":"audio/wav"}}]}]}').media, null)
})

test('what may be billed besides tokens is named', () => {
  for (const [body, extra] of [
    [{ tools: [{ googleSearch: {} }] }, 'the tool "googleSearch"'], [{ tools: [{ functionDeclarations: [], code_execution: {} }] }, 'the tool "codeExecution"'], [{ cachedContent: 'cachedContents/1' }, 'the field "cachedContent"'], [{ cached_content: 'x' }, 'the field "cachedContent"'],
    [{ generationConfig: { responseModalities: ['TEXT', 'image'] } }, 'output of the modality "IMAGE"'], [{ generation_config: { response_modalities: 'IMAGE' } }, 'output of the modality "IMAGE"'], [{ generationConfig: { responseModalities: [2] } }, 'output of the modality ""'],
    [{ generationConfig: { routingConfig: { autoMode: {} } } }, 'the setting "routingConfig"'], [{ tomorrow: 1 }, 'the field "tomorrow"'],
  ] as const) assert.equal(shape({ contents: [], ...body }).extra, extra, JSON.stringify(body))
  for (const body of [{ tools: [{ googleSearch: null }] }, { tomorrow: null }, { tomorrow: [] }, { tomorrow: {} }, { generationConfig: { routingConfig: null, responseModalities: null } }]) assert.equal(shape({ contents: [], ...body }).extra, null, JSON.stringify(body))
})
