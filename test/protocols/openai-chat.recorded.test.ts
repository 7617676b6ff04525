/** All recorded chats of all vendors, and all requests of real clients, through the codec of their format. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatAnswer, ChatEvent, JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest } from '../../src/protocols/codec.ts'
import { openaiChatCodec } from '../../src/protocols/openai-chat/codec.ts'
import type { Target } from '../../src/protocols/codec.ts'
import { decodeUsage } from '../../src/protocols/openai-chat/usage.ts'
import { spread } from '../../src/protocols/whole.ts'
import { recordedExchanges, recordedRequests, type RecordedExchange } from '../fixtures/recorded.ts'
import { client, dataOf, decode, encode, readBySdks, request, source } from './openai-chat.harness.ts'
import { answerRules, byRules, dialects, requestRules } from './openai-chat.same.ts'

const chats = [...recordedExchanges().values()].filter(({ endpoint }) => endpoint === 'chat.completions')
const answered = chats.filter(({ status }) => status === 200)

function targetOf(provider: string): Target {
  return { model: 'm', proofs: provider, mostOutputTokens: 0, reasoning: 'effort', dialect: new Set(dialects[provider]) }
}

/** What the vendor refused, and why it can't be read. */
const unreadable = new Map([['3cb3919acb717f36', 'temperature']])
/** Members that OpenAI has no form for: the request says which are lost. */
const lost = new Set(['a number of tokens to think with, which is asked for as an effort', 'how much of the thought is shown', 'whether tools are called in parallel, since there is none'])

test('a recorded request is the same after it was read and written', () => {
  const bodies = [...chats.filter(({ requestBody }) => requestBody !== null).map(({ id, provider, requestBody }) => ({ id, provider, text: requestBody! })),
    ...recordedRequests().filter(({ path }) => path.endsWith('chat/completions')).map(({ id, body }) => ({ id, provider: 'client', text: body }))]
  assert.ok(bodies.length > 1900)
  for (const { id, provider, text } of bodies) {
    const body = JSON.parse(text) as JsonObject
    const param = unreadable.get(id)
    if (param !== undefined) {
      assert.throws(() => openaiChatCodec.decodeRequest(body, {}), (error) => error instanceof BadRequest && error.param === param)
      continue
    }
    const decoded = openaiChatCodec.decodeRequest(body, {})
    const { body: again, losses } = openaiChatCodec.encodeRequest(decoded, targetOf(provider))
    assert.deepEqual(byRules(again, []), byRules(body, requestRules), `${id} of ${provider}`)
    assert.deepEqual(losses.filter(({ what }) => !lost.has(what)), [], `${id} of ${provider}`)
    assert.deepEqual(openaiChatCodec.decodeRequest(again, {}), openaiChatCodec.decodeRequest(openaiChatCodec.encodeRequest(openaiChatCodec.decodeRequest(again, {}), targetOf(provider)).body, {}), id)
  }
})

test('a recorded answer is the same after it was read and written', () => {
  const plain = answered.filter(({ framing }) => framing === 'json')
  assert.ok(plain.length > 1100)
  for (const { id, provider, body: bytes } of plain) {
    const body = JSON.parse(bytes.toString()) as JsonObject
    const answer = openaiChatCodec.decodeAnswer(body, source)
    assert.ok(answer.choices.length > 0 && answer.choices.every(({ stop, parts }) => stop !== undefined && (parts.length > 0 || stop !== 'end' || isSilent(body))), `${id} of ${provider}`)
    const again = openaiChatCodec.encodeAnswer(answer, { ...client, request: { ...request, stream: false } })
    assert.deepEqual(byRules(again, answerRules), byRules(body, answerRules), `${id} of ${provider}`)
    assert.deepEqual(decodeUsage(again['usage'])?.usage, answer.usage, id)
    assert.deepEqual(openaiChatCodec.decodeAnswer(again, source).choices, openaiChatCodec.decodeAnswer(openaiChatCodec.encodeAnswer(openaiChatCodec.decodeAnswer(again, source), client), source).choices, id)
  }
})

/** The model was done without a word. */
const isSilent = (body: JsonObject): boolean => JSON.stringify(body['choices']).includes('"content":""') || JSON.stringify(body['choices']).includes('"content":null')

/** Of each choice at most one part is open, deltas belong to an open part, and nothing follows the end. */
function assertGrammar(events: readonly ChatEvent[], id: string): void {
  const open = new Set<number>()
  let isOver = false
  for (const event of events) {
    assert.ok(!isOver, `${id}: ${event.type} after the end`)
    if (event.type === 'end' || event.type === 'error') isOver = true
    if (event.type === 'part') assert.ok(!open.has(event.choice), `${id}: two parts are open`)
    if (event.type === 'part') open.add(event.choice)
    if (/^(delta|summary|proof|citation|media|partEnd)$/.test(event.type) && 'choice' in event) assert.ok(open.has(event.choice), `${id}: ${event.type} of no part`)
    if (event.type === 'partEnd') open.delete(event.choice)
  }
  assert.equal(open.size, 0, `${id}: a part stays open`)
}

interface Told { content: string; thought: string; refusal: string; calls: string[]; finish: string }

/** What the chunks say, added up without the codec. */
function told(data: readonly string[]): Map<number, Told> {
  const found = new Map<number, Told & { parts: Map<string, string> }>()
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  for (const each of data) {
    if (each === '[DONE]') continue
    const { choices = [] } = JSON.parse(each) as { choices?: { index: number; delta?: Record<string, unknown>; finish_reason?: string | null }[] }
    for (const { index, delta = {}, finish_reason: finish } of choices) {
      const choice = found.get(index) ?? { content: '', thought: '', refusal: '', calls: [], finish: '', parts: new Map<string, string>() }
      found.set(index, choice)
      const lists = Array.isArray(delta['content']) ? (delta['content'] as { text?: string; thinking?: { text: string }[] }[]) : []
      choice.content += text(delta['content']) + lists.map((part) => text(part.text)).join('')
      choice.thought += (text(delta['reasoning_content']) || text(delta['reasoning'])) + lists.flatMap(({ thinking = [] }) => thinking.map((part) => part.text)).join('')
      choice.refusal += text(delta['refusal'])
      for (const [at, call] of ((delta['tool_calls'] ?? []) as { index?: number; id?: string; function: { name?: string; arguments?: string } }[]).entries()) {
        const key = String(call.index ?? at)
        choice.parts.set(key, (choice.parts.get(key) ?? '') + text(call.function.name) + (call.function.name ? '(' : '') + text(call.function.arguments))
      }
      choice.finish = finish || choice.finish
    }
  }
  return new Map([...found].map(([index, { parts, ...choice }]) => [index, { ...choice, calls: [...parts.values()] }]))
}

function toldOf({ choices }: ChatAnswer): Map<number, Told> {
  return new Map(choices.map(({ index, parts, stop, nativeStop }) => {
    const texts = (type: string): string => parts.map((part) => (part.type === type && 'text' in part ? part.text ?? '' : '')).join('')
    const thought = parts.map((part) => (part.type === 'reasoning' ? part.text ?? part.summary?.join('') ?? '' : '')).join('')
    const finish = { end: 'stop', refusal: 'stop', length: 'length', tool_calls: 'tool_calls', content_filter: 'content_filter' }[String(stop)] ?? nativeStop ?? ''
    return [index, { content: texts('text'), thought, refusal: texts('refusal'), calls: parts.filter((part) => part.type === 'toolCall').map((part) => `${part.name}(${part.arguments}`), finish }]
  }))
}

const streams = (): RecordedExchange[] => answered.filter(({ framing }) => framing !== 'json')

test('a recorded stream says what its chunks say, and the same after it was written and read again', () => {
  const recorded = streams()
  assert.ok(recorded.length > 590)
  let failed = 0
  for (const { id, provider, body } of recorded) {
    const data = dataOf(body.toString())
    const { answer, events, collector } = decode(data)
    assertGrammar(events, id)
    if (collector.error) {
      failed++
      continue
    }
    assert.ok(collector.isOver, `${id} of ${provider} has no end`)
    assert.deepEqual(toldOf(answer), told(data), `${id} of ${provider}`)
    const again = decode(dataOf(encode(events)))
    assertGrammar(again.events, id)
    assert.deepEqual(again.answer, asWritten(answer), `${id} of ${provider}`)
    assert.deepEqual(decode(dataOf(encode(spread(answer)))).answer, asWritten(answer), `${id} of ${provider}, spread`)
  }
  assert.equal(failed, 1)
})

/** As a client may tell it: with an id, by OpenAI's names of tiers, and with what a search found as sources of the whole text. */
function asWritten(answer: ChatAnswer): ChatAnswer {
  const copy = structuredClone({ ...answer, id: answer.id || 'chatcmpl-x', ...answer.serviceTier === 'on_demand' && { serviceTier: 'default' } })
  for (const { parts } of copy.choices) for (const part of parts) {
    if (part.type === 'text' && part.citations) part.citations = part.citations.map(({ native, ...citation }) => (native?.value['list'] ? { ...citation, start: 0, end: part.text.length } : { ...citation, ...native && { native } }))
  }
  return copy
}

/** The SDKs keep the last of members that they don't know, and add what they parsed. */
function asRead(answer: JsonObject): JsonObject {
  const copy = structuredClone(answer)
  if (copy['usage'] === null) Reflect.deleteProperty(copy, 'usage')
  for (const choice of copy['choices'] as JsonObject[]) {
    const message = choice['message'] as JsonObject
    for (const key of ['reasoning_content', 'reasoning_details', 'parsed']) Reflect.deleteProperty(message, key)
    // Of an answer without words a stream has no content.
    if (message['content'] === '') message['content'] = null
  }
  return copy
}

const proof = process.env['MEGAROUTER_PROOF'] === '1'

test('the official SDKs read a written stream as the written answer', async () => {
  for (const { id, provider, body } of streams().filter((_, index) => proof || index % 4 === 0)) {
    const { answer, events, collector } = decode(dataOf(body.toString()))
    if (collector.error) continue
    const whole = openaiChatCodec.encodeAnswer(answer, client)
    for (const { sdk, answer: read } of await readBySdks(encode(events), true)) assert.deepEqual(asRead(read), asRead(whole), `${id} of ${provider}, ${sdk}`)
  }
})

test('the official SDKs read a written answer as it is', async () => {
  for (const { id, body } of answered.filter(({ framing }) => framing === 'json').filter((_, index) => index % 20 === 0)) {
    const whole = openaiChatCodec.encodeAnswer(openaiChatCodec.decodeAnswer(JSON.parse(body.toString()) as JsonObject, source), client)
    for (const { sdk, answer: read } of await readBySdks(JSON.stringify(whole), false)) assert.deepEqual(read, whole, `${id}, ${sdk}`)
  }
})
