/** What chat completions can carry survives being written and read, whatever it is. MEGAROUTER_PROOF=1: 10,000 cases each. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, JsonObject } from '../../src/protocols/canonical.ts'
import { openaiChatCodec } from '../../src/protocols/openai-chat/codec.ts'
import type { Target } from '../../src/protocols/codec.ts'
import { spread } from '../../src/protocols/whole.ts'
import { chatAnswer, chatRequest, everyField } from './openai-chat.arbitrary.ts'
import { client, dataOf, decode, encode, request, source } from './openai-chat.harness.ts'

const numRuns = process.env['MEGAROUTER_PROOF'] === '1' ? 10_000 : 500
const whole = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

function requestSurvives(maker: string): void {
  const target: Target = { model: 'm', proofs: maker, mostOutputTokens: 0, reasoning: 'effort', dialect: new Set(everyField) }
  // Proofs of whoever defined the field need no seal; a vendor's own are read as that vendor's in its answers.
  fc.assert(fc.property(chatRequest(maker), (made: ChatRequest) => {
    const canonical = whole(made)
    const { body, losses } = openaiChatCodec.encodeRequest(canonical, target)
    assert.deepEqual(losses, [])
    assert.deepEqual(openaiChatCodec.decodeRequest(whole(body), {}), canonical)
  }), { numRuns })
}

test('a request survives, with the proofs of OpenRouter', () => requestSurvives('openrouter'))
test('a request survives, with the proofs of Google', () => requestSurvives('google'))

/** How long a vendor keeps a sound is no part of it. */
function withoutExpiry(answer: ChatAnswer): ChatAnswer {
  const choices = answer.choices.map((choice) => ({ ...choice, parts: choice.parts.map((part) => {
    if (part.type !== 'media') return part
    const { extras: _, ...rest } = part
    return rest
  }) }))
  return { ...answer, choices }
}

test('an answer survives, proofs of whomever included', () => {
  fc.assert(fc.property(chatAnswer.map(whole), (answer) => {
    const body = openaiChatCodec.encodeAnswer(answer, { ...client, request: { ...request, stream: false } })
    assert.deepEqual(withoutExpiry(openaiChatCodec.decodeAnswer(whole(body), source)), answer)
  }), { numRuns })
})

test('a stream survives, and says what the whole answer says', () => {
  fc.assert(fc.property(chatAnswer.map(whole), (answer) => {
    const text = encode(spread(answer))
    const { answer: again, collector } = decode(dataOf(text))
    assert.ok(collector.isOver)
    // A choice without a part is known by its end alone.
    assert.deepEqual({ ...again, choices: again.choices.toSorted((a, b) => a.index - b.index) }, answer)
  }), { numRuns })
})

test('a client that sends back what it got sends the proofs to their makers', () => {
  fc.assert(fc.property(chatAnswer.map(whole), (answer) => {
    const body = openaiChatCodec.encodeAnswer(answer, client)
    const { message } = (body['choices'] as JsonObject[])[0]!
    const back = openaiChatCodec.decodeRequest(whole({ model: 'm', messages: [message!] }), {})
    const proofs = (parts: ChatRequest['messages'][number]['parts']): unknown => parts.map((part) => ('proof' in part ? part.proof : undefined)).filter((proof) => proof !== undefined)
    assert.deepEqual(proofs(back.messages[0]!.parts), proofs(answer.choices[0]!.parts))
  }), { numRuns })
})
