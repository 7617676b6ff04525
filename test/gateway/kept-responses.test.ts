/** Going on from an earlier answer of the Responses API: kept by the gateway where that is wanted, by its vendor, or by nobody. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import OpenAI from 'openai'
import type { NewStored, StoredResponse } from '../../src/store/stored-responses.ts'
import type { ResponseKeeper } from '../../src/gateway/kept-responses.ts'
import { providerAt, startRig, testPrices, type Rig } from './harness.ts'

/** As the database would, in memory. */
class Shelf implements ResponseKeeper {
  readonly rows = new Map<string, NewStored>()
  isDown = false

  keep(stored: NewStored): void {
    this.rows.set(stored.id, stored)
  }

  async conversation(org: string, owner: string, response: string): Promise<StoredResponse[] | null> {
    if (this.isDown) throw new Error('the database is away')
    const row = this.rows.get(response)
    if (row?.org !== org || row.owner !== owner) return null
    const before = row.previous === null ? [] : await this.conversation(org, owner, row.previous)
    return before && [...before, JSON.parse(row.json) as StoredResponse]
  }

  async remove(org: string, owner: string, response: string): Promise<boolean> {
    return await this.conversation(org, owner, response) !== null && this.rows.delete(response)
  }
}

interface Arrived { url: string; key: string; body: { messages?: { role: string; content: unknown }[]; previous_response_id?: string; store?: boolean } }

const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text: 'It is Vienna.' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 100, output_tokens: 20 } }
const native = { id: 'resp_vendor1', object: 'response', created_at: 1, status: 'completed', model: 'gpt', output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hello', annotations: [] }] }], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } }
const stream = [
  ['message_start', { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 100, output_tokens: 1 } } }], ['content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }],
  ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'It is Vienna.' } }], ['content_block_stop', { type: 'content_block_stop', index: 0 }],
  ['message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 20 } }], ['message_stop', { type: 'message_stop' }],
].map(([name, data]) => `event: ${name as string}\ndata: ${JSON.stringify(data)}\n\n`).join('')

async function startVendor(): Promise<{ url: string; arrived: Arrived[] }> {
  const arrived: Arrived[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as Arrived['body'] & { stream?: boolean }
      arrived.push({ url: request.url!, key: String(request.headers['authorization'] ?? ''), body })
      const isNative = request.url!.endsWith('/responses')
      response.writeHead(200, { 'content-type': body.stream && !isNative ? 'text/event-stream' : 'application/json' })
      response.end(isNative ? JSON.stringify(native) : body.stream ? stream : JSON.stringify(message))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => { server.closeAllConnections(); server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived }
}

async function start(keeps: boolean): Promise<{ rig: Rig; shelf: Shelf; arrived: Arrived[]; sdk: OpenAI }> {
  const vendor = await startVendor()
  const shelf = new Shelf()
  const rig = await startRig({ keeper: shelf, providers: () => [
    providerAt('claude', `${vendor.url}/v1`, { formats: [{ protocol: 'anthropic-messages' }], endpoints: ['chat'], proofs: 'anthropic' }),
    ...['openai', 'azure'].map((id) => providerAt(id, `${vendor.url}/${id}/v1`, { formats: [{ protocol: 'openai-responses' }], endpoints: ['chat'] }, ['sk-one', 'sk-two'])),
  ] })
  const deployment = (model: string, provider: string) => ({ id: `${provider}-${model}`, model, provider, upstreamModel: model, price: { version: 'test-1', base: testPrices, tiers: [] }, priceAs: null })
  rig.publish((organisation) => {
    organisation.deployments.push(deployment('sonnet', 'claude'), deployment('gpt', 'openai'), deployment('gpt', 'azure'), deployment('own', 'azure'))
    organisation.storesResponses = keeps
  })
  return { rig, shelf, arrived: vendor.arrived, sdk: new OpenAI({ apiKey: rig.key, baseURL: `${rig.url}/v1`, maxRetries: 0 }) }
}

const said = ({ messages = [] }: Arrived['body']): [string, string][] => messages.map(({ role, content }) => [role, typeof content === 'string' ? content : (content as { text: string }[]).map(({ text }) => text).join('')])
interface Refusal { status: number; code: string; message: string; error: { code: string } }
const refused = (asked: Promise<unknown>): Promise<Refusal> => asked.then(() => assert.fail('it was not refused'), (error: Refusal) => error)

test('a translated conversation goes on from a kept answer by its id, streamed and not, and its answers can be read and deleted', async () => {
  const { sdk, arrived, shelf, rig } = await start(true)
  const first = await sdk.responses.create({ model: 'sonnet', input: 'What is the capital of Austria?', instructions: 'Be brief.' })
  assert.match(first.id, /^resp_/)
  const events = []
  for await (const event of await sdk.responses.create({ model: 'sonnet', input: [{ role: 'user', content: 'Are you sure?' }], previous_response_id: first.id, stream: true })) events.push(event)
  const done = events.at(-1)!
  assert.equal(done.type, 'response.completed')
  const second = (done as { response: OpenAI.Responses.Response }).response
  assert.equal(second.previous_response_id, first.id)
  // Instructions are those of the new request alone.
  assert.deepEqual(said(arrived[1]!.body), [['user', 'What is the capital of Austria?'], ['assistant', 'It is Vienna.'], ['user', 'Are you sure?']])
  await sdk.responses.create({ model: 'sonnet', input: 'Thanks', previous_response_id: second.id, store: false })
  assert.equal(said(arrived[2]!.body).length, 5)
  assert.equal(shelf.rows.size, 2, 'with store: false nothing is kept')
  const read = await sdk.responses.retrieve(second.id)
  assert.deepEqual([read.output_text, read.id], ['It is Vienna.', second.id])
  const items = await sdk.responses.inputItems.list(second.id, { order: 'asc' })
  assert.deepEqual(items.data.map((item) => (item as { role: string }).role), ['user', 'assistant', 'user'])
  const newest = await sdk.responses.inputItems.list(second.id, { limit: 1 })
  assert.deepEqual([newest.data.length, newest.has_more, newest.data[0]!.id], [1, true, items.data[2]!.id])
  await sdk.responses.delete(second.id)
  assert.equal((await refused(sdk.responses.retrieve(second.id))).status, 404)
  const gone = await refused(sdk.responses.create({ model: 'sonnet', input: 'x', previous_response_id: second.id }))
  assert.deepEqual([gone.status, gone.code], [404, 'response_not_found'])
  assert.equal(arrived.length, 3)
  assert.deepEqual((await rig.recorded(5)).map(({ outcome }) => outcome), ['success', 'success', 'success', 'refused', 'refused'])
})

test('a kept answer is its owner’s alone: keys of one project share theirs, other keys and organisations get 404', async () => {
  const { sdk, rig } = await start(true)
  const inProject = [rig.addKey({ project: 'p1' }), rig.addKey({ project: 'p1' })].map(({ text }) => new OpenAI({ apiKey: text, baseURL: `${rig.url}/v1`, maxRetries: 0 }))
  const { id } = await inProject[0]!.responses.create({ model: 'sonnet', input: 'hi' })
  assert.equal((await inProject[1]!.responses.retrieve(id)).id, id)
  await inProject[1]!.responses.create({ model: 'sonnet', input: 'go on', previous_response_id: id })
  for (const ask of [() => sdk.responses.retrieve(id), () => sdk.responses.delete(id), async () => await sdk.responses.inputItems.list(id), () => sdk.responses.create({ model: 'sonnet', input: 'x', previous_response_id: id })]) {
    const { status, error } = await refused(ask())
    assert.deepEqual([status, error.code], [404, 'response_not_found'])
  }
  assert.equal((await inProject[0]!.responses.retrieve(id)).id, id, 'nobody else deleted it')
})

test('where the gateway keeps nothing it says so, and what store would have asked for is named', async () => {
  const { sdk, rig, shelf } = await start(false)
  const { data, response } = await sdk.responses.create({ model: 'sonnet', input: 'hi', store: true }).withResponse()
  assert.match(response.headers.get('x-megarouter-warnings')!, /not said to claude: .*store/)
  assert.equal(shelf.rows.size, 0)
  const { status, code, message: text } = await refused(sdk.responses.create({ model: 'sonnet', input: 'x', previous_response_id: data.id }))
  assert.deepEqual([status, code], [400, 'responses_not_stored'])
  assert.match(text, /Send the conversation's items .* or have an administrator switch on settings\.responses\.store/)
  assert.equal((await refused(sdk.responses.retrieve(data.id))).error.code, 'responses_not_stored')
  const strict = await fetch(`${rig.url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json', 'x-megarouter-on-unsupported': 'reject' }, body: JSON.stringify({ model: 'sonnet', input: 'hi', store: true }) })
  assert.equal(strict.status, 200, 'a hint refuses nothing')
})

test('what a vendor keeps is asked of that vendor, under the credential that made it, and of no other', async () => {
  const { sdk, arrived, rig } = await start(true)
  const first = await sdk.responses.create({ model: 'gpt', input: 'hi' })
  assert.equal(first.id, native.id)
  const { key, url } = arrived[0]!
  for (let i = 0; i < 3; i++) await sdk.responses.create({ model: 'gpt', input: 'go on', previous_response_id: first.id })
  for (const each of arrived.slice(1)) assert.deepEqual([each.key, each.url, each.body.previous_response_id], [key, url, first.id])
  const elsewhere = await refused(sdk.responses.create({ model: 'sonnet', input: 'x', previous_response_id: first.id }))
  assert.deepEqual([elsewhere.status, elsewhere.code], [404, 'response_not_found'])
  assert.match(elsewhere.message, /kept by the provider openai/)
  assert.equal((await refused(sdk.responses.create({ model: 'own', input: 'x', previous_response_id: first.id }))).code, 'response_not_found')
  const other = new OpenAI({ apiKey: rig.addKey().text, baseURL: `${rig.url}/v1`, maxRetries: 0 })
  assert.equal((await refused(other.responses.create({ model: 'gpt', input: 'x', previous_response_id: first.id }))).code, 'response_not_found', 'another key')
  // As after a restart: whoever speaks the format is asked.
  await sdk.responses.create({ model: 'own', input: 'x', previous_response_id: 'resp_of_before' })
  assert.equal(arrived.at(-1)!.body.previous_response_id, 'resp_of_before')
})

test('a database that does not answer is a refusal, and a conversation that has grown too large another', async () => {
  const { sdk, rig, shelf } = await start(true)
  const { id } = await sdk.responses.create({ model: 'sonnet', input: 'x'.repeat(5_000) })
  shelf.isDown = true
  for (const ask of [() => sdk.responses.retrieve(id), () => sdk.responses.create({ model: 'sonnet', input: 'x', previous_response_id: id })]) {
    const { status, error } = await refused(ask())
    assert.deepEqual([status, error.code], [503, 'responses_unavailable'])
  }
  shelf.isDown = false
  rig.publish((_organisation, data) => { data.settings.requestBodyBytes = 2_000 })
  assert.deepEqual((await refused(sdk.responses.create({ model: 'sonnet', input: 'x', previous_response_id: id }))).status, 413)
  const wrong = await fetch(`${rig.url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: '{"model":"sonnet","input":"x","previous_response_id":7}' })
  assert.equal(wrong.status, 400)
})
