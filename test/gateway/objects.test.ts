/** Files and batches: whose ids open, who may list, what streams, and who may spend unseen. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RequestRecord } from '../../src/store/records.ts'
import { providerAt, startRig } from './harness.ts'
import { startMediaVendor, type Answer } from './media-vendor.ts'
import { team } from './rows.ts'

type Json = Record<string, unknown>

let answer: Answer = json({})
function json(body: unknown, status = 200): Answer {
  return (_asked, response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
const fileOf = (id: string): Json => ({ id, object: 'file', bytes: 3, created_at: 1, filename: 'a.jsonl', purpose: 'batch', status: 'processed' })

const vendor = await startMediaVendor((asked, response) => answer(asked, response))
const other = await startMediaVendor((asked, response) => answer(asked, response))
const kept = { endpoints: ['files', 'batches'] } as const
const rig = await startRig({ deadlines: { firstTokenMs: 300, idleMs: 300 }, providers: () => [providerAt('one', vendor.url, kept), providerAt('chats', vendor.url)], closes: [() => vendor.close(), () => other.close()] })
rig.govern(team('team_a'), team('team_b'))
beforeEach(() => void vendor.asked.splice(0))
after(() => assert.equal(rig.gateway.bodies.heldBytes, 0))

interface Said { status: number; json: Json; text: string; headers: Headers; record: RequestRecord }

async function ask(method: string, path: string, body: Json | FormData | null = null, key = rig.key, headers: Record<string, string> = {}): Promise<Said> {
  const count = rig.records.length
  const isForm = body instanceof FormData
  const response = await fetch(`${rig.url}${path}`, { method, headers: { authorization: `Bearer ${key}`, ...(body && !isForm && { 'content-type': 'application/json' }), ...headers }, body: body === null ? null : isForm ? body : JSON.stringify(body) })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, json: isJson ? JSON.parse(text) as Json : {}, text, headers: response.headers, record: (await rig.recorded(count + 1))[count]! }
}

const codeOf = ({ json: { error } }: Said): unknown => (error as Json)['code']
function form(bytes = 'abc'): FormData {
  const made = new FormData()
  made.set('purpose', 'batch')
  made.set('file', new Blob([bytes]), 'a.jsonl')
  return made
}
async function upload(key = rig.key): Promise<string> {
  answer = json(fileOf('file-1'))
  const { status, json: said } = await ask('POST', '/v1/files', form(), key)
  assert.equal(status, 200)
  return said['id'] as string
}
const batch = (id: string): Json => ({ input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' })

describe('ids', () => {
  test('are the gateway’s own and open what they were given for', async () => {
    const id = await upload()
    assert.match(id, /^file-mr-[\w-]+$/)
    answer = json(fileOf('file-1'))
    const said = await ask('GET', `/v1/files/${id}`)
    assert.deepEqual([said.status, said.json['id'], vendor.asked.at(-1)!.path], [200, id, '/v1/files/file-1'])
    assert.deepEqual([said.record.endpoint, said.record.outcome, said.record.attempts], ['files.retrieve', 'success', []])
  })

  test('open for keys of the same team or project alone', async () => {
    const [teams, same, others] = ['team_a', 'team_a', 'team_b'].map((node) => rig.addKey({ node }).text) as [string, string, string]
    const id = await upload(teams)
    const before = vendor.asked.length
    assert.equal((await ask('GET', `/v1/files/${id}`, null, same)).status, 200)
    for (const key of [others, rig.key]) {
      const refused = await ask('GET', `/v1/files/${id}`, null, key)
      assert.deepEqual([refused.status, codeOf(refused)], [404, 'object_not_found'])
      assert.equal(codeOf(await ask('POST', '/v1/batches', batch(id), key)), 'object_not_found')
      assert.equal((await ask('DELETE', `/v1/files/${id}`, null, key)).status, 404)
    }
    assert.equal(vendor.asked.length, before + 1)
  })

  test('of the vendor, or changed, open nothing', async () => {
    const id = await upload()
    const before = vendor.asked.length
    for (const wrong of ['file-1', `${id.slice(0, 20)}${id[20] === 'A' ? 'B' : 'A'}${id.slice(21)}`]) assert.equal((await ask('GET', `/v1/files/${wrong}/content`)).status, 404)
    assert.equal((await ask('GET', '/v1/files/..%2Fmodels')).status, 404)
    assert.equal(vendor.asked.length, before)
  })

  test('of the files of a batch are sealed as well, and unsealed on their way', async () => {
    const id = await upload()
    answer = json({ id: 'batch_1', object: 'batch', input_file_id: 'file-1', output_file_id: 'file-2', error_file_id: null, metadata: { note: 'file-2' } })
    const said = await ask('POST', '/v1/batches', batch(id))
    assert.deepEqual(JSON.parse(vendor.asked.at(-1)!.body.toString()), batch('file-1'))
    assert.equal(said.json['input_file_id'], id)
    assert.match(said.json['id'] as string, /^batch_mr-/)
    answer = (_asked, response) => void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end('{"a":1}\n')
    const content = await ask('GET', `/v1/files/${said.json['output_file_id'] as string}/content`)
    assert.deepEqual([content.text, vendor.asked.at(-1)!.path], ['{"a":1}\n', '/v1/files/file-2/content'])
    answer = json({ id: 'batch_1', object: 'batch', status: 'cancelling' })
    assert.equal((await ask('POST', `/v1/batches/${said.json['id'] as string}/cancel`)).json['id'], said.json['id'])
    assert.equal(vendor.asked.at(-1)!.path, '/v1/batches/batch_1/cancel')
  })
})

describe('lists', () => {
  const page = { object: 'list', data: [fileOf('file-1'), fileOf('file-2')], first_id: 'file-1', last_id: 'file-2', has_more: true }

  test('have sealed ids, page by them, and pass what the vendor knows of a query', async () => {
    answer = json(page)
    const said = await ask('GET', '/v1/files?purpose=batch&limit=2')
    const ids = (said.json['data'] as Json[]).map(({ id }) => id as string)
    assert.deepEqual([said.json['first_id'], said.json['last_id']], ids)
    await ask('GET', `/v1/files?after=${ids[1]!}&key=${rig.key}`)
    assert.deepEqual(vendor.asked.map(({ path }) => path), ['/v1/files?purpose=batch&limit=2', '/v1/files?after=file-2'])
  })

  test('of a shared account are shown to no key of a team', async () => {
    const said = await ask('GET', '/v1/files', null, rig.addKey({ node: 'team_a' }).text)
    assert.deepEqual([said.status, codeOf(said), vendor.asked.length], [403, 'policy_denied', 0])
  })

  test('of an account that two organisations share are shown to neither', async () => {
    const { organisations } = rig.snapshot()
    const mine = organisations.get('org_test')!
    ;(organisations as Map<string, typeof mine>).set('org_else', { ...mine, id: 'org_else' })
    const said = await ask('GET', '/v1/batches')
    ;(organisations as Map<string, typeof mine>).delete('org_else')
    assert.deepEqual([said.status, codeOf(said), vendor.asked.length], [403, 'policy_denied', 0])
  })
})

describe('bytes', () => {
  const chunk = Buffer.alloc(64 * 1024, 7)

  test('of a file wait for a client that does not read, and stop when it leaves', async () => {
    const id = await upload()
    let written = 0
    let ended = ''
    answer = async (_asked, response) => {
      response.on('close', () => (ended = 'closed'))
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      for (let i = 0; i < 600 && !response.destroyed; i++) {
        written += chunk.length
        if (!response.write(chunk)) await Promise.race([new Promise((resolve) => response.once('drain', resolve)), sleep(3000)])
      }
    }
    const count = rig.records.length
    const call = request({ port: rig.port, host: '127.0.0.1', path: `/v1/files/${id}/content`, headers: { authorization: `Bearer ${rig.key}` } })
    call.on('error', () => {})
    call.on('response', (response) => response.pause())
    call.end()
    await sleep(700)
    const held = written
    assert.ok(held > 0 && held < 500 * chunk.length, `${held} bytes`)
    await sleep(300)
    assert.ok(written - held < 20 * chunk.length, 'the vendor waits')
    call.destroy()
    assert.equal((await rig.recorded(count + 1))[count]!.outcome, 'cancelled')
    while (ended === '') await sleep(5)
  })

  test('of an upload reach the vendor while the client still sends', async () => {
    answer = json(fileOf('file-9'))
    vendor.received.bytes = 0
    const call = request({ port: rig.port, host: '127.0.0.1', path: '/v1/files', method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'multipart/form-data; boundary=xyz' } })
    const said = new Promise<number>((resolve) => call.on('response', (response) => { response.resume(); resolve(response.statusCode!) }))
    call.write('--xyz\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--xyz\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n')
    call.write(chunk)
    while (vendor.received.bytes < chunk.length) await sleep(5)
    assert.ok(rig.gateway.spool.heldBytes === 0)
    call.end('\r\n--xyz--\r\n')
    assert.equal(await said, 200)
  })
})

describe('who may spend unseen', () => {
  test('a batch is refused to keys with a hard budget or a list of models, and taken with a soft budget', async () => {
    const open: [string, Parameters<typeof rig.addKey>[0]][] = [
      ['budget_unenforceable', { budget: { limitNano: 1e12, period: 'day', mode: 'strict' } }],
      ['budget_unenforceable', { budget: { limitNano: 1e12, period: 'day', mode: 'standard' } }],
      ['policy_denied', { models: ['one/*'] }],
    ]
    const id = await upload()
    const before = vendor.asked.length
    for (const [code, change] of open) assert.equal(codeOf(await ask('POST', '/v1/batches', batch(id), rig.addKey(change).text)), code)
    assert.equal(vendor.asked.length, before)
    answer = json({ id: 'batch_1', object: 'batch' })
    assert.equal((await ask('POST', '/v1/batches', batch(id), rig.addKey({ budget: { limitNano: 1e12, period: 'day', mode: 'soft' } }).text)).status, 200)
  })

  test('requests count against the key’s rate limit', async () => {
    const { text } = rig.addKey({ rateLimit: { rpm: 2, tpm: null, concurrency: null, spendNano: null } })
    answer = json({ object: 'list', data: [] })
    const codes = [await ask('GET', '/v1/files', null, text), await ask('GET', '/v1/files', null, text), await ask('GET', '/v1/files', null, text)].map(({ status }) => status)
    assert.deepEqual(codes, [200, 200, 429])
  })
})

describe('failures', () => {
  test('of the vendor pass as they came', async () => {
    const id = await upload()
    answer = json({ error: { message: 'gone', type: 'x', code: null, param: null } }, 410)
    const said = await ask('GET', `/v1/files/${id}`)
    assert.deepEqual([said.status, said.json, said.record.outcome], [410, { error: { message: 'gone', type: 'x', code: null, param: null } }, 'failed'])
  })

  test('of the vendor to answer, or to answer sense, are said', async () => {
    const id = await upload()
    answer = async () => { await sleep(2000) }
    const silent = await ask('GET', `/v1/files/${id}`)
    assert.deepEqual([silent.status, codeOf(silent)], [504, 'upstream_timeout'])
    answer = (_asked, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
    assert.equal(codeOf(await ask('GET', `/v1/files/${id}`)), 'upstream_error')
    answer = (_asked, response) => void response.destroy()
    assert.equal(codeOf(await ask('GET', `/v1/files/${id}`)), 'upstream_error')
  })

  test('of the caller are said', async () => {
    const id = await upload()
    const before = vendor.asked.length
    const wrong: [number, string, Said][] = [
      [401, 'missing_api_key', await ask('GET', '/v1/files', null, '')],
      [405, 'method_not_allowed', await ask('DELETE', '/v1/batches')],
      [415, 'unsupported_content_type', await ask('POST', '/v1/files', { purpose: 'batch' })],
      [400, 'invalid_request', await ask('POST', '/v1/batches', { endpoint: '/v1/chat/completions' })],
      [400, 'provider_not_enabled', await ask('GET', '/v1/files?provider=chats')],
      [404, 'unsupported_endpoint', await ask('GET', `/v1/files/${id}/else`)],
    ]
    for (const [status, code, said] of wrong) assert.deepEqual([said.status, codeOf(said)], [status, code])
    assert.equal(vendor.asked.length, before)
  })

  test('to say which of several providers keeps it is told, with the way to say it', async () => {
    rig.publish((organisation) => organisation.providers.push(providerAt('two', other.url, kept)))
    const said = await ask('GET', '/v1/files')
    assert.deepEqual([said.status, codeOf(said)], [400, 'invalid_request'])
    assert.match(said.text, /one, two.*x-megarouter-provider/)
    answer = json({ object: 'list', data: [] })
    assert.equal((await ask('GET', '/v1/files', null, rig.key, { 'x-megarouter-provider': 'two' })).status, 200)
    assert.equal((await ask('GET', '/v1/files?provider=two')).status, 200)
    assert.deepEqual(other.asked.splice(0).map(({ path }) => path), ['/v1/files', '/v1/files'])
  })
})
