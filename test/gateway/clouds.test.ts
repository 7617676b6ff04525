/** Vendors whose credentials sign requests or fetch tokens, against servers at real sockets: one that checks signatures as AWS's own SDK makes them, one that hands out tokens. */
import assert from 'node:assert/strict'
import { createHash, createHmac, createPublicKey, generateKeyPairSync, verify, type BinaryLike } from 'node:crypto'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { SignatureV4 } from '@smithy/signature-v4'
import type { ProviderData } from '../../src/gateway/snapshot.ts'
import { azure } from '../../src/providers/azure.ts'
import { bedrock } from '../../src/providers/bedrock.ts'
import { vertex } from '../../src/providers/vertex.ts'
import { sendForToken } from '../../src/providers/auth/send.ts'
import type { Send } from '../../src/providers/auth/token.ts'
import { eventFrame } from '../../src/wire/aws-event-stream.ts'
import { answered, at, binary, claude, converse, serve, wrapped, type Arrived, type Said } from './cloud-vendors.ts'
import { chat, startRig, type Rig } from './harness.ts'

const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLEAKIDEXA', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', AWS_REGION: 'eu-central-1' }

class Sha256 {
  readonly #hash
  constructor(secret?: BinaryLike) { this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret) }
  update(data: string | NodeJS.ArrayBufferView): void { this.#hash.update(data) }
  digest(): Promise<Uint8Array> { return Promise.resolve(this.#hash.digest()) }
}

/** As the signer of AWS's SDK signs the same request. */
async function isSignedByAws({ method, path, headers, body }: Arrived): Promise<boolean> {
  const authorization = headers.authorization ?? ''
  const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? []
  const signer = new SignatureV4({ credentials: { accessKeyId: keys.AWS_ACCESS_KEY_ID, secretAccessKey: keys.AWS_SECRET_ACCESS_KEY }, region: keys.AWS_REGION, service: 'bedrock', sha256: Sha256 as never, applyChecksum: false })
  const kept = Object.fromEntries(signed.filter((name) => !/^x-amz-(date|security-token)$/.test(name)).map((name) => [name, String(headers[name])]))
  const time = String(headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const request = { method, protocol: 'http:', hostname: String(headers.host), path, query: {}, headers: kept, body }
  const expected = await signer.sign(request, { signingDate: new Date(time) })
  return expected.headers['authorization'] === authorization
}

async function aws(arrived: Arrived): Promise<Said> {
  if (!await isSignedByAws(arrived)) return { status: 403, headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'InvalidSignatureException:http://internal.amazon.com/' }, body: JSON.stringify({ message: `The request signature we calculated does not match. ${keys.AWS_SECRET_ACCESS_KEY}` }) }
  if (arrived.path.endsWith('/converse')) return { status: 200, body: JSON.stringify(answered) }
  if (arrived.path.endsWith('/converse-stream')) return { status: 200, headers: binary, body: Buffer.concat(converse.map(([type, event]) => eventFrame(type, JSON.stringify(event)))) }
  if (arrived.path.endsWith('/invoke-with-response-stream')) return { status: 200, headers: binary, body: Buffer.concat(claude.map(wrapped)) }
  return { status: 200, body: JSON.stringify({ ...claude[0]!.message, content: [{ type: 'text', text: 'Whole.' }], stop_reason: 'end_turn' }) }
}

const anthropicOf = (rig: Rig): Anthropic => new Anthropic({ apiKey: rig.key, baseURL: rig.url, maxRetries: 0 })

test('Bedrock takes the signature of every request, in both of its formats, streamed or not', async () => {
  const server = await serve(aws)
  const rig = await startRig({ providers: () => [at('bedrock', bedrock, server.url, [JSON.stringify(keys)])], closes: [server.close] })
  const plain = await chat(rig, { model: 'bedrock/amazon.nova-lite-v1:0' })
  assert.equal(plain.status, 200, plain.text)
  assert.equal(JSON.parse(plain.text).choices[0].message.content, 'Hello.')
  const streamed = await chat(rig, { model: 'bedrock/arn:aws:bedrock:us-east-1:1:inference-profile/eu.amazon.nova', stream: true })
  assert.match(streamed.text, /"Hel"[\s\S]*"lo\."[\s\S]*\[DONE\]/)
  const message = await anthropicOf(rig).messages.create({ model: 'bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] })
  assert.deepEqual(message.content, [{ type: 'text', text: 'Whole.' }])
  assert.deepEqual(server.arrived.map(({ path }) => path), [
    '/model/amazon.nova-lite-v1%3A0/converse', '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Feu.amazon.nova/converse-stream', '/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke',
  ])
  assert.equal(server.arrived[1]!.headers.accept, 'application/vnd.amazon.eventstream, application/json')
})

test('Claude on Bedrock streams to clients of Anthropic’s format as Anthropic does, and is asked in Bedrock’s words', async () => {
  const server = await serve(aws)
  const rig = await startRig({ providers: () => [at('bedrock', bedrock, server.url, [JSON.stringify(keys)])], closes: [server.close] })
  const stream = anthropicOf(rig).beta.messages.stream({ model: 'bedrock/anthropic.claude-x', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], betas: ['context-1m-2025-08-07', 'advanced-tool-use-2025-11-20', 'made-up-2030-01-01'] })
  const types: string[] = []
  for await (const event of stream) types.push(event.type)
  assert.deepEqual(types, claude.map(({ type }) => type))
  const final = await stream.finalMessage()
  assert.deepEqual([final.content.map((part) => part.type === 'text' && part.text), final.usage.output_tokens], [['Grüße 👋'], 5])
  const { path, headers, body } = server.arrived[0]!
  assert.equal(path, '/model/anthropic.claude-x/invoke-with-response-stream')
  assert.equal(headers['anthropic-beta'], undefined)
  assert.deepEqual(JSON.parse(body), { max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], anthropic_version: 'bedrock-2023-05-31', anthropic_beta: ['context-1m-2025-08-07', 'tool-search-tool-2025-10-19'] })
  const other = await chat(rig, { model: 'bedrock/anthropic.claude-x', stream: true })
  assert.match(other.text, /Grüße 👋[\s\S]*\[DONE\]/)
})

test('a key that AWS refuses rests, another one answers, and nobody sees a part of it', async () => {
  const server = await serve(aws)
  const wrong = { ...keys, AWS_ACCESS_KEY_ID: 'AKIDWRONGWRONGWRO' }
  const rig = await startRig({ providers: () => [at('bedrock', bedrock, server.url, [JSON.stringify(wrong), JSON.stringify(keys)]), at('lone', bedrock, server.url, [JSON.stringify(wrong)])], closes: [server.close] })
  assert.equal((await chat(rig, { model: 'bedrock/amazon.nova' })).status, 200)
  assert.equal(server.arrived.length, 2)
  const refused = await chat(rig, { model: 'lone/amazon.nova' })
  assert.equal(refused.status, 403)
  assert.match(refused.text, /does not match\. \[redacted\]/)
  const records = await rig.recorded(2)
  assert.equal(JSON.stringify(records).includes(keys.AWS_SECRET_ACCESS_KEY.slice(0, 16)), false)
})

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } })
const account = { type: 'service_account', project_id: 'p', private_key_id: 'key-id-1', private_key: privateKey, client_email: 'robot@p.iam.gserviceaccount.com', client_id: '1', token_uri: 'https://oauth2.googleapis.com/token' }
const gemini = { candidates: [{ content: { role: 'model', parts: [{ text: 'Hi there.' }] }, finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 3, totalTokenCount: 5 } }

/** Whose token servers are all this one. */
const sentTo = (url: string): Send => (request) => {
  assert.match(request.url, /^https:\/\/(oauth2\.googleapis\.com\/token|login\.microsoftonline\.com\/[\w-]+\/oauth2\/v2\.0\/token)$/)
  return sendForToken({ ...request, url: `${url}${new URL(request.url).pathname}`, inside: true })
}

function isGrantOf(body: string): boolean {
  const [head = '', claims = '', signature = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.')
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
  return said['iss'] === account.client_email && said['aud'] === account.token_uri && said['scope'] === 'https://www.googleapis.com/auth/cloud-platform' && Number(said['exp']) - Number(said['iat']) === 3600
    && verify('sha256', Buffer.from(`${head}.${claims}`), createPublicKey(publicKey), Buffer.from(signature, 'base64url'))
}

test('a service account gets one token for all requests that wait, and a new one when Google refuses it', async () => {
  let handedOut = 0
  let valid = ''
  const tokens = await serve(async ({ body }) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (!isGrantOf(body)) return { status: 400, body: '{"error":"invalid_grant","error_description":"Invalid JWT Signature."}' }
    valid = `ya29.token-${++handedOut}`
    return { status: 200, body: JSON.stringify({ access_token: valid, expires_in: 3599, token_type: 'Bearer' }) }
  })
  const server = await serve(({ headers }) => (headers.authorization === `Bearer ${valid}` ? { status: 200, body: JSON.stringify(gemini) } : { status: 401, body: '{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}' }))
  let nowMs = Date.now()
  const rig = await startRig({ providers: () => [at('vertex', vertex, `${server.url}/v1/projects/p/locations/l`, [JSON.stringify(account)])], send: sentTo(tokens.url), tokenNowMs: () => nowMs, closes: [server.close, tokens.close] })
  const answers = await Promise.all([1, 2, 3].map(() => chat(rig, { model: 'vertex/gemini-2.5-flash' })))
  assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200], answers[0]!.text)
  assert.deepEqual([tokens.arrived.length, rig.fetches], [1, ['Google Vertex AI']])
  assert.equal(server.arrived[0]!.path, '/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent')
  valid = 'withdrawn'
  nowMs += 60_000
  assert.equal((await chat(rig, { model: 'vertex/gemini-2.5-flash' })).status, 200)
  assert.deepEqual([tokens.arrived.length, server.arrived.length], [2, 5])
})

test('Claude on Vertex is asked by rawPredict with the betas that Vertex knows', async () => {
  const server = await serve(() => ({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: claude.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('') }))
  const rig = await startRig({ providers: () => [at('vertex', vertex, `${server.url}/v1/projects/p/locations/l`, ['ya29.ready'])], closes: [server.close] })
  const stream = anthropicOf(rig).beta.messages.stream({ model: 'vertex/claude-sonnet-4-5@20250929', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }], betas: ['context-1m-2025-08-07', 'made-up-2030-01-01'] })
  assert.equal((await stream.finalMessage()).stop_reason, 'end_turn')
  const { path, headers, body } = server.arrived[0]!
  assert.equal(path, '/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5%4020250929:streamRawPredict')
  assert.deepEqual([headers.authorization, headers['anthropic-beta']], ['Bearer ya29.ready', 'context-1m-2025-08-07'])
  assert.deepEqual(JSON.parse(body), { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }], stream: true, anthropic_version: 'vertex-2023-10-16' })
})

test('an application of Entra ID gets its token of Microsoft; one that is refused rests and says why', async () => {
  const application = { AZURE_TENANT_ID: 'contoso', AZURE_CLIENT_ID: '11111111-2222', AZURE_CLIENT_SECRET: 'q~secret-of-the-application' }
  const tokens = await serve(({ body }) => {
    const said = Object.fromEntries(new URLSearchParams(body))
    if (said['client_secret'] !== application.AZURE_CLIENT_SECRET) return { status: 401, body: JSON.stringify({ error: 'invalid_client', error_description: `AADSTS7000215: Invalid client secret provided: ${said['client_secret']}.\r\nTrace ID: 1` }) }
    assert.deepEqual(said, { grant_type: 'client_credentials', client_id: application.AZURE_CLIENT_ID, client_secret: application.AZURE_CLIENT_SECRET, scope: 'https://cognitiveservices.azure.com/.default' })
    return { status: 200, body: JSON.stringify({ access_token: 'eyJ.entra.token', expires_in: 3599 }) }
  })
  const completion = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }
  const server = await serve(({ headers }) => (headers.authorization === 'Bearer eyJ.entra.token' && headers['api-key'] === undefined ? { status: 200, body: JSON.stringify(completion) } : { status: 401, body: '{"error":{"message":"no"}}' }))
  const wrong = JSON.stringify({ ...application, AZURE_CLIENT_SECRET: 'q~another-secret-text' })
  const providers = (): ProviderData[] => [at('azure', azure, `${server.url}/openai`, [wrong, JSON.stringify(application)]), at('lone', azure, `${server.url}/openai`, [wrong])]
  const rig = await startRig({ providers, send: sentTo(tokens.url), closes: [server.close, tokens.close] })
  const served = await chat(rig, { model: 'azure/my-gpt' })
  assert.equal(served.status, 200, served.text)
  assert.deepEqual(server.arrived.map(({ path }) => path), ['/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21'])
  assert.deepEqual(rig.gateway.tools.credentials.troubles().map(({ id, trouble }) => [id, trouble]), [['azure-0', 'refused']])
  const refused = await chat(rig, { model: 'lone/my-gpt' })
  assert.equal(refused.status, 502)
  assert.match(refused.text, /Entra ID gave no token \(401\): invalid_client: AADSTS7000215: Invalid client secret provided: \[redacted\]\./)
})
