/** Credentials tried on entry: what each vendor’s answer leads to, and what is shown of it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { askProvider } from '../../src/control/providers/ask.ts'
import { checkCredential } from '../../src/control/providers/check.ts'
import { vendorWords } from '../../src/control/providers/words.ts'
import { vendor } from '../../src/providers/provider.ts'
import { startRig, type Rig } from './rig.ts'
import { json, startVendors, type Answer, type Played, type Vendors } from './vendors.ts'

const good = 'sk-good-0123456789-abcdefghij-last'
const list = json(200, { object: 'list', data: [{ id: 'one' }, { id: 'two' }] })
let vendors: Vendors
let rig: Rig

before(async () => {
  vendors = await startVendors()
  rig = await startRig({ ask: vendors.ask, variables: { MEGAROUTER_MODEL_LISTS: 'off' } })
})
after(async () => {
  await rig.stop()
  vendors.close()
})

/** The list and the chat ask for a key, which is right or wrong. */
const door = (no: Answer) => ({ key, what }: Played): Answer => (key !== good ? no : what === 'models' ? list : json(404, { error: { message: 'no such model' } }))
/** Anyone may read the list. */
const openList = (no: Answer, yes: Answer = json(404, { error: { message: 'no such model' } })) => ({ key, what }: Played): Answer => (what === 'models' ? list : key === good ? yes : no)

type Case = [name: string, input: { vendor: string; host: string; base_url?: string }, plays: (played: Played) => Answer, says: RegExp]
const openai = { vendor: 'openai', host: 'api.openai.com' }

/** Forms as recorded or documented by the vendors. */
const doors: Case[] = [
  ['OpenAI', openai, door(json(401, { error: { message: 'Incorrect API key provided: sk-wrong******************-key. You can find your API key at https://platform.openai.com/account/api-keys.', type: 'invalid_request_error', code: 'invalid_api_key' } })),
    /^OpenAI refused the credential \(401\): “Incorrect API key provided: \[redacted\] You can find your API key at https:\/\/platform\.openai\.com\/account\/api-keys”\. Check that it was copied whole/],
  ['Mistral', { vendor: 'mistral', host: 'api.mistral.ai' }, door(json(401, { detail: 'Invalid API Key' })), /^Mistral refused the credential \(401\): “Invalid API Key”/],
  ['DeepSeek', { vendor: 'deepseek', host: 'api.deepseek.com' }, door(json(401, { error: { message: 'Authentication Fails, Your api key: ****-key is invalid' } })), /\(401\): “Authentication Fails, Your api key: \[redacted\] is invalid”/],
  ['Google, which says 400', { vendor: 'google', host: 'generativelanguage.googleapis.com' }, door(json(400, [{ error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' } }])), /\(400\): “API key not valid\. Please pass a valid API key”/],
  ['xAI, which says 400', { vendor: 'xai', host: 'api.x.ai' }, door(json(400, { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: sk***ng.' })), /\(400\): “Incorrect API key provided: \[redacted\]”/],
  ['Cerebras, without a wrapper', { vendor: 'cerebras', host: 'api.cerebras.ai' }, door(json(401, { message: 'Wrong API Key', type: 'invalid_request_error', param: 'api_key', code: 'wrong_api_key' })), /“Wrong API Key”/],
  ['SiliconFlow, a bare string', { vendor: 'siliconflow', host: 'api.siliconflow.com' }, door(json(401, 'Invalid token')), /“Invalid token”/],
  ['Friendli, a detail', { vendor: 'friendli', host: 'api.friendli.ai' }, door(json(403, { detail: [{ msg: 'bad token' }] })), /\(403\): “bad token”/],
  ['Cloudflare’s envelope, without a list', { vendor: 'cloudflare', host: 'api.cloudflare.com', base_url: 'https://api.cloudflare.com/client/v4/accounts/x/ai/v1' }, door(json(401, { success: false, errors: [{ code: 10000, message: 'Authentication error' }] })), /“Authentication error”/],
  ['NVIDIA’s problem details, with a list that anyone may read', { vendor: 'nvidia', host: 'integrate.api.nvidia.com' }, openList(json(401, { type: 'about:blank', title: 'Unauthorized', status: 401, detail: 'Authentication failed' })), /“Authentication failed”/],
  ['Venice, an error that is a string, with a list that anyone may read', { vendor: 'venice', host: 'api.venice.ai' }, openList(json(401, { error: 'Authentication failed' })), /“Authentication failed”/],
  ['Anthropic, with a header of its own', { vendor: 'anthropic', host: 'api.anthropic.com' }, door(json(401, { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } })), /“invalid x-api-key”/],
  ['Azure, with a header of its own', { vendor: 'azure', host: 'mine.openai.azure.com', base_url: 'https://mine.openai.azure.com/openai/v1' }, door(json(401, { error: { code: '401', message: 'Access denied due to invalid subscription key.' } })), /“Access denied due to invalid subscription key”/],
  ['a page instead of words', { vendor: 'groq', host: 'api.groq.com' }, door({ status: 403, body: '<html>Forbidden</html>' }), /^Groq refused the credential \(403\)\. Check/],
  ['a server of one’s own', { vendor: 'openai-compatible', host: 'models.example.com', base_url: 'https://models.example.com/v1' }, door(json(401, { error: 'no' })), /^mine refused the credential \(401\): “no”/],
]

const create = (input: Case[1], credential: string, force?: boolean) => {
  const { host: _, ...asked } = input
  return rig.call('POST', '/providers', { body: { ...asked, ...(asked.vendor === 'openai-compatible' && { id: 'mine' }), credential, ...(force !== undefined && { force }) } })
}
const idOf = ({ vendor: id }: Case[1]) => (id === 'openai-compatible' ? 'mine' : id)

describe('a credential on entry', () => {
  for (const [name, input, plays, says] of doors) {
    test(`${name}: a wrong one is refused in the vendor’s words and not saved, one that works is saved`, async () => {
      vendors.hosts.set(input.host, plays)
      const wrong = `sk-wrong-${'9876543210'.repeat(3)}-key`
      const refused = await create(input, wrong)
      assert.deepEqual([refused.status, refused.body.error.code, refused.body.error.param], [422, 'credential_refused', 'credential'], refused.text)
      assert.match(refused.body.error.message, says)
      assert.ok(!refused.text.includes(wrong) && !refused.text.includes('9876543210'))
      assert.equal((await rig.call('GET', `/providers/${idOf(input)}`)).status, 404)
      const saved = await create(input, good)
      assert.equal(saved.status, 201, saved.text)
      const { check } = saved.body.credentials[0]
      assert.equal(check.state, 'accepted', check.message)
      assert.ok(!saved.text.includes(good))
      await rig.call('DELETE', `/providers/${idOf(input)}`)
    })
  }

  const others: [name: string, plays: (played: Played) => Answer, state: string, says: RegExp][] = [
    ['a key that may not list models works', ({ key, what }) => (key !== good ? json(401, {}) : what === 'models' ? json(403, { error: { message: 'Missing scopes: api.model.read' } }) : json(404, {})), 'accepted', /accepts the credential, but not for its list of models \(403\): “Missing scopes: api\.model\.read”/],
    ['an account without credit is told', () => json(402, { error: { message: 'Insufficient Balance' } }), 'accepted', /asks for payment \(402\): “Insufficient Balance”/],
    ['a rate limit is no refusal', () => json(429, { error: { message: 'slow down' } }), 'unchecked', /rate limit or quota is used up \(429\): “slow down”/],
    ['a failure of the vendor is no refusal', () => json(503, { error: { message: 'overloaded' } }), 'unchecked', /status 503: “overloaded”/],
    ['neither list nor chat there', () => ({ status: 404, body: '' }), 'unchecked', /There is no https:\/\/api\.openai\.com\/v1\/models \(404\)\. Check the base URL/],
    ['no list but a page', ({ what }) => (what === 'models' ? { status: 200, body: '<html>hello</html>' } : json(404, {})), 'unchecked', /not with a list of models/],
    ['a redirect is not followed', () => ({ status: 302, body: '', headers: { location: `${vendors.url}/elsewhere/models` } }), 'unchecked', /redirects \(302\)/],
    ['a door that is open to any key says nothing', openList(json(400, { error: { message: 'messages is empty' } }), json(400, { error: { message: 'messages is empty' } })), 'unchecked', /answers a made-up key in the same way \(400\)/],
    ['a connection that breaks is no refusal', () => (response) => void response.destroy(), 'unchecked', /The connection failed/],
    ['a list beyond any bound is given up', ({ key, what }) => (what !== 'models' ? json(key === good ? 404 : 401, {}) : (response) => {
      const more = (): void => { while (!response.destroyed && response.write('['.repeat(65_536))); }
      response.writeHead(200).on('drain', more)
      more()
    }), 'accepted', /accepts the credential/],
  ]
  for (const [name, plays, state, says] of others) {
    test(`${name}: it is saved and marked ${state}`, async () => {
      vendors.hosts.set(openai.host, plays)
      const saved = await create(openai, good)
      assert.equal(saved.status, 201, saved.text)
      const { check } = saved.body.credentials[0]
      assert.equal(check.state, state, check.message)
      assert.match(check.message, says)
      assert.ok(!vendors.asked.some((line) => line.startsWith('elsewhere')))
      await rig.call('DELETE', '/providers/openai')
    })
  }

  test('with force a refused one is saved and stays marked; another one of the same provider is tried as well', async () => {
    vendors.hosts.set(openai.host, door(json(401, { error: { message: 'no' } })))
    const forced = await create(openai, 'sk-wrong-one-123456', true)
    assert.deepEqual([forced.status, forced.body.credentials[0].check.state], [201, 'refused'])
    const second = await rig.call('POST', '/providers/openai/credentials', { body: { secret: 'sk-wrong-two-123456' } })
    assert.deepEqual([second.status, second.body.error.code, second.body.error.param], [422, 'credential_refused', 'secret'])
    assert.equal((await rig.call('POST', '/providers/openai/credentials', { body: { secret: good } })).status, 201)
    const tried = (await rig.call('POST', '/providers/openai/test')).body
    assert.deepEqual([tried.ok, tried.state, tried.credentials.map((each: { state: string }) => each.state)], [false, 'refused', ['refused', 'accepted']])
    assert.match(tried.message, /accepts 1 of 2 credentials\. The one ending in 3456: OpenAI refused the credential \(401\): “no”/)
    await rig.call('DELETE', '/providers/openai')
  })

  test('the vendor is asked nothing that it could answer, and never with the secret of another', async () => {
    vendors.hosts.set('api.cloudflare.com', door(json(401, {})))
    vendors.asked.length = 0
    await create({ vendor: 'cloudflare', host: 'api.cloudflare.com', base_url: 'https://api.cloudflare.com/client/v4/accounts/x/ai/v1' }, good)
    assert.deepEqual(vendors.asked, [`api.cloudflare.com POST chat/completions ${good}`, 'api.cloudflare.com POST chat/completions megarouter-made-up-key'])
    await rig.call('DELETE', '/providers/cloudflare')
  })

  test('a name that is taken is refused before the vendor is asked', async () => {
    vendors.hosts.set(openai.host, door(json(401, {})))
    await create(openai, good)
    vendors.asked.length = 0
    assert.deepEqual([(await create(openai, 'sk-wrong-123')).body.error.code, vendors.asked], ['already_exists', []])
    await rig.call('DELETE', '/providers/openai')
  })
})

describe('the question itself', () => {
  const asked = (baseUrl: string, more: object = {}) => ({ vendor: vendor({ id: 'x', name: 'X', docs: '' }), baseUrl, socketPath: null, guarded: false, ...more })

  test('a vendor that never answers, or never ends, is given up', async () => {
    const silent = (): void => undefined
    const trickle = (response: { write(text: string): boolean }): void => void response.write('{"data":[')
    for (const plays of [silent, trickle]) {
      vendors.hosts.set('slow', () => plays as Answer)
      const check = await checkCredential(askProvider, asked(`${vendors.url}/slow/v1`), good, 7, AbortSignal.timeout(150))
      assert.deepEqual([check.state, check.status, check.at], ['unchecked', 0, 7])
      assert.match(check.message, /No answer within 10 s/)
    }
  })

  test('an address inside the network is not dialled when it came through the API, by number or by name', async () => {
    vendors.asked.length = 0
    const { port } = new URL(vendors.url)
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', 'localhost']) {
      const check = await checkCredential(askProvider, asked(`http://${host}:${port}/x/v1`, { guarded: true }), good, 0)
      assert.match(check.message, /does not lead to a public address/, host)
    }
    assert.deepEqual(vendors.asked, [])
  })

  test('a server without keys is asked without one; one that wants a key says so', async () => {
    vendors.hosts.set('own', ({ key }) => (key === '' ? list : json(500, {})))
    const open = await checkCredential(askProvider, asked(`${vendors.url}/own/v1`), '', 0)
    assert.deepEqual([open.state, open.message], ['accepted', 'X answers without a credential and offers 2 models.'])
    vendors.hosts.set('own', () => json(401, {}))
    assert.match((await checkCredential(askProvider, asked(`${vendors.url}/own/v1`), '', 0)).message, /X wants a credential \(401\)\. Add one\./)
  })

  test('a secret that no header can carry is a message', async () => {
    assert.match((await checkCredential(askProvider, asked(`${vendors.url}/own/v1`), 'sk-\u2026', 0)).message, /characters that no header can carry/)
  })
})

test('a vendor’s words are one bounded line without anything like a key', () => {
  const cases: [string, string, string | null][] = [
    ['{"error":{"message":"bad\\n\\u001b[31mkey\\u202e"}}', '', 'bad [31mkey'],
    ['{"error":{"message":"key sk-abc123def is wrong"}}', 'sk-abc123def', 'key [redacted] is wrong'],
    ['{"message":"key …bc123de… is wrong"}', 'sk-abc123def', 'key [redacted] is wrong'],
    ['{"message":"my secret phrase"}', 'secret phrase', 'my [redacted]'],
    ['{"message":"token eyJhbGciOiJIUzI1NiJ9.e30.Et9HFtf9R3 expired"}', '', 'token [redacted] expired'],
    ['{"message":"see https://example.com/docs/api-keys#rotate"}', '', 'see https://example.com/docs/api-keys#rotate'],
    ['Unauthorized', '', 'Unauthorized'], ['<html>no</html>', '', null], ['', '', null], ['{"code":7}', '', null], ['{"error":{"message":["a","b"]}}', '', 'a'],
    [JSON.stringify({ message: 'long '.repeat(200) }), '', `${'long '.repeat(60).trimEnd()}…`],
    ['[[[[[["deep"]]]]]]', '', null],
  ]
  for (const [text, secret, expected] of cases) assert.equal(vendorWords(text, secret), expected, text)
})
