/** Answers: what Google says in them, and what Gemini clients are told of others' answers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatAnswer, Choice, JsonObject, StopReason, TextPart } from '../../src/protocols/canonical.ts'
import { geminiGenerate } from '../../src/protocols/gemini-generate/index.ts'

const codec = geminiGenerate.codec!
const client = { request: { model: 'm', stream: false, messages: [] }, id: 'req_1', nowS: 0 }
const decode = (body: JsonObject): ChatAnswer => codec.decodeAnswer(body, { proofs: 'google' })
const candidate = (change: JsonObject, ...parts: JsonObject[]): JsonObject => ({ candidates: [{ content: { parts, role: 'model' }, index: 0, ...change }], modelVersion: 'gemini-3-flash', responseId: 'r1' })
const of = (change: Partial<Choice>): ChatAnswer => ({ id: 'a', model: 'm', choices: [{ index: 0, parts: [], ...change }] })
const encoded = (answer: ChatAnswer): JsonObject => (codec.encodeAnswer(answer, client)['candidates'] as JsonObject[])[0]!

test('every reason has its stop, and comes back as itself', () => {
  const stops: Record<string, [StopReason, string?]> = {
    STOP: ['end'], MAX_TOKENS: ['length'], SAFETY: ['content_filter'], RECITATION: ['content_filter', 'RECITATION'], LANGUAGE: ['content_filter', 'LANGUAGE'], OTHER: ['other'], BLOCKLIST: ['content_filter', 'BLOCKLIST'],
    PROHIBITED_CONTENT: ['content_filter', 'PROHIBITED_CONTENT'], SPII: ['content_filter', 'SPII'], MALFORMED_FUNCTION_CALL: ['other', 'MALFORMED_FUNCTION_CALL'], IMAGE_SAFETY: ['content_filter', 'IMAGE_SAFETY'],
    UNEXPECTED_TOOL_CALL: ['other', 'UNEXPECTED_TOOL_CALL'], TOO_MANY_TOOL_CALLS: ['other', 'TOO_MANY_TOOL_CALLS'], NO_IMAGE: ['other', 'NO_IMAGE'], IMAGE_OTHER: ['other', 'IMAGE_OTHER'], MALFORMED_RESPONSE: ['other', 'MALFORMED_RESPONSE'],
    IMAGE_PROHIBITED_CONTENT: ['content_filter', 'IMAGE_PROHIBITED_CONTENT'], IMAGE_RECITATION: ['content_filter', 'IMAGE_RECITATION'], CONTINUATION: ['pause'],
  }
  for (const [finishReason, [stop, nativeStop]] of Object.entries(stops)) {
    const [choice] = decode(candidate({ finishReason }, { text: 'x' })).choices
    assert.deepEqual([choice!.stop, choice!.nativeStop], [stop, nativeStop], finishReason)
    assert.equal(encoded(of(choice!))['finishReason'], finishReason)
  }
  assert.equal(decode(candidate({ finishReason: 'STOP' }, { functionCall: { name: 'f' } })).choices[0]!.stop, 'tool_calls')
  // As a client of Vertex may ask for it.
  assert.equal(decode(candidate({ finishReason: 2 }, { text: 'x' })).choices[0]!.stop, 'length')
  for (const finishReason of [null, '', 'FINISH_REASON_UNSPECIFIED', 0]) assert.equal(decode(candidate({ finishReason }, { text: 'x' })).choices[0]!.stop, undefined)
  assert.equal(decode(candidate({ finishReason: 'TOMORROW' }, { text: 'x' })).choices[0]!.nativeStop, 'TOMORROW')
})

test('others’ reasons are told by the nearest of Google’s', () => {
  for (const [stop, nativeStop, reason] of [['stop_sequence', 'END', 'STOP'], ['tool_calls', undefined, 'STOP'], ['refusal', 'refusal', 'SAFETY'], ['context_window', 'model_context_window_exceeded', 'MAX_TOKENS'], ['pause', 'pause_turn', 'CONTINUATION']] as const) {
    assert.equal(encoded(of({ stop, ...(nativeStop === undefined ? {} : { nativeStop }) }))['finishReason'], reason)
  }
  assert.equal('finishReason' in encoded(of({})), false)
})

test('a blocked prompt is an answer that was filtered, not an empty success', () => {
  const body = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 5, totalTokenCount: 5, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 5 }] }, modelVersion: 'g', responseId: 'r' }
  const answer = decode(body)
  assert.deepEqual(answer.choices, [{ index: 0, parts: [], stop: 'content_filter', nativeStop: 'prompt PROHIBITED_CONTENT' }])
  assert.deepEqual(codec.encodeAnswer(answer, client), body)
  const rated = { ...body, promptFeedback: { blockReason: 'SAFETY', safetyRatings: [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'HIGH', blocked: true }] } }
  assert.deepEqual(codec.encodeAnswer(decode(rated), client), rated)
  const passed = { ...candidate({ finishReason: 'STOP' }, { text: 'x' }), promptFeedback: { safetyRatings: [] } }
  assert.deepEqual(decode(passed).choices.map(({ stop }) => stop), ['end'])
})

const grounded = (text: string, metadata: JsonObject, change: JsonObject = {}): Choice => decode(candidate({ groundingMetadata: metadata, ...change }, { text })).choices[0]!
const cited = (choice: Choice) => (choice.parts[0] as TextPart).citations

test('what was searched is cited at the text, by characters and not by bytes', () => {
  const text = 'Größe: 3 m 😀. Alter: 5.'
  const bytes = (part: string): [number, number] => [Buffer.byteLength(text.slice(0, text.indexOf(part))), Buffer.byteLength(text.slice(0, text.indexOf(part) + part.length))]
  const [start, end] = bytes('3 m 😀.')
  const [from, to] = bytes('Alter: 5.')
  const metadata = {
    webSearchQueries: ['size'], searchEntryPoint: { renderedContent: '<div>' },
    groundingChunks: [{ web: { uri: 'https://a', title: 'A' } }, { web: { uri: 'https://b', title: 'B', domain: 'b' } }, { retrievedContext: { uri: 'gs://c', title: 'C', text: 'said' } }, { web: { uri: 'https://unused', title: 'U' } }],
    groundingSupports: [{ segment: { startIndex: start, endIndex: end, text: '3 m 😀.' }, groundingChunkIndices: [0, 1], confidenceScores: [0.9, 0.8] }, { segment: { startIndex: from, endIndex: to, text: 'Alter: 5.' }, groundingChunkIndices: [2] }],
  }
  const choice = grounded(text, metadata)
  const native = (value: JsonObject) => ({ format: 'gemini-generate', value })
  const at = (part: string) => ({ start: text.indexOf(part), end: text.indexOf(part) + part.length })
  assert.deepEqual(cited(choice), [
    { url: 'https://a', title: 'A', ...at('3 m 😀.') }, { url: 'https://b', title: 'B', native: native(metadata.groundingChunks[1]!), ...at('3 m 😀.') },
    { url: 'gs://c', title: 'C', quote: 'said', native: native(metadata.groundingChunks[2]!), ...at('Alter: 5.') }, { url: 'https://unused', title: 'U' },
  ])
  assert.deepEqual(encoded(of(choice))['groundingMetadata'], metadata)
})

test('a segment is found by its text where its place says another', () => {
  const found = (parts: JsonObject[], segment: JsonObject) => decode({ candidates: [{ content: { parts }, groundingMetadata: { groundingChunks: [{ web: { uri: 'u', title: 't' } }], groundingSupports: [{ segment, groundingChunkIndices: [0, 7] }] } }] }).choices[0]!.parts
  const citation = (start: number, end: number) => [{ url: 'u', title: 't', start, end }]
  const thought = { text: 'Thinking of it', thought: true }
  assert.deepEqual((found([thought, { text: 'It is so.' }], { partIndex: 1, startIndex: 3, endIndex: 5, text: 'is' })[1] as TextPart).citations, citation(3, 5))
  assert.deepEqual((found([thought, { text: 'It is so.' }], { startIndex: 3, endIndex: 5, text: 'is' })[1] as TextPart).citations, citation(3, 5))
  assert.deepEqual((found([{ text: 'A. ' }, { text: 'It is so.' }], { startIndex: 6, endIndex: 8, text: 'is' })[1] as TextPart).citations, citation(3, 5))
  assert.deepEqual((found([{ text: 'It is so.' }], { startIndex: 1, endIndex: 9, text: 'gone' })[0] as TextPart).citations, [{ url: 'u', title: 't' }])
  assert.deepEqual((found([{ text: 'It' }], { startIndex: 900, endIndex: 999 })[0] as TextPart).citations, citation(2, 2))
})

test('citations of other vendors are grounding for this one’s clients', () => {
  const part: TextPart = { type: 'text', text: 'Ä is a letter.', citations: [{ url: 'https://a', title: 'A', start: 0, end: 1 }, { url: 'https://b', start: 0, end: 1 }, { quote: 'a letter', title: 'Doc', document: 0, start: 5, end: 13 }, { url: 'https://a', title: 'A' }] }
  assert.deepEqual(encoded(of({ parts: [{ type: 'reasoning', text: 'hm' }, part] }))['groundingMetadata'], {
    groundingChunks: [{ web: { uri: 'https://a', title: 'A' } }, { web: { uri: 'https://b' } }, { retrievedContext: { title: 'Doc', text: 'a letter' } }],
    groundingSupports: [{ segment: { partIndex: 1, endIndex: 2, text: 'Ä' }, groundingChunkIndices: [0, 1] }, { segment: { partIndex: 1, startIndex: 6, endIndex: 14, text: 'a letter' }, groundingChunkIndices: [2] }],
  })
})

test('what the model recites is cited too, of AI Studio and of Vertex', () => {
  for (const list of ['citationSources', 'citations']) {
    const citationMetadata = { [list]: [{ startIndex: 4, endIndex: 8, uri: 'https://a', license: 'MIT' }, { uri: 'https://b' }] }
    const choice = decode(candidate({ citationMetadata }, { text: 'äxy' }, { text: 'code!' })).choices[0]!
    const native = (index: number) => ({ format: 'gemini-generate', value: { [list]: citationMetadata[list]![index]! } })
    assert.deepEqual((choice.parts[1] as TextPart).citations, [{ url: 'https://a', start: 0, end: 4, native: native(0) }, { url: 'https://b', native: native(1) }])
    assert.equal(choice.extras, undefined)
    assert.deepEqual(encoded(of(choice))['citationMetadata'], citationMetadata)
  }
})

test('log probabilities come and go', () => {
  const logprobsResult = { chosenCandidates: [{ token: 'a', logProbability: -0.1 }, { token: 'b', logProbability: -2 }], topCandidates: [{ candidates: [{ token: 'a', logProbability: -0.1 }, { token: 'c', logProbability: -3 }] }, { candidates: [] }] }
  const choice = decode(candidate({ logprobsResult, avgLogprobs: -1.05 }, { text: 'ab' })).choices[0]!
  assert.deepEqual(choice.logprobs, [{ token: 'a', logprob: -0.1, top: [{ token: 'a', logprob: -0.1 }, { token: 'c', logprob: -3 }] }, { token: 'b', logprob: -2 }])
  assert.deepEqual(choice.extras, { format: 'gemini-generate', fields: { avgLogprobs: -1.05 } })
  assert.deepEqual(encoded(of(choice))['logprobsResult'], logprobsResult)
  const withIds = { chosenCandidates: [{ token: 'a', logProbability: -0.1, tokenId: 7 }] }
  assert.deepEqual(encoded(of(decode(candidate({ logprobsResult: withIds }, { text: 'a' })).choices[0]!))['logprobsResult'], withIds)
})

test('usage falls into disjoint classes whose sum is the total', () => {
  const meta = {
    promptTokenCount: 1000, toolUsePromptTokenCount: 50, cachedContentTokenCount: 600, candidatesTokenCount: 200, thoughtsTokenCount: 30, totalTokenCount: 1280, serviceTier: 'flex', trafficType: 'ON_DEMAND',
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: 500 }, { modality: 'AUDIO', tokenCount: 300 }, { modality: 'IMAGE', tokenCount: 150 }, { modality: 'VIDEO', tokenCount: 50 }], cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 250 }, { modality: 'TEXT', tokenCount: 350 }],
    toolUsePromptTokensDetails: [{ modality: 4, tokenCount: 5 }, { modality: 'TEXT', tokenCount: 45 }], candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 120 }, { modality: 'TEXT', tokenCount: 80 }],
  }
  const body = { ...candidate({ finishReason: 'STOP', groundingMetadata: { webSearchQueries: ['a', '', 'b', 'a'] } }, { text: 'x' }), usageMetadata: meta }
  const answer = decode(body)
  assert.deepEqual(answer.usage, { input: 245, cacheRead: 600, audioIn: 55, imageIn: 150, output: 80, imageOut: 120, reasoning: 30, searches: 2 })
  const { searches: _, ...tokens } = answer.usage!
  assert.equal(Object.values(tokens).reduce((sum, each) => sum + each, 0), 1280)
  assert.equal(answer.serviceTier, 'flex')
  assert.deepEqual(codec.encodeAnswer(answer, client), body)
  assert.equal(decode({ ...body, modelVersion: 'gemini-2.5-flash' }).usage!.searches, 1)
  assert.equal(decode({ ...body, usageMetadata: { trafficType: 'ON_DEMAND_PRIORITY' } }).serviceTier, 'priority')
})

test('others’ usage is told with the same sum, and its cost where it was asked for', () => {
  const { usageMetadata } = codec.encodeAnswer({ ...of({}), usage: { input: 10, cacheRead: 20, cacheWrite5m: 30, cacheWrite1h: 40, output: 5, reasoning: 6, costNano: 12_345 }, serviceTier: 'default' }, client)
  assert.deepEqual(usageMetadata, {
    promptTokenCount: 100, candidatesTokenCount: 5, totalTokenCount: 111, cachedContentTokenCount: 20, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 100 }], cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 20 }],
    thoughtsTokenCount: 6, serviceTier: 'default', cost_usd: 0.000012345,
  })
})

test('calls without ids get some that no other answer has, and lose them on their way back', () => {
  const body = candidate({ finishReason: 'STOP' }, { functionCall: { name: 'f', args: { a: 1 } } }, { functionCall: { name: 'f', args: {} } }, { functionCall: { id: 'own', name: 'g', args: {} } })
  const answer = decode(body)
  assert.deepEqual(answer.choices[0]!.parts.map((part) => part.type === 'toolCall' && part.id), ['mrcall_r1_0', 'mrcall_r1_1', 'own'])
  assert.deepEqual(codec.encodeAnswer(answer, client), body)
})

test('a client gets what its format has a place for', () => {
  const { content } = encoded(of({ parts: [
    { type: 'refusal', text: 'No.' }, { type: 'native', format: 'openai-responses', value: { type: 'web_search_call' } }, { type: 'toolCall', id: 'c', name: 'patch', arguments: 'free text', custom: true }, { type: 'toolCall', id: 'd', name: 'f', arguments: '{"broken' },
    { type: 'media', kind: 'audio', source: { by: 'data', base64: 'AAAA' }, mediaType: 'audio/wav', transcript: 'Hello' }, { type: 'reasoning', summary: ['one', 'two'] }, { type: 'reasoning' },
  ] }))
  assert.deepEqual((content as JsonObject)['parts'], [
    { text: 'No.' }, { functionCall: { id: 'c', name: 'patch', args: { input: 'free text' } } }, { functionCall: { id: 'd', name: 'f', args: { _arguments: '{"broken' } } },
    { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }, { text: 'Hello' }, { text: 'one\n\ntwo', thought: true },
  ])
  assert.deepEqual(encoded(of({}))['content'], { parts: [], role: 'model' })
  assert.equal(codec.encodeAnswer({ ...of({}), id: '' }, client)['responseId'], 'req_1')
})

test('a time is told in seconds, and kept as it came', () => {
  for (const [createTime, createdAt] of [['2026-05-04T20:01:02.264968Z', 1777924862], ['2026-05-04T20:01:02Z', 1777924862], ['soon', undefined]] as const) {
    const body = { ...candidate({ finishReason: 'STOP' }, { text: 'x' }), createTime }
    assert.equal(decode(body).createdAt, createdAt)
    assert.deepEqual(codec.encodeAnswer(decode(body), client), body)
  }
})
