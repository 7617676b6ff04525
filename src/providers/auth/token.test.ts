import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { vendor, keyHeader } from '../provider.ts'
import { Authorities, authorityFor, wrongCredential } from './authority.ts'
import { entraGrant } from './entra.ts'
import { googleGrant } from './google.ts'
import { secretsIn, shownPart } from './parts.ts'
import { askForToken, CredentialError, TokenSource, type Send, type TokenRequest } from './token.ts'

/** A token server whose tokens live for 1000 s, and a clock. */
function source(): { tokens: TokenSource; at: (seconds: number) => void; asked: () => number; fail: (error: Error | null) => void; told: (string | null)[] } {
  let nowMs = 0
  let asked = 0
  let failure: Error | null = null
  const told: (string | null)[] = []
  const tokens = new TokenSource({
    grant: () => {
      asked++
      return failure === null ? Promise.resolve({ text: `t${asked}`, lifeMs: 1_000_000 }) : Promise.reject(failure)
    },
    send: () => Promise.reject(new Error('not used')), nowMs: () => nowMs, onFetch: (failed) => told.push(failed?.message ?? null),
  })
  return { tokens, at: (seconds) => (nowMs = seconds * 1000), asked: () => asked, fail: (error) => (failure = error), told }
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a token is fetched once for all that wait, and is there at once from then on', async () => {
  const { tokens, asked, at } = source()
  assert.deepEqual(await Promise.all([tokens.get(), tokens.get()]), ['t1', 't1'])
  at(700)
  assert.equal(tokens.get(), 't1')
  assert.equal(asked(), 1)
})

test('a token is renewed beside the traffic before it ends, and never used at its end', async () => {
  const { tokens, asked, at, fail } = source()
  await tokens.get()
  at(800)
  assert.deepEqual([tokens.get(), tokens.get()], ['t1', 't1'])
  await settled()
  assert.deepEqual([tokens.get(), asked()], ['t2', 2])
  fail(new CredentialError('no', 500))
  at(1600)
  assert.equal(tokens.get(), 't2')
  await settled()
  at(1605)
  assert.equal(tokens.get(), 't2')
  assert.equal(asked(), 3)
  at(1799)
  await assert.rejects(async () => tokens.get(), /no/)
})

test('a refused token is forgotten unless it is fresh, and only once for all that were refused', async () => {
  const { tokens, at } = source()
  await tokens.get()
  assert.equal(tokens.forget('t1'), false)
  at(60)
  assert.equal(tokens.forget('t1'), true)
  assert.equal(await tokens.get(), 't2')
  assert.equal(tokens.forget('t1'), true)
  assert.equal(tokens.get(), 't2')
})

test('why no token came is told, without anything secret', async () => {
  const { tokens, fail, told } = source()
  fail(new Error('boom'))
  await assert.rejects(async () => tokens.get(), { name: 'CredentialError', status: 503 })
  assert.deepEqual(told, ['No token came: boom'])
  const secret = JSON.stringify({ AZURE_CLIENT_SECRET: 'q~0123456789abcdef' })
  const send: Send = () => Promise.resolve({ status: 401, text: JSON.stringify({ error: 'invalid_client', error_description: 'AADSTS1: q~0123456789abcdef is wrong\r\nTrace' }) })
  await assert.rejects(askForToken(send, 'Entra ID', { url: 'https://x' }, secret), { message: 'Entra ID gave no token (401): invalid_client: AADSTS1: [redacted] is wrong', status: 401 })
  for (const text of ['', '<html>', '[]', 'null']) await assert.rejects(askForToken(() => Promise.resolve({ status: 200, text }), 'Google', { url: 'https://x' }, ''), { message: 'Google gave no token (200)', status: 502 })
})

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
const account = { type: 'service_account', client_email: 'a@b.iam.gserviceaccount.com', private_key: privateKey, token_uri: 'https://oauth2.googleapis.com/token' }

test('wrong credentials of Google are told before anybody is asked, and no token address is taken from them', () => {
  for (const [change, says] of [
    [{ token_uri: 'https://evil.example/token' }, /which is not Google's/], [{ private_key: 'nonsense' }, /"private_key" of the credential cannot be read/], [{ client_email: '' }, /has no "client_email"/],
    [{ type: 'impersonated_service_account' }, /of type "impersonated_service_account"/], [{ universe_domain: 'evil.example' }, /only those of googleapis\.com/],
    [{ type: 'external_account', audience: 'a', subject_token_type: 't', token_url: 'https://sts.evil.example/v1/token', credential_source: { file: '/x' } }, /"token_url" of the credential is not Google's/],
    [{ type: 'external_account', audience: 'a', subject_token_type: 't', token_url: 'https://sts.googleapis.com/v1/token', credential_source: { executable: {} } }, /neither a file nor a url/],
    [{ type: 'external_account', audience: 'a', subject_token_type: 't', token_url: 'https://sts.googleapis.com/v1/token', credential_source: { file: '/x' }, service_account_impersonation_url: 'https://evil.example/' }, /impersonation_url" of the credential is not Google's/],
  ] as const) assert.match(String(googleGrant(JSON.stringify({ ...account, ...change }))), says)
  assert.match(String(googleGrant('{"type":')), /neither an API key nor JSON/)
  assert.match(String(entraGrant(JSON.stringify({ AZURE_TENANT_ID: '../evil', AZURE_CLIENT_ID: 'i', AZURE_CLIENT_SECRET: 's' }), 's')), /AZURE_TENANT_ID is no tenant/)
  assert.match(String(entraGrant('{}', 's')), /AZURE_TENANT_ID is missing/)
})

test('what is pasted in the place of a key is told with what to paste instead', () => {
  const guid = '72f988bf-86f1-41af-91ab-2d7cd011db47'
  const aws = { scheme: 'aws', service: 'bedrock' } as const
  const google = { scheme: 'google' } as const
  const entra = { scheme: 'entra', scope: 's', header: 'api-key' } as const
  for (const [auth, secret, says] of [
    [aws, 'AKIAIOSFODNN7EXAMPLE', /id of an access key/], [aws, '{"AWS_ACCESS_KEY_ID":', /not valid JSON/], [aws, '{"AWS_ACCESS_KEY_ID":"AKIAIOSFODNN7EXAMPLE"}', /AWS_SECRET_ACCESS_KEY is missing/],
    [aws, JSON.stringify({ AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'us-east-1' }), /AWS_REGION is "us-east-1", and the base URL is in eu-west-3/],
    [aws, JSON.stringify({ AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'Frankfurt' }), /which is no region/],
    [aws, JSON.stringify({ AWS_ACCESS_KEY_ID: 'ASIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 's' }), /AWS_SESSION_TOKEN has to be given/],
    [google, '/etc/google.json', /path of a file/], [google, privateKey, /private key alone/], [google, '{"type":"service_account"}', /has no "client_email"/],
    [entra, guid, /id of Entra ID and no key/], [entra, JSON.stringify({ AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: guid, AZURE_CLIENT_SECRET: guid }), /id of a secret and not its value/],
  ] as const) assert.match(String(wrongCredential({ auth, name: 'V', origin: 'https://bedrock-runtime.eu-west-3.amazonaws.com' }, secret)), says)
  for (const [auth, secret] of [[aws, 'ABSKQmVkcm9ja0FQSUtleQ=='], [google, 'AIzaKey'], [google, 'ya29.token'], [entra, '0123456789abcdef0123456789abcdef']] as const) assert.equal(wrongCredential({ auth, name: 'V', origin: 'https://x.example' }, secret), null)
})

test('what leads to the machine itself is taken from the environment only', () => {
  const google = { ...vendor({ id: 'v', name: 'V', docs: '', auth: { scheme: 'google' } }), origin: 'https://x' }
  for (const secret of ['metadata', JSON.stringify({ type: 'external_account' })]) assert.match(wrongCredential(google, secret)!, /from the environment only/)
  assert.equal(wrongCredential(google, JSON.stringify(account)), null)
  assert.equal(wrongCredential(google, 'AIzaKey'), null)
  assert.equal(wrongCredential({ ...google, auth: 'bearer' }, 'metadata'), null)
})

test('workload identity exchanges the token of the surroundings, then stands in for the service account', async () => {
  const asked: TokenRequest[] = []
  const send: Send = (request) => {
    asked.push(request)
    if (request.inside) return Promise.resolve({ status: 200, text: '{"id":"subject-token"}' })
    if (request.url.startsWith('https://sts.')) return Promise.resolve({ status: 200, text: '{"access_token":"federated","expires_in":3600}' })
    return Promise.resolve({ status: 200, text: '{"accessToken":"ya29.final","expireTime":"1970-01-01T01:00:00Z"}' })
  }
  const secret = {
    type: 'external_account', audience: '//iam.googleapis.com/x', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: 'https://sts.googleapis.com/v1/token',
    service_account_impersonation_url: 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:generateAccessToken',
    credential_source: { url: 'http://127.0.0.1:1/token', headers: { metadata: 'true' }, format: { type: 'json', subject_token_field_name: 'id' } },
  }
  const grant = googleGrant(JSON.stringify(secret))
  assert.ok(typeof grant === 'function')
  assert.deepEqual(await grant(send, 0), { text: 'ya29.final', lifeMs: 3_600_000 })
  assert.equal(new URLSearchParams(asked[1]!.body).get('subject_token'), 'subject-token')
  assert.equal(asked[2]!.headers!['authorization'], 'Bearer federated')
  const missing = googleGrant(JSON.stringify({ ...secret, credential_source: { file: '/nowhere/token' } }))
  assert.ok(typeof missing === 'function')
  await assert.rejects(missing(send, 0), /\/nowhere\/token, which the credential names, cannot be read \(ENOENT\)/)
})

test('plain keys and tokens go in the header that the cloud wants', () => {
  const header = (auth: Parameters<typeof keyHeader>[0]['auth'], secret: string): string | null => {
    const key = keyHeader({ auth }, secret)
    return key && `${key.name}: ${key.value}`
  }
  assert.equal(header({ scheme: 'aws', service: 'bedrock' }, 'ABSKkey'), 'authorization: Bearer ABSKkey')
  assert.equal(header({ scheme: 'google' }, 'AIzaKey'), 'x-goog-api-key: AIzaKey')
  assert.equal(header({ scheme: 'google' }, 'ya29.token'), 'authorization: Bearer ya29.token')
  assert.equal(header({ scheme: 'entra', scope: 's', header: 'api-key' }, 'abc'), 'api-key: abc')
  assert.equal(header({ scheme: 'entra', scope: 's', header: 'api-key' }, 'eyJ0.a.b'), 'authorization: Bearer eyJ0.a.b')
  assert.equal(header({ scheme: 'aws', service: 'bedrock' }, '{"AWS_ACCESS_KEY_ID":"x"}'), null)
})

test('the region stands in the address or in the credential, and tokens are shared by whoever uses one', () => {
  const tools = { nowMs: () => 0, send: (): never => assert.fail(), onFetch: () => undefined }
  const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLEAKIDEXA', AWS_SECRET_ACCESS_KEY: 'secret' }
  const auth = { scheme: 'aws', service: 'bedrock' } as const
  const signed = (origin: string, parts: object): string => {
    const authority = authorityFor({ auth, name: 'B', origin }, JSON.stringify(parts), tools)
    assert.ok(authority !== null && typeof authority === 'object', String(authority))
    return (authority.headers({ method: 'POST', path: '/x?a=b', headers: { 'content-type': 'application/json', accept: '*/*' }, body: '{}' }) as Record<string, string>)['authorization']!
  }
  assert.match(signed('https://bedrock-runtime.eu-west-3.amazonaws.com', keys), /\/eu-west-3\/bedrock\/aws4_request, SignedHeaders=content-type;host;x-amz-date,/)
  assert.match(signed('https://vpce-0a.bedrock-runtime.us-gov-west-1.vpce.amazonaws.com', keys), /\/us-gov-west-1\//)
  assert.match(signed('https://proxy.example', { ...keys, AWS_REGION: 'us-east-1' }), /\/us-east-1\//)
  assert.match(String(authorityFor({ auth, name: 'B', origin: 'https://proxy.example' }, JSON.stringify(keys), tools)), /AWS_REGION is missing/)
  const authorities = new Authorities(tools)
  const account = { auth, name: 'B', origin: 'https://bedrock-runtime.eu-west-3.amazonaws.com' }
  assert.equal(authorities.of(account, JSON.stringify(keys)), authorities.of({ ...account }, JSON.stringify({ ...keys })))
  assert.equal(authorities.of(account, 'plain-key'), null)
  assert.throws(() => authorities.of(account, '{"AWS_ACCESS_KEY_ID":"x"}'), { status: 401, message: /AWS_SECRET_ACCESS_KEY is missing/ })
})

test('of a credential of several parts the id is shown, and each secret part is kept from being seen', () => {
  assert.equal(shownPart(JSON.stringify({ AWS_SECRET_ACCESS_KEY: 'zzz', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE' })), 'AKIDEXAMPLE')
  assert.equal(shownPart('sk-plain'), 'sk-plain')
  assert.equal(shownPart('{"other":"secret-text"}'), '')
  const secret = JSON.stringify({ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLEAKIDEXA', AWS_SECRET_ACCESS_KEY: 'a-long-secret-text', AWS_SESSION_TOKEN: 'a-long-session-token' })
  assert.deepEqual(secretsIn(secret), [secret, 'a-long-secret-text', 'a-long-session-token'])
  assert.deepEqual([secretsIn('sk'), secretsIn('')], [['sk'], []])
})
