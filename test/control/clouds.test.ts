/** Cloud credentials on entry: through the API against vendors at real sockets, and from the environment. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkCredential } from '../../src/control/providers/check.ts'
import { asker } from '../../src/control/providers/ask.ts'
import { wantedProviders } from '../../src/control/reconcile/providers.ts'
import { readReference, vendorsInEnvironment, type Variables } from '../../src/control/vendor-environment.ts'
import { Authorities } from '../../src/providers/auth/authority.ts'
import { CredentialError, type Send } from '../../src/providers/auth/token.ts'
import { vendors } from '../../src/providers/index.ts'
import { startRig } from './rig.ts'
import { json, startVendors } from './vendors.ts'

const played = await startVendors()
after(() => played.close())
const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLEAKIDEXA', AWS_SECRET_ACCESS_KEY: 'a-secret-access-key-text' }
/** The address of a vendor that is played names no region. */
const pasted = { ...keys, AWS_REGION: 'us-east-1' }
const onIn = (variables: Variables) => {
  const { on, problems } = vendorsInEnvironment(vendors.values(), variables)
  return { on: on.map(({ vendor: { id }, baseUrl, keys: found }) => [id, baseUrl, ...found.map(({ text }) => text)]), problems }
}

test('clouds are switched on by the variables that their own tools read', () => {
  assert.deepEqual(onIn({ ...keys, AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID_2: 'ASIAEXAMPLEASIAEXA', AWS_SECRET_ACCESS_KEY_2: 's', AWS_SESSION_TOKEN_2: 't' }), {
    on: [['bedrock', 'https://bedrock-runtime.eu-west-1.amazonaws.com', 'env:AWS_ACCESS_KEY_ID+AWS_SECRET_ACCESS_KEY', 'env:AWS_ACCESS_KEY_ID_2+AWS_SECRET_ACCESS_KEY_2+AWS_SESSION_TOKEN_2']], problems: [],
  })
  assert.deepEqual(onIn({ AWS_BEARER_TOKEN_BEDROCK: 'k', AWS_DEFAULT_REGION: 'us-east-1' }).on, [['bedrock', 'https://bedrock-runtime.us-east-1.amazonaws.com', 'env:AWS_BEARER_TOKEN_BEDROCK']])
  const google = { VERTEX_CREDENTIALS: 'metadata', GOOGLE_CLOUD_PROJECT: 'p' }
  assert.deepEqual(onIn({ ...google, GOOGLE_CLOUD_LOCATION: 'global' }).on, [['vertex', 'https://aiplatform.googleapis.com/v1/projects/p/locations/global', 'env:VERTEX_CREDENTIALS']])
  assert.deepEqual(onIn({ ...google, GOOGLE_CLOUD_LOCATION: 'europe-west4', GOOGLE_APPLICATION_CREDENTIALS: '/x' }).on, [['vertex', 'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4', 'env:VERTEX_CREDENTIALS', 'file:GOOGLE_APPLICATION_CREDENTIALS']])
  const entra = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 's' }
  assert.deepEqual(onIn({ ...entra, AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com/', ANTHROPIC_FOUNDRY_RESOURCE: 'r' }).on, [
    ['azure', 'https://r.openai.azure.com/openai/v1', 'env:AZURE_CLIENT_ID+AZURE_CLIENT_SECRET+AZURE_TENANT_ID'], ['azure-anthropic', 'https://r.services.ai.azure.com/anthropic/v1', 'env:AZURE_CLIENT_ID+AZURE_CLIENT_SECRET+AZURE_TENANT_ID'],
  ])
})

test('variables that other programs share switch nothing on by themselves, and are no problem', () => {
  assert.deepEqual(onIn({ ...keys, AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 's', GOOGLE_CLOUD_PROJECT: 'p' }), { on: [], problems: [] })
  assert.deepEqual(onIn({ AWS_ACCESS_KEY_ID: 'AKID', AWS_REGION: 'us-east-1' }), { on: [], problems: [] })
  assert.match(onIn({ AWS_BEARER_TOKEN_BEDROCK: 'k' }).problems[0]!, /^AWS_BEARER_TOKEN_BEDROCK is set, and Amazon Bedrock needs more: set AWS_REGION \(region whose Bedrock is called/)
})

test('a credential of several variables, or of a file, is read whole, or the variable is named', () => {
  assert.deepEqual(readReference('env:AWS_ACCESS_KEY_ID_2+AWS_SECRET_ACCESS_KEY_2', { AWS_ACCESS_KEY_ID_2: 'a', AWS_SECRET_ACCESS_KEY_2: ' b ' }), { secret: '{"AWS_ACCESS_KEY_ID":"a","AWS_SECRET_ACCESS_KEY":"b"}' })
  assert.deepEqual(readReference('env:A+B', { A: 'a' }), { problem: 'the variable B, which is not set' })
  const folder = mkdtempSync(join(tmpdir(), 'megarouter-clouds-'))
  const file = join(folder, 'google.json')
  after(() => rmSync(folder, { recursive: true }))
  writeFileSync(file, '{"type":"service_account"}\n')
  assert.deepEqual(readReference('file:F', { F: file }), { secret: '{"type":"service_account"}' })
  assert.deepEqual(readReference('file:F', { F: `${file}.gone` }), { problem: 'the file in F, which cannot be read (ENOENT)' })
  writeFileSync(file, 'x'.repeat(20_000))
  assert.deepEqual(readReference('file:F', { F: file }), { problem: 'the file in F, which is too long for a credential' })
  const { wanted, problems } = wantedProviders([], { vendors, variables: { GOOGLE_APPLICATION_CREDENTIALS: file, GOOGLE_CLOUD_PROJECT: 'p', GOOGLE_CLOUD_LOCATION: 'global' } })
  assert.deepEqual([wanted, problems], [[], ['Google Vertex AI needs the file in GOOGLE_APPLICATION_CREDENTIALS, which is too long for a credential.']])
})

const bedrock = { vendor: vendors.get('bedrock')!, baseUrl: 'https://bedrock-runtime.us-east-1.amazonaws.com', socketPath: null, guarded: false }

test('a wrong credential of several parts is told before anybody is asked, a refused one in the vendor’s words, and only the id is shown', async () => {
  const rig = await startRig({ ask: played.ask })
  after(() => rig.stop())
  const create = (credential: object | string, base_url = bedrock.baseUrl) => rig.call('POST', '/providers', { body: { vendor: 'bedrock', base_url, credential: typeof credential === 'string' ? credential : JSON.stringify(credential) } })
  played.asked.length = 0
  const missing = await create({ AWS_ACCESS_KEY_ID: keys.AWS_ACCESS_KEY_ID })
  assert.deepEqual([missing.status, missing.body.error.code, missing.body.error.param], [400, 'invalid_request', 'credential'], missing.text)
  assert.match(missing.body.error.message, /AWS_SECRET_ACCESS_KEY is missing/)
  assert.deepEqual(played.asked, [])
  played.hosts.set('bedrock-runtime.us-east-1.amazonaws.com', () => json(403, { message: `The security token included in the request is invalid: ${keys.AWS_SECRET_ACCESS_KEY}` }))
  const refused = await create(pasted)
  assert.deepEqual([refused.status, refused.body.error.code], [422, 'credential_refused'])
  assert.match(refused.body.error.message, /^Amazon Bedrock refused the credential \(403\): “The security token included in the request is invalid: \[redacted\]”/)
  played.hosts.set('bedrock-runtime.us-east-1.amazonaws.com', ({ key }) => (key.startsWith('AWS4-HMAC-SHA256 Credential=AKIDEXAMPLEAKIDEXA/') ? json(400, { message: 'The provided model identifier is invalid.' }) : json(403, { message: 'no' })))
  const saved = await create(pasted)
  assert.deepEqual([saved.status, saved.body.credentials[0].check.state, saved.body.credentials[0].last4], [201, 'accepted', 'DEXA'], saved.text)
  assert.ok(!saved.text.includes(keys.AWS_SECRET_ACCESS_KEY))
  const inside = await rig.call('POST', '/providers', { body: { vendor: 'vertex', base_url: 'https://aiplatform.googleapis.com/v1/projects/p/locations/global', credential: 'metadata', force: true } })
  assert.deepEqual([inside.status, inside.body.error.code], [400, 'invalid_request'])
  assert.match(inside.body.error.message, /from the environment only/)
})

test('a credential that may only use certain models is accepted, and what the token server says decides over one that wants a token', async () => {
  played.hosts.set('bedrock-runtime.us-east-1.amazonaws.com', () => json(403, { message: 'User: arn:aws:iam::1:user/x is not authorized to perform: bedrock:InvokeModel' }))
  const limited = await checkCredential(played.ask, bedrock, JSON.stringify(pasted), 0)
  assert.equal(limited.state, 'accepted')
  const application = JSON.stringify({ AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 'a-client-secret' })
  const azure = { vendor: vendors.get('azure-anthropic')!, baseUrl: `${played.url}/foundry/v1`, socketPath: null, guarded: false }
  const check = (send: Send) => checkCredential(asker(new Authorities({ nowMs: () => 0, send, onFetch: () => undefined })), azure, application, 0)
  const refused = await check(() => Promise.resolve({ status: 401, text: '{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}' }))
  assert.deepEqual([refused.state, refused.status], ['refused', 401])
  assert.match(refused.message, /^Entra ID gave no token \(401\): invalid_client: AADSTS7000215: Invalid client secret provided\.\. Check/)
  const silent = await check(() => Promise.reject(new CredentialError('login.microsoftonline.com gave no token: ECONNREFUSED. Check whether this machine may reach it.', 503)))
  assert.deepEqual([silent.state, silent.message], ['unchecked', 'login.microsoftonline.com gave no token: ECONNREFUSED. Check whether this machine may reach it.'])
})
