/** Recorded exchanges of files and batches: what an official SDK makes of the gateway's answer is what it makes of the vendor's own, but for the ids, which are sealed and open to the vendor's. */
import assert from 'node:assert/strict'
import { after, beforeEach, describe, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import OpenAI7 from 'openai7'
import { recordings, type RecordedExchange } from '../fixtures/recorded.ts'
import { providerAt, startRig } from './harness.ts'
import { startMediaVendor } from './media-vendor.ts'

const exchanges = [...recordings('other').values()].filter(({ provider, endpoint }) => provider === 'openai' && (endpoint === 'files' || endpoint === 'batches'))
let current = exchanges[0]!
const vendor = await startMediaVendor((_asked, response) => {
  const { status, headers, body } = current
  response.writeHead(status, { 'content-type': headers['content-type']!, 'content-length': body.length })
  response.end(body)
})
const rig = await startRig({ attempts: 1, providers: () => [providerAt('rec', vendor.url, { endpoints: ['files', 'batches'] })], closes: [() => vendor.close()] })
beforeEach(() => void vendor.asked.splice(0))
after(() => assert.equal(exchanges.length, 39))

type Client = Pick<OpenAI, 'files' | 'batches'>

const sealed = (id: string): string => rig.gateway.ids.seal('org_test', { provider: 'rec', credential: 'rec-0', id })

/** Every id that the gateway sealed is the vendor's again. */
function opened(value: unknown): unknown {
  const text = JSON.stringify(value)?.replaceAll(/"(?:file|batch)[-_]mr-[\w-]+"/g, (quoted) => JSON.stringify(rig.gateway.ids.open('org_test', JSON.parse(quoted) as string)?.id ?? 'not opened'))
  return text === undefined ? undefined : JSON.parse(text)
}

/** The request of an exchange in the SDK's own words. `named` writes an id. */
async function ask(client: Client, { endpoint, method, path, requestBody, requestParts }: RecordedExchange, named: (id: string) => string): Promise<unknown> {
  const url = new URL(path, 'http://vendor')
  const [, id = '', last] = /^\/v1\/\w+(?:\/([^/]+)(?:\/(\w+))?)?$/.exec(url.pathname) ?? []
  const query = Object.fromEntries(url.searchParams)
  if (query['after'] !== undefined) query['after'] = named(query['after'])
  if (endpoint === 'batches') {
    if (method === 'GET' && id === '') return (await client.batches.list(query)).data
    if (method === 'GET') return client.batches.retrieve(named(id))
    if (last === 'cancel') return client.batches.cancel(named(id))
    const body = JSON.parse(requestBody!) as { input_file_id: string }
    return client.batches.create({ ...body, input_file_id: named(body.input_file_id) } as never)
  }
  if (method === 'DELETE') return client.files.delete(named(id))
  if (method === 'GET' && last === 'content') return Buffer.from(await (await client.files.content(named(id))).arrayBuffer())
  if (method === 'GET') return id === '' ? (await client.files.list(query)).data : client.files.retrieve(named(id))
  const file = requestParts!.find(({ filename }) => filename !== undefined)!
  const bytes = Buffer.from(file.value ?? file.value_base64 ?? 'x', file.value === undefined ? 'base64' : 'utf8')
  return client.files.create({ file: await toFile(bytes, file.filename), purpose: requestParts!.find(({ name }) => name === 'purpose')!.value as never })
}

for (const [name, Sdk] of [['openai 6', OpenAI], ['openai 7', OpenAI7 as unknown as typeof OpenAI]] as const) {
  describe(name, () => {
    const sdk = (baseURL: string, apiKey: string): Client => new Sdk({ baseURL, apiKey, maxRetries: 0 })
    for (const exchange of exchanges) {
      test(`${exchange.method} ${exchange.path.replace(/(file|batch)[-_]\w+/g, '$1')} ${exchange.id}: as from the vendor itself`, async () => {
        current = exchange
        const direct = await ask(sdk(vendor.url, 'sk-test-secret'), exchange, (id) => id)
        const through = await ask(sdk(`${rig.url}/v1`, rig.key), exchange, sealed)
        const [first, second] = vendor.asked.splice(0)
        if (Buffer.isBuffer(direct)) assert.deepEqual(through, direct)
        else assert.deepEqual(opened(through), JSON.parse(JSON.stringify(direct)))
        assert.deepEqual([second!.method, second!.path, second!.fields], [first!.method, first!.path, first!.fields])
        if (first!.fields.length === 0 && first!.body.length > 0) assert.deepEqual(JSON.parse(second!.body.toString()), JSON.parse(first!.body.toString()))
        assert.equal(second!.headers['authorization'], 'Bearer sk-test-secret')
        assert.doesNotMatch(JSON.stringify(second), /-mr-|_mr-/)
      })
    }
  })
}
