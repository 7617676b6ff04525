import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { recordings } from '../../test/fixtures/recorded.ts'
import { mutated } from '../../test/protocols/vendor-codec.ts'
import type { JsonObject } from './canonical.ts'
import { BadRequest } from './codec.ts'
import { decodeRerank, encodeRerank, rerankCodecs, type RerankAnswer, type RerankFormat, type RerankRequest } from './rerank.ts'

const recorded = [...recordings('other').values()].filter(({ endpoint, provider }) => endpoint === 'rerank' && provider !== 'bedrock')
const vendorOf: Readonly<Record<string, RerankFormat>> = { cohere: 'cohere', llamacpp: 'cohere', voyage: 'voyage', together: 'cohere' }
const answers = recorded.filter(({ status }) => status === 200).map((exchange) => ({ exchange, body: JSON.parse(exchange.body.toString()) as JsonObject }))
const asked: RerankRequest = { model: 'm', query: 'q', documents: ['a', 'b', 'c'] }
const formats = Object.keys(rerankCodecs) as RerankFormat[]

test('every recorded answer gives its results and its usage, whoever gave it', () => {
  assert.equal(answers.length, 10)
  for (const { exchange, body } of answers) {
    const answer = rerankCodecs[vendorOf[exchange.provider]!].decodeAnswer(body)
    const said = (body['results'] ?? body['data']) as { index: number; relevance_score: number }[]
    assert.deepEqual(answer.results, said.map((each) => ({ index: each.index, score: each.relevance_score })), exchange.id)
  }
  const usage = (id: string) => { const { exchange, body } = answers.find((each) => each.exchange.id === id)!; return rerankCodecs[vendorOf[exchange.provider]!].decodeAnswer(body).usage }
  assert.deepEqual(usage('529a1ace91657270'), { searchUnits: 1 })
  assert.deepEqual(usage('01d132b131dc2911'), { tokens: 12 })
  assert.deepEqual(usage('9604844ae78e8eff'), { tokens: 2966 })
  assert.deepEqual(usage('5c0d847be9511fc6'), { tokens: 55 })
})

test('every recorded request is understood, and asked of Cohere as it came', () => {
  let requests = 0
  for (const { requestBody, id } of recorded) {
    const body = requestBody === null ? null : JSON.parse(requestBody) as JsonObject
    if (!body || (body['documents'] as unknown[]).length === 0) continue
    requests++
    const { body: got, losses } = rerankCodecs.cohere.encodeRequest(decodeRerank(body), body['model'] as string)
    // A null says nothing.
    assert.deepEqual(got, Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)), id)
    assert.deepEqual(losses, [], id)
  }
  assert.equal(requests, 8)
})

const full = decodeRerank({
  model: 'x', query: 'q', documents: [{ title: 'T', text: 'a' }, { title: 'U', text: 'b', page: 3 }], top_n: 5, return_documents: true, rank_fields: ['title', 'text'], max_tokens_per_doc: 9, truncation: false, priority: 2, max_chunks_per_doc: 4,
})

test('each vendor is asked in its own words', () => {
  const body = (format: RerankFormat, request: RerankRequest = full) => rerankCodecs[format].encodeRequest(request, 'M').body
  assert.deepEqual(body('cohere'), { model: 'M', query: 'q', documents: ['title: T\ntext: a', 'title: U\ntext: b'], top_n: 5, max_tokens_per_doc: 9, priority: 2 })
  assert.deepEqual(body('voyage'), { model: 'M', query: 'q', documents: ['title: T\ntext: a', 'title: U\ntext: b'], top_k: 5, truncation: false })
  assert.deepEqual(rerankCodecs['bedrock-invoke'].encodeRequest({ ...asked, topN: 1 }, 'cohere.rerank-v3-5:0').body, { api_version: 2, query: 'q', documents: ['a', 'b', 'c'], top_n: 1 })
  assert.deepEqual(rerankCodecs['bedrock-invoke'].encodeRequest(asked, 'amazon.rerank-v1:0').body, { query: 'q', documents: ['a', 'b', 'c'] })
})

test('what a vendor cannot say is lost by name', () => {
  const lost = (format: RerankFormat) => rerankCodecs[format].encodeRequest(full, 'M').losses.map(({ what, kind }) => `${kind}: ${what}`)
  assert.deepEqual(lost('cohere'), ['hint: truncation', 'meaning: the field "max_chunks_per_doc"'])
  assert.deepEqual(lost('voyage'), ['hint: max_tokens_per_doc', 'meaning: the field "priority"', 'meaning: the field "max_chunks_per_doc"'])
  assert.deepEqual(lost('bedrock-invoke'), ['hint: truncation', 'meaning: the field "max_chunks_per_doc"'])
  for (const format of formats) assert.deepEqual(rerankCodecs[format].encodeRequest({ ...asked, topN: 1, returnsDocuments: true, rankFields: ['text'] }, 'M').losses, [], format)
})

test('a client reads its results in the words of Cohere and of Jina, or of Voyage, with its own documents and no more than it asked for', () => {
  const answer: RerankAnswer = { results: [{ index: 1, score: 0.9 }, { index: 7, score: 0.8 }, { index: 0, score: 0.1 }], usage: { searchUnits: 1, tokens: 12 } }
  assert.deepEqual(encodeRerank(answer, { request: { ...asked, returnsDocuments: true, documents: ['a', { text: 'b', page: 1 }] }, id: 'req_1' }), {
    id: 'req_1', object: 'list', model: 'm', results: [{ index: 1, relevance_score: 0.9, document: { text: 'b', page: 1 } }, { index: 0, relevance_score: 0.1, document: { text: 'a' } }],
    meta: { api_version: { version: '2' }, billed_units: { search_units: 1 } }, usage: { prompt_tokens: 12, total_tokens: 12 },
  })
  const voyage = decodeRerank({ model: 'm', query: 'q', documents: ['a', 'b'], top_k: 1 })
  assert.deepEqual(encodeRerank(answer, { request: voyage, id: 'r' })['data'], [{ index: 1, relevance_score: 0.9 }])
  assert.equal((encodeRerank(answer, { request: { ...asked, topN: 1 }, id: 'r' })['results'] as unknown[]).length, 1)
})

test('a request that has no sense is refused in words, and no answer throws', () => {
  for (const body of [{}, { query: 'q' }, { query: 'q', documents: [] }, { query: 'q', documents: [1] }, { query: 1, documents: ['a'] }] as unknown as JsonObject[]) assert.throws(() => decodeRerank(body), BadRequest)
  fc.assert(fc.property(mutated(answers.map(({ body }) => body)), fc.constantFrom(...formats), (body, format) => {
    encodeRerank(rerankCodecs[format].decodeAnswer(body), { request: asked, id: 'r' })
  }), { numRuns: 500 })
})
