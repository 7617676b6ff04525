/** Recorded exchanges of embeddings and reranking: what an official SDK makes of the gateway's answer is what it makes of the vendor's own; before a vendor of another format every client reads the same numbers. */
import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import { GoogleGenAI } from '@google/genai'
import { CohereClientV2 } from 'cohere-ai'
import OpenAI from 'openai'
import OpenAI7 from 'openai7'
import type { Vendor } from '../../src/providers/provider.ts'
import { recordings, type RecordedExchange } from '../fixtures/recorded.ts'
import { providerAt, startRig } from './harness.ts'
import { startMediaVendor } from './media-vendor.ts'

type Json = Record<string, unknown>
type Format = 'openai' | 'gemini' | 'cohere' | 'vertex' | 'rerank' | 'voyage-rerank'

function formatOf({ endpoint, provider }: RecordedExchange): Format | null {
  if (endpoint === 'embedContent') return 'gemini'
  if (endpoint === 'predict') return 'vertex'
  // Bedrock's own reranking stands at a host that is not called.
  if (endpoint === 'rerank') return provider === 'bedrock' ? null : provider === 'voyage' ? 'voyage-rerank' : 'rerank'
  return endpoint !== 'embeddings' ? null : provider === 'cohere' ? 'cohere' : 'openai'
}

const exchanges = [...recordings('other').values(), ...recordings('openai').values()].flatMap((exchange) => {
  const format = formatOf(exchange)
  return format === null ? [] : [{ exchange, format }]
})
const byId = new Map(exchanges.map(({ exchange }) => [exchange.id, exchange]))

/** By the model's name, which is the id of the exchange, wherever the format has it. */
const vendor = await startMediaVendor(({ model, path }, response) => {
  const { status, headers, body } = byId.get(model === '' ? /models\/(\w+):/.exec(path)![1]! : model)!
  response.writeHead(status, { 'content-type': headers['content-type']!, 'content-length': body.length })
  response.end(body)
})
const base = vendor.url.replace(/\/v1$/, '')
const speaks = (protocol: string): Partial<Vendor> => ({ formats: [{ protocol }], endpoints: ['embeddings', 'rerank'] })
const rig = await startRig({
  attempts: 1,
  providers: () => [
    providerAt('openai', vendor.url, speaks('openai-chat')), providerAt('gemini', `${base}/v1beta`, { ...speaks('gemini-embed'), auth: { header: 'x-goog-api-key' } }), providerAt('vertex', `${base}/v1beta1/publishers/google`, speaks('vertex-predict')),
    providerAt('cohere', `${base}/v2`, speaks('cohere-embed')), providerAt('rerank', `${base}/v2`, speaks('openai-chat')), providerAt('voyage-rerank', `${base}/v2`, speaks('voyage-rerank')),
  ],
  closes: [() => vendor.close()],
})
beforeEach(() => void vendor.asked.splice(0))

interface Said { vectors: number[][] | null; tokens: number | null; whole: unknown; status: number }

/** Everything that the SDK tells but headers, which Google's repeats, and what all of them tell. */
async function said(ask: () => Promise<unknown>, read: (answer: never) => Pick<Said, 'vectors' | 'tokens'>): Promise<Said> {
  try {
    const whole = await ask()
    return { ...read(whole as never), whole: JSON.parse(JSON.stringify(whole, (key, value: unknown) => (key === 'sdkHttpResponse' ? undefined : value))) as unknown, status: 200 }
  } catch (error) {
    const { status, statusCode, message, name } = error as { status?: number; statusCode?: number; message: string; name: string }
    return { vectors: null, tokens: null, whole: { name, message }, status: status ?? statusCode ?? 0 }
  }
}

const texts = (body: Json | null, key: string): string[] => (Array.isArray(body?.[key]) ? (body[key] as unknown[]).map((each) => (typeof each === 'string' ? each : 'a')) : ['a'])
const plain = ({ requestBody }: RecordedExchange): Json | null => (requestBody === null ? null : JSON.parse(requestBody) as Json)

const sdks: Readonly<Record<string, { of: readonly Format[]; ask: (url: string, key: string, exchange: RecordedExchange, model: string, inputs?: string[]) => Promise<Said> }>> = {
  ...Object.fromEntries([['openai 6', OpenAI], ['openai 7', OpenAI7 as unknown as typeof OpenAI]].map(([name, Sdk]) => [name as string, {
    of: ['openai'] as const,
    ask: (url: string, key: string, exchange: RecordedExchange, model: string, inputs?: string[]) => {
      const client = new (Sdk as typeof OpenAI)({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 })
      return said(() => client.embeddings.create({ input: 'a', ...plain(exchange), ...(inputs && { input: inputs }), model } as never), (answer: { data: { embedding: number[] | string }[]; usage?: { total_tokens: number } }) => ({ vectors: answer.data.map(({ embedding }) => embedding as number[]), tokens: answer.usage?.total_tokens ?? null }))
    },
  }])),
  'google-genai': {
    of: ['gemini'],
    ask: (url, key, exchange, model, inputs) => {
      const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } })
      const [first, ...others] = (plain(exchange)?.['requests'] ?? [plain(exchange) ?? {}]) as { content?: { parts: { text: string }[] }; taskType?: string; output_dimensionality?: number }[]
      const contents = inputs ?? (first?.content ? [first, ...others].map(({ content }) => content!) : ['a'])
      const config = { ...(first?.taskType && { taskType: first.taskType }), ...(first?.output_dimensionality && { outputDimensionality: first.output_dimensionality }) }
      return said(() => client.models.embedContent({ model, contents: contents as never, config }), (answer: { embeddings: { values: number[] }[] }) => ({ vectors: answer.embeddings.map(({ values }) => values), tokens: null }))
    },
  },
  'cohere-ai': {
    of: ['cohere', 'rerank'],
    ask: (url, token, exchange, model, inputs) => {
      const client = new CohereClientV2({ token, environment: url })
      const body = plain(exchange)
      const options = { maxRetries: 0 }
      if (exchange.endpoint === 'rerank') return said(() => client.rerank({ query: 'q', ...(body as object), documents: texts(body, 'documents'), topN: body?.['top_n'] as number, model }, options), () => ({ vectors: null, tokens: null }))
      const images = body?.['images'] as string[] | undefined
      return said(() => client.embed({ model, inputType: inputs ? 'search_document' : (body?.['input_type'] ?? 'search_document') as never, ...(images && !inputs ? { images } : { texts: inputs ?? texts(body, 'texts') }), embeddingTypes: ['float'] }, options),
        (answer: { embeddings: { float?: number[][] }; meta?: { billedUnits?: { inputTokens?: number } } }) => ({ vectors: answer.embeddings.float ?? null, tokens: answer.meta?.billedUnits?.inputTokens ?? null }))
    },
  },
}

const replayed = (name: string): readonly (typeof exchanges)[number][] => exchanges.filter(({ format }) => sdks[name]!.of.includes(format))
after(() => assert.deepEqual(Object.fromEntries(Object.keys(sdks).map((name) => [name, replayed(name).length])), { 'openai 6': 91, 'openai 7': 91, 'google-genai': 16, 'cohere-ai': 26 }))

for (const [name, { ask }] of Object.entries(sdks)) {
  describe(name, () => {
    for (const { exchange, format } of replayed(name)) {
      test(`${exchange.endpoint} ${exchange.provider} ${exchange.status} ${exchange.id}: as from the vendor itself`, async () => {
        const direct = await ask(base, 'sk-test-secret', exchange, exchange.id)
        const [first] = vendor.asked.splice(0)
        const through = await ask(rig.url, rig.key, exchange, `${format}/${exchange.id}`)
        const [second] = vendor.asked.splice(0)
        assert.deepEqual(through, direct)
        assert.deepEqual(JSON.parse(second!.body.toString()), JSON.parse(first!.body.toString()))
        // The version of the address is the provider's.
        assert.equal(second!.path.replace(/^\/v\w+|\?.*$/g, ''), first!.path.replace(/^\/v\w+|\?.*$/g, ''))
      })
    }
  })
}

/** In full, where an answer tells its numbers as such. */
function vectorsOf({ body }: RecordedExchange, format: Format): number[][] | null {
  const { data, embeddings, embedding, predictions } = JSON.parse(body.toString()) as { data?: { embedding: unknown; index?: number }[]; embeddings?: unknown; embedding?: { values: number[] }; predictions?: { embeddings: { values: number[] } }[] }
  const list = format === 'openai' ? data!.map((each) => each.embedding) : format === 'vertex' ? predictions!.map((each) => each.embeddings.values)
    : format === 'gemini' ? (embedding ? [embedding] : embeddings as { values: number[] }[]).map(({ values }) => values)
    : Array.isArray(embeddings) ? embeddings : (embeddings as { float: number[][] }).float
  return list.every((each) => Array.isArray(each)) ? list as number[][] : null
}

describe('every client before every vendor', () => {
  for (const [name, { ask, of }] of Object.entries(sdks)) {
    const others = exchanges.filter(({ exchange, format }) => exchange.status === 200 && exchange.endpoint !== 'rerank' && !of.includes(format))
    test(`${name} reads the numbers of ${others.length} answers of other formats`, async () => {
      for (const { exchange, format } of others) {
        const vectors = vectorsOf(exchange, format)
        if (vectors === null) continue
        const { vectors: got, whole } = await ask(rig.url, rig.key, { ...exchange, endpoint: 'embeddings', requestBody: null }, `${format}/${exchange.id}`, vectors.map(() => 'a'))
        assert.ok(got, `${exchange.id} ${JSON.stringify(whole)}`)
        // OpenAI's asks for 32-bit floats unless told otherwise.
        assert.deepEqual(got.map((each) => each.map(Math.fround)), vectors.map((each) => each.map(Math.fround)), exchange.id)
      }
    })
  }

  test('an answer of Voyage’s is read by Cohere’s client', async () => {
    const { exchange } = exchanges.find(({ format }) => format === 'voyage-rerank')!
    const client = new CohereClientV2({ token: rig.key, environment: rig.url })
    const { results } = await client.rerank({ model: `voyage-rerank/${exchange.id}`, query: 'q', documents: ['a', 'b'] })
    const { data } = JSON.parse(exchange.body.toString()) as { data: { index: number; relevance_score: number }[] }
    assert.deepEqual(results.map(({ index, relevanceScore }) => ({ index, relevance_score: relevanceScore })), data.map(({ index, relevance_score: score }) => ({ index, relevance_score: score })))
  })
})
