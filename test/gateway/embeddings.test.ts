/** Embeddings and reranking of clients of one format before vendors of another: what arrives, what comes back, what is held, billed, refused and left out. */
import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import { expandPrices } from '../../src/catalog/artefact.ts'
import type { Vendor } from '../../src/providers/provider.ts'
import { usageFlags, type AttemptRecord, type RequestRecord } from '../../src/store/records.ts'
import { providerAt, startRig } from './harness.ts'
import { startMediaVendor, type Answer } from './media-vendor.ts'

type Json = Record<string, unknown>

let answer: Answer = json({})
function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return (_asked, response) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

const vendor = await startMediaVendor((asked, response) => answer(asked, response))
const speaks = (...protocols: string[]): Partial<Vendor> => ({ formats: protocols.map((protocol) => ({ protocol })), endpoints: ['embeddings', 'rerank'] })
const rig = await startRig({
  attempts: 1,
  providers: () => [
    providerAt('openai', vendor.url, speaks('openai-chat')), providerAt('gemini', vendor.url, { ...speaks('gemini-embed'), auth: { header: 'x-goog-api-key' } }), providerAt('vertex', vendor.url, speaks('vertex-predict')),
    providerAt('cohere', vendor.url, speaks('cohere-embed')), providerAt('ollama', vendor.url.replace('/v1', ''), speaks('ollama-embed')), providerAt('voyage', vendor.url, speaks('voyage-embed', 'voyage-rerank')),
    providerAt('bedrock', vendor.url, speaks('bedrock-embed', 'bedrock-rerank')),
  ],
  closes: [() => vendor.close()],
})
const priced: [id: string, provider: string, upstream: string, images?: number][] = [
  ['text-3', 'openai', 'text-embedding-3-small'], ['gem', 'gemini', 'gemini-embedding-001'], ['embed', 'cohere', 'embed-v4.0'], ['pictures', 'cohere', 'embed-v3', 100_000_000_000],
  ['titan', 'bedrock', 'amazon.titan-embed-text-v2:0'], ['on-bedrock', 'bedrock', 'cohere.embed-v4:0'], ['g1', 'bedrock', 'amazon.titan-embed-text-v1'], ['mixed', 'bedrock', 'amazon.titan-embed-image-v1'],
  ['predict', 'vertex', 'text-embedding-005'], ['local', 'ollama', 'nomic'], ['voy', 'voyage', 'voyage-3.5'], ['rank', 'voyage', 'rerank-2.5'], ['rank-bedrock', 'bedrock', 'cohere.rerank-v3-5:0'],
]
rig.publish((organisation) => {
  for (const [id, provider, upstreamModel, images = 0] of priced) organisation.deployments.push({ id, model: id, provider, upstreamModel, price: { version: 'p', base: expandPrices({ input: 1_000_000_000, images }), tiers: [] }, priceAs: null })
})
beforeEach(() => void vendor.asked.splice(0))
after(() => assert.deepEqual(rig.gateway.bodies.heldBytes, 0))

interface Said { status: number; json: Json; headers: Headers; record: RequestRecord; attempt: AttemptRecord }

async function post(path: string, body: Json, headers: Record<string, string> = {}, key = rig.key): Promise<Said> {
  const count = rig.records.length
  const response = await fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
  const said = await response.json() as Json
  const record = (await rig.recorded(count + 1))[count]!
  return { status: response.status, json: said, headers: response.headers, record, attempt: record.attempts[0]! }
}

/** What arrived, and where. */
const arrived = (): [path: string, body: Json] => {
  const [asked] = vendor.asked.splice(0)
  return [asked!.path, JSON.parse(asked!.body.toString()) as Json]
}
const codeOf = ({ json: { error } }: Said): unknown => (error as Json)['code']

describe('a client of OpenAI', () => {
  const ask = (model: string, more: Json = {}, headers: Record<string, string> = {}): Promise<Said> => post('/v1/embeddings', { model, input: ['a', 'b'], ...more }, headers)

  test('is served by Gemini in a batch, in either coding, at an estimate that is marked', async () => {
    answer = json({ embeddings: [{ values: [1, 2] }, { values: [3, 4] }] })
    const said = await ask('gem', { dimensions: 2, input_type: 'query' })
    assert.deepEqual(arrived(), ['/v1/models/gemini-embedding-001:batchEmbedContents', { requests: ['a', 'b'].map((text) => ({ model: 'models/gemini-embedding-001', content: { parts: [{ text }] }, taskType: 'RETRIEVAL_QUERY', outputDimensionality: 2 })) }])
    assert.deepEqual(said.json, { object: 'list', data: [[1, 2], [3, 4]].map((embedding, index) => ({ object: 'embedding', index, embedding })), model: 'gem' })
    assert.ok(said.attempt.usage.input > 0 && said.attempt.costNano === said.attempt.usage.input * 1000)
    assert.equal(said.attempt.flags & usageFlags.estimated, usageFlags.estimated)
    const coded = (await ask('gem', { encoding_format: 'base64' })).json['data'] as { embedding: string }[]
    assert.equal(Buffer.from(coded[1]!.embedding, 'base64').readFloatLE(0), 3)
  })

  test('is served by Vertex, whose tokens are billed', async () => {
    answer = json({ predictions: [[1], [2]].map((values) => ({ embeddings: { values, statistics: { token_count: 3, truncated: false } } })) })
    const said = await ask('predict', { dimensions: 1 })
    assert.deepEqual(arrived(), ['/v1/models/text-embedding-005:predict', { instances: [{ content: 'a' }, { content: 'b' }], parameters: { outputDimensionality: 1 } }])
    assert.deepEqual([said.json['usage'], said.attempt.usage.input, said.attempt.costNano, said.attempt.flags], [{ prompt_tokens: 6, total_tokens: 6 }, 6, 6000, 0])
  })

  test('is served by Cohere in its own words, and told its cost', async () => {
    answer = json({ id: 'x', embeddings: { float: [[1], [2]] }, texts: ['a', 'b'], meta: { billed_units: { input_tokens: 4 } } })
    const said = await ask('embed', { megarouter: { include_cost: true }, dimensions: 256, user: 'u' })
    assert.deepEqual(arrived(), ['/v1/embed', { model: 'embed-v4.0', input_type: 'search_document', texts: ['a', 'b'], embedding_types: ['float'], output_dimension: 256 }])
    assert.deepEqual(said.json['usage'], { prompt_tokens: 4, total_tokens: 4, cost_usd: 0.000004 })
    assert.equal(said.attempt.costNano, 4000)
    assert.match(said.headers.get('x-megarouter-warnings')!, /not said to cohere: user/)
  })

  test('is served by Ollama and Voyage', async () => {
    answer = json({ model: 'nomic', embeddings: [[1], [2]], prompt_eval_count: 5 })
    assert.deepEqual((await ask('local')).json['usage'], { prompt_tokens: 5, total_tokens: 5 })
    assert.deepEqual(arrived(), ['/api/embed', { model: 'nomic', input: ['a', 'b'] }])
    answer = json({ object: 'list', data: [{ index: 1, embedding: [2] }, { index: 0, embedding: [1] }], model: 'voyage-3.5', usage: { total_tokens: 7 } })
    const said = await ask('voy', { dimensions: 256, encoding_format: 'float', input_type: 'document' })
    assert.deepEqual(arrived(), ['/v1/embeddings', { model: 'voyage-3.5', input: ['a', 'b'], input_type: 'document', output_dimension: 256 }])
    assert.deepEqual([(said.json['data'] as Json[]).map(({ embedding }) => embedding), said.attempt.usage.input, said.attempt.costNano], [[[1], [2]], 7, 7000])
  })

  test('is served by models on Bedrock: one input by request of Titan, any number of Cohere’s', async () => {
    answer = json({ embedding: [1, 2], inputTextTokenCount: 3 })
    const one = await post('/v1/embeddings', { model: 'titan', input: 'a', dimensions: 256 })
    assert.deepEqual(arrived(), ['/v1/model/amazon.titan-embed-text-v2%3A0/invoke', { inputText: 'a', dimensions: 256 }])
    assert.deepEqual([(one.json['data'] as Json[])[0]!['embedding'], one.attempt.costNano], [[1, 2], 3000])
    const two = await ask('titan')
    assert.deepEqual([two.status, codeOf(two), vendor.asked.length], [400, 'invalid_request', 0])
    assert.match(JSON.stringify(two.json), /one input by request, not 2/)
    answer = json({ id: 'x', embeddings: { float: [[1], [2]] }, response_type: 'embeddings_by_type' }, 200, { 'x-amzn-bedrock-input-token-count': '9' })
    const said = await ask('on-bedrock')
    assert.deepEqual(arrived(), ['/v1/model/cohere.embed-v4%3A0/invoke', { input_type: 'search_document', texts: ['a', 'b'], embedding_types: ['float'] }])
    assert.deepEqual([said.attempt.usage.input, said.attempt.costNano, said.attempt.flags], [9, 9000, 0])
    answer = json({ embedding: [1], inputTextTokenCount: 1 })
    const plain = await post('/v1/embeddings', { model: 'g1', input: 'a', dimensions: 8 })
    assert.deepEqual(arrived()[1], { inputText: 'a' })
    assert.match(plain.headers.get('x-megarouter-warnings')!, /dimensions/)
  })

  test('that wants nothing left out is refused before anything is sent', async () => {
    const said = await post('/v1/embeddings', { model: 'g1', input: 'a', dimensions: 8, megarouter: { on_unsupported: 'reject' } })
    assert.deepEqual([said.status, codeOf(said), vendor.asked.length], [400, 'unsupported_feature', 0])
    const tokens = await post('/v1/embeddings', { model: 'gem', input: [1, 2] })
    assert.deepEqual([tokens.status, codeOf(tokens), vendor.asked.length], [400, 'invalid_request', 0])
  })

  test('never gets fewer vectors than inputs', async () => {
    for (const body of [{ embeddings: [{ values: [1] }] }, { embeddings: [] }, { embeddings: [{ values: [1] }, { values: 'x' }] }, {}]) {
      answer = json(body)
      const said = await ask('gem')
      assert.deepEqual([said.status, codeOf(said)], [502, 'upstream_truncated'], JSON.stringify(body))
    }
  })

  test('reads a refusal in its own form, with its status', async () => {
    answer = json({ error: { code: 404, message: 'models/x is not found', status: 'NOT_FOUND' } }, 404)
    const said = await ask('gem')
    assert.equal(said.status, 404)
    assert.match(String((said.json['error'] as Json)['message']), /models\/x is not found/)
    answer = json({ message: 'too many' }, 429)
    assert.equal((await ask('embed')).status, 429)
  })

  test('of one format in and out gets the vendor’s bytes', async () => {
    answer = json({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: 'AACAPw==' }], model: 'x', usage: { prompt_tokens: 1, total_tokens: 1 }, extra: 1 })
    const said = await post('/v1/embeddings', { model: 'text-3', input: 'a', encoding_format: 'base64', x_own: 1 })
    assert.deepEqual(arrived(), ['/v1/embeddings', { model: 'text-embedding-3-small', input: 'a', encoding_format: 'base64', x_own: 1 }])
    assert.equal(said.json['extra'], 1)
  })
})

describe('a client of Google', () => {
  const content = { parts: [{ text: 'a' }] }

  test('is served by OpenAI, one content and many', async () => {
    answer = json({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [1, 2] }], model: 'x', usage: { prompt_tokens: 2, total_tokens: 2 } })
    const one = await post('/v1beta/models/text-3:embedContent', { content, outputDimensionality: 2 })
    assert.deepEqual(arrived(), ['/v1/embeddings', { model: 'text-embedding-3-small', input: 'a', dimensions: 2 }])
    assert.deepEqual([one.json, one.attempt.costNano], [{ embedding: { values: [1, 2] } }, 2000])
    const many = await post('/v1beta/models/text-3:batchEmbedContents', { requests: [{ model: 'models/text-3', content }] })
    assert.deepEqual(arrived()[1], { model: 'text-embedding-3-small', input: ['a'] })
    assert.deepEqual(many.json, { embeddings: [{ values: [1, 2] }] })
  })

  test('is served by Google under the name that was authorised, whatever its items say', async () => {
    answer = json({ embeddings: [{ values: [1] }] })
    await post('/v1beta/models/gem:batchEmbedContents', { requests: [{ model: 'models/dearer', content }, { content }] })
    assert.deepEqual(arrived(), ['/v1/models/gemini-embedding-001:batchEmbedContents', { requests: [{ model: 'models/gemini-embedding-001', content }, { content }] }])
    answer = json({ embedding: { values: [1] } })
    const said = await post('/v1beta/models/gem:embedContent', { model: 'models/gem', content })
    assert.deepEqual(arrived(), ['/v1/models/gemini-embedding-001:embedContent', { model: 'models/gemini-embedding-001', content }])
    assert.deepEqual(said.json, { embedding: { values: [1] } })
  })

  test('of Vertex predicts vectors of texts, and nothing else', async () => {
    answer = json({ predictions: [{ embeddings: { values: [1], statistics: { token_count: 2 } } }] })
    const path = '/v1beta1/projects/p/locations/l/publishers/google/models/predict:predict'
    assert.equal((await post(path, { instances: [{ content: 'a' }] })).attempt.costNano, 2000)
    assert.deepEqual(arrived()[1], { instances: [{ content: 'a' }] })
    const image = await post(path, { instances: [{ prompt: 'a cat' }] })
    assert.deepEqual([image.status, (image.json['error'] as Json)['status'], vendor.asked.length], [400, 'INVALID_ARGUMENT', 0])
  })

  test('reads refusals of its own and of others in its form', async () => {
    answer = json({ error: { message: 'no such model', type: 'invalid_request_error', code: 'model_not_found', param: null } }, 404)
    const said = await post('/v1beta/models/text-3:embedContent', { content })
    assert.deepEqual([said.status, (said.json['error'] as Json)['status'], (said.json['error'] as Json)['code']], [404, 'NOT_FOUND', 404])
    const none = await post('/v1beta/models/text-3:embedContent', {})
    assert.deepEqual([none.status, (none.json['error'] as Json)['status']], [400, 'INVALID_ARGUMENT'])
  })
})

test('clients of Cohere and Ollama are served by others, in their own words', async () => {
  answer = json({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [1] }], model: 'x', usage: { prompt_tokens: 2, total_tokens: 2 } })
  const cohere = await post('/v2/embed', { model: 'text-3', texts: ['a'], input_type: 'search_query', embedding_types: ['float'] })
  assert.deepEqual([cohere.json['embeddings'], cohere.json['meta']], [{ float: [[1]] }, { api_version: { version: '2' }, billed_units: { input_tokens: 2 } }])
  const ollama = await post('/api/embed', { model: 'text-3', input: ['a'] })
  assert.deepEqual(ollama.json, { model: 'x', embeddings: [[1]], prompt_eval_count: 2 })
  assert.deepEqual(vendor.asked.splice(0).map(({ body }) => JSON.parse(body.toString()) as Json), [{ model: 'text-embedding-3-small', input: ['a'], encoding_format: 'float' }, { model: 'text-embedding-3-small', input: ['a'] }])
})

describe('money', () => {
  const strict = (limitNano: number): string => rig.addKey({ budget: { limitNano, period: 'day', mode: 'strict' } }).text

  test('a strict budget holds no less than the bytes of the request as it is sent can cost', async () => {
    answer = json({ embeddings: [{ values: [1] }] })
    assert.equal(codeOf(await post('/v1/embeddings', { model: 'gem', input: 'a' }, {}, strict(1000))), 'budget_exceeded')
    assert.equal(vendor.asked.length, 0)
    assert.equal((await post('/v1/embeddings', { model: 'gem', input: 'a' }, {}, strict(1_000_000))).status, 200)
  })

  test('images that are billed by the piece cost what they are told to, and a strict budget takes none', async () => {
    answer = json({ id: 'x', embeddings: { float: [[1]] }, meta: { billed_units: { images: 1 } } })
    const body = { model: 'pictures', images: ['data:image/png;base64,AAAA'], input_type: 'image', embedding_types: ['float'] }
    const said = await post('/v2/embed', body)
    assert.deepEqual([said.attempt.usage.images, said.attempt.costNano, said.attempt.flags], [1, 100_000, 0])
    const refused = await post('/v2/embed', body, {}, strict(1e9))
    assert.match(String(refused.json['message']), /cannot be enforced/)
  })
})

describe('reranking', () => {
  const documents = ['a', { text: 'b', page: 2 }]

  test('by Voyage is asked in its words and answered in those of Cohere and Jina', async () => {
    answer = json({ object: 'list', data: [{ relevance_score: 0.9, index: 1 }, { relevance_score: 0.1, index: 0 }], model: 'rerank-2.5', usage: { total_tokens: 12 } })
    const said = await post('/v1/rerank', { model: 'rank', query: 'q', documents, top_n: 1, return_documents: true })
    assert.deepEqual(arrived(), ['/v1/rerank', { model: 'rerank-2.5', query: 'q', documents: ['a', 'text: b\npage: 2'], top_k: 1 }])
    assert.deepEqual(said.json['results'], [{ index: 1, relevance_score: 0.9, document: { text: 'b', page: 2 } }])
    assert.deepEqual([said.json['usage'], said.attempt.usage.input, said.attempt.costNano], [{ prompt_tokens: 12, total_tokens: 12 }, 12, 12_000])
    const own = await post('/v1/rerank', { model: 'rank', query: 'q', documents: ['a', 'b'], top_k: 2 })
    assert.deepEqual((own.json['data'] as Json[]).length, 2)
  })

  test('by a model on Bedrock names the model in the path', async () => {
    answer = json({ results: [{ index: 0, relevance_score: 0.5 }] })
    const said = await post('/v2/rerank', { model: 'rank-bedrock', query: 'q', documents: ['a'], max_tokens_per_doc: 100 })
    assert.deepEqual(arrived(), ['/v1/model/cohere.rerank-v3-5%3A0/invoke', { api_version: 2, query: 'q', documents: ['a'], max_tokens_per_doc: 100 }])
    assert.deepEqual(said.json['results'], [{ index: 0, relevance_score: 0.5 }])
  })

  test('of Cohere’s clients is refused in Cohere’s form', async () => {
    const said = await post('/v2/rerank', { model: 'rank', query: 'q', documents: [] })
    assert.equal(said.status, 400)
    assert.match(String(said.json['message']), /"documents" must be a list of at least one/)
  })
})
