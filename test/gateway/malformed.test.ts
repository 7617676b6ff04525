/** What a vendor sends that is no answer of its format: every format of vendors before every format of clients, streamed and not. Never a success, never a crash, always the client's own form of an error with the id of its request. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import type { Attempt } from '../../src/gateway/attempt.ts'
import { beginningOf, MalformedLog, type Malformed } from '../../src/gateway/malformed.ts'
import { CredentialTurns } from '../../src/routing/credentials.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { providerAt, startRig, testPrices, type Rig } from './harness.ts'

interface Reply { what: string; type?: string; body: string | Buffer; /** Only asked of streams, or of whole answers. */ only?: 'stream' | 'whole' }

const sse = 'text/event-stream'
const html = '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>'
const replies: readonly Reply[] = [
  { what: 'nothing', body: '' }, { what: 'nothing, as events', type: sse, body: '', only: 'stream' }, { what: 'a page', type: 'text/html', body: html }, { what: 'a page as JSON', body: html }, { what: 'a page as events', type: sse, body: html },
  { what: 'another object', body: '{"ok":true}' }, { what: 'an empty object', body: '{}' }, { what: 'a list', body: '[]' }, { what: 'null', body: 'null' }, { what: 'a text', body: '"hello"' }, { what: 'plain text', type: 'text/plain', body: 'hello' },
  { what: 'half an object', body: '{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hel' }, { what: 'bytes', body: Buffer.from([0xff, 0xfe, 0, 1, 2, 3]) },
  { what: 'an answer of nulls', body: '{"choices":null,"output":null,"content":null,"candidates":null,"message":null}' }, { what: 'an answer of numbers', body: '{"choices":1,"output":1,"content":1,"candidates":1,"message":1}' },
  { what: 'an answer of texts', body: '{"choices":"x","output":"x","content":"x","candidates":"x","message":["x"]}' }, { what: 'no choices', body: '{"choices":[],"candidates":[],"content":{},"message":{},"output":{}}' },
  { what: 'choices of nothing', body: '{"choices":[null],"candidates":[null],"content":[null],"message":[null],"output":[null]}' },
  { what: 'events that are no JSON', type: sse, body: 'data: hello\n\ndata: {"half\n\n' }, { what: 'events of another kind', type: sse, body: 'event: x\ndata: {"a":1}\n\ndata: [1]\n\ndata: null\n\ndata: "x"\n\n' },
  { what: 'a stream that nobody asked for', type: sse, body: 'data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n', only: 'whole' },
  { what: 'an end and nothing else', type: sse, body: 'data: [DONE]\n\n' }, { what: 'lines that are no JSON', type: 'application/x-ndjson', body: 'hello\n{"half\n' }, { what: 'frames that are none', type: 'application/vnd.amazon.eventstream', body: 'hello, this is no frame at all' },
  { what: 'frames that are cut', type: 'application/vnd.amazon.eventstream', body: Buffer.from([0, 0, 0, 200, 0, 0, 0, 20, 1, 2, 3, 4, 5]) },
]

const formats = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini-generate', 'bedrock-converse', 'cohere-chat', 'ollama-chat'] as const

interface Client { what: string; path(model: string, stream: boolean): string; body(model: string, stream: boolean): object; /** The message of an error in this format. */ message(json: never): unknown }
const messages = [{ role: 'user', content: 'hi' }]
const openai = ({ error }: { error: { message: string } }): string => error.message
const clients: readonly Client[] = [
  { what: 'chat completions', path: () => '/v1/chat/completions', body: (model, stream) => ({ model, stream, messages }), message: openai },
  { what: 'responses', path: () => '/v1/responses', body: (model, stream) => ({ model, stream, input: 'hi' }), message: openai },
  { what: 'messages', path: () => '/v1/messages', body: (model, stream) => ({ model, stream, max_tokens: 50, messages }), message: ({ type, error }: { type: string; error: { message: string } }) => (type === 'error' ? error.message : null) },
  { what: 'gemini', path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`, body: () => ({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }), message: ({ error }: { error: { code: number; status: string; message: string } }) => (typeof error.status === 'string' ? error.message : null) },
  { what: 'gemini as an array', path: (model, stream) => `/v1beta/models/${model}:${stream ? 'streamGenerateContent' : 'generateContent'}`, body: () => ({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }), message: (json: { error: { message: string } } | { error: { message: string } }[]) => (Array.isArray(json) ? json[0]! : json).error.message },
  { what: 'cohere', path: () => '/v2/chat', body: (model, stream) => ({ model, stream, messages }), message: ({ message }: { message: string }) => message },
  { what: 'ollama', path: () => '/api/chat', body: (model, stream) => ({ model, stream, messages }), message: ({ error }: { error: string }) => error },
]

async function startOddVendor(): Promise<{ url: string; reply: Reply }> {
  const vendor = { url: '', reply: replies[0]! }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': vendor.reply.type ?? 'application/json' })
      response.end(vendor.reply.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => { server.closeAllConnections(); server.close() })
  vendor.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return vendor
}

async function rigWithOddVendors(): Promise<{ rig: Rig; vendor: { reply: Reply } }> {
  const vendor = await startOddVendor()
  const rig = await startRig({ attempts: 1, providers: () => formats.map((protocol) => providerAt(protocol, `${vendor.url}/v1`, { formats: [{ protocol }], endpoints: ['chat'] })) })
  rig.publish((organisation) => organisation.deployments.push(...formats.map((id) => ({ id, model: id, provider: id, upstreamModel: `model-${id}`, price: { version: 'test-1', base: testPrices, tiers: [] }, priceAs: null }))))
  return { rig, vendor }
}

test('what is no answer of a vendor’s format is 502 in the client’s form with the id of the request, for every format of both and every odd reply', async (t) => {
  const { rig, vendor } = await rigWithOddVendors()
  let count = 0
  const wrong: string[] = []
  for (const reply of replies) {
    for (const format of formats) {
      for (const client of clients) {
        for (const stream of [false, true]) {
          if (reply.only !== undefined && (reply.only === 'stream') !== stream) continue
          vendor.reply = reply
          // Nothing rests after what it did before.
          Object.assign(rig.gateway.tools, { health: new HealthBook(() => 0.5), credentials: new CredentialTurns() })
          const response = await fetch(`${rig.url}${client.path(format, stream)}`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify(client.body(format, stream)) })
          const text = await response.text()
          const id = response.headers.get('x-megarouter-request-id')!
          count++
          let said: unknown
          try {
            said = client.message(JSON.parse(text) as never)
          } catch {
            said = null
          }
          if (response.status !== 502 || typeof said !== 'string' || !said.includes(id)) wrong.push(`${reply.what}: ${client.what} → ${format}${stream ? ', streamed' : ''}: ${response.status} ${text.slice(0, 100)}`)
        }
      }
    }
  }
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${count}`)
  for (const { outcome, status } of await rig.recorded(count)) assert.deepEqual([outcome, status], ['failed', 502])
  t.diagnostic(`${count} replies`)
})

test('the log has the beginning of what came, with its request, and nobody’s words or secrets', async () => {
  const { rig, vendor } = await rigWithOddVendors()
  const ask = async (reply: Reply): Promise<string> => {
    vendor.reply = reply
    Object.assign(rig.gateway.tools, { health: new HealthBook(() => 0.5) })
    const response = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'anthropic-messages', messages }) })
    await response.text()
    return response.headers.get('x-megarouter-request-id')!
  }
  const page = await ask({ what: '', type: 'text/html', body: html })
  await ask({ what: '', body: '{"content":[{"type":"text","text":"My grandmother lives in Vienna"}],"key":"sk-test-secret","mail":"a.b@example.com"' })
  assert.deepEqual(rig.malformed[0], { request: page, provider: 'anthropic-messages', model: 'model-anthropic-messages', status: 200, contentType: 'text/html', why: rig.malformed[0]!.why, beginning: html.slice(0, 200), leftOut: 0 })
  assert.match(rig.malformed[0]!.why, /not complete JSON \(text\/html\)/)
  assert.equal(rig.malformed[1]!.beginning, '{"content":[{"type":"text","text":"[30 characters]"}],"key":"[redacted]","mail":"[redacted]"')
  await ask({ what: '', type: sse, body: `data: {"half` })
  assert.equal(rig.malformed.length, 3)
})

test('of what the log is told a text of JSON that is cut off is no less hidden, and a key is whatever looks like one', () => {
  const shown = (text: string, ...secrets: string[]): string => beginningOf(Buffer.from(text), secrets)
  assert.equal(shown('{"a":"some words of somebody who'), '{"a":"[26 characters]"')
  assert.equal(shown('{"a very long name of a member indeed":1}'), '{"a very long name of a member indeed":1}')
  assert.equal(shown('key AIzaSyD-1234567890 and Bearer abc and 0123456789abcdef0123456789abcdef'), 'key [redacted] and [redacted] and [redacted]')
  assert.equal(shown('my-vendor-secret-of-old', 'my-vendor-secret-of-old'), '[redacted]')
  assert.equal(shown(`${'x '.repeat(500)}`).length, 200)
})

test('a vendor that sends nonsense all day fills no log: ten lines a second, and how many were left out', () => {
  let us = 0
  const lines: Malformed[] = []
  const log = new MalformedLog({ monotonicUs: () => us, epochMs: () => 0 }, (line) => lines.push(line))
  const attempt = { status: 200, headers: {}, first: null, body: null, fault: { class: 'truncated', text: 'no answer' }, options: { deployment: { provider: { id: 'up', credentials: [] }, upstreamModel: 'm' }, credentialId: '' } } as unknown as Attempt
  for (let i = 0; i < 25; i++) log.tell('req_1', attempt)
  assert.equal(lines.length, 10)
  us = 1_000_000
  log.tell('req_2', attempt)
  assert.equal(lines.at(-1)!.leftOut, 15)
})
