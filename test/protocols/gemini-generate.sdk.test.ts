/** What we write is what Google's own library reads: answers, streams, errors within them, and the history that it keeps. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { ApiError, GoogleGenAI } from '@google/genai'
import type { ChatAnswer, ChatEvent, JsonObject, Part } from '../../src/protocols/canonical.ts'
import { geminiGenerate } from '../../src/protocols/gemini-generate/index.ts'
import { Collector, spread } from '../../src/protocols/whole.ts'
import { SseScanner } from '../../src/wire/sse-scanner.ts'
import { recordings } from '../fixtures/recorded.ts'

const codec = geminiGenerate.codec!
const client = { request: { model: 'm', stream: true, messages: [] }, id: 'req_1', nowS: 0 }
const turn: Part[] = [
  { type: 'reasoning', text: 'I think so.', proof: { by: 'anthropic', value: 'sig' } }, { type: 'text', text: 'Hello wörld' },
  { type: 'toolCall', id: 'toolu_1', name: 'read', arguments: '{"path":"a"}' }, { type: 'toolCall', id: 'toolu_2', name: 'read', arguments: '{"path":"b"}' },
]
const answer: ChatAnswer = { id: 'msg_1', model: 'claude', choices: [{ index: 0, parts: turn, stop: 'tool_calls' }], usage: { input: 10, cacheRead: 3, output: 5, reasoning: 2 } }

/** What the server answers, and whether it breaks off. */
let served: ChatAnswer = answer
let breaksOff = false
const asked: JsonObject[] = []
let server: Server
let ai: GoogleGenAI

before(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      asked.push(JSON.parse(text) as JsonObject)
      const isStream = request.url!.includes(':streamGenerateContent?alt=sse')
      response.setHeader('content-type', isStream ? 'text/event-stream' : 'application/json')
      if (!isStream) return response.end(JSON.stringify(codec.encodeAnswer(served, client)))
      response.write(geminiGenerate.keepAlive)
      const encoder = codec.encodeStream(client)
      for (const event of spread(served)) {
        response.write(encoder.write(event))
        if (breaksOff && event.type === 'delta') return response.end(geminiGenerate.errorEvent({ message: 'It broke.', status: 503, type: 'api_error', code: 'upstream_truncated', param: null, requestId: 'r', fault: null }))
      }
      response.end()
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  ai = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } })
})
after(() => server.close())

const calls = [{ id: 'toolu_1', name: 'read', args: { path: 'a' } }, { id: 'toolu_2', name: 'read', args: { path: 'b' } }]

test('a whole answer', async () => {
  const given = await ai.models.generateContent({ model: 'm', contents: 'hi' })
  assert.deepEqual([given.candidates![0]!.finishReason, given.responseId, given.modelVersion, given.usageMetadata!.totalTokenCount], ['STOP', 'msg_1', 'claude', 20])
  assert.deepEqual(given.functionCalls, calls)
})

test('a stream, and the turn that comes back from the history of a chat', async () => {
  const chat = ai.chats.create({ model: 'm' })
  const chunks = []
  for await (const chunk of await chat.sendMessageStream({ message: 'hi' })) chunks.push(chunk)
  assert.equal(chunks.map((chunk) => chunk.candidates![0]!.content!.parts!.map((part) => (part.thought ? '' : part.text ?? '')).join('')).join(''), 'Hello wörld')
  assert.deepEqual(chunks.flatMap((chunk) => chunk.functionCalls ?? []), calls)
  assert.deepEqual([chunks.at(-1)!.candidates![0]!.finishReason, chunks.at(-1)!.usageMetadata!.thoughtsTokenCount], ['STOP', 2])
  await chat.sendMessage({ message: calls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: 'ok' } } })) })
  assert.deepEqual(codec.decodeRequest(asked.at(-1)!, {}).messages, [
    { role: 'user', parts: [{ type: 'text', text: 'hi' }] }, { role: 'assistant', parts: turn },
    { role: 'tool', parts: calls.map(({ id, name }) => ({ type: 'toolResult', callId: id, name, parts: [{ type: 'text', text: 'ok' }] })) },
  ])
})

test('an error within a stream is raised', async () => {
  breaksOff = true
  await assert.rejects(async () => {
    for await (const _ of await ai.models.generateContentStream({ model: 'm', contents: 'hi' }));
  }, (error) => (error instanceof ApiError && error.status === 503) || /Incomplete JSON segment/.test(String(error)))
  breaksOff = false
})

test('recorded streams, written again', async () => {
  const recorded = [...recordings('gemini-generate').values()].filter(({ status, stream, framing }) => status === 200 && stream && framing !== 'json')
  for (const { id, body } of recorded.filter((_, index) => index % 6 === 0)) {
    const events: ChatEvent[] = []
    const decoder = codec.decodeStream({ proofs: 'google' })
    const scanner = new SseScanner(1 << 24, ({ data }) => decoder.event('', data!, events))
    scanner.push(body)
    scanner.end()
    decoder.end(events)
    const collector = new Collector()
    for (const event of events) collector.take(event)
    served = collector.answer
    let text = ''
    let reason: string | undefined
    const called: (string | undefined)[] = []
    for await (const chunk of await ai.models.generateContentStream({ model: 'm', contents: 'hi' })) {
      text += chunk.candidates![0]!.content!.parts!.map((part) => (part.thought ? '' : part.text ?? '')).join('')
      called.push(...(chunk.functionCalls ?? []).map(({ name }) => name))
      reason = chunk.candidates![0]!.finishReason ?? reason
    }
    const { parts } = served.choices[0]!
    assert.equal(text, parts.map((part) => (part.type === 'text' ? part.text : '')).join(''), id)
    assert.deepEqual(called, parts.filter((part) => part.type === 'toolCall').map(({ name }) => name), id)
    assert.match(reason!, /^(STOP|MAX_TOKENS)$/)
  }
  served = answer
})
