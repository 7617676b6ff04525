/** Recorded exchanges of images, audio, moderation and reranking: what an official SDK makes of the gateway's answer is what it makes of the vendor's own. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import OpenAI7 from 'openai7'
import type { EndpointKind } from '../../src/protocols/protocol.ts'
import { recordings, type RecordedExchange } from '../fixtures/recorded.ts'
import { providerAt, startRig } from './harness.ts'
import { startMediaVendor } from './media-vendor.ts'

const kinds: Record<string, EndpointKind> = {
  'images.generations': 'images', 'images.edits': 'image_edits', 'images.variations': 'image_variations', 'audio.speech': 'speech', 'audio.transcriptions': 'transcriptions',
  'audio.translations': 'translations', moderations: 'moderations', rerank: 'rerank',
}
/** Vendors whose interfaces are their own are not served. */
const foreign = new Set(['cartesia', 'deepgram', 'elevenlabs', 'fal', 'gladia', 'revai', 'bedrock'])
const exchanges = [...recordings('other').values()].filter(({ endpoint, method, provider }) => kinds[endpoint] !== undefined && method === 'POST' && !foreign.has(provider))

/** One recorder kept its own wrapping of a text. */
function answerOf(exchange: RecordedExchange): Pick<RecordedExchange, 'status' | 'headers' | 'body'> {
  const wrapped = exchange.id === '3764e74586ded271' ? JSON.parse(exchange.body.toString()) as { status: number; headers: Record<string, string>; body: string } : null
  return wrapped ? { ...wrapped, body: Buffer.from(wrapped.body) } : exchange
}

const vendor = await startMediaVendor(({ model }, response) => {
  const { status, headers, body } = answerOf(recordings('other').get(model)!)
  response.writeHead(status, { 'content-type': headers['content-type']!, 'content-length': body.length })
  response.end(body)
})
const rig = await startRig({ attempts: 1, providers: () => [providerAt('rec', vendor.url, { endpoints: Object.values(kinds) })], closes: [() => vendor.close()] })
after(() => assert.ok(exchanges.length >= 60, `${exchanges.length} exchanges`))

type Client = Pick<OpenAI, 'images' | 'audio' | 'moderations' | 'post'>

/** The request of an exchange, in the SDK's own words. */
async function ask(client: Client, exchange: RecordedExchange, model: string, modelFirst: boolean): Promise<unknown> {
  const { endpoint, requestBody, requestParts } = exchange
  const own = requestBody?.startsWith('{') ? JSON.parse(requestBody) as Record<string, unknown> : {}
  const fields: Record<string, unknown> = {}
  for (const { name, filename, value, value_base64 } of requestParts ?? []) {
    const key = name.replace(/\[\d*\]$/, '')
    const given = filename === undefined ? value : await toFile(Buffer.from(value ?? value_base64 ?? '', value === undefined ? 'base64' : 'utf8'), filename)
    fields[key] = key === 'n' ? Number(given) : fields[key] === undefined ? given : [fields[key], given].flat()
  }
  const file = await toFile(Buffer.alloc(3000, 'RIFF'), 'a.wav', { type: 'audio/wav' })
  const form = { ...(endpoint.startsWith('audio') ? { file } : { image: file, prompt: 'a cat' }), ...fields }
  const asked = (modelFirst ? { model, ...form, ...(form as { model?: string }).model !== undefined && { model } } : { ...form, model }) as never
  try {
    switch (endpoint) {
      case 'images.generations': return await client.images.generate({ prompt: 'a cat', ...own, model } as never)
      case 'images.edits': return await client.images.edit(asked)
      case 'images.variations': return await client.images.createVariation(asked)
      case 'audio.speech': return Buffer.from(await (await client.audio.speech.create({ input: 'hello', voice: 'alloy', ...own, model } as never)).arrayBuffer())
      case 'audio.transcriptions': return await client.audio.transcriptions.create(asked)
      case 'audio.translations': return await client.audio.translations.create(asked)
      case 'moderations': return await client.moderations.create({ input: 'hello', ...own, model } as never)
      default: return await client.post('/rerank', { body: { query: 'q', documents: ['a', 'b'], ...own, model } })
    }
  } catch (error) {
    const { status, message, code, type, param, error: body } = error as { status: number; message: string; code: string; type: string; param: string; error: unknown }
    return { status, message, code, type, param, body }
  }
}

for (const [name, Sdk] of [['openai 6', OpenAI], ['openai 7', OpenAI7 as unknown as typeof OpenAI]] as const) {
  describe(name, () => {
    const sdk = (baseURL: string, apiKey: string): Client => new Sdk({ baseURL, apiKey, maxRetries: 0 })
    for (const exchange of exchanges) {
      for (const modelFirst of exchange.requestParts || /edits|variations|transcr|transl/.test(exchange.endpoint) ? [true, false] : [true]) {
        test(`${exchange.endpoint} ${exchange.provider} ${exchange.id}${modelFirst ? '' : ', the model behind the file'}: as from the vendor itself`, async () => {
          const direct = await ask(sdk(vendor.url, 'sk-test-secret'), exchange, exchange.id, modelFirst)
          const through = await ask(sdk(`${rig.url}/v1`, rig.key), exchange, `rec/${exchange.id}`, modelFirst)
          const [first, second] = vendor.asked.splice(0)
          assert.deepEqual(through, direct)
          assert.equal(second!.path, first!.path)
          assert.deepEqual(second!.fields, first!.fields)
          if (first!.fields.length === 0) assert.equal(second!.body.toString(), first!.body.toString())
          assert.equal(Number(second!.headers['content-length']), second!.body.length)
        })
      }
    }
  })
}
