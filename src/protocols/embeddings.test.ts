import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normaliseUsage } from '../catalog/usage.ts'
import { recordings, type RecordedExchange } from '../../test/fixtures/recorded.ts'
import { mutated, runs } from '../../test/protocols/vendor-codec.ts'
import type { JsonObject } from './canonical.ts'
import { BadRequest } from './codec.ts'
import { billOfEmbeddings, type EmbedAnswer, type EmbedCodec, type EmbedFormat, type EmbedRequest } from './embeddings.ts'
import { bedrockEmbed } from './embeddings/bedrock.ts'
import { cohereEmbed } from './embeddings/cohere.ts'
import { geminiEmbed } from './embeddings/gemini.ts'
import { ollamaEmbed } from './embeddings/ollama.ts'
import { openaiEmbeddings } from './embeddings/openai.ts'
import { vertexPredict } from './embeddings/vertex.ts'
import { voyageEmbed } from './embeddings/voyage.ts'

const embedCodecs: Readonly<Record<EmbedFormat, EmbedCodec>> = {
  'openai-embeddings': openaiEmbeddings, 'gemini-embed': geminiEmbed, 'vertex-predict': vertexPredict, 'cohere-embed': cohereEmbed, 'ollama-embed': ollamaEmbed, 'voyage-embed': voyageEmbed, 'bedrock-embed': bedrockEmbed,
}

const exchanges: readonly { format: EmbedFormat; exchange: RecordedExchange }[] = [
  ...[...recordings('openai').values()].filter(({ endpoint, provider }) => endpoint === 'embeddings' && provider !== 'cohere').map((exchange) => ({ format: 'openai-embeddings' as const, exchange })),
  ...[...recordings('other').values()].filter(({ endpoint }) => endpoint === 'embedContent').map((exchange) => ({ format: 'gemini-embed' as const, exchange })),
  ...[...recordings('other').values(), ...recordings('openai').values()].filter(({ endpoint, provider }) => endpoint === 'embeddings' && provider === 'cohere').map((exchange) => ({ format: 'cohere-embed' as const, exchange })),
]
const bodyOf = ({ body }: RecordedExchange): JsonObject => JSON.parse(body.toString()) as JsonObject
const answered = exchanges.filter(({ exchange }) => exchange.status === 200).map(({ format, exchange }) => ({ format, exchange, body: bodyOf(exchange) }))
const asking = exchanges.filter(({ exchange }) => exchange.requestBody !== null).map(({ format, exchange }) => ({ format, exchange, body: JSON.parse(exchange.requestBody!) as JsonObject }))
const formats = Object.keys(embedCodecs) as EmbedFormat[]

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const one = text.map((each) => ({ parts: [{ type: 'text' as const, text: each }] }))
const image = fc.base64String({ minLength: 4, maxLength: 8 }).map((data) => ({ type: 'image' as const, url: `data:image/png;base64,${data}` }))
const many = fc.array(one, { minLength: 1, maxLength: 4 })
const dimensions = fc.integer({ min: 1, max: 3072 })
const record = <T extends object>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }, requiredKeys: string[]): fc.Arbitrary<T> => fc.record(members, { requiredKeys: requiredKeys as never, noNullPrototype: true }) as fc.Arbitrary<T>
const extras = (format: EmbedFormat) => fc.constantFrom('x_a', 'x_b').map((key) => ({ format, fields: { [key]: 1 } }))

/** What each format can carry. */
const requests: Readonly<Record<EmbedFormat, fc.Arbitrary<EmbedRequest>>> = {
  'openai-embeddings': fc.oneof(
    record<EmbedRequest>({ model: fc.constant('m'), inputs: fc.oneof(many, fc.array(fc.array(fc.nat(), { minLength: 1 }).map((tokens) => ({ tokens })), { minLength: 1 })), dimensions, coding: fc.constantFrom('float', 'base64'), endUser: text, extras: extras('openai-embeddings') }, ['model', 'inputs']),
    fc.oneof(one, fc.array(fc.nat(), { minLength: 1 }).map((tokens) => ({ tokens }))).map((input) => ({ model: 'm', inputs: [input], single: true as const })),
  ),
  'gemini-embed': record<EmbedRequest>({
    model: fc.constant('m'), dimensions, purpose: fc.constantFrom('query', 'document', 'classification', 'clustering', 'similarity', 'question', 'fact', 'code'), extras: extras('gemini-embed'),
    inputs: fc.array(record({ parts: fc.array(fc.oneof(text.map((each) => ({ type: 'text' as const, text: each })), image), { minLength: 1, maxLength: 3 }), title: text, extras: extras('gemini-embed') }, ['parts']), { minLength: 1, maxLength: 3 }),
  }, ['model', 'inputs']),
  'cohere-embed': record<EmbedRequest>({
    model: fc.constant('m'), dimensions, purpose: fc.constantFrom('query', 'document', 'classification', 'clustering'), truncate: fc.constantFrom('none', 'start', 'end'), coding: fc.constant('float'), extras: extras('cohere-embed'),
    inputs: fc.oneof(many, fc.array(fc.tuple(text, image).map(([each, picture]) => ({ parts: [{ type: 'text' as const, text: each }, picture] })), { minLength: 1, maxLength: 3 })),
  }, ['model', 'inputs', 'purpose', 'coding']),
  'ollama-embed': fc.oneof(
    record<EmbedRequest>({ model: fc.constant('m'), inputs: many, dimensions, truncate: fc.constantFrom('none', 'end'), extras: extras('ollama-embed') }, ['model', 'inputs']),
    one.map((input) => ({ model: 'm', inputs: [input], single: true as const })),
  ),
  'vertex-predict': record<EmbedRequest>({
    model: fc.constant('m'), dimensions, purpose: fc.constantFrom('query', 'document', 'classification', 'clustering', 'similarity', 'question', 'fact', 'code'), truncate: fc.constantFrom('none', 'end'), extras: extras('vertex-predict'),
    inputs: fc.array(record({ parts: text.map((each) => [{ type: 'text' as const, text: each }]), title: text, extras: extras('vertex-predict') }, ['parts']), { minLength: 1, maxLength: 3 }),
  }, ['model', 'inputs']),
  'voyage-embed': fc.oneof(
    record<EmbedRequest>({ model: fc.constant('m'), inputs: many, dimensions, purpose: fc.constantFrom('query', 'document'), truncate: fc.constantFrom('none', 'end'), coding: fc.constant('base64'), extras: extras('voyage-embed') }, ['model', 'inputs']),
    one.map((input) => ({ model: 'm', inputs: [input], single: true as const })),
  ),
  // Titan's: one text.
  'bedrock-embed': record<EmbedRequest>({ model: fc.constant('m'), inputs: one.map((input) => [input]), single: fc.constant(true), dimensions, extras: extras('bedrock-embed') }, ['model', 'inputs', 'single']),
}

const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }).map((each) => each + 0), { minLength: 1, maxLength: 4 })
const answer = record<EmbedAnswer>({ model: fc.constant('v'), id: fc.constant('i'), vectors: fc.array(floats.map((each) => ({ floats: each })), { minLength: 1, maxLength: 3 }), usage: fc.nat().map((tokens) => ({ tokens })) }, ['model', 'vectors'])
const client = { request: { model: 'm', inputs: [] }, id: 'req_1' }

for (const format of formats) {
  const codec = embedCodecs[format]
  test(`${format}: a request survives its way to the wire and back`, () => {
    fc.assert(fc.property(requests[format], (request) => {
      const { body, losses } = codec.encodeRequest(request, 'm')
      assert.deepEqual(losses, [])
      assert.deepEqual(codec.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject, { model: 'm' }), request)
    }), { numRuns: runs })
  })

  test(`${format}: an answer survives its way to the wire and back, in what its format tells`, () => {
    fc.assert(fc.property(answer, (each) => {
      // Titan answers with one vector, and Vertex tells the tokens of one alone.
      if (format === 'bedrock-embed' || format === 'vertex-predict') each.vectors.length = 1
      const got = codec.decodeAnswer(JSON.parse(JSON.stringify(codec.encodeAnswer(each, client))) as JsonObject)
      assert.deepEqual(got.vectors, each.vectors)
      if (format !== 'gemini-embed') assert.deepEqual(got.usage, each.usage)
      if (['openai-embeddings', 'ollama-embed', 'voyage-embed'].includes(format)) assert.equal(got.model, each.model)
      assert.equal(got.extras, undefined)
    }), { numRuns: runs })
  })
}

test('every recorded request of OpenAI and Gemini is written as it came', () => {
  let same = 0
  for (const { format, exchange, body } of asking) {
    if (format === 'cohere-embed') continue
    const model = exchange.model!.replace('models/', '')
    const { body: got, losses } = embedCodecs[format].encodeRequest(embedCodecs[format].decodeRequest(body, { model }), model)
    // One content alone is asked for as a batch of one, and members with underscores are written in the usual way.
    const { model: _, ...content } = body
    const expected = format === 'gemini-embed' && !body['requests'] ? { requests: [{ model: `models/${model}`, ...content }] } : body
    assert.deepEqual(got, JSON.parse(JSON.stringify(expected).replaceAll('"output_dimensionality"', '"outputDimensionality"')), exchange.id)
    assert.deepEqual(losses, [], exchange.id)
    same++
  }
  assert.equal(same, 104)
})

test('every recorded request of Cohere asks for the same of version 2', () => {
  for (const { format, exchange, body } of asking) {
    if (format !== 'cohere-embed') continue
    const { body: got } = embedCodecs[format].encodeRequest(embedCodecs[format].decodeRequest(body, {}), body['model'] as string)
    assert.deepEqual(got, { embedding_types: ['float'], ...body }, exchange.id)
  }
})

test('every recorded answer gives its vectors and tokens, and is written as it came in its own format', () => {
  const counts: Record<string, number> = {}
  for (const { format, exchange, body } of answered) {
    const codec = embedCodecs[format]
    const got = codec.decodeAnswer(body)
    const base64 = exchange.requestBody?.includes('"base64"') ? 'base64' as const : 'float' as const
    const inputs = Math.max(1, exchange.requestBody === null ? got.vectors.length : codec.decodeRequest(JSON.parse(exchange.requestBody) as JsonObject, {}).inputs.length)
    assert.equal(got.vectors.length, inputs, exchange.id)
    counts[format] = (counts[format] ?? 0) + 1
    if (format === 'cohere-embed') continue
    // Voyage repeats texts; others leave the kind of object out.
    const said = { ...body, ...(format === 'openai-embeddings' && { object: 'list', model: body['model'] ?? 'm', data: (body['data'] as JsonObject[]).map(({ index, embedding }) => ({ object: 'embedding', index, embedding })) }) }
    assert.deepEqual(codec.encodeAnswer(got, { request: { model: 'm', inputs: [], coding: base64 }, id: 'r' }), said, exchange.id)
  }
  assert.deepEqual(counts, { 'openai-embeddings': 72, 'gemini-embed': 13, 'cohere-embed': 14 })
})

test('tokens are billed as they are told, and images that are billed by the piece are not taken for tokens', () => {
  const bill = (id: string) => { const { format, body } = answered.find(({ exchange }) => exchange.id === id)!; return billOfEmbeddings(embedCodecs[format].decodeAnswer(body)) }
  const rules = { promptIncludesCached: true, completionIncludesReasoning: true }
  assert.equal(normaliseUsage(bill('76450b4be92dd823'), rules)?.usage.input, 31)
  assert.equal(normaliseUsage(bill('b8b9e3cd9f1c48c4'), rules)?.usage.input, 12)
  assert.equal(normaliseUsage(bill('97eb3250a8abf6a8'), rules)?.usage.input, 31)
  const pictures = normaliseUsage(bill('5620884f89ef64f5'), rules)!
  assert.deepEqual([pictures.usage.input, pictures.usage.imageIn, pictures.usage.images, pictures.anomalous], [0, 0, 1, false])
  assert.equal(bill('5ff2ad6c15c81535'), null)
  const mixed = normaliseUsage(billOfEmbeddings({ model: '', vectors: [], usage: { tokens: 5, imageTokens: 7 } }), rules)!
  assert.deepEqual([mixed.usage.input, mixed.usage.imageIn, mixed.anomalous], [5, 7, false])
})

test('a request of one format is asked of every other in its own words', () => {
  const { decodeRequest } = embedCodecs['openai-embeddings']
  const asked = decodeRequest({ model: 'x', input: ['a', 'b'], dimensions: 256, encoding_format: 'base64', user: 'u', input_type: 'query', seed: 1 }, {})
  const into = (format: EmbedFormat, request: EmbedRequest = asked) => { const { body, losses } = embedCodecs[format].encodeRequest(request, 'M'); return [body, losses.map(({ what, kind }) => `${kind}: ${what}`)] }
  const field = 'meaning: the field "seed"'
  assert.deepEqual(into('gemini-embed'), [{ requests: ['a', 'b'].map((each) => ({ model: 'models/M', content: { parts: [{ text: each }] }, taskType: 'RETRIEVAL_QUERY', outputDimensionality: 256 })) }, ['hint: user', field]])
  assert.deepEqual(into('cohere-embed'), [{ model: 'M', input_type: 'search_query', texts: ['a', 'b'], embedding_types: ['float'], output_dimension: 256 }, ['hint: user', field]])
  assert.deepEqual(into('ollama-embed'), [{ model: 'M', input: ['a', 'b'], dimensions: 256 }, ['hint: the purpose of the vectors', 'hint: user', field]])
  const content = { parts: [{ text: 'a' }, { text: 'b' }] }
  const gemini = embedCodecs['gemini-embed'].decodeRequest({ content, taskType: 'SEMANTIC_SIMILARITY', title: 't' }, { model: 'g' })
  assert.deepEqual(into('openai-embeddings', gemini), [{ model: 'M', input: 'a\nb' }, ['hint: the purpose of the vectors', 'hint: title', 'hint: borders between the texts of an input']])
  assert.deepEqual(into('cohere-embed', gemini)[1], ['hint: title', 'hint: the purpose "similarity", for which the nearest is taken'])
  assert.deepEqual(into('openai-embeddings', { ...asked, extras: { format: 'cohere-embed', fields: { input_type: 'x' } } })[1], ['hint: the purpose of the vectors'])
  assert.deepEqual(into('openai-embeddings'), [{ model: 'M', input: ['a', 'b'], dimensions: 256, encoding_format: 'base64', user: 'u', input_type: 'query', seed: 1 }, []])
})

test('tasks that differ within a batch stay with their inputs, and are lost by name elsewhere', () => {
  const codec = embedCodecs['gemini-embed']
  const body = { requests: [{ model: 'models/g', content: { parts: [{ text: 'a' }] }, taskType: 'CLUSTERING' }, { model: 'models/g', content: { parts: [{ text: 'b' }] }, outputDimensionality: 3 }] }
  const request = codec.decodeRequest(body, { model: 'g' })
  assert.deepEqual(codec.encodeRequest(request, 'g').body, body)
  assert.equal(request.purpose, undefined)
})

test('vectors are the same numbers in either coding', () => {
  const { decodeAnswer, encodeAnswer } = embedCodecs['openai-embeddings']
  fc.assert(fc.property(floats, (each) => {
    const base64 = encodeAnswer({ model: 'v', vectors: [{ floats: each }] }, { request: { model: 'm', inputs: [], coding: 'base64' }, id: 'r' })
    const [vector] = base64['data'] as { embedding: string }[]
    assert.equal(typeof vector!.embedding, 'string')
    assert.deepEqual((encodeAnswer(decodeAnswer(base64), client)['data'] as { embedding: number[] }[])[0]!.embedding, each)
  }))
})

test('inputs that a format has no place for are refused in words, and so is a request that has no sense', () => {
  const tokens: EmbedRequest = { model: 'm', inputs: [{ tokens: [1] }] }
  const picture: EmbedRequest = { model: 'm', inputs: [{ parts: [{ type: 'image', url: 'https://example.com/a.png' }] }] }
  for (const format of formats) if (format !== 'openai-embeddings') assert.throws(() => embedCodecs[format].encodeRequest(tokens, 'M'), BadRequest)
  for (const format of formats) if (format !== 'cohere-embed') assert.throws(() => embedCodecs[format].encodeRequest(picture, 'M'), BadRequest)
  assert.deepEqual(embedCodecs['cohere-embed'].encodeRequest(picture, 'M').body, { model: 'M', input_type: 'image', images: ['https://example.com/a.png'], embedding_types: ['float'] })
  for (const format of formats) for (const body of [{}, { input: 5 }, { texts: 'a' }, { requests: [{}] }, { content: {} }, { inputs: [{}] }] as unknown as JsonObject[]) assert.throws(() => embedCodecs[format].decodeRequest(body, {}), BadRequest)
})

test('vectors are in the order of their inputs, and an answer that lacks one has none', () => {
  const { decodeAnswer } = embedCodecs['openai-embeddings']
  const item = (index: number | null, embedding: unknown = [index]) => ({ object: 'embedding', index, embedding })
  const vectors = (...data: unknown[]) => decodeAnswer({ data } as JsonObject).vectors
  assert.deepEqual(vectors(item(1), item(0)), [{ floats: [0] }, { floats: [1] }])
  for (const data of [[item(0), item(2)], [item(0), item(0)], [item(0), item(1, null)], [item(0), 'x'], [item(0), item(1, [1, 'x'])]]) assert.deepEqual(vectors(...data), [])
  assert.deepEqual(embedCodecs['gemini-embed'].decodeAnswer({ embeddings: [{ values: [1] }, {}] }).vectors, [])
  assert.deepEqual(embedCodecs['cohere-embed'].decodeAnswer({ embeddings: { float: [[1], null] } }).vectors, [])
  assert.deepEqual(embedCodecs['ollama-embed'].decodeAnswer({ embeddings: [[1], 2] }).vectors, [])
})

test('one content that stood alone is answered alone', () => {
  const vectors = [{ floats: [1, 2] }]
  assert.deepEqual(embedCodecs['gemini-embed'].encodeAnswer({ model: '', vectors }, { request: { model: 'm', inputs: [], single: true }, id: 'r' }), { embedding: { values: [1, 2] } })
  assert.deepEqual(embedCodecs['gemini-embed'].encodeAnswer({ model: '', vectors }, client), { embeddings: [{ values: [1, 2] }] })
})

test('words that every object knows are no purpose and no truncation', () => {
  for (const word of ['constructor', 'toString', '__proto__']) {
    const { purpose, truncate } = embedCodecs['openai-embeddings'].decodeRequest({ input: 'a', input_type: word, truncate: word }, {})
    assert.deepEqual([purpose, truncate], [undefined, undefined])
  }
})

test('nothing that a vendor could answer by mistake throws', () => {
  const short = answered.map(({ body }) => JSON.parse(JSON.stringify(body, (_, value: unknown) => (Array.isArray(value) && typeof value[0] === 'number' ? value.slice(0, 3) : value))) as JsonObject)
  fc.assert(fc.property(mutated(short), fc.constantFrom(...formats), fc.constantFrom(...formats), (body, from, to) => {
    const got = embedCodecs[from].decodeAnswer(body)
    embedCodecs[to].encodeAnswer(got, { ...client, request: { ...client.request, coding: 'base64' } })
    billOfEmbeddings(got)
  }), { numRuns: runs })
  fc.assert(fc.property(mutated(asking.map(({ body }) => body)), fc.constantFrom(...formats), fc.constantFrom(...formats), (body, from, to) => {
    try {
      embedCodecs[to].encodeRequest(embedCodecs[from].decodeRequest(body, {}), 'M')
    } catch (error) {
      assert.ok(error instanceof BadRequest, String(error))
    }
  }), { numRuns: runs })
})
