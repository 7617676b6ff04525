/** Images, audio, moderation and reranking: forms on their way, answers of bytes and events, and what they cost. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { expandPrices, type SparsePrices } from '../../src/catalog/artefact.ts'
import { limits } from '../../src/limits.ts'
import { usageFlags, type AttemptRecord, type RequestRecord } from '../../src/store/records.ts'
import { providerAt, startRig } from './harness.ts'
import { startMediaVendor, type Answer } from './media-vendor.ts'

let answer: Answer = json({ text: 'hello' })
let second: Answer = json({ text: 'second' })
function json(body: unknown, status = 200): Answer {
  return (_asked, response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const endpoints = ['images', 'image_edits', 'image_variations', 'speech', 'transcriptions', 'translations', 'moderations', 'rerank'] as const
const first = await startMediaVendor((asked, response) => answer(asked, response))
const other = await startMediaVendor((asked, response) => second(asked, response))
const perImage = { images: 40_000_000_000_000 }, perMs = { audioMs: 100_000_000 }, perCharacter = { characters: 15_000_000_000 }, perSearch = { searches: 2_000_000_000_000 }
const tokens = { input: 5_000_000_000, imageIn: 10_000_000_000, output: 40_000_000_000 }
const prices: Record<string, SparsePrices> = { 'per-image': perImage, 'per-ms': perMs, 'per-character': perCharacter, 'per-search': perSearch, tokens }
const rig = await startRig({
  providers: () => [providerAt('a', first.url, { endpoints }), providerAt('b', other.url, { endpoints }), providerAt('chats', first.url, { endpoints: ['chat'] })],
  closes: [() => first.close(), () => other.close()],
})
rig.publish((organisation) => {
  for (const [model, price] of Object.entries(prices)) {
    organisation.deployments.push({ id: model, model, provider: 'a', upstreamModel: model, price: { version: 'p', base: expandPrices(price), tiers: [] }, priceAs: null })
  }
})
after(() => {
  assert.deepEqual([rig.gateway.bodies.heldBytes, rig.gateway.spool.heldBytes], [0, 0])
})

const part = (headers: string, value: string | Buffer): Buffer => Buffer.concat([Buffer.from(`--b\r\nContent-Disposition: form-data; ${headers}\r\n\r\n`), Buffer.from(value), Buffer.from('\r\n')])
const field = (name: string, value: string): Buffer => part(`name="${name}"`, value)
const file = (bytes: Buffer, name = 'file'): Buffer => part(`name="${name}"; filename="a.wav"\r\nContent-Type: audio/wav`, bytes)
const form = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, Buffer.from('--b--\r\n')])
const formHeaders = { 'content-type': 'multipart/form-data; boundary=b' }

interface Said { status: number; text: string; headers: Headers; record: RequestRecord }

async function post(path: string, body: Buffer | object, headers: Record<string, string> = {}, key = rig.key): Promise<Said> {
  const count = rig.records.length
  const isForm = Buffer.isBuffer(body)
  const response = await fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...(isForm && formHeaders), ...headers }, body: isForm ? new Uint8Array(body) : JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, text, headers: response.headers, record: (await rig.recorded(count + 1))[count]! }
}

const codeOf = ({ text }: Said): string => (JSON.parse(text) as { error: { code: string } }).error.code
const attemptOf = ({ record }: Said): AttemptRecord => record.attempts[0]!
const strictKey = (limitNano = 1e12): string => rig.addKey({ budget: { limitNano, period: 'day', mode: 'strict' } }).text
const standardKey = (limitNano: number): string => rig.addKey({ budget: { limitNano, period: 'day', mode: 'standard' } }).text

describe('forms', () => {
  const big = Buffer.alloc(3 * 1024 * 1024, 'x')

  test('with the model first the vendor reads while the client still sends', async () => {
    answer = json({ text: 'hello' })
    const count = rig.records.length
    first.received.bytes = 0
    const call = request({ port: rig.port, host: '127.0.0.1', path: '/v1/audio/transcriptions', method: 'POST', headers: { authorization: `Bearer ${rig.key}`, ...formHeaders } })
    const said = new Promise<number>((resolve) => call.on('response', (response) => { response.resume(); resolve(response.statusCode!) }))
    call.write(Buffer.concat([field('model', 'a/whisper'), Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'), big.subarray(0, 100_000)]))
    while (first.received.bytes < 100_000) await sleep(5)
    call.end(Buffer.from('\r\n--b--\r\n'))
    assert.equal(await said, 200)
    const asked = first.asked.splice(0).at(-1)!
    assert.equal(asked.model, 'whisper')
    assert.equal(asked.headers['content-length'], undefined)
    assert.equal((await rig.recorded(count + 1))[count]!.requestBytes, 100_000 + Buffer.concat([field('model', 'a/whisper'), Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'), Buffer.from('\r\n--b--\r\n')]).length)
  })

  test('a form of any size holds no more than its part of the memory while the vendor reads slowly', async () => {
    let most = 0
    answer = json({ text: 'hello' })
    const watch = setInterval(() => (most = Math.max(most, rig.gateway.bodies.heldBytes + rig.gateway.spool.heldBytes)), 1)
    const said = await post('/v1/audio/transcriptions', form(field('model', 'a/whisper'), file(Buffer.alloc(40 * 1024 * 1024))))
    clearInterval(watch)
    assert.equal(said.status, 200)
    assert.ok(most > 0 && most < limits.formMemoryBytes + 1024 * 1024, `${most} bytes`)
    assert.equal(first.asked.splice(0).length, 1)
  })

  test('with the model behind the file it waits on the disk, and no name of it is left there', async () => {
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, rig.gateway.spool.heldBytes)), 1)
    const said = await post('/v1/audio/transcriptions', form(file(big), field('model', 'a/whisper')))
    clearInterval(watch)
    assert.equal(said.status, 200)
    assert.ok(most > limits.formMemoryBytes, `${most} bytes`)
    const asked = first.asked.splice(0)[0]!
    assert.deepEqual((asked.fields[0]![1] as { bytes: Buffer }).bytes, big)
    assert.deepEqual([asked.model, asked.headers['content-length']], ['whisper', String(asked.body.length)])
  })

  for (const [what, body] of [['a small form', form(field('model', 'a/whisper'), file(Buffer.alloc(1000)))], ['a form on the disk', form(file(big), field('model', 'a/whisper'))]] as const) {
    test(`${what} is sent again to the next deployment, whole`, async () => {
      answer = json({ error: { message: 'no' } }, 500)
      second = json({ text: 'second' })
      const said = await post('/v1/audio/transcriptions', body, { 'x-megarouter-fallbacks': 'b/whisper' })
      assert.deepEqual([said.status, said.text, said.record.attempts.length], [200, '{"text":"second"}', 2])
      const [one, two] = [first.asked.splice(0)[0]!, other.asked.splice(0)[0]!]
      assert.deepEqual(two.fields, one.fields)
    })
  }

  test('a form that was piped is not sent again: the failure stands', async () => {
    answer = json({ error: { message: 'no' } }, 500)
    const said = await post('/v1/audio/transcriptions', form(field('model', 'a/whisper'), file(big)), { 'x-megarouter-fallbacks': 'b/whisper' })
    assert.deepEqual([said.status, said.record.attempts.length, other.asked.length], [500, 1, 0])
    first.asked.length = 0
  })

  test('a client that leaves in the middle breaks the upstream request off', async () => {
    const count = rig.records.length
    const aborted = first.received.aborted
    first.received.bytes = 0
    const call = request({ port: rig.port, host: '127.0.0.1', path: '/v1/audio/transcriptions', method: 'POST', headers: { authorization: `Bearer ${rig.key}`, ...formHeaders } })
    call.on('error', () => {})
    call.write(Buffer.concat([field('model', 'a/whisper'), Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'), big.subarray(0, 100_000)]))
    while (first.received.bytes < 100_000) await sleep(5)
    call.destroy()
    const record = (await rig.recorded(count + 1))[count]!
    assert.deepEqual([record.outcome, record.status], ['cancelled', 499])
    while (first.received.aborted === aborted) await sleep(5)
  })

  test('what two parsers could read differently never reaches a vendor whole', async () => {
    answer = json({ text: 'hello' })
    const wav = file(Buffer.alloc(10))
    const wrong: [string, number, string, Buffer, Record<string, string>?][] = [
      ['a second model', 400, 'duplicate_field', form(field('model', 'a/whisper'), field('model', 'b/whisper'), wav)],
      ['a second model behind the file', 400, 'duplicate_field', form(field('model', 'a/whisper'), wav, field('model', 'b/whisper'))],
      ['no end', 400, 'invalid_request', Buffer.concat([field('model', 'a/whisper'), wav])],
      ['no model', 400, 'invalid_request', form(wav)],
      ['options as a field', 400, 'invalid_request', form(field('megarouter', '{}'), field('model', 'a/whisper'), wav)],
      ['an idempotency key', 400, 'invalid_request', form(field('model', 'a/whisper'), wav), { 'idempotency-key': 'k' }],
      ['no boundary', 415, 'unsupported_content_type', form(field('model', 'a/whisper'), wav), { 'content-type': 'multipart/form-data' }],
      ['too many parts', 413, 'request_too_large', form(...Array.from({ length: 101 }, () => field('x', 'y')))],
    ]
    for (const [what, status, code, body, headers] of wrong) {
      const said = await post('/v1/audio/transcriptions', body, headers)
      assert.deepEqual([said.status, codeOf(said)], [status, code], what)
    }
    assert.deepEqual(first.asked.splice(0), [])
  })

  test('an endpoint of JSON takes no form, and says so', async () => {
    const said = await post('/v1/audio/speech', form(field('model', 'a/tts')))
    assert.deepEqual([said.status, codeOf(said)], [415, 'unsupported_content_type'])
  })

  test('what a vendor does not serve is refused by name', async () => {
    const said = await post('/v1/images/generations', { model: 'chats/m', prompt: 'p' })
    assert.equal(said.status, 400)
    assert.match(said.text, /Vendor chats does not serve \/images\/generations/)
  })
})

describe('answers', () => {
  const chunk = Buffer.alloc(64 * 1024, 7)

  test('speech passes byte for byte as it comes', async () => {
    let go = (): void => {}
    answer = async (_asked, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' })
      response.write(chunk)
      await new Promise<void>((resolve) => (go = resolve))
      response.end(chunk)
    }
    const response = await fetch(`${rig.url}/v1/audio/speech`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'per-character', input: 'hi there', voice: 'v' }) })
    const reader = response.body!.getReader()
    assert.equal((await reader.read()).value!.length > 0, true)
    go()
    while (!(await reader.read()).done);
    assert.equal(response.headers.get('content-type'), 'audio/mpeg')
  })

  test('speech that breaks off breaks the connection, and says nothing in between', async () => {
    answer = (_asked, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': String(2 * chunk.length) })
      response.write(chunk, () => response.destroy())
    }
    const count = rig.records.length
    // Whether the client has seen the beginning is the network's.
    await assert.rejects(fetch(`${rig.url}/v1/audio/speech`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'per-character', input: 'hi', voice: 'v' }) }).then((response) => response.arrayBuffer()))
    assert.equal((await rig.recorded(count + 1))[count]!.outcome, 'broken')
  })

  test('a vendor waits for a client that does not read', async () => {
    let written = 0
    answer = async (_asked, response) => {
      response.writeHead(200, { 'content-type': 'audio/wav' })
      for (let i = 0; i < 400 && !response.destroyed; i++) {
        written += chunk.length
        if (!response.write(chunk)) await Promise.race([new Promise((resolve) => response.once('drain', resolve)), sleep(300)])
      }
      response.end()
    }
    const controller = new AbortController()
    const count = rig.records.length
    await fetch(`${rig.url}/v1/audio/speech`, { method: 'POST', signal: controller.signal, headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'a/tts', input: 'hi', voice: 'v' }) })
    await sleep(500)
    const held = written
    assert.ok(held < 300 * chunk.length, `${held} bytes`)
    controller.abort()
    assert.equal((await rig.recorded(count + 1))[count]!.outcome, 'cancelled')
  })

  test('subtitles pass as text', async () => {
    answer = (_asked, response) => void response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('1\n00:00 hello\n')
    const said = await post('/v1/audio/transcriptions', form(field('model', 'per-ms'), field('response_format', 'srt'), file(Buffer.alloc(8000))))
    assert.deepEqual([said.text, said.headers.get('content-type')], ['1\n00:00 hello\n', 'text/plain; charset=utf-8'])
    const { usage, flags, costNano } = attemptOf(said)
    // Nothing tells the length: it is estimated from the size of the form, and marked.
    assert.ok(usage.audioMs >= 2000 && usage.audioMs <= 4000)
    assert.deepEqual([costNano, flags & usageFlags.estimated], [usage.audioMs * 100, usageFlags.estimated])
  })

  test('a stream of a transcription passes like a chat, and its usage is metered', async () => {
    const events = 'data: {"type":"transcript.text.delta","delta":"hel"}\n\ndata: {"type":"transcript.text.delta","delta":"lo"}\n\ndata: {"type":"transcript.text.done","text":"hello","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":0,"audio_tokens":14},"output_tokens":2,"total_tokens":16}}\n\n'
    answer = (_asked, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events)
    const said = await post('/v1/audio/transcriptions', form(field('model', 'tokens'), field('stream', 'true'), file(Buffer.alloc(10))))
    assert.equal(said.text, events)
    const { usage, flags, costNano } = attemptOf(said)
    assert.deepEqual([usage.audioIn, usage.output, flags, costNano], [14, 2, 0, 14 * 5_000 + 2 * 40_000])
    assert.equal(said.record.stream, true)
  })

  test('a stream of images is metered by its last event, however large', async () => {
    const image = `event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"${'A'.repeat(600_000)}","usage":{"input_tokens":10,"input_tokens_details":{"text_tokens":10,"image_tokens":0},"output_tokens":1056,"total_tokens":1066}}\n\n`
    const events = `event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"AAAA","partial_image_index":0}\n\n${image}`
    answer = (_asked, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events)
    const said = await post('/v1/images/generations', { model: 'tokens', prompt: 'p', stream: true, partial_images: 1 })
    assert.equal(said.text, events)
    const { usage, costNano } = attemptOf(said)
    assert.deepEqual([usage.input, usage.imageOut, usage.output, usage.images, costNano], [10, 1056, 0, 1, 10 * 5_000 + 1056 * 40_000])
  })
})

describe('money', () => {
  test('images, characters, milliseconds and searches cost what the price says', async () => {
    answer = json({ created: 1, data: [{ url: 'x' }, { url: 'y' }] })
    assert.equal(attemptOf(await post('/v1/images/generations', { model: 'per-image', prompt: 'p', n: 2 })).costNano, 80_000_000)
    answer = (_asked, response) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('mp3')
    assert.equal(attemptOf(await post('/v1/audio/speech', { model: 'per-character', input: 'hello', voice: 'v' })).costNano, 5 * 15_000)
    answer = json({ text: 'hi', usage: { type: 'duration', seconds: 7 } })
    const heard = attemptOf(await post('/v1/audio/transcriptions', form(field('model', 'per-ms'), file(Buffer.alloc(10)))))
    assert.deepEqual([heard.usage.audioMs, heard.costNano, heard.flags], [7000, 700_000, 0])
    answer = json({ results: [], meta: { billed_units: { search_units: 3 } } })
    const found = attemptOf(await post('/v1/rerank', { model: 'per-search', query: 'q', documents: ['a'] }))
    assert.deepEqual([found.usage.searches, found.costNano, found.flags], [3, 6_000_000, 0])
    assert.equal((await post('/v2/rerank', { model: 'per-search', query: 'q', documents: ['a'] })).status, 200)
  })

  test('tokens of images are metered by their kind', async () => {
    answer = json({ created: 1, data: [{ b64_json: 'x' }], usage: { input_tokens: 432, input_tokens_details: { image_tokens: 388, text_tokens: 44 }, output_tokens: 4160, total_tokens: 4592 } })
    const { usage, costNano, flags } = attemptOf(await post('/v1/images/edits', form(field('model', 'tokens'), field('prompt', 'p'), file(Buffer.alloc(10), 'image'))))
    assert.deepEqual([usage.input, usage.imageIn, usage.imageOut, costNano, flags], [44, 388, 4160, 44 * 5_000 + 388 * 10_000 + 4160 * 40_000, 0])
  })

  test('what is used and has no price is marked, and never free', async () => {
    answer = json({ text: 'hi', usage: { type: 'duration', seconds: 7 } })
    const body = (model: string): Buffer => form(field('model', model), file(Buffer.alloc(10)))
    // No price at all, and a price of other pieces.
    for (const model of ['a/whisper', 'per-image']) {
      const { priceVersion, flags, usage } = attemptOf(await post('/v1/audio/transcriptions', body(model)))
      assert.deepEqual([priceVersion, flags & usageFlags.unpriced, usage.audioMs], [null, usageFlags.unpriced, 7000], model)
    }
    answer = json({ created: 1, data: [{ url: 'x' }] })
    assert.equal(attemptOf(await post('/v1/images/generations', { model: 'a/dall-e-3', prompt: 'p' })).flags & usageFlags.unpriced, usageFlags.unpriced)
  })

  test('a strict budget takes what the request bounds, to the last nano-dollar', async () => {
    answer = json({ created: 1, data: [{ url: 'x' }, { url: 'y' }] })
    assert.equal((await post('/v1/images/generations', { model: 'per-image', prompt: 'p', n: 2 }, {}, strictKey(80_000_000))).status, 200)
    assert.equal(codeOf(await post('/v1/images/generations', { model: 'per-image', prompt: 'p', n: 2 }, {}, strictKey(79_999_999))), 'budget_exceeded')
    answer = (_asked, response) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('mp3')
    assert.equal((await post('/v1/audio/speech', { model: 'per-character', input: 'hello', voice: 'v' }, {}, strictKey(75_000))).status, 200)
    assert.equal(codeOf(await post('/v1/audio/speech', { model: 'per-character', input: 'hello', voice: 'v' }, {}, strictKey(74_999))), 'budget_exceeded')
    answer = json({ results: [], meta: { billed_units: { search_units: 1 } } })
    assert.equal((await post('/v1/rerank', { model: 'per-search', query: 'q', documents: ['a'] }, {}, strictKey(2_000_000))).status, 200)
  })

  test('a strict budget refuses what nothing bounds', async () => {
    first.asked.length = 0
    const wav = file(Buffer.alloc(10))
    const open: [string, string, Buffer | object][] = [
      ['a recording', '/v1/audio/transcriptions', form(field('model', 'per-ms'), wav)],
      ['images by the token', '/v1/images/generations', { model: 'tokens', prompt: 'p' }],
      ['speech by the token', '/v1/audio/speech', { model: 'tokens', input: 'hi', voice: 'v' }],
      ['a field that is not known', '/v1/images/generations', { model: 'per-image', prompt: 'p', upscale: 4 }],
      ['a long query', '/v1/rerank', { model: 'per-search', query: 'q'.repeat(251), documents: ['a'] }],
      ['images to moderate', '/v1/moderations', { model: 'tokens', input: [{ type: 'image_url', image_url: { url: 'x' } }] }],
    ]
    for (const [what, path, body] of open) assert.equal(codeOf(await post(path, body, {}, strictKey())), 'budget_unenforceable', what)
    assert.equal(codeOf(await post('/v1/images/generations', { model: 'a/dall-e-3', prompt: 'p' }, {}, strictKey())), 'price_unknown')
    assert.equal(first.asked.length, 0)
  })

  test('a standard budget holds an estimate of a recording by its size', async () => {
    answer = json({ text: 'hi', usage: { type: 'duration', seconds: 2 } })
    const body = form(field('model', 'per-ms'), file(Buffer.alloc(40_000)))
    // Eleven seconds at 4 kB/s, 100,000 nano-dollars each.
    assert.equal(codeOf(await post('/v1/audio/transcriptions', body, {}, standardKey(1_000_000))), 'budget_exceeded')
    assert.equal((await post('/v1/audio/transcriptions', body, {}, standardKey(1_100_000))).status, 200)
  })
})
