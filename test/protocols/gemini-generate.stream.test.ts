/** Streams: what Google does in them, and the events that Gemini clients get of others' streams. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatEvent, JsonObject, MediaPart, Part, ToolCallPart } from '../../src/protocols/canonical.ts'
import { geminiGenerate } from '../../src/protocols/gemini-generate/index.ts'
import { Encoder } from '../../src/protocols/gemini-generate/write-stream.ts'
import { Collector, spread } from '../../src/protocols/whole.ts'
import { recordings } from '../fixtures/recorded.ts'

const codec = geminiGenerate.codec!
const client = { request: { model: 'asked', stream: true, messages: [] }, id: 'req_1', nowS: 0 }

function events(...chunks: (JsonObject | JsonObject[] | string)[]): ChatEvent[] {
  const decoder = codec.decodeStream({ proofs: 'google' })
  const out: ChatEvent[] = []
  for (const chunk of chunks) decoder.event('', typeof chunk === 'string' ? chunk : JSON.stringify(chunk), out)
  decoder.end(out)
  return out
}
function collected(...chunks: (JsonObject | JsonObject[] | string)[]): Collector {
  const collector = new Collector()
  for (const event of events(...chunks)) collector.take(event)
  return collector
}
const piece = (parts: JsonObject[], change: JsonObject = {}, more: JsonObject = {}): JsonObject => ({ candidates: [{ content: { parts, role: 'model' }, index: 0, ...change }], modelVersion: 'g', responseId: 'r', ...more })
const partsOf = (...chunks: JsonObject[]): Part[] => collected(...chunks).answer.choices[0]!.parts
const done = piece([{ text: '' }], { finishReason: 'STOP' })

test('pieces of text are one part; a signature ends it, also one without a text', () => {
  const proof = { by: 'google', value: 'c2ln' }
  const signed = (text: string) => ({ text, thoughtSignature: 'c2ln' })
  assert.deepEqual(partsOf(piece([{ text: 'a' }]), piece([{ text: 'b' }]), piece([signed('')], { finishReason: 'STOP' })), [{ type: 'text', text: 'ab', proof }])
  assert.deepEqual(partsOf(piece([{ text: 'a' }]), piece([signed('b')]), piece([{ text: 'c' }]), done), [{ type: 'text', text: 'ab', proof }, { type: 'text', text: 'c' }])
  assert.deepEqual(partsOf(piece([{ text: 't', thought: true }]), piece([signed('')])), [{ type: 'reasoning', text: 't' }, { type: 'text', text: '', proof }])
  assert.deepEqual(partsOf(piece([signed('')]), piece([signed('')])).length, 2)
  // Two of one event are two.
  assert.deepEqual(partsOf(piece([{ text: 'a' }, { text: 'b' }]), piece([{ text: 'c' }])), [{ type: 'text', text: 'a' }, { type: 'text', text: 'bc' }])
})

test('one event is start, part and delta; what ends is told at the end', () => {
  const usage = (candidatesTokenCount: number): JsonObject => ({ usageMetadata: { promptTokenCount: 3, candidatesTokenCount, totalTokenCount: 3 + candidatesTokenCount, serviceTier: 'standard' } })
  assert.deepEqual(events(piece([{ text: 'a' }], {}, usage(1)), piece([{ text: 'b' }], { finishReason: 'STOP' }, usage(2))), [
    { type: 'start', id: 'r', model: 'g', serviceTier: 'standard', usage: { input: 3, output: 1 } }, { type: 'part', choice: 0, part: { type: 'text', text: '' } }, { type: 'delta', choice: 0, text: 'a' }, { type: 'delta', choice: 0, text: 'b' },
    { type: 'partEnd', choice: 0 }, { type: 'stop', choice: 0, stop: 'end' }, { type: 'usage', usage: { input: 3, output: 2 }, serviceTier: 'standard' }, { type: 'end' },
  ])
})

test('a reason in every event ends nothing before its time, and none is invented', () => {
  const { answer, isOver } = collected(piece([{ text: 'a' }], { finishReason: 'STOP' }), piece([{ text: 'b' }], { finishReason: 'STOP' }), piece([{ functionCall: { name: 'f', args: {} } }], { finishReason: 'STOP' }))
  assert.deepEqual([answer.choices[0]!.parts.length, answer.choices[0]!.stop, isOver], [2, 'tool_calls', true])
  const broken = events(piece([{ text: 'a' }]), piece([{ text: 'b' }]))
  assert.deepEqual(broken.map(({ type }) => type), ['start', 'part', 'delta', 'delta', 'partEnd'])
})

test('usage is what the last event that counts says, wherever it stands', () => {
  const meta = (candidatesTokenCount: number): JsonObject => ({ promptTokenCount: 1, candidatesTokenCount, totalTokenCount: 1 + candidatesTokenCount })
  for (const chunks of [
    [piece([{ text: 'a' }], { finishReason: 'STOP' }), { usageMetadata: meta(5) }], [{ usageMetadata: meta(5) }, piece([{ text: 'a' }], { finishReason: 'STOP' })],
    [piece([{ text: 'a' }], {}, { usageMetadata: meta(2) }), piece([], { finishReason: 'STOP' }, { usageMetadata: meta(5) }), piece([], {}, { usageMetadata: { trafficType: 'ON_DEMAND' } })],
  ]) assert.deepEqual(collected(...chunks).answer.usage, { input: 1, output: 5 })
  assert.equal(collected(piece([{ text: 'a' }], { finishReason: 'STOP' })).answer.usage, undefined)
})

test('an error is told as such, alone, in a list, or after output', () => {
  const error = { error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } }
  const told = { type: 'error', error: { status: 503, code: 'UNAVAILABLE', kind: 'UNAVAILABLE', message: 'overloaded' } }
  assert.deepEqual(events(error), [told])
  assert.deepEqual(events([error]), [told])
  assert.deepEqual(events(piece([{ text: 'a' }]), error).filter(({ type }) => type === 'error' || type === 'stop'), [told])
  for (const nothing of ['', 'x', '[DONE]', 'null', '7', '"a"', '{}', '[]']) assert.deepEqual(events(nothing), [])
})

test('a prompt that was blocked ends the stream', () => {
  assert.deepEqual(collected({ promptFeedback: { blockReason: 'SAFETY' }, responseId: 'r' }).answer.choices, [{ index: 0, parts: [], stop: 'content_filter', nativeStop: 'prompt SAFETY' }])
})

test('candidates that come in turns are told apart', () => {
  const both = (a: string, b: string): JsonObject => ({ candidates: [{ content: { parts: [{ text: a }] }, index: 0 }, { content: { parts: [{ text: b }] }, index: 1 }] })
  const { answer } = collected(both('a', 'x'), both('b', 'y'), { candidates: [{ index: 1, finishReason: 'MAX_TOKENS' }] }, { candidates: [{ index: 0, finishReason: 'STOP' }] })
  assert.deepEqual(answer.choices, [{ index: 0, parts: [{ type: 'text', text: 'ab' }], stop: 'end' }, { index: 1, parts: [{ type: 'text', text: 'xy' }], stop: 'length' }])
})

test('arguments that come in pieces are one call, as recorded of Vertex', () => {
  const argumentsOf = (id: string) => partsOf(...recordings('gemini-generate').get(id)!.body.toString().split('\n').filter((line) => line.startsWith('data:')).map((line) => JSON.parse(line.slice(5)) as JsonObject))
    .filter((part): part is ToolCallPart => part.type === 'toolCall').map(({ name, arguments: json, proof }) => [name, JSON.parse(json) as JsonObject, proof !== undefined])
  assert.deepEqual(argumentsOf('c13e1766decbff23'), [['read_theme', {}, true], ['read_screen', { id: 'A' }, false], ['read_screen', { id: 'B' }, false], ['read_screen', { id: 'C' }, false]])
  assert.deepEqual(argumentsOf('1b2da9084d6ef213'), [['writeItems', { operations: [
    { action: 'add', description: 'Fresh red apple', itemid: 'apple_001', price: 0.5 }, { action: 'add', description: 'Ripe yellow banana', itemid: 'banana_001', price: 0.3 },
  ] }, true]])
  const [[, recipe]] = argumentsOf('d3ee3b09de0098ce') as [[string, { recipe: { ingredients: object[]; steps: string[] } }]]
  assert.deepEqual([recipe.recipe.ingredients.length, recipe.recipe.steps.length, recipe.recipe.steps[1]], [10, 10, 'Cook lasagna noodles according to package directions, drain and set aside.'])
})

test('paths of pieces are names and indexes; what is none changes nothing', () => {
  const pieces = (...partialArgs: JsonObject[]): unknown => {
    const call = partsOf(piece([{ functionCall: { name: 'f', willContinue: true } }]), piece([{ functionCall: { partialArgs } }]), done)[0] as ToolCallPart
    return JSON.parse(call.arguments)
  }
  assert.deepEqual(pieces({ jsonPath: '$.a[1]', numberValue: 2 }, { jsonPath: '$.a[0]', boolValue: false }, { jsonPath: "$['x.y']", nullValue: 'NULL_VALUE' }, { jsonPath: '$["q\\"r"]', stringValue: 's' }), { a: [false, 2], 'x.y': null, 'q"r': 's' })
  assert.deepEqual(pieces({ jsonPath: 'a', stringValue: 'x' }, { jsonPath: '$', stringValue: 'x' }, { jsonPath: '$..a', stringValue: 'x' }, { jsonPath: `$${'.a'.repeat(10_000)}`, stringValue: 'x' }, { stringValue: 'x' }), {})
  const given = pieces({ jsonPath: '$.__proto__.polluted', boolValue: true }) as object
  assert.deepEqual(Object.keys(given), ['__proto__'])
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('citations come with the text that they are of', () => {
  const metadata = { webSearchQueries: ['q'], groundingChunks: [{ web: { uri: 'u', title: 't' } }], groundingSupports: [{ segment: { startIndex: 3, endIndex: 6, text: 'böc' }, groundingChunkIndices: [0] }] }
  const { answer } = collected(piece([{ text: 'aä' }]), piece([{ text: 'böc' }]), piece([{ text: '' }], { finishReason: 'STOP', groundingMetadata: { ...metadata, groundingSupports: [{ segment: { startIndex: 3, endIndex: 7, text: 'böc' }, groundingChunkIndices: [0] }] } }, { usageMetadata: { promptTokenCount: 1, totalTokenCount: 1 } }))
  assert.deepEqual(answer.choices[0]!.parts, [{ type: 'text', text: 'aäböc', citations: [{ url: 'u', title: 't', start: 2, end: 5 }] }])
  assert.equal(answer.usage!.searches, 1)
})

test('speech in pieces is one recording, whatever bytes a piece ends with', () => {
  const rate = 'audio/L16;codec=pcm;rate=24000'
  const bytes = Buffer.from('0123456789abcdefghij')
  const sound = (from: number, to: number, mimeType = rate): JsonObject => ({ inlineData: { mimeType, data: bytes.toString('base64', from, to) } })
  const parts = partsOf(piece([sound(0, 1)]), piece([sound(1, 3)]), piece([sound(3, 11)]), piece([sound(11, 20)]), done) as MediaPart[]
  assert.deepEqual(parts, [{ type: 'media', kind: 'audio', source: { by: 'data', base64: bytes.toString('base64') }, mediaType: rate }])
  assert.equal(partsOf(piece([sound(0, 4, 'audio/wav')]), piece([sound(4, 8, 'audio/wav')]), done).length, 2)
  assert.equal(partsOf(piece([sound(0, 4)]), piece([sound(4, 8, 'audio/L16;rate=16000')]), done).length, 2)
})

test('media, code and its results come whole between texts', () => {
  assert.deepEqual(partsOf(piece([{ text: 'a' }]), piece([{ executableCode: { language: 'PYTHON', code: '1' } }]), piece([{ inlineData: { mimeType: 'image/png', data: 'AAAA' }, thought: true }]), piece([{ text: 'b' }]), done), [
    { type: 'text', text: 'a' }, { type: 'native', format: 'gemini-generate', value: { executableCode: { language: 'PYTHON', code: '1' } } },
    { type: 'media', kind: 'image', source: { by: 'data', base64: 'AAAA' }, mediaType: 'image/png', extras: { format: 'gemini-generate', fields: { thought: true } } }, { type: 'text', text: 'b' },
  ])
})

const written = (given: Iterable<ChatEvent>, isArray = false): string => {
  const encoder = new Encoder(client, isArray)
  return [...given].map((event) => encoder.write(event)).join('')
}
const start: ChatEvent = { type: 'start', id: 'm1', model: 'claude' }
const stop: ChatEvent = { type: 'stop', choice: 0, stop: 'end' }
const usage: ChatEvent = { type: 'usage', usage: { input: 1, output: 2 } }
const text: ChatEvent[] = [{ type: 'part', choice: 0, part: { type: 'text', text: '' } }, { type: 'delta', choice: 0, text: 'Hi "you"' }, { type: 'partEnd', choice: 0 }]
const about = '"modelVersion":"claude","responseId":"m1"}'
const hi = `{"candidates":[{"content":{"parts":[{"text":"Hi \\"you\\""}],"role":"model"},"index":0}],${about}`
const last = `{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]},${about}`

test('a client gets text as it comes, and the reason together with the usage, whichever came first', () => {
  const expected = `data: ${hi}\n\ndata: ${last}\n\n`
  for (const ends of [[stop, usage, { type: 'end' }], [usage, stop, { type: 'end' }], [stop, usage], [usage, stop]] as ChatEvent[][]) assert.equal(written([start, ...text, ...ends]), expected)
  assert.match(written([start, ...text, stop, { type: 'end' }]), /"finishReason":"STOP","index":0}],"modelVersion"/)
  assert.doesNotMatch(written([start, ...text, usage]), /finishReason/)
  assert.equal(written([start, ...text, stop, usage, { type: 'end' }], true), `[${hi},\r\n${last}\n]`)
  assert.equal(written([{ type: 'end' }], true), '[\n]')
})

test('an error is plain JSON, which Google’s libraries raise, and the end of an array', () => {
  const error: ChatEvent = { type: 'error', error: { status: 529, code: 'overloaded_error', kind: null, message: 'Busy.' } }
  const json = written([start, ...text, error]).slice(`data: ${hi}\n\n`.length)
  assert.deepEqual(JSON.parse(json), { error: { code: 529, message: 'Busy.', status: 'UNAVAILABLE', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'OVERLOADED_ERROR', domain: 'megarouter', metadata: { type: 'upstream_error', request_id: 'req_1' } }] } })
  const list = JSON.parse(written([start, ...text, error, { type: 'end' }], true)) as JsonObject[]
  assert.deepEqual(list.map((each) => Object.keys(each)[0]), ['candidates', 'error'])
  assert.doesNotMatch(written([start, ...text, error, stop, usage, { type: 'end' }]), /finishReason/)
})

test('calls are held until they are whole, with the thoughts that came before them', () => {
  const thought: Part = { type: 'reasoning', text: 'Let me see.', proof: { by: 'anthropic', value: 'sig' } }
  const parts: Part[] = [thought, { type: 'toolCall', id: 't1', name: 'f', arguments: '{"a":"b"}' }, { type: 'toolCall', id: 't2', name: 'g', arguments: '' }]
  const given = [...spread({ id: 'm1', model: 'claude', choices: [{ index: 0, parts, stop: 'tool_calls' }] })].flatMap((event) => (event.type === 'delta' ? [...event.text].map((letter): ChatEvent => ({ ...event, text: letter })) : [event]))
  const chunks = written(given).split('\n\n').filter((each) => each !== '').map((each) => JSON.parse(each.slice(6)) as { candidates: { content: { parts: JsonObject[] } }[] })
  const said = chunks.map(({ candidates }) => candidates[0]!.content.parts).flat()
  assert.deepEqual(said.filter((part) => 'functionCall' in part).map((part) => part['functionCall']), [{ id: 't1', name: 'f', args: { a: 'b' } }, { id: 't2', name: 'g', args: {} }])
  const { messages } = codec.decodeRequest({ contents: chunks.map(({ candidates }) => candidates[0]!.content) as unknown as JsonObject[] }, {})
  assert.deepEqual(messages, [{ role: 'assistant', parts: [thought, parts[1], { ...parts[2], arguments: '{}' }] }])
  const stripped = codec.decodeRequest({ contents: [{ role: 'model', parts: said.filter((part) => part['thought'] !== true) }] }, {})
  assert.deepEqual(stripped.messages[0]!.parts.slice(0, 2), parts.slice(0, 2))
})

test('summaries of thought are paragraphs, and speech of others comes in pieces', () => {
  const said = (given: ChatEvent[]) => written([start, ...given]).split('\n\n').filter((each) => each !== '').flatMap((each) => (JSON.parse(each.slice(6)) as { candidates: { content: { parts: JsonObject[] } }[] }).candidates[0]!.content.parts)
  assert.deepEqual(said([{ type: 'part', choice: 0, part: { type: 'reasoning' } }, { type: 'summary', choice: 0, index: 0, text: 'one' }, { type: 'summary', choice: 0, index: 0, text: '!' }, { type: 'summary', choice: 0, index: 1, text: 'two' }, { type: 'partEnd', choice: 0 }]), [
    { text: 'one', thought: true }, { text: '!', thought: true }, { text: '\n\ntwo', thought: true },
  ])
  const audio: Part = { type: 'media', kind: 'audio', source: { by: 'data', base64: '' }, mediaType: 'audio/pcm' }
  assert.deepEqual(said([{ type: 'part', choice: 0, part: audio }, { type: 'media', choice: 0, base64: 'AAAA' }, { type: 'media', choice: 0, transcript: 'Hi' }, { type: 'partEnd', choice: 0 }]), [{ inlineData: { mimeType: 'audio/pcm', data: 'AAAA' } }, { text: 'Hi' }])
})
