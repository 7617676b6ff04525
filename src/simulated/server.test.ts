import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import OpenAI from 'openai'
import { composeEmbeddings } from './embeddings.ts'
import { pieces } from './prose.ts'
import { seeded } from './random.ts'
import { sample } from './sample.ts'
import { startSimulated, type Simulated } from './server.ts'

let simulated: Simulated
let client: OpenAI
const waits: number[] = []
before(async () => {
  simulated = await startSimulated({ sleep: async (ms, signal) => { signal.throwIfAborted(); waits.push(ms) } })
  client = new OpenAI({ baseURL: `${simulated.address}/v1`, apiKey: 'unused', maxRetries: 0 })
})
after(() => simulated.close())

const ask = (content: string) => [{ role: 'user' as const, content }]

test('an answer says that it is simulated, and equal questions get equal answers', async () => {
  const [first, second] = await Promise.all([1, 2].map(() => client.chat.completions.create({ model: 'small', messages: ask('How far is the moon?') })))
  assert.match(first?.choices[0]?.message.content ?? '', /^This is a simulated answer.*How far is the moon\?/)
  assert.deepEqual(first?.choices, second?.choices)
  assert.equal(first?.choices[0]?.finish_reason, 'stop')
  const other = await client.chat.completions.create({ model: 'small', messages: ask('How far is the sun?') })
  assert.notEqual(other.choices[0]?.message.content, first?.choices[0]?.message.content)
})

test('a stream carries the same words, choices and usage as the whole answer', async () => {
  for (const model of ['small', 'reasoner']) {
    const body = { model, messages: ask('A question'), n: 2 }
    const whole = await client.chat.completions.create(body)
    const text = ['', '']
    let usage: unknown = null
    const finish: unknown[] = []
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } })) {
      for (const choice of chunk.choices) {
        text[choice.index] += choice.delta.content ?? ''
        if (choice.finish_reason !== null) finish[choice.index] = choice.finish_reason
      }
      usage = chunk.usage ?? usage
    }
    assert.deepEqual(text, whole.choices.map((choice) => choice.message.content))
    assert.deepEqual(finish, ['stop', 'stop'])
    assert.deepEqual(usage, whole.usage)
    assert.equal((whole.usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 0, model === 'reasoner')
  }
})

test('usage comes in a stream only when it was asked for', async () => {
  for await (const chunk of await client.chat.completions.create({ model: 'small', messages: ask('x'), stream: true })) assert.equal('usage' in chunk, false)
})

test('max_tokens bounds the completion exactly, reasoning included', async () => {
  for (const [model, limit] of [['small', 1], ['small', 7], ['reasoner', 5], ['reasoner', 60]] as const) {
    const answer = await client.chat.completions.create({ model, messages: ask('Be long'), max_completion_tokens: limit })
    assert.equal(answer.usage?.completion_tokens, limit)
    assert.equal(answer.choices[0]?.finish_reason, 'length')
  }
})

test('a stop sequence ends the answer before it', async () => {
  const answer = await client.chat.completions.create({ model: 'small', messages: ask('x'), stop: [' answer', 'never there'] })
  assert.equal(answer.choices[0]?.message.content, 'This is a simulated')
  assert.equal(answer.choices[0]?.finish_reason, 'stop')
})

test('a forced tool is called with arguments that fit its schema, streamed or not', async () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 2, maximum: 3 } }, required: ['city', 'days'] }
  const body = { model: 'large', messages: ask('Weather?'), tools: [{ type: 'function' as const, function: { name: 'weather', parameters } }], tool_choice: 'required' as const }
  const call = (await client.chat.completions.create(body)).choices[0]?.message.tool_calls?.[0]
  assert.ok(call?.type === 'function')
  assert.equal(call.function.name, 'weather')
  const args = JSON.parse(call.function.arguments) as { city: unknown; days: number }
  assert.equal(typeof args.city, 'string')
  assert.ok(args.days === 2 || args.days === 3)
  let streamed = ''
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) streamed += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? ''
  assert.equal(streamed, call.function.arguments)
})

test('structured output is JSON of the schema’s shape', async () => {
  const schema = {
    type: 'object', required: ['id', 'kind', 'list'],
    properties: { id: { type: 'string', format: 'uuid' }, kind: { enum: ['a', 'b'] }, list: { type: 'array', minItems: 2, items: { $ref: '#/$defs/part' } }, maybe: { anyOf: [{ type: 'null' }, { type: 'string' }] } },
    $defs: { part: { type: 'object', properties: { size: { type: 'number', exclusiveMinimum: 1, maximum: 2 } } } },
  }
  const answer = await client.chat.completions.create({ model: 'small', messages: ask('x'), response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } })
  const value = JSON.parse(answer.choices[0]?.message.content ?? '') as { id: string; kind: string; list: { size: number }[]; maybe: unknown }
  assert.match(value.id, /^[0-9a-f-]{36}$/)
  assert.ok(['a', 'b'].includes(value.kind) && value.list.length >= 2 && value.list.every((part) => part.size > 1 && part.size <= 2))
  assert.equal(value.maybe, null)
  const object = await client.chat.completions.create({ model: 'small', messages: ask('x'), response_format: { type: 'json_object' } })
  assert.equal((JSON.parse(object.choices[0]?.message.content ?? '') as { simulated: boolean }).simulated, true)
})

test('a schema that refers to itself ends, and any schema gives a JSON value', () => {
  const loop = { $ref: '#' }
  assert.ok(JSON.stringify(sample(seeded(1), loop)).length < 100)
  sample(seeded(1), { type: 'object', properties: { next: { $ref: '#' } } })
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (schema) => { assert.notEqual(JSON.stringify(sample(seeded(7), schema)), undefined) }))
})

test('pieces of a text are the text', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => { assert.equal(pieces(text).join(''), text) }))
})

test('completions and models answer in their own forms', async () => {
  const answer = await client.completions.create({ model: 'small', prompt: 'Once', max_tokens: 3 })
  assert.equal(answer.object, 'text_completion')
  assert.equal(answer.choices[0]?.finish_reason, 'length')
  let text = ''
  for await (const chunk of await client.completions.create({ model: 'small', prompt: 'Once', max_tokens: 3, stream: true })) text += chunk.choices[0]?.text ?? ''
  assert.equal(text, answer.choices[0]?.text)
  const ids = []
  for await (const model of client.models.list()) ids.push(model.id)
  assert.deepEqual(ids, ['small', 'large', 'reasoner', 'embedding'])
})

test('embeddings are unit vectors of the wanted size; base64 and lists are the same numbers; similar texts lie closer', async () => {
  const [near, nearer, far] = (await client.embeddings.create({ model: 'embedding', input: ['the cat sat on the mat', 'the cat sat on a mat', 'quarterly revenue'], dimensions: 256 })).data.map((row) => row.embedding)
  assert.ok(near && nearer && far)
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
  assert.equal(near.length, 256)
  assert.ok(Math.abs(dot(near, near) - 1) < 1e-5)
  assert.ok(dot(near, nearer) > dot(near, far))
  const list = composeEmbeddings({ model: 'embedding', input: 'the cat sat on the mat', dimensions: 256 }) as { data: { embedding: number[] }[] }
  assert.deepEqual(list.data[0]?.embedding, near)
})

test('bad bodies are refused in the OpenAI form', async () => {
  const post = async (path: string, body: string) => {
    const response = await fetch(`${simulated.address}${path}`, { method: 'POST', body })
    return { status: response.status, error: ((await response.json()) as { error: { message: string; param: string | null; code: string | null } }).error }
  }
  const chat = '/v1/chat/completions'
  assert.equal((await post(chat, '{')).status, 400)
  assert.equal((await post(chat, '[]')).status, 400)
  assert.deepEqual([(await post(chat, '{"model":"gpt"}')).status, (await post(chat, '{"model":"gpt"}')).error.code], [404, 'model_not_found'])
  assert.equal((await post(chat, '{"model":"__proto__"}')).status, 404)
  assert.equal((await post(chat, '{"model":"small"}')).error.param, 'messages')
  assert.equal((await post(chat, '{"model":"small","messages":[1]}')).error.param, 'messages[0]')
  assert.equal((await post(chat, '{"model":"small","messages":[{"role":"user"}],"n":0}')).error.param, 'n')
  assert.equal((await post(chat, '{"model":"small","messages":[{"role":"user"}],"max_tokens":1.5}')).error.param, 'max_tokens')
  assert.equal((await post(chat, '{"model":"small","messages":[{"role":"user"}],"tool_choice":"required"}')).error.param, 'tool_choice')
  assert.equal((await post(chat, '{"model":"embedding","messages":[{"role":"user"}]}')).status, 400)
  assert.equal((await post('/v1/embeddings', '{"model":"embedding","input":[]}')).status, 400)
  assert.equal((await post('/v1/nothing', '{}')).status, 404)
})

test('a client that leaves ends its answer', async () => {
  let aborted = (): void => {}
  const ended = new Promise<void>((resolve) => { aborted = resolve })
  const slow = await startSimulated({
    sleep: (_ms, signal) => new Promise((_, reject) => {
      signal.addEventListener('abort', () => { aborted(); reject(signal.reason) })
      request.destroy()
    }),
  })
  const request = httpRequest(`${slow.address}/v1/chat/completions`, { method: 'POST' })
  request.on('error', () => {})
  request.end(JSON.stringify({ model: 'small', messages: ask('x') }))
  await ended
  await slow.close()
})

test('tokens are paced by the model, the first one within its bounds', async () => {
  waits.length = 0
  for await (const _ of await client.chat.completions.create({ model: 'large', messages: ask('x'), stream: true }));
  const [first = 0, ...rest] = waits
  assert.ok(first >= 210 && first <= 480, String(first))
  assert.ok(rest.length > 10 && rest.every((ms) => ms === 30))
})

test('it listens on a socket, replacing a file that a killed process left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'simulated-'))
  const socketPath = join(folder, 's.sock')
  writeFileSync(socketPath, '')
  const server = await startSimulated({ socketPath })
  const status = await new Promise((resolve, reject) => {
    httpRequest({ socketPath, path: '/v1/models' }, (response) => { response.resume(); resolve(response.statusCode) }).on('error', reject).end()
  })
  assert.equal(status, 200)
  await server.close()
  rmSync(folder, { recursive: true })
})
