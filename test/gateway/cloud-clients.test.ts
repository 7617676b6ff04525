/** Clients of Bedrock and Vertex AI before the gateway: the AWS SDK, and what Claude Code and Gemini's tools send, to vendors of the same and of other formats. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, CountTokensCommand, InvokeModelCommand, InvokeModelWithResponseStreamCommand, type BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { loadCatalog } from '../../src/catalog/load.ts'
import { anthropic } from '../../src/providers/anthropic.ts'
import { bedrock } from '../../src/providers/bedrock.ts'
import { vertex } from '../../src/providers/vertex.ts'
import { AwsEventScanner, eventFrame, exceptionFrame } from '../../src/wire/aws-event-stream.ts'
import { clientRequests } from '../fixtures/recorded.ts'
import { answered, at, binary, claude, converse, serve, wrapped, type Arrived, type Said } from './cloud-vendors.ts'
import { providerAt, startRig, type Rig } from './harness.ts'

const clientOf = ({ url, key }: Rig, more: BedrockRuntimeClientConfig = {}): BedrockRuntimeClient =>
  new BedrockRuntimeClient({ endpoint: url, region: 'us-east-1', token: { token: key }, authSchemePreference: ['httpBearerAuth'], requestHandler: new NodeHttpHandler(), maxAttempts: 1, ...more })

const sse = claude.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('')
const message = { ...claude[0]!.message!, content: [{ type: 'text', text: 'Grüße 👋' }], stop_reason: 'end_turn', usage: { input_tokens: 9, output_tokens: 5 } }
const said = (body: object): Said => ({ status: 200, body: JSON.stringify(body) })
const streamed = (type: string, body: Said['body']): Said => ({ status: 200, headers: { 'content-type': type }, body })

function asBedrock({ path }: Arrived): Said {
  if (path.endsWith('/count-tokens')) return said({ inputTokens: 77 })
  if (path.endsWith('/converse')) return said(answered)
  if (path.endsWith('/converse-stream')) return streamed(binary['content-type'], Buffer.concat(converse.map(([type, event]) => eventFrame(type, JSON.stringify(event)))))
  return path.endsWith('/invoke') ? said(message) : streamed(binary['content-type'], Buffer.concat(claude.map(wrapped)))
}
const asAnthropic = ({ path, body }: Arrived): Said => (/count/.test(path) ? said({ input_tokens: 55 }) : (JSON.parse(body) as { stream?: boolean }).stream ? streamed('text/event-stream', sse) : said(message))
const chunk = (delta: object, more: object = {}): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`
const completion = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }
const asOpenai = ({ body }: Arrived): Said => ((JSON.parse(body) as { stream?: boolean }).stream
  ? streamed('text/event-stream', `${chunk({ role: 'assistant', content: 'Hel' })}${chunk({ content: 'lo.' })}${chunk({}, { finish_reason: 'stop' })}data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":${JSON.stringify(completion.usage)}}\n\ndata: [DONE]\n\n`)
  : said(completion))

/** With one vendor of each kind, and what arrives there. */
async function startClouds(): Promise<{ rig: Rig; arrived: Record<'aws' | 'anthropic' | 'openai' | 'google', Arrived[]> }> {
  const [aws, anthropic, openai, google] = await Promise.all([serve(asBedrock), serve(asAnthropic), serve(asOpenai), serve(asAnthropic)])
  const rig = await startRig({
    providers: () => [
      at('bedrock', bedrock, aws.url, ['bedrock-key']), at('vertex', vertex, `${google.url}/v1/projects/own/locations/eu`, ['ya29.ready']),
      providerAt('claude', `${anthropic.url}/v1`, { formats: [{ protocol: 'anthropic-messages' }], auth: { header: 'x-api-key' }, headers: { 'anthropic-version': '2023-06-01' }, proofs: 'anthropic' }),
      providerAt('gpt', `${openai.url}/v1`, { quirks: { streamUsage: 'on_request', maxTokensField: 'max_tokens', otherLimit: 'bounds', reasoning: null, dialect: [], developerRole: false, contentParts: true, nineLetterIds: false, thoughtWithCalls: false, drops: [], rateLimitHeaders: null } }),
    ],
    closes: [aws.close, anthropic.close, openai.close, google.close],
  })
  return { rig, arrived: { aws: aws.arrived, anthropic: anthropic.arrived, openai: openai.arrived, google: google.arrived } }
}

const hi = [{ role: 'user' as const, content: [{ text: 'hi' }] }]

test('the AWS SDK converses with vendors of its own and of other formats, streamed or not', async () => {
  const { rig, arrived } = await startClouds()
  const client = clientOf(rig)
  for (const [modelId, text, tokens] of [['amazon.nova-lite-v1:0', 'Hello.', [3, 2]], ['claude/claude-sonnet-4-5', 'Grüße 👋', [9, 5]], ['gpt/gpt-5.1', 'Hello.', [3, 2]]] as const) {
    const plain = await client.send(new ConverseCommand({ modelId, messages: hi, inferenceConfig: { maxTokens: 50 } }))
    assert.deepEqual([plain.output!.message!.content![0]!.text, plain.stopReason, plain.usage!.inputTokens, plain.usage!.outputTokens], [text, 'end_turn', ...tokens], modelId)
    assert.ok(plain.$metadata.requestId, 'the request has an id where the SDK looks for it')
    const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: hi, inferenceConfig: { maxTokens: 50 } }))
    let heard = ''
    let usage: unknown[] = []
    let stop: unknown
    for await (const { contentBlockDelta, messageStop, metadata } of stream!) {
      heard += contentBlockDelta?.delta?.text ?? ''
      stop ??= messageStop?.stopReason
      if (metadata) usage = [metadata.usage!.inputTokens, metadata.usage!.outputTokens]
    }
    assert.deepEqual([heard, stop, usage], [text, 'end_turn', tokens], modelId)
  }
  assert.deepEqual(arrived.aws.map(({ path, headers }) => [path, headers.authorization]), [['/model/amazon.nova-lite-v1%3A0/converse', 'Bearer bedrock-key'], ['/model/amazon.nova-lite-v1%3A0/converse-stream', 'Bearer bedrock-key']])
  for (const { body } of arrived.aws) assert.equal(body, JSON.stringify({ messages: hi, inferenceConfig: { maxTokens: 50 } }))
})

const asked = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }], anthropic_beta: ['tool-search-tool-2025-10-19'] }

test('the AWS SDK invokes Claude by Anthropic’s own bodies, wherever it is served', async () => {
  const { rig, arrived } = await startClouds()
  const client = clientOf(rig)
  for (const modelId of ['us.anthropic.claude-x', 'claude/claude-x', 'vertex/claude-x', 'gpt/gpt-5.1']) {
    const text = modelId.startsWith('gpt') ? 'Hello.' : 'Grüße 👋'
    // Without a content type the SDK names one that is not JSON's.
    const plain = await client.send(new InvokeModelCommand({ modelId, body: JSON.stringify(asked) }))
    assert.equal((JSON.parse(Buffer.from(plain.body).toString()) as typeof message).content[0]!.text, text, modelId)
    const { body } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId, contentType: 'application/json', body: JSON.stringify(asked) }))
    const events: { type: string; delta?: { text?: string } }[] = []
    for await (const { chunk } of body!) events.push(JSON.parse(Buffer.from(chunk!.bytes!).toString()) as { type: string })
    assert.deepEqual([events[0]!.type, events.at(-1)!.type, events.map(({ delta }) => delta?.text ?? '').join('')], ['message_start', 'message_stop', text], modelId)
  }
  assert.deepEqual(arrived.aws.map(({ path, body }) => [path, body]), [['/model/us.anthropic.claude-x/invoke', JSON.stringify(asked)], ['/model/us.anthropic.claude-x/invoke-with-response-stream', JSON.stringify(asked)]], 'at home the body passes as it came')
  assert.deepEqual(arrived.anthropic.map(({ path, headers, body }) => [path, headers['anthropic-beta'], JSON.parse(body)]), [false, true].map((stream) => ['/v1/messages', 'advanced-tool-use-2025-11-20', { model: 'claude-x', max_tokens: 50, messages: asked.messages, ...(stream && { stream }) }]))
  assert.deepEqual(arrived.google.map(({ path, headers, body }) => [path, headers['anthropic-beta'], (JSON.parse(body) as typeof asked).anthropic_version]), ['rawPredict', 'streamRawPredict'].map((method) => [`/v1/projects/own/locations/eu/publishers/anthropic/models/claude-x:${method}`, 'tool-search-tool-2025-10-19', 'vertex-2023-10-16']))
  assert.ok(arrived.google.every(({ body }) => !body.includes('anthropic_beta')))
  const records = await rig.recorded(8)
  assert.deepEqual([...new Set(records.map(({ endpoint, outcome }) => `${endpoint} ${outcome}`))], ['invoke success'])
})

test('a stream of Bedrock’s reaches its own client in the frames that came, with the cost where it is asked for', async () => {
  const { rig } = await startClouds()
  const stream = async (body: object): Promise<Buffer> => Buffer.from(await (await fetch(`${rig.url}/model/anthropic.claude-x/invoke-with-response-stream`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })).arrayBuffer())
  assert.deepEqual(await stream(asked), Buffer.concat(claude.map(wrapped)))
  const events: string[] = []
  const scanner = new AwsEventScanner(1 << 20, ({ data }) => events.push(Buffer.from((JSON.parse(data!) as { bytes: string }).bytes, 'base64').toString()))
  scanner.push(await stream({ ...asked, megarouter: { include_cost: true } }))
  assert.ok(events.filter((event) => /"cost_usd":0/.test(event)).length > 0, events.join('\n'))
  const [record] = await rig.recorded(2)
  assert.deepEqual([record!.attempts[0]!.usage.input, record!.attempts[0]!.usage.output], [9, 5])
})

test('a signed request is told to bring a key of Bedrock, and errors are AWS’s own, whoever tells them', async () => {
  const refuse = { body: '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}', status: 429, headers: { 'content-type': 'application/json', 'retry-after': '7' } }
  const broken = { current: (): Said => refuse }
  const server = await serve(() => broken.current())
  const rig = await startRig({ attempts: 1, providers: () => [providerAt('claude', `${server.url}/v1`, { formats: [{ protocol: 'anthropic-messages' }] }), at('bedrock', bedrock, server.url, ['bedrock-key'])], closes: [server.close] })
  const send = (client: BedrockRuntimeClient, modelId: string): Promise<unknown> => client.send(new ConverseCommand({ modelId, messages: hi }))
  const signed = clientOf(rig, { credentials: { accessKeyId: 'AKIDEXAMPLEAKIDEXA', secretAccessKey: 'secret' }, authSchemePreference: ['sigv4'] })
  await assert.rejects(send(signed, 'claude/x'), { name: 'AccessDeniedException', message: /AWS_BEARER_TOKEN_BEDROCK=mr-/ })
  const asId = clientOf(rig, { credentials: { accessKeyId: rig.key, secretAccessKey: 'any' }, authSchemePreference: ['sigv4'] })
  await assert.rejects(send(asId, 'claude/x'), { name: 'ThrottlingException', message: /slow down/ })
  await assert.rejects(send(clientOf(rig, { token: { token: 'mr-wrong' } }), 'claude/x'), { name: 'AccessDeniedException', message: /not a MegaRouter key/ })
  await assert.rejects(send(clientOf(rig), 'nobody/x'), { name: 'ResourceNotFoundException', message: /There is no model "nobody\/x"/ })
  await assert.rejects(send(clientOf(rig), 'claude/x'), { name: 'ThrottlingException', message: /slow down/ })
  broken.current = () => ({ status: 400, headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ValidationException:http://internal.amazon.com/', 'x-amzn-requestid': 'their-id' }, body: '{"message":"Input is too long for requested model."}' })
  await assert.rejects(send(clientOf(rig), 'bedrock/amazon.nova'), ({ name, message: text, $metadata }: Error & { $metadata: { requestId: string } }) => name === 'ValidationException' && text === 'Input is too long for requested model.' && $metadata.requestId === 'their-id')
  const stream = async (modelId: string): Promise<void> => {
    const { body } = await clientOf(rig).send(new InvokeModelWithResponseStreamCommand({ modelId, body: JSON.stringify(asked) }))
    for await (const event of body!) void event
  }
  broken.current = () => streamed(binary['content-type'], exceptionFrame('throttlingException', '{"message":"Too many requests"}'))
  await assert.rejects(stream('bedrock/anthropic.claude-x'), { name: 'ThrottlingException', message: /Too many requests/ })
  await assert.rejects(clientOf(rig).send(new ConverseStreamCommand({ modelId: 'amazon.nova', messages: hi })), { name: 'ThrottlingException', message: /Too many requests/ })
  broken.current = () => streamed(binary['content-type'], [...claude.slice(0, 3).map(wrapped), exceptionFrame('modelStreamErrorException', '{"message":"it broke"}')])
  await assert.rejects(stream('bedrock/anthropic.claude-x'), { name: 'ModelStreamErrorException', message: 'it broke' })
  broken.current = () => streamed('text/event-stream', [sse.slice(0, sse.indexOf('event: content_block_stop')), ''])
  await assert.rejects(stream('claude/x'), { name: 'InternalServerException', message: /without a finish reason/ })
  broken.current = () => streamed('text/event-stream', [sse.slice(0, sse.indexOf('event: content_block_stop')), 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"too busy"}}\n\n'])
  await assert.rejects(stream('claude/x'), { name: 'ServiceUnavailableException', message: 'too busy' })
})

const captured = (id: string, rig: Rig, path?: string): Promise<Response> => {
  const { path: own, headers, body, method } = clientRequests().find((each) => each.id === id)!
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(host|connection|content-length|accept-encoding|x-goog-api-key|authorization)$/.test(name)))
  return fetch(`${rig.url}${path ?? own}`, { method, headers: { ...kept, authorization: `Bearer ${rig.key}` }, ...(method === 'POST' && { body }) })
}
const shape = (value: unknown): string[] => Object.keys(JSON.parse(value as string) as object).sort()

test('Claude Code in its modes for Bedrock and Vertex is served there, by Anthropic, and by another vendor’s model', async () => {
  const { rig, arrived } = await startClouds()
  const models = { bedrock: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', vertex: 'claude-sonnet-4-5@20250929' }
  for (const model of [models.bedrock, 'claude/claude-x', 'gpt/gpt-5.1']) {
    const name = encodeURIComponent(model)
    const stream = await captured('claude-code-bedrock-002', rig, `/model/${name}/invoke-with-response-stream`)
    assert.deepEqual([stream.status, stream.headers.get('content-type')], [200, 'application/vnd.amazon.eventstream'], model)
    assert.ok((await stream.arrayBuffer()).byteLength > 300)
    const plain = await captured('claude-code-bedrock-003', rig, `/model/${name}/invoke`)
    assert.equal(((await plain.json()) as typeof message).content[0]!.type, 'text', model)
  }
  for (const model of [models.vertex, 'claude/claude-x', 'gpt/gpt-5.1']) {
    const where = `/v1/projects/proj/locations/us-east5/publishers/anthropic/models/${model}`
    assert.match(await (await captured('claude-code-vertex-001', rig, `${where}:streamRawPredict`)).text(), /event: message_stop/, model)
    assert.equal(((await (await captured('claude-code-vertex-002', rig, `${where}:rawPredict`)).json()) as typeof message).type, 'message', model)
  }
  const sent = (id: string): string => clientRequests().find((each) => each.id === id)!.body
  assert.deepEqual(arrived.aws.map(({ body }) => body), [sent('claude-code-bedrock-002'), sent('claude-code-bedrock-003')])
  assert.deepEqual(arrived.google.map(({ body }) => body), [sent('claude-code-vertex-001'), sent('claude-code-vertex-002')])
  for (const { body } of arrived.anthropic) assert.deepEqual(shape(body).filter((key) => /anthropic_/.test(key)), [])
  assert.deepEqual(arrived.anthropic.map(({ body }) => (JSON.parse(body) as { stream?: boolean }).stream === true), [true, false, true, false])
  assert.match(String(arrived.anthropic[0]!.headers['anthropic-beta']), /^claude-code-20250219,interleaved-thinking-2025-05-14,advanced-tool-use-2025-11-20$/)
  assert.equal(arrived.openai.length, 4)
  const profiles = await captured('claude-code-bedrock-001', rig)
  assert.ok(Array.isArray(((await profiles.json()) as { inferenceProfileSummaries: unknown[] }).inferenceProfileSummaries))
})

test('tokens are counted in the cloud’s own words, by the vendor where it counts', async () => {
  const { rig, arrived } = await startClouds()
  const client = clientOf(rig)
  assert.equal((await client.send(new CountTokensCommand({ modelId: 'amazon.nova-lite-v1:0', input: { converse: { messages: hi } } }))).inputTokens, 77)
  assert.equal((await client.send(new CountTokensCommand({ modelId: 'claude/claude-x', input: { invokeModel: { body: Buffer.from(JSON.stringify(asked)) } } }))).inputTokens, 55)
  await assert.rejects(client.send(new CountTokensCommand({ modelId: 'claude/claude-x', input: { invokeModel: { body: Buffer.from('{"prompt":"x"}') } } })), { name: 'ValidationException', message: /input\.converse/ })
  const counted = await fetch(`${rig.url}/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude-x', messages: asked.messages, anthropic_version: 'vertex-2023-10-16' }) })
  assert.deepEqual(await counted.json(), { input_tokens: 55 })
  assert.deepEqual([arrived.google[0]!.path, JSON.parse(arrived.google[0]!.body)], ['/v1/projects/own/locations/eu/publishers/anthropic/models/count-tokens:rawPredict', { model: 'claude-x', messages: asked.messages }])
  assert.deepEqual(JSON.parse(arrived.anthropic[0]!.body), { model: 'claude-x', messages: asked.messages })
})

test('Gemini’s tools reach models by their addresses on Vertex, and open models there by chat completions', async () => {
  const { rig, arrived } = await startClouds()
  const gemini = await captured('gemini-vertex-001', rig, '/v1beta1/publishers/google/models/gpt%2Fgpt-5.1:streamGenerateContent?alt=sse')
  assert.match(await gemini.text(), /"text":"Hel"/)
  const open = await fetch(`${rig.url}/v1/projects/p/locations/l/endpoints/openapi/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'gpt/x', messages: [{ role: 'user', content: 'hi' }] }) })
  assert.equal(((await open.json()) as typeof completion).choices[0]!.message.content, 'Hello.')
  assert.equal(arrived.openai.length, 2)
})

test('what the path says of model and stream counts, whatever stands in the body', async () => {
  const { rig, arrived } = await startClouds()
  const post = (path: string, body: object): Promise<Response> => fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  await post('/model/claude%2Fclaude-x/invoke', { ...asked, model: 'gpt/dear', stream: true })
  await post('/model/us.anthropic.claude-x/invoke', { ...asked, model: 'gpt/dear', stream: true })
  assert.deepEqual([arrived.anthropic, arrived.aws].map(([first]) => { const { model, stream } = JSON.parse(first!.body) as Record<string, unknown>; return [model, stream] }), [['claude-x', false], [undefined, undefined]])
  const refused = await post('/model/claude%2Fclaude-x/invoke', { inputText: 'a prompt of Titan' })
  assert.deepEqual([refused.status, refused.headers.get('x-amzn-errortype')], [400, 'ValidationException'])
  const nowhere = await post('/model/x/async-invoke', {})
  assert.deepEqual([nowhere.status, ((await nowhere.json()) as { __type: string }).__type], [404, 'ResourceNotFoundException'])
})

test('a guardrail in a header reaches Bedrock, and is named or refused where nobody reads it', async () => {
  const { rig, arrived } = await startClouds()
  const invoke = (model: string, headers: Record<string, string> = {}): Promise<Response> => fetch(`${rig.url}/model/${model}/invoke`, {
    method: 'POST', body: JSON.stringify(asked), headers: { authorization: `Bearer ${rig.key}`, 'x-amzn-bedrock-guardrailidentifier': 'gr-1', 'x-amzn-bedrock-service-tier': 'priority', ...headers },
  })
  const home = await invoke('us.anthropic.claude-x')
  assert.deepEqual([arrived.aws[0]!.headers['x-amzn-bedrock-guardrailidentifier'], arrived.aws[0]!.headers['x-amzn-bedrock-service-tier'], home.headers.get('x-megarouter-warnings')], ['gr-1', undefined, 'not said to bedrock: the header x-amzn-bedrock-service-tier'])
  assert.match((await invoke('claude%2Fx')).headers.get('x-megarouter-warnings')!, /the header x-amzn-bedrock-guardrailidentifier/)
  assert.match(await (await invoke('gpt%2Fx', { 'x-megarouter-on-unsupported': 'reject' })).text(), /cannot be told everything.*guardrailidentifier/)
  assert.equal(arrived.openai.length, 0)
})

test('a model by its name in the cloud is served there, else wherever the same model is, and by an alias before both', async () => {
  const [aws, direct] = await Promise.all([serve(asBedrock), serve(asAnthropic)])
  const rig = await startRig({ catalog: loadCatalog(), providers: () => [at('anthropic', anthropic, `${direct.url}/v1`, ['k'])], closes: [aws.close, direct.close] })
  const name = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
  const invoke = async (path = `/model/${name}/invoke`): Promise<string | null> => {
    const response = await fetch(`${rig.url}${path}`, { method: 'POST', body: JSON.stringify(asked), headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' } })
    return response.status === 200 ? response.headers.get('x-megarouter-provider') : response.text()
  }
  assert.deepEqual([await invoke(), (JSON.parse(direct.arrived[0]!.body) as { model: string }).model], ['anthropic', 'claude-sonnet-4-5-20250929'])
  assert.equal(await invoke('/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict'), 'anthropic')
  assert.match(String(await invoke('/model/amazon.nova-lite-v1%3A0/invoke')), /No provider that is switched on serves nova-lite/)
  assert.match(String(await invoke('/model/made.up/invoke')), /There is no model/)
  rig.publish(({ providers }) => providers.push(at('frankfurt', bedrock, aws.url, ['k'])))
  assert.deepEqual([await invoke(), await invoke('/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.x/invoke')], ['frankfurt', 'frankfurt'])
  rig.publish(({ aliases }) => aliases.push({ name, strategy: 'ordered', targets: [{ model: 'anthropic/claude-y', weight: 1 }] }))
  assert.equal(await invoke(), 'anthropic')
})

test('Google’s own word of when to come again reaches clients of every format', async () => {
  const body = JSON.stringify({ error: { code: 429, message: 'Resource exhausted.', status: 'RESOURCE_EXHAUSTED', details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '33.2s' }] } })
  const server = await serve(() => ({ status: 429, body }))
  const rig = await startRig({ attempts: 1, providers: () => [1, 2].map((n) => at(`vertex${n}`, vertex, `${server.url}/v1/projects/p/locations/l`, ['ya29.ready'])), closes: [server.close] })
  const post = (path: string, asks: object): Promise<Response> => fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' }, body: JSON.stringify(asks) })
  const chat = await post('/v1/chat/completions', { model: 'vertex1/gemini-2.5-flash', messages: [{ role: 'user', content: 'hi' }] })
  assert.deepEqual([chat.status, chat.headers.get('retry-after')], [429, '34'])
  const gemini = await post('/v1beta/models/vertex2%2Fgemini-2.5-flash:generateContent', { contents: [{ parts: [{ text: 'hi' }] }] })
  assert.deepEqual([gemini.status, gemini.headers.get('retry-after'), await gemini.text()], [429, '34', body])
})
