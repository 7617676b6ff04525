/** Real requests and answers of OpenAI, Azure, xAI, GitHub, LM Studio and others, through the canonical form and back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../src/protocols/canonical.ts'
import { BadRequest } from '../../src/protocols/codec.ts'
import { clientRequests } from '../fixtures/recorded.ts'
import { client, codec, exchanges, plainAnswer, plainRequest, source, target } from './openai-responses.fixture.ts'

const requests = [
  ...exchanges.filter((each) => each.requestBody !== null).map((each) => ({ id: each.id, status: each.status, body: JSON.parse(each.requestBody!) as JsonObject })),
  ...clientRequests().filter(({ method, path }) => method === 'POST' && path.endsWith('/responses')).map(({ id, body }) => ({ id, status: 200, body: JSON.parse(body) as JsonObject })),
]

test('every recorded request is the same after the canonical form', () => {
  assert.ok(requests.length > 440)
  for (const { id, status, body } of requests) {
    let request
    try {
      request = codec.decodeRequest(body, {})
    } catch (error) {
      assert.ok(error instanceof BadRequest && status === 400, `${id}: ${String(error)}`)
      continue
    }
    const { body: again, losses } = codec.encodeRequest(request, target(String(body['model'])))
    // OpenAI refuses a smaller limit (two of these three were).
    if (Number(body['max_output_tokens']) < 16) {
      assert.deepEqual(losses, [{ what: 'an output limit below 16', kind: 'hint' }])
      continue
    }
    assert.deepEqual(losses, [], id)
    assert.deepEqual(plainRequest(again), plainRequest(body), id)
  }
})

const answers = exchanges.filter(({ framing, status }) => framing === 'json' && status < 300).map(({ id, body }) => ({ id, body: JSON.parse(body.toString()) as JsonObject })).filter(({ body }) => body['output'] !== undefined)

test('every recorded answer is the same after the canonical form', () => {
  assert.ok(answers.length > 290)
  for (const { id, body } of answers) {
    const answer = codec.decodeAnswer(body, source)
    const again = plainAnswer(codec.encodeAnswer(answer, client()))
    // One that repeats nothing of its request is made to.
    if (!answer.extras) for (const key of Object.keys(again)) if (body[key] === undefined) delete again[key]
    assert.deepEqual(again, plainAnswer(body), id)
  }
})
